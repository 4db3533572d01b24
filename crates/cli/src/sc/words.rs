//! The grammar of sc's command lines: words, then `key= value` as two words or `key=value` as one.

use super::forms::Form;
use super::wrong::Wrong;

/// The words after the command, taken from the front.
pub(super) struct Words<'a> {
    pub(super) form: &'static Form,
    rest: &'a [String],
}

/// What was said with keys, each in small letters, in the order of the command line.
#[derive(Debug, Default)]
pub(super) struct Pairs<'a>(Vec<(&'static str, &'a str)>);

impl<'a> Words<'a> {
    pub(super) fn new(form: &'static Form, rest: &'a [String]) -> Self {
        Self { form, rest }
    }

    /// The next word, if there is one.
    pub(super) fn optional(&mut self) -> Option<&'a str> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(first)
    }

    /// The next word, which has to be there.
    pub(super) fn required(&mut self, what: &str) -> Result<&'a str, Wrong> {
        self.optional().ok_or_else(|| self.misuse(format!("{what} is missing")))
    }

    /// The name of a service.
    pub(super) fn name(&mut self) -> Result<String, Wrong> {
        self.required("the name of the service").map(str::to_owned)
    }

    /// The next word unless it is one of the keys.
    pub(super) fn unless_key(&mut self, keys: &[&str]) -> Option<&'a str> {
        let first = self.rest.first()?;
        let is_key = first.split_once('=').is_some_and(|(key, _)| known(keys, key).is_some());
        if is_key { None } else { self.optional() }
    }

    /// All that is left.
    pub(super) fn all(&mut self) -> Vec<String> {
        std::mem::take(&mut self.rest).to_vec()
    }

    /// Nothing may be left.
    pub(super) fn end(&mut self) -> Result<(), Wrong> {
        match self.rest.first() {
            None => Ok(()),
            Some(word) => Err(self.misuse(format!("{word:?} is one word too many"))),
        }
    }

    /// The size of a buffer, which sc's commands take and nothing here needs; then the end.
    pub(super) fn buffer_size(&mut self) -> Result<(), Wrong> {
        if let Some(word) = self.optional() {
            number("the size of the buffer", word)?;
        }
        self.end()
    }

    /// Keys with values to the end. Only `type` can be there more than once.
    pub(super) fn pairs(&mut self, keys: &[&'static str]) -> Result<Pairs<'a>, Wrong> {
        let mut pairs = Pairs::default();
        while let Some(word) = self.optional() {
            let Some((key, value)) = word.split_once('=') else {
                return Err(self.no_pair(word, keys));
            };
            let Some(key) = known(keys, key) else {
                return Err(self.no_pair(word, keys));
            };
            let value = match (value, self.rest.first()) {
                ("", Some(_)) => self.required(key)?,
                ("", None) => return Err(self.misuse(format!("{key}= has no value"))),
                (value, _) => value,
            };
            if key != "type" && pairs.one(key).is_some() {
                return Err(self.misuse(format!("{key}= is there twice")));
            }
            pairs.0.push((key, value));
        }
        Ok(pairs)
    }

    fn no_pair(&self, word: &str, keys: &[&str]) -> Wrong {
        let bare = word.trim_end_matches('=');
        let apart =
            known(keys, bare).is_some() && self.rest.first().is_some_and(|next| next.starts_with('='));
        if apart {
            return self.misuse(format!("there is no blank before the = of {bare}="));
        }
        let all: Vec<_> = keys.iter().map(|key| format!("{key}=")).collect();
        self.misuse(format!("{word:?} is not one of {}", all.join(" ")))
    }

    /// The command line can't be right; the hint is the form of the command.
    pub(super) fn misuse(&self, message: String) -> Wrong {
        Wrong::usage(message).hint(format!("sc {} {}", self.form.name, self.form.usage))
    }
}

impl<'a> Pairs<'a> {
    /// The value of a key.
    pub(super) fn one(&self, key: &str) -> Option<&'a str> {
        self.every(key).next()
    }

    /// The values of a key that can be there more than once.
    pub(super) fn every(&self, key: &str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(other, _)| *other == key).map(|(_, value)| *value)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn known<'k>(keys: &[&'k str], word: &str) -> Option<&'k str> {
    keys.iter().copied().find(|key| key.eq_ignore_ascii_case(word))
}

/// A number, decimal or after `0x` hexadecimal.
pub(super) fn number(what: &str, text: &str) -> Result<u32, Wrong> {
    let parsed = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        // `from_str_radix` takes a sign, a number here has none.
        Some(digits) if !digits.starts_with('+') => u32::from_str_radix(digits, 16).ok(),
        _ if text.starts_with('+') => None,
        _ => text.parse().ok(),
    };
    parsed.ok_or_else(|| Wrong::usage(format!("{what} is a number of at most 32 bits, not {text:?}")))
}

/// One of the values that a key can have, in any case.
pub(super) fn choose<T: Copy>(what: &str, text: &str, values: &[(&str, T)]) -> Result<T, Wrong> {
    let found = values.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
    found.map(|(_, value)| *value).ok_or_else(|| {
        let names: Vec<_> = values.iter().map(|(name, _)| *name).filter(|name| !name.is_empty()).collect();
        Wrong::usage(format!("{what} is one of {}, not {text:?}", names.join(", ")))
    })
}
