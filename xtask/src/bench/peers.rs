//! The other supervisors: found, or installed from their packages.

use std::fmt::Write;
use std::path::PathBuf;
use std::process::Command;

use super::bed::{Bed, Service};
use super::contender::Contender;
use crate::{Outcome, python, shell};

/// A Debian package's version, or why it isn't there.
fn debian(package: &str, program: &str) -> Outcome<String> {
    if shell::find(program).is_none() {
        shell::install(&[package]).map_err(|message| format!("{package}: {message}"))?;
    }
    let version =
        shell::output(shell::program("dpkg-query").args(["--show", "--showformat=${Version}", package]));
    Ok(format!("{package} {}", version.unwrap_or_else(|_| "of unknown version".to_owned())))
}

/// A script that becomes a command.
fn becoming(command: &[String]) -> String {
    format!("#!/bin/sh\nexec {}\n", command.join(" "))
}

/// runit: `runsvdir`, one `runsv` a service, `svlogd`.
pub(crate) struct Runit(String);

/// Finds or installs runit.
pub(crate) fn runit() -> Outcome<Runit> {
    debian("runit", "runsvdir").map(Runit)
}

impl Contender for Runit {
    fn name(&self) -> &'static str {
        "runit"
    }

    fn version(&self) -> String {
        self.0.clone()
    }

    fn prepare(&self, bed: &Bed) -> Outcome {
        for Service { name, command, log } in &bed.services {
            bed.write_script(format!("services/{name}/run"), &becoming(command))?;
            if let Some(log) = log {
                let logger = format!("#!/bin/sh\nexec svlogd {}\n", log.display());
                bed.write_script(format!("services/{name}/log/run"), &logger)?;
                bed.write(log.join("config"), "s1000000\nn0\n")?;
            }
        }
        Ok(())
    }

    fn supervise(&self, bed: &Bed) -> Command {
        let mut command = bed.program("runsvdir");
        command.arg("services");
        command
    }

    fn status_of_all(&self, bed: &Bed) -> Command {
        let mut command = bed.program("sv");
        command
            .arg("status")
            .args(bed.services.iter().map(|service| bed.directory.join("services").join(&service.name)));
        command
    }

    fn status_of_one(&self, bed: &Bed, name: &str) -> Option<Command> {
        let mut command = bed.program("sv");
        command.arg("status").arg(bed.directory.join("services").join(name));
        Some(command)
    }
}

/// s6: `s6-svscan`, one `s6-supervise` a service, `s6-log`.
pub(crate) struct S6(String);

/// Finds or installs s6.
pub(crate) fn s6() -> Outcome<S6> {
    debian("s6", "s6-svscan").map(S6)
}

impl Contender for S6 {
    fn name(&self) -> &'static str {
        "s6"
    }

    fn version(&self) -> String {
        self.0.clone()
    }

    fn prepare(&self, bed: &Bed) -> Outcome {
        for Service { name, command, log } in &bed.services {
            bed.write_script(format!("services/{name}/run"), &becoming(command))?;
            if let Some(log) = log {
                let logger = format!("#!/bin/sh\nexec s6-log n1000 s1000000 {}\n", log.display());
                bed.write_script(format!("services/{name}/log/run"), &logger)?;
            }
        }
        let each = "#!/bin/sh\nfor service in services/service-*; do s6-svstat \"$service\"; done\n";
        bed.write_script("status-of-all", each)
    }

    fn supervise(&self, bed: &Bed) -> Command {
        let mut command = bed.program("s6-svscan");
        command.args(["-c", &(bed.services.len() + 10).max(500).to_string(), "services"]);
        command
    }

    fn status_of_all(&self, bed: &Bed) -> Command {
        bed.program(bed.directory.join("status-of-all"))
    }

    fn status_of_one(&self, bed: &Bed, name: &str) -> Option<Command> {
        let mut command = bed.program("s6-svstat");
        command.arg(bed.directory.join("services").join(name));
        Some(command)
    }
}

/// supervisor: `supervisord` and `supervisorctl`.
pub(crate) struct Supervisor {
    programs: PathBuf,
    version: String,
}

/// Installs supervisor into an environment of its own.
pub(crate) fn supervisor() -> Outcome<Supervisor> {
    let python = python::with("benchmarks", &["supervisor==4.3.0"])
        .map_err(|message| format!("supervisor: {message}"))?;
    let version = shell::output(shell::program(&python).arg("--version"))?;
    let programs = python.with_file_name("");
    Ok(Supervisor { programs, version: format!("supervisor 4.3.0 on {}", version.trim()) })
}

impl Supervisor {
    fn control(&self, bed: &Bed) -> Command {
        let mut command = bed.program(self.programs.join("supervisorctl"));
        command.args(["-c", "supervisord.conf", "status"]);
        command
    }
}

impl Contender for Supervisor {
    fn name(&self) -> &'static str {
        "supervisord"
    }

    fn version(&self) -> String {
        self.version.clone()
    }

    fn prepare(&self, bed: &Bed) -> Outcome {
        let mut text = "[supervisord]\nnodaemon=true\nminfds=8192\nlogfile=/dev/null\nlogfile_maxbytes=0\n\
            pidfile=supervisord.pid\n[unix_http_server]\nfile=control\n[supervisorctl]\nserverurl=unix://control\n\
            [rpcinterface:supervisor]\n\
            supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n"
            .to_owned();
        for Service { name, command, log } in &bed.services {
            let log = match log {
                Some(log) => format!(
                    "stdout_logfile={}\nstdout_logfile_maxbytes=1000000\nstdout_logfile_backups=1000",
                    log.join("current").display()
                ),
                None => "stdout_logfile=NONE".to_owned(),
            };
            let command = command.join(" ");
            write!(text, "[program:{name}]\ncommand={command}\nautorestart=true\nstartsecs=0\nstderr_logfile=NONE\n{log}\n")
                .map_err(|error| error.to_string())?;
        }
        bed.write("supervisord.conf", &text).map(drop)
    }

    fn supervise(&self, bed: &Bed) -> Command {
        let mut command = bed.program(self.programs.join("supervisord"));
        command.args(["-c", "supervisord.conf"]);
        command
    }

    fn status_of_all(&self, bed: &Bed) -> Command {
        self.control(bed)
    }

    fn status_of_one(&self, bed: &Bed, name: &str) -> Option<Command> {
        let mut command = self.control(bed);
        command.arg(name);
        Some(command)
    }
}

/// horust: one process with threads; it has no status command.
pub(crate) struct Horust(String);

/// Finds horust; building it takes longer than the measurements.
pub(crate) fn horust() -> Outcome<Horust> {
    if shell::find("horust").is_none() {
        return Err("horust: not installed (cargo install horust)".to_owned());
    }
    shell::output(shell::program("horust").arg("--version")).map(|version| Horust(version.trim().to_owned()))
}

impl Contender for Horust {
    fn name(&self) -> &'static str {
        "horust"
    }

    fn version(&self) -> String {
        self.0.clone()
    }

    fn prepare(&self, bed: &Bed) -> Outcome {
        for Service { name, command, .. } in &bed.services {
            let text = format!(
                "command = \"{}\"\n[restart]\nstrategy = \"always\"\nbackoff = \"0s\"\n",
                command.join(" ")
            );
            bed.write(format!("services/{name}.toml"), &text)?;
        }
        Ok(())
    }

    fn supervise(&self, bed: &Bed) -> Command {
        let mut command = bed.program("horust");
        command.args(["--services-path", "services"]);
        command
    }

    fn status_of_all(&self, bed: &Bed) -> Command {
        bed.program("false")
    }

    fn status_of_one(&self, _: &Bed, _: &str) -> Option<Command> {
        None
    }

    fn rotates_logs(&self) -> bool {
        false
    }
}
