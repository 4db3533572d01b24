//! `[service.NAME.limits]`.

use svckit_core::limits::{Limits, Priority};
use svckit_core::units::written_size;
use toml::de::DeValue;

use super::section::{Entry, Section, wrong_type};
use crate::units;

/// Words in place of a size.
pub(super) const SIZES: &[(&str, u64)] = &[("none", 0), ("unlimited", Limits::UNLIMITED)];

pub(super) fn read(mut section: Section<'_>) -> Limits {
    let limits = Limits {
        priority: section.choice("priority", Priority::NAMED),
        affinity: section.entry("affinity").map(|entry| affinity(&section, entry)).unwrap_or_default(),
        open_files: section.integer("files", 1..=1 << 30).map(u64::from),
        core_size: core(&mut section),
        memory: memory(&mut section),
        cpu: cpu(&mut section),
        processes: section.integer("processes", 1..=Limits::MOST_PROCESSES),
    };
    section.finish();
    limits
}

/// Numbers of processors, ascending, each once.
fn affinity(section: &Section<'_>, entry: Entry<'_>) -> Vec<u16> {
    const EXAMPLE: &str = "write affinity = [0, 1]";
    let DeValue::Array(items) = entry.value.get_ref() else {
        wrong_type(section.reader, entry, "a list of numbers", EXAMPLE);
        return Vec::new();
    };
    if items.is_empty() {
        let help = format!("leave it out for all processors, or {EXAMPLE}");
        section.reader.report(entry.span(), "a program can't run on no processor", Some(help));
    }
    let mut processors = Vec::new();
    for item in items.iter() {
        let number = match item.get_ref() {
            DeValue::Integer(number) => u16::from_str_radix(number.as_str(), number.radix()).ok(),
            _ => None,
        };
        match number.filter(|number| *number <= Limits::LAST_PROCESSOR) {
            Some(number) => processors.push(number),
            None => {
                let message = format!("a processor is a number from 0 to {}", Limits::LAST_PROCESSOR);
                section.reader.report(item.span(), message, Some(EXAMPLE.to_owned()));
            }
        }
    }
    processors.sort_unstable();
    processors.dedup();
    processors
}

fn core(section: &mut Section<'_>) -> Option<u64> {
    const EXAMPLE: &str = r#"core = "100MB""#;
    let (text, span) = section.string("core", "100MB")?;
    let word = SIZES.iter().find(|(word, _)| *word == text).map(|(_, size)| *size);
    let size = word.or_else(|| units::size(text));
    if size.is_none() {
        let help =
            format!(r#""none", "unlimited", or a number and one of B, KB, MB, GB, KiB, MiB, GiB: {EXAMPLE}"#);
        section.reader.report(span, format!("{text:?} is not a size"), Some(help));
    }
    size
}

fn memory(section: &mut Section<'_>) -> Option<u64> {
    let (size, span) = section.size_at("memory", "512MiB")?;
    if size < Limits::LEAST_MEMORY {
        let message = format!("no program runs in {}", written_size(size));
        let help = format!("the least is {}", written_size(Limits::LEAST_MEMORY));
        section.reader.report(span, message, Some(help));
    }
    Some(size)
}

/// Whole percents of one processor, with the sign: a bare number could as well be of all, or of processors.
fn cpu(section: &mut Section<'_>) -> Option<u32> {
    let (text, span) = section.string("cpu", "150%")?;
    let percent = text.strip_suffix('%').and_then(|number| number.trim_end().parse().ok());
    let percent = percent.filter(|percent| (1..=Limits::MOST_CPU).contains(percent));
    if percent.is_none() {
        let message = format!("{text:?} is no share of processors");
        let help = format!(
            "whole percents of one processor, from 1% to {}%: cpu = \"150%\" is one and a half",
            Limits::MOST_CPU
        );
        section.reader.report(span, message, Some(help));
    }
    percent
}
