//! The text of `winservice.py`.

use std::fmt::Write;

use super::{Variables, literal};

const TEMPLATE: &str = include_str!("winservice.py.in");

/// The line of the template that the variables take the place of.
const SLOT: &str = "@VARIABLES@\n";

/// The service script for pywin32 that has these variables. It is UTF-8 with line feeds, for Python 3.8 and newer.
pub fn script(variables: &Variables) -> String {
    let (before, after) = TEMPLATE.split_once(SLOT).unwrap_or((TEMPLATE, ""));
    let mut text = String::with_capacity(TEMPLATE.len() + 1024);
    text.push_str(before);
    for (name, value) in Variables::NAMES.iter().zip(variables.values()) {
        let value = if *name == "SERVICE_NAME" { literal::plain(value) } else { literal::string(value) };
        // Writing into a string can't fail.
        let _ = writeln!(text, "{name} = {value}");
    }
    text.push_str(after);
    text
}
