//! procrun's parameters: as options of its commands, and where the registry has them.

use crate::import::reader::Advice;

/// A parameter.
pub(super) struct Parameter {
    /// Its name in a command.
    pub(super) name: &'static str,
    /// The key below `Parameters`, and the name of the value there; `None` for what the service control manager keeps.
    pub(super) stored: Option<(&'static str, &'static str)>,
    /// Whether it has several values.
    pub(super) is_list: bool,
}

const fn native(name: &'static str) -> Parameter {
    Parameter { name, stored: None, is_list: false }
}

const fn one(name: &'static str, key: &'static str, value: &'static str) -> Parameter {
    Parameter { name, stored: Some((key, value)), is_list: false }
}

const fn list(name: &'static str, key: &'static str, value: &'static str) -> Parameter {
    Parameter { name, stored: Some((key, value)), is_list: true }
}

/// All of version 1.6 of Apache Commons Daemon.
pub(super) const PARAMETERS: &[Parameter] = &[
    native("Description"),
    native("DisplayName"),
    native("Install"),
    native("ServiceUser"),
    native("ServicePassword"),
    native("Startup"),
    native("Type"),
    Parameter { name: "DependsOn", stored: None, is_list: true },
    list("Environment", "", "Environment"),
    one("User", "", "User"),
    one("Password", "", "Password"),
    one("LibraryPath", "", "LibraryPath"),
    one("JavaHome", "Java", "JavaHome"),
    one("Jvm", "Java", "Jvm"),
    list("JvmOptions", "Java", "Options"),
    list("JvmOptions9", "Java", "Options9"),
    one("Classpath", "Java", "Classpath"),
    one("JvmMs", "Java", "JvmMs"),
    one("JvmMx", "Java", "JvmMx"),
    one("JvmSs", "Java", "JvmSs"),
    one("StopImage", "Stop", "Image"),
    one("StopPath", "Stop", "WorkingPath"),
    one("StopClass", "Stop", "Class"),
    list("StopParams", "Stop", "Params"),
    one("StopMethod", "Stop", "Method"),
    one("StopMode", "Stop", "Mode"),
    one("StopTimeout", "Stop", "Timeout"),
    one("StartImage", "Start", "Image"),
    one("StartPath", "Start", "WorkingPath"),
    one("StartClass", "Start", "Class"),
    list("StartParams", "Start", "Params"),
    one("StartMethod", "Start", "Method"),
    one("StartMode", "Start", "Mode"),
    one("LogPath", "Log", "Path"),
    one("LogPrefix", "Log", "Prefix"),
    one("LogLevel", "Log", "Level"),
    one("StdError", "Log", "StdError"),
    one("StdOutput", "Log", "StdOutput"),
    one("LogJniMessages", "Log", "LogJniMessages"),
    one("PidFile", "Log", "PidFile"),
    one("Rotate", "Log", "Rotate"),
];

pub(super) const MAPPED: &str = "Description DisplayName Install ServiceUser Startup Type DependsOn Environment JavaHome Jvm JvmOptions \
    JvmOptions9 Classpath JvmMs JvmMx JvmSs StopTimeout StartImage StartPath StartClass StartParams StartMethod StartMode LogPath StdError \
    StdOutput";

pub(super) const ADVICE: Advice<'_> = &[
    (
        "StopImage StopPath StopClass StopParams StopMethod StopMode",
        "the stop ladder asks the program itself: Ctrl+C runs the shutdown hooks of Java",
    ),
    (
        "User Password",
        "account says under which account the whole service runs; svc up --password-stdin takes its password",
    ),
    ("ServicePassword", "svc up --password-stdin takes it"),
    ("LibraryPath", "set PATH in environment, or -Djava.library.path in the command"),
    ("LogPrefix LogLevel LogJniMessages", "svc events has what happens to the service"),
    ("PidFile", "svc status has the id of the process"),
    ("Rotate", "logs are rotated by size: [service.NAME.log] rotate = { size = \"10MB\" }"),
];
