//! What WinSW has that svckit has no setting for, and what can be done.

use crate::import::reader::Advice;

pub(super) const MAPPED: &str = "id name description executable arguments argument startarguments startargument workingdirectory env \
    startmode delayedAutoStart depend serviceaccount stoptimeout onfailure resetfailure preshutdown preshutdownTimeout log logmode \
    logpath logname outfiledisabled errfiledisabled outfilepattern errfilepattern prestart poststart prestop poststop priority \
    interactive beeponshutdown hidewindow autoRefresh extensions sharedDirectoryMapping";

pub(super) const ADVICE: Advice<'_> = &[
    (
        "stopexecutable stoparguments stopargument",
        "the stop ladder asks the program itself: Ctrl+C, or a request to close to its windows",
    ),
    (
        "stopparentprocessfirst",
        "Ctrl+C reaches all that share the program's console at once; what is left then is ended",
    ),
    ("waithint sleeptime", "svckit tells how far a start or a stop is by itself"),
    ("download", "the program, or a script that runs it, has to fetch the file"),
    ("securityDescriptor", "sc sdset NAME SDDL sets it once the service is installed"),
];

pub(super) const LOG_MAPPED: &str =
    "mode name logpath sizeThreshold keepFiles outfiledisabled errfiledisabled outfilepattern errfilepattern";

pub(super) const LOG: Advice<'_> = &[
    ("pattern period autoRollAtTime", "rotated files have the time in their name"),
    (
        "zipOlderThanNumDays zipDateFormat",
        "rotated files are not compressed; keep = { count = 10 } says how many are kept",
    ),
    (
        "sizeThreshold keepFiles pattern period autoRollAtTime",
        "write rotate = { size = \"10MB\" } and keep = { count = 10 } in [service.NAME.log]",
    ),
];
