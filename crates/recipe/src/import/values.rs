//! `%NAME%` in a file that itself says what is behind the name.

use super::ini::Setting;
use super::native;
use super::reader::Reader;
use crate::platform::Platform;

/// The most characters of a variable of Windows; others would grow without an end.
const LONGEST: usize = 32_767;

/// Names with their values, the last of a name holds.
#[derive(Default)]
pub(super) struct Values(Vec<(String, String)>);

impl Values {
    pub(super) fn set(&mut self, name: &str, value: &str) {
        self.0.push((name.to_owned(), value.to_owned()));
    }

    /// Replaces what is known in a setting.
    pub(super) fn put(&self, reader: &mut Reader<'_>, setting: &mut Setting) {
        match self.replaced(&setting.value) {
            Some(value) => setting.value = value,
            None => {
                let message = format!("{} grows too long when its variables are replaced", setting.key);
                reader.wrong(setting.span, message, format!("a text has at most {LONGEST} characters"));
            }
        }
    }

    /// A text with what is known replaced; `None` if it grows too long.
    pub(super) fn replaced(&self, text: &str) -> Option<String> {
        let mut whole = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('%') {
            let (before, sign) = rest.split_at(at);
            whole.push_str(before);
            let known = native::variable_in(sign).and_then(|name| {
                let is_it = |(other, _): &&(String, String)| Platform::Windows.is_same_variable(other, name);
                self.0.iter().rev().find(is_it).map(|(_, value)| (value, name.len() + 2))
            });
            let (value, length) = known.map_or(("%", 1), |(value, length)| (value.as_str(), length));
            whole.push_str(value);
            rest = &sign[length..];
            if whole.len() > LONGEST {
                return None;
            }
        }
        whole.push_str(rest);
        Some(whole)
    }
}
