//! The grammar of conditions, evaluated as it is read.

use super::token::Token;
use super::value::{Value, compare, truth};
use super::{ConditionError, Facts, name, wrong};

/// How deep parentheses and `not` may be nested.
const MAX_DEPTH: usize = 32;

/// Reads a condition and finds its value.
pub(super) struct Reader<'a> {
    tokens: Vec<Token>,
    at: usize,
    facts: &'a Facts<'a>,
    /// The first fact that was asked for and isn't known.
    pub(super) unknown: Option<String>,
    depth: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(tokens: Vec<Token>, facts: &'a Facts<'a>) -> Self {
        Self { tokens, at: 0, facts, unknown: None, depth: 0 }
    }

    /// The value of all tokens.
    pub(super) fn whole(&mut self) -> Result<Value, ConditionError> {
        if self.tokens.is_empty() {
            return Err(wrong("the condition is empty"));
        }
        let value = self.either()?;
        match self.peek() {
            None => Ok(value),
            Some(token) => Err(self.unreadable(token)),
        }
    }

    fn either(&mut self) -> Result<Value, ConditionError> {
        let mut value = self.both()?;
        while self.take_name("or") {
            let (left, right) = (truth(&value), truth(&self.both()?));
            value = Value::Truth(match (left, right) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (Some(false), Some(false)) => Some(false),
                _ => None,
            });
        }
        Ok(value)
    }

    fn both(&mut self) -> Result<Value, ConditionError> {
        let mut value = self.negated()?;
        while self.take_name("and") {
            let (left, right) = (truth(&value), truth(&self.negated()?));
            value = Value::Truth(match (left, right) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (Some(true), Some(true)) => Some(true),
                _ => None,
            });
        }
        Ok(value)
    }

    fn negated(&mut self) -> Result<Value, ConditionError> {
        if !self.take_name("not") {
            return self.comparison();
        }
        let value = self.nested(Self::negated)?;
        Ok(Value::Truth(truth(&value).map(|truth| !truth)))
    }

    fn comparison(&mut self) -> Result<Value, ConditionError> {
        let left = self.operand()?;
        let Some(operator) = self.operator() else { return Ok(left) };
        let right = self.operand()?;
        if self.operator().is_some() {
            return Err(self.beyond("comparisons can't be chained here".to_owned()));
        }
        compare(&left, operator, &right).map(Value::Truth)
    }

    fn operator(&mut self) -> Option<&'static str> {
        let operator = match self.peek()? {
            Token::Sign(sign @ ("==" | "!=" | "<=" | ">=" | "~=" | "<" | ">")) => *sign,
            Token::Name(name) if name == "in" => "in",
            Token::Name(name) if name == "not" => {
                let is_in = matches!(self.tokens.get(self.at + 1), Some(Token::Name(next)) if next == "in");
                if !is_in {
                    return None;
                }
                self.at += 1;
                "not in"
            }
            _ => return None,
        };
        self.at += 1;
        Some(operator)
    }

    fn operand(&mut self) -> Result<Value, ConditionError> {
        let token = self.peek().cloned();
        self.at += 1;
        match token {
            Some(Token::Text(text)) => Ok(Value::Text(text)),
            Some(Token::Name(name)) => self.name(&name),
            Some(Token::Sign("(")) => {
                let value = self.nested(Self::either)?;
                if self.peek() != Some(&Token::Sign(")")) {
                    return Err(self.beyond("a parenthesis is never closed".to_owned()));
                }
                self.at += 1;
                Ok(value)
            }
            Some(token) => Err(self.unreadable(&token)),
            None => Err(wrong("the condition ends too early")),
        }
    }

    fn nested(
        &mut self,
        read: fn(&mut Self) -> Result<Value, ConditionError>,
    ) -> Result<Value, ConditionError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(wrong("the condition is nested too deeply"));
        }
        let value = read(self)?;
        self.depth -= 1;
        Ok(value)
    }

    fn name(&mut self, name: &str) -> Result<Value, ConditionError> {
        for method in ["startswith", "endswith"] {
            if let Some(name) = name.strip_suffix(method).and_then(|name| name.strip_suffix('.')) {
                return self.method(method, name);
            }
        }
        let value = name::value(name, self.facts)?;
        if truth(&value).is_none() {
            self.unknown.get_or_insert_with(|| name.to_owned());
        }
        Ok(value)
    }

    /// `name.startswith("text")`.
    fn method(&mut self, method: &str, name: &str) -> Result<Value, ConditionError> {
        let argument = match self.tokens.get(self.at..self.at + 3) {
            Some([Token::Sign("("), Token::Text(argument), Token::Sign(")")]) => argument.clone(),
            _ => return Err(self.beyond(format!("{method} takes one text in parentheses"))),
        };
        self.at += 3;
        Ok(Value::Truth(match self.name(name)? {
            Value::Text(text) if method == "startswith" => Some(text.starts_with(&argument)),
            Value::Text(text) => Some(text.ends_with(&argument)),
            Value::Truth(None) | Value::Version(_) => None,
            Value::Truth(Some(_)) => return Err(wrong(format!("{name} is no text"))),
        }))
    }

    fn unreadable(&self, token: &Token) -> ConditionError {
        self.beyond(format!("the condition can't be read from {:?} on", token.to_string()))
    }

    /// What can't be read may be an expression of Python: if it is about Python, nothing is known but that.
    fn beyond(&self, message: String) -> ConditionError {
        let of_python = self.tokens.iter().find_map(|token| match token {
            Token::Name(name) if name::is_of_python(name) => Some(name),
            _ => None,
        });
        match of_python {
            Some(name) => ConditionError::Unknown(format!("an expression of Python with {name}")),
            None => wrong(message),
        }
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn take_name(&mut self, wanted: &str) -> bool {
        let is_there = matches!(self.peek(), Some(Token::Name(name)) if name == wanted);
        self.at += usize::from(is_there);
        is_there
    }
}
