//! Why each thing that is found matters.

/// Every rule of `svc doctor`, those of `svc lint` included, with why it matters: a sentence without a full stop.
pub const RULES: &[(&str, &str)] = &[
    ("definition", "svc update and svc apply would refuse the file"),
    ("directory", "the program can't be started without its working directory"),
    ("environment-file", "the start fails when it can't be read"),
    ("program", "without its program the service can't start"),
    ("script", "the program has nothing to run"),
    ("delayed-in-group", "every service control manager refuses it"),
    ("ambiguous-program", "another program than the one that is meant may be run"),
    ("program-by-relative-path", "elsewhere another program is found by that name"),
    ("program-writable", "whoever may change it decides what runs with the service's rights"),
    ("environment-file-readable", "secrets in it are none any more"),
    ("secret-variable", "secrets in it are none any more"),
    ("port-in-use", "the program can't listen there, or counts as ready before it is"),
    ("disabled-dependency", "the service can't be started"),
    ("never-restarted", "the first failure is the last"),
    ("max-delay", "the first delay is longer than meant"),
    ("no-graceful-stop", "the program has no chance to save what it holds"),
    ("unreachable-rung", "a part of the ladder is never used"),
    ("long-stop", "the system ends the program in the middle of its stop"),
    ("keep-without-rotate", "the log grows until the disk is full"),
    ("shared-log", "lines of one tear those of the other apart"),
    ("reboot", "a failure of one program stops the whole machine, or the setting is refused"),
    ("not-installed", "there is no service to look at"),
    ("not-readable", "what ails them is not told"),
    ("scm-unreachable", "no service can be looked at, started or stopped"),
    ("marked-for-deletion", "it can be neither started nor installed anew until it is gone"),
    ("start-failed", "the service doesn't run"),
    ("stopped-with-error", "the service doesn't run"),
    ("gave-up", "the service doesn't run, and nothing starts it again"),
    ("crash-loop", "the program doesn't do its work, and each start costs"),
    ("restarting", "the program doesn't do its work all the time"),
    ("pending", "who needs it waits"),
    ("automatic-stopped", "who expects it to run is mistaken"),
    ("disabled", "neither people nor services that need it can start it"),
    ("output-lost", "what is missing in the log may be what tells why"),
    ("dependency-circle", "none of them can be started"),
    ("dependency-missing", "the start fails with 1075"),
    ("dependency-disabled", "the start fails with 1068"),
    ("dependency-failed", "the start fails with 1068 as long as that one does"),
    ("image", "the service control manager has nothing to start"),
    ("image-unquoted", "who may write there decides what runs with the service's rights"),
    ("other-build", "what this svc does otherwise the service doesn't yet"),
    ("definition-gone", "nobody can change it there and run svc update"),
    ("drift", "what the file says is not what runs"),
];

/// Why a rule's finding matters.
pub fn why(rule: &str) -> Option<&'static str> {
    RULES.iter().find(|(name, _)| *name == rule).map(|(_, why)| *why)
}
