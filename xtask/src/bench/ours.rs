//! svckit itself, with a host process for each service or one for all.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::bed::{Bed, Service};
use super::contender::Contender;
use crate::{Outcome, shell};

/// `svc scm serve`.
pub(crate) struct Ours {
    svc: PathBuf,
    is_shared: bool,
}

impl Ours {
    pub(crate) fn new(svc: &Path, is_shared: bool) -> Self {
        Self { svc: svc.to_owned(), is_shared }
    }

    fn svc(&self, bed: &Bed, words: &[&str]) -> Command {
        let mut command = bed.program(&self.svc);
        command.env("SVC_SCM", format!("embedded:{}", bed.directory.join("state").display())).args(words);
        command
    }
}

impl Contender for Ours {
    fn name(&self) -> &'static str {
        if self.is_shared { "svckit, shared" } else { "svckit" }
    }

    fn version(&self) -> String {
        let how = if self.is_shared { "one host for all services" } else { "a host for each service" };
        let commit = shell::output(shell::program("git").args(["describe", "--always", "--dirty"]));
        format!("{} {}, {how}", self.name(), commit.unwrap_or_default().trim())
    }

    fn prepare(&self, bed: &Bed) -> Outcome {
        let mut text = String::new();
        for Service { name, command, log } in &bed.services {
            let failed = |error: std::fmt::Error| error.to_string();
            let process = if self.is_shared { "share" } else { "own" };
            write!(text, "[service.{name}]\nrun = {command:?}\nstart = \"auto\"\nprocess = \"{process}\"\n")
                .map_err(failed)?;
            write!(text, "[service.{name}.restart]\ndelay = \"0s\"\n").map_err(failed)?;
            if let Some(log) = log {
                let file = log.join("flood.log");
                write!(text, "[service.{name}.log]\nfile = {file:?}\nrotate = {{ size = \"1MB\" }}\nkeep = {{ count = 1000 }}\n")
                    .map_err(failed)?;
            }
        }
        bed.write("service.toml", &text)?;
        shell::output(&mut self.svc(bed, &["install", "service.toml"]))?;
        shell::output(&mut self.svc(bed, &["scm", "stop"]))?;
        Ok(())
    }

    fn supervise(&self, bed: &Bed) -> Command {
        let mut command = self.svc(bed, &["scm", "serve", "--directory"]);
        command.arg(bed.directory.join("state"));
        command
    }

    fn status_of_all(&self, bed: &Bed) -> Command {
        self.svc(bed, &["list"])
    }

    fn status_of_one(&self, bed: &Bed, name: &str) -> Option<Command> {
        Some(self.svc(bed, &["status", name]))
    }
}
