//! What services do, for those who go on looking. The service control manager tells of changes of states, and folders of changes of hosts; what has changed is found by comparing.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::time::Duration;

use svckit_core::access::ManagerAccess;
use svckit_core::kind::ServiceType;
use svckit_core::name::{Selection, ServiceName};
use svckit_core::native::{NamedHostState, Overview, Reply, Request, ServiceUsage, ServiceView};
use svckit_core::record::HostRecord;
use svckit_core::status::StateFilter;
use svckit_core::usage::{Processes, Roots};
use svckit_core::{Error, Result};
use svckit_os::watch::Watch;
use svckit_os::{clock, errno, scm, usage};

use super::machine::Machine;
use super::{failed, native, records};

const OPERATION: &str = "list services";

/// What was told last, and what tells of more.
pub(super) struct Follower {
    machine: Machine,
    sight: Selection,
    changes: scm::Changes,
    /// Where hosts of this machine tell of themselves.
    folders: Option<Watch>,
    revision: u64,
    /// By folded name.
    told: BTreeMap<String, ServiceView>,
}

impl Follower {
    /// What services do, and what follows on from there; the revisions begin after `revision`.
    pub(super) fn begin(machine: &Machine, revision: u64, sight: Selection) -> Result<(Self, Overview)> {
        // The watches first: what comes after the look is told of.
        let mut changes = machine.changes().map_err(|code| machine.failed(OPERATION, None, code))?;
        let folders = machine.is_this_one().then(|| records::watch(None)).transpose();
        let folders = folders.map_err(|error| broken(OPERATION, &error))?;
        let told = look(machine, &sight)?;
        changes.follow(told.values().map(|view| view.service.as_str()));
        let revision = revision + 1;
        let services = told.values().cloned().collect();
        let overview = Overview { revision, complete: true, services, gone: Vec::new() };
        let machine = machine.clone();
        Ok((Self { machine, sight, changes, folders, revision, told }, overview))
    }

    /// Whether it goes on after this revision, with the same services.
    pub(super) fn serves(&self, revision: u64, sight: &Selection) -> bool {
        self.revision == revision && self.sight == *sight
    }

    /// Waits until something has changed; `None` when the time is over.
    pub(super) fn next(&mut self, limit: Option<Duration>) -> Result<Option<Overview>> {
        let deadline = limit.map(|limit| clock::now().tick + limit);
        loop {
            if !self.changes.have_come() {
                let left = deadline.map(|deadline| deadline.since(clock::now().tick));
                if left.is_some_and(|left| left.is_zero()) {
                    return Ok(None);
                }
                match &self.folders {
                    Some(folders) => {
                        let waited = folders.wait_or_be_called(self.changes.handle(), left);
                        waited.map_err(|error| broken(OPERATION, &error))?;
                    }
                    None => scm::be_called(left),
                }
                // What called this thread is taken before the look, so that the next call is about what comes after.
                self.changes.have_come();
            }
            let now = look(&self.machine, &self.sight)?;
            self.changes.follow(now.values().map(|view| view.service.as_str()));
            let before = std::mem::replace(&mut self.told, now);
            let is_news = |(key, view): &(&String, &ServiceView)| before.get(*key) != Some(view);
            let services: Vec<_> = self.told.iter().filter(is_news).map(|(_, view)| view.clone()).collect();
            let is_gone = |(key, _): &(&String, &ServiceView)| !self.told.contains_key(*key);
            let gone: Vec<_> = before.iter().filter(is_gone).map(|(_, view)| view.service.clone()).collect();
            if !services.is_empty() || !gone.is_empty() {
                self.revision += 1;
                let revision = self.revision;
                return Ok(Some(Overview { revision, complete: false, services, gone }));
            }
        }
    }
}

/// What services do, for those who don't go on looking.
pub(super) fn at_once(machine: &Machine, sight: &Selection) -> Result<Overview> {
    let services = look(machine, sight)?.into_values().collect();
    Ok(Overview { revision: 0, complete: true, services, gone: Vec::new() })
}

/// What these services do.
fn look(machine: &Machine, sight: &Selection) -> Result<BTreeMap<String, ServiceView>> {
    let found: Vec<_> = enumerate(machine, OPERATION)?.filter(|(name, _)| sight.has(name)).collect();
    let services = (!sight.is_all()).then(|| found.iter().map(|(name, _)| name.clone()).collect());
    let mut hosts = if machine.is_this_one() { host_states(services)? } else { HashMap::new() };
    let view = |(service, found): (ServiceName, scm::Found)| {
        let key = service.folded();
        let host = hosts.remove(&key);
        let view = ServiceView { service, display_name: found.display_name, status: found.status, host };
        (key, view)
    };
    Ok(found.into_iter().map(view).collect())
}

/// What hosts of this machine tell, by folded name.
fn host_states(services: Option<Vec<ServiceName>>) -> Result<HashMap<String, NamedHostState>> {
    let Reply::HostStates { states } = native::answer(Request::HostStates { services }, None)? else {
        return Ok(HashMap::new());
    };
    Ok(states.into_iter().map(|host| (host.service.folded(), host)).collect())
}

fn enumerate(
    machine: &Machine,
    operation: &'static str,
) -> Result<impl Iterator<Item = (ServiceName, scm::Found)>> {
    let failed = |code| machine.failed(operation, None, code);
    let manager = machine.open(ManagerAccess::CONNECT | ManagerAccess::ENUMERATE_SERVICE).map_err(failed)?;
    let found = manager.enumerate(ServiceType::WIN32, StateFilter::ALL, None).map_err(failed)?;
    Ok(found.into_iter().filter_map(|one| Some((ServiceName::new(one.name.as_str()).ok()?, one))))
}

/// What the processes of services use.
pub(super) fn usage() -> Result<Reply> {
    const OPERATION: &str = "measure services";
    let processes = Processes::new(usage::list().map_err(|error| broken(OPERATION, &error))?);
    let at = clock::now().tick.0.as_millis();
    let here = Machine::default();
    let services = enumerate(&here, OPERATION)?.filter(|(_, found)| found.status.pid != 0);
    let measured = services.map(|(service, found)| {
        let process = found.status.pid;
        let hosted = records::folder(&service).is_ok_and(|folder| folder.is_some());
        let record = records::host(&service).filter(|record: &HostRecord| record.pid == process);
        let program = record.and_then(|record| record.state.child_pid);
        let alone = !found.status.service_type.contains(ServiceType::WIN32_SHARE_PROCESS);
        let (program, host) = processes.usage(Roots { service: process, program, hosted, alone });
        ServiceUsage { service, program, host }
    });
    Ok(Reply::Usage { at_ms: u64::try_from(at).unwrap_or(u64::MAX), services: measured.collect() })
}

fn broken(operation: &'static str, error: &io::Error) -> Box<Error> {
    let failed = Error::clone(&failed(operation, None, errno::win32(error)));
    Box::new(failed.cause(errno::describe(error)))
}
