//! What a program is asked, and looked at for, to know whether it is ready or alive.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::target::Target;

/// The start of every address that a program is asked at by HTTP.
const SCHEME: &str = "http://";

/// `http://HOST:PORT/PATH`: where a program answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HttpUrl {
    text: String,
    /// Where the path begins, or the text ends.
    path: usize,
}

/// Why a text is no [`HttpUrl`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotHttpUrl {
    /// `https`.
    #[error("https can't be asked: this version speaks no TLS")]
    Tls,
    /// Anything else.
    #[error("it is not http://HOST:PORT/PATH")]
    Form,
}

impl HttpUrl {
    /// Reads an address. Without a port it is that of HTTP, 80.
    pub fn new(text: &str) -> Result<Self, NotHttpUrl> {
        let starts_with =
            |scheme: &str| text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
        if starts_with("https://") {
            return Err(NotHttpUrl::Tls);
        }
        // What is in it goes into the lines of a request.
        let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic()) && !text.contains('#');
        if !starts_with(SCHEME) || !is_plain {
            return Err(NotHttpUrl::Form);
        }
        let rest = text.get(SCHEME.len()..).unwrap_or_default();
        let path = SCHEME.len() + rest.find(['/', '?']).unwrap_or(rest.len());
        let url = Self { text: text.to_owned(), path };
        let has_host = |address: &str| is_address(address) && !address.contains('@');
        if has_host(&url.address()) { Ok(url) } else { Err(NotHttpUrl::Form) }
    }

    /// The whole address, as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// `HOST:PORT` to connect to.
    pub fn address(&self) -> String {
        let authority = self.authority();
        let has_port =
            authority.rsplit_once(':').is_some_and(|(host, _)| !host.starts_with('[') || host.ends_with(']'));
        if has_port { authority.to_owned() } else { format!("{authority}:80") }
    }

    /// A request without content. RFC 9112, 3: request line, then the fields; the connection is closed after the answer, so its end is that of the answer.
    /// RFC 9110, 8.6: methods that usually have content say that there is none.
    pub fn request(&self, method: &str) -> Vec<u8> {
        let target = self.text.get(self.path..).unwrap_or_default();
        let slash = if target.starts_with('/') { "" } else { "/" };
        let host = self.authority();
        let length = if matches!(method, "GET" | "HEAD") { "" } else { "Content-Length: 0\r\n" };
        format!("{method} {slash}{target} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: svckit\r\nAccept: */*\r\n{length}Connection: close\r\n\r\n")
            .into_bytes()
    }

    fn authority(&self) -> &str {
        self.text.get(SCHEME.len()..self.path).unwrap_or_default()
    }
}

impl fmt::Display for HttpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl TryFrom<String> for HttpUrl {
    type Error = NotHttpUrl;
    fn try_from(text: String) -> Result<Self, NotHttpUrl> {
        Self::new(&text)
    }
}

impl From<HttpUrl> for String {
    fn from(url: HttpUrl) -> Self {
        url.text
    }
}

/// Whether a text is `HOST:PORT`.
pub fn is_address(text: &str) -> bool {
    let port = text.rsplit_once(':').filter(|(host, _)| !host.is_empty()).map(|(_, port)| port);
    port.is_some_and(|port| port.parse().is_ok_and(|port: u16| port != 0))
}

/// What the bytes that came from an HTTP server say so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The status of the answer.
    Status(u16),
    /// Nothing yet.
    Unfinished,
    /// That this is no HTTP.
    Other,
}

impl Answer {
    /// Reads the status line: RFC 9112, 4. Interim answers (RFC 9110, 15.2) are none.
    pub fn of(mut bytes: &[u8]) -> Self {
        const START: &[u8] = b"HTTP/1.";
        loop {
            let common = bytes.len().min(START.len());
            if bytes.get(..common) != START.get(..common) {
                return Self::Other;
            }
            // The minor version, a blank, and three digits, with a blank or the end of the line after them.
            let [minor, b' ', a, b, c, end, ..] = bytes.get(START.len()..).unwrap_or_default() else {
                let is_short = bytes.len() < START.len() + 6;
                return if is_short { Self::Unfinished } else { Self::Other };
            };
            if ![minor, a, b, c].into_iter().all(u8::is_ascii_digit) || !matches!(end, b' ' | b'\r' | b'\n') {
                return Self::Other;
            }
            let status = [a, b, c].into_iter().fold(0, |sum, digit| sum * 10 + u16::from(digit - b'0'));
            if !(100..200).contains(&status) {
                return Self::Status(status);
            }
            let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
                return Self::Unfinished;
            };
            bytes = bytes.get(end + 4..).unwrap_or_default();
        }
    }

    /// Whether somebody who asked how things are was told that they are well.
    pub fn is_good(self) -> bool {
        matches!(self, Self::Status(200..=399))
    }
}

/// What a line of output has in it: a text, in which `*` is any text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LinePattern(String);

/// Every line has it, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it has to be a text within a line")]
pub struct NoLinePattern;

impl LinePattern {
    /// Reads a pattern.
    pub fn new(text: &str) -> Result<Self, NoLinePattern> {
        let has_text = text.contains(|c| c != '*') && !text.contains(['\n', '\r', '\0']);
        if has_text { Ok(Self(text.to_owned())) } else { Err(NoLinePattern) }
    }

    /// The pattern.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for LinePattern {
    type Error = NoLinePattern;
    fn try_from(text: String) -> Result<Self, NoLinePattern> {
        Self::new(&text)
    }
}

impl From<LinePattern> for String {
    fn from(pattern: LinePattern) -> Self {
        pattern.0
    }
}

/// Looks for a pattern in output that comes in pieces. A line needn't have ended.
#[derive(Debug, Clone)]
pub struct Finder {
    /// The texts between the stars.
    parts: Vec<Vec<u8>>,
    /// How many of them this line has had.
    found: usize,
    /// What of the line may be the start of the next of them.
    rest: Vec<u8>,
}

impl Finder {
    /// Nothing was seen yet.
    pub fn new(pattern: &LinePattern) -> Self {
        let parts = pattern.0.split('*').filter(|part| !part.is_empty());
        Self { parts: parts.map(|part| part.as_bytes().to_vec()).collect(), found: 0, rest: Vec::new() }
    }

    /// Takes the next piece; whether the pattern is there, in it or in one before.
    pub fn take(&mut self, piece: &[u8]) -> bool {
        for (index, part) in piece.split(|byte| *byte == b'\n').enumerate() {
            if self.is_there() {
                return true;
            }
            if index > 0 {
                (self.found, self.rest) = (0, Vec::new());
            }
            self.rest.extend(part);
            self.search();
        }
        self.is_there()
    }

    /// Whether it was found.
    pub fn is_there(&self) -> bool {
        self.found == self.parts.len()
    }

    fn search(&mut self) {
        while let Some(part) = self.parts.get(self.found) {
            match self.rest.windows(part.len()).position(|window| window == part) {
                Some(at) => {
                    self.rest.drain(..at + part.len());
                    self.found += 1;
                }
                None => {
                    let useless = (self.rest.len() + 1).saturating_sub(part.len());
                    self.rest.drain(..useless);
                    return;
                }
            }
        }
    }
}

/// By what it is known that a program is ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadyWhen {
    /// Who is asked is there.
    Ask(Target),
    /// A line of its output has this in it.
    Log(LinePattern),
    /// This file, absolute, is made or written.
    File(PathBuf),
    /// It says so.
    Notify,
}

impl ReadyWhen {
    /// `HOST:PORT` where it is asked, if it is.
    pub fn address(&self) -> Option<String> {
        match self {
            Self::Ask(target) => target.address(),
            Self::Log(_) | Self::File(_) | Self::Notify => None,
        }
    }

    /// What a program does that is ready: `accepts connections at localhost:80`.
    pub fn deed(&self) -> String {
        match self {
            Self::Ask(target) => target.deed(),
            Self::Log(pattern) => format!("writes a line with {:?}", pattern.as_str()),
            Self::File(path) => format!("makes or writes {path:?}"),
            Self::Notify => "says so".to_owned(),
        }
    }

    /// What one has not done that isn't: `nobody accepts connections at localhost:80`.
    pub fn lack(&self) -> String {
        match self {
            Self::Ask(target) => target.lack(),
            Self::Log(pattern) => format!("no line of its output has {:?}", pattern.as_str()),
            Self::File(path) => format!("nobody made or wrote {path:?}"),
            Self::Notify => "it did not say that it is".to_owned(),
        }
    }
}

impl fmt::Display for ReadyWhen {
    /// As the definition file has it, for people: `tcp localhost:80`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ask(target) => target.fmt(f),
            Self::Log(pattern) => write!(f, "log {:?}", pattern.as_str()),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Notify => f.write_str("notify"),
        }
    }
}

/// When a program counts as ready.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "StoredReady", into = "StoredReady")]
pub struct ReadyPolicy {
    /// By what it is known.
    pub when: ReadyWhen,
    /// How long the program has.
    pub timeout: Duration,
    /// How long after an answer that isn't good who is asked is asked again; absent: soon, and then less and less soon.
    pub interval: Option<Duration>,
}

/// As it is stored: one of the ways, and the time.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredReady {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tcp: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    http: Option<HttpUrl>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    log: Option<LinePattern>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    file: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    notify: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    command: Option<Vec<String>>,
    #[serde(with = "crate::millis", rename = "timeout_ms")]
    timeout: Duration,
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "crate::millis::option",
        rename = "interval_ms"
    )]
    interval: Option<Duration>,
}

impl TryFrom<StoredReady> for ReadyPolicy {
    type Error = &'static str;
    fn try_from(stored: StoredReady) -> Result<Self, Self::Error> {
        let StoredReady { tcp, http, log, file, notify, command, timeout, interval } = stored;
        let all = [
            tcp.map(Target::Tcp).map(ReadyWhen::Ask),
            http.map(Target::Http).map(ReadyWhen::Ask),
            log.map(ReadyWhen::Log),
            file.map(ReadyWhen::File),
            notify.then_some(ReadyWhen::Notify),
            command.map(Target::Command).map(ReadyWhen::Ask),
        ];
        let mut all = all.into_iter().flatten();
        match (all.next(), all.next()) {
            (Some(when), None) => Ok(Self { when, timeout, interval }),
            _ => Err("a program is ready by exactly one of tcp, http, log, file, notify and command"),
        }
    }
}

impl From<ReadyPolicy> for StoredReady {
    fn from(policy: ReadyPolicy) -> Self {
        let ReadyPolicy { when, timeout, interval } = policy;
        let mut stored = Self {
            tcp: None,
            http: None,
            log: None,
            file: None,
            notify: false,
            command: None,
            timeout,
            interval,
        };
        match when {
            ReadyWhen::Ask(Target::Tcp(address)) => stored.tcp = Some(address),
            ReadyWhen::Ask(Target::Http(url)) => stored.http = Some(url),
            ReadyWhen::Ask(Target::Command(command)) => stored.command = Some(command),
            ReadyWhen::Log(pattern) => stored.log = Some(pattern),
            ReadyWhen::File(path) => stored.file = Some(path),
            ReadyWhen::Notify => stored.notify = true,
        }
        stored
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn addresses_of_http() {
        for (text, address, line, host) in [
            ("http://localhost", "localhost:80", "GET / HTTP/1.1", "localhost"),
            ("http://localhost:8080/", "localhost:8080", "GET / HTTP/1.1", "localhost:8080"),
            ("HTTP://a.b/c/d?e=f", "a.b:80", "GET /c/d?e=f HTTP/1.1", "a.b"),
            ("http://[::1]:81?x", "[::1]:81", "GET /?x HTTP/1.1", "[::1]:81"),
            ("http://[::1]/x", "[::1]:80", "GET /x HTTP/1.1", "[::1]"),
        ] {
            let url = HttpUrl::new(text).unwrap();
            assert_eq!((url.as_str(), &*url.address()), (text, address));
            let request = String::from_utf8(url.request("GET")).unwrap();
            assert!(request.starts_with(&format!("{line}\r\nHost: {host}\r\n")), "{request}");
            assert!(request.ends_with("Connection: close\r\n\r\n"), "{request}");
        }
        assert_eq!(HttpUrl::new("https://localhost/"), Err(NotHttpUrl::Tls));
        for wrong in [
            "",
            "http:",
            "http://",
            "http:///x",
            "localhost:80",
            "ftp://x",
            "http://x:0/",
            "http://x:y/",
            "http://a@b/",
            "http://x/a b",
            "http://x/\r\nX: y",
            "http://x/#part",
            "http://:80/",
            "http://ä/",
        ] {
            assert_eq!(HttpUrl::new(wrong), Err(NotHttpUrl::Form), "{wrong}");
        }
    }

    #[test]
    fn answers_of_http() {
        for (bytes, answer) in [
            ("", Answer::Unfinished),
            ("HTT", Answer::Unfinished),
            ("HTTP/1.1 20", Answer::Unfinished),
            ("HTTP/1.1 200 OK\r\n", Answer::Status(200)),
            ("HTTP/1.0 404\r\n", Answer::Status(404)),
            ("HTTP/1.1 103 Early Hints\r\nLink: x\r\n", Answer::Unfinished),
            ("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 503 No\r\n", Answer::Status(503)),
            ("HTTP/1.1 2000 OK\r\n", Answer::Other),
            ("HTTP/2 200\r\n\r\n", Answer::Other),
            ("SSH-2.0-x", Answer::Other),
            ("HTTP/1.1-200 ok", Answer::Other),
        ] {
            assert_eq!(Answer::of(bytes.as_bytes()), answer, "{bytes:?}");
        }
        let good = [199, 200, 204, 301, 399, 400, 500].map(|status| Answer::Status(status).is_good());
        assert_eq!(good, [false, true, true, true, true, false, false]);
    }

    fn found(pattern: &str, pieces: &[&str]) -> bool {
        let mut finder = Finder::new(&LinePattern::new(pattern).unwrap());
        pieces.iter().fold(false, |_, piece| finder.take(piece.as_bytes()))
    }

    #[test]
    fn lines_are_found_wherever_output_is_cut() {
        for (pattern, pieces, is_there) in [
            ("ready", &["all read", "y now\n"][..], true),
            ("ready", &["ready"], true),
            ("ready", &["rea\ndy\n"], false),
            ("ready", &["rea", "\n", "dy\n"], false),
            ("aab", &["a", "a", "a", "b"], true),
            ("port * open", &["port 8080 is open\n"], true),
            ("port*open", &["port 8080\nopen\n"], false),
            ("port*open", &["open port\n", "port ", "x op", "en"], true),
            ("*[x]*", &["a [x] b"], true),
            ("a*a", &["xa\n"], false),
            ("a*a", &["x", "a", "a"], true),
            ("ready", &["ready\n", "no more of that\n"], true),
        ] {
            assert_eq!(found(pattern, pieces), is_there, "{pattern} {pieces:?}");
        }
        for wrong in ["", "*", "**", "a\nb"] {
            assert_eq!(LinePattern::new(wrong), Err(NoLinePattern));
        }
    }

    proptest! {
        #[test]
        fn a_cut_is_no_difference(text in "[ab\n]{0,20}", cut in 0_usize..20, pattern in "[ab*]{0,5}x?") {
            prop_assume!(LinePattern::new(&pattern).is_ok());
            let (one, other) = text.split_at(cut.min(text.len()));
            prop_assert_eq!(found(&pattern, &[&text]), found(&pattern, &[one, other]));
        }

        #[test]
        fn any_answer_is_read(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let whole = [b"HTTP/1.1 1", &*bytes].concat();
            for bytes in [&*bytes, &whole] {
                let _ = Answer::of(bytes);
            }
        }
    }

    #[test]
    fn policies_are_stored_with_exactly_one_way() {
        let written = r#"{"tcp":"localhost:1","timeout_ms":1500}"#;
        let policy: ReadyPolicy = serde_json::from_str(written).unwrap();
        assert_eq!(policy.when, ReadyWhen::Ask(Target::Tcp("localhost:1".to_owned())));
        assert_eq!(serde_json::to_string(&policy).unwrap(), written);
        for way in [
            ReadyWhen::Ask(Target::Http(HttpUrl::new("http://x/").unwrap())),
            ReadyWhen::Log(LinePattern::new("up").unwrap()),
            ReadyWhen::File("/x".into()),
            ReadyWhen::Notify,
            ReadyWhen::Ask(Target::Command(vec!["is-up".to_owned()])),
        ] {
            let interval = Some(Duration::from_millis(250));
            let policy = ReadyPolicy { when: way, interval, ..policy.clone() };
            let text = serde_json::to_string(&policy).unwrap();
            assert_eq!(serde_json::from_str::<ReadyPolicy>(&text).unwrap(), policy);
        }
        for wrong in [
            r#"{"timeout_ms":1}"#,
            r#"{"tcp":"x:1","file":"/x","timeout_ms":1}"#,
            r#"{"http":"https://x","timeout_ms":1}"#,
        ] {
            serde_json::from_str::<ReadyPolicy>(wrong).unwrap_err();
        }
    }
}
