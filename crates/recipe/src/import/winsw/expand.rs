//! `%NAME%`, which WinSW replaces when it reads its file: as far as the file itself says what is behind the name.

use super::element::{Element, Elements};
use crate::import::ini::Setting;
use crate::import::reader::Reader;
use crate::import::values::Values;

/// Replaces what the file says: its folder, the service's name, the variables that it sets, in their order. Returns those variables.
pub(super) fn expand(reader: &mut Reader<'_>, settings: &mut Elements) -> Vec<(Setting, Setting)> {
    let mut values = Values::default();
    values.set("BASE", &reader.folder());
    let mut set = Vec::new();
    let id = settings.0.iter_mut().find(|element| element.setting.key.eq_ignore_ascii_case("id"));
    if let Some(Element { setting, .. }) = id {
        values.put(reader, setting);
        for name in ["SERVICE_ID", "WINSW_SERVICE_ID"] {
            values.set(name, &setting.value);
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
        values.set(&name.value, &value.value);
        set.push((name, value));
    }
    settings.each(&mut |setting| {
        if !setting.key.eq_ignore_ascii_case("password") {
            values.put(reader, setting);
        }
    });
    set
}
