//! What the service control manager of Windows has no call for. Definitions are kept in the registry, beside what Windows keeps of the service, and go with it.

use std::collections::HashSet;
use std::io;

use svckit_core::access::{ManagerAccess, ServiceAccess};
use svckit_core::base64;
use svckit_core::definition::HostDefinition;
use svckit_core::kind::ServiceType;
use svckit_core::name::{Selection, ServiceName};
use svckit_core::native::{Event, HostState, LogFrom, NamedHostState, Phase, Reply, Request, ServiceView};
use svckit_core::record::{DEFINITION_KEY, DEFINITION_VALUE, HostRecord, SERVICES_KEY};
use svckit_core::sort;
use svckit_core::status::StateFilter;
use svckit_core::{Error, Result, Win32Error};
use svckit_os::interrupt::Interrupt;
use svckit_os::registry::Key;
use svckit_os::{errno, event_log, log, scm};

use super::machine::Machine;
use super::overview;
use super::records;
use super::{account_code, failed};

/// `interrupt` ends the waits.
pub(super) fn answer(request: Request, interrupt: Option<&Interrupt>) -> Result<Reply> {
    match request {
        Request::Definition { service } => Ok(Reply::Definition { definition: definition(&service)? }),
        Request::SetDefinition { service, definition } => set_definition(&service, definition.as_deref()),
        Request::HostStates { services } => host_states(services),
        Request::Events { service, after, limit, wait } => {
            let events = events(service.as_ref(), after.unwrap_or(0), limit, wait.then_some(interrupt))?;
            Ok(Reply::Events { events })
        }
        Request::Log { service, from, wait } => log(&service, from, wait.then_some(interrupt)),
        // Windows tells nobody.
        Request::Holders { .. } => Err(failed("query holders", None, Win32Error::NOT_SUPPORTED)),
        Request::Usage => overview::usage(),
        // Without anybody who keeps what was told, it is everything.
        Request::Overview { services, .. } => {
            Ok(Reply::Overview(overview::at_once(&Machine::default(), &Selection::new(services.as_deref()))?))
        }
        Request::List => {
            let services = overview::at_once(&Machine::default(), &Selection::new(None))?.services;
            Ok(Reply::List { services: services.into_iter().map(ServiceView::listed).collect() })
        }
        // Windows has calls for it.
        Request::Configurations => Err(failed("query configurations", None, Win32Error::NOT_SUPPORTED)),
        Request::Raise(_) => Err(failed("raise event", None, Win32Error::NOT_SUPPORTED)),
        Request::ScmStatus | Request::ScmStop => {
            let failed =
                Error::clone(&failed("ask service control manager", None, Win32Error::NOT_SUPPORTED));
            Err(Box::new(
                failed.cause("that of Windows runs as long as Windows does, and tells nothing of itself"),
            ))
        }
    }
}

/// All services with their processes; zero for one that doesn't run.
fn services(operation: &'static str) -> Result<Vec<(ServiceName, u32)>> {
    let manager = scm::Manager::open(None, ManagerAccess::CONNECT | ManagerAccess::ENUMERATE_SERVICE);
    let manager = manager.map_err(|code| failed(operation, None, code))?;
    let found = manager.enumerate(ServiceType::WIN32, StateFilter::ALL, None);
    let found = found.map_err(|code| failed(operation, None, code))?;
    let named = |one: scm::Found| Some((ServiceName::new(one.name).ok()?, one.status.pid));
    Ok(found.into_iter().filter_map(named).collect())
}

fn host_states(wanted: Option<Vec<ServiceName>>) -> Result<Reply> {
    let mut all = services("read states of hosts")?;
    if let Some(wanted) = &wanted {
        for name in wanted {
            find("read states of hosts", name)?;
        }
        let wanted: HashSet<String> = wanted.iter().map(ServiceName::folded).collect();
        all.retain(|(name, _)| wanted.contains(&name.folded()));
    }
    let mut states = Vec::new();
    for (service, pid) in all {
        if records::folder(&service).is_ok_and(|folder| folder.is_none()) {
            continue;
        }
        let files = match definition(&service) {
            Ok(definition) => definition.map(|definition| definition.log.files()).unwrap_or_default(),
            // Others than administrators see less; a damaged one is told of where it is asked for by name.
            Err(error) if wanted.is_some() && error.code != Win32Error::ACCESS_DENIED => return Err(error),
            Err(_) => Vec::new(),
        };
        let record = records::host(&service);
        let start_error = record.as_ref().and_then(|record| record.start_error.clone());
        let state = match record {
            Some(record) if record.pid == pid => record.state,
            // What the host that ran last knew at its end; it may have had none to say so.
            Some(HostRecord { state, .. }) => HostState {
                phase: if state.phase == Phase::GaveUp { Phase::GaveUp } else { Phase::Stopped },
                child_pid: None,
                ready: false,
                next_retry_at: None,
                scheduled: None,
                limits: None,
                is_full: false,
                log_files: files,
                ..state
            },
            None => HostState { log_files: files, ..HostState::default() },
        };
        states.push(NamedHostState { service, state, start_error });
    }
    Ok(Reply::HostStates { states })
}

/// With `wait` until there are any, or it is interrupted.
fn events(
    service: Option<&ServiceName>,
    after: u64,
    limit: Option<u32>,
    wait: Option<Option<&Interrupt>>,
) -> Result<Vec<Event>> {
    const OPERATION: &str = "read events";
    let told = |error: &io::Error| {
        Box::new(
            Error::clone(&failed(OPERATION, service.map(ServiceName::as_str), errno::win32(error)))
                .cause(errno::describe(error)),
        )
    };
    // Begun before the look: what comes in between is not missed.
    let watch = wait.map(|interrupt| records::watch(service).map(|watch| (watch, interrupt)));
    let watch = watch.transpose().map_err(|error| told(&error))?;
    loop {
        let names = match service {
            Some(service) => {
                find(OPERATION, service)?;
                vec![service.clone()]
            }
            None => services(OPERATION)?.into_iter().map(|(name, _)| name).collect(),
        };
        let mut all = Vec::new();
        for name in names {
            all.extend(records::events(&name, after).map_err(|error| told(&error))?);
        }
        sort::by_key(&mut all, |event| event.sequence);
        if let Some(limit) = limit {
            let first = all.len().saturating_sub(usize::try_from(limit).unwrap_or(usize::MAX));
            all.drain(..first);
        }
        match &watch {
            Some((watch, interrupt)) if all.is_empty() => {
                watch.wait(*interrupt).map_err(|error| told(&error))?;
            }
            _ => return Ok(all),
        }
    }
}

/// With `wait` until there is more, or it is interrupted.
fn log(service: &ServiceName, from: LogFrom, wait: Option<Option<&Interrupt>>) -> Result<Reply> {
    const OPERATION: &str = "read log of service";
    let told = |error: &io::Error| broken(OPERATION, service, error);
    let refused = |code, cause: &str| {
        Box::new(Error::clone(&failed(OPERATION, Some(service.as_str()), code)).cause(cause))
    };
    let Some(definition) = definition(service)? else {
        return Err(refused(Win32Error::NOT_SUPPORTED, "it has no definition that says where its log is"));
    };
    let Some(path) = definition.log.files().into_iter().next() else {
        return Err(refused(Win32Error::FILE_NOT_FOUND, "it keeps no log"));
    };
    let begun = match from {
        LogFrom::Cursor(cursor) => Some(cursor.file),
        LogFrom::Tail { .. } => None,
    };
    // Begun before the look: what comes in between is not missed.
    let mut follower =
        wait.map(|interrupt| follow(OPERATION, service).map(|all| (all, interrupt))).transpose()?;
    loop {
        let piece = log::read(&path, from).map_err(|error| told(&error))?;
        let is_news = !piece.data.is_empty() || begun.is_none_or(|file| file != piece.cursor.file);
        match &mut follower {
            Some((follower, interrupt)) if !is_news => {
                if !follower.wait(*interrupt).map_err(|error| told(&error))? {
                    *follower = follow(OPERATION, service)?;
                }
            }
            _ => return Ok(Reply::Log { data: base64::encode(&piece.data), cursor: piece.cursor }),
        }
    }
}

fn follow(operation: &'static str, service: &ServiceName) -> Result<records::Follower> {
    let failed = |code| failed(operation, Some(service.as_str()), code);
    let manager = scm::Manager::open(None, ManagerAccess::CONNECT).map_err(failed)?;
    let opened = manager.open_service(service.as_str(), ServiceAccess::QUERY_STATUS).map_err(failed)?;
    let host = opened.status().map_err(failed)?.pid;
    records::Follower::new(service, host).map_err(|error| broken(operation, service, &error))
}

fn definition(service: &ServiceName) -> Result<Option<Box<HostDefinition>>> {
    const OPERATION: &str = "read definition of service";
    find(OPERATION, service)?;
    let path = records::key(service, DEFINITION_KEY);
    let key = Key::open(&path).map_err(|error| broken(OPERATION, service, &error))?;
    let text = key.map(|key| key.string(DEFINITION_VALUE)).transpose();
    let text = text.map_err(|error| broken(OPERATION, service, &error))?.flatten();
    let definition: Option<Box<HostDefinition>> = match text {
        None => None,
        Some(text) => Some(serde_json::from_str(&text).map_err(|error| {
            let failed = Error::clone(&failed(OPERATION, Some(service.as_str()), Win32Error::INVALID_DATA));
            Box::new(failed.cause(format!("the value {DEFINITION_VALUE} of {path} is damaged: {error}")))
        })?),
    };
    Ok(definition)
}

fn set_definition(service: &ServiceName, definition: Option<&HostDefinition>) -> Result<Reply> {
    const OPERATION: &str = "store definition of service";
    find(OPERATION, service)?;
    let failed_with = |error: &io::Error| broken(OPERATION, service, error);
    match definition {
        Some(definition) => {
            let is_new = self::definition(service).ok().flatten().is_none();
            let key = prepare(OPERATION, service, &account(service)?)?;
            if is_new {
                records::forget(service).map_err(|error| failed_with(&error))?;
            }
            // The texts of its events are in the program that hosts it.
            let own = std::env::current_exe().map_err(|error| failed_with(&error))?;
            event_log::register(&own).map_err(|error| failed_with(&error))?;
            let text = serde_json::to_string(definition).map_err(|error| failed_with(&error.into()))?;
            key.set_string(DEFINITION_VALUE, &text).map_err(|error| failed_with(&error))?;
        }
        None => {
            let key =
                Key::create(&records::key(service, DEFINITION_KEY)).map_err(|error| failed_with(&error))?;
            key.remove(DEFINITION_VALUE).map_err(|error| failed_with(&error))?;
        }
    }
    Ok(Reply::Done)
}

/// The account that a service runs as.
fn account(service: &ServiceName) -> Result<String> {
    let key = Key::open(&format!(r"{SERVICES_KEY}\{}", service.as_str()));
    let name = key.and_then(|key| key.map_or(Ok(None), |key| key.string("ObjectName")));
    let name = name.map_err(|error| broken("read account of service", service, &error))?;
    Ok(name.unwrap_or_default())
}

/// Nothing is stored for a service that isn't there.
fn find(operation: &'static str, service: &ServiceName) -> Result<()> {
    let key = Key::open(&format!(r"{SERVICES_KEY}\{}", service.as_str()));
    match key.map_err(|error| broken(operation, service, &error))? {
        Some(_) => Ok(()),
        None => Err(failed(operation, Some(service.as_str()), Win32Error::SERVICE_DOES_NOT_EXIST)),
    }
}

/// The account of a service changed: what is svckit's is for the new one.
pub(super) fn account_changed(operation: &'static str, service: &ServiceName, account: &str) -> Result<()> {
    match records::folder(service).map_err(|error| broken(operation, service, &error))? {
        Some(_) => prepare(operation, service, account).map(drop),
        None => Ok(()),
    }
}

/// The SID type of a service changed, and with it what its token may write to: what an older version made did not name the service.
pub(super) fn sid_type_changed(operation: &'static str, service: &ServiceName) -> Result<()> {
    account_changed(operation, service, &account(service)?)
}

fn prepare(operation: &'static str, service: &ServiceName, account: &str) -> Result<Key> {
    records::prepare(service, account).map_err(|error| {
        let failed = Error::clone(&failed(operation, Some(service.as_str()), account_code(&error)));
        Box::new(failed.cause(format!("its account is {account:?}: {}", errno::describe(&error))))
    })
}

fn broken(operation: &'static str, service: &ServiceName, error: &io::Error) -> Box<Error> {
    let failed = Error::clone(&failed(operation, Some(service.as_str()), errno::win32(error)));
    Box::new(failed.cause(errno::describe(error)))
}
