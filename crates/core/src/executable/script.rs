//! Scripts: a text whose first line names the program that runs it (`execve(2)`, "Interpreter scripts").

/// The first line of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// The program, as it is written: with a carriage return at its end where there is one.
    pub interpreter: String,
    /// All that follows on the line, which is one argument.
    pub argument: Option<String>,
    /// Whether something stands before it that no system knows to skip: a byte order mark.
    pub has_mark: bool,
}

/// A byte order mark in UTF-8.
const MARK: &[u8] = b"\xef\xbb\xbf";

impl Script {
    /// What the head of a file says; absent if it is no script.
    pub(super) fn read(head: &[u8]) -> Option<Self> {
        let (head, has_mark) = head.strip_prefix(MARK).map_or((head, false), |rest| (rest, true));
        let line = head.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
        let line = String::from_utf8_lossy(line);
        let line = line.trim_matches([' ', '\t']);
        let (interpreter, argument) = match line.split_once([' ', '\t']) {
            Some((first, rest)) => (first, Some(rest.trim_start_matches([' ', '\t']).to_owned())),
            None => (line, None),
        };
        Some(Self { interpreter: interpreter.to_owned(), argument, has_mark })
    }

    /// Whether the line ends as lines do on Windows: what is looked for then has a name that nothing has.
    pub fn has_carriage_return(&self) -> bool {
        self.argument.as_ref().unwrap_or(&self.interpreter).ends_with('\r')
    }

    /// The program that `env` looks for, if that is the interpreter.
    pub fn looked_up(&self) -> Option<&str> {
        let name = self.interpreter.rsplit('/').next()?;
        let argument = self.argument.as_deref().filter(|_| name == "env")?;
        let words = argument.trim_end_matches('\r').split([' ', '\t']);
        let mut words =
            words.filter(|word| !word.is_empty() && !word.starts_with('-') && !word.contains('='));
        words.next()
    }
}
