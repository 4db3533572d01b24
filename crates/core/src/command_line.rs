//! Command lines of Windows: words made into the one string that a process is started with, so that they come out as the same words again.
//!
//! Windows passes a process one string, and the process takes it apart itself. Nearly all do it by the rules of the
//! [Microsoft C runtime](https://learn.microsoft.com/en-us/cpp/c-language/parsing-c-command-line-arguments), for which [`join`] writes. Batch
//! files are read by `cmd.exe`, which has other rules and a language of its own; [`batch`] is for them.

use std::fmt;

/// The longest command line that `CreateProcessW` takes, in UTF-16 code units; with its NUL it has
/// [32,767](https://learn.microsoft.com/en-us/windows/win32/api/processthreadsapi/nf-processthreadsapi-createprocessw).
pub const MAX_COMMAND_LINE: usize = 32_766;

/// The longest line that `cmd.exe` takes, in UTF-16 code units
/// ([documented](https://learn.microsoft.com/en-us/troubleshoot/windows-client/shell-experience/command-line-string-limitation)).
pub const MAX_BATCH_LINE: usize = 8191;

/// What stands for a percent sign in a line for `cmd.exe`: at its prompt the first one is just that, since no variable has an empty name, and
/// the rest is no characters of the current folder.
const PERCENT: &str = "%%cd:~,%";

/// Why no command line can be made of some words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CommandLineError {
    /// There is nothing to run.
    #[error("{0} can't be empty")]
    Empty(Word),
    /// A word has a character that can't be passed on as it is.
    #[error("{word} can't contain {character:?}{}", if *.is_batch { ", because cmd.exe reads it" } else { "" })]
    Character {
        /// The word.
        word: Word,
        /// The character.
        character: char,
        /// Whether it would be passed if the program were no batch file.
        is_batch: bool,
    },
    /// It is longer than the system or `cmd.exe` takes.
    #[error("a command line of {length} characters is too long, {limit} are possible")]
    TooLong {
        /// Its length in UTF-16 code units.
        length: usize,
        /// How long it may be.
        limit: usize,
    },
}

/// One of the words of a command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// The path of `cmd.exe`.
    CommandProcessor,
    /// The path of the program or batch file.
    Program,
    /// An argument, by its position; the first has 0.
    Argument(usize),
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CommandProcessor => f.write_str("the path of the command processor"),
            Self::Program => f.write_str("the path of the program"),
            Self::Argument(index) => write!(f, "argument {}", index.saturating_add(1)),
        }
    }
}

/// Makes the command line of a program. `CommandLineToArgvW` and the C runtime of any year get the same words back.
///
/// The program stands in quotes always, because the two don't agree on where it ends without. The arguments do where they have to: programs that
/// read their command line in other ways get them as they are typed commonly.
///
/// # Errors
/// If there is no program, a word has a NUL, the program has a quote (for which there is no way to write it, and which no path has), or the
/// line is longer than [`MAX_COMMAND_LINE`].
///
/// ```
/// use svckit_core::command_line::join;
/// let line = join(r"C:\my app\run.exe", &["--name", r#"a "b" c"#, r"C:\data dir\"])?;
/// assert_eq!(line, r#""C:\my app\run.exe" --name "a \"b\" c" "C:\data dir\\""#);
/// # Ok::<(), svckit_core::command_line::CommandLineError>(())
/// ```
pub fn join(program: &str, arguments: &[impl AsRef<str>]) -> Result<String, CommandLineError> {
    let mut line = quoted_path(program, Word::Program)?;
    for (index, argument) in arguments.iter().map(AsRef::as_ref).enumerate() {
        if argument.contains('\0') {
            return Err(CommandLineError::Character {
                word: Word::Argument(index),
                character: '\0',
                is_batch: false,
            });
        }
        line.push(' ');
        if argument.is_empty() || argument.contains(|c: char| c == '"' || c.is_whitespace()) {
            push_quoted(&mut line, argument, '\\', "%");
        } else {
            line.push_str(argument);
        }
    }
    within(line, MAX_COMMAND_LINE)
}

/// Makes the command line with which a batch file is run by `command_processor`, the full path of the system's `cmd.exe`.
///
/// `CreateProcessW` runs batch files by itself too, but then `cmd.exe` takes parts of the arguments for its own language
/// ([CVE-2024-24576](https://nvd.nist.gov/vuln/detail/CVE-2024-24576)). Here each argument stands in quotes, unless it has only characters that
/// mean nothing, and
/// - a quote in it is written twice: for `cmd.exe` one set of quotes ends there and the next begins, for a program that the script passes `%*` on to, with
///   the C runtime since 2008, it is one quote. In `%1` the script sees the two;
/// - a percent sign is followed by a variable that expands to nothing, so that no name can be made of what comes after it;
/// - `!` is nothing special with `/v:OFF`, and the variable works with `/e:ON`, both whatever the registry says. `/d` leaves out the commands that the registry
///   has for each start.
///
/// Whether the script itself is careful with its arguments is beyond what can be done here: `%~1` takes the quotes off again.
///
/// # Errors
/// As for [`join`], and if an argument or the script has a control character other than a tabulator: `cmd.exe` ends its line at some of them and skips
/// others. A line is at most [`MAX_BATCH_LINE`] long.
///
/// ```
/// use svckit_core::command_line::{CommandLineError, Word, batch};
/// let cmd = r"C:\Windows\System32\cmd.exe";
/// let line = batch(cmd, r"C:\my app\run.cmd", &["start", "a&b"])?;
/// assert_eq!(line, r#""C:\Windows\System32\cmd.exe" /e:ON /v:OFF /d /c ""C:\my app\run.cmd" start "a&b"""#);
///
/// let refused = CommandLineError::Character { word: Word::Argument(1), character: '\n', is_batch: true };
/// assert_eq!(batch(cmd, r"C:\run.cmd", &["start", "a\nb"]), Err(refused));
/// assert_eq!(refused.to_string(), r"argument 2 can't contain '\n', because cmd.exe reads it");
/// # Ok::<(), CommandLineError>(())
/// ```
pub fn batch(
    command_processor: &str,
    script: &str,
    arguments: &[impl AsRef<str>],
) -> Result<String, CommandLineError> {
    let mut line = quoted_path(command_processor, Word::CommandProcessor)?;
    // There are always four quotes and more, so that cmd.exe takes the first and the last away and nothing else.
    line.push_str(r#" /e:ON /v:OFF /d /c ""#);
    refuse_controls(script, Word::Program)?;
    line.push_str(&quoted_path(script, Word::Program)?.replace('%', PERCENT));
    for (index, argument) in arguments.iter().map(AsRef::as_ref).enumerate() {
        refuse_controls(argument, Word::Argument(index))?;
        line.push(' ');
        // A backslash at the end would make something else of a quote that the script writes after it.
        if argument.is_empty() || argument.ends_with('\\') || !argument.chars().all(is_plain_for_cmd) {
            push_quoted(&mut line, argument, '"', PERCENT);
        } else {
            line.push_str(argument);
        }
    }
    line.push('"');
    within(line, MAX_BATCH_LINE)
}

/// Whether Windows runs this program with `cmd.exe`: its name ends in `.bat` or `.cmd`. Dots and spaces at the end count for nothing, because Windows
/// leaves them out when it opens the file ([CVE-2024-43402](https://nvd.nist.gov/vuln/detail/CVE-2024-43402)).
///
/// ```
/// use svckit_core::command_line::is_batch;
/// assert!(is_batch(r"C:\app\Run.CMD") && is_batch("run.bat. .") && !is_batch("bat") && !is_batch("run.bat.exe"));
/// ```
pub fn is_batch(program: &str) -> bool {
    let name = program.trim_end_matches(['.', ' ']);
    let end = name.len().checked_sub(".bat".len()).and_then(|start| name.get(start..)).unwrap_or_default();
    end.eq_ignore_ascii_case(".bat") || end.eq_ignore_ascii_case(".cmd")
}

/// Takes a command line apart by the rules of the C runtime since 2008. An empty one has no words.
///
/// Spaces and tabulators outside quotes end a word. In the first word a backslash is nothing special, and there is one even if the line begins with a space:
/// then it is empty. In the others 2n backslashes before a quote are n backslashes, and one more makes the quote a literal one; two quotes
/// inside quotes are a literal one too.
///
/// ```
/// use svckit_core::command_line::split;
/// assert_eq!(split(r#""C:\my app\run" "a ""b"" c" d\\"e f" \"g"#), [r"C:\my app\run", r#"a "b" c"#, r"d\e f", r#""g"#]);
/// ```
pub fn split(text: &str) -> Vec<String> {
    if text.is_empty() {
        return Vec::new();
    }
    let mut quoted = false;
    let end = text.find(|c| {
        quoted ^= c == '"';
        !quoted && is_blank(c)
    });
    let (program, mut rest) = text.split_at(end.unwrap_or(text.len()));
    let mut words = vec![program.replace('"', "")];
    loop {
        rest = rest.trim_start_matches(is_blank);
        if rest.is_empty() {
            return words;
        }
        let (word, after) = argument(rest);
        words.push(word);
        rest = after;
    }
}

/// The first word of a text, and what comes after it.
fn argument(text: &str) -> (String, &str) {
    let mut word = String::new();
    let mut quoted = false;
    let mut rest = text;
    loop {
        let after = rest.trim_start_matches('\\');
        let backslashes = rest.len() - after.len();
        let Some(next) = after.chars().next() else {
            word.push_str(rest);
            return (word, "");
        };
        let before_quote = next == '"';
        word.extend(std::iter::repeat_n('\\', if before_quote { backslashes / 2 } else { backslashes }));
        if !quoted && is_blank(next) {
            return (word, after);
        }
        rest = after.get(next.len_utf8()..).unwrap_or_default();
        if !before_quote || backslashes % 2 == 1 {
            word.push(next);
        } else if let Some(second) = rest.strip_prefix('"').filter(|_| quoted) {
            word.push('"');
            rest = second;
        } else {
            quoted = !quoted;
        }
    }
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t')
}

/// Whether `cmd.exe` sees nothing in a character, in a command or between the arguments of one. Whatever isn't known stands in quotes.
fn is_plain_for_cmd(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_-./\\:+@#$".contains(c)
}

fn quoted_path(path: &str, word: Word) -> Result<String, CommandLineError> {
    if path.is_empty() {
        return Err(CommandLineError::Empty(word));
    }
    match path.chars().find(|c| matches!(c, '"' | '\0')) {
        Some(character) => Err(CommandLineError::Character { word, character, is_batch: false }),
        None => Ok(format!("\"{path}\"")),
    }
}

fn refuse_controls(text: &str, word: Word) -> Result<(), CommandLineError> {
    match text.chars().find(|c| c.is_control() && *c != '\t') {
        Some(character) => Err(CommandLineError::Character { word, character, is_batch: character != '\0' }),
        None => Ok(()),
    }
}

/// Writes an argument in quotes, with `escape` before each quote in it and `percent` for each percent sign.
fn push_quoted(line: &mut String, argument: &str, escape: char, percent: &str) {
    line.push('"');
    let mut backslashes = 0;
    for c in argument.chars() {
        match c {
            '"' => {
                line.extend(std::iter::repeat_n('\\', backslashes));
                line.extend([escape, c]);
            }
            '%' => line.push_str(percent),
            c => line.push(c),
        }
        backslashes = if c == '\\' { backslashes + 1 } else { 0 };
    }
    line.extend(std::iter::repeat_n('\\', backslashes));
    line.push('"');
}

fn within(line: String, limit: usize) -> Result<String, CommandLineError> {
    let length = line.encode_utf16().count();
    if length > limit { Err(CommandLineError::TooLong { length, limit }) } else { Ok(line) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CMD: &str = r"C:\Windows\System32\cmd.exe";
    const NONE: [&str; 0] = [];

    /// What `cmd.exe` makes of a line at its prompt before it looks at anything else: the variables replaced, of which there is `cd` only. A
    /// name that no variable has is left as it is.
    fn expanded(line: &str) -> String {
        let Some((before, after)) = line.split_once('%') else { return line.to_owned() };
        let replaced = after.split_once('%').and_then(|(inside, rest)| {
            let (name, range) = inside.split_once(':').unwrap_or((inside, ""));
            match (name.eq_ignore_ascii_case("cd"), range) {
                (true, "") => Some((r"C:\&whoami", rest)),
                (true, "~,") => Some(("", rest)),
                _ => None,
            }
        });
        let (value, rest) = replaced.unwrap_or(("%", after));
        format!("{before}{value}{}", expanded(rest))
    }

    /// The command in a line for `cmd.exe`, as that runs it.
    fn command(line: &str) -> String {
        let (_, inside) = line.split_once(" /c ").unwrap();
        expanded(inside.strip_prefix('"').unwrap().strip_suffix('"').unwrap())
    }

    fn outside_quotes(command: &str) -> String {
        command.split('"').step_by(2).collect()
    }

    #[test]
    fn the_examples_of_the_runtime() {
        let cases: [(&str, &[&str]); 8] = [
            (r#"p "a b c" d e"#, &["p", "a b c", "d", "e"]),
            (r#"p "ab\"c" "\\" d"#, &["p", r#"ab"c"#, r"\", "d"]),
            (r#"p a\\\b d"e f"g h"#, &["p", r"a\\\b", "de fg", "h"]),
            (r#"p a\\\"b c d"#, &["p", r#"a\"b"#, "c", "d"]),
            (r#"p a\\\\"b c" d e"#, &["p", r"a\\b c", "d", "e"]),
            (r#"p a"b"" c d"#, &["p", r#"ab" c d"#]),
            (r#""C:\a b\"c"d e" f"#, &[r"C:\a b\cd e", "f"]),
            (" a\t\"\" \\\\", &["", "a", "", r"\\"]),
        ];
        for (line, words) in cases {
            assert_eq!(split(line), words, "{line}");
        }
        assert!(split("").is_empty());
    }

    #[test]
    fn what_cannot_be_passed_is_refused() {
        let refused =
            |word, character, is_batch| Err(CommandLineError::Character { word, character, is_batch });
        assert_eq!(join("", &NONE), Err(CommandLineError::Empty(Word::Program)));
        assert_eq!(join("a\"b", &NONE), refused(Word::Program, '"', false));
        assert_eq!(join("a\0b", &NONE), refused(Word::Program, '\0', false));
        assert_eq!(join("a", &["b", "\0"]), refused(Word::Argument(1), '\0', false));
        assert_eq!(batch("", "a.bat", &NONE), Err(CommandLineError::Empty(Word::CommandProcessor)));
        assert_eq!(batch(CMD, "", &NONE), Err(CommandLineError::Empty(Word::Program)));
        assert_eq!(batch(CMD, "\"a.bat", &NONE), refused(Word::Program, '"', false));
        assert_eq!(batch(CMD, "a\n.bat", &NONE), refused(Word::Program, '\n', true));
        for character in ['\r', '\n', '\u{1a}', '\u{b}', '\u{7f}', '\u{85}'] {
            let argument = format!("a{character}");
            assert_eq!(batch(CMD, "a.bat", &[argument]), refused(Word::Argument(0), character, true));
        }
    }

    #[test]
    fn lines_are_as_long_as_the_system_takes() {
        let longest = "x".repeat(MAX_COMMAND_LINE - r#""p" "#.len());
        assert_eq!(join("p", &[&longest]).unwrap().len(), MAX_COMMAND_LINE);
        let error = join("p", &[format!("{longest}\u{10000}")]).unwrap_err();
        assert_eq!(
            error,
            CommandLineError::TooLong { length: MAX_COMMAND_LINE + 2, limit: MAX_COMMAND_LINE }
        );
        assert_eq!(error.to_string(), "a command line of 32768 characters is too long, 32766 are possible");
        let length = batch(CMD, "p.bat", &[""]).unwrap().len();
        let many = "% ".repeat(1000);
        assert_eq!(
            batch(CMD, "p.bat", &[many]),
            Err(CommandLineError::TooLong { length: length + 9000, limit: MAX_BATCH_LINE })
        );
    }

    #[test]
    fn batch_files_are_known_by_their_names() {
        for name in ["a.bat", "A.BaT", "a.cmd.", "a.cmd . ", r"C:\x.y\a.b.cmd", ".bat"] {
            assert!(is_batch(name), "{name}");
        }
        for name in ["", ".", "bat", "a.bat.exe", "a.batx", r"a.bat\b", "a.bat/b", "a.com", "é.bá"] {
            assert!(!is_batch(name), "{name}");
        }
    }

    #[test]
    fn nothing_is_left_to_the_command_processor() {
        let line = |argument: &str| command(&batch(CMD, r"C:\100%cd%\p.bat", &[argument]).unwrap());
        assert_eq!(line("%cd%"), r#""C:\100%cd%\p.bat" "%cd%""#);
        assert_eq!(line("a\"&calc"), r#""C:\100%cd%\p.bat" "a""&calc""#);
        assert_eq!(line(r"C:\data\"), r#""C:\100%cd%\p.bat" "C:\data\\""#);
        assert_eq!(line(r"C:\data"), r#""C:\100%cd%\p.bat" C:\data"#);
        assert_eq!(line("a=b"), r#""C:\100%cd%\p.bat" "a=b""#);
    }

    fn nasty() -> impl Strategy<Value = String> {
        prop_oneof![
            "[ a\"\\\\\t]{0,8}",
            "[%cd:~,a\"\\\\&|<>()^!=;\u{a0}\u{e9}\u{1f600}-]{0,12}",
            "%?(cd|%cd|cd:|cd:~,|:~,)%?\"?&?%{0,3}",
        ]
    }

    proptest! {
        #[test]
        fn joined_words_come_apart_again(program in "[^\"\0]{1,12}", rest in prop::collection::vec("[ a\"\\\\\t\n\u{e9}]{0,8}|[^\0]{0,8}", 0..5)) {
            let words = split(&join(&program, &rest).unwrap());
            prop_assert_eq!(&words[0], &program);
            prop_assert_eq!(&words[1..], rest);
        }

        #[test]
        fn nothing_splits_into_a_panic(line in "[ a\"\\\\\t\u{e9}]{0,20}") {
            let words = split(&line);
            if let Some((program, rest)) = words.split_first().filter(|(program, _)| !program.is_empty()) {
                prop_assert_eq!(split(&join(program, rest).unwrap()), words);
            }
        }

        #[test]
        fn batch_files_get_the_words_and_cmd_gets_nothing(script in "[a-z %&^!()]{1,8}", rest in prop::collection::vec(nasty(), 0..5)) {
            let command = command(&batch(CMD, &script, &rest).unwrap());
            let plain = outside_quotes(&command);
            prop_assert!(!plain.contains(|c| "&|<>()^!%,;=\t\u{a0}".contains(c)), "{}", plain);
            prop_assert_eq!(command.matches('"').count() % 2, 0);
            let words = split(&command);
            prop_assert_eq!(&words[0], &script);
            prop_assert_eq!(&words[1..], rest);
        }
    }
}
