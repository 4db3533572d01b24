//! Image paths: the command line with which a service's process is started.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::command_line;
use crate::name::ServiceName;

/// The longest image path the API takes, in UTF-16 code units ([MS-SCMR] 3.1.4.12: 32 KiB).
pub const MAX_IMAGE_PATH: usize = 32 * 1024;

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

    proptest! {
        #[test]
        fn joined_arguments_split_again(program in "[^\"\0]{1,12}", rest in prop::collection::vec("[ a\"\\\\\t\u{e9}]{0,8}", 0..5)) {
            prop_assume!(!program.trim().is_empty() && program.trim_start() == program);
            let all: Vec<String> = std::iter::once(program).chain(rest).collect();
            prop_assert_eq!(split(&join(&all)), all);
        }
    }
}
