//! `[service.NAME.ready]`.

use std::ops::Range;
use std::time::Duration;

use svckit_core::probe::{HttpUrl, LinePattern, NotHttpUrl, ReadyPolicy, ReadyWhen, is_address};

use super::section::{Reader, Section};
use crate::definition::Places;

/// How long a program has to be ready if the file doesn't say.
pub(super) const TIMEOUT: Duration = Duration::from_secs(60);

const WAYS: &[&str] = &["tcp", "http", "log", "file"];

pub(super) fn read(mut section: Section<'_>, places: &mut Places) -> Option<ReadyPolicy> {
    let header = section.entries().first().copied();
    for key in ["command", "notify"] {
        section.later(key);
    }
    let timeout = section.duration("timeout", "60s").unwrap_or(TIMEOUT);
    let reader = section.reader;
    let mut found = Vec::new();
    for key in WAYS {
        let Some(entry) = section.entry(key) else { continue };
        found.push(entry);
        let (before, name) = (found.first().map_or("", |first| first.name()), entry.name());
        if found.len() > 1 {
            let message = format!("{before:?} and {name:?} can't be together in [{}]", section.path());
            reader.report(entry.key.span(), message, Some("leave one of them".to_owned()));
        }
    }
    if let (true, Some(header)) = (found.is_empty() && !section.has_refused(), header) {
        let message = format!("[{}] does not say when the program is ready", section.path());
        reader.report(header.key.span(), message, Some(r#"write tcp = "127.0.0.1:8080""#.to_owned()));
    }
    let when = found.first().and_then(|entry| {
        places.ready = Some(entry.span().into());
        way(&mut section, entry.name())
    });
    section.finish();
    Some(ReadyPolicy { when: when?, timeout })
}

fn way(section: &mut Section<'_>, key: &str) -> Option<ReadyWhen> {
    let reader = section.reader;
    match key {
        "tcp" => {
            let (text, span) = section.string("tcp", "127.0.0.1:8080")?;
            tcp(reader, text, span).map(ReadyWhen::Tcp)
        }
        "http" => {
            let (text, span) = section.string("http", "http://127.0.0.1:8080/health")?;
            http(reader, text, span).map(ReadyWhen::Http)
        }
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

/// Where connections are accepted.
fn tcp(reader: &Reader<'_>, text: &str, span: Range<usize>) -> Option<String> {
    if !is_address(text) {
        let help = r#"write tcp = "127.0.0.1:8080" or tcp = "[::1]:8080""#.to_owned();
        reader.report(span, format!("{text:?} is not HOST:PORT"), Some(help));
        return None;
    }
    Some(text.to_owned())
}

/// Where requests are answered.
fn http(reader: &Reader<'_>, text: &str, span: Range<usize>) -> Option<HttpUrl> {
    let report = |wrong| {
        let (message, help) = match wrong {
            NotHttpUrl::Tls => (
                format!("{text:?} can't be asked: this version speaks no TLS"),
                "name an address without TLS, such as one for this machine only, or write tcp = \"HOST:PORT\"",
            ),
            NotHttpUrl::Form => (
                format!("{text:?} is not http://HOST:PORT/PATH"),
                r#"write http = "http://127.0.0.1:8080/health""#,
            ),
        };
        reader.report(span, message, Some(help.to_owned()));
    };
    HttpUrl::new(text).map_err(report).ok()
}
