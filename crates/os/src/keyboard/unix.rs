use std::io;

use crossterm::event::{self, Event};

/// The keyboard of the terminal that this process has.
#[derive(Debug)]
pub struct Keyboard;

impl Keyboard {
    /// Opens it.
    pub fn open() -> io::Result<Self> {
        Ok(Self)
    }

    /// Waits for what comes next.
    pub fn read(&mut self) -> io::Result<Event> {
        event::read()
    }
}
