//! How values are written in `.installed.cfg` so that they come back as they were.
//!
//! zc.buildout strips lines of a value, leaves empty ones out, and keeps what it would lose as `%(__buildout_space__)s` and the like. What these forms can't
//! say (a tab at the end of a line, or such a form itself) is written as `%(__svc_HEX__)s`, the character's number.

/// What zc.buildout writes.
const SPACES: &[(char, &str)] = &[
    (' ', "%(__buildout_space__)s"),
    ('\n', NEWLINE),
    ('\r', "%(__buildout_space_r__)s"),
    ('\x0c', "%(__buildout_space_f__)s"),
    ('\x0b', "%(__buildout_space_v__)s"),
];

const NEWLINE: &str = "%(__buildout_space_n__)s";
const START: &str = "%(__svc_";
const END: &str = "__)s";

/// A value as it is written after `=`, with its further lines.
pub(super) fn written(value: &str) -> String {
    let mut text = String::new();
    let mut is_first = true;
    // Whether the line that is being written has something on it.
    let mut is_filled = false;
    for line in value.split('\n') {
        let line = self::line(line);
        match (is_first, is_filled && !line.is_empty()) {
            (true, _) => {}
            (false, true) => text.push_str("\n\t"),
            (false, false) => text.push_str(NEWLINE),
        }
        is_filled = !is_first || !line.is_empty();
        is_first = false;
        text.push_str(&line);
    }
    text
}

/// One item of a list, which has a line for itself.
pub(super) fn item(item: &str) -> String {
    let lines: Vec<_> = item.split('\n').map(line).collect();
    lines.join(&hexadecimal('\n'))
}

/// The value that was written; its lines are stripped and joined by newlines.
pub(super) fn read(raw: &str) -> String {
    unnumbered(&spaces(raw))
}

/// The items of a list that was written with a line for each.
pub(super) fn read_list(raw: &str) -> Vec<String> {
    spaces(raw).split('\n').filter(|item| !item.is_empty()).map(unnumbered).collect()
}

/// A line without the blanks that reading takes away.
pub(super) fn trim(line: &str) -> &str {
    line.trim_matches([' ', '\t', '\r', '\n'])
}

fn line(line: &str) -> String {
    let start = line.len() - line.trim_start().len();
    let end = line.trim_end().len();
    let mut text = String::with_capacity(line.len());
    for (at, c) in line.char_indices() {
        let is_outer = at < start || at >= end;
        let is_form = c == '%' && line[at..].starts_with("%(__");
        match SPACES.iter().find(|(space, _)| *space == c) {
            Some((_, form)) if is_outer || c != ' ' => text.push_str(form),
            None if is_outer || is_form || c != '\t' && c.is_control() => text.push_str(&hexadecimal(c)),
            _ => text.push(c),
        }
    }
    text
}

fn hexadecimal(c: char) -> String {
    format!("{START}{:x}{END}", u32::from(c))
}

fn spaces(raw: &str) -> String {
    if !raw.contains("%(") {
        return raw.to_owned();
    }
    SPACES
        .iter()
        .fold(raw.to_owned(), |text, (space, form)| text.replace(form, space.encode_utf8(&mut [0; 4])))
}

fn unnumbered(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(START) {
        plain.push_str(before);
        let number = after.split_once(END);
        let c = number.and_then(|(number, _)| u32::from_str_radix(number, 16).ok()).and_then(char::from_u32);
        match (c, number) {
            (Some(c), Some((_, after))) => {
                plain.push(c);
                rest = after;
            }
            // Nobody writes that; it stands for itself.
            _ => {
                plain.push_str(START);
                rest = after;
            }
        }
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// As the lines of a file are joined when they are read.
    fn lines_joined(text: &str) -> String {
        text.split('\n').map(trim).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn values_are_written_as_zc_buildout_does() {
        let two_lines = written("  lead\n\n  two  ");
        assert_eq!(
            two_lines,
            "%(__buildout_space__)s%(__buildout_space__)slead%(__buildout_space_n__)s\n\t\
             %(__buildout_space__)s%(__buildout_space__)stwo%(__buildout_space__)s%(__buildout_space__)s"
        );
        assert_eq!(written("one\ntwo"), "one\n\ttwo");
        assert_eq!(written("100%% 5% $${a:b} %(foo)s"), "100%% 5% $${a:b} %(foo)s");
        assert_eq!(written("\na"), "%(__buildout_space_n__)sa");
        assert_eq!(written("a\n"), "a%(__buildout_space_n__)s");
    }

    #[test]
    fn what_looks_like_a_form_is_itself() {
        for value in ["%(__buildout_space__)s", "%(__svc_20__)s", "%%(__svc_", "%(__svc_zz__)s"] {
            assert_eq!(read(&lines_joined(&written(value))), value);
        }
        // A form that nobody wrote.
        assert_eq!(read("%(__svc_110000__)s %(__svc_"), "%(__svc_110000__)s %(__svc_");
    }

    fn awkward() -> impl Strategy<Value = String> {
        let pieces = prop_oneof![
            Just("\n".to_owned()),
            Just(" ".to_owned()),
            Just("\t\r".to_owned()),
            Just("%(__buildout_space_n__)s".to_owned()),
            Just("%(__svc_a__)s".to_owned()),
            Just("%".to_owned()),
            Just("\u{85}\u{a0}".to_owned()),
            any::<String>(),
        ];
        prop::collection::vec(pieces, 0..8).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn any_value_comes_back(value in awkward()) {
            prop_assert_eq!(read(&lines_joined(&written(&value))), value);
        }

        #[test]
        fn any_list_comes_back(items in prop::collection::vec(awkward().prop_filter("empty", |item| !item.is_empty()), 0..4)) {
            let text = items.iter().map(|one| item(one)).collect::<Vec<_>>().join("\n\t");
            prop_assert_eq!(read_list(&lines_joined(&text)), items);
        }
    }
}
