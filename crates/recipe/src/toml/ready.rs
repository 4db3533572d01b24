//! `[service.NAME.ready]`.

use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use svckit_core::call::HttpRequest;
use svckit_core::probe::{HttpUrl, LinePattern, NotHttpUrl, ReadyPolicy, ReadyWhen, is_address};
use svckit_core::target::Target;

use super::command;
use super::section::{Entry, Reader, Section, positive, string};
use crate::definition::Places;

const COMMAND: &str = r#"command = ["shopctl", "is-up"]"#;

/// How long a program has to be ready if the file doesn't say.
pub(super) const TIMEOUT: Duration = Duration::from_secs(60);

/// How long after a command that failed it is run again if the file doesn't say.
pub(super) const INTERVAL: Duration = Duration::from_secs(1);

pub(super) const WAYS: &[&str] = &["tcp", "http", "log", "file", "notify", "command"];

/// Reads when a program is ready; a command is looked for from `directory`.
pub(super) fn read(mut section: Section<'_>, directory: &Path, places: &mut Places) -> Option<ReadyPolicy> {
    let header = section.entries().first().copied();
    let timeout = section.duration("timeout", "60s").unwrap_or(TIMEOUT);
    let found = one_of(&mut section, WAYS);
    if let (true, Some(header)) = (found.is_none(), header) {
        let message = format!("[{}] does not say when the program is ready", section.path());
        section.reader.report(header.key.span(), message, Some(r#"write tcp = "127.0.0.1:8080""#.to_owned()));
    }
    let when = found.and_then(|entry| {
        places.ready = Some(entry.span().into());
        way(&mut section, entry, directory)
    });
    let interval = interval(&mut section, found);
    section.finish();
    Some(ReadyPolicy { when: when?, timeout, interval })
}

/// How often one that isn't ready yet is asked.
fn interval(section: &mut Section<'_>, way: Option<Entry<'_>>) -> Option<Duration> {
    let said = positive(section, "interval", "1s");
    match way.as_ref().map(Entry::name)? {
        "command" => Some(said.unwrap_or(INTERVAL)),
        "tcp" | "http" => said,
        _ => {
            if let Some(entry) = section.entry("interval") {
                nothing_asked(section.reader, entry);
            }
            None
        }
    }
}

/// That a key says how somebody is asked whom nobody asks.
pub(super) fn nothing_asked(reader: &Reader<'_>, entry: Entry<'_>) {
    let message = format!("{:?} is for tcp, http and command: there is nothing that is asked", entry.name());
    reader.report(entry.key.span(), message, Some("remove it".to_owned()));
}

/// The first of some keys that exclude each other.
pub(super) fn one_of<'a>(section: &mut Section<'a>, keys: &[&'static str]) -> Option<Entry<'a>> {
    let found: Vec<_> = keys.iter().filter_map(|key| section.entry(key)).collect();
    let (first, others) = found.split_first()?;
    for other in others {
        let message =
            format!("{:?} and {:?} can't be together in [{}]", first.name(), other.name(), section.path());
        section.reader.report(other.key.span(), message, Some("leave one of them".to_owned()));
    }
    Some(*first)
}

fn way(section: &mut Section<'_>, entry: Entry<'_>, directory: &Path) -> Option<ReadyWhen> {
    let reader = section.reader;
    match entry.name() {
        "tcp" | "http" | "command" => target(section, entry, directory).map(ReadyWhen::Ask),
        "notify" => match section.boolean("notify")? {
            (true, _) => Some(ReadyWhen::Notify),
            (false, span) => {
                reader.report(
                    span,
                    "\"notify\" is true or not there",
                    Some("write notify = true".to_owned()),
                );
                None
            }
        },
        "log" => {
            let (text, span) = section.string("log", "listening on")?;
            let report = |_| {
                let help =
                    r#"write log = "listening on", a part of the line; * in it is any text"#.to_owned();
                reader.report(span, format!("{text:?} is no text within a line"), Some(help));
            };
            LinePattern::new(text).map_err(report).ok().map(ReadyWhen::Log)
        }
        _ => {
            let (text, span) = section.string("file", "run/ready")?;
            Some(ReadyWhen::File(reader.absolute(text, span)))
        }
    }
}

/// Whom one of the keys for that says to ask.
pub(super) fn target(section: &mut Section<'_>, entry: Entry<'_>, directory: &Path) -> Option<Target> {
    match entry.name() {
        "tcp" => tcp(section).map(Target::Tcp),
        "command" => command::line(section.reader, entry, directory, COMMAND).map(Target::Command),
        _ => http(section).map(Target::Http),
    }
}

/// Where connections are accepted.
fn tcp(section: &mut Section<'_>) -> Option<String> {
    let (text, span) = section.string("tcp", "127.0.0.1:8080")?;
    if !is_address(text) {
        let help = r#"write tcp = "127.0.0.1:8080" or tcp = "[::1]:8080""#.to_owned();
        section.reader.report(span, format!("{text:?} is not HOST:PORT"), Some(help));
        return None;
    }
    Some(text.to_owned())
}

/// Where requests are answered.
fn http(section: &mut Section<'_>) -> Option<HttpUrl> {
    let example = Asks::Whether.example();
    let (text, span) = section.string("http", example)?;
    HttpUrl::new(text).map_err(|wrong| not_http(section.reader, text, span, wrong, Asks::Whether)).ok()
}

/// What a request is that brings the program to do something.
pub(super) fn request(reader: &Reader<'_>, entry: Entry<'_>) -> Option<HttpRequest> {
    let example = Asks::For.example();
    let (text, span) = string(reader, entry, "a string", &format!("{} = {example:?}", entry.name()))?;
    HttpRequest::new(text).map_err(|wrong| not_http(reader, text, span, wrong, Asks::For)).ok()
}

/// What an address is asked.
#[derive(Clone, Copy)]
enum Asks {
    /// Whether the program is ready or alive.
    Whether,
    /// For something to be done.
    For,
}

impl Asks {
    fn example(self) -> &'static str {
        match self {
            Self::Whether => "http://127.0.0.1:8080/health",
            Self::For => "POST http://127.0.0.1:8080/stop",
        }
    }
}

fn not_http(reader: &Reader<'_>, text: &str, span: Range<usize>, wrong: NotHttpUrl, asks: Asks) {
    let (message, help) = match wrong {
        NotHttpUrl::Tls => {
            let other = match asks {
                Asks::Whether => ", or write tcp = \"HOST:PORT\"",
                Asks::For => "",
            };
            let help = format!("name an address without TLS, such as one for this machine only{other}");
            (format!("{text:?} can't be asked: this version speaks no TLS"), help)
        }
        NotHttpUrl::Form => {
            let method = match asks {
                Asks::Whether => "",
                Asks::For => "METHOD ",
            };
            let help = format!("write http = {:?}", asks.example());
            (format!("{text:?} is not {method}http://HOST:PORT/PATH"), help)
        }
    };
    reader.report(span, message, Some(help));
}
