use std::fs;
use std::path::PathBuf;

use svckit_os::pidfd::PidFd;
use svckit_os::process::environment_value;

use super::{MARK, Svc};
use crate::{PATIENCE, processes};

impl Svc {
    /// The state directory.
    pub fn state(&self) -> PathBuf {
        self.folder().join("state")
    }

    /// What `--scm` is.
    pub(super) fn target(&self) -> String {
        format!("embedded:{}", self.state().display())
    }

    /// The process of the service control manager.
    #[track_caller]
    pub fn scm(&self) -> u32 {
        let status = self.json(&["scm", "status"]);
        let pid = status["pid"].as_u64().unwrap_or_else(|| panic!("no process in {status}"));
        u32::try_from(pid).expect("processes have small numbers")
    }

    /// Ends the service control manager by force.
    #[track_caller]
    pub fn kill_scm(&self) {
        let scm = PidFd::open(self.scm()).expect("it runs");
        scm.kill().expect("it is ours");
        assert!(scm.wait(PATIENCE).expect("it can be waited for"), "it does not end");
    }

    /// The service control manager's own log.
    pub fn scm_log(&self) -> String {
        fs::read_to_string(self.state().join("scm.log")).unwrap_or_default()
    }

    /// Waits until no process from here is left but these.
    ///
    /// # Panics
    /// If one doesn't end in a test's time.
    #[track_caller]
    pub fn wait_for_all_but(&self, these: &[u32]) {
        while let Some(pid) = self.processes().into_iter().find(|pid| !these.contains(pid)) {
            // It may have ended in between.
            let Ok(process) = PidFd::open(pid) else { continue };
            assert!(process.wait(PATIENCE).expect("it can be waited for"), "process {pid} does not end");
        }
    }

    /// Every process that comes from here.
    pub fn processes(&self) -> Vec<u32> {
        processes::that(|pid| environment_value(pid, MARK).is_some_and(|mark| mark == *self.mark))
    }
}

impl Drop for Svc {
    fn drop(&mut self) {
        processes::end(|| self.processes());
    }
}
