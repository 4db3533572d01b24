//! `%NAME%`, which WinSW replaces when it reads its file: as far as the file itself says what is behind the name.

use super::element::{Element, Elements};
use crate::import::ini::Setting;
use crate::import::native;
use crate::import::reader::Reader;
use crate::platform::Platform;

/// The most characters of a variable of Windows; others would grow without an end.
const LONGEST: usize = 32_767;

/// Replaces what the file says: its folder, the service's name, the variables that it sets, in their order. Returns those variables.
pub(super) fn expand(reader: &mut Reader<'_>, settings: &mut Elements) -> Vec<(Setting, Setting)> {
    let mut values = Values(vec![("BASE".to_owned(), reader.folder())]);
    let mut set = Vec::new();
    let id = settings.0.iter_mut().find(|element| element.setting.key.eq_ignore_ascii_case("id"));
    if let Some(Element { setting, .. }) = id {
        values.put(reader, setting);
        for name in ["SERVICE_ID", "WINSW_SERVICE_ID"] {
            values.0.push((name.to_owned(), setting.value.clone()));
        }
    }
    for mut element in settings.take_all("env") {
        let (name, value) = (element.inside.text(reader, "name"), element.inside.text(reader, "value"));
        element.inside.unknown(reader);
        let Some(name) = name else {
            reader.wrong(element.setting.key_span, "env has no name", "write the name of the variable");
            continue;
        };
        let mut value = value.unwrap_or_else(|| Setting { value: String::new(), ..name.clone() });
        values.put(reader, &mut value);
        values.0.push((name.value.clone(), value.value.clone()));
        set.push((name, value));
    }
    settings.each(&mut |setting| {
        if !setting.key.eq_ignore_ascii_case("password") {
            values.put(reader, setting);
        }
    });
    set
}

/// Names with their values, the last of a name holds.
struct Values(Vec<(String, String)>);

impl Values {
    fn put(&self, reader: &mut Reader<'_>, setting: &mut Setting) {
        match self.replaced(&setting.value) {
            Some(value) => setting.value = value,
            None => {
                let message = format!("{} grows too long when its variables are replaced", setting.key);
                reader.wrong(setting.span, message, format!("a text has at most {LONGEST} characters"));
            }
        }
    }

    fn replaced(&self, text: &str) -> Option<String> {
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
