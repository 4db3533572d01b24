//! Limits of a unit.

use svckit_core::limits::{Limits, Priority};

use super::super::limits as values;
use super::Unit;
use crate::import::ini::Setting;
use crate::units;

pub(super) fn read(unit: &mut Unit<'_, '_>) -> Limits {
    Limits {
        priority: unit.service.take("Nice").and_then(|setting| nice(unit, &setting)),
        affinity: unit
            .service
            .take("CPUAffinity")
            .map(|setting| values::processors(unit.reader, &setting))
            .unwrap_or_default(),
        open_files: resource(unit, "LimitNOFILE").filter(|files| *files != Limits::UNLIMITED),
        core_size: resource(unit, "LimitCORE"),
        memory: memory(unit),
        cpu: cpu(unit),
        processes: processes(unit),
    }
}

/// `MemoryMax`, or as older units call it.
fn memory(unit: &mut Unit<'_, '_>) -> Option<u64> {
    let old = unit.service.take("MemoryLimit");
    let setting = unit.service.take("MemoryMax").or(old)?;
    absolute(unit, &setting, bytes, |size| *size >= Limits::LEAST_MEMORY)
}

fn processes(unit: &mut Unit<'_, '_>) -> Option<u32> {
    let setting = unit.service.take("TasksMax")?;
    absolute(unit, &setting, |text| text.parse().ok(), |count| (1..=Limits::MOST_PROCESSES).contains(count))
}

/// A number that `read` reads and `fits` accepts; none for no limit, and for a share of what the machine has, which is told.
fn absolute<T>(
    unit: &mut Unit<'_, '_>,
    setting: &Setting,
    read: fn(&str) -> Option<T>,
    fits: fn(&T) -> bool,
) -> Option<T> {
    let Setting { key, value, span, .. } = setting;
    if value.is_empty() || value == "infinity" {
        return None;
    }
    if value.ends_with('%') {
        let message = format!("{key}={value} is a share of the machine's, and not mapped");
        unit.reader.remark(*span, message, "write how much it is here");
        return None;
    }
    let limit = read(value).filter(fits);
    if limit.is_none() {
        unit.reader.wrong(*span, format!("{key} can't be {value:?}"), "write a number or infinity");
    }
    limit
}

/// A share of one processor's time; what is less than a hundredth is rounded up.
fn cpu(unit: &mut Unit<'_, '_>) -> Option<u32> {
    let setting = unit.service.take("CPUQuota").filter(|setting| !setting.value.is_empty())?;
    let number = setting.value.strip_suffix('%').unwrap_or_default();
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    let is_more = part.bytes().any(|digit| digit != b'0');
    let whole = whole.parse::<u32>().ok().filter(|_| part.bytes().all(|digit| digit.is_ascii_digit()));
    let percent = whole.map(|whole| whole.saturating_add(u32::from(is_more)));
    let Some(percent) = percent.filter(|percent| (1..=Limits::MOST_CPU).contains(percent)) else {
        let message = format!("CPUQuota can't be {:?}", setting.value);
        unit.reader.wrong(setting.span, message, "write percents of one processor, such as 150%");
        return None;
    };
    if is_more {
        let message = format!("CPUQuota={} becomes cpu = \"{percent}%\"", setting.value);
        unit.reader.remark(setting.span, message, "");
    }
    Some(percent)
}

/// A number of bytes; systemd's units are powers of 1024.
fn bytes(text: &str) -> Option<u64> {
    match text.strip_suffix('T') {
        Some(tera) => units::size(&format!("{tera}GiB"))?.checked_mul(1024),
        None => text.parse().ok().or_else(|| units::size(&format!("{text}iB"))),
    }
}

fn nice(unit: &mut Unit<'_, '_>, setting: &Setting) -> Option<Priority> {
    let nice: i32 = unit.reader.number(setting)?;
    let priority = Priority::of_nice(nice);
    if priority.nice() != nice {
        let message =
            format!("Nice={nice} becomes priority = \"{}\", nice {}", priority.word(), priority.nice());
        unit.reader.remark(setting.span, message, "");
    }
    Some(priority)
}

/// `LIMIT` or `SOFT:HARD`, of which the first is what the program has.
fn resource(unit: &mut Unit<'_, '_>, key: &str) -> Option<u64> {
    let setting = unit.service.take(key)?;
    let (soft, hard) = setting.value.split_once(':').unwrap_or((&setting.value, &setting.value));
    if soft != hard {
        let message = format!("{key} is {soft} and can't be raised to {hard}");
        unit.reader.remark(setting.span, message, "");
    }
    let limit = match soft {
        "infinity" => Some(Limits::UNLIMITED),
        other => bytes(other),
    };
    if limit.is_none() {
        let message = format!("{key} can't be {:?}", setting.value);
        unit.reader.wrong(setting.span, message, "write a number or infinity");
    }
    limit
}
