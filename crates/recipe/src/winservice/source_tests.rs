use super::*;

/// The values that are assigned to `A` and `B`, or what is wrong with them.
fn values(text: &str) -> Vec<Result<String, &'static str>> {
    assignments(text, &["A", "B"]).into_iter().map(|assignment| assignment.value).collect()
}

fn value(literal: &str) -> Result<String, &'static str> {
    let found = values(&format!("A = {literal}"));
    assert_eq!(found.len(), 1, "{literal}");
    found.into_iter().next().unwrap()
}

#[test]
fn literals_of_every_kind() {
    for (literal, expected) in [
        (r"r'C:\new\'", None),
        (r"r'C:\new'", Some(r"C:\new")),
        (r#"R"it's""#, Some("it's")),
        (r"r'it\'s'", Some(r"it\'s")),
        (r"u'\u20ac'", Some("\u{20ac}")),
        (r#"'a' "b" r'\c' # why"#, Some(r"ab\c")),
        ("'a'; print('x')", Some("a")),
        ("'a' \t", Some("a")),
        ("''", Some("")),
        ("'''a\n'b'\n'''", Some("a\n'b'\n")),
        (r#"r"""a\""""#, None),
        ("'a\\\nb'", Some("ab")),
        (r"'\a\b\f\n\r\t\v\\\'\0\x41\101\8\q'", Some("\u{7}\u{8}\u{c}\n\r\t\u{b}\\'\0AA\\8\\q")),
        (r"'\U0001f40d'", Some("\u{1f40d}")),
        (r"'\1234'", Some("S4")),
    ] {
        assert_eq!(value(literal).ok().as_deref(), expected, "{literal}");
    }
}

#[test]
fn what_is_no_literal_is_told() {
    for (literal, expected) in [
        ("os.path.join('a', 'b')", NO_STRING),
        ("None", NO_STRING),
        ("", NO_STRING),
        ("b'x'", NO_STRING),
        ("f'x'", NO_STRING),
        ("'a' + 'b'", NO_STRING),
        ("'a' % b", NO_STRING),
        ("('a')", NO_STRING),
        ("r'it's'", NO_STRING),
        ("'a\nb'", UNCLOSED),
        ("'''a", UNCLOSED),
        (r"'\x4'", BAD_ESCAPE),
        (r"'\u12x4'", BAD_ESCAPE),
        (r"'\N{DASH}'", NAMED_ESCAPE),
        (r"'\ud800'", NO_CHARACTER),
        (r"'\Uffffffff'", NO_CHARACTER),
    ] {
        assert_eq!(value(literal), Err(expected), "{literal}");
    }
}

#[test]
fn only_statements_at_the_margin_count() {
    let text = r#"'''A = 'in a string'
A = 'still'
'''
# A = 'in a comment'
if x:
    A = 'in a block'
f(
A = 'in brackets')
x = [ # (
A == 'compared']
y = 1 + \
A
A.b = 'another'
AA = 'a longer name'
A == 'compared'
"it's" 'x' # '''
B='b'
A	=	r'\'  # open
A = 'at last'
"#;
    assert_eq!(values(text), [Ok("b".to_owned()), Err(UNCLOSED), Ok("at last".to_owned())]);
}

#[test]
fn spans_are_those_of_the_values() {
    let text = "\u{e9} = 1\nA = 'a' 'b' # c\nB = None # d";
    let found: Vec<_> =
        assignments(text, &["A", "B"]).iter().map(|one| &text[one.span.start..one.span.end]).collect();
    assert_eq!(found, ["'a' 'b'", "None # d"]);
}
