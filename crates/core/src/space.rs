//! Whether there is room on a disk for what services and their service control manager write.

/// Less than this is none. A database of the service control manager keeps 4 MiB of changes beside itself (a thousand pages) before they go into it, and needs as much again for
/// that moment; there are two.
pub const LEAST: u64 = 16 << 20;

/// With less than this, and less than one part in [`PARTS`] of the disk, it is time to look: a small disk may be meant to be small, and of a large one much is left in a small part.
pub const LITTLE: u64 = 1 << 30;

/// See [`LITTLE`].
pub const PARTS: u64 = 20;

/// The room on a disk, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// What who asks may still use.
    pub free: u64,
    /// All of it.
    pub total: u64,
}

/// How much of it that is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Room {
    /// What is written is lost or refused, or soon will be.
    None,
    /// It works, but not for long.
    Little,
    /// There is nothing to say.
    Enough,
}

impl Space {
    /// Judges it.
    pub fn room(self) -> Room {
        if self.free < LEAST {
            Room::None
        } else if self.free < LITTLE && self.free < self.total / PARTS {
            Room::Little
        } else {
            Room::Enough
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_much_is_left_counts_and_of_how_much() {
        const GIB: u64 = 1 << 30;
        for (free, total, room) in [
            (0, 100 * GIB, Room::None),
            (LEAST - 1, 64 << 20, Room::None),
            (LEAST, 64 << 20, Room::Enough),
            (LEAST, GIB, Room::Little),
            (GIB - 1, 19 * GIB, Room::Enough),
            (GIB - 1, 21 * GIB, Room::Little),
            (GIB, 4000 * GIB, Room::Enough),
        ] {
            assert_eq!(Space { free, total }.room(), room, "{free} of {total}");
        }
    }
}
