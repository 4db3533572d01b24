//! Where the output goes: `log`, `logmode` and the like.

use svckit_core::log::rotation::RotateTime;

use super::ROLL_ADVICE;
use super::element::Elements;
use crate::definition::LogSettings;
use crate::import::ini::Setting;
use crate::import::native;
use crate::import::reader::Reader;
use crate::moments::Often;
use crate::winservice::path;

/// The size that WinSW rolls a log at in KiB, and how many old ones it keeps.
const THRESHOLD: u64 = 10 * 1024;
const KEPT: u32 = 8;

/// The date in the name of a log that WinSW rolls by time.
const DATE: &str = "yyyyMMdd";

/// The files are named after the configuration's own file, below its folder unless it names another.
pub(super) fn read(reader: &mut Reader<'_>, settings: &mut Elements, directory: &str) -> Option<LogSettings> {
    let mut log =
        settings.take(reader, "log").unwrap_or_else(|| super::element::element("log", Default::default()));
    // In XML these are beside `log`, in YAML inside it.
    for key in ["logpath", "outfiledisabled", "errfiledisabled", "outfilepattern", "errfilepattern"] {
        log.inside.0.extend(settings.take_all(key));
    }
    let inside = &mut log.inside;
    let mode = settings.text(reader, "logmode").or_else(|| inside.text(reader, "mode"));
    let word = mode.as_ref().map_or("append", |mode| mode.value.as_str()).to_ascii_lowercase();
    let name = settings.text(reader, "logname").or_else(|| inside.text(reader, "name"));
    let folder = match inside.text(reader, "logpath") {
        Some(setting) => native::without_variables(reader, &setting)
            .map(|text| path::absolute(reader.platform, directory, &text))?,
        None => reader.folder(),
    };
    let name = match name {
        Some(setting) => native::without_variables(reader, &setting)?,
        None => reader.stem(),
    };
    let mut found = LogSettings::default();
    let mut file = |reader: &mut Reader<'_>, what: &str, ending: &str| {
        let pattern = inside.text(reader, &format!("{what}filepattern"));
        let disabled = inside.text(reader, &format!("{what}filedisabled"));
        if let Some(setting) = disabled.filter(|setting| super::is_on(reader, setting)) {
            let message = format!("{} is not mapped", setting.key);
            reader.remark(setting.key_span, message, "output is always kept: svc logs");
            return Some(None);
        }
        let span = pattern.as_ref().or(mode.as_ref()).map_or(log.setting.key_span, |setting| setting.span);
        let ending =
            pattern.map_or(Some(ending.to_owned()), |setting| native::without_variables(reader, &setting))?;
        reader.file(&format!("{name}{ending}"), span, &folder).map(Some)
    };
    if word == "none" || word == "ignore" {
        let span = mode.as_ref().map_or(log.setting.key_span, |mode| mode.span);
        reader.remark(span, "the log mode none is not mapped", "output is always kept: svc logs");
    } else {
        found.stdout = file(reader, "out", ".out.log")?;
        found.stderr = file(reader, "err", ".err.log")?;
    }
    rotation(reader, inside, &word, mode.as_ref(), &mut found);
    for element in std::mem::take(inside).0 {
        reader.unmapped(&element.setting, super::advice::LOG, super::advice::LOG_MAPPED);
    }
    Some(found)
}

fn rotation(
    reader: &mut Reader<'_>,
    inside: &mut Elements,
    word: &str,
    mode: Option<&Setting>,
    log: &mut LogSettings,
) {
    let mut threshold = || {
        let given = inside.text(reader, "sizeThreshold").map(|setting| reader.number::<u32>(&setting));
        given.map_or(Some(THRESHOLD), |number| number.map(u64::from)).map(|size| size.max(1) * 1024)
    };
    let told = match word {
        "append" | "none" | "ignore" => None,
        "rotate" | "roll-by-size" => {
            log.rotate_size = threshold();
            let kept = inside.text(reader, "keepFiles").map_or(Some(KEPT), |setting| reader.number(&setting));
            log.keep_count = kept.map(|count| count.min(100_000));
            None
        }
        "roll-by-size-time" => {
            log.rotate_size = threshold();
            let at = inside.text(reader, "autoRollAtTime");
            log.rotate_time = at.as_ref().and_then(|at| daily_at(&at.value));
            let is_lost = at.is_some() && log.rotate_time.is_none();
            is_lost.then_some((
                "the time of the log mode roll-by-size-time is not mapped: it is no whole minute of a day",
                "write rotate = { time = \"daily\", at = \"03:00\" }",
            ))
        }
        "roll-by-time" => {
            let pattern = inside.text(reader, "pattern").map_or(DATE.to_owned(), |setting| setting.value);
            let period = inside.text(reader, "period").map_or(Some(1), |setting| reader.number(&setting));
            log.rotate_time = by_pattern(&pattern).filter(|_| period == Some(1)).map(Often::begin);
            log.rotate_time.is_none().then_some((
                "the log mode roll-by-time is not mapped with this pattern and period",
                "write rotate = { time = \"daily\" } in [service.NAME.log]",
            ))
        }
        "roll" => {
            log.rotate_at_start = true;
            log.keep_count = Some(1);
            None
        }
        "reset" => Some(("the log mode reset is not mapped: what is in a log is kept", ROLL_ADVICE)),
        other => {
            let words = "append, none, reset, roll, rotate, roll-by-size, roll-by-time or roll-by-size-time";
            let span = mode.map_or_else(Default::default, |mode| mode.span);
            return reader.wrong(span, format!("{other:?} is no log mode"), format!("write {words}"));
        }
    };
    if let (Some((message, help)), Some(mode)) = (told, mode) {
        reader.remark(mode.span, message, help);
    }
}

/// `autoRollAtTime` is `HH:mm:ss`.
fn daily_at(time: &str) -> Option<RotateTime> {
    Often::read("daily")?.at(time.trim().strip_suffix(":00")?)
}

/// How often the text of a date changes that is written by a pattern.
fn by_pattern(pattern: &str) -> Option<Often> {
    let letters: String = pattern.chars().filter(char::is_ascii_alphabetic).collect();
    Often::read(match letters.as_str() {
        DATE => "daily",
        "yyyyMMddHH" => "hourly",
        "yyyyMM" => "monthly",
        _ => return None,
    })
}
