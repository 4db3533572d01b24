//! Which machine's service control manager is meant.

use std::net::Ipv6Addr;
use std::rc::Rc;
use std::time::Duration;

use svckit_core::access::ManagerAccess;
use svckit_core::name::Selection;
use svckit_core::native::{Reply, Request, ServiceView};
use svckit_core::{Error, Result, Win32Error};
use svckit_os::scm;

use super::overview;
use crate::Remote;

/// This machine, or another by its name.
#[derive(Debug, Clone, Default)]
pub(super) struct Machine(Option<Rc<Another>>);

#[derive(Debug)]
struct Another {
    /// As errors tell it.
    target: String,
    /// As the functions of Windows take it.
    name: String,
}

impl Machine {
    pub(super) fn another(remote: &Remote) -> Self {
        Self(Some(Rc::new(Another { target: format!(r"\\{remote}"), name: unc(remote.host()) })))
    }

    pub(super) fn is_this_one(&self) -> bool {
        self.0.is_none()
    }

    /// What errors call it.
    pub(super) fn target(&self) -> String {
        self.0.as_ref().map_or_else(|| "windows".to_owned(), |another| another.target.clone())
    }

    pub(super) fn open(&self, access: ManagerAccess) -> Result<scm::Manager, Win32Error> {
        scm::Manager::open(self.name(), access)
    }

    /// The first connection, which may take Windows long where nobody answers.
    pub(super) fn reach(&self, limit: Duration) -> Result<scm::Manager> {
        const OPERATION: &str = "connect to service control manager";
        let failed = |code| self.failed(OPERATION, None, code);
        match scm::Manager::open_within(self.name(), ManagerAccess::CONNECT, limit).map_err(failed)? {
            Some(manager) => Ok(manager),
            None => {
                let cause = format!("no answer came within {} s", limit.as_secs_f32());
                Err(Box::new(failed(Win32Error::WAIT_TIMEOUT).cause(cause)))
            }
        }
    }

    /// Waits for services that are created or deleted.
    pub(super) fn watch(&self, manager: scm::Manager) -> Result<scm::Watch, Win32Error> {
        if self.is_this_one() { manager.into_watch() } else { manager.into_told_watch() }
    }

    /// Changes of services.
    pub(super) fn changes(&self) -> Result<scm::Changes, Win32Error> {
        scm::Changes::new(self.name())
    }

    /// What can be answered of another machine: as much as its service control manager tells.
    pub(super) fn answer(&self, request: Request) -> Result<Reply> {
        match request {
            Request::List => {
                let services = overview::at_once(self, &Selection::new(None))?.services;
                Ok(Reply::List { services: services.into_iter().map(ServiceView::listed).collect() })
            }
            _ => {
                let error = self.failed("ask service control manager", None, Win32Error::NOT_SUPPORTED);
                let cause = "of another machine Windows tells nothing of hosts, definitions, events and logs";
                Err(Box::new(error.cause(cause)))
            }
        }
    }

    pub(super) fn failed(
        &self,
        operation: &'static str,
        service: Option<&str>,
        code: Win32Error,
    ) -> Box<Error> {
        let mut error = Error::new(operation, code).target(self.target());
        error.service = service.map(str::to_owned);
        if code == Win32Error::PRIVILEGE_NOT_HELD {
            // The only one that a call here asks for.
            error.cause = Some(
                "the audit list takes the privilege SeSecurityPrivilege, which administrators have"
                    .to_owned(),
            );
        }
        Box::new(error)
    }

    fn name(&self) -> Option<&str> {
        self.0.as_ref().map(|another| another.name.as_str())
    }
}

/// A name in the form of Windows, in which an address of IPv6 is written as a name.
fn unc(host: &str) -> String {
    match host.parse::<Ipv6Addr>() {
        Ok(_) => format!(r"\\{}.ipv6-literal.net", host.replace(':', "-")),
        Err(_) => format!(r"\\{host}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machines_are_named_as_windows_names_them() {
        assert_eq!(unc("db1.example"), r"\\db1.example");
        assert_eq!(unc("192.0.2.1"), r"\\192.0.2.1");
        assert_eq!(unc("2001:db8::1"), r"\\2001-db8--1.ipv6-literal.net");
    }
}
