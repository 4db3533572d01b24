//! Names in values, and variables.

use super::Names;
use crate::import::ini::Setting;
use crate::import::reader::Reader;

/// A value with its `%(NAME)s` replaced, as Python's `%` does it; an unknown name is reported.
pub(super) fn expand(reader: &mut Reader<'_>, setting: &Setting, names: &Names) -> Option<String> {
    let replaced = replace(&setting.value, names);
    replaced.map_err(|(message, help)| reader.wrong(setting.span, message, help)).ok()
}

fn replace(value: &str, names: &Names) -> Result<String, (String, String)> {
    let form =
        || (format!("{value:?} has a % that begins no name"), "write %% for a percent sign".to_owned());
    let mut text = String::new();
    let mut rest = value;
    while let Some((before, after)) = rest.split_once('%') {
        text.push_str(before);
        if let Some(after) = after.strip_prefix('%') {
            text.push('%');
            rest = after;
            continue;
        }
        let (name, after) = after.strip_prefix('(').and_then(|name| name.split_once(')')).ok_or_else(form)?;
        let end = after.find(|c: char| !c.is_ascii_digit()).ok_or_else(form)?;
        let (width, kind) = after.split_at(end);
        let replacement = names.get(name).ok_or_else(|| unknown(name))?;
        match kind.chars().next() {
            Some('s' | 'd') => text.push_str(&padded(replacement, width).ok_or_else(form)?),
            _ => return Err(form()),
        }
        rest = &kind[1..];
    }
    text.push_str(rest);
    Ok(text)
}

fn unknown(name: &str) -> (String, String) {
    let help = match name.strip_prefix("ENV_") {
        Some(variable) => {
            format!("it is {variable} of the environment that supervisord was started in; write its value")
        }
        None if name == "host_node_name" => "write the name of the machine".to_owned(),
        None => "write its value".to_owned(),
    };
    (format!("%({name})s is not said in this file"), help)
}

/// The text in a width as Python has it: `02` fills with zeros, `2` with blanks.
fn padded(text: &str, width: &str) -> Option<String> {
    let count: usize = if width.is_empty() { 0 } else { width.parse().ok().filter(|count| *count <= 100)? };
    Some(if width.starts_with('0') { format!("{text:0>count$}") } else { format!("{text:>count$}") })
}

/// The variables of `NAME="value",OTHER=value`, or from where on they can't be read.
pub(super) fn variables(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut variables = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let wrong = || rest.to_owned();
        let (name, after) = rest.split_once('=').ok_or_else(wrong)?;
        let (value, after) = value(after.trim_start()).ok_or_else(wrong)?;
        variables.push((name.trim().to_owned(), value.trim_matches(['"', '\'']).to_owned()));
        rest = match after.trim_start().strip_prefix(',') {
            Some(next) => next.trim_start(),
            None if after.trim().is_empty() => "",
            None => return Err(after.trim_start().to_owned()),
        };
    }
    Ok(variables)
}

/// The value at the beginning, and what comes after it: in quotation marks, without any escapes, or of letters, digits and a few signs.
fn value(text: &str) -> Option<(&str, &str)> {
    if let Some(mark) = text.chars().next().filter(|c| matches!(c, '"' | '\'')) {
        let end = text[1..].find(mark)? + 2;
        return Some(text.split_at(end));
    }
    let is_plain = |c: char| c.is_alphanumeric() || "_/.+-():".contains(c);
    let end = text.find(|c| !is_plain(c)).unwrap_or(text.len());
    Some(text.split_at(end)).filter(|(value, _)| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_replaced_as_python_does() {
        let names = Names::from([
            ("program_name".to_owned(), "web".to_owned()),
            ("process_num".to_owned(), "7".to_owned()),
        ]);
        let replaced = |value| replace(value, &names).map_err(|(message, _)| message);
        assert_eq!(replaced("%(program_name)s_%(process_num)02d 100%%").unwrap(), "web_07 100%");
        assert_eq!(replaced("%(process_num)3d").unwrap(), "  7");
        assert_eq!(replaced("50% off").unwrap_err(), r#""50% off" has a % that begins no name"#);
        assert_eq!(replaced("%(ENV_HOME)s").unwrap_err(), "%(ENV_HOME)s is not said in this file");
        for wrong in ["%(program_name", "%(program_name)", "%(program_name)x", "%(program_name)\u{20ac}", "%"]
        {
            assert!(replaced(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn variables_are_quoted_or_plain() {
        let read = |text| variables(text).unwrap();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            read(r#"A="1, 2",B='x "y"',C=/a/b:c"#),
            [pair("A", "1, 2"), pair("B", "x \"y"), pair("C", "/a/b:c")]
        );
        assert_eq!(read("A = 1 ,\nB=\"\",").len(), 2);
        assert_eq!(read(""), []);
        assert_eq!(variables("A=1 2").unwrap_err(), "2");
        for wrong in ["A", "A=", "A=\"1", "A=&"] {
            assert!(variables(wrong).is_err(), "{wrong}");
        }
    }
}
