//! `[service.NAME.log]`.

use super::section::Section;
use crate::definition::LogSettings;

pub(super) fn read(mut section: Section<'_>) -> LogSettings {
    let mut log = LogSettings::default();
    let both = section.string("file", "logs/shop.log");
    let out = section.string("stdout-file", "logs/shop.out");
    let err = section.string("stderr-file", "logs/shop.err");
    if let (Some((_, span)), true) = (&both, out.is_some() || err.is_some()) {
        let help = "\"file\" takes both streams; give it alone, or the two others".to_owned();
        section.reader.report(
            span.clone(),
            "\"file\" can't go with \"stdout-file\" or \"stderr-file\"",
            Some(help),
        );
    }
    let path = |value: Option<(&str, std::ops::Range<usize>)>| {
        let (text, span) = value?;
        if text.is_empty() || text.ends_with(std::path::is_separator) {
            section.reader.report(span, format!("{text:?} is not a file"), None);
            return None;
        }
        Some(section.reader.absolute(text, span))
    };
    let both = path(both);
    log.stdout = path(out).or_else(|| both.clone());
    log.stderr = path(err).or(both);
    if let Some(mut rotate) = section.section("rotate") {
        rotate.later("time");
        rotate.later_switch("at-start");
        log.rotate_size = rotate.size("size", "10MB");
        rotate.finish();
    }
    if let Some(mut keep) = section.section("keep") {
        keep.later("age");
        keep.later("total");
        log.keep_count = keep.integer("count", 0..=100_000);
        keep.finish();
    }
    section.later_switch("compress");
    section.later_switch("timestamps");
    log.buffer = section.size("buffer", "1MiB").unwrap_or(log.buffer);
    section.finish();
    log
}
