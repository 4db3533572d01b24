//! The debug copy of a script.

use super::{encoding, literal};

const TEMPLATE: &str = include_str!("servicedebug.py.in");

/// A copy of a script that does what the script does, and writes to the event log what exception it ended with. `name` is the script's file name; the copy
/// is to be put beside it.
///
/// The script is in it as text, which the copy compiles under the script's own name: so no script has to be understood to be copied, not even one that is
/// no Python at all, and tracebacks show the script's lines.
pub fn debug_copy(original: &[u8], name: &str) -> Vec<u8> {
    let source = as_it_is(original).unwrap_or_else(|| line_by_line(original));
    let values = [("@SOURCE@", source), ("@NAME@", literal::string(name))];
    let mut text = String::with_capacity(TEMPLATE.len() + 2 * original.len());
    let mut rest = TEMPLATE;
    for (slot, value) in &values {
        let (before, after) = rest.split_once(slot).unwrap_or((rest, ""));
        text.push_str(before);
        text.push_str(value);
        rest = after;
    }
    text.push_str(rest);
    text.into_bytes()
}

/// The script between triple quotes, if Python reads the very same text there.
fn as_it_is(original: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(original).ok().filter(|_| encoding::reads_as_utf8(original))?;
    let lone_return = text.replace("\r\n", "").contains('\r');
    if lone_return || text.contains(['\0', '\u{feff}']) || text.ends_with('\\') {
        return None;
    }
    let quotes = ["'''", "\"\"\""]
        .into_iter()
        .find(|quotes| !text.contains(quotes) && !text.ends_with(&quotes[..1]))?;
    // The line feed, so that the script's first line looks like the others, is taken off again.
    Some(format!("r{quotes}\n{text}{quotes}[1:]"))
}

/// The script's bytes, a line each: Python finds out about their encoding and their mistakes as it does with a file.
fn line_by_line(original: &[u8]) -> String {
    let lines = original.split_inclusive(|byte| *byte == b'\n').map(|line| literal::bytes(line) + "\n");
    format!("(\n{})", lines.collect::<String>())
}
