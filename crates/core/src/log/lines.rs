//! Output as JSON: an object for each line.

use crate::base64;
use crate::calendar;
use crate::name::ServiceName;
use crate::time::WallTime;

/// A line that has more bytes becomes several objects.
pub const MOST: usize = 16 << 10;

/// The most that one byte of a text takes: `\u0000`.
const ESCAPED: usize = 6;

/// Makes an object of each line of an output that comes in pieces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lines {
    /// What is the same in all objects: the service and the output.
    source: String,
    /// The line that has begun.
    begun: Vec<u8>,
    /// When it did.
    at: WallTime,
}

impl Lines {
    /// Of an output of a service, by the word for it.
    pub fn new(service: &ServiceName, output: &str) -> Self {
        let source = format!(r#""service":{},"stream":"{output}""#, quoted(service.as_str()));
        Self { source, begun: Vec::new(), at: WallTime::default() }
    }

    /// The objects of all lines that end among these bytes, each followed by a newline.
    pub fn take(&mut self, bytes: &[u8], now: WallTime) -> Vec<u8> {
        let mut objects = Vec::new();
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (mut text, is_whole) = line.strip_suffix(b"\n").map_or((line, false), |text| (text, true));
            loop {
                if self.begun.is_empty() {
                    self.at = now;
                }
                let (fits, more) = text.split_at(text.len().min(MOST - self.begun.len()));
                self.begun.extend(fits);
                text = more;
                if text.is_empty() {
                    break;
                }
                self.cut(&mut objects);
            }
            if is_whole {
                let text = std::mem::take(&mut self.begun);
                self.object(&text, false, &mut objects);
            }
        }
        objects
    }

    /// The object of a line that has begun and goes on no more.
    pub fn end(&mut self) -> Vec<u8> {
        let mut object = Vec::new();
        let text = std::mem::take(&mut self.begun);
        if !text.is_empty() {
            self.object(&text, true, &mut object);
        }
        object
    }

    /// The most bytes whose objects certainly don't take more than `room`, whatever they are.
    pub fn bytes_for(&self, room: usize) -> usize {
        let mut shortest = Vec::new();
        self.object(b"", true, &mut shortest);
        room.saturating_sub(ESCAPED * self.begun.len()) / (shortest.len() + ESCAPED)
    }

    /// Makes an object of what has begun, but for the begin of a character.
    fn cut(&mut self, objects: &mut Vec<u8>) {
        let end = match std::str::from_utf8(&self.begun) {
            Err(error) if error.error_len().is_none() && error.valid_up_to() > 0 => error.valid_up_to(),
            _ => self.begun.len(),
        };
        let rest = self.begun.split_off(end);
        let text = std::mem::replace(&mut self.begun, rest);
        self.object(&text, true, objects);
    }

    fn object(&self, text: &[u8], is_partial: bool, objects: &mut Vec<u8>) {
        let (key, value) = match std::str::from_utf8(text) {
            Ok(text) => ("text", quoted(text)),
            Err(_) => ("base64", format!("\"{}\"", base64::encode(text))),
        };
        let partial = if is_partial { r#","partial":true"# } else { "" };
        let (time, source) = (calendar::rfc3339(self.at), &self.source);
        let object = format!("{{\"time\":\"{time}\",{source},\"{key}\":{value}{partial}}}\n");
        objects.extend(object.into_bytes());
    }
}

/// A string of JSON ([RFC 8259], section 7).
///
/// [RFC 8259]: https://www.rfc-editor.org/rfc/rfc8259
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            '\0'..' ' => quoted.push_str(&format!("\\u{:04x}", u32::from(character))),
            _ => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    const NOW: WallTime = WallTime(951_827_696_789);

    fn lines() -> Lines {
        Lines::new(&ServiceName::new("a\"b").unwrap(), "stderr")
    }

    #[test]
    fn a_line_is_an_object_with_the_time_of_its_begin() {
        let mut lines = lines();
        let mut all = lines.take(b"one\r\n\nhal", NOW);
        all.extend(lines.take(b"f \"\xC3\xA9\"\nno text \xFF\nrest", WallTime(NOW.0 + 1000)));
        all.extend(lines.end());
        all.extend(lines.end());
        let expected = concat!(
            r#"{"time":"2000-02-29T12:34:56.789Z","service":"a\"b","stream":"stderr","text":"one\r"}"#,
            "\n",
            r#"{"time":"2000-02-29T12:34:56.789Z","service":"a\"b","stream":"stderr","text":""}"#,
            "\n",
            r#"{"time":"2000-02-29T12:34:56.789Z","service":"a\"b","stream":"stderr","text":"half \"é\""}"#,
            "\n",
            r#"{"time":"2000-02-29T12:34:57.789Z","service":"a\"b","stream":"stderr","base64":"bm8gdGV4dCD/"}"#,
            "\n",
            r#"{"time":"2000-02-29T12:34:57.789Z","service":"a\"b","stream":"stderr","text":"rest","partial":true}"#,
            "\n",
        );
        assert_eq!(String::from_utf8(all).unwrap(), expected);
    }

    /// The bytes that objects stand for, which are text wherever that can be.
    fn restored(objects: &[u8]) -> Vec<u8> {
        let mut all = Vec::new();
        for line in objects.split_inclusive(|byte| *byte == b'\n') {
            let object: Value = serde_json::from_slice(line.strip_suffix(b"\n").unwrap()).unwrap();
            match (object["text"].as_str(), object["base64"].as_str()) {
                (Some(text), None) => all.extend(text.as_bytes()),
                (None, Some(coded)) => all.extend(base64::decode(coded).unwrap()),
                both => panic!("{both:?}"),
            }
            if object["partial"].is_null() {
                all.push(b'\n');
            }
        }
        all
    }

    #[test]
    fn a_long_line_is_cut_between_characters() {
        let text = "é".repeat(MOST);
        let bytes = [b"x", text.as_bytes(), b"\n"].concat();
        let mut lines = lines();
        let objects = lines.take(&bytes, NOW);
        assert_eq!(restored(&objects), bytes);
        assert!(!String::from_utf8(objects.clone()).unwrap().contains("base64"));
        assert_eq!(objects.iter().filter(|byte| **byte == b'\n').count(), 3, "two of them are partial");
        // One that ends where it would be cut is whole.
        let whole = lines.take(&[&vec![b'y'; MOST][..], b"\n"].concat(), NOW);
        assert!(!String::from_utf8(whole).unwrap().contains("partial"));
    }

    proptest! {
        #[test]
        fn every_byte_is_there_however_they_come(
            pieces in prop::collection::vec(
                prop_oneof![
                    prop::collection::vec(any::<u8>(), 0..40),
                    prop::collection::vec(prop_oneof![Just(b'\n'), Just(0), Just(0xC3), Just(0xA9)], 0..40),
                    (MOST - 3..2 * MOST + 3).prop_map(|length| vec![0xE9; length]),
                ],
                0..8,
            ),
            room in 0_usize..100_000,
        ) {
            let mut lines = lines();
            let mut objects = Vec::new();
            for piece in &pieces {
                let fits = &piece[..piece.len().min(lines.bytes_for(room))];
                prop_assert!(lines.clone().take(fits, NOW).len() <= room);
                objects.extend(lines.take(piece, NOW));
            }
            objects.extend(lines.end());
            prop_assert_eq!(restored(&objects), pieces.concat());
        }
    }
}
