//! Lists of machines: a file with a service control manager on each line, in groups.
//!
//! ```text
//! # what comes before the first group is in none
//! gate.example
//! [web]
//! web[01:20].example      # web01.example to web20.example
//! [databases]
//! db-[a:c]
//! ```

use svckit_core::pattern::NamePattern;

use crate::definition::Span;
use crate::diagnostic::{Diagnostic, Diagnostics, Source};

/// The most machines of a list, so that a range with a digit too many is told and not tried.
pub const MOST: usize = 100_000;

/// The machines of a file, in its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hosts {
    source: Source,
    all: Vec<Host>,
}

/// A machine of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// Its service control manager, as people write it after `--scm`.
    pub target: String,
    /// The group it is in.
    pub group: Option<String>,
    /// Where it is in the file.
    pub span: Span,
}

impl Hosts {
    /// Reads a list.
    ///
    /// ```
    /// # use svckit_recipe::{Source, hosts::Hosts};
    /// let list = Hosts::read(Source::new("hosts.txt", "[web]\nweb[1:3]\n[db]\ndb")).unwrap();
    /// let named = |pattern| list.selected(pattern).map(|host| host.target.as_str()).collect::<Vec<_>>();
    /// assert_eq!(named("web"), ["web1", "web2", "web3"]);
    /// assert_eq!(named("*"), ["web1", "web2", "web3", "db"]);
    /// ```
    pub fn read(source: Source) -> Result<Self, Diagnostics> {
        let (mut all, mut wrong, mut group) = (Vec::new(), Vec::new(), None);
        for (line, span) in source.trimmed_lines() {
            let text = without_comment(line);
            let span = Span { start: span.start, end: span.start + text.len() };
            match Line::of(text) {
                Line::Empty => {}
                Line::Group(name) if is_group(name) => group = Some(name.to_owned()),
                Line::Group(name) => {
                    let help = "a group is called by letters, digits, \"-\", \"_\" and \".\", such as [web]";
                    wrong.push(source.diagnostic(
                        span,
                        format!("{name:?} can't be the name of a group"),
                        Some(help.into()),
                    ));
                }
                Line::Machine(text) => match expanded(text, MOST - all.len()) {
                    Ok(targets) => all.extend(targets.into_iter().map(|target| Host {
                        target,
                        group: group.clone(),
                        span,
                    })),
                    Err(error) => {
                        wrong.push(error.at(&source, span));
                        if matches!(error, RangeError::TooMany) {
                            break;
                        }
                    }
                },
            }
        }
        match Diagnostics::new(wrong) {
            Some(wrong) => Err(wrong),
            None => Ok(Self { source, all }),
        }
    }

    /// The file that was read.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// All machines, one that is in several groups several times.
    pub fn all(&self) -> &[Host] {
        &self.all
    }

    /// The machines of a group, or if there is none of that name, those whose names look like a pattern; case doesn't count.
    pub fn selected<'a>(&'a self, pattern: &str) -> impl Iterator<Item = &'a Host> + use<'a> {
        let named =
            |host: &Host| host.group.as_deref().is_some_and(|group| group.eq_ignore_ascii_case(pattern));
        let group = self.all.iter().find(|host| named(host)).and_then(|host| host.group.clone());
        let pattern = NamePattern::new(pattern);
        self.all.iter().filter(move |host| match &group {
            Some(group) => host.group.as_ref().is_some_and(|other| other.eq_ignore_ascii_case(group)),
            None => pattern.matches(host.target.trim_start_matches('\\')),
        })
    }
}

enum Line<'a> {
    Empty,
    Group(&'a str),
    Machine(&'a str),
}

impl<'a> Line<'a> {
    fn of(text: &'a str) -> Self {
        if text.is_empty() {
            return Self::Empty;
        }
        // What has a colon in the brackets is the address of a machine: [::1].
        match text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
            Some(name) if !name.contains([':', '[']) => Self::Group(name.trim()),
            _ => Self::Machine(text),
        }
    }
}

/// A comment begins with `#` or `;` at the begin of a line or after a blank: a path may have one within.
fn without_comment(line: &str) -> &str {
    let begins = |at: usize| at == 0 || line[..at].ends_with(char::is_whitespace);
    let comment = line.char_indices().find(|(at, c)| matches!(c, '#' | ';') && begins(*at));
    line[..comment.map_or(line.len(), |(at, _)| at)].trim_end()
}

fn is_group(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

/// Why a range can't be one.
#[derive(Debug, Clone, PartialEq, Eq)]
enum RangeError {
    Form(String),
    Order(String),
    TooMany,
}

impl RangeError {
    fn at(&self, source: &Source, span: Span) -> Diagnostic {
        let form = Some("a range is [1:20], [01:20] or [a:f]".to_owned());
        match self {
            Self::Form(text) => source.diagnostic(span, format!("[{text}] is no range"), form),
            Self::Order(text) => {
                source.diagnostic(span, format!("the range [{text}] ends before it begins"), form)
            }
            Self::TooMany => {
                source.diagnostic(span, format!("with this the list has more than {MOST} machines"), None)
            }
        }
    }
}

/// A text with its ranges written out, the last one counting fastest; at most so many.
fn expanded(text: &str, most: usize) -> Result<Vec<String>, RangeError> {
    let mut done = vec![String::new()];
    let mut rest = text;
    // At the begin, brackets are around an address of version 6.
    let from = if text.starts_with('[') { text.find(']').map_or(0, |end| end + 1) } else { 0 };
    let mut start = from;
    while let Some(open) = rest[start..].find('[').map(|at| at + start) {
        let Some(close) = rest[open..].find(']').map(|at| at + open) else {
            return Err(RangeError::Form(rest[open + 1..].to_owned()));
        };
        let steps = range(&rest[open + 1..close], most)?;
        if done.len().saturating_mul(steps.len()) > most {
            return Err(RangeError::TooMany);
        }
        let head = &rest[..open];
        done = done
            .iter()
            .flat_map(|before| steps.iter().map(move |step| format!("{before}{head}{step}")))
            .collect();
        rest = &rest[close + 1..];
        start = 0;
    }
    if done.len() > most {
        return Err(RangeError::TooMany);
    }
    done.iter_mut().for_each(|target| target.push_str(rest));
    Ok(done)
}

/// What is from the one end of a range to the other: numbers, with leading zeros if the first has some, or letters.
fn range(text: &str, most: usize) -> Result<Vec<String>, RangeError> {
    let form = || RangeError::Form(text.to_owned());
    let order = || RangeError::Order(text.to_owned());
    let (first, last) = text.split_once(':').ok_or_else(form)?;
    let is_number =
        |text: &str| !text.is_empty() && text.len() <= 9 && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number(first) && is_number(last) {
        let number = |text: &str| text.parse::<u32>().map_err(|_| form());
        let (from, to) = (number(first)?, number(last)?);
        if to < from {
            return Err(order());
        }
        if (to - from) as usize >= most {
            return Err(RangeError::TooMany);
        }
        let width = if first.starts_with('0') { first.len() } else { 0 };
        return Ok((from..=to).map(|number| format!("{number:0width$}")).collect());
    }
    let letter = |text: &str| match text.as_bytes() {
        [byte] if byte.is_ascii_alphabetic() => Ok(*byte),
        _ => Err(form()),
    };
    let (from, to) = (letter(first)?, letter(last)?);
    match (from.is_ascii_lowercase() == to.is_ascii_lowercase(), from <= to) {
        (false, _) => Err(form()),
        (_, false) => Err(order()),
        _ => Ok((from..=to).map(|byte| char::from(byte).to_string()).collect()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<Hosts, Diagnostics> {
        Hosts::read(Source::new("hosts.txt", text))
    }

    fn targets(text: &str) -> Vec<String> {
        read(text).unwrap().all.into_iter().map(|host| host.target).collect()
    }

    fn wrong(text: &str) -> String {
        read(text).unwrap_err().to_string()
    }

    #[test]
    fn lines_are_machines_but_for_comments_and_groups() {
        let text = "# all of them\r\na ; the first\r\n\r\n[web]\r\n  b.example:135 # c\r\n[::1]\r\n[fe80::1]:49200\r\nembedded:/a#b\r\n";
        assert_eq!(targets(text), ["a", "b.example:135", "[::1]", "[fe80::1]:49200", "embedded:/a#b"]);
        let groups: Vec<_> = read(text).unwrap().all.into_iter().map(|host| host.group).collect();
        assert_eq!(groups[..2], [None, Some("web".to_owned())]);
    }

    #[test]
    fn ranges_are_written_out() {
        assert_eq!(targets("w[08:11].x"), ["w08.x", "w09.x", "w10.x", "w11.x"]);
        assert_eq!(targets("w[9:10]"), ["w9", "w10"]);
        assert_eq!(targets("r[1:2]-[a:c]"), ["r1-a", "r1-b", "r1-c", "r2-a", "r2-b", "r2-c"]);
        assert_eq!(targets("[::1]:[1:2]"), ["[::1]:1", "[::1]:2"]);
    }

    #[test]
    fn what_is_wrong_has_its_place() {
        assert!(wrong("a\n  w[1-20]\n").starts_with("hosts.txt:2:3: "), "{}", wrong("a\n  w[1-20]\n"));
        for (text, says) in [
            ("w[5:4]", "the range [5:4] ends before it begins"),
            ("w[a:Z]", "[a:Z] is no range"),
            ("w[1:", "[1: is no range"),
            ("w[:]", "[:] is no range"),
            ("w[0:99999][0:9]", "more than 100000 machines"),
            ("w[0:999999999]", "more than 100000 machines"),
            ("[a b]", "\"a b\" can't be the name of a group"),
            ("[]", "\"\" can't be the name of a group"),
        ] {
            let said = wrong(text);
            assert!(said.contains(says.trim_end_matches(" is no range")), "{text}: {said}");
        }
    }

    #[test]
    fn groups_and_patterns_select() {
        let list = read("gate\n[web]\nweb1\nshared\n[db]\ndb1\nshared\n[DB]\ndb2\n").unwrap();
        let selected = |pattern| list.selected(pattern).map(|host| host.target.as_str()).collect::<Vec<_>>();
        assert_eq!(selected("web"), ["web1", "shared"]);
        assert_eq!(selected("db"), ["db1", "shared", "db2"]);
        assert_eq!(selected("?B?"), ["db1", "db2"]);
        assert_eq!(selected("gate"), ["gate"]);
        assert!(selected("nobody").is_empty());
    }

    proptest! {
        #[test]
        fn anything_is_read_or_refused_at_a_place(text in "(?s)[\\[\\]a-c0-2:#; \n]{0,40}") {
            match read(&text) {
                Ok(list) => prop_assert!(list.all().iter().all(|host| !host.target.is_empty() && host.span.end <= text.len())),
                Err(wrong) => prop_assert!(wrong.iter().all(|one| one.place.is_some())),
            }
        }
    }
}
