//! `[service.NAME.log]`.

use svckit_core::definition::{Compression, LogFormat};
use svckit_core::log::rotation::RotateTime;

use toml::de::DeValue;

use super::section::Section;
use crate::definition::LogSettings;
use crate::moments::Often;

pub(super) const COMPRESSIONS: &[(&str, Compression)] = &[("gzip", Compression::Gzip)];

pub(super) const FORMATS: &[(&str, LogFormat)] = &[("raw", LogFormat::Raw), ("json", LogFormat::Json)];

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
        log.rotate_size = rotate.size("size", "10MB");
        log.rotate_time = time(&mut rotate);
        log.rotate_at_start = rotate.boolean("at-start").is_some_and(|(value, _)| value);
        rotate.finish();
    }
    if let Some(mut keep) = section.section("keep") {
        log.keep_count = keep.integer("count", 0..=100_000);
        log.keep_age = keep.duration("age", "30d");
        log.keep_total = keep.size("total", "1GB");
        keep.finish();
    }
    log.compress = compression(&mut section);
    log.format = section.choice("format", FORMATS).unwrap_or_default();
    log.timestamps = section.boolean("timestamps").is_some_and(|(value, _)| value);
    log.buffer = section.size("buffer", "1MiB").unwrap_or(log.buffer);
    section.finish();
    log
}

/// `compress`: a word for how, or whether at all.
fn compression(section: &mut Section<'_>) -> Option<Compression> {
    let entry = section.entry("compress")?;
    match entry.value.get_ref() {
        DeValue::Boolean(wanted) => wanted.then_some(Compression::Gzip),
        _ => section.choice("compress", COMPRESSIONS),
    }
}

/// `time` and `at` of `rotate`.
fn time(rotate: &mut Section<'_>) -> Option<RotateTime> {
    let (time, at) = (rotate.string("time", "daily"), rotate.string("at", "03:00"));
    let Some((text, span)) = time else {
        if let Some((_, span)) = at {
            let help = "write time = \"daily\" as well".to_owned();
            rotate.reader.report(span, "\"at\" says at which time of what \"time\" says", Some(help));
        }
        return None;
    };
    let Some(often) = Often::read(text) else {
        let help = "it is \"hourly\", \"daily\", \"weekly\", \"monthly\", or a duration from 1m to 366d, such as \"6h\"";
        rotate.reader.report(span, format!("{text:?} doesn't say how often"), Some(help.to_owned()));
        return None;
    };
    let Some((at, span)) = at else { return Some(often.begin()) };
    let moment = often.at(at);
    if moment.is_none() {
        let help = "a time of day that is within it, such as \"03:00\"; for a week also with the day, such as \"sunday 03:00\"";
        rotate.reader.report(span, format!("{at:?} is no time of {text:?}"), Some(help.to_owned()));
    }
    moment
}
