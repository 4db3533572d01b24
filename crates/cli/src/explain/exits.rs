//! The exit statuses of `svc`.

use super::Entry;

pub(super) const ENTRIES: &[(&str, Entry)] = &[
    ("DONE", Entry { code: 0, meaning: "what was asked for is done", causes: &[], actions: &[] }),
    (
        "FAILURE",
        Entry {
            code: 1,
            meaning: "it failed in a way that has no exit status of its own",
            causes: &[],
            actions: &[
                "the error on standard error has the Win32 code: svc explain CODE",
                "--json gives it as a field",
            ],
        },
    ),
    (
        "USAGE",
        Entry {
            code: 2,
            meaning: "the command line or the definition is wrong, and nothing was done",
            causes: &[
                "a mistake in a definition file",
                "a service of that name is there that svckit did not make",
            ],
            actions: &[
                "svc VERB --help tells how the verb is written",
                "svc lint DEF tells what is wrong with a definition",
            ],
        },
    ),
    (
        "NO_SUCH_SERVICE",
        Entry {
            code: 3,
            meaning: "there is no service of that name",
            causes: &[
                "a display name was given in place of the key name",
                "another service control manager is meant",
            ],
            actions: &[
                "svc list shows the services that there are",
                "svc sc GetKeyName \"DISPLAY NAME\" tells the key name",
            ],
        },
    ),
    (
        "ACCESS_DENIED",
        Entry {
            code: 4,
            meaning: "a right is missing, or the account of the service is wrong",
            causes: &[
                "changing services takes an administrator on Windows",
                "the account does not exist, or its password is wrong",
            ],
            actions: &["on Windows open the console by \"Run as administrator\""],
        },
    ),
    (
        "TIME_OUT",
        Entry {
            code: 5,
            meaning: "the service did not get there in time",
            causes: &["the program starts or stops more slowly than it says", "it never becomes ready"],
            actions: &["svc status shows where it is", "--wait SECONDS waits longer"],
        },
    ),
    (
        "ALREADY_SO",
        Entry {
            code: 6,
            meaning: "it is so already: running, stopped, paused or installed",
            causes: &[],
            actions: &["svc up and svc down say what shall be, and take that for success"],
        },
    ),
    (
        "SERVICE_FAILED",
        Entry {
            code: 7,
            meaning: "the program of the service could not be run, or ended with an error",
            causes: &[
                "the program or its folder is missing",
                "the program does not find what it needs",
                "a service that it depends on failed",
            ],
            actions: &["svc logs NAME shows what the program wrote", "svc debug DEF runs it in this console"],
        },
    ),
    (
        "UNREACHABLE",
        Entry {
            code: 8,
            meaning: "the service control manager can't be reached, or does not run",
            causes: &["another user's state directory is meant", "it is going down"],
            actions: &["svc scm status tells whether it runs and where"],
        },
    ),
    (
        "MARKED_FOR_DELETION",
        Entry {
            code: 9,
            meaning: "the service is deleted and not gone yet",
            causes: &["it still runs", "a program has it open, as the console of services does"],
            actions: &["stop it", "close programs that show services"],
        },
    ),
    (
        "NOT_NOW",
        Entry {
            code: 10,
            meaning: "the service can't do that in its present state",
            causes: &[
                "services that depend on it run",
                "it is disabled",
                "it does not accept this control, or not now",
            ],
            actions: &[
                "svc show NAME tells what it accepts",
                "svc stop --with-dependents stops those that depend on it first",
            ],
        },
    ),
    (
        "DIFFERENT",
        Entry {
            code: 11,
            meaning: "svc plan or svc diff found what is not as the definitions say",
            causes: &[
                "a definition was edited since it was applied",
                "a service was changed or removed by other means",
                "an earlier svc apply did not come to its end",
            ],
            actions: &["svc plan DEF tells what would be done", "svc apply DEF does it"],
        },
    ),
    (
        "UNWELL",
        Entry {
            code: 12,
            meaning: "svc doctor found errors",
            causes: &["a service can't start, or doesn't do its work"],
            actions: &["each finding says what would be right, after \"do:\""],
        },
    ),
];
