//! The keys of a service itself, and of the service control managers.

use super::values::{
    boolean, command, duration, either, environment, integer, list, occasion, one_or_several, password, path,
    recovery_actions, text, words,
};
use super::{Table, row};
use crate::definition::StartMode;
use crate::toml::{service, windows};
use serde_json::json;

pub(super) fn service() -> Table {
    Table {
        at: "",
        columns: &["key", "value", "default"],
        rows: vec![
            row("run", &[r#"The program and its arguments: a list of strings, or one string that is split as a shell does (blanks separate, `'…'` is literal, in `"…"` a backslash escapes `"` and `\`, elsewhere any character); [on Windows](#on-windows) by its rules. A program without `/` is looked up in `PATH` when the service is installed or updated (in the `PATH` of `environment` if there is one); one with `/` is relative to `directory`"#, "required, or `binary-path`"], command()),
            row("binary-path", &[r#"In place of `run`: the command line of [a program that is a service itself](#a-program-that-is-a-service-itself), as `sc.exe` takes it with `binPath=`: `'"C:\Program Files\Shop\shop.exe" --service'`"#, "none"], text()),
            row("directory", &["The working directory", "the folder of the file"], path()),
            row("display-name", &["The name that people see; unique", "NAME"], text()),
            row("description", &["What it does", "none"], text()),
            row("start", &[r#"`"manual"`, `"auto"` (with the service control manager), `"delayed"` (some time after that), `"disabled"`"#, "manual for a new service; an installed one stays as it is"], words(StartMode::NAMED)),
            row("depends-on", &[r#"Services that have to run before, by name; `"+GROUP"`: at least one service of a group"#, "none"], list(text())),
            row("account", &["The user that it runs as", "the system (with the built-in service control manager: its own user) for a new service; an installed one stays as it is"], text()),
            row("password", &[r#"Only together with `account`: where its password is, never the password itself: `{ file = "PATH" }`, `{ environment = "NAME" }`, on Windows also `{ credential = "NAME" }`; see [Keep secrets](../tasks/secrets.md#the-password-of-the-account)"#, "none; `--password-stdin` takes it"], password()),
            row("environment", &[r#"A table of variables; values are strings, or [where a secret is](#secrets): `{ PORT = "8080", DB_PASSWORD = { file = "/run/secrets/db" } }`"#, "what the service control manager has"], environment()),
            row("environment-file", &["A file of `NAME=value` lines, or a list of such files, read at every start. `environment` wins over them", "none"], one_or_several(path())),
            row("process", &[r#"`"own"`: the service's host is a process of its own; `"share"`: one host for all services that share. The program has a process of its own either way. With `binary-path` it is the program itself that has a process of its own or shares one"#], words(service::PROCESSES)).is(r#""own""#),
        ],
    }
}

pub(super) fn schedule() -> Table {
    Table {
        at: "schedule",
        columns: &["key", "value", "default"],
        rows: vec![
            row(
                "start",
                &["When the service is started, if it doesn't run. Not on Windows", "never"],
                one_or_several(occasion()),
            ),
            row("stop", &["When it is stopped, as `svc stop` does it", "never"], one_or_several(occasion())),
            row(
                "restart",
                &[
                    "When its program is ended by the [stop ladder](#servicenamestop-how-the-program-is-stopped) and run again. The service is RUNNING all the time",
                    "never",
                ],
                one_or_several(occasion()),
            ),
        ],
    }
}

pub(super) fn recovery() -> Table {
    Table {
        at: "recovery",
        columns: &["key", "value", "default"],
        rows: vec![
            row(
                "actions",
                &[
                    r#"The first failure gets the first, and so on; the last repeats: `[{ restart = "5s" }, { run-command = "0s" }, { none = "0s" }]`, each with its delay. `reboot` is refused by the built-in service control manager unless its settings allow it"#,
                    "none",
                ],
                recovery_actions(),
            ),
            row(
                "reset-period",
                &[
                    r#"After so long without a failure the count starts again: whole seconds, or `"never"`"#,
                    "never",
                ],
                either(duration(), json!({ "const": "never" })),
            ),
            row("command", &["What `run-command` runs", ""], text()),
            row("reboot-message", &["", ""], text()),
            row(
                "on-stop-with-error",
                &["Whether the actions are also for a service that stops with an error"],
                boolean(),
            )
            .is("false"),
        ],
    }
}

pub(super) fn windows() -> Table {
    Table {
        at: "windows",
        columns: &["key", "value", "default"],
        rows: vec![
            row("group", &["The load order group", "none"], text()),
            row("tag", &["Whether it has a place in the order of its group"], boolean()).is("false"),
            row(
                "error-control",
                &[r#"`"ignore"`, `"normal"`, `"severe"`, `"critical"`"#],
                words(windows::ERROR_CONTROLS),
            )
            .is(r#""normal""#),
            row("preshutdown", &["How long it may take when the system is about to shut down"], duration())
                .is(r#""3m""#),
            row("sid-type", &[r#"`"none"`, `"unrestricted"`, `"restricted"`"#, "none"], words(windows::SIDS)),
            row(
                "security",
                &[
                    r#"Who may do what with it, in the [security descriptor definition language](sc.md#security-descriptors), such as `"D:(A;;GA;;;BA)(A;;GA;;;SY)"`; parts that are not said stay as they are"#,
                    "as it is",
                ],
                text(),
            ),
            row(
                "privileges",
                &[r#"The privileges that it needs, such as `["SeBackupPrivilege"]`"#, "those of the account"],
                list(text()),
            ),
            row(
                "preferred-node",
                &["The number of the NUMA node whose processors and memory it shall run on", "none"],
                integer(0, u16::MAX.into()),
            ),
            row(
                "launch-protection",
                &[
                    r#"`"none"`, `"windows"`, `"windows-light"`, `"antimalware-light"`: whom its process is protected from. Windows takes it only for programs that are signed for it, and who is protected less can't take it away"#,
                    "none",
                ],
                words(windows::PROTECTIONS),
            ),
            row(
                "triggers",
                &[
                    r#"What starts and stops it by itself, in the [words of `svc sc triggerinfo`](sc.md#triggers): `["start/tcp/8080"]` [starts it with the first connection](../tasks/start-on-connection.md)"#,
                    "nothing",
                ],
                list(text()),
            ),
        ],
    }
}
