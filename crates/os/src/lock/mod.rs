//! Lock files: one holder at a time, and the file tells who. The system releases the lock when the holder ends, however it ends.

mod unix;

pub use unix::Lock;
