//! Calls of MS-SCMR on the service control manager, and their answers.

use std::sync::Arc;

use svckit_core::access::ManagerAccess;
use svckit_core::config::{Config2, Config2Level};
use svckit_core::control::Control;
use svckit_core::reason::StopReason;
use svckit_core::security::SecurityDescriptor;
use svckit_core::security::check::Token;
use svckit_core::win32::Win32Error;
use svckit_scmr::ndr::Text;
use svckit_scmr::ops::buffers::{self, Entry, Filled};
use svckit_scmr::ops::{Answer, Call, ConfigInfo, ControlParams, CreateService, Handle, NotifyParams};

use crate::error::Failure;
use crate::scm::{ConnectionId, HandleId, Reply, Scm, Triggered};

/// The only information level of the status and enumeration calls ([MS-SCMR] 2.2.27, 2.2.28).
const PROCESS_INFO: u32 = 0;

/// Carries a call out; `reply` is called with the answer, now or later.
pub(crate) fn carry_out(
    scm: &mut Scm,
    connection: ConnectionId,
    token: &Arc<Token>,
    call: Call,
    reply: impl FnOnce(Answer) + 'static,
) {
    match call {
        Call::Ansi(call) => {
            let reply = move |answer| reply(Answer::Ansi(Box::new(answer)));
            carry_out_as(scm, (connection, token), *call, Text::Ansi, reply);
        }
        call => carry_out_as(scm, (connection, token), call, Text::Wide, reply),
    }
}

/// The same with text in this form.
fn carry_out_as(
    scm: &mut Scm,
    (connection, token): (ConnectionId, &Arc<Token>),
    call: Call,
    text: Text,
    reply: impl FnOnce(Answer) + 'static,
) {
    match call {
        Call::StartService { service, arguments } => {
            let reply = Reply::new(move |result: Result<(), Failure>| {
                reply(Answer::StartService { code: code(&result) });
            });
            scm.start(connection, id(service), arguments, reply);
        }
        Call::ControlService { service, control } => {
            let before = scm.status_anyhow(connection, id(service));
            let reply = Reply::new(move |result: Result<_, Failure>| {
                let code = code(&result);
                let refused = call.refuse(code);
                reply(match result.ok().or(before) {
                    Some(status) => Answer::ControlService { status, code },
                    None => refused,
                });
            });
            scm.control(connection, id(service), control, reply);
        }
        Call::ControlServiceEx { service, control, ref params } => {
            let level = params.level();
            let reason = match reason(control, params) {
                Ok(reason) => reason,
                Err(failure) => {
                    let refused = call.refuse(failure.code);
                    return scm.after_turn(move || reply(refused));
                }
            };
            let before = scm.status_anyhow(connection, id(service));
            let reply = Reply::new(move |result: Result<_, Failure>| {
                let code = code(&result);
                let status = result.ok().or(before);
                reply(Answer::ControlServiceEx { level, status, code });
            });
            match reason {
                Some(reason) => scm.stop(connection, id(service), &reason, reply),
                None => scm.control(connection, id(service), control, reply),
            }
        }
        Call::GetNotifyResults { notify } => {
            let reply = Reply::new(move |result: Result<Triggered, Failure>| {
                let code = code(&result);
                let results = result.ok().map(|news| vec![params(news)]);
                reply(Answer::GetNotifyResults { results, code });
            });
            scm.results(connection, id(notify), reply);
        }
        Call::NotifyBootConfigStatus { acceptable, .. } => {
            let code = code(&scm.report_boot(token, acceptable != 0));
            scm.after_turn(move || reply(Answer::NotifyBootConfigStatus { code }));
        }
        Call::OpenScManager { ref database, access, .. } => {
            let opened = open_manager(scm, connection, token, database.as_deref(), access);
            let answer = match opened {
                Ok(manager) => Answer::OpenScManager { manager: handle(manager), code: Win32Error::SUCCESS },
                Err(failure) => call.refuse(failure.code),
            };
            scm.after_turn(move || reply(answer));
        }
        Call::OpenScManager2 { ref database, access } => {
            let opened = open_manager(scm, connection, token, database.as_deref(), access);
            let answer = match opened {
                Ok(manager) => Answer::OpenScManager2 { manager: handle(manager), code: Win32Error::SUCCESS },
                Err(failure) => call.refuse(failure.code),
            };
            scm.after_turn(move || reply(answer));
        }
        call => {
            let answer = at_once(scm, connection, &call, text);
            let answer = answer.unwrap_or_else(|failure| call.refuse(failure.code));
            scm.after_turn(move || reply(answer));
        }
    }
}

/// The reason of a control ([MS-SCMR] 3.1.4.47), which means something for a stop only.
fn reason(control: Control, params: &ControlParams) -> Result<Option<StopReason>, Failure> {
    match params {
        ControlParams::Other(_) => Err(Win32Error::INVALID_LEVEL.into()),
        ControlParams::Reason(_) if control != Control::STOP => Ok(None),
        ControlParams::Reason(Some(reason)) => Ok(Some(reason.clone())),
        ControlParams::Reason(None) => Err(Win32Error::INVALID_PARAMETER.into()),
    }
}

/// The calls that need not wait for anything.
fn at_once(scm: &mut Scm, connection: ConnectionId, call: &Call, text: Text) -> Result<Answer, Failure> {
    let code = Win32Error::SUCCESS;
    Ok(match call {
        Call::CloseServiceHandle { handle } => {
            scm.close(connection, id(*handle))?;
            Answer::CloseServiceHandle { handle: Handle::NULL, code }
        }
        Call::DeleteService { service } => {
            scm.delete(connection, id(*service))?;
            Answer::DeleteService { code }
        }
        Call::CreateService(create) => {
            let (tag, service) = create_service(scm, connection, create)?;
            Answer::CreateService { tag, service, code }
        }
        // Programs are where their paths say: there is no other place for those of another architecture.
        Call::CreateServiceWow64(create) => {
            let (tag, service) = create_service(scm, connection, create)?;
            Answer::CreateServiceWow64 { tag, service, code }
        }
        Call::CreateWowService(create, _) => {
            let (tag, service) = create_service(scm, connection, create)?;
            Answer::CreateWowService { tag, service, code }
        }
        Call::SetServiceStatus { service, .. } => {
            scm.refuse_status(connection, id(*service))?;
            Answer::SetServiceStatus { code }
        }
        Call::ChangeServiceConfig(change) => {
            let tag = scm.change_config(connection, id(change.service), change.to_change()?)?;
            Answer::ChangeServiceConfig { tag: change.tag.map(|_| tag), code }
        }
        Call::ChangeServiceConfig2 { service, info } => {
            scm.change_config2(connection, id(*service), info.to_change()?)?;
            Answer::ChangeServiceConfig2 { code }
        }
        Call::OpenService { manager, name, access } => {
            let service = scm.open_service(connection, id(*manager), name, *access)?;
            Answer::OpenService { service: handle(service), code }
        }
        Call::QueryServiceObjectSecurity { .. } | Call::SetServiceObjectSecurity { .. } => {
            return security(scm, connection, call);
        }
        Call::LockServiceDatabase { manager } => {
            Answer::LockServiceDatabase { lock: handle(scm.lock(connection, id(*manager))?), code }
        }
        Call::UnlockServiceDatabase { lock } => {
            scm.unlock(connection, id(*lock))?;
            Answer::UnlockServiceDatabase { lock: Handle::NULL, code }
        }
        Call::NotifyServiceStatusChange { service, params } => {
            if params.level > NotifyParams::LEVEL {
                return Err(Win32Error::NOT_SUPPORTED.into());
            }
            if !params.is_known() {
                return Err(Win32Error::INVALID_LEVEL.into());
            }
            let notify = scm.register(connection, id(*service), params.mask)?;
            Answer::NotifyServiceStatusChange { notify: handle(notify), code }
        }
        Call::CloseNotifyHandle { notify } => {
            scm.unregister(connection, id(*notify))?;
            Answer::CloseNotifyHandle { notify: Handle::NULL, fired: false, code }
        }
        call => return question(scm, connection, call, text),
    })
}

fn create_service(
    scm: &mut Scm,
    connection: ConnectionId,
    create: &CreateService,
) -> Result<(Option<u32>, Handle), Failure> {
    let new = create.to_new_service()?;
    let (service, tag) = scm.create(connection, id(create.manager), new, create.access)?;
    Ok((create.tag.map(|_| tag), handle(service)))
}

/// The calls that only ask.
fn question(scm: &mut Scm, connection: ConnectionId, call: &Call, text: Text) -> Result<Answer, Failure> {
    Ok(match call {
        Call::QueryServiceStatus { service } => {
            let status = scm.status(connection, id(*service))?;
            Answer::QueryServiceStatus { status, code: Win32Error::SUCCESS }
        }
        Call::QueryServiceStatusEx { service, level, size } => {
            let status = scm.status(connection, id(*service))?;
            check_level(*level)?;
            let Filled { buffer, needed, code, .. } = buffers::query_service_status_ex(&status, *size);
            Answer::QueryServiceStatusEx { buffer, needed, code }
        }
        Call::QueryServiceLockStatus { manager, size } => {
            buffers::query_service_lock_status(&scm.lock_status(connection, id(*manager))?, *size, text)
        }
        Call::QueryServiceConfig { service, size } => {
            buffers::query_service_config(&scm.config(connection, id(*service))?, *size, text)
        }
        Call::QueryServiceConfig2 { service, level, size } => {
            let config = scm.config2(connection, id(*service), *level)?;
            let Filled { buffer, needed, code, .. } = buffers::query_service_config2(&config, *size, text)?;
            Answer::QueryServiceConfig2 { buffer, needed, code }
        }
        Call::QueryServiceConfigEx { service, level } => {
            if *level != Config2Level::TRIGGER_INFO {
                return Err(Win32Error::INVALID_LEVEL.into());
            }
            let info = match scm.config2(connection, id(*service), *level)? {
                Config2::Triggers(all) => ConfigInfo::Triggers(Some(all)),
                _ => return Err(Win32Error::INVALID_LEVEL.into()),
            };
            Answer::QueryServiceConfigEx { info, code: Win32Error::SUCCESS }
        }
        Call::EnumDependentServices { service, states, size } => {
            let found = scm.dependents(connection, id(*service), *states)?;
            let entries: Vec<Entry<'_>> = found.iter().map(Entry::from).collect();
            let Filled { buffer, needed, returned, code, .. } =
                buffers::enum_dependent_services(&entries, *size, text);
            Answer::EnumDependentServices { buffer, needed, returned, code }
        }
        Call::GetServiceDisplayName { manager, name, size } => {
            let found = scm.display_name(connection, id(*manager), name)?;
            let (name, size, code) = buffers::name(&found, *size, text);
            Answer::GetServiceDisplayName { name, size, code }
        }
        Call::GetServiceKeyName { manager, display_name, size } => {
            let found = scm.key_name(connection, id(*manager), display_name)?;
            let (name, size, code) = buffers::name(&found, *size, text);
            Answer::GetServiceKeyName { name, size, code }
        }
        call => return listing(scm, connection, call, text),
    })
}

/// The calls that list services, from an index on.
fn listing(scm: &mut Scm, connection: ConnectionId, call: &Call, text: Text) -> Result<Answer, Failure> {
    Ok(match call {
        Call::EnumServicesStatus { manager, types, states, size, resume } => {
            let found = scm.enumerate(connection, id(*manager), *types, *states, None)?;
            let entries: Vec<Entry<'_>> = found.iter().map(Entry::from).collect();
            let filled = buffers::enum_services_status(&entries, resume.unwrap_or(0), *size, text);
            let Filled { buffer, needed, returned, code, .. } = filled;
            Answer::EnumServicesStatus {
                buffer,
                needed,
                returned,
                resume: resume.map(|_| filled.resume),
                code,
            }
        }
        Call::EnumServicesStatusEx { manager, level, types, states, size, resume, group } => {
            check_level(*level)?;
            let found = scm.enumerate(connection, id(*manager), *types, *states, group.as_deref())?;
            let entries: Vec<Entry<'_>> = found.iter().map(Entry::from).collect();
            let filled = buffers::enum_services_status_ex(&entries, resume.unwrap_or(0), *size, text);
            let Filled { buffer, needed, returned, code, .. } = filled;
            Answer::EnumServicesStatusEx {
                buffer,
                needed,
                returned,
                resume: resume.map(|_| filled.resume),
                code,
            }
        }
        Call::EnumServiceGroup { manager, types, states, size, resume, group } => {
            let found = scm.enumerate(connection, id(*manager), *types, *states, group.as_deref())?;
            let entries: Vec<Entry<'_>> = found.iter().map(Entry::from).collect();
            let filled = buffers::enum_services_status(&entries, resume.unwrap_or(0), *size, text);
            let Filled { buffer, needed, returned, code, .. } = filled;
            let resume = resume.map(|_| filled.resume);
            Answer::EnumServiceGroup { buffer, needed, returned, resume, code }
        }
        _ => return Err(Win32Error::INVALID_FUNCTION.into()),
    })
}

/// The calls about security descriptors.
fn security(scm: &mut Scm, connection: ConnectionId, call: &Call) -> Result<Answer, Failure> {
    Ok(match call {
        Call::QueryServiceObjectSecurity { object, parts, size } => {
            let descriptor = scm.security(connection, id(*object), *parts)?;
            let filled = buffers::query_service_object_security(&descriptor, *size);
            let Filled { buffer, needed, code, .. } = filled;
            Answer::QueryServiceObjectSecurity { buffer, needed, code }
        }
        Call::SetServiceObjectSecurity { object, parts, descriptor } => {
            let new = SecurityDescriptor::from_bytes(descriptor)
                .map_err(|error| Failure::new(Win32Error::INVALID_PARAMETER, error.to_string()))?;
            scm.set_security(connection, id(*object), *parts, &new)?;
            Answer::SetServiceObjectSecurity { code: Win32Error::SUCCESS }
        }
        _ => return Err(Win32Error::INVALID_FUNCTION.into()),
    })
}

/// Only the active database exists ([MS-SCMR] 3.1.4.15).
fn open_manager(
    scm: &mut Scm,
    connection: ConnectionId,
    token: &Arc<Token>,
    database: Option<&str>,
    access: ManagerAccess,
) -> Result<HandleId, Failure> {
    const FAILED_DATABASE: &str = "ServicesFailed";
    match database {
        None => {}
        Some(name) if name.eq_ignore_ascii_case("ServicesActive") => {}
        Some(name) if name.eq_ignore_ascii_case(FAILED_DATABASE) => {
            return Err(Win32Error::DATABASE_DOES_NOT_EXIST.into());
        }
        Some(_) => return Err(Win32Error::INVALID_NAME.into()),
    }
    scm.open_manager(connection, Arc::clone(token), access)
}

fn check_level(level: u32) -> Result<(), Failure> {
    if level == PROCESS_INFO { Ok(()) } else { Err(Win32Error::INVALID_LEVEL.into()) }
}

fn id(handle: Handle) -> HandleId {
    HandleId(handle.number().unwrap_or(0))
}

fn handle(id: HandleId) -> Handle {
    Handle::from_number(id.0)
}

fn code<T>(result: &Result<T, Failure>) -> Win32Error {
    result.as_ref().err().map_or(Win32Error::SUCCESS, |failure| failure.code)
}

fn params(news: Triggered) -> NotifyParams {
    let triggered = news.notification.triggered;
    let names = (!news.names.is_empty()).then(|| news.names.join("\0"));
    NotifyParams { status: news.notification.status, triggered, names, ..NotifyParams::request(triggered) }
}
