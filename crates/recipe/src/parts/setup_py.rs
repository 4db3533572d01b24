//! What a `setup.py` passes to `setup()`, as far as that can be seen without running Python: only what is written out as a literal.

use std::iter::Peekable;
use std::str::CharIndices;

/// What an argument is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Argument {
    /// It is not passed.
    Absent,
    /// This text.
    Text(String),
    /// It is passed, or may be, and Python would have to tell.
    Unknown,
}

/// The arguments of the first call of `setup`.
#[derive(Debug)]
pub(super) struct Call {
    arguments: Vec<(String, Vec<Token>)>,
    /// Whether there are arguments that can't be seen.
    is_open: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Name(String),
    Text(String),
    /// A string that isn't what is written, such as an `f''`, and numbers.
    Other,
    Sign(char),
}

impl Call {
    /// Finds the call; `None` if there is none.
    pub(super) fn find(source: &str) -> Option<Self> {
        let tokens = tokens(source);
        let is_call = |at: usize| {
            tokens[at] == Token::Name("setup".to_owned())
                && tokens.get(at + 1) == Some(&Token::Sign('('))
                && (at == 0 || tokens[at - 1] != Token::Name("def".to_owned()))
        };
        let start = (0..tokens.len()).find(|at| is_call(*at))?;
        Some(Self::read(&tokens[start + 2..]))
    }

    fn read(tokens: &[Token]) -> Self {
        let mut call = Self { arguments: Vec::new(), is_open: false };
        let mut argument: Vec<Token> = Vec::new();
        let mut depth = 1;
        for token in tokens {
            match token {
                Token::Sign('(' | '[' | '{') => depth += 1,
                Token::Sign(')' | ']' | '}') => depth -= 1,
                _ => {}
            }
            if depth == 0 || depth == 1 && *token == Token::Sign(',') {
                call.add(std::mem::take(&mut argument));
            } else {
                argument.push(token.clone());
            }
            if depth == 0 {
                return call;
            }
        }
        // It is not Python.
        call.is_open = true;
        call
    }

    fn add(&mut self, argument: Vec<Token>) {
        match &argument[..] {
            [] => {}
            [Token::Name(name), Token::Sign('='), value @ ..] => {
                self.arguments.push((name.clone(), value.to_vec()));
            }
            _ => self.is_open = true,
        }
    }

    /// An argument that is a text.
    pub(super) fn text(&self, name: &str) -> Argument {
        self.argument(name, |value| match value {
            [Token::Text(text)] => Argument::Text(text.clone()),
            _ => Argument::Unknown,
        })
    }

    /// What a dictionary of texts says about a key.
    pub(super) fn entry(&self, name: &str, key: &str) -> Argument {
        self.argument(name, |value| {
            let [Token::Sign('{'), inner @ .., Token::Sign('}')] = value else { return Argument::Unknown };
            let mut found = Argument::Absent;
            for entry in inner.split(|token| *token == Token::Sign(',')) {
                match entry {
                    [] => {}
                    [Token::Text(one), Token::Sign(':'), Token::Text(text)] if one == key => {
                        found = Argument::Text(text.clone());
                    }
                    [Token::Text(one), Token::Sign(':'), ..] if one != key => {}
                    _ => return Argument::Unknown,
                }
            }
            found
        })
    }

    fn argument(&self, name: &str, read: impl Fn(&[Token]) -> Argument) -> Argument {
        match self.arguments.iter().find(|(one, _)| one == name) {
            Some((_, value)) => read(value),
            None if self.is_open => Argument::Unknown,
            None => Argument::Absent,
        }
    }
}

fn tokens(source: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = source.char_indices().peekable();
    while let Some((start, c)) = rest.next() {
        match c {
            '#' => while rest.next_if(|(_, c)| *c != '\n').is_some() {},
            '\'' | '"' => tokens.push(string(source, &mut rest, c, "")),
            c if c.is_alphanumeric() || c == '_' => {
                let mut end = start + c.len_utf8();
                while let Some((at, c)) = rest.next_if(|(_, c)| c.is_alphanumeric() || *c == '_') {
                    end = at + c.len_utf8();
                }
                let word = &source[start..end];
                match rest.next_if(|(_, c)| matches!(c, '\'' | '"')) {
                    Some((_, quote)) => tokens.push(string(source, &mut rest, quote, word)),
                    None if c.is_ascii_digit() => tokens.push(Token::Other),
                    None => tokens.push(Token::Name(word.to_owned())),
                }
            }
            '\\' => {}
            c if c.is_whitespace() => {}
            c => tokens.push(Token::Sign(c)),
        }
    }
    tokens
}

/// A string whose first quotation mark was read.
fn string(source: &str, rest: &mut Peekable<CharIndices<'_>>, quote: char, prefix: &str) -> Token {
    let start = rest.peek().map_or(source.len(), |(at, _)| *at);
    let triple: String = [quote; 3].iter().collect();
    // The first mark of three was read.
    let is_triple = source[start..].starts_with(&triple[1..]);
    let (start, end) = if is_triple { (start + 2, &triple[..]) } else { (start, &triple[..1]) };
    let mut is_plain = matches!(prefix.to_ascii_lowercase().as_str(), "" | "u" | "r");
    while rest.next_if(|(at, _)| *at < start).is_some() {}
    while let Some((at, c)) = rest.next() {
        if source[at..].starts_with(end) {
            while rest.next_if(|(next, _)| *next < at + end.len()).is_some() {}
            return if is_plain { Token::Text(source[start..at].to_owned()) } else { Token::Other };
        }
        if c == '\\' {
            is_plain = false;
            rest.next();
        } else if c == '\n' && !is_triple {
            break;
        }
    }
    Token::Other
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name(source: &str) -> Argument {
        Call::find(source).map_or(Argument::Absent, |call| call.text("name"))
    }

    fn text(text: &str) -> Argument {
        Argument::Text(text.to_owned())
    }

    #[test]
    fn literals_are_seen() {
        assert_eq!(name("from setuptools import setup\nsetup(name = 'demo1')\n"), text("demo1"));
        assert_eq!(
            name("setuptools.setup(\n  version=f(1, (2,)), # name='x'\n  name=u\"a.b\",\n)"),
            text("a.b")
        );
        assert_eq!(name("\"\"\" setup(name='x') \"\"\"\nsetup(name='''y''')"), text("y"));
        assert_eq!(name("def setup(name='x'): pass\nsetup(name='y')"), text("y"));
        assert_eq!(name("setup(description='it\\'s name=1', name='y')"), text("y"));
    }

    #[test]
    fn the_rest_is_unknown() {
        for source in [
            "setup(name=NAME)",
            "setup(name='a' + 'b')",
            "setup(name='a' 'b')",
            "setup(name=f'a')",
            "setup(name='\\x61')",
            "setup(**arguments)",
            "setup(*arguments)",
            "setup(version='1'",
            "setup(name='",
        ] {
            assert_eq!(name(source), Argument::Unknown, "{source}");
        }
        for source in ["", "print('setup()')", "setup()", "setup(version='1')"] {
            assert_eq!(name(source), Argument::Absent, "{source}");
        }
    }

    #[test]
    fn dictionaries_are_seen() {
        let folder = |source: &str| Call::find(source).unwrap().entry("package_dir", "");
        assert_eq!(folder("setup(package_dir={'x': 'y', '': 'src'})"), text("src"));
        assert_eq!(folder("setup(package_dir={'x': join('y')},)"), Argument::Absent);
        assert_eq!(folder("setup(package_dir={'': where()})"), Argument::Unknown);
        assert_eq!(folder("setup(package_dir=dict())"), Argument::Unknown);
        assert_eq!(folder("setup(name='x')"), Argument::Absent);
    }

    proptest! {
        #[test]
        fn any_text_is_read(source in "[a-z()'\"#\\\\\n=,{}: ]{0,60}|.{0,40}") {
            let _ = Call::find(&format!("setup({source}")).map(|call| (call.text("name"), call.entry("a", "")));
        }
    }
}
