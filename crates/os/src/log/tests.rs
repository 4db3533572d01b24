//! Tests of reading logs.

use std::fs;
use std::io::Write;

use proptest::prelude::*;

use super::*;

/// A log that is written and rotated as the host does it.
struct Log {
    directory: tempfile::TempDir,
    rotations: u32,
}

impl Log {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap(), rotations: 0 }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("my.app.log")
    }

    fn write(&self, text: &str) {
        let mut file = fs::OpenOptions::new().create(true).append(true).open(self.path()).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    fn rotate(&mut self) {
        self.rotations += 1;
        // Several at the same moment get numbers; ten comes after two.
        let name = match self.rotations % 13 {
            0 => format!("my.app-20260101T0000{:02}.000Z.log", self.rotations / 13),
            n => format!("my.app-20260101T0000{:02}.000Z-{n}.log", self.rotations / 13),
        };
        if self.path().exists() {
            fs::rename(self.path(), self.directory.path().join(name)).unwrap();
        }
    }

    /// Compresses the oldest rotated file that isn't yet.
    fn pack(&self) {
        let entries = fs::read_dir(self.directory.path()).unwrap();
        let places = entries.filter_map(|entry| name::place(&self.path(), &entry.unwrap().file_name()));
        if let Some(place) = places.filter(|(_, form)| *form == Form::Plain).map(|(place, _)| place).min() {
            packed::pack(&self.path(), place).unwrap();
        }
    }

    fn tail(&self, lines: u32) -> Piece {
        read(&self.path(), LogFrom::Tail { lines }).unwrap()
    }

    fn go_on(&self, cursor: LogCursor) -> Piece {
        read(&self.path(), LogFrom::Cursor(cursor)).unwrap()
    }
}

fn text(piece: &Piece) -> &str {
    std::str::from_utf8(&piece.data).unwrap()
}

#[test]
fn a_tail_reaches_into_rotated_files() {
    let mut log = Log::new();
    assert_eq!(text(&log.tail(5)), "");
    log.write("1\n2\n");
    log.rotate();
    log.write("3\n4\n");
    log.rotate();
    log.write("5\nhalf");
    assert_eq!(text(&log.tail(2)), "5\nhalf");
    assert_eq!(text(&log.tail(4)), "3\n4\n5\nhalf");
    assert_eq!(text(&log.tail(100)), "1\n2\n3\n4\n5\nhalf");
    assert_eq!(text(&log.tail(0)), "");
    log.pack();
    assert_eq!(text(&log.tail(4)), "3\n4\n5\nhalf");
    assert_eq!(text(&log.tail(100)), "1\n2\n3\n4\n5\nhalf");
    log.pack();
    assert_eq!(text(&log.tail(3)), "4\n5\nhalf");
    log.rotate();
    log.pack();
    assert_eq!(text(&log.tail(1)), "half");
}

#[test]
fn nothing_is_told_twice_when_the_last_file_was_compressed() {
    let mut log = Log::new();
    log.write("half");
    log.rotate();
    log.pack();
    assert_eq!(text(&log.tail(1)), "half");
    let cursor = log.tail(0).cursor;
    log.write("\nmore\n");
    assert_eq!(text(&log.go_on(cursor)), "\nmore\n");
}

/// As a file system may have it that tells no time of creation.
#[test]
fn a_compressed_file_whose_number_another_got_is_not_left_out() {
    let mut log = Log::new();
    log.write("1\n");
    log.rotate();
    log.write("2\n");
    let number = file::identity(&File::open(log.path()).unwrap()).unwrap();
    let place = "my.app-20260101T000000.000Z-1.log";
    fs::remove_file(log.directory.path().join(place)).unwrap();
    let source = log.directory.path().join("source");
    fs::write(&source, "1\n").unwrap();
    let compressed = log.directory.path().join(format!("{place}.gz"));
    packed::write(&File::open(source).unwrap(), number, &compressed).unwrap();
    assert_eq!(text(&log.tail(9)), "1\n2\n");
    let cursor = log.tail(0).cursor;
    log.write("3\n");
    assert_eq!(text(&log.go_on(cursor)), "3\n");
}

#[test]
fn compressed_files_of_somebody_else_are_passed_over() {
    let log = Log::new();
    log.write("mine\n");
    fs::write(log.directory.path().join("my.app-20260101T000000.000Z.log.gz"), "nonsense").unwrap();
    fs::write(log.directory.path().join("my.app-20260101T000000.000Z.log.gz.part"), "half").unwrap();
    assert_eq!(text(&log.tail(100)), "mine\n");
}

#[test]
fn files_of_others_are_not_touched() {
    let log = Log::new();
    log.write("mine\n");
    for other in
        ["my.app-x.log", "my.app2-20260101T000000.000Z.log", "my.app-20260101T000000.000Z.txt", "other.log"]
    {
        fs::write(log.directory.path().join(other), "foreign\n").unwrap();
    }
    assert_eq!(text(&log.tail(100)), "mine\n");
}

#[test]
fn a_cursor_into_a_deleted_file_goes_on_with_the_oldest() {
    let mut log = Log::new();
    log.write("old\n");
    let cursor = log.tail(0).cursor;
    // The file is held, so that no other gets its number.
    let _held = File::open(log.path()).unwrap();
    fs::remove_file(log.path()).unwrap();
    log.write("1\n");
    log.rotate();
    log.write("2\n");
    let piece = log.go_on(cursor);
    assert_eq!(text(&piece), "1\n");
    assert_eq!(text(&log.go_on(piece.cursor)), "2\n");
}

proptest! {
    /// Whoever follows, at whatever moments, sees every byte once and in order.
    #[test]
    fn following_sees_everything_once(steps in prop::collection::vec(0u8..7, 1..60)) {
        // Files of NTFS never have the number of one before; Wine's are those of the disk below, where a new log may get that of one that was compressed.
        let reuses = std::env::var("SVCKIT_WINE").is_ok_and(|wine| wine != "all");
        let mut log = Log::new();
        let mut written = String::new();
        let mut seen = String::new();
        let mut cursor = log.tail(0).cursor;
        for (number, step) in steps.iter().enumerate() {
            match step {
                0 | 1 => {
                    let line = format!("line {number}\n");
                    log.write(&line);
                    written.push_str(&line);
                }
                2 => log.rotate(),
                3 if reuses => {}
                3 => log.pack(),
                _ => {
                    let piece = log.go_on(cursor);
                    seen.push_str(text(&piece));
                    cursor = piece.cursor;
                }
            }
        }
        loop {
            let piece = log.go_on(cursor);
            if piece.data.is_empty() {
                break;
            }
            seen.push_str(text(&piece));
            cursor = piece.cursor;
        }
        prop_assert_eq!(seen, written);
    }
}
