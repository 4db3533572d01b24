use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// How it was.
pub(super) type Before = Rlimit;

/// `RLIMIT_CORE` (`setrlimit(2)`) of zero.
pub(super) fn hide() -> Option<Before> {
    let before = getrlimit(Resource::Core);
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: before.maximum }).ok()?;
    Some(before)
}

pub(super) fn show(before: Before) {
    // It was allowed before.
    let _ = setrlimit(Resource::Core, before);
}
