use svckit_core::native::{EventId, Level};
use svckit_core::time::WallTime;

/// Something that is worth a line between the program's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DebugEvent {
    /// When.
    pub time: WallTime,
    /// What kind.
    pub id: EventId,
    /// How serious.
    pub level: Level,
    /// One sentence.
    pub message: String,
}
