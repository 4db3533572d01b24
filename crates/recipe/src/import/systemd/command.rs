//! `ExecStart`, and the commands beside it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use svckit_core::definition::{ControlAction, Program};
use svckit_core::hook::{Errand, Hook, Hooks, Moment, OnFailure};
use svckit_core::signal::Signal;

use super::{Unit, text};
use crate::import::ini::Setting;

/// The program of a unit. systemd replaces variables in its arguments: those that the unit sets are replaced here, for others a shell does it.
pub(super) fn exec_start(
    unit: &mut Unit<'_, '_>,
    values: &BTreeMap<String, String>,
    directory: PathBuf,
) -> Option<Program> {
    let mut all = unit.service.take_all("ExecStart");
    let empty = all.iter().rposition(|setting| setting.value.is_empty());
    all.drain(..empty.map_or(0, |index| index + 1));
    let Some(setting) = all.pop() else {
        unit.reader.wrong(
            unit.service.span,
            "[Service] does not say what to run",
            "write ExecStart=PROGRAM ARGUMENTS",
        );
        return None;
    };
    if !all.is_empty() {
        let help = "make one script of them";
        unit.reader.wrong(setting.span, "a service of svckit runs one program, not several", help);
        return None;
    }
    let words = words(unit, &setting, values, false)?;
    unit.reader.program(words, setting.span, directory)
}

/// The words of a command with its variables replaced, without the signs before it; `is_beside` the program, or the program's own.
fn words(
    unit: &mut Unit<'_, '_>,
    setting: &Setting,
    values: &BTreeMap<String, String>,
    is_beside: bool,
) -> Option<Vec<String>> {
    let line = setting.value.trim_start_matches(['@', '-', ':', '+', '!', '|']);
    let signs = &setting.value[..setting.value.len() - line.len()];
    for (sign, message, help) in [
        (
            '-',
            "the sign - before the program is not mapped",
            "say what exit codes mean with restart.exit-codes",
        ),
        ('+', "the sign + before the program is not mapped", "leave account out to run with all rights"),
        (
            '!',
            "the sign ! before the program is not mapped",
            "the program runs under its account from the start",
        ),
        ('@', "the sign @ before the program is not mapped", "the program is told its own path as its name"),
    ] {
        if signs.contains(sign) && !(is_beside && sign == '-') {
            unit.reader.remark(setting.span, message, help);
        }
    }
    if signs.contains('|') {
        unit.reader.wrong(
            setting.span,
            "the sign | before the program is not mapped",
            "write the shell with -c",
        );
        return None;
    }
    let words = text::words(line).map_err(|error| unit.reader.wrong(setting.span, error, "")).ok()?;
    if words.iter().any(|word| word == ";") {
        unit.reader.wrong(
            setting.span,
            "a service of svckit runs one program, not several",
            "make one script of them",
        );
        return None;
    }
    let replaced = words.iter().map(|word| unit.specifiers.replace(unit.reader, word, setting.span));
    let mut words = replaced.collect::<Option<Vec<_>>>()?;
    if signs.contains('@') && words.len() > 1 {
        words.remove(1);
    }
    if !signs.contains(':') {
        words = match with_variables(&words, values) {
            Variables::Replaced(words) => words,
            Variables::Shell(line, name) => {
                if is_beside && name == "MAINPID" {
                    let line = format!("MAINPID=$SVC_PID; {line}");
                    return Some(["/bin/sh", "-c", &line].map(str::to_owned).to_vec());
                }
                let message = format!("{name} is set outside this file, so a shell puts it into the command");
                unit.reader.remark(
                    setting.span,
                    message,
                    "write its value into the command to have no shell",
                );
                ["/bin/sh", "-c", &line].map(str::to_owned).to_vec()
            }
        };
    }
    Some(words)
}

/// The commands of a setting that may have several; an empty one takes back those before it.
fn all(unit: &mut Unit<'_, '_>, key: &str) -> Vec<Setting> {
    let mut all = unit.service.take_all(key);
    let empty = all.iter().rposition(|setting| setting.value.is_empty());
    all.drain(..empty.map_or(0, |index| index + 1));
    all
}

/// The one command of such a setting.
fn only(unit: &mut Unit<'_, '_>, key: &str) -> Option<Setting> {
    let mut all = all(unit, key);
    let last = all.pop()?;
    if !all.is_empty() {
        let message = format!("several of {key} are not mapped");
        unit.reader.remark(last.span, message, "make one script of them");
        return None;
    }
    Some(last)
}

/// Commands before and after the program: the signs of systemd say whether a failure counts.
pub(super) fn hooks(
    unit: &mut Unit<'_, '_>,
    values: &BTreeMap<String, String>,
    directory: &Path,
    (start, stop): (Duration, Duration),
) -> BTreeMap<Moment, Hooks> {
    let mut hooks = BTreeMap::new();
    for (key, moment, timeout) in [
        ("ExecStartPre", Moment::PreStart, start),
        ("ExecStartPost", Moment::PostStart, start),
        ("ExecStopPost", Moment::PostStop, stop),
    ] {
        let mut of_it = Vec::new();
        for setting in all(unit, key) {
            let Some(command) = beside(unit, &setting, values, directory) else { continue };
            let signs = setting.value.trim_start_matches(['@', ':', '+', '!']);
            let is_free = signs.starts_with('-') || !moment.may_fail();
            let on_failure = if is_free { OnFailure::GoOn } else { OnFailure::Fail };
            of_it.push(Hook { errand: Errand { command, timeout }, on_failure });
        }
        hooks.extend(Hooks::new(of_it).map(|of_it| (moment, of_it)));
    }
    hooks
}

fn beside(
    unit: &mut Unit<'_, '_>,
    setting: &Setting,
    values: &BTreeMap<String, String>,
    directory: &Path,
) -> Option<Vec<String>> {
    let words = words(unit, setting, values, true)?;
    Some(unit.reader.program(words, setting.span, directory.to_owned())?.command)
}

enum Variables {
    /// The words with all variables replaced.
    Replaced(Vec<String>),
    /// The command for a shell, and a variable that needs it.
    Shell(String, String),
}

/// A piece of an argument.
enum Piece<'a> {
    Text(&'a str),
    /// `${NAME}`: part of its word whatever its value is.
    Whole(&'a str),
    /// `$NAME` as a word of its own: as many words as its value has.
    Split(&'a str),
}

/// Replaces the variables in the arguments; in the program's own path there are none.
fn with_variables(words: &[String], values: &BTreeMap<String, String>) -> Variables {
    let mut replaced: Vec<String> = words.iter().take(1).cloned().collect();
    let mut line = format!("exec {}", replaced.first().map_or_else(String::new, |word| quoted(word)));
    let mut missing = None;
    for word in words.iter().skip(1) {
        let mut whole = String::new();
        let mut is_split = false;
        line.push(' ');
        let start = line.len();
        for piece in pieces(word) {
            match piece {
                Piece::Text(text) => {
                    whole.push_str(text);
                    line.push_str(&quoted(text));
                }
                Piece::Whole(name) | Piece::Split(name) if !values.contains_key(name) => {
                    missing.get_or_insert_with(|| name.to_owned());
                    let is_whole = matches!(piece, Piece::Whole(_));
                    line.push_str(&if is_whole { format!("\"${{{name}}}\"") } else { format!("${name}") });
                }
                Piece::Whole(name) => {
                    whole.push_str(&values[name]);
                    line.push_str(&quoted(&values[name]));
                }
                Piece::Split(name) => {
                    is_split = true;
                    let parts: Vec<_> = values[name].split_whitespace().collect();
                    line.push_str(&parts.iter().map(|part| quoted(part)).collect::<Vec<_>>().join(" "));
                    replaced.extend(parts.into_iter().map(str::to_owned));
                }
            }
        }
        if line.len() == start && !is_split {
            line.push_str("''");
        }
        if !is_split {
            replaced.push(whole);
        }
    }
    missing.map_or(Variables::Replaced(replaced), |name| Variables::Shell(line, name))
}

fn pieces(word: &str) -> Vec<Piece<'_>> {
    let is_name = |name: &str| {
        !name.is_empty()
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            && !name.starts_with(|c: char| c.is_ascii_digit())
    };
    if let Some(name) = word.strip_prefix('$').filter(|name| is_name(name)) {
        return vec![Piece::Split(name)];
    }
    let mut pieces = Vec::new();
    let mut rest = word;
    while let Some(at) = rest.find('$') {
        let (before, after) = rest.split_at(at);
        let braced = after.strip_prefix("${").and_then(|name| name.split_once('}'));
        pieces.push(Piece::Text(before));
        if let Some((name, next)) = braced.filter(|(name, _)| is_name(name)) {
            pieces.push(Piece::Whole(name));
            rest = next;
        } else if let Some(next) = after.strip_prefix("$$") {
            pieces.push(Piece::Text("$"));
            rest = next;
        } else {
            let (sign, next) = after.split_at(1);
            pieces.push(Piece::Text(sign));
            rest = next;
        }
    }
    pieces.push(Piece::Text(rest));
    pieces
}

/// A text that a shell takes as it is.
fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-./:,+@%=".contains(c);
    if text.chars().all(is_plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// What `ExecReload` does: the signal if it sends one to the program and does nothing else, or the command.
pub(super) fn reload(
    unit: &mut Unit<'_, '_>,
    values: &BTreeMap<String, String>,
    directory: &Path,
    timeout: Duration,
) -> Option<ControlAction> {
    let setting = only(unit, "ExecReload")?;
    let words: Vec<_> = setting.value.split_whitespace().collect();
    let signal = match words.as_slice() {
        ["/bin/kill" | "/usr/bin/kill" | "kill", rest @ .., "$MAINPID" | "${MAINPID}"] => match rest {
            ["-s", name] => Signal::named(name),
            [name] => {
                name.strip_prefix('-').and_then(|name| Signal::named(if name == "1" { "HUP" } else { name }))
            }
            _ => None,
        },
        _ => None,
    };
    if let Some(signal) = signal {
        return Some(ControlAction::Signal(signal));
    }
    let command = beside(unit, &setting, values, directory)?;
    Some(ControlAction::Command(Errand { command, timeout }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn variables_of_the_unit_are_replaced() {
        let values =
            BTreeMap::from([("PORT".to_owned(), "80".to_owned()), ("OPTS".to_owned(), "-a  -b".to_owned())]);
        let Variables::Replaced(replaced) =
            with_variables(&words("p --port=${PORT} $OPTS ${OPTS} $$x a$b"), &values)
        else {
            panic!("no shell is needed");
        };
        assert_eq!(replaced, ["p", "--port=80", "-a", "-b", "-a  -b", "$x", "a$b"]);
    }

    #[test]
    fn other_variables_are_left_to_a_shell() {
        let values = BTreeMap::from([("A".to_owned(), "it's".to_owned())]);
        let Variables::Shell(line, name) =
            with_variables(&words("/p --port=${PORT} $OPTS ${A} *  $$1"), &values)
        else {
            panic!("a shell is needed");
        };
        assert_eq!(name, "PORT");
        assert_eq!(line, r#"exec /p --port="${PORT}" $OPTS 'it'\''s' '*' '' '$'1"#);
    }
}
