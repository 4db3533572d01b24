//! How the start of the system went.

use svckit_core::access::ManagerAccess;
use svckit_core::rights;
use svckit_core::security::check::Token;
use svckit_core::win32::Win32Error;

use super::Scm;
use crate::error::Failure;

impl Scm {
    /// Takes note that the start of the system went well ([MS-SCMR] 3.1.4.10), once in a session. There is no other configuration to go back to,
    /// so that it went wrong is refused.
    pub(crate) fn report_boot(&mut self, token: &Token, acceptable: bool) -> Result<(), Failure> {
        rights::grant_manager(self.manager_security(), token, ManagerAccess::MODIFY_BOOT_CONFIG)?;
        if self.session.boot_accepted {
            return Err(Win32Error::BOOT_ALREADY_ACCEPTED.into());
        }
        if !acceptable {
            let cause = "no earlier configuration is kept, and the machine is not restarted from here";
            return Err(Failure::new(Win32Error::NOT_SUPPORTED, cause));
        }
        self.session.boot_accepted = true;
        self.dirty.session = true;
        Ok(())
    }
}
