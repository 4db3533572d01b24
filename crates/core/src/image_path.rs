//! Image paths: the command line with which a service's process is started.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::command_line;
use crate::name::{ServiceName, fold};

/// The longest image path the API takes, in UTF-16 code units ([MS-SCMR] 3.1.4.12: 32 KiB).
pub const MAX_IMAGE_PATH: usize = 32 * 1024;

/// What the name of a program ends with on Windows.
const PROGRAM: &str = ".exe";

/// Why an image path was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ImagePathError {
    /// There is nothing to run.
    #[error("an image path can't be empty")]
    Empty,
    /// It can't be passed to the system.
    #[error("an image path can't contain a NUL character")]
    Nul,
    /// It is longer than the API allows.
    #[error("an image path has at most {MAX_IMAGE_PATH} characters")]
    TooLong,
}

/// `lpBinaryPathName`: a program, quoted where it contains spaces, with its arguments.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ImagePath(String);

impl ImagePath {
    /// Reads an image path as the API has it.
    pub fn new(text: impl Into<String>) -> Result<Self, ImagePathError> {
        let text = text.into();
        if text.trim().is_empty() {
            return Err(ImagePathError::Empty);
        }
        if text.contains('\0') {
            return Err(ImagePathError::Nul);
        }
        if text.encode_utf16().count() > MAX_IMAGE_PATH {
            return Err(ImagePathError::TooLong);
        }
        Ok(Self(text))
    }

    /// Builds the image path of a program and its arguments, quoted as needed.
    pub fn from_arguments<S: AsRef<str>>(arguments: &[S]) -> Result<Self, ImagePathError> {
        Self::new(join(arguments))
    }

    /// The text as the API has it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The program and its arguments.
    pub fn arguments(&self) -> Vec<String> {
        split(&self.0)
    }

    /// The path of the program, without quotes. One with blanks that is not quoted goes up to `.exe`: where it ends otherwise, nobody can tell, and it is the first
    /// word.
    ///
    /// ```
    /// # use svckit_core::image_path::ImagePath;
    /// let program = |text: &str| ImagePath::new(text).map(|path| path.program().to_owned());
    /// assert_eq!(program(r#""C:\my shop\shop.exe" -x"#)?, r"C:\my shop\shop.exe");
    /// assert_eq!(program(r"C:\my shop\shop.exe -x")?, r"C:\my shop\shop.exe");
    /// assert_eq!(program("/usr/bin/shop -x")?, "/usr/bin/shop");
    /// # Ok::<(), svckit_core::image_path::ImagePathError>(())
    /// ```
    pub fn program(&self) -> &str {
        let text = self.0.trim_start();
        if let Some(rest) = text.strip_prefix('"') {
            return rest.split('"').next().unwrap_or_default();
        }
        let blank = |c: char| matches!(c, ' ' | '\t');
        let ends = text.to_ascii_lowercase();
        let ends = ends.match_indices(PROGRAM).map(|(at, found)| at + found.len());
        let mut ends = ends.filter(|end| text[*end..].is_empty() || text[*end..].starts_with(blank));
        let first = || text.find(blank).unwrap_or(text.len());
        &text[..ends.next().unwrap_or_else(first)]
    }

    /// The path of the program if it has blanks and no quotes, so that the system tries others first: `C:\my.exe` of `C:\my shop\shop.exe`.
    pub fn unquoted_program(&self) -> Option<&str> {
        let program = self.program();
        let is_quoted = self.0.trim_start().starts_with('"');
        (!is_quoted && program.contains([' ', '\t'])).then_some(program)
    }

    /// Whether another command line runs a program of the same name, whichever folder it is in and whatever its arguments are. Case and `.exe` don't count.
    pub fn is_same_program(&self, other: &Self) -> bool {
        let name = |path: &Self| {
            let name = fold(path.program().rsplit(['\\', '/']).next().unwrap_or_default());
            name.strip_suffix(&fold(PROGRAM)).map_or(name.clone(), str::to_owned)
        };
        name(self) == name(other)
    }

    /// Whether a service control manager that was given this tells it as `told`. Windows puts the values of variables (`%SystemRoot%`) in their places when it reads what
    /// is stored, so each stands for some text.
    ///
    /// ```
    /// # use svckit_core::image_path::ImagePath;
    /// let given = ImagePath::new(r"%SystemRoot%\system32\shop.exe -x")?;
    /// assert!(given.is_told_as(&ImagePath::new(r"C:\Windows\system32\shop.exe -x")?));
    /// assert!(!given.is_told_as(&ImagePath::new(r"C:\Windows\system32\shop.exe -y")?));
    /// # Ok::<(), svckit_core::image_path::ImagePathError>(())
    /// ```
    pub fn is_told_as(&self, told: &Self) -> bool {
        if self == told {
            return true;
        }
        let mut pieces = around_variables(&self.0);
        let (Some(last), Some(mut rest)) =
            (pieces.pop(), told.0.as_str().strip_prefix(pieces.first().copied().unwrap_or_default()))
        else {
            return false;
        };
        if pieces.is_empty() {
            return false;
        }
        for piece in pieces.into_iter().skip(1) {
            // What a variable stands for is not empty, and ends no quotes.
            let Some(next) = rest.char_indices().nth(1).map(|(second, _)| second) else { return false };
            let Some(at) = rest[next..].find(piece).map(|at| at + next) else { return false };
            if rest[..at].contains('"') {
                return false;
            }
            rest = &rest[at + piece.len()..];
        }
        rest.strip_suffix(last).is_some_and(|value| !value.is_empty() && !value.contains('"'))
    }
}

/// The image path of a host: `PROGRAM host run`, for any services that are asked of it, or `PROGRAM host run NAME`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostImage {
    /// The program.
    pub program: String,
    /// The service that it names.
    pub service: Option<ServiceName>,
}

impl HostImage {
    /// The words of a host's command line.
    const ROLE: [&str; 2] = ["host", "run"];

    /// The host that an image path starts, if it starts one.
    ///
    /// ```
    /// # use svckit_core::image_path::{HostImage, ImagePath};
    /// let host = HostImage::of(&ImagePath::new("/usr/bin/svc host run shop")?).unwrap();
    /// assert_eq!((host.program.as_str(), host.service.unwrap().as_str()), ("/usr/bin/svc", "shop"));
    /// assert_eq!(HostImage::of(&ImagePath::new("/usr/bin/svc host spawner")?), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn of(image_path: &ImagePath) -> Option<Self> {
        let mut words = image_path.arguments().into_iter();
        let program = words.next()?;
        if Self::ROLE.iter().any(|role| words.next().as_deref() != Some(*role)) {
            return None;
        }
        let service = words.next().map(ServiceName::new).transpose().ok()?;
        words.next().is_none().then_some(Self { program, service })
    }

    /// The image path that starts it.
    pub fn to_image_path(&self) -> Result<ImagePath, ImagePathError> {
        let [host, run] = Self::ROLE;
        let service = self.service.as_ref().map(ServiceName::as_str);
        let words: Vec<&str> = [self.program.as_str(), host, run].into_iter().chain(service).collect();
        ImagePath::from_arguments(&words)
    }
}

impl fmt::Display for ImagePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl TryFrom<String> for ImagePath {
    type Error = ImagePathError;
    fn try_from(text: String) -> Result<Self, ImagePathError> {
        Self::new(text)
    }
}

impl From<ImagePath> for String {
    fn from(path: ImagePath) -> String {
        path.0
    }
}

/// The texts before, between and after the variables `%NAME%` of a text; a single one if there are none.
fn around_variables(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let (mut start, mut from) = (0, 0);
    while let Some(open) = text[from..].find('%').map(|at| at + from) {
        let Some(close) = text[open + 1..].find('%').map(|at| at + open + 1) else { break };
        if close == open + 1 {
            from = close;
            continue;
        }
        pieces.push(&text[start..open]);
        (start, from) = (close + 1, close + 1);
    }
    pieces.push(&text[start..]);
    pieces
}

/// Splits an image path into its words; blanks before the first count for nothing, else as [`command_line::split`].
///
/// ```
/// use svckit_core::image_path::split;
/// assert_eq!(split(r#" "/opt/my app/run" --name "a \"b\" c""#), ["/opt/my app/run", "--name", r#"a "b" c"#]);
/// ```
pub fn split(line: &str) -> Vec<String> {
    command_line::split(line.trim_start())
}

/// Joins a program and its arguments into a command line that [`split`] takes apart again.
pub fn join<S: AsRef<str>>(arguments: &[S]) -> String {
    let mut line = String::new();
    for (index, word) in arguments.iter().map(AsRef::as_ref).enumerate() {
        if index > 0 {
            line.push(' ');
            quote_argument(&mut line, word);
        } else if word.is_empty() || word.contains([' ', '\t']) {
            line.push('"');
            line.push_str(word);
            line.push('"');
        } else {
            line.push_str(word);
        }
    }
    line
}

fn quote_argument(line: &mut String, word: &str) {
    if !word.is_empty() && !word.contains([' ', '\t', '"']) {
        line.push_str(word);
        return;
    }
    line.push('"');
    let mut backslashes = 0;
    for c in word.chars() {
        match c {
            '\\' => backslashes += 1,
            '"' => {
                line.extend(std::iter::repeat_n('\\', backslashes + 1));
                backslashes = 0;
            }
            _ => backslashes = 0,
        }
        line.push(c);
    }
    line.extend(std::iter::repeat_n('\\', backslashes));
    line.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_backslash_before_a_quote_escapes_it() {
        assert_eq!(split(r#"p a\\"b c" \"d"#), ["p", r"a\b c", r#""d"#]);
        assert_eq!(split(r#"p "a""b""#), ["p", r#"a"b"#]);
        assert_eq!(split(r#"C:\x\ "a\\""#), [r"C:\x\", r"a\"]);
    }

    #[test]
    fn a_host_and_its_service_are_known() {
        for (text, service) in [
            ("/usr/bin/svc host run", Some(None)),
            (r#""C:\Program Files\svc.exe" host run shop"#, Some(Some("shop"))),
            (r#"svc.exe host run "my shop""#, Some(Some("my shop"))),
            ("svc host", None),
            ("svc host spawner", None),
            ("svc host run a/b", None),
            ("svc host run shop more", None),
            ("svc x host run", None),
            ("host run", None),
        ] {
            let image = ImagePath::new(text).unwrap();
            let host = HostImage::of(&image);
            let named = host.as_ref().map(|host| host.service.as_ref().map(ServiceName::as_str));
            assert_eq!(named, service, "{text}");
            assert!(host.is_none_or(|host| host.to_image_path() == Ok(image)), "{text}");
        }
    }

    #[test]
    fn the_program_of_a_command_line() {
        for (text, program, unquoted) in [
            (r"C:\a.exe.d\b c.EXE -x y.exe", r"C:\a.exe.d\b c.EXE", true),
            (r"C:\Shop\shop.exe", r"C:\Shop\shop.exe", false),
            (r#" "C:\a b\c.exe" -x"#, r"C:\a b\c.exe", false),
            (r#""C:\a b"#, r"C:\a b", false),
            ("shop -x", "shop", false),
            ("/srv/my shop/run", "/srv/my", false),
        ] {
            let path = ImagePath::new(text).unwrap();
            assert_eq!(
                (path.program(), path.unquoted_program()),
                (program, unquoted.then_some(program)),
                "{text}"
            );
        }
    }

    #[test]
    fn programs_are_the_same_by_their_names() {
        let is_same = |one: &str, other: &str| {
            ImagePath::new(one).unwrap().is_same_program(&ImagePath::new(other).unwrap())
        };
        assert!(is_same(r#""C:\Shop 1.2\shop.exe" -x"#, r"D:\shop-1.3\SHOP.EXE"));
        assert!(is_same(r"%ProgramFiles%\shop", "shop.exe"));
        assert!(is_same("/opt/shop -x", "shop"));
        assert!(!is_same(r"C:\Shop\shop.exe", r"C:\nssm\nssm.exe"));
        assert!(!is_same(r"C:\Shop\.exe", r"C:\Shop\shop.exe"));
    }

    #[test]
    fn variables_are_told_by_their_values() {
        let is_told = |given: &str, told: &str| {
            ImagePath::new(given).unwrap().is_told_as(&ImagePath::new(told).unwrap())
        };
        for (given, told) in [
            ("a", "a"),
            ("%A%", "%A%"),
            (r"%A%\x %B%", r"C:\Windows\x 1"),
            (r#""%A%\x" %B% z"#, r#""C:\x y\x" é z"#),
            ("%A%%B%", "ab"),
            ("100% x", "100% x"),
        ] {
            assert!(is_told(given, told), "{given} as {told}");
        }
        for (given, told) in [
            ("a", "A"),
            (r"%A%\x", r"\x"),
            (r"%A%\x", r"C:\Windows\y"),
            ("%A%%B%", "a"),
            (r#""%A%" -x"#, r#""C:\a" "b" -x"#),
            ("100% x", "100b x"),
            ("50%% x", "50a x"),
            ("a%A%a", "a"),
        ] {
            assert!(!is_told(given, told), "{given} as {told}");
        }
    }

    proptest! {
        #[test]
        fn a_variable_may_stand_for_anything(pieces in prop::collection::vec("[a-c%\"é ]{0,3}", 0..4), values in prop::collection::vec("[a-cé]{1,3}", 4)) {
            let pieces: Vec<_> = pieces.iter().map(|piece| piece.replace('%', "x")).collect();
            let given = format!("p{}", pieces.iter().map(|piece| format!("{piece}%V%")).collect::<String>());
            let told = format!("p{}", pieces.iter().zip(&values).map(|(piece, value)| format!("{piece}{value}")).collect::<String>());
            let (given, told) = (ImagePath::new(given).unwrap(), ImagePath::new(told).unwrap());
            prop_assert!(given.is_told_as(&told), "{} as {}", given, told);
        }

        #[test]
        fn joined_arguments_split_again(program in "[^\"\0]{1,12}", rest in prop::collection::vec("[ a\"\\\\\t\u{e9}]{0,8}", 0..5)) {
            prop_assume!(!program.trim().is_empty() && program.trim_start() == program);
            let all: Vec<String> = std::iter::once(program).chain(rest).collect();
            prop_assert_eq!(split(&join(&all)), all);
        }
    }
}
