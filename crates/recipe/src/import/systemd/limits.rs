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
        // Systemd's units are powers of two.
        other => other.parse().ok().or_else(|| units::size(&format!("{other}iB"))),
    };
    if limit.is_none() {
        let message = format!("{key} can't be {:?}", setting.value);
        unit.reader.wrong(setting.span, message, "write a number or infinity");
    }
    limit
}
