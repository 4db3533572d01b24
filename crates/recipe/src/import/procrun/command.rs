//! Command lines of procrun: `prunsrv //IS//NAME --PARAMETER=VALUE …`, also in a batch file, and what `prunsrv //PS//NAME` prints.

use svckit_core::image_path;

use super::{Found, PARAMETERS};
use crate::definition::Span;
use crate::import::ini::Setting;
use crate::import::native;
use crate::import::reader::Reader;
use crate::import::values::Values;
use crate::toml::section::closest;

/// Whether a line is such a one.
pub(super) fn is_command(line: &str) -> bool {
    Command::of(&image_path::split(line.trim())).is_some()
}

/// The services of the commands, by their names; of several commands for one service the later ones change what is there.
pub(super) fn read(reader: &mut Reader<'_>) -> Vec<Found> {
    let mut values = Values::default();
    values.set("dp0", &format!("{}\\", reader.folder()));
    let mut found: Vec<Found> = Vec::new();
    for (text, span) in lines(reader) {
        let Some(text) = values.replaced(&text.replace("%~dp0", "%dp0%")) else {
            reader.wrong(span, "the line grows too long when its variables are replaced", "");
            continue;
        };
        let words = image_path::split(&text);
        let first = words.first().map(|word| word.to_ascii_lowercase()).unwrap_or_default();
        if let Some(command) = Command::of(&words) {
            let at = found.iter().position(|service| service.name.eq_ignore_ascii_case(&command.name));
            let at = at.unwrap_or(found.len());
            if at == found.len() {
                found.push(Found::of_command(&command.name, span));
            }
            parameters(reader, command.rest, span, &mut found[at]);
        } else if first == "set" {
            set(reader, &text, span, &mut values);
        } else if !["", "rem", "@echo", "echo", "setlocal", "endlocal"].contains(&first.as_str())
            && !first.starts_with("::")
        {
            reader.remark(
                span,
                "the line is not mapped",
                "only the commands that install or update a service are",
            );
        }
    }
    found
}

/// The lines with those that a caret at the end continues.
fn lines(reader: &Reader<'_>) -> Vec<(String, Span)> {
    let mut lines: Vec<(String, Span)> = Vec::new();
    let mut is_open = false;
    for (text, span) in reader.source.trimmed_lines() {
        let (part, continues) = text.strip_suffix('^').map_or((text, false), |part| (part, true));
        match lines.last_mut().filter(|_| is_open) {
            Some((whole, place)) => {
                whole.push(' ');
                whole.push_str(part);
                place.end = span.end;
            }
            None => lines.push((part.to_owned(), span)),
        }
        is_open = continues;
    }
    lines
}

/// `set NAME=VALUE`, with quotation marks around both or without.
fn set(reader: &mut Reader<'_>, text: &str, span: Span, values: &mut Values) {
    let rest = text[3..].trim();
    let rest = rest.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(rest);
    match rest.split_once('=') {
        // They take the place of parameters for every command after them.
        Some((name, _)) if name.to_ascii_uppercase().starts_with("PR_") => {
            let message = format!("the variable {name} is not mapped");
            reader.hide(span, rest);
            reader.remark(span, message, "write it as a parameter: --NAME=VALUE");
        }
        Some((name, value)) => values.set(name, value),
        None => reader.remark(span, "the line is not mapped", "write set NAME=VALUE"),
    }
}

/// A command that installs or updates a service.
struct Command<'w> {
    name: String,
    /// The parameters.
    rest: &'w [String],
}

impl<'w> Command<'w> {
    fn of(words: &'w [String]) -> Option<Self> {
        let named = |word: &String| {
            let name = word.strip_prefix("//IS").or_else(|| word.strip_prefix("//US"))?;
            Some(name.trim_start_matches('/').to_owned()).filter(|_| name.is_empty() || name.starts_with('/'))
        };
        if let Some((at, name)) = words.iter().enumerate().find_map(|(at, word)| Some((at, named(word)?))) {
            let name =
                if name.is_empty() { own_name(words.get(at.checked_sub(1)?)?) } else { name.to_owned() };
            return Some(Self { name, rest: &words[at + 1..] });
        }
        let at = words.iter().position(|word| word == "install" || word == "update")?;
        let program = words.get(at.checked_sub(1)?)?;
        let (name, rest) = match words[at + 1..].split_first()? {
            (name, rest) if !name.starts_with("--") && !name.starts_with("++") => (name.clone(), rest),
            _ => (own_name(program), &words[at + 1..]),
        };
        // Other programs have such words too.
        rest.iter().filter_map(|word| parameter(word)).find(|(_, key, _)| is_known(key))?;
        Some(Self { name, rest })
    }
}

/// The name of a service that the command doesn't say: that of the program.
fn own_name(program: &str) -> String {
    let name = program.rsplit(['\\', '/']).next().unwrap_or_default();
    let is_exe = name.len() > 4 && name.to_ascii_lowercase().ends_with(".exe");
    name[..if is_exe { name.len() - 4 } else { name.len() }].to_owned()
}

/// Whether values are added, the name of a parameter, and its value if it is in the same word.
fn parameter(word: &str) -> Option<(bool, &str, Option<&str>)> {
    let (adds, rest) = match word.strip_prefix("++") {
        Some(rest) => (true, rest),
        None => (false, word.strip_prefix("--")?),
    };
    let (key, value) = rest.split_once('=').map_or((rest, None), |(key, value)| (key, Some(value)));
    Some((adds, key, value))
}

fn is_known(key: &str) -> bool {
    PARAMETERS.iter().any(|parameter| parameter.name == key)
}

fn parameters(reader: &mut Reader<'_>, words: &[String], span: Span, found: &mut Found) {
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let Some((adds, key, value)) = parameter(word) else {
            reader.remark(span, format!("{word:?} is not mapped"), "a parameter begins with -- or ++");
            continue;
        };
        let Some(known) = PARAMETERS.iter().find(|parameter| parameter.name == key) else {
            let help = match closest(key, PARAMETERS.iter().map(|parameter| parameter.name)) {
                Some(right) => format!("did you mean --{right}?"),
                None => "see what it is for, and whether the service needs it".to_owned(),
            };
            reader.remark(span, format!("--{key} is not known, and not mapped"), help);
            continue;
        };
        let value = value.map(str::to_owned).or_else(|| words.next().cloned()).unwrap_or_default();
        if key.ends_with("Password") {
            reader.hide(span, &value);
        }
        let value = if known.is_list { list(&value) } else { value };
        let before = found.parameters.take(key).filter(|_| adds && known.is_list);
        let value = before.map_or(value.clone(), |before| format!("{}\n{value}", before.value));
        found.parameters.push(Setting { key: key.to_owned(), key_span: span, value, span });
    }
    if let Some(name) = native::variable_in(&found.name) {
        reader.wrong(
            span,
            format!("the name has the variable %{name}%, whose value the file doesn't say"),
            "write it",
        );
    }
}

/// The values of a list, a line each: `#` and `;` separate them but between quotation marks, of which single ones are for this only.
fn list(text: &str) -> String {
    let (mut single, mut double) = (false, false);
    let mut lines = String::new();
    for c in text.chars() {
        match c {
            '\'' => single = !single,
            '#' | ';' if !single && !double => lines.push('\n'),
            c => {
                double ^= c == '"';
                lines.push(c);
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_separated_as_procrun_does() {
        assert_eq!(list("-Da=1#-Db=2;-Dc"), "-Da=1\n-Db=2\n-Dc");
        assert_eq!(list("-Da='x;y'#-Db=\"p#q\""), "-Da=x;y\n-Db=\"p#q\"");
    }

    #[test]
    fn a_program_is_the_name_of_its_service() {
        assert_eq!((own_name(r"C:\x\Shop.exe").as_str(), own_name("tomcat9").as_str()), ("Shop", "tomcat9"));
    }
}
