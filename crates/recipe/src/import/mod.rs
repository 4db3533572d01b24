//! From other tools' configurations to services: `docs/tasks/move-to-svckit.md`.
//!
//! Each format has a module. It maps what svckit has a setting for, and makes a remark for all else: no keyword is dropped silently, known or not. What can't be
//! understood is an error, and then there is no result, since half a service is none. Reading is a function of the text, the file's path and the platform.

mod ini;
mod limits;
mod native;
mod nssm;
mod procrun;
mod reader;
mod registry;
mod shawl;
mod supervisord;
mod systemd;
mod values;
mod winsw;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use crate::definition::ServiceDefinition;
use crate::diagnostic::{Diagnostic, Diagnostics, Source};
use crate::file;
use crate::platform::Platform;
use crate::winservice::{self, encoding};
use reader::Reader;

/// A tool whose configuration can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// supervisor's `supervisord.conf`.
    Supervisord,
    /// A service unit of systemd.
    Systemd,
    /// NSSM, as an export of the registry or as commands.
    Nssm,
    /// Command lines of shawl.
    Shawl,
    /// WinSW's configuration, in XML or in YAML.
    Winsw,
    /// procrun of Apache Commons Daemon, as an export of the registry or as commands.
    Procrun,
    /// The service script of the recipe.
    Winservice,
}

impl Kind {
    /// Every kind with the word for it.
    pub const NAMED: &'static [(&'static str, Self)] = &[
        ("supervisord", Self::Supervisord),
        ("systemd", Self::Systemd),
        ("nssm", Self::Nssm),
        ("shawl", Self::Shawl),
        ("winsw", Self::Winsw),
        ("procrun", Self::Procrun),
        ("winservice", Self::Winservice),
    ];

    /// The kind of a file, by its name and else by what it says.
    pub fn of(file: &Path, text: &str) -> Option<Self> {
        let name = file.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        let has_section = |start: &str| text.lines().any(|line| line.trim_start().starts_with(start));
        if name.ends_with(".service") {
            Some(Self::Systemd)
        } else if name == "supervisord.conf" {
            Some(Self::Supervisord)
        } else if name.ends_with(".py") || has_section("SERVICE_NAME") && has_section("PYTHONSERVICE_EXE") {
            Some(Self::Winservice)
        } else if ["[program:", "[supervisord]", "[eventlistener:", "[fcgi-program:"]
            .into_iter()
            .any(has_section)
        {
            Some(Self::Supervisord)
        } else if has_section("[Service]") {
            Some(Self::Systemd)
        } else if procrun::is_export(text) {
            Some(Self::Procrun)
        } else if registry::HEADERS.iter().any(|header| text.starts_with(header)) || nssm::is_dump(text) {
            Some(Self::Nssm)
        } else if shawl::is_line(text) {
            Some(Self::Shawl)
        } else if procrun::is_command(text) {
            Some(Self::Procrun)
        } else if winsw::is_configuration(&name, text) {
            Some(Self::Winsw)
        } else {
            None
        }
    }
}

/// The services of another tool's file.
#[derive(Debug, Clone, PartialEq)]
pub struct Import {
    /// Whose file it was.
    pub kind: Kind,
    /// The services, in the order of the file.
    pub services: Vec<ServiceDefinition>,
    /// What of the file is not in the services, or not as it was, in the order of the file.
    pub remarks: Vec<Diagnostic>,
}

/// Reads another tool's file; without `from` its kind is found out.
///
/// # Errors
/// If the file can't be read, and as [`read`].
pub fn load(path: &Path, from: Option<Kind>, platform: Platform) -> Result<Import, Diagnostics> {
    let (file, bytes) = file::load(path, "file")?;
    read(file, &bytes, from, platform)
}

/// Reads the bytes of another tool's file; `file` is its absolute path.
///
/// # Errors
/// Everything in it that can't be understood, and everything that the platform has no service for.
///
/// ```
/// use svckit_recipe::{Platform, import};
/// let unit = b"[Service]\nExecStart=/usr/bin/shop --port 80\nUMask=022\n";
/// let import = import::read("/etc/systemd/system/shop.service", unit, None, Platform::Unix)?;
/// assert_eq!(import.services[0].hosted().unwrap().program.command, ["/usr/bin/shop", "--port", "80"]);
/// assert_eq!(import.remarks[0].place.as_ref().map(|place| place.line), Some(3));
/// # Ok::<(), svckit_recipe::Diagnostics>(())
/// ```
pub fn read(
    file: impl Into<PathBuf>,
    bytes: &[u8],
    from: Option<Kind>,
    platform: Platform,
) -> Result<Import, Diagnostics> {
    let file = file.into();
    let decoded = encoding::decode(bytes);
    let problem = |message, help: &str| {
        Diagnostics::from(Diagnostic {
            file: file.clone(),
            place: None,
            message,
            help: Some(help.to_owned()),
        })
    };
    let Some(kind) = from.or_else(|| Kind::of(&file, &decoded.text)) else {
        let message = "it is not clear which tool's file this is".to_owned();
        let words: Vec<_> = Kind::NAMED.iter().map(|(word, _)| *word).collect();
        return Err(problem(message, &format!("say it with --from: {}", words.join(", "))));
    };
    if kind == Kind::Winservice {
        let services = winservice::read(file, bytes)?.definition(platform)?.services;
        return Ok(Import { kind, services, remarks: Vec::new() });
    }
    if let Some(doubt) = decoded.doubt {
        return Err(problem(doubt, "save the file as UTF-8"));
    }
    let source = Source::new(file, decoded.text);
    let mut reader = Reader::new(&source, platform);
    let services = match kind {
        Kind::Supervisord => supervisord::read(&mut reader),
        Kind::Systemd => systemd::read(&mut reader).into_iter().collect(),
        Kind::Nssm => nssm::read(&mut reader),
        Kind::Shawl => shawl::read(&mut reader),
        Kind::Winsw => winsw::read(&mut reader).into_iter().collect(),
        Kind::Procrun => procrun::read(&mut reader),
        Kind::Winservice => Vec::new(),
    };
    let remarks = reader.finish(services.is_empty())?;
    Ok(Import { kind, services, remarks })
}
