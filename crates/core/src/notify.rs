//! What a program says of itself: lines `NAME=value`, as `sd_notify(3)` of systemd has them.

use std::time::Duration;

/// A status is shown on one line; what is longer is cut.
const MAX_STATUS: usize = 200;

/// Something that a program said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// `READY=1`: it is ready.
    Ready,
    /// `STATUS=…`: what it does, for people; empty: nothing worth to say.
    Status(String),
    /// `WATCHDOG=1`: it is alive.
    Alive,
    /// `WATCHDOG=trigger`: it has found that something is wrong with it.
    Dead,
    /// `STOPPING=1`: it is going to end.
    Stopping,
    /// `EXTEND_TIMEOUT_USEC=…`: for so long from now on it shall not be held to be late.
    Extend(Duration),
}

/// What a message says, in its order. Lines that say something else, or nothing, count for nothing.
pub fn notices(message: &[u8]) -> Vec<Notice> {
    String::from_utf8_lossy(message).lines().filter_map(notice).collect()
}

fn notice(line: &str) -> Option<Notice> {
    let (name, value) = line.split_once('=')?;
    match (name, value.trim()) {
        ("READY", "1") => Some(Notice::Ready),
        ("STATUS", text) => Some(Notice::Status(status(text))),
        ("WATCHDOG", "1") => Some(Notice::Alive),
        ("WATCHDOG", "trigger") => Some(Notice::Dead),
        ("STOPPING", "1") => Some(Notice::Stopping),
        ("EXTEND_TIMEOUT_USEC", micros) => micros.parse().ok().map(Duration::from_micros).map(Notice::Extend),
        _ => None,
    }
}

fn status(text: &str) -> String {
    let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    plain.take(MAX_STATUS).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lines_are_notices() {
        let said = "READY=1\nSTATUS= serving \u{1b}[1m3 \nWATCHDOG=1\nWATCHDOG=trigger\nSTOPPING=1\nEXTEND_TIMEOUT_USEC=1500000\n";
        let expected = [
            Notice::Ready,
            Notice::Status("serving  [1m3".to_owned()),
            Notice::Alive,
            Notice::Dead,
            Notice::Stopping,
            Notice::Extend(Duration::from_millis(1500)),
        ];
        assert_eq!(notices(said.as_bytes()), expected);
        for nothing in [
            "",
            "READY",
            "READY=0",
            "ready=1",
            "WATCHDOG=2",
            "MAINPID=7",
            "EXTEND_TIMEOUT_USEC=-1",
            "STOPPING=",
        ] {
            assert_eq!(notices(nothing.as_bytes()), [], "{nothing}");
        }
        assert_eq!(notices(b"READY=1\r\nSTATUS=\n"), [Notice::Ready, Notice::Status(String::new())]);
        let long = notices(format!("STATUS={}", "ä".repeat(1000)).as_bytes());
        assert_eq!(long, [Notice::Status("ä".repeat(MAX_STATUS))]);
    }

    proptest! {
        #[test]
        fn any_message_is_read(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = notices(&bytes);
        }
    }
}
