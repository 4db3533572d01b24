//! Limits in the words of other tools.

use svckit_core::limits::{Limits, Priority};

use super::ini::Setting;
use super::reader::Reader;

/// A priority class of Windows by any of its names, `BelowNormal` as well as `BELOW_NORMAL_PRIORITY_CLASS`, or its number.
pub(super) fn priority(reader: &mut Reader<'_>, setting: &Setting) -> Option<Priority> {
    let plain = |text: &str| text.to_ascii_lowercase().replace(['-', '_', ' '], "");
    let value = plain(&setting.value);
    let word = value.strip_suffix("priorityclass").unwrap_or(&value);
    let named = Priority::NAMED.iter().find(|(name, _)| plain(name) == word).map(|(_, priority)| *priority);
    let found = named.or_else(|| value.parse().ok().and_then(Priority::of_class));
    if found.is_none() {
        let words: Vec<_> = Priority::NAMED.iter().map(|(word, _)| *word).collect();
        let message = format!("{} can't be {:?}", setting.key, setting.value);
        reader.wrong(setting.span, message, format!("the priorities are {}", words.join(", ")));
    }
    found
}

/// Numbers of processors and ranges of them: `0-2,4`; empty for all.
pub(super) fn processors(reader: &mut Reader<'_>, setting: &Setting) -> Vec<u16> {
    let mut found = Vec::new();
    let words = setting.value.split([',', ' ']).filter(|word| !word.is_empty());
    for word in words.filter(|word| !word.eq_ignore_ascii_case("all")) {
        let (first, last) = word.split_once('-').unwrap_or((word, word));
        match (first.parse::<u16>(), last.parse::<u16>()) {
            (Ok(first), Ok(last)) if first <= last && last <= Limits::LAST_PROCESSOR => {
                found.extend(first..=last)
            }
            _ => {
                let message = format!("{} can't be {:?}", setting.key, setting.value);
                reader.wrong(setting.span, message, "write the numbers of processors, such as 0-2,4");
                return Vec::new();
            }
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}
