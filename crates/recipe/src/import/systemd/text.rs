//! Specifiers, words and times as systemd writes them.

use std::time::Duration;

use crate::definition::Span;
use crate::escape;
use crate::import::reader::Reader;

/// What `%x` stands for. Those of a machine, a boot or a user are not known here.
pub(super) struct Specifiers {
    /// `name` or `prefix@instance`.
    unit: String,
}

impl Specifiers {
    /// Those of a file; a template is no service.
    pub(super) fn of(reader: &mut Reader<'_>) -> Option<Self> {
        let file = reader.source.file().file_name().unwrap_or_default().to_string_lossy().into_owned();
        let unit = file.strip_suffix(".service").unwrap_or(&file).to_owned();
        if unit.ends_with('@') {
            let help = format!("copy it to a file {unit}INSTANCE.service");
            reader.wrong(Span::default(), "the unit is a template, and no service by itself", help);
            return None;
        }
        Some(Self { unit })
    }

    /// The unit's name without its ending.
    pub(super) fn name(&self) -> String {
        self.unit.clone()
    }

    /// A text with its specifiers replaced; one that is not known here is reported.
    pub(super) fn replace(&self, reader: &mut Reader<'_>, text: &str, span: Span) -> Option<String> {
        let mut replaced = String::new();
        let mut rest = text.chars();
        while let Some(c) = rest.next() {
            if c != '%' {
                replaced.push(c);
                continue;
            }
            let Some(kind) = rest.next() else {
                replaced.push('%');
                break;
            };
            let Some(value) = self.value(kind) else {
                let message = format!("what %{kind} stands for is not said in this file");
                reader.wrong(span, message, "write its value, or %% for a percent sign");
                return None;
            };
            replaced.push_str(&value);
        }
        Some(replaced)
    }

    fn value(&self, kind: char) -> Option<String> {
        let (prefix, instance) = self.unit.split_once('@').unwrap_or((&self.unit, ""));
        let value = match kind {
            '%' => "%".to_owned(),
            'n' => format!("{}.service", self.unit),
            'N' => self.unit.clone(),
            'p' => prefix.to_owned(),
            'P' => unescaped(prefix)?,
            'i' => instance.to_owned(),
            'I' => unescaped(instance)?,
            'j' => prefix.rsplit('-').next().unwrap_or_default().to_owned(),
            't' => "/run".to_owned(),
            'S' => "/var/lib".to_owned(),
            'C' => "/var/cache".to_owned(),
            'L' => "/var/log".to_owned(),
            'E' => "/etc".to_owned(),
            'T' => "/tmp".to_owned(),
            'V' => "/var/tmp".to_owned(),
            // A system's units belong to root, whatever their User is.
            'u' | 'g' => "root".to_owned(),
            'U' | 'G' => "0".to_owned(),
            'h' => "/root".to_owned(),
            _ => return None,
        };
        Some(value)
    }
}

/// A name with `-` and `\xHH` made what they stand for.
fn unescaped(name: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = name;
    while let Some(c) = rest.chars().next() {
        if let Some(code) = rest.strip_prefix("\\x") {
            bytes.push(u8::from_str_radix(code.get(..2)?, 16).ok()?);
            rest = &code[2..];
            continue;
        }
        let (one, after) = rest.split_at(c.len_utf8());
        bytes.extend_from_slice(if c == '-' { b"/" } else { one.as_bytes() });
        rest = after;
    }
    String::from_utf8(bytes).ok()
}

/// The words of a line: quotation marks of both kinds, in which and outside which the escapes of C hold.
pub(super) fn words(line: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        match (quote, c) {
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (None, '"' | '\'') if word.is_none() => {
                quote = Some(c);
                word = Some(String::new());
            }
            (Some(mark), c) if c == mark => quote = None,
            (_, '\\') => {
                let escaped = escape(&mut rest).ok_or("a backslash is followed by no known escape")?;
                word.get_or_insert_default().push(escaped);
            }
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    quote.map_or(Ok(words), |mark| Err(format!("the quotation mark {mark} is never closed")))
}

/// The character of an escape; none is NUL.
fn escape(rest: &mut std::str::Chars<'_>) -> Option<char> {
    let escaped = rest.next()?;
    if let Some(c) = escape::simple(escaped) {
        return Some(c);
    }
    let c = match escaped {
        's' => ' ',
        'x' => code(0, 2, 16, rest).filter(char::is_ascii)?,
        'u' => code(0, 4, 16, rest)?,
        'U' => code(0, 8, 16, rest)?,
        digit => code(digit.to_digit(8)?, 2, 8, rest).filter(char::is_ascii)?,
    };
    Some(c).filter(|c| *c != '\0')
}

/// The character of a number with so many more digits.
fn code(first: u32, count: usize, radix: u32, rest: &mut std::str::Chars<'_>) -> Option<char> {
    let number = (0..count)
        .try_fold(first, |number, _| number.checked_mul(radix)?.checked_add(rest.next()?.to_digit(radix)?));
    number.and_then(char::from_u32)
}

/// A span of time: numbers with units, without one seconds; `infinity` is the longest there is.
pub(super) fn time(text: &str) -> Option<Duration> {
    const UNITS: &[(&str, u64)] = &[
        ("us usec \u{b5}s \u{3bc}s", 1),
        ("ms msec", 1_000),
        (" s sec second seconds", 1_000_000),
        ("m min minute minutes", 60_000_000),
        ("h hr hour hours", 3_600_000_000),
        ("d day days", 86_400_000_000),
        ("w week weeks", 7 * 86_400_000_000),
        ("M month months", 2_629_800_000_000),
        ("y year years", 31_557_600_000_000),
    ];
    let mut rest = text.trim();
    if rest == "infinity" {
        return Some(Duration::MAX);
    }
    let mut micros = 0_u64;
    let mut is_empty = true;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, after) = rest.split_at(end);
        let after = after.trim_start();
        let unit_end = after.find(|c: char| !c.is_alphabetic()).unwrap_or(after.len());
        let (unit, next) = after.split_at(unit_end);
        let (_, scale) = UNITS.iter().find(|(words, _)| words.split(' ').any(|word| word == unit))?;
        micros = micros.checked_add(scaled(number, *scale)?)?;
        rest = next.trim_start();
        is_empty = false;
    }
    // What is kept has whole milliseconds.
    (!is_empty).then(|| Duration::from_millis(micros.div_ceil(1000)))
}

fn scaled(number: &str, scale: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let mut micros = whole.parse::<u64>().ok()?.checked_mul(scale)?;
    let mut part = scale;
    for digit in fraction.chars() {
        part /= 10;
        micros = micros.checked_add(part.checked_mul(digit.to_digit(10)?.into())?)?;
    }
    Some(micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        let seconds = |text| time(text).map(|time| time.as_secs_f64());
        for (text, expected) in [
            ("30", 30.0),
            ("5min 20s", 320.0),
            ("1.5h", 5400.0),
            ("100ms", 0.1),
            ("2 weeks", 1_209_600.0),
            ("1us", 0.001),
        ] {
            assert_eq!(seconds(text), Some(expected), "{text}");
        }
        assert_eq!(time("infinity"), Some(Duration::MAX));
        for wrong in ["", "soon", "5x", "1..5s", "-1", "99999999999999999999", "1 2x"] {
            assert_eq!(time(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn words_have_quotation_marks_and_escapes() {
        let split = |line| words(line).unwrap();
        assert_eq!(split(r#"a "b c" 'd "e"' f\x20g\t it's"#), ["a", "b c", r#"d "e""#, "f g\t", "it's"]);
        assert_eq!(split(r#""" \101\u20ac"#), ["", "A\u{20ac}"]);
        for wrong in [r#"a "b"#, r"a\", r"\q", r"\x4", r"\000"] {
            assert!(words(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn names_are_unescaped() {
        assert_eq!(unescaped(r"var-lib\x2dx").unwrap(), "var/lib-x");
        assert_eq!(unescaped(r"\xff"), None);
        assert_eq!(unescaped(r"\x\u{e9}"), None);
    }
}
