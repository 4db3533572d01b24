#![allow(unsafe_code)]

use std::fs::{File, OpenOptions};
use std::io;
use std::mem::MaybeUninit;
use std::os::windows::io::AsRawHandle;

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use windows_sys::Win32::System::Console::{
    INPUT_RECORD, KEY_EVENT, KEY_EVENT_RECORD, LEFT_ALT_PRESSED, LEFT_CTRL_PRESSED, RIGHT_ALT_PRESSED,
    RIGHT_CTRL_PRESSED, ReadConsoleInputW, SHIFT_PRESSED, WINDOW_BUFFER_SIZE_EVENT,
};

/// The virtual key code of Alt, which tells at its release what was typed by number.
const MENU: u16 = 0x12;

/// The keyboard of the console that this process has.
#[derive(Debug)]
pub struct Keyboard {
    console: File,
    /// The first half of a character that comes in two records.
    half: Option<u16>,
}

impl Keyboard {
    /// Opens it.
    pub fn open() -> io::Result<Self> {
        let console = OpenOptions::new().read(true).write(true).open("CONIN$")?;
        Ok(Self { console, half: None })
    }

    /// Waits for what comes next.
    pub fn read(&mut self) -> io::Result<Event> {
        loop {
            let record = self.record()?;
            let event = match u32::from(record.EventType) {
                // SAFETY: the type says which member the record has.
                KEY_EVENT => self.key(Stroke::of(unsafe { &record.Event.KeyEvent })).map(Event::Key),
                WINDOW_BUFFER_SIZE_EVENT => {
                    // SAFETY: as above.
                    let size = unsafe { record.Event.WindowBufferSizeEvent.dwSize };
                    let cells = |count: i16| u16::try_from(count).unwrap_or(0);
                    Some(Event::Resize(cells(size.X), cells(size.Y)))
                }
                _ => None,
            };
            if let Some(event) = event {
                return Ok(event);
            }
        }
    }

    fn record(&self) -> io::Result<INPUT_RECORD> {
        let mut record = MaybeUninit::<INPUT_RECORD>::zeroed();
        let mut count = 0;
        // SAFETY: the handle is open; there is room for the one record that is asked for.
        let read = unsafe {
            ReadConsoleInputW(self.console.as_raw_handle(), record.as_mut_ptr(), 1, &raw mut count)
        };
        match (read, count) {
            (0, _) => Err(io::Error::last_os_error()),
            (_, 0) => Err(io::ErrorKind::UnexpectedEof.into()),
            // SAFETY: the call has written it; zeroes would be one, too.
            _ => Ok(unsafe { record.assume_init() }),
        }
    }

    fn key(&mut self, stroke: Stroke) -> Option<KeyEvent> {
        // What is typed by its number comes when Alt is let go.
        if !stroke.down && (stroke.code != MENU || stroke.unit == 0) {
            return None;
        }
        let half = self.half.take();
        if let Some(code) = named(stroke.code) {
            return Some(KeyEvent::new(code, stroke.modifiers));
        }
        let control = stroke.modifiers.contains(KeyModifiers::CONTROL);
        let alt = stroke.modifiers.contains(KeyModifiers::ALT);
        match stroke.unit {
            // Together with Control a letter comes as a control character, or as none.
            0..0x20 if control => {
                let letter = u8::try_from(stroke.code).ok().filter(u8::is_ascii_alphanumeric)?;
                let letter = char::from(letter.to_ascii_lowercase());
                Some(KeyEvent::new(KeyCode::Char(letter), stroke.modifiers))
            }
            0 => None,
            0xD800..0xDC00 => {
                self.half = Some(stroke.unit);
                None
            }
            unit => {
                let half = half.filter(|_| (0xDC00..0xE000).contains(&unit));
                let units = half.into_iter().chain([unit]);
                let letter = char::decode_utf16(units).next()?.ok()?;
                // Both are AltGr, which has made the character.
                let made = if control && alt {
                    KeyModifiers::CONTROL | KeyModifiers::ALT
                } else {
                    KeyModifiers::NONE
                };
                Some(KeyEvent::new(KeyCode::Char(letter), stroke.modifiers.difference(made)))
            }
        }
    }
}

/// A key that was pressed or let go.
#[derive(Debug, Clone, Copy)]
struct Stroke {
    down: bool,
    /// Virtual key code.
    code: u16,
    /// A unit of UTF-16; zero for a key without a character.
    unit: u16,
    modifiers: KeyModifiers,
}

impl Stroke {
    fn of(record: &KEY_EVENT_RECORD) -> Self {
        let mut modifiers = KeyModifiers::NONE;
        for (mask, modifier) in [
            (SHIFT_PRESSED, KeyModifiers::SHIFT),
            (LEFT_CTRL_PRESSED | RIGHT_CTRL_PRESSED, KeyModifiers::CONTROL),
            (LEFT_ALT_PRESSED | RIGHT_ALT_PRESSED, KeyModifiers::ALT),
        ] {
            modifiers.set(modifier, record.dwControlKeyState & mask != 0);
        }
        // SAFETY: both members are numbers, the wide one is what `ReadConsoleInputW` writes.
        let unit = unsafe { record.uChar.UnicodeChar };
        Self { down: record.bKeyDown != 0, code: record.wVirtualKeyCode, unit, modifiers }
    }
}

/// Keys that are known by their virtual key code.
fn named(code: u16) -> Option<KeyCode> {
    Some(match code {
        0x08 => KeyCode::Backspace,
        0x09 => KeyCode::Tab,
        0x0D => KeyCode::Enter,
        0x1B => KeyCode::Esc,
        0x21 => KeyCode::PageUp,
        0x22 => KeyCode::PageDown,
        0x23 => KeyCode::End,
        0x24 => KeyCode::Home,
        0x25 => KeyCode::Left,
        0x26 => KeyCode::Up,
        0x27 => KeyCode::Right,
        0x28 => KeyCode::Down,
        0x2D => KeyCode::Insert,
        0x2E => KeyCode::Delete,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keyboard() -> Keyboard {
        Keyboard { console: File::open("NUL").unwrap(), half: None }
    }

    fn stroke(code: u16, unit: u16, modifiers: KeyModifiers) -> Stroke {
        Stroke { down: true, code, unit, modifiers }
    }

    #[test]
    fn keys_are_what_they_say() {
        const CONTROL: KeyModifiers = KeyModifiers::CONTROL;
        const SHIFT: KeyModifiers = KeyModifiers::SHIFT;
        const NONE: KeyModifiers = KeyModifiers::NONE;
        let char = KeyCode::Char;
        for (pressed, expected) in [
            (stroke(0x26, 0, NONE), Some((KeyCode::Up, NONE))),
            (stroke(0x0D, 13, NONE), Some((KeyCode::Enter, NONE))),
            (stroke(0x51, 0x71, NONE), Some((char('q'), NONE))),
            (stroke(0x51, 0x51, SHIFT), Some((char('Q'), SHIFT))),
            (stroke(0x43, 3, CONTROL), Some((char('c'), CONTROL))),
            (stroke(0x31, 0, CONTROL), Some((char('1'), CONTROL))),
            (stroke(0x11, 0, CONTROL), None),
            (stroke(0x10, 0, SHIFT), None),
            (stroke(0x51, 0x40, CONTROL | KeyModifiers::ALT), Some((char('@'), NONE))),
            (stroke(0xDE, 0xE4, NONE), Some((char('ä'), NONE))),
            (Stroke { down: false, ..stroke(0x51, 0x71, NONE) }, None),
            (Stroke { down: false, ..stroke(MENU, 0x20AC, NONE) }, Some((char('€'), NONE))),
        ] {
            let found = keyboard().key(pressed).map(|key| (key.code, key.modifiers));
            assert_eq!(found, expected, "{pressed:?}");
        }
    }

    #[test]
    fn a_character_may_come_in_two_halves() {
        let mut keyboard = keyboard();
        let mut units = [0; 2];
        '🌍'.encode_utf16(&mut units);
        let typed = |unit| stroke(0xE7, unit, KeyModifiers::NONE);
        assert_eq!(keyboard.key(typed(units[0])), None);
        assert_eq!(keyboard.key(typed(units[1])).map(|key| key.code), Some(KeyCode::Char('🌍')));
        assert_eq!(keyboard.key(typed(units[1])), None, "a half alone is no character");
        assert_eq!(keyboard.key(typed(units[0])), None);
        assert_eq!(keyboard.key(typed(0x71)).map(|key| key.code), Some(KeyCode::Char('q')));
    }
}
