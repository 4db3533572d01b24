//! The keys of where the output goes.

use super::values::{boolean, duration, either, integer, moment, often, path, size, words};
use super::{Table, row};
use crate::toml::log;

pub(super) fn log() -> Table {
    Table {
        at: "log",
        columns: &["key", "value", "default"],
        rows: vec![
            row("file", &["One file for both streams, in order of arrival", r#"`logs/NAME.log` in the [state directory](state-directory.md); on Windows `%ProgramData%\svckit\services\NAME\NAME.log`"#], path()),
            row("stdout-file,stderr-file", &["A file for each, in place of `file`. A stream without a file goes to the default", ""], path()),
            row("rotate", &["When the file is renamed to `STEM-TIME.EXT` beside it, and a new one begun: [below](#rotation)", "never"], rotate().schema()),
            row("keep", &["Which rotated files are kept: [below](#rotation)", "all"], keep().schema()),
            row("compress", &[r#"`"gzip"` (or `true`): rotated files are compressed, to `STEM-TIME.EXT.gz`, [below](#rotation)"#, "no"], either(words(log::COMPRESSIONS), boolean())),
            row("format", &[r#"`"raw"`: as the program writes it; `"json"`: an object for each line, [below](#lines-as-json)"#], words(log::FORMATS)).is(r#""raw""#),
            row("timestamps", &["With `format = \"raw\"`, whether each line begins with the time at which it did, in UTC: `2026-11-21T01:02:03.004Z` and a blank. A line that a program hasn't ended is ended when the next one starts"], boolean()).is("false"),
            row("buffer", &["How much is held in memory while the disk takes none. What is more is lost, counted and told (event 8)"], size()).is(r#""1MiB""#),
        ],
    }
}

pub(super) fn rotate() -> Table {
    Table {
        at: "log.rotate",
        columns: &["key of `rotate`", "value"],
        rows: vec![
            row("size", &["A file that has reached this size is rotated"], size()),
            row(
                "time",
                &[
                    r#"`"hourly"`, `"daily"`, `"weekly"` (on Monday), `"monthly"` (on the first), or a duration from `1m` to `366d`, which is counted from the begin of a Monday: `"6h"` is at 0, 6, 12 and 18 o'clock"#,
                ],
                often(),
            ),
            row(
                "at",
                &[
                    r#"At which time of day instead of midnight, `"03:00"`; of a week also on which day: `"sunday"`, `"sunday 03:00"`. Of something shorter than a day, how much later: `time = "hourly", at = "00:15"` is a quarter past"#,
                ],
                moment(),
            ),
            row(
                "at-start",
                &[
                    "Whether what is in the file is rotated when the service starts. A restart of the program doesn't count",
                ],
                boolean(),
            ),
        ],
    }
}

pub(super) fn keep() -> Table {
    Table {
        at: "log.keep",
        columns: &["key of `keep`", "value"],
        rows: vec![
            row("count", &["The newest so many"], integer(0, 100_000)),
            row("age", &["Those that were rotated not longer ago"], duration()),
            row("total", &["The newest that together have not more bytes"], size()),
        ],
    }
}
