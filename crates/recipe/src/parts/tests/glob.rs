use std::path::Path;

use svckit_core::pattern::Pattern;

use super::machine::Pretended;
use crate::parts::glob::expand;

fn matches(pattern: &str, name: &str) -> bool {
    Pattern::new(pattern).matches(name)
}

fn expanded(pattern: &str) -> Vec<String> {
    let files =
        ["/s/src/b/setup.py", "/s/src/a.x/setup.py", "/s/src/.git/x", "/s/demo/setup.py", "/s/[x]/setup.py"];
    let machine = Pretended::new(files.map(|file| (file, "")));
    let paths = expand(Path::new("/s/."), pattern, &machine);
    paths.iter().map(|path| path.to_str().unwrap().to_owned()).collect()
}

#[test]
fn wildcards_stand_for_what_is_there() {
    assert_eq!(expanded("demo/"), ["/s/demo"]);
    assert_eq!(expanded("./missing"), ["/s/missing"]);
    assert_eq!(expanded("src/*"), ["/s/src/a.x", "/s/src/b"]);
    assert_eq!(expanded("/s/s?c/[!a]"), ["/s/src/b"]);
    assert_eq!(expanded("*/[a-z]*x"), ["/s/src/a.x"]);
    assert_eq!(expanded("src/.g*"), ["/s/src/.git"]);
    assert_eq!(expanded("[x]"), ["/s/[x]"]);
    assert!(expanded("none*/x").is_empty());
}

#[test]
fn names_match_or_do_not() {
    for (pattern, name) in [
        ("*", ""),
        ("a*b*", "axxb"),
        ("[]x]", "]"),
        ("[a", "[a"),
        ("?", "\u{e9}"),
        ("*ab*b?", "aabaabb"),
        ("*\u{e9}*", "x\u{e9}"),
        ("**a**", "a"),
        ("a*[bc]", "abxc"),
    ] {
        assert!(matches(pattern, name), "{pattern} {name}");
    }
    for (pattern, name) in [
        ("?", ""),
        ("a", "ab"),
        ("[!a]", "a"),
        ("[b-a]", "a"),
        ("a*c", "ab"),
        ("*ab*b?", "aab"),
        ("*a*a", "ab"),
        ("[!a]*", "ab"),
    ] {
        assert!(!matches(pattern, name), "{pattern} {name}");
    }
}

#[test]
fn many_stars_take_no_time() {
    let name = "a".repeat(255);
    assert!(!matches(&"*a".repeat(60), &format!("{name}b")));
    assert!(matches(&"*a".repeat(60), &name));
}
