use super::{Output, Svc};

/// What the names of all services from tests begin with.
const PREFIX: &str = "svckit-test-";

/// Runs something that starts a service. While another start is under way, perhaps one of the system's own, Wine refuses it after three seconds
/// (`ERROR_SERVICE_DATABASE_LOCKED`); Windows has had no such lock for long.
pub fn starting(run: impl Fn() -> Output) -> Output {
    while_refused("1055", run)
}

/// Runs something that makes a service anew that was removed just now. The handles of a process that ended are closed by the system, which under Wine may be a
/// moment later; until then the service is marked for deletion (`ERROR_SERVICE_MARKED_FOR_DELETE`).
pub fn making_anew(run: impl Fn() -> Output) -> Output {
    while_refused("1072", run)
}

fn while_refused(code: &str, run: impl Fn() -> Output) -> Output {
    for _ in 0..20 {
        let output = run();
        if !format!("{}{}", output.stdout, output.stderr).contains(code) {
            return output;
        }
    }
    run()
}

impl Svc {
    /// What `--scm` is.
    pub(super) fn target(&self) -> String {
        "windows".to_owned()
    }

    /// A service's name that is this test's: there is one service control manager for all.
    pub fn name(&self, name: &str) -> String {
        format!("{PREFIX}{}-{name}", self.mark)
    }

    /// The service control manager's own log, which can't be had.
    pub fn scm_log(&self) -> String {
        String::new()
    }
}

impl Drop for Svc {
    fn drop(&mut self) {
        let listed = super::finish(self.command(&["list", "--json"]));
        let all: serde_json::Value = serde_json::from_str(&listed.stdout).unwrap_or_default();
        let prefix = self.name("");
        for service in all.as_array().into_iter().flatten() {
            // Whether it was removed: the test may have done that at this moment, or may have failed because that can't be done.
            if let Some(name) = service["name"].as_str().filter(|name| name.starts_with(&prefix)) {
                let _ = super::finish(self.command(&["remove", "--stop", name]));
            }
        }
    }
}
