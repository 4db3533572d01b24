//! Log files: opening, reading and writing at a place, rotating.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub use unix::{identity, is_at, is_plain, null_device, open_log, read_at, rename_new, write_at};
#[cfg(windows)]
pub use windows::{identity, is_at, is_plain, null_device, open_log, read_at, rename_new, write_at};

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    #[test]
    fn renaming_replaces_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("a"), "a").unwrap();
        std::fs::write(at("b"), "b").unwrap();
        assert_eq!(rename_new(&at("a"), &at("b")).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        rename_new(&at("a"), &at("c")).unwrap();
        assert!(!at("a").exists());
    }
}
