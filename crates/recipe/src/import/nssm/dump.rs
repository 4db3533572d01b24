//! The commands that `nssm dump` prints, or that somebody wrote to make services with NSSM.

use svckit_core::image_path;

use super::Found;
use crate::definition::Span;
use crate::import::ini::Setting;
use crate::import::reader::Reader;

/// What belongs to the service itself, not to NSSM.
const NATIVE: &str =
    "DependOnGroup DependOnService Description DisplayName Environment ObjectName Start Type";

/// The services of the commands, by their names.
pub(super) fn read(reader: &mut Reader<'_>) -> Vec<Found> {
    let source = reader.source;
    let mut found: Vec<Found> = Vec::new();
    for (text, span) in source.trimmed_lines() {
        let words = image_path::split(&without_carets(text));
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words.as_slice() {
            [] | ["REM" | "rem" | "@echo", ..] => {}
            [first, ..] if first.starts_with("::") => {}
            [nssm, "install", name, program, arguments @ ..] if is_nssm(nssm) => {
                let service = service(&mut found, name, span);
                service.parameters.push(setting("Application", program, span));
                if !arguments.is_empty() {
                    service.parameters.push(setting("AppParameters", &arguments.join(" "), span));
                }
            }
            [nssm, "set", name, key, values @ ..] if is_nssm(nssm) && !values.is_empty() => {
                set(service(&mut found, name, span), key, values, span);
            }
            _ => reader.remark(span, "the line is not mapped", "only nssm install and nssm set are"),
        }
    }
    found
}

fn set(service: &mut Found, key: &str, values: &[&str], span: Span) {
    let last = values.last().copied().unwrap_or_default();
    match (key, values) {
        ("AppExit", [code, action]) => {
            service.exits.push(setting(if *code == "Default" { "@" } else { code }, action, span));
        }
        ("AppEvents", [event, _]) => {
            service.parameters.push(setting(&format!("AppEvents {event}"), last, span))
        }
        // The account comes first, the password after it.
        ("ObjectName", [account, ..]) => service.native.push(setting(key, account, span)),
        _ => {
            let is_native = NATIVE.split_whitespace().any(|native| native == key);
            let section = if is_native { &mut service.native } else { &mut service.parameters };
            let text = values.join(" ");
            // Of a list each line has one more, the first of them with a colon.
            match text.strip_prefix('+').and_then(|more| Some((more, section.last_of(key)?))) {
                Some((more, before)) => {
                    before.value.push('\n');
                    before.value.push_str(more);
                }
                None if key.starts_with("AppEnvironment")
                    || key.starts_with("DependOn")
                    || key == "Environment" =>
                {
                    section.push(setting(key, text.strip_prefix([':', '+']).unwrap_or(&text), span));
                }
                None => section.push(setting(key, &text, span)),
            }
        }
    }
}

fn service<'f>(found: &'f mut Vec<Found>, name: &str, span: Span) -> &'f mut Found {
    let at = found.iter().position(|service| service.name.eq_ignore_ascii_case(name)).unwrap_or(found.len());
    if at == found.len() {
        found.push(Found::new(name, span));
    }
    &mut found[at]
}

fn setting(key: &str, value: &str, span: Span) -> Setting {
    Setting { key: key.to_owned(), key_span: span, value: value.to_owned(), span }
}

/// Whether a program is NSSM, by its name.
pub(super) fn is_nssm(program: &str) -> bool {
    let name = program.rsplit(['\\', '/']).next().unwrap_or_default().to_ascii_lowercase();
    name == "nssm" || name == "nssm.exe" || name.starts_with("nssm-")
}

/// The line as `cmd.exe` passes it on: a caret makes the next character a plain one. Without carets nothing is changed, since within quotation marks they
/// are plain themselves.
fn without_carets(line: &str) -> String {
    let mut plain = String::new();
    let mut is_quoted = false;
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        match c {
            '^' if !is_quoted => plain.extend(rest.next()),
            c => {
                is_quoted ^= c == '"';
                plain.push(c);
            }
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn carets_are_those_of_the_command_processor() {
        assert_eq!(without_carets(r#"a ^"b ^& ^^ c^" "d ^ e""#), r#"a "b & ^ c" "d ^ e""#);
        assert!(is_nssm(r"C:\tools\NSSM.exe") && is_nssm("nssm") && !is_nssm("nssmx"));
    }
}
