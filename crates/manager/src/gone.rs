//! Waiting until a service that is marked for deletion is gone, and telling what holds it until then.

use std::fmt;

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

/// Waits until there is no such service, which the service control manager tells; `on_hold` is told what keeps it when it has to be waited for. The error
/// ([`SERVICE_MARKED_FOR_DELETE`](Win32Error::SERVICE_MARKED_FOR_DELETE)) tells that, too. There is no progress on the way, so the patience of `limits` is for all of it.
pub fn wait_until_gone(
    backend: &dyn Backend,
    name: &ServiceName,
    limits: Limits,
    on_hold: &mut dyn FnMut(&Hold),
) -> Result<()> {
    if !access::exists(backend, OPERATION, name)? {
        return Ok(());
    }
    let limit = limits.total.unwrap_or(limits.patience);
    let late = |cause: String| {
        let error = Error::new(OPERATION, Win32Error::SERVICE_MARKED_FOR_DELETE).service(name.as_str());
        Err(Box::new(error.target(backend.target()).cause(cause)))
    };
    let hold = Hold::of(backend, name);
    if limit.is_zero() {
        return late(format!("it is marked for deletion: {hold}"));
    }
    on_hold(&hold);
    let deadline = clock::now().tick + limit;
    let manager =
        access::open_manager(backend, OPERATION, ManagerAccess::CONNECT | ManagerAccess::ENUMERATE_SERVICE);
    let mut watch = match manager.and_then(|manager| manager.watch()) {
        Ok(watch) => watch,
        Err(error) => {
            let why = error.code.numbered();
            return late(format!("it is marked for deletion, and can't be waited for ({why}): {hold}"));
        }
    };
    while access::exists(backend, OPERATION, name)? {
        let left = deadline.since(clock::now().tick);
        let change = if left.is_zero() { None } else { watch.wait(left)? };
        let Some(change) = change else {
            let hold = Hold::of(backend, name);
            return late(format!("it is marked for deletion and still there after {limit:?}: {hold}"));
        };
        // Another of the same name may be there already.
        if change.deleted.iter().any(|deleted| fold(deleted) == name.folded()) {
            return Ok(());
        }
    }
    Ok(())
}
