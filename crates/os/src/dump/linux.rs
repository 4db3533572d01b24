use rustix::process::{DumpableBehavior, dumpable_behavior, set_dumpable_behavior};

/// How it was.
pub(super) type Before = DumpableBehavior;

/// `PR_SET_DUMPABLE` (`prctl(2)`): other processes of the user can't look into this one either. A program that is run has it as usual again.
pub(super) fn hide() -> Option<Before> {
    let before = dumpable_behavior().ok()?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable).ok()?;
    Some(before)
}

pub(super) fn show(before: Before) {
    // Who has become another user meanwhile stays as it is.
    let _ = set_dumpable_behavior(before);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dump::{is_withheld, withhold};

    #[test]
    fn no_dump_is_made_until_the_last_holder_is_gone() {
        let is = || dumpable_behavior().unwrap();
        let before = is();
        let first = withhold();
        assert!(is_withheld());
        assert_eq!(is(), DumpableBehavior::NotDumpable);
        let second = withhold();
        drop(first);
        assert_eq!(is(), DumpableBehavior::NotDumpable);
        drop(second);
        assert_eq!(is(), before);
        assert!(!is_withheld());
    }
}
