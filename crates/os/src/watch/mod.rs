//! Being told that something changed in a directory.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub use unix::{Changes, Watch};
#[cfg(windows)]
pub use windows::{Changes, Watch};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Interest, Poller};

    #[test]
    fn a_poller_is_told_of_changes() {
        let folder = tempfile::tempdir().unwrap();
        let mut changes = Changes::of(folder.path()).unwrap();
        let poller = Poller::new().unwrap();
        poller.add(&changes, 5, Interest::Read).unwrap();
        let mut ready = Vec::new();
        for name in ["a", "b", "a"] {
            std::fs::write(folder.path().join(name), name).unwrap();
            poller.wait(&mut ready, None).unwrap();
            assert_eq!((ready[0].token, ready[0].readable), (5, true));
            changes.take().unwrap();
        }
        assert!(Changes::of(&folder.path().join("none")).is_err());
    }
}
