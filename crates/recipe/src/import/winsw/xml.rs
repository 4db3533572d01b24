//! The configuration in XML.

use roxmltree::{Document, Node, ParsingOptions};

use super::element::{DEPTH, Element, Elements, element, too_deep};
use crate::definition::Span;
use crate::import::reader::Reader;

/// More elements than any configuration has.
const MOST_NODES: u32 = 100_000;

/// What is in `<service>`.
pub(super) fn read(reader: &mut Reader<'_>) -> Option<Elements> {
    let text = reader.source.text();
    let options = ParsingOptions { nodes_limit: MOST_NODES, ..ParsingOptions::default() };
    let document = match Document::parse_with_options(text, options) {
        Ok(document) => document,
        Err(error) => {
            let place = error.pos();
            let told = error.to_string();
            let message = told.strip_suffix(&format!(" at {place}")).unwrap_or(&told);
            let start = offset(text, place.row as usize, place.col as usize);
            let help = "mend it, or save the file as the editor of the other tool does";
            reader.wrong(Span { start, end: start }, format!("the file is no XML: {message}"), help);
            return None;
        }
    };
    let root = document.root_element();
    if !root.has_tag_name("service") {
        let message = format!("the file is about <{}>, not about <service>", root.tag_name().name());
        reader.wrong(name_span(&root), message, "say another tool with --from, if it is of another");
        return None;
    }
    let service = of_node(reader, &root, 0)?;
    if !service.setting.value.is_empty() {
        reader.wrong(service.setting.span, "the text belongs to no element", "write <NAME>TEXT</NAME>");
    }
    Some(service.inside)
}

fn of_node(reader: &mut Reader<'_>, node: &Node<'_, '_>, depth: usize) -> Option<Element> {
    let mut found = element(node.tag_name().name(), name_span(node));
    if depth > DEPTH {
        too_deep(reader, found.setting.key_span);
        return None;
    }
    for attribute in node.attributes() {
        let mut one = element(attribute.name(), attribute.range_qname().into());
        one.setting.value = attribute.value().trim().to_owned();
        one.setting.span = attribute.range_value().into();
        found.inside.0.push(one);
    }
    for child in node.children().filter(Node::is_element) {
        found.inside.0.push(of_node(reader, &child, depth + 1)?);
    }
    let mut texts = node.children().filter(Node::is_text).peekable();
    if let Some(first) = texts.peek() {
        found.setting.span = first.range().into();
    }
    for text in texts {
        found.setting.value.push_str(text.text().unwrap_or_default());
        found.setting.span.end = text.range().end;
    }
    // Blanks around a text are about how the file looks.
    found.setting.value = found.setting.value.trim().to_owned();
    let written = &reader.source.text()[found.setting.span.start..found.setting.span.end];
    found.setting.span.start += written.len() - written.trim_start().len();
    found.setting.span.end -= written.len() - written.trim_end().len();
    found.setting.span.end = found.setting.span.end.max(found.setting.span.start);
    Some(found)
}

/// The name in the tag that begins an element.
fn name_span(node: &Node<'_, '_>) -> Span {
    let start = node.range().start + 1;
    Span { start, end: start + node.tag_name().name().len() }
}

/// The byte at a line and a column as people count.
fn offset(text: &str, row: usize, column: usize) -> usize {
    let line_start: usize = text.split_inclusive('\n').take(row.saturating_sub(1)).map(str::len).sum();
    let line = text[line_start..].lines().next().unwrap_or_default();
    line_start + line.char_indices().nth(column.saturating_sub(1)).map_or(line.len(), |(at, _)| at)
}
