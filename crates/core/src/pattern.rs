//! Texts with wildcards: `*` is any text, `?` any character, `[a-f]` one of a set, `[!a-f]` one that is not in it.

use crate::name::fold;

/// Whether a text has wildcards.
pub fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

/// Texts that look alike. Case counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(Vec<Part>);

/// Names that look alike. Case doesn't count, as it doesn't in names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamePattern(Pattern);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    /// Any text.
    Any,
    /// Any character.
    One,
    Character(char),
    Set {
        is_negated: bool,
        /// From and to, both included.
        ranges: Vec<(char, char)>,
    },
}

impl NamePattern {
    /// Reads a pattern, as [`Pattern::new`] does.
    pub fn new(text: &str) -> Self {
        Self(Pattern::new(&fold(text)))
    }

    /// Whether a name is one of these.
    pub fn matches(&self, name: &str) -> bool {
        self.0.matches(&fold(name))
    }
}

impl Pattern {
    /// Reads a pattern. A bracket that is never closed stands for itself; one right after the opening one is in the set.
    pub fn new(text: &str) -> Self {
        let characters: Vec<char> = text.chars().collect();
        let mut parts = Vec::new();
        let mut rest = characters.as_slice();
        while let [first, after @ ..] = rest {
            rest = after;
            parts.push(match first {
                '*' => Part::Any,
                '?' => Part::One,
                '[' => match set(after) {
                    Some((set, after)) => {
                        rest = after;
                        set
                    }
                    None => Part::Character('['),
                },
                other => Part::Character(*other),
            });
        }
        Self(parts)
    }

    /// Whether a text is one of these.
    pub fn matches(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        let (mut part, mut at) = (0, 0);
        // What follows the last star, and how much of the text it has taken. Those before it never need to take more.
        let mut star: Option<(usize, usize)> = None;
        loop {
            match (self.0.get(part), text.get(at)) {
                (None, None) => return true,
                (Some(Part::Any), _) => {
                    part += 1;
                    star = Some((part, at));
                }
                (Some(one), Some(c)) if one.takes(*c) => (part, at) = (part + 1, at + 1),
                _ => {
                    let Some((after, taken)) = star.filter(|(_, taken)| *taken < text.len()) else {
                        return false;
                    };
                    star = Some((after, taken + 1));
                    (part, at) = (after, taken + 1);
                }
            }
        }
    }
}

impl Part {
    fn takes(&self, c: char) -> bool {
        match self {
            Self::Any => false,
            Self::One => true,
            Self::Character(own) => *own == c,
            Self::Set { is_negated, ranges } => {
                ranges.iter().any(|(low, high)| (*low..=*high).contains(&c)) != *is_negated
            }
        }
    }
}

/// The set that begins after a bracket, and what follows it; `None` if it never ends.
fn set(text: &[char]) -> Option<(Part, &[char])> {
    let (is_negated, text) = match text {
        ['!', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    let end = 1 + text.get(1..)?.iter().position(|c| *c == ']')?;
    let (mut members, mut ranges) = (&text[..end], Vec::new());
    loop {
        members = match members {
            [low, '-', high, rest @ ..] => {
                ranges.push((*low, *high));
                rest
            }
            [one, rest @ ..] => {
                ranges.push((*one, *one));
                rest
            }
            [] => return Some((Part::Set { is_negated, ranges }, &text[end + 1..])),
        };
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn wildcards_stand_for_what_they_say() {
        for (pattern, yes, no) in [
            ("web", &["web", "WEB"][..], &["web-1", "we"][..]),
            ("web-*", &["web-1", "Web-", "web-a-b"], &["web", "aweb-1"]),
            ("*-db", &["a-db", "-db", "x-db-db"], &["db", "a-db-"]),
            ("a*b*c", &["abc", "a--b--c", "abcbc"], &["acb", "ab"]),
            ("?", &["a", "\u{fc}"], &["", "ab"]),
            ("web-[1-3x]", &["web-1", "web-3", "WEB-X"], &["web-4", "web--", "web-11"]),
            ("web-[!1-3]", &["web-4", "web-z"], &["web-2", "web-"]),
            ("[]a]", &["]", "a"], &["b", "[]a]"]),
            ("[a-]", &["a", "-"], &["b"]),
            ("GR\u{dc}N*", &["gr\u{fc}n", "gr\u{fc}nes"], &["grun"]),
            ("open[", &["open["], &["open", "openx"]),
            ("*", &["", "anything"], &[]),
        ] {
            let read = NamePattern::new(pattern);
            for name in yes {
                assert!(read.matches(name), "{pattern} {name}");
            }
            for name in no {
                assert!(!read.matches(name), "{pattern} {name}");
            }
        }
    }

    proptest! {
        /// A star may stand for any piece of a name.
        #[test]
        fn a_star_takes_any_piece(before in "[a-z]{0,5}", piece in "\\PC{0,8}", after in "[a-z]{0,5}") {
            let pattern = NamePattern::new(&format!("{before}*{after}"));
            let name = format!("{before}{piece}{after}");
            prop_assert!(pattern.matches(&name));
            prop_assert_eq!(NamePattern::new(&format!("{before}?{after}")).matches(&name), fold(&piece).chars().count() == 1);
        }

        #[test]
        fn every_text_is_a_pattern_and_every_answer_comes(pattern in "[ab*?\\[\\]!-]{0,12}", name in "[ab\\[-]{0,12}") {
            let _ = NamePattern::new(&pattern).matches(&name);
        }
    }
}
