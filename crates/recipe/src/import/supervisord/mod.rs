//! supervisor's configuration, as of supervisor 4.3: each `[program:NAME]` is one service or, with `numprocs`, several.

mod program;
mod text;

use std::collections::BTreeMap;

use super::ini::{self, Dialect, Section, Setting};
use super::reader::Reader;
use crate::definition::{ServiceDefinition, Span};
use text::{expand, variables};

/// Settings of `[supervisord]` that have to do with supervisord only.
const OWN: &str = "logfile logfile_maxbytes logfile_backups loglevel pidfile nodaemon silent identifier childlogdir \
    nocleanup strip_ansi minfds minprocs";

/// Names that can be used in values, with what they stand for.
type Names = BTreeMap<String, String>;

/// What `[supervisord]` says for all programs.
#[derive(Debug, Clone, Default)]
struct Common {
    /// The account.
    user: Option<Setting>,
    /// Variables.
    environment: BTreeMap<String, (String, Span)>,
    /// Where programs run that say nothing; absent: where supervisord was started.
    directory: Option<Setting>,
    /// What values can use.
    names: Names,
}

pub(super) fn read(reader: &mut Reader<'_>) -> Vec<ServiceDefinition> {
    let mut sections = ini::read(reader, Dialect::ConfigParser);
    let mut common = Common::default();
    common.names.insert("here".to_owned(), reader.folder());
    if let Some(at) = sections.iter().position(|section| section.name == "supervisord") {
        supervisord(reader, sections.remove(at), &mut common);
    }
    let mut services = Vec::new();
    for section in sections {
        match section.name.strip_prefix("program:").map(str::trim) {
            Some(name) => {
                let name = name.to_owned();
                services.extend(program::read(reader, &name, section, &common));
            }
            None => other(reader, &section),
        }
    }
    services
}

fn supervisord(reader: &mut Reader<'_>, mut section: Section, common: &mut Common) {
    common.user = section.take("user");
    common.directory = section.take("directory");
    if let Some(setting) = section.take("environment") {
        for (name, value) in environment(reader, &setting, &common.names) {
            common.names.insert(format!("ENV_{name}"), value.clone());
            common.environment.insert(name, (value, setting.key_span));
        }
    }
    if let Some(setting) = section.take("umask") {
        reader.remark(setting.key_span, "umask is not mapped", "run umask in a shell that runs the program");
    }
    let (span, mut own) = (section.span, Vec::new());
    for setting in section.rest() {
        if OWN.split_whitespace().any(|key| key == setting.key) {
            own.push(setting.key);
        } else {
            reader.unmapped(&setting, &[], OWN);
        }
    }
    if !own.is_empty() {
        let message = format!("not mapped, since it is about supervisord itself: {}", own.join(", "));
        reader.remark(span, message, "svc scm has its settings in the state directory");
    }
}

/// A section that is no program.
fn other(reader: &mut Reader<'_>, section: &Section) {
    let (kind, _) = section.name.split_once(':').unwrap_or((section.name.as_str(), ""));
    let help = match kind {
        "include" => "svc import each of those files as well",
        "group" => "svc takes several names at once; which starts first is said by depends-on",
        "eventlistener" => "svc events --follow --json prints what happens to services",
        "fcgi-program" => "let the program open its socket itself, or the web server start it",
        "unix_http_server" | "inet_http_server" | "supervisorctl" | "rpcinterface" | "ctlplugin" => {
            "it is about supervisord itself; svc manages the services"
        }
        _ => "see what it is for, and whether the services need it",
    };
    let known = if help.starts_with("see what") { " known, and not" } else { "" };
    let keys = section.keys();
    let what = if keys.is_empty() { String::new() } else { format!(": {}", keys.join(", ")) };
    reader.remark(section.span, format!("[{}] is not{known} mapped{what}", section.name), help);
}

/// The variables of a setting, with names replaced.
fn environment(reader: &mut Reader<'_>, setting: &Setting, names: &Names) -> Vec<(String, String)> {
    let Some(text) = expand(reader, setting, names) else { return Vec::new() };
    variables(&text).unwrap_or_else(|rest| {
        let message = format!("the variables can't be read from {rest:?} on");
        reader.wrong(setting.span, message, r#"write NAME="value",OTHER="value""#);
        Vec::new()
    })
}
