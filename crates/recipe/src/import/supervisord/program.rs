//! `[program:NAME]`.

use std::time::Duration;

use svckit_core::definition::{ExitAction, RestartPolicy, RestartWhen, Rung, StopAction, StopPolicy};
use svckit_core::signal::Signal;

use super::text::expand;
use super::{Common, Names, environment};
use crate::definition::{Hosted, LogSettings, ServiceDefinition, StartMode};
use crate::import::ini::{Section, Setting};
use crate::import::reader::{Advice, Reader};
use crate::words;

const MAPPED: &str = "command process_name numprocs numprocs_start autostart autorestart startsecs startretries exitcodes \
    stopsignal stopwaitsecs stopasgroup killasgroup user redirect_stderr stdout_logfile stdout_logfile_maxbytes \
    stdout_logfile_backups stderr_logfile stderr_logfile_maxbytes stderr_logfile_backups environment directory";

const ADVICE: Advice<'_> = &[
    ("priority", "which service starts first is said by depends-on"),
    ("umask", "run umask in a shell that runs the program"),
    ("serverurl", "the program can't reach supervisord; it can run svc"),
    ("stdout_capture_maxbytes stderr_capture_maxbytes", "the output goes to the log as it is"),
    ("stdout_events_enabled stderr_events_enabled", "svc logs --follow prints the output as it comes"),
    ("stdout_syslog stderr_syslog", "the output goes to the service's log: svc logs"),
];

/// So many processes of one section are made services.
const MOST_PROCESSES: u32 = 1000;

/// The pause before each restart. supervisor's are 1 s, 2 s, 3 s and so on after a failed start, and nothing otherwise.
const DELAY: Duration = Duration::from_secs(1);

/// The size that a log is rotated at, and how many old ones are kept, in a file that says nothing.
const ROTATION: (u64, u32) = (50 << 20, 10);

/// The services of a section.
pub(super) fn read(
    reader: &mut Reader<'_>,
    name: &str,
    mut section: Section,
    common: &Common,
) -> Vec<ServiceDefinition> {
    let mut names = common.names.clone();
    names.insert("program_name".to_owned(), name.to_owned());
    names.insert("group_name".to_owned(), name.to_owned());
    let count: u32 = section.take("numprocs").map_or(Some(1), |setting| reader.number(&setting)).unwrap_or(1);
    let first: u32 =
        section.take("numprocs_start").map_or(Some(0), |setting| reader.number(&setting)).unwrap_or(0);
    if count > MOST_PROCESSES {
        let message = format!("{count} processes are too many to be made services of");
        reader.wrong(section.span, message, format!("at most {MOST_PROCESSES} are"));
        return Vec::new();
    }
    names.insert("numprocs".to_owned(), count.to_string());
    let process_name = section.take("process_name").unwrap_or_else(|| Setting {
        key: "process_name".to_owned(),
        value: name.replace('%', "%%"),
        key_span: section.span,
        span: section.span,
    });
    if count > 1 && !process_name.value.contains("%(process_num)") {
        let help = "write process_name = %(program_name)s_%(process_num)02d";
        reader.wrong(process_name.span, "the processes would all have one name", help);
        return Vec::new();
    }
    let Some(command) = section.take("command") else {
        let message = format!("[{}] does not say what to run", section.name);
        reader.wrong(section.span, message, "write command = PROGRAM ARGUMENTS");
        return Vec::new();
    };
    let mut program = Program { reader, section, names, common };
    let settings = program.settings();
    let Program { reader, section, names, .. } = program;
    if settings.directory.is_none() && common.directory.is_none() {
        let message =
            format!("[{}] has no directory: the service runs in the folder of this file", section.name);
        reader.remark(section.span, message, "supervisor runs the program where supervisord was started");
    }
    for setting in section.rest() {
        reader.unmapped(&setting, ADVICE, MAPPED);
    }
    let mut services = Vec::new();
    for number in first..first.saturating_add(count) {
        let mut names = names.clone();
        names.insert("process_num".to_owned(), number.to_string());
        services.extend(one(reader, &process_name, &command, &settings, names, common));
    }
    services
}

/// What all processes of a section have in common, and what each makes its own of.
struct Settings {
    start: StartMode,
    restart: RestartPolicy,
    stop: StopPolicy,
    account: Option<Setting>,
    directory: Option<Setting>,
    environment: Option<Setting>,
    log: LogSettings,
    stdout: Option<Setting>,
    stderr: Option<Setting>,
    is_one_log: bool,
}

struct Program<'r, 'a, 'c> {
    reader: &'r mut Reader<'a>,
    section: Section,
    names: Names,
    common: &'c Common,
}

impl Program<'_, '_, '_> {
    fn settings(&mut self) -> Settings {
        let starts = self.boolean("autostart").unwrap_or(true);
        let is_one_log = self.boolean("redirect_stderr").unwrap_or(false);
        for key in ["stopasgroup", "killasgroup"] {
            let given = self.section.take(key);
            if let Some(setting) = given.filter(|setting| self.reader.boolean(setting) == Some(false)) {
                let message = format!("{key} is always true: what the program started is stopped with it");
                self.reader.remark(setting.key_span, message, "");
            }
        }
        let mut user = self.section.take("user").or_else(|| self.common.user.clone());
        if let Some(setting) = &mut user {
            setting.value = expand(self.reader, setting, &self.names).unwrap_or_default();
        }
        Settings {
            start: if starts { StartMode::Auto } else { StartMode::Manual },
            restart: self.restart(),
            stop: self.stop(),
            account: user,
            directory: self.section.take("directory"),
            environment: self.section.take("environment"),
            log: self.rotation(is_one_log),
            stdout: self.log("stdout_logfile"),
            stderr: self.log("stderr_logfile").filter(|_| !is_one_log),
            is_one_log,
        }
    }

    fn boolean(&mut self, key: &str) -> Option<bool> {
        let setting = self.section.take(key)?;
        self.reader.boolean(&setting)
    }

    fn number<N: std::str::FromStr>(&mut self, key: &str) -> Option<N> {
        let setting = self.section.take(key)?;
        self.reader.number(&setting)
    }

    /// As many restarts in a row as supervisor makes, each after the same pause.
    fn restart(&mut self) -> RestartPolicy {
        let when = match self.section.take("autorestart") {
            Some(setting) if setting.value.eq_ignore_ascii_case("unexpected") => RestartWhen::OnFailure,
            Some(setting) => match self.reader.boolean(&setting) {
                Some(true) => RestartWhen::Always,
                _ => RestartWhen::Never,
            },
            None => RestartWhen::OnFailure,
        };
        let long = Duration::from_secs(self.number::<u32>("startsecs").unwrap_or(1).into());
        let retries = self.section.take("startretries");
        let count: u32 = retries.as_ref().map_or(Some(3), |setting| self.reader.number(setting)).unwrap_or(3);
        if let Some(setting) = retries.filter(|_| count == 0 && when != RestartWhen::Never) {
            let message = "startretries can't be 0 beside restarts: the program is run again once";
            self.reader.remark(setting.span, message, "write restart.when = \"never\" for no restart at all");
        }
        let mut policy = RestartPolicy {
            when,
            delay: DELAY,
            factor: 1.0,
            budget: DELAY * count.saturating_sub(1).min(86_400),
            reset_after: long,
            ..RestartPolicy::default()
        };
        self.exit_codes(&mut policy);
        policy
    }

    fn exit_codes(&mut self, policy: &mut RestartPolicy) {
        let Some(setting) = self.section.take("exitcodes") else { return };
        if policy.when != RestartWhen::OnFailure {
            let message = "exitcodes has no effect, since autorestart is not unexpected";
            return self.reader.remark(setting.key_span, message, "");
        }
        let mut expected = Vec::new();
        for word in setting.value.split(',').map(str::trim).filter(|word| !word.is_empty()) {
            let one = Setting { value: word.to_owned(), ..setting.clone() };
            expected.extend(self.reader.number::<u8>(&one));
        }
        if !expected.contains(&0) {
            policy.exit_codes.insert(0, ExitAction::Restart);
        }
        let others = expected.iter().filter(|code| **code != 0);
        policy.exit_codes.extend(others.map(|code| (i32::from(*code), ExitAction::Stop)));
    }

    fn stop(&mut self) -> StopPolicy {
        let signal = self.section.take("stopsignal").map_or(Some(Signal::Term), |setting| {
            let signal = signal(&setting.value);
            if signal.is_none() {
                let message = format!("{:?} is no signal that svckit sends", setting.value);
                let all: Vec<_> = Signal::ALL.iter().map(|signal| signal.name()).collect();
                self.reader.wrong(setting.span, message, format!("the signals are {}", all.join(", ")));
            }
            signal
        });
        let wait = Duration::from_secs(self.number::<u32>("stopwaitsecs").unwrap_or(10).into());
        let action = StopAction::Signal(signal.unwrap_or(Signal::Term));
        StopPolicy { ladder: vec![Rung { action, wait }] }
    }

    /// One rotation is for both streams; what differs for standard error is told.
    fn rotation(&mut self, is_one_log: bool) -> LogSettings {
        let [out_size, err_size] = ["stdout", "stderr"].map(|stream| {
            let setting = self.section.take(&format!("{stream}_logfile_maxbytes"))?;
            let size = size(&setting.value);
            if size.is_none() {
                let message = format!("{} can't be {:?}", setting.key, setting.value);
                self.reader.wrong(setting.span, message, "write a number of bytes, or 50MB");
            }
            Some((size.unwrap_or_default(), setting))
        });
        let [out_count, err_count] = ["stdout", "stderr"].map(|stream| {
            let setting = self.section.take(&format!("{stream}_logfile_backups"))?;
            Some((self.reader.number::<u32>(&setting).unwrap_or_default(), setting))
        });
        let size = out_size.map_or(ROTATION.0, |(size, _)| size);
        let count = out_count.map_or(ROTATION.1, |(count, _)| count);
        let size_differs =
            err_size.filter(|(own, _)| !is_one_log && *own != size).map(|(_, setting)| setting);
        let differs = err_count.filter(|(own, _)| !is_one_log && u64::from(*own) != u64::from(count));
        for setting in size_differs.into_iter().chain(differs.map(|(_, setting)| setting)) {
            let message = format!("{} is not mapped: one rotation is for both streams", setting.key);
            self.reader.remark(setting.key_span, message, "");
        }
        let is_rotated = size > 0;
        LogSettings {
            rotate_size: is_rotated.then_some(size),
            keep_count: is_rotated.then_some(count.min(100_000)),
            ..LogSettings::default()
        }
    }

    /// The setting of a stream's file if it is one.
    fn log(&mut self, key: &str) -> Option<Setting> {
        let setting = self.section.take(key)?;
        let value = setting.value.to_ascii_lowercase();
        let message = match value.as_str() {
            "auto" => return None,
            "none" | "off" => format!("{key} can't be {}: output is always kept", setting.value),
            "syslog" => format!("{key} can't be syslog"),
            device if device.starts_with("/dev/") => format!("{key} can't be a device"),
            _ => return Some(setting),
        };
        self.reader.remark(setting.span, message, "the output goes to the service's log: svc logs");
        None
    }
}

/// The service of one process.
fn one(
    reader: &mut Reader<'_>,
    process_name: &Setting,
    command: &Setting,
    settings: &Settings,
    mut names: Names,
    common: &Common,
) -> Option<ServiceDefinition> {
    let mut own = Vec::new();
    if let Some(setting) = &settings.environment {
        for (name, value) in environment(reader, setting, &names) {
            names.insert(format!("ENV_{name}"), value.clone());
            own.push((name, (value, setting.key_span)));
        }
    }
    let name = expand(reader, process_name, &names)?;
    let name = reader.service_name(&name, process_name.span)?;
    let folder = reader.folder();
    let directory = match settings.directory.as_ref().or(common.directory.as_ref()) {
        Some(setting) => {
            let text = expand(reader, setting, &names)?;
            reader.path(&text, setting.span, &folder)?
        }
        None => reader.path("", command.span, &folder)?,
    };
    let line = expand(reader, command, &names)?;
    let words = words::split(&line)
        .map_err(|error| reader.wrong(command.span, format!("this command can't be split: {error}"), ""));
    let mut program = reader.program(words.ok()?, command.span, directory)?;
    let inherited = common.environment.iter().map(|(name, value)| (name.clone(), value.clone()));
    for (name, (value, span)) in inherited.chain(own) {
        reader.variable(&mut program.environment, (&name, &value), span);
    }
    let mut hosted = Hosted::new(program, reader.platform);
    let file = |reader: &mut Reader<'_>, setting: &Option<Setting>| {
        let setting = setting.as_ref()?;
        let text = expand(reader, setting, &names)?;
        reader.file(&text, setting.span, &folder)
    };
    hosted.log = settings.log.clone();
    hosted.log.stdout = file(reader, &settings.stdout);
    hosted.log.stderr =
        if settings.is_one_log { hosted.log.stdout.clone() } else { file(reader, &settings.stderr) };
    hosted.restart = settings.restart.clone();
    hosted.stop = settings.stop.clone();
    let service = ServiceDefinition::new(name, hosted);
    let account = settings.account.as_ref().map(|setting| setting.value.clone());
    Some(ServiceDefinition { start: Some(settings.start), account, ..service })
}

/// A signal by its name or by its number on Linux.
fn signal(text: &str) -> Option<Signal> {
    const NUMBERS: &[(u8, Signal)] = &[
        (1, Signal::Hup),
        (2, Signal::Int),
        (3, Signal::Quit),
        (6, Signal::Abrt),
        (9, Signal::Kill),
        (10, Signal::Usr1),
        (12, Signal::Usr2),
        (14, Signal::Alrm),
        (15, Signal::Term),
        (28, Signal::Winch),
    ];
    match text.parse::<u8>() {
        Ok(number) => NUMBERS.iter().find(|(known, _)| *known == number).map(|(_, signal)| *signal),
        Err(_) => Signal::named(text),
    }
}

/// A size in bytes or with `KB`, `MB`, `GB`, which are 1024s here.
fn size(text: &str) -> Option<u64> {
    let lower = text.to_ascii_lowercase();
    let units = [("kb", 1 << 10), ("mb", 1 << 20), ("gb", 1 << 30)];
    let found = units.iter().find_map(|(unit, scale)| Some((lower.strip_suffix(unit)?, *scale)));
    let (number, scale) = found.unwrap_or((&lower, 1_u64));
    number.trim().parse::<u64>().ok()?.checked_mul(scale)
}
