//! What a definition says, in the terms of the service API and of the host.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use svckit_core::call::HttpRequest;
use svckit_core::config::{Config2, DEFAULT_PRESHUTDOWN_TIMEOUT, LOCAL_SYSTEM, NewService, ServiceConfig};
use svckit_core::control::Control;
use svckit_core::definition::{
    ControlAction, DEFINITION_VERSION, HostDefinition, LogPolicy, LogTarget, PasswordSource, Program,
    RestartPolicy, StopAction, StopPolicy,
};
use svckit_core::failure::FailureActions;
use svckit_core::health::{AskPolicy, HealthPolicy};
use svckit_core::hook::{Hooks, Moment};
use svckit_core::image_path::ImagePath;
use svckit_core::kind::{ErrorControl, LaunchProtection, ServiceType, SidType, StartType};
use svckit_core::limits::Limits;
use svckit_core::name::{Dependency, DisplayName, GroupName, ServiceName};
use svckit_core::probe::{ReadyPolicy, ReadyWhen};
use svckit_core::secret::Secret;
use svckit_core::security::SecurityDescriptor;
use svckit_core::system_event::SystemEvent;
use svckit_core::target::Target;
use svckit_core::timetable::Timetable;
use svckit_core::tree::TreePolicy;
use svckit_core::trigger::Trigger;

use crate::diagnostic::{Diagnostic, Source};
use crate::platform::Platform;

/// The services of one file.
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    /// The file.
    pub source: Source,
    /// Dependencies before the services that need them, else in the order of the file.
    pub services: Vec<ServiceDefinition>,
}

/// The most UTF-16 units of a description that the service API takes ([MS-SCMR] 2.2.35, with the NUL at the end 8 Ki).
const MAX_DESCRIPTION: usize = 8 * 1024 - 1;

/// What a description may be.
pub(crate) const DESCRIPTION_HELP: &str = "a description has up to 8191 characters";

/// What is wrong with a description.
pub(crate) fn checked_description(text: &str) -> Result<(), String> {
    let length = text.encode_utf16().count();
    if text.contains('\0') {
        Err("a description can't contain '\\0'".to_owned())
    } else if length > MAX_DESCRIPTION {
        Err(format!("a description has at most {MAX_DESCRIPTION} characters, this one has {length}"))
    } else {
        Ok(())
    }
}

/// A range of bytes in the text of a definition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
}

impl From<std::ops::Range<usize>> for Span {
    fn from(range: std::ops::Range<usize>) -> Self {
        Self { start: range.start, end: range.end }
    }
}

/// When a service is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StartMode {
    /// When asked for.
    #[default]
    Manual,
    /// When the service control manager starts.
    Auto,
    /// Some time after that.
    Delayed,
    /// Not at all.
    Disabled,
}

impl StartMode {
    /// Every mode with the word for it.
    pub const NAMED: &'static [(&'static str, Self)] = &[
        ("manual", Self::Manual),
        ("auto", Self::Auto),
        ("delayed", Self::Delayed),
        ("disabled", Self::Disabled),
    ];

    /// The start type of the service API.
    pub const fn start_type(self) -> StartType {
        match self {
            Self::Manual => StartType::DEMAND_START,
            Self::Auto | Self::Delayed => StartType::AUTO_START,
            Self::Disabled => StartType::DISABLED,
        }
    }

    /// Whether an automatic start comes late.
    pub const fn is_delayed(self) -> bool {
        matches!(self, Self::Delayed)
    }

    /// The word for it.
    pub fn word(self) -> &'static str {
        Self::NAMED.iter().find(|(_, mode)| *mode == self).map_or("manual", |(word, _)| word)
    }
}

/// In which process a service's host runs, or the service itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Process {
    /// In one of its own.
    #[default]
    Own,
    /// In one for all services that share.
    Share,
}

/// How output is kept; a stream without a file goes to the service's default log.
pub type LogSettings = LogPolicy<Option<PathBuf>>;

/// Where in the file the values are that only the machine can tell right from wrong.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Places {
    /// The service's name.
    pub name: Span,
    /// The command, or the binary path.
    pub run: Span,
    /// The working directory, if the file gives one.
    pub directory: Option<Span>,
    /// The files with variables, in their order.
    pub environment_files: Vec<Span>,
    /// The dependencies, in their order.
    pub dependencies: Vec<Span>,
    /// The account, if the file gives one.
    pub account: Option<Span>,
    /// Where its password is, if the file says so.
    pub password: Option<Span>,
    /// When it is started, if the file says so.
    pub start: Option<Span>,
    /// The names of the variables.
    pub environment: BTreeMap<String, Span>,
    /// How it is told to be ready, if the file says so.
    pub ready: Option<Span>,
    /// How it is asked whether it is alive, if the file says so.
    pub health: Option<Span>,
    /// The section on restarts, if there is one.
    pub restart: Option<Span>,
    /// The section on stopping, if there is one.
    pub stop: Option<Span>,
    /// The section on limits, if there is one.
    pub limits: Option<Span>,
    /// The section on the log, if there is one.
    pub log: Option<Span>,
    /// What controls do, by their numbers.
    pub controls: BTreeMap<u32, Span>,
    /// What is done when something happens.
    pub system_events: BTreeMap<SystemEvent, Span>,
    /// The section on hooks, if there is one.
    pub hooks: Option<Span>,
    /// The section on recovery, if there is one.
    pub recovery: Option<Span>,
    /// Which word of the command is a file that has to be there, though it may be no program, and where the file says it.
    pub script: Option<(usize, Span)>,
}

/// One service.
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceDefinition {
    /// The key name.
    pub name: ServiceName,
    /// The display name; the key name unless the file gives one.
    pub display_name: DisplayName,
    /// What people are told it does.
    pub description: Option<String>,
    /// When it is started; absent: manual for a new service, as it is for an installed one.
    pub start: Option<StartMode>,
    /// What has to run before it.
    pub dependencies: Vec<Dependency>,
    /// The account; absent: the system for a new service, as it is for an installed one.
    pub account: Option<String>,
    /// Where the account's password is.
    pub password: Option<PasswordSource>,
    /// In which process its host runs, or the service itself.
    pub process: Process,
    /// What its failure to start means for the system.
    pub error_control: ErrorControl,
    /// The load order group.
    pub group: Option<GroupName>,
    /// Whether it has a tag in the group.
    pub tag: bool,
    /// The service SID.
    pub sid: SidType,
    /// The privileges it needs; empty: those of the account.
    pub privileges: Vec<String>,
    /// What starts and stops it by itself.
    pub triggers: Vec<Trigger>,
    /// Who may do what with it: the parts that are said; absent: as it is.
    pub security: Option<SecurityDescriptor>,
    /// The NUMA node that it shall run on; absent: any.
    pub preferred_node: Option<u16>,
    /// Whom its process is protected from.
    pub launch_protection: LaunchProtection,
    /// How long it may take when the system is going to shut down.
    pub preshutdown: Duration,
    /// What the service control manager does when the process of the service, the host or its own, ends by itself.
    pub recovery: FailureActions,
    /// Whether that is also done when the service stops with an error.
    pub recovery_on_error: bool,
    /// What the service control manager starts.
    pub runs: Runs,
    /// Where this is in the file.
    pub places: Places,
}

/// What the service control manager starts.
#[derive(Debug, Clone, PartialEq)]
pub enum Runs {
    /// A host of svckit, which runs any program.
    Hosted(Box<Hosted>),
    /// This command line, as it is: its program is a service itself (`lpBinaryPathName`, [MS-SCMR] 3.1.4.12).
    BinaryPath(ImagePath),
}

impl From<Hosted> for Runs {
    fn from(hosted: Hosted) -> Self {
        Self::Hosted(Box::new(hosted))
    }
}

/// A program, and what its host does with it.
#[derive(Debug, Clone, PartialEq)]
pub struct Hosted {
    /// What is run; a program without a path separator has not been looked up.
    pub program: Program,
    /// When it is run again.
    pub restart: RestartPolicy,
    /// How it is stopped.
    pub stop: StopPolicy,
    /// What becomes of the processes that it has started.
    pub tree: TreePolicy,
    /// What it may use of the machine.
    pub limits: Limits,
    /// When it is ready.
    pub ready: Option<ReadyPolicy>,
    /// How it is known that the program is alive.
    pub health: Option<HealthPolicy>,
    /// Where its output goes.
    pub log: LogSettings,
    /// What controls do.
    pub controls: BTreeMap<u32, ControlAction>,
    /// What is done when something happens to the machine or to a session.
    pub system_events: BTreeMap<SystemEvent, ControlAction>,
    /// Commands for moments in its life.
    pub hooks: BTreeMap<Moment, Hooks>,
    /// What is done with it by the clock.
    pub schedule: Timetable,
}

impl Definition {
    /// The service of this name.
    pub fn service(&self, name: &ServiceName) -> Option<&ServiceDefinition> {
        self.services.iter().find(|service| service.name == *name)
    }

    /// Something that the machine shows to be wrong, at its place in the file.
    pub fn diagnostic(&self, span: Span, message: impl Into<String>, help: Option<String>) -> Diagnostic {
        self.source.diagnostic(span, message, help)
    }
}

impl ServiceDefinition {
    /// A service that runs this, with the defaults for all else.
    pub fn new(name: ServiceName, runs: impl Into<Runs>) -> Self {
        Self {
            display_name: name.clone().into(),
            name,
            description: None,
            start: None,
            dependencies: Vec::new(),
            account: None,
            password: None,
            process: Process::default(),
            error_control: ErrorControl::NORMAL,
            group: None,
            tag: false,
            sid: SidType::NONE,
            privileges: Vec::new(),
            triggers: Vec::new(),
            security: None,
            preferred_node: None,
            launch_protection: LaunchProtection::NONE,
            preshutdown: Self::DEFAULT_PRESHUTDOWN,
            recovery: FailureActions::default(),
            recovery_on_error: false,
            runs: runs.into(),
            places: Places::default(),
        }
    }

    /// The program and its policy, if a host runs it.
    pub fn hosted(&self) -> Option<&Hosted> {
        match &self.runs {
            Runs::Hosted(hosted) => Some(hosted),
            Runs::BinaryPath(_) => None,
        }
    }

    /// The same to change it.
    pub fn hosted_mut(&mut self) -> Option<&mut Hosted> {
        match &mut self.runs {
            Runs::Hosted(hosted) => Some(hosted),
            Runs::BinaryPath(_) => None,
        }
    }

    /// The command line that the service control manager starts as it is, if that is what the service runs.
    pub fn binary_path(&self) -> Option<&ImagePath> {
        match &self.runs {
            Runs::Hosted(_) => None,
            Runs::BinaryPath(path) => Some(path),
        }
    }

    /// The commands beside the program: what each is for, and where the file says so.
    pub fn beside(&self) -> Vec<(String, &[String], Option<Span>)> {
        self.hosted().map(|hosted| hosted.beside(&self.places)).unwrap_or_default()
    }

    /// The requests that bring the program to do something: what each is for, and where the file says so.
    pub fn requests(&self) -> Vec<(String, &HttpRequest, Option<Span>)> {
        self.hosted().map(|hosted| hosted.requests(&self.places)).unwrap_or_default()
    }

    /// The basic configuration with an image path.
    pub fn config(&self, image_path: ImagePath) -> ServiceConfig {
        ServiceConfig {
            service_type: match self.process {
                Process::Own => ServiceType::WIN32_OWN_PROCESS,
                Process::Share => ServiceType::WIN32_SHARE_PROCESS,
            },
            start_type: self.start.unwrap_or_default().start_type(),
            error_control: self.error_control,
            image_path,
            load_order_group: self.group.clone(),
            tag: 0,
            dependencies: self.dependencies.clone(),
            account: Some(self.account.clone().unwrap_or_else(|| LOCAL_SYSTEM.to_owned())),
            display_name: self.display_name.clone(),
        }
    }

    /// What creates the service.
    pub fn new_service(&self, image_path: ImagePath, password: Option<Secret>) -> NewService {
        NewService { name: self.name.clone(), config: self.config(image_path), want_tag: self.tag, password }
    }

    /// The optional configuration, every level.
    pub fn config2(&self) -> Vec<Config2> {
        vec![
            Config2::Description(self.description.clone()),
            Config2::FailureActions(self.recovery.clone()),
            Config2::DelayedAutoStart(self.start.unwrap_or_default().is_delayed()),
            Config2::FailureActionsFlag(self.recovery_on_error),
            Config2::Sid(self.sid),
            Config2::RequiredPrivileges(self.privileges.clone()),
            Config2::PreshutdownTimeout(self.preshutdown),
            Config2::Triggers(self.triggers.clone()),
            Config2::PreferredNode(self.preferred_node),
            Config2::LaunchProtected(self.launch_protection),
        ]
    }

    /// What the host needs, if there is one; a stream without a file of its own goes to `default_log`.
    pub fn host(&self, default_log: &Path, source: &Path) -> Option<HostDefinition> {
        let hosted = self.hosted()?;
        let target =
            |file: &Option<PathBuf>| LogTarget::File(file.as_deref().unwrap_or(default_log).to_owned());
        Some(HostDefinition {
            version: DEFINITION_VERSION,
            program: hosted.program.clone(),
            restart: hosted.restart.clone(),
            stop: hosted.stop.clone(),
            tree: hosted.tree.clone(),
            limits: hosted.limits.clone(),
            log: hosted.log.clone().with_targets(target(&hosted.log.stdout), target(&hosted.log.stderr)),
            controls: hosted.controls.clone(),
            system_events: hosted.system_events.clone(),
            hooks: hosted.hooks.clone(),
            schedule: hosted.schedule.clone(),
            ready: hosted.ready.clone(),
            health: hosted.health.clone(),
            account_password: self.password.clone(),
            source: Some(source.to_owned()),
        })
    }

    /// The preshutdown time-out of a service whose file says nothing.
    pub const DEFAULT_PRESHUTDOWN: Duration = DEFAULT_PRESHUTDOWN_TIMEOUT;
}

impl Hosted {
    /// A program with the defaults for all else.
    pub fn new(program: Program, platform: Platform) -> Self {
        Self {
            program,
            restart: RestartPolicy::default(),
            stop: platform.stop(),
            tree: TreePolicy::default(),
            limits: Limits::default(),
            ready: None,
            health: None,
            log: LogSettings::default(),
            controls: BTreeMap::new(),
            system_events: BTreeMap::new(),
            hooks: BTreeMap::new(),
            schedule: Timetable::default(),
        }
    }

    /// The commands beside the program, as [`ServiceDefinition::beside`] tells them.
    fn beside(&self, places: &Places) -> Vec<(String, &[String], Option<Span>)> {
        let mut all: Vec<(String, &[String], Option<Span>)> = Vec::new();
        for (moment, hook) in self
            .hooks
            .iter()
            .flat_map(|(moment, hooks)| hooks.as_slice().iter().map(move |hook| (moment, hook)))
        {
            all.push((format!("the hook {}", moment.word()), &hook.errand.command, places.hooks));
        }
        for rung in &self.stop.ladder {
            if let StopAction::Command(command) = &rung.action {
                all.push(("the ladder".to_owned(), command, places.stop));
            }
        }
        for (control, action) in &self.controls {
            if let ControlAction::Command(errand) = action {
                let place = places.controls.get(control).copied();
                all.push((format!("the control {}", Control(*control)), &errand.command, place));
            }
        }
        for (event, action) in &self.system_events {
            if let ControlAction::Command(errand) = action {
                let place = places.system_events.get(event).copied();
                all.push((format!("the event {}", event.word()), &errand.command, place));
            }
        }
        if let Some(ReadyPolicy { when: ReadyWhen::Ask(Target::Command(command)), .. }) = &self.ready {
            all.push(("ready".to_owned(), command, places.ready));
        }
        if let Some(HealthPolicy::Ask(AskPolicy { target: Target::Command(command), .. })) = &self.health {
            all.push(("health".to_owned(), command, places.health));
        }
        all
    }

    /// The requests to the program, as [`ServiceDefinition::requests`] tells them.
    fn requests(&self, places: &Places) -> Vec<(String, &HttpRequest, Option<Span>)> {
        let rungs = self.stop.ladder.iter().filter_map(|rung| match &rung.action {
            StopAction::Http(request) => Some(("the ladder".to_owned(), request, places.stop)),
            _ => None,
        });
        let controls = self.controls.iter().filter_map(|(control, action)| {
            let place = places.controls.get(control).copied();
            Some((format!("the control {}", Control(*control)), action.request()?, place))
        });
        let events = self.system_events.iter().filter_map(|(event, action)| {
            let place = places.system_events.get(event).copied();
            Some((format!("the event {}", event.word()), action.request()?, place))
        });
        rungs.chain(controls).chain(events).collect()
    }
}
