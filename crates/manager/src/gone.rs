//! Waiting until a service that is marked for deletion is gone, and telling what holds it until then.

use std::fmt;
use std::time::Duration;

use svckit_core::access::{ManagerAccess, ServiceAccess};
use svckit_core::backend::Backend;
use svckit_core::name::{ServiceName, fold};
use svckit_core::native::{Holder, Reply, Request};
use svckit_core::status::{ServiceState, ServiceStatus};
use svckit_core::wait::Limits;
use svckit_core::{Error, Result, Win32Error};
use svckit_os::clock;

use crate::access;

const OPERATION: &str = "delete service";

/// What keeps a service that is marked for deletion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Its status, if it can be read and it has not stopped.
    pub active: Option<ServiceStatus>,
    /// The processes that have it open; absent where the service control manager doesn't tell, as that of Windows.
    pub holders: Option<Vec<Holder>>,
}

impl Hold {
    /// What keeps a service now.
    pub fn of(backend: &dyn Backend, name: &ServiceName) -> Self {
        let service = access::open(backend, OPERATION, name, ServiceAccess::QUERY_STATUS);
        let status = service.and_then(|service| service.status()).ok();
        let holders = match backend.native(Request::Holders { service: name.clone() }) {
            Ok(Reply::Holders { holders }) => Some(holders),
            _ => None,
        };
        Self { active: status.filter(|status| status.state != ServiceState::STOPPED), holders }
    }
}

/// A part of a sentence: `it is RUNNING, and process 42 has it open`.
impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        if let Some(status) = &self.active {
            let process = if status.pid == 0 { String::new() } else { format!(" as process {}", status.pid) };
            parts.push(format!("it is {}{process}", status.state));
        }
        match self.holders.as_deref() {
            Some(holders) => parts.extend(holders.iter().map(holder)),
            None => parts.push(
                "it goes when every program that has it open closes it: often the Services console, Task Manager or a monitor"
                    .to_owned(),
            ),
        }
        if parts.is_empty() {
            parts.push("nothing seems to hold it any more".to_owned());
        }
        f.write_str(&parts.join(", and "))
    }
}

fn holder(holder: &Holder) -> String {
    let handles = if holder.handles == 1 { String::new() } else { format!(" {} times", holder.handles) };
    match holder.pid {
        Some(pid) => format!("process {pid} has it open{handles}"),
        None => format!("a process has it open{handles}"),
    }
}

/// How a wait ended.
enum Ended {
    /// There is no such service.
    Gone,
    /// The time is over; why, to be put after a statement.
    Late(String),
    /// When it goes isn't told.
    Untold(Box<Error>),
}

/// Waits until there is no such service, which the service control manager tells; `on_hold` is told what keeps it when it has to be waited for. The error
/// ([`SERVICE_MARKED_FOR_DELETE`](Win32Error::SERVICE_MARKED_FOR_DELETE)) tells that, too. There is no progress on the way, so the patience of `limits` is for all of it.
pub fn wait_until_gone(
    backend: &dyn Backend,
    name: &ServiceName,
    limits: Limits,
    on_hold: &mut dyn FnMut(&Hold),
) -> Result<()> {
    let limit = limits.total.unwrap_or(limits.patience);
    let on_wait = || on_hold(&Hold::of(backend, name));
    let why = match watch(backend, OPERATION, name, limit, on_wait)? {
        Ended::Gone => return Ok(()),
        Ended::Late(late) => late,
        Ended::Untold(error) => format!(", and can't be waited for ({})", error.code.numbered()),
    };
    let error = Error::new(OPERATION, Win32Error::SERVICE_MARKED_FOR_DELETE).service(name.as_str());
    let cause = format!("it is marked for deletion{why}: {}", Hold::of(backend, name));
    Err(Box::new(error.target(backend.target()).cause(cause)))
}

/// Waits until there is no such service, whoever deletes it. The error is a time-out; where the service control manager doesn't tell of deletions, it is the
/// code with which that refused to, and nothing was waited for.
pub fn wait_until_absent(backend: &dyn Backend, name: &ServiceName, limits: Limits) -> Result<()> {
    const OPERATION: &str = "wait for service";
    let limit = limits.total.unwrap_or(limits.patience);
    let (code, cause) = match watch(backend, OPERATION, name, limit, || {})? {
        Ended::Gone => return Ok(()),
        Ended::Late(late) => (Win32Error::WAIT_TIMEOUT, format!("it is installed{late}")),
        Ended::Untold(error) => (error.code, format!("it is installed, and {}", untold(&error))),
    };
    let error = Error::new(OPERATION, code).service(name.as_str());
    Err(Box::new(error.target(backend.target()).cause(cause)))
}

/// Why it isn't told when services are deleted.
fn untold(error: &Error) -> String {
    match (error.code, error.cause.as_deref().or_else(|| error.code.description())) {
        (Win32Error::CALL_NOT_IMPLEMENTED | Win32Error::RPC_S_PROCNUM_OUT_OF_RANGE, _) | (_, None) => {
            "this service control manager doesn't tell when services are deleted".to_owned()
        }
        (_, Some(cause)) => format!("when it is deleted isn't told: {cause}"),
    }
}

/// Waits until there is no such service, and calls `on_wait` before if that takes time.
fn watch(
    backend: &dyn Backend,
    operation: &'static str,
    name: &ServiceName,
    limit: Duration,
    on_wait: impl FnOnce(),
) -> Result<Ended> {
    let deadline = clock::now().tick + limit;
    if !access::exists(backend, operation, name)? {
        return Ok(Ended::Gone);
    }
    if limit.is_zero() {
        return Ok(Ended::Late(String::new()));
    }
    on_wait();
    let access = ManagerAccess::CONNECT | ManagerAccess::ENUMERATE_SERVICE;
    let manager = access::open_manager(backend, operation, access);
    let mut watch = match manager.and_then(|manager| manager.watch()) {
        Ok(watch) => watch,
        Err(error) => return Ok(Ended::Untold(error)),
    };
    while access::exists(backend, operation, name)? {
        let left = deadline.since(clock::now().tick);
        let change = if left.is_zero() { None } else { watch.wait(left)? };
        let Some(change) = change else {
            return Ok(Ended::Late(format!(" and still there after {limit:?}")));
        };
        // Another of the same name may be there already.
        if change.deleted.iter().any(|deleted| fold(deleted) == name.folded()) {
            return Ok(Ended::Gone);
        }
    }
    Ok(Ended::Gone)
}
