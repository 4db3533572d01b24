//! What is written, whether as XML or as YAML: names with a text, with others inside them, or both.

use crate::definition::Span;
use crate::import::ini::Setting;
use crate::import::reader::Reader;

/// How deep elements are within each other that are read; WinSW knows five levels.
pub(super) const DEPTH: usize = 16;

/// A name with what it says: an element or an attribute of XML, an entry of a mapping of YAML.
#[derive(Debug)]
pub(super) struct Element {
    pub(super) setting: Setting,
    pub(super) inside: Elements,
}

/// What is inside one of them, in the order of the file. Names are compared without regard to case, since WinSW's two formats and its documentation
/// differ there.
#[derive(Debug, Default)]
pub(super) struct Elements(pub(super) Vec<Element>);

impl Elements {
    /// Takes all of a name out.
    pub(super) fn take_all(&mut self, key: &str) -> Vec<Element> {
        self.0.extract_if(.., |element| element.setting.key.eq_ignore_ascii_case(key)).collect()
    }

    /// Takes the first of a name out, which is the one that holds; others are told.
    pub(super) fn take(&mut self, reader: &mut Reader<'_>, key: &str) -> Option<Element> {
        let mut all = self.take_all(key).into_iter();
        let first = all.next();
        for more in all {
            reader.remark(more.setting.key_span, format!("{key} is said again: the first one holds"), "");
        }
        first
    }

    /// The same for one that is only a text.
    pub(super) fn text(&mut self, reader: &mut Reader<'_>, key: &str) -> Option<Setting> {
        let element = self.take(reader, key)?;
        element.inside.unknown(reader);
        Some(element.setting)
    }

    /// The texts of all of a name, without empty ones.
    pub(super) fn texts(&mut self, reader: &mut Reader<'_>, key: &str) -> Vec<Setting> {
        let all = self.take_all(key).into_iter();
        let texts = all.map(|element| {
            element.inside.unknown(reader);
            element.setting
        });
        texts.filter(|setting| !setting.value.is_empty()).collect()
    }

    /// What is inside the one of a name that is no text itself.
    pub(super) fn group(&mut self, reader: &mut Reader<'_>, key: &str) -> Option<Elements> {
        let element = self.take(reader, key)?;
        if !element.setting.value.is_empty() {
            let message = format!("the text in {key} is not mapped");
            reader.remark(
                element.setting.span,
                message,
                "see what it is for, and whether the service needs it",
            );
        }
        Some(element.inside)
    }

    /// Remarks about everything that is left, as something that nobody knows.
    pub(super) fn unknown(self, reader: &mut Reader<'_>) {
        for element in self.0 {
            reader.unmapped(&element.setting, &[], "");
        }
    }

    /// All texts, however deep.
    pub(super) fn each(&mut self, change: &mut impl FnMut(&mut Setting)) {
        for element in &mut self.0 {
            change(&mut element.setting);
            element.inside.each(change);
        }
    }
}

/// A name without anything yet.
pub(super) fn element(key: &str, key_span: Span) -> Element {
    let setting = Setting { key: key.to_owned(), key_span, value: String::new(), span: key_span };
    Element { setting, inside: Elements::default() }
}

/// Tells that a file has more levels than anybody needs.
pub(super) fn too_deep(reader: &mut Reader<'_>, span: Span) {
    reader.wrong(
        span,
        format!("there are more than {DEPTH} levels"),
        "write it as WinSW's documentation shows",
    );
}
