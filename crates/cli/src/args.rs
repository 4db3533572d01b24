//! The command line: what can be said, before the world is asked.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum, value_parser};
use svckit_core::secret::Secret;
use svckit_core::trigger::{self, Guid, GuidError};
use svckit_host::entrance::Address;
use svckit_recipe::{StartMode, import, units};

use crate::bulk::AT_A_TIME;
use crate::fleet::FANOUT;

/// Runs any program as a well-behaved service, and manages services.
#[derive(Debug, Parser)]
#[command(
    name = "svc",
    version,
    max_term_width = 100,
    disable_help_subcommand = true,
    infer_subcommands = false
)]
#[command(
    after_help = "DEF is a definition file (service.toml), a part of a buildout (buildout.cfg#PART) or a \
    service script (winservice.py); see docs/reference/definition.md. Exit statuses are in docs/reference/exit-status.md."
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// Options of every verb.
#[derive(Debug, Args, Default)]
pub(crate) struct Global {
    /// The service control manager.
    #[arg(
        long,
        value_name = "TARGET",
        global = true,
        help = "The service control manager: windows, embedded[:DIR] or a machine; several: a,b or @FILE[#GROUP] (also: the variable SVC_SCM)"
    )]
    pub(crate) scm: Option<String>,
    /// Another machine: who logs on there, DOMAIN\NAME or NAME (also: the variable SVC_USER)
    #[arg(long, value_name = "USER", global = true)]
    pub(crate) user: Option<String>,
    /// Another machine: the password is in FILE, which nobody else can read (otherwise: the variable SVC_PASSWORD, or the terminal)
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) password_file: Option<PathBuf>,
    /// Another machine: user, domain and password are in FILE, in lines username = …, which nobody else can read
    #[arg(long, value_name = "FILE", global = true, conflicts_with_all = ["user", "password_file"])]
    pub(crate) credentials_file: Option<PathBuf>,
    /// Another machine: how to show who logs on; without it a Kerberos ticket if no user is named, and NTLM otherwise (also: the variable SVC_AUTH)
    #[arg(long, value_name = "WAY", global = true, value_enum)]
    pub(crate) auth: Option<Auth>,
    /// Another machine: how long each step of connecting may take (default: 10 seconds)
    #[arg(long, value_name = "SECONDS", global = true, value_parser = seconds)]
    pub(crate) connect_timeout: Option<Duration>,
    /// Print JSON: results on standard output, errors on standard error
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Print nothing but errors and what was asked for
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Print more about what is done
    #[arg(long, short, global = true)]
    pub(crate) verbose: bool,
    /// Print without colours (also: the variable NO_COLOR)
    #[arg(long, global = true)]
    pub(crate) no_color: bool,
    /// Wait at most so long for a service (default: 30 seconds without progress); 0: don't wait
    #[arg(long, value_name = "SECONDS", global = true, value_parser = seconds)]
    pub(crate) wait: Option<Duration>,
    /// With several machines: how many are worked with at a time
    #[arg(long, value_name = "N", global = true, default_value_t = FANOUT, value_parser = value_parser!(u16).range(1..=1024))]
    pub(crate) fanout: u16,
}

impl Global {
    /// What is known of a command line that can't be understood.
    pub(crate) fn json_only() -> Self {
        Self { json: true, ..Self::default() }
    }
}

/// How somebody shows to another machine who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Auth {
    /// By a ticket: that of the cache (kinit), or one for the user's password
    Kerberos,
    /// By NTLMv2, with the user's password
    Ntlm,
}

/// What is to be done.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Install or update the services of DEF, start them, wait until they are ready, and show them
    Up(Up),
    /// Stop and remove the services of DEF
    Down(Down),
    /// Install the services of DEF
    Install(Install),
    /// Bring installed services in line with DEF
    Update(Install),
    /// Say what svc apply would do, in its order, and what is different; nothing is done
    Plan(Desired),
    /// Make the services as the definitions say, and restart those that run otherwise
    Apply(Apply),
    /// Say what is different from the definitions, field by field
    Diff(Desired),
    /// Remove services
    Remove(Remove),
    /// Start services
    Start(Start),
    /// Stop services
    Stop(Stop),
    /// Stop services and start them again
    Restart(Stop),
    /// Pause services
    Pause(Services),
    /// Continue paused services
    Continue(Services),
    /// Wait until services are in a state, whoever brings them there
    Wait(Wait),
    /// Run a service of DEF in this console, without a service control manager
    Debug(Debug),
    /// List the installed services
    List(List),
    /// Show what services do; all of them without a name
    Status(Status),
    /// Show services in the terminal, live, with what they use; start and stop them
    Top(Top),
    /// Print what services do and use for Prometheus, or serve it over HTTP
    Metrics(Metrics),
    /// Show everything about a service
    Show(One),
    /// Show what a service's program wrote
    Logs(Logs),
    /// Show what happened to services
    Events(Events),
    /// Show the environment that a service's program gets, and where each variable comes from
    Env(One),
    /// Raise an event, which starts and stops the services that have triggers for its provider
    Raise(Raise),
    /// Print the definition file that says what is installed; without a name all services that svc made
    Export(Export),
    /// Say what is wrong with DEF, and what is probably not meant, without doing anything
    Lint(Lint),
    /// Say what ails services, before and after something went wrong; without a name all
    Doctor(Doctor),
    /// Print the definition of what another tool's file says: supervisor, systemd, NSSM, shawl, service scripts
    Import(Import),
    /// Do what a buildout.cfg says: link projects, install, update and uninstall parts
    Buildout(Buildout),
    /// Say what a code means, what its usual causes are, and what to do
    Explain {
        /// A Win32 code, an exit status of svc or the number of an event; or its name
        #[arg(value_name = "CODE|NAME", allow_negative_numbers = true)]
        what: String,
    },
    /// Do what sc.exe does, in its words; so does a svc that is called sc
    Sc {
        /// A command and what it takes: svc sc help tells all
        #[arg(value_name = "COMMAND", trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<String>,
    },
    /// Be the resource Svckit/Service of Microsoft DSC v3: an instance as JSON on standard input, its state on standard output
    #[command(subcommand)]
    Dsc(Dsc),
    /// The built-in service control manager
    #[command(subcommand)]
    Scm(Scm),
    /// What the service control manager starts; not for people
    #[command(subcommand, hide = true)]
    Host(Host),
    /// Print the JSON schema of definition files, for editors
    Schema,
    /// Print the completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Write the manual pages
    Man {
        /// The folder for a page of each verb; without: svc(1) on standard output
        directory: Option<PathBuf>,
    },
}

/// One or several definition files or names.
#[derive(Debug, Args)]
pub(crate) struct Services {
    /// Names of services, with wildcards (quoted: 'web-*') or without, or definition files
    #[arg(required = true, value_name = "DEF|NAME")]
    pub(crate) services: Vec<String>,
    #[command(flatten)]
    pub(crate) jobs: Jobs,
}

#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Jobs {
    /// How many services are acted on at a time
    #[arg(long = "jobs", short = 'j', value_name = "N", default_value_t = AT_A_TIME, value_parser = value_parser!(u16).range(1..=64))]
    pub(crate) at_a_time: u16,
}

#[derive(Debug, Args)]
pub(crate) struct Definition {
    /// A definition file, FILE.cfg#PART or a winservice.py
    #[arg(value_name = "DEF")]
    pub(crate) definition: PathBuf,
}

/// What an installation may say beyond the file.
#[derive(Debug, Args, Default)]
pub(crate) struct InstallOptions {
    /// The account that the services run under
    #[arg(long, value_name = "ACCOUNT")]
    pub(crate) username: Option<String>,
    /// Read the account's password from the first line of standard input
    #[arg(long, conflicts_with = "password")]
    pub(crate) password_stdin: bool,
    /// The account's password; others can see it in the list of processes: use --password-stdin
    #[arg(long, value_name = "PASSWORD")]
    pub(crate) password: Option<Secret>,
    /// The one from standard input, if it was read before: for several machines that happens once.
    #[arg(skip)]
    pub(crate) password_read: Option<Secret>,
    /// Set the account's password anew, from where the definition says it is
    #[arg(long, conflicts_with_all = ["password", "password_stdin"])]
    pub(crate) renew_password: bool,
    /// When the services are started
    #[arg(long, value_enum, value_name = "WHEN")]
    pub(crate) startup: Option<Startup>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Startup {
    Manual,
    Auto,
    Delayed,
    Disabled,
}

impl From<Startup> for StartMode {
    fn from(startup: Startup) -> Self {
        match startup {
            Startup::Manual => Self::Manual,
            Startup::Auto => Self::Auto,
            Startup::Delayed => Self::Delayed,
            Startup::Disabled => Self::Disabled,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Up {
    #[command(flatten)]
    pub(crate) definition: Definition,
    #[command(flatten)]
    pub(crate) options: InstallOptions,
    /// A service that was changed and doesn't start stays as it is now; otherwise it is made what it was before, and started if it ran
    #[arg(long)]
    pub(crate) no_rollback: bool,
    #[command(flatten)]
    pub(crate) jobs: Jobs,
}

#[derive(Debug, Args)]
pub(crate) struct Down {
    #[command(flatten)]
    pub(crate) definition: Definition,
    #[command(flatten)]
    pub(crate) jobs: Jobs,
}

#[derive(Debug, Args)]
pub(crate) struct Install {
    #[command(flatten)]
    pub(crate) definition: Definition,
    #[command(flatten)]
    pub(crate) options: InstallOptions,
}

#[derive(Debug, Args)]
pub(crate) struct Desired {
    /// The definitions
    #[arg(required = true, value_name = "DEF")]
    pub(crate) definitions: Vec<PathBuf>,
    /// Services that were installed from these files and are in them no more go
    #[arg(long)]
    pub(crate) prune: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Apply {
    #[command(flatten)]
    pub(crate) desired: Desired,
    /// Set the accounts' passwords anew, from where the definitions say they are
    #[arg(long)]
    pub(crate) renew_password: bool,
    #[command(flatten)]
    pub(crate) jobs: Jobs,
}

#[derive(Debug, Args)]
pub(crate) struct Remove {
    #[command(flatten)]
    pub(crate) services: Services,
    /// Stop a running service first
    #[arg(long)]
    pub(crate) stop: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Start {
    #[command(flatten)]
    pub(crate) services: Services,
    /// Start arguments, which the service's program gets after its own
    #[arg(last = true, value_name = "ARGUMENTS")]
    pub(crate) arguments: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Stop {
    #[command(flatten)]
    pub(crate) services: Services,
    /// Also the running services that depend on these
    #[arg(long)]
    pub(crate) with_dependents: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Wait {
    /// Names of services, with wildcards (quoted: 'web-*') or without, or definition files
    #[arg(required = true, value_name = "DEF|NAME")]
    pub(crate) services: Vec<String>,
    /// The state
    #[arg(long, value_enum, value_name = "STATE", default_value = "running")]
    pub(crate) state: Goal,
    /// The limit, as --wait has it
    #[arg(long, value_name = "SECONDS", value_parser = seconds, conflicts_with = "wait")]
    pub(crate) timeout: Option<Duration>,
}

/// What can be waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Goal {
    Running,
    /// It runs, and its program is ready
    Ready,
    Paused,
    Stopped,
    /// There is no such service any more
    Gone,
}

#[derive(Debug, Args)]
pub(crate) struct Debug {
    #[command(flatten)]
    pub(crate) definition: Definition,
    /// Which of the services of the file
    #[arg(value_name = "NAME")]
    pub(crate) service: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only services with these names, with wildcards (quoted: 'web-*') or without, or of definition files
    #[arg(value_name = "DEF|NAME")]
    pub(crate) services: Vec<String>,
    /// Only services that are not stopped
    #[arg(long)]
    pub(crate) active: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Status {
    /// Names of services, with wildcards (quoted: 'web-*') or without, or definition files
    #[arg(value_name = "DEF|NAME")]
    pub(crate) services: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Top {
    /// Names of services, with wildcards (quoted: 'web-*') or without, or definition files
    #[arg(value_name = "DEF|NAME")]
    pub(crate) services: Vec<String>,
    /// Time from one sample of processor and memory to the next
    #[arg(long, value_name = "SECONDS", default_value = "2", value_parser = interval)]
    pub(crate) interval: Duration,
    /// Start and stop nothing
    #[arg(long)]
    pub(crate) read_only: bool,
    /// Print what would be shown, and end
    #[arg(long)]
    pub(crate) once: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Metrics {
    /// Serve /metrics at a port of the loopback interface, as 127.0.0.1:9180, or at a Unix socket for this user alone, an absolute path; until it is ended
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<Address>,
}

#[derive(Debug, Args)]
pub(crate) struct One {
    /// The name of a service, with wildcards (quoted: 'web-*') if just one is like it, or a definition file
    #[arg(value_name = "DEF|NAME")]
    pub(crate) service: String,
}

#[derive(Debug, Args)]
pub(crate) struct Logs {
    /// The name of a service, with wildcards (quoted: 'web-*') if just one is like it, or a definition file
    #[arg(value_name = "DEF|NAME")]
    pub(crate) service: String,
    /// Go on as more is written
    #[arg(long, short)]
    pub(crate) follow: bool,
    /// How many lines
    #[arg(long, short = 'n', value_name = "N", default_value_t = 100)]
    pub(crate) lines: u32,
    /// Begin a new file and keep what was written so far in another, as at the size or time of log.rotate
    #[arg(long, conflicts_with_all = ["follow", "lines"])]
    pub(crate) rotate: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Events {
    /// Only of this service: a name, with wildcards (quoted: 'web-*') if just one is like it, or a definition file
    #[arg(value_name = "DEF|NAME")]
    pub(crate) service: Option<String>,
    /// Go on as more happens
    #[arg(long, short)]
    pub(crate) follow: bool,
    /// How many
    #[arg(long, short = 'n', value_name = "N", default_value_t = 50)]
    pub(crate) lines: u32,
}

#[derive(Debug, Args)]
pub(crate) struct Raise {
    /// The GUID of the provider, as in a trigger start/custom/PROVIDER
    #[arg(value_name = "PROVIDER", value_parser = guid)]
    pub(crate) provider: Guid,
    /// What the event tells, for triggers strcustom
    #[arg(long, value_name = "TEXT", conflicts_with = "hex")]
    pub(crate) text: Option<String>,
    /// What the event tells, in hexadecimal, for triggers custom
    #[arg(long, value_name = "HEX", value_parser = bytes)]
    pub(crate) hex: Option<Bytes>,
    /// Its level, from 1 (critical) to 5 (verbose), for triggers lvlcustom
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) level: u8,
    /// Its keywords in hexadecimal, for triggers kwanycustom and kwallcustom
    #[arg(long, value_name = "HEX", value_parser = trigger::keywords, default_value = "0")]
    pub(crate) keywords: u64,
}

/// Bytes that were given in hexadecimal.
#[derive(Debug, Clone)]
pub(crate) struct Bytes(pub(crate) Vec<u8>);

#[derive(Debug, Args)]
pub(crate) struct Export {
    /// Names of services, with wildcards (quoted: 'web-*') or without, or definition files
    #[arg(value_name = "DEF|NAME")]
    pub(crate) services: Vec<String>,
    /// Write variables that seem to hold secrets as well
    #[arg(long)]
    pub(crate) with_secrets: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Lint {
    /// The definitions
    #[arg(required = true, value_name = "DEF")]
    pub(crate) definitions: Vec<PathBuf>,
    /// Fail (2) for warnings as well
    #[arg(long)]
    pub(crate) strict: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// Names of services, with wildcards (quoted: 'web-*') or without, or definition files
    #[arg(value_name = "DEF|NAME")]
    pub(crate) services: Vec<String>,
    /// Fail (12) for warnings as well
    #[arg(long)]
    pub(crate) strict: bool,
    /// Look names of hosts up at which programs are ready, which takes up to 10 seconds
    #[arg(long)]
    pub(crate) resolve: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Import {
    /// The other tool's file
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Whose file it is, if that is not clear
    #[arg(long, value_name = "KIND", value_parser = kind)]
    pub(crate) from: Option<import::Kind>,
    /// Write the definition into a file, which must not be there yet
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Write over a file that is there
    #[arg(long, requires = "output")]
    pub(crate) force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Buildout {
    /// The configuration file
    #[arg(long = "config", short = 'c', value_name = "FILE", default_value = "buildout.cfg")]
    pub(crate) file: PathBuf,
    /// Print what would be done, and do nothing
    #[arg(long, short = 'n')]
    pub(crate) dry_run: bool,
    /// Options in place of those of the file; then install, which may be left out, and the parts to install: all without any
    #[arg(value_name = "SECTION:OPTION=VALUE … install PART")]
    pub(crate) words: Vec<String>,
}

/// An operation of a resource of Microsoft DSC.
#[derive(Debug, Subcommand)]
pub(crate) enum Dsc {
    /// Print how the service is
    Get,
    /// Bring the service about, and print how it is then and what was changed
    Set,
    /// Print how the service is, whether that is as it shall be, and what differs
    Test,
    /// Print how the service would be after set, and what would be changed; nothing is done
    WhatIf,
    /// Stop and remove the service
    Delete,
    /// Print every service that svc made, one in a line; with an instance only those of its name, which may have wildcards
    Export,
    /// Print the JSON schema of instances
    Schema,
    /// Print the manifest, as svckit.dsc.resource.json for a folder of PATH
    Manifest,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Scm {
    /// Run the service control manager in the foreground
    Serve {
        /// The state directory
        #[arg(long, value_name = "DIR")]
        directory: Option<PathBuf>,
        /// Tell readiness, or why not, on this inherited descriptor
        #[arg(long, value_name = "FD", hide = true)]
        ready_fd: Option<i32>,
        #[command(flatten)]
        network: Network,
    },
    /// The accounts that may come over the network
    #[command(subcommand)]
    User(User),
    /// Show whether it runs, since when, and with how many services
    Status,
    /// Stop all services and then the service control manager
    Stop,
}

/// Where clients of the network are listened to.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Network {
    /// Listen for clients of the network at this address and port (port 0: any that is free), in place of what scm.toml says
    #[arg(long, value_name = "ADDR:PORT")]
    pub(crate) listen: Vec<SocketAddr>,
    /// Tell the port of --listen to whoever asks at this address, usually port 135
    #[arg(long, value_name = "ADDR:PORT")]
    pub(crate) endpoint_mapper: Vec<SocketAddr>,
    /// These may be addresses that other machines reach
    #[arg(long)]
    pub(crate) allow_network: bool,
    /// Take Kerberos as well, with the keys in FILE, which nobody else can read
    #[arg(long, value_name = "FILE")]
    pub(crate) keytab: Option<PathBuf>,
}

/// Accounts of the built-in service control manager.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum User {
    /// Add an account, which may look, and change things if it is an administrator
    Add {
        /// Its name
        name: String,
        /// It may change everything
        #[arg(long)]
        administrator: bool,
        /// Read the password from the first line of standard input, and not from the terminal
        #[arg(long)]
        password_stdin: bool,
        /// It comes in with Kerberos, as this principal, and has no password
        #[arg(long, value_name = "NAME@REALM", conflicts_with = "password_stdin")]
        principal: Option<String>,
    },
    /// List the accounts
    List,
    /// Remove an account
    Remove {
        /// Its name
        name: String,
    },
    /// Give an account another password
    Passwd {
        /// Its name
        name: String,
        /// Read the password from the first line of standard input, and not from the terminal
        #[arg(long)]
        password_stdin: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Host {
    /// Run the services that the service control manager names
    Run {
        /// The only service that there will be, which Windows' own doesn't tell in time
        service: Option<String>,
    },
    /// Start processes for the service control manager
    Spawner,
    /// Look up whether a host has an address
    Resolve {
        /// Its name
        host: String,
    },
}

fn seconds(text: &str) -> Result<Duration, String> {
    let plain = text.parse().ok().and_then(|seconds: f64| Duration::try_from_secs_f64(seconds).ok());
    plain.or_else(|| units::duration(text)).ok_or_else(|| "expected seconds, such as 30 or 0.5".to_owned())
}

fn guid(text: &str) -> Result<Guid, String> {
    text.parse().map_err(|error: GuidError| error.to_string())
}

fn bytes(text: &str) -> Result<Bytes, String> {
    trigger::bytes(text).map(Bytes)
}

fn interval(text: &str) -> Result<Duration, String> {
    match seconds(text)? {
        short if short < Duration::from_millis(100) => Err("expected at least 0.1 seconds".to_owned()),
        long => Ok(long),
    }
}

fn kind(text: &str) -> Result<import::Kind, String> {
    let named = import::Kind::NAMED;
    let words = || named.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ");
    let found = named.iter().find(|(word, _)| *word == text).map(|(_, kind)| *kind);
    found.ok_or_else(|| format!("expected one of {}", words()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn waits_are_seconds_or_durations() {
        assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)));
        assert_eq!(seconds("2m"), Ok(Duration::from_secs(120)));
        assert!(seconds("-1").is_err());
        assert!(seconds("soon").is_err());
    }
}
