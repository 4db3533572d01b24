//! Lists over SMB: svckit and Samba's `net` ask Samba's server.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use svckit_testkit::samba::{ADMINISTRATOR, PASSWORD, Samba};

use crate::{Outcome, shell};

/// A server, and the files that clients need.
pub(super) struct Bed {
    svc: PathBuf,
    folder: PathBuf,
    samba: Samba,
}

impl Bed {
    /// Starts a server; `None` where there is no Samba, or nobody who may run it.
    pub(super) fn new(svc: &Path) -> Outcome<Option<Self>> {
        let Some(samba) = Samba::start("server smb encrypt = required\n") else {
            println!("there is no smbd that could be run: the row \"smb\" is left out");
            return Ok(None);
        };
        let folder = shell::target().join("bench-wire-smb");
        let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).map_err(failed)?;
        let secret = |name: &str, text: &str| {
            let file =
                fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(folder.join(name));
            file.and_then(|mut file| file.write_all(text.as_bytes())).map_err(failed)
        };
        secret("password", PASSWORD)?;
        secret("logon", &format!("username = {ADMINISTRATOR}\npassword = {PASSWORD}\n"))?;
        // Of the machine's own settings none counts.
        fs::write(folder.join("smb.conf"), "[global]\n").map_err(failed)?;
        let bed = Self { svc: svc.to_owned(), folder, samba };
        // Whoever comes first waits until it has written its services into its registry.
        shell::output(bed.list().args(["--connect-timeout", "2m"]))?;
        Ok(Some(bed))
    }

    /// `svc list`.
    pub(super) fn list(&self) -> Command {
        let mut command = shell::program(&self.svc);
        let target = format!("smb://127.0.0.1:{}", self.samba.port());
        command
            .args(["--scm", &target, "--user", ADMINISTRATOR, "--password-file"])
            .arg(self.folder.join("password"))
            .arg("list");
        command
    }

    /// `net rpc service list`.
    pub(super) fn net(&self) -> Command {
        let mut command = shell::program("net");
        command
            .args(["rpc", "service", "list", "--client-protection=encrypt", "--server=127.0.0.1"])
            .args(["--port", &self.samba.port().to_string(), "--authentication-file"])
            .arg(self.folder.join("logon"))
            .arg("--configfile")
            .arg(self.folder.join("smb.conf"));
        command
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The version of Samba.
pub(super) fn version() -> String {
    let said = shell::output(shell::program("net").arg("--version")).unwrap_or_default();
    match said.trim().strip_prefix("Version ") {
        Some(version) => format!("Samba {version}"),
        None => "no Samba".to_owned(),
    }
}
