//! `[service.NAME.schedule]`.

use svckit_core::timetable::{Occasion, Timetable};

use super::section::Section;
use crate::moments;
use crate::platform::Platform;

const EXAMPLE: &str = r#""daily 03:00""#;

pub(super) fn read(mut section: Section<'_>) -> Timetable {
    if let (Platform::Windows, Some(entry)) = (section.reader.platform, section.entry("start")) {
        let help = "leave it out, and have the Task Scheduler run: svc start NAME".to_owned();
        section.reader.report(entry.key.span(), "Windows starts no service by the clock", Some(help));
    }
    let schedule = Timetable {
        start: occasions(&mut section, "start"),
        stop: occasions(&mut section, "stop"),
        restart: occasions(&mut section, "restart"),
    };
    section.finish();
    schedule
}

fn occasions(section: &mut Section<'_>, key: &'static str) -> Vec<Occasion> {
    let mut occasions = Vec::new();
    for (text, span) in section.one_or_several(key, EXAMPLE) {
        match moments::occasion(text) {
            Some(occasion) => occasions.push(occasion),
            None => {
                let help = r#"write a time of day, and on which days: "03:00", "mon-fri 08:00", "sat,sun 10:00", "monthly 03:00", "hourly", "6h""#;
                section.reader.report(span, format!("{text:?} is not a time"), Some(help.to_owned()));
            }
        }
    }
    occasions
}
