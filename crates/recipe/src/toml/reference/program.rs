//! The keys of how a program is run, watched and stopped.

use serde_json::json;
use svckit_core::limits::{Limits, Priority};

use super::values::{
    address, affinity, command, control, duration, either, exit_codes, hook, integer, ladder, number, path,
    percent, size, text, tree, url, words,
};
use super::{Table, row};
use crate::toml::{limits, restart};

pub(super) fn restart() -> Table {
    Table {
        at: "restart",
        columns: &["key", "value", "default"],
        rows: vec![
            row("when", &[r#"`"on-failure"` (a code other than 0, a signal), `"always"`, `"never"`"#], words(restart::WHEN)).is(r#""on-failure""#),
            row("delay", &["The first delay"], duration()).is(r#""5s""#),
            row("factor", &["Each delay is so many times the one before; 1 to 1000"], number(1.0, 1000.0)).is("2"),
            row("max-delay", &["The longest delay"], duration()).is(r#""5m""#),
            row("jitter", &["The share by which a delay may vary either way; 0 to 1"], number(0.0, 1.0)).is("0"),
            row("budget", &["When the delays spent add up to more than this, the next failure is the last: the service stops with an error"], duration()).is(r#""300s""#),
            row("reset-after", &["A run longer than this makes the delay and the spent budget new"], duration()).is(r#""30s""#),
            row("exit-codes", &[r#"What particular codes mean, before `when` is asked: `{ 0 = "stop", 75 = "restart", 78 = "fail" }`. `"stop"`: the service stops cleanly; `"fail"`: it stops with an error at once"#, "none"], exit_codes()),
        ],
    }
}

pub(super) fn stop() -> Table {
    Table {
        at: "stop",
        columns: &["key", "value", "default"],
        rows: vec![
            row("ladder", &[r#"The means in order, each with the time the program has: `[{ ctrl-c = "5s" }, { "signal:TERM" = "10s" }]`"#, r#"`[{ "signal:TERM" = "10s" }]`; on Windows `[{ ctrl-c = "5s" }, { wm-close = "5s" }]`"#], ladder()),
            row("tree", &[r#"What becomes of what the program started when it ends or is ended: `"kill"`, `{ leave = ["updater"] }` or `"follow"`, [below](#what-the-program-started)"#], tree()).is(r#""kill""#),
        ],
    }
}

pub(super) fn means() -> Table {
    Table {
        at: "stop.ladder",
        columns: &["means", "what it does"],
        rows: vec![
            row(
                "ctrl-c",
                &[
                    "what Ctrl+C does: on Windows the console event, elsewhere SIGINT to the program's process group",
                ],
                duration(),
            ),
            row(
                "signal:NAME",
                &[
                    "that signal to the program's process group (skipped on Windows); with or without `SIG`, in any case. A key with a colon is quoted",
                ],
                duration(),
            ),
            row("stdin-close", &["the program's standard input ends"], duration()),
            row("ctrl-break,wm-close", &["on Windows; skipped elsewhere"], duration()),
            row(
                "command",
                &[
                    r#"runs a command [beside the program](#servicenamehooks-commands-for-moments-in-its-life): `{ command = ["shopctl", "quit"], wait = "10s" }`. It has that time; one that fails is followed by the next rung at once, one that works may end after the program"#,
                ],
                text(),
            ),
            row(
                "http",
                &[
                    r#"sends a request: `{ http = "POST http://127.0.0.1:8080/stop", wait = "10s" }`; without a method it is a POST. It has no content. One that isn't answered with a status from 200 to 399 within its time is followed by the next rung"#,
                ],
                text(),
            ),
            row(
                "terminate",
                &["the whole tree is ended by force. After the last rung this is done in any case"],
                duration(),
            ),
        ],
    }
}

pub(super) fn ready() -> Table {
    Table {
        at: "ready",
        columns: &["key", "value", "default"],
        rows: vec![
            row("tcp", &[r#"`"HOST:PORT"` that accepts a connection; `"[::1]:8080"` for IPv6"#, ""], address()),
            row("http", &[r#"`"http://HOST:PORT/PATH"` that answers a GET with a status from 200 to 399; without a port it is 80. There is no TLS, so `https` is an error"#, ""], url()),
            row("log", &[r#"A text that a line of the program's output has in it, as in `"listening on"`; `*` is any text within the line, as in `"port * is open"`. The line needn't have ended"#, ""], text()),
            row("file", &["A file that the program makes or writes after its start", ""], path()),
            row("notify", &["`true`: the program [says so itself](#what-a-program-says-of-itself)", ""], json!({ "const": true })),
            row("command", &["A command, as in `run`, that is run [beside the program](#servicenamehooks-commands-for-moments-in-its-life) again and again until it ends with 0. It is ended after 30 seconds, and counts as failed", ""], command()),
            row("interval", &["With `tcp`, `http` and `command`: the time from an attempt that failed to the next", "of a command 1s, else 10ms, and twice as long each time up to 320ms"], duration()),
            row("timeout", &["How long the program has; then the start has failed, and the stop ladder ends the program"], duration()).is(r#""60s""#),
        ],
    }
}

pub(super) fn limits() -> Table {
    Table {
        at: "limits",
        columns: &["key", "value", "on Linux", "on Windows"],
        rows: vec![
            row(
                "priority",
                &[
                    r#"`"idle"`, `"below-normal"`, `"normal"`, `"above-normal"`, `"high"`, `"realtime"`"#,
                    "the nice values 19, 10, 0, -5, -10, -20; what is below 0 takes root or `CAP_SYS_NICE`",
                    "the priority class of that name, of the whole job; `realtime` takes the privilege `SeIncreaseBasePriorityPrivilege`",
                ],
                words(Priority::NAMED),
            ),
            row(
                "affinity",
                &[
                    "The processors that it may run on: `[0, 1]`",
                    "each from 0 to 1023",
                    "each from 0 to 63, all in one group",
                ],
                affinity(),
            ),
            row(
                "files",
                &[
                    "How many files each process may have open",
                    "soft and hard `RLIMIT_NOFILE`; without it what the service control manager was started with",
                    "there is no such limit; `svc lint` says so",
                ],
                integer(1, 1 << 30),
            ),
            row(
                "core",
                &[
                    r#"How large the memory image of a process that crashed may be: a size, `"none"` or `"unlimited"`"#,
                    "soft and hard `RLIMIT_CORE`",
                    "there is no such limit; `svc lint` says so",
                ],
                either(size(), words(limits::SIZES)),
            ),
            row(
                "memory",
                &[
                    "How much memory all its processes may have together: a size from 1MiB on",
                    "`memory.max` of a control group, no swap space on top; who needs more is ended by SIGKILL, with all of the program",
                    "the job's limit of committed memory; who asks for more gets none, and what then happens is up to the program",
                ],
                size(),
            ),
            row(
                "cpu",
                &[
                    r#"How much processor time they may have together: `"150%"` is all of one processor and half of another, as in systemd's `CPUQuota`"#,
                    "`cpu.max`, in pieces of 100 ms",
                    "a hard limit of the job's rate, which the system knows as a part of all processors: more than all of them is no limit",
                ],
                percent(),
            ),
            row(
                "processes",
                &[
                    "How many they may be; no more can be started then",
                    "`pids.max`, which counts threads too, as systemd's `TasksMax` does",
                    "the job's limit of active processes",
                ],
                integer(1, Limits::MOST_PROCESSES),
            ),
        ],
    }
}

pub(super) fn health() -> Table {
    Table {
        at: "health",
        columns: &["key", "value", "default"],
        rows: vec![
            row("tcp", &[r#"`"HOST:PORT"` that has to accept a connection"#, ""], address()),
            row("http", &[r#"`"http://HOST:PORT/PATH"` that has to answer a GET with a status from 200 to 399"#, ""], url()),
            row("command", &["A command, as in `run`, that has to end with 0. It is run [beside the program](#servicenamehooks-commands-for-moments-in-its-life), and ended when its `timeout` is over", ""], command()),
            row("silence", &[r#"So long the program may write nothing: `"5m"`"#, ""], duration()),
            row("notify", &[r#"At least so often the program has to [say](#what-a-program-says-of-itself) that it is alive: `"30s"`"#, ""], duration()),
            row("interval", &["With `tcp`, `http` and `command`: the time from one answer, or from the start, to the next question"], duration()).is(r#""10s""#),
            row("timeout", &["With `tcp`, `http` and `command`: how long an answer may take"], duration()).is(r#""5s""#),
            row("threshold", &["With `tcp`, `http` and `command`: how many times one after the other there may be no good answer, the last of which is one too many"], integer(1, 1000)).is("3"),
        ],
    }
}

pub(super) fn controls() -> Table {
    Table {
        at: "controls",
        columns: &["key", "control"],
        rows: vec![
            row(
                "pause,continue",
                &[
                    "`svc pause`, `svc continue`; only both together. Without them the service can't be paused",
                ],
                control(),
            ),
            row("reload", &["parameter change (PARAMCHANGE)"], control()),
            row("128 to 255", &["the service's own controls"], control()),
            row(
                "suspend,resume",
                &[
                    "the machine is about to be suspended, or was suspended and goes on. Of `suspend` only Windows tells: it waits for a command or an answer, but not for longer than some seconds",
                ],
                control(),
            ),
            row(
                "power-status",
                &["what the machine is powered by has changed, or how much is left. Windows only"],
                control(),
            ),
            row(
                "session-logon,session-logoff",
                &["somebody has logged on or off. This and what follows: Windows only"],
                control(),
            ),
            row("session-lock,session-unlock", &["a session was locked or unlocked"], control()),
            row(
                "session-connect,session-disconnect",
                &["a session was connected to the console or a remote terminal, or disconnected from it"],
                control(),
            ),
        ],
    }
}

pub(super) fn hooks() -> Table {
    Table {
        at: "hooks",
        columns: &["key", "when", "if it fails"],
        rows: vec![
            row(
                "pre-start",
                &[
                    "Before the program is run, each time; the service is START_PENDING meanwhile",
                    r#"the start has failed, or `"go-on"`"#,
                ],
                hook(),
            ),
            row(
                "post-start",
                &[
                    "When the program is ready, each time; the first time the service is START_PENDING until it is over",
                    r#"nothing, or `"fail"`: the program is stopped, and the start has failed"#,
                ],
                hook(),
            ),
            row(
                "pre-stop",
                &["When a service that runs was told to stop, before the stop ladder", "nothing"],
                hook(),
            ),
            row(
                "post-stop",
                &[
                    "When nothing is left of the program, before the service is STOPPED, whatever the reason; also after a start that failed",
                    "nothing",
                ],
                hook(),
            ),
            row(
                "on-crash",
                &[
                    "When the program ended and nobody wanted it to, before it is run again or the service stops",
                    r#"nothing, or `"fail"`: it isn't run again, and the service stops with an error"#,
                ],
                hook(),
            ),
            row("on-give-up", &["When the restart budget is spent, after `on-crash`", "nothing"], hook()),
            row(
                "on-rotate",
                &[
                    "When a log was rotated, beside everything else. It is run once at a time: for files that are rotated while it runs it is run once more",
                    "nothing",
                ],
                hook(),
            ),
        ],
    }
}
