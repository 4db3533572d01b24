//! The codes with which Windows ends programs, as they come in `svc status` and in events.

use super::Entry;

pub(super) const ENTRIES: &[(&str, Entry)] = &[
    (
        "STATUS_ACCESS_VIOLATION",
        Entry {
            code: 0xC000_0005,
            meaning: "the program touched memory that is not its own",
            causes: &["a mistake in the program or in a library that it loads"],
            actions: &["look for a dump or an entry \"Application Error\" in the event log Application"],
        },
    ),
    (
        "STATUS_DLL_NOT_FOUND",
        Entry {
            code: 0xC000_0135,
            meaning: "a library that the program needs is missing",
            causes: &[
                "PATH of the service's account is not that of your console",
                "a runtime is not installed",
            ],
            actions: &["set PATH in the environment of its definition"],
        },
    ),
    (
        "STATUS_ENTRYPOINT_NOT_FOUND",
        Entry {
            code: 0xC000_0139,
            meaning: "a library is there, but an older or newer one than the program needs",
            causes: &["another library of that name comes first in PATH"],
            actions: &["put the right one beside the program"],
        },
    ),
    (
        "STATUS_DLL_INIT_FAILED",
        Entry {
            code: 0xC000_0142,
            meaning: "a library could not begin its work",
            causes: &["the system is going down", "too many services have a window station of their own"],
            actions: &["start it again; look for other programs that fail alike"],
        },
    ),
    (
        "STATUS_CONTROL_C_EXIT",
        Entry {
            code: 0xC000_013A,
            meaning: "the program was ended by Ctrl+C and does not handle it",
            causes: &["the first rung of the stop ladder"],
            actions: &["nothing, if the service was being stopped"],
        },
    ),
    (
        "STATUS_STACK_OVERFLOW",
        Entry {
            code: 0xC000_00FD,
            meaning: "the program ran out of stack",
            causes: &["a recursion without an end"],
            actions: &["look into its log before the end: svc logs NAME"],
        },
    ),
    (
        "STATUS_STACK_BUFFER_OVERRUN",
        Entry {
            code: 0xC000_0409,
            meaning: "the program ended itself because it found its memory damaged, or by an abort",
            causes: &["abort() or a panic that ends the process", "a mistake in the program"],
            actions: &["its last lines tell more: svc logs NAME"],
        },
    ),
    (
        "STATUS_HEAP_CORRUPTION",
        Entry {
            code: 0xC000_0374,
            meaning: "the program's memory was damaged",
            causes: &["a mistake in the program or in a library that it loads"],
            actions: &["look for an entry \"Application Error\" in the event log Application"],
        },
    ),
];
