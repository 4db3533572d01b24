//! The service control manager in the same process, without a connection: for tests of its behaviour.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use svckit_core::access::{ManagerAccess, ServiceAccess};
use svckit_core::backend::{
    Backend, Enumerated, Lock, LockStatus, Manager, Notification, Service, SetChange, Watch,
};
use svckit_core::config::{Config2, Config2Change, Config2Level, ConfigChange, NewService, ServiceConfig};
use svckit_core::control::Control;
use svckit_core::error::{Error, Result};
use svckit_core::kind::ServiceType;
use svckit_core::name::ServiceName;
use svckit_core::native;
use svckit_core::reason::StopReason;
use svckit_core::security::check::Token;
use svckit_core::security::{SecurityDescriptor, SecurityInformation};
use svckit_core::status::{NotifyMask, ServiceStatus, StateFilter};
use svckit_core::win32::Win32Error;
use tokio::sync::mpsc::UnboundedSender;

use crate::actor::Input;
use crate::error::Failure;
use crate::scm::{ConnectionId, HandleId, NativeAnswer, Reply, Scm, Triggered};

/// Connections of this kind are numbered from here on, apart from those of clients.
const FIRST: u64 = 1 << 63;

/// A way to a service control manager in this process.
#[derive(Debug, Clone)]
pub struct Direct {
    way: Way,
    next: Arc<AtomicU64>,
    token: Arc<Token>,
}

#[derive(Debug, Clone)]
struct Way {
    inputs: UnboundedSender<Input>,
    target: Arc<str>,
}

/// An open handle; closed when it is dropped.
struct Open {
    way: Way,
    connection: ConnectionId,
    handle: HandleId,
    /// The service's name, for errors.
    service: Option<String>,
}

impl Direct {
    pub(crate) fn new(inputs: UnboundedSender<Input>, directory: &Path) -> Self {
        let target = format!("embedded:{}", directory.display()).into();
        let token = Arc::new(Token::local_system());
        Self { way: Way { inputs, target }, next: Arc::new(AtomicU64::new(FIRST)), token }
    }

    /// The same way for somebody else.
    #[must_use]
    pub fn speaking_for(&self, token: Token) -> Self {
        Self { token: Arc::new(token), ..self.clone() }
    }

    /// Stops all services and the service control manager, as a signal does; told again: by force.
    pub fn end(&self) {
        // One that has ended needs no telling.
        let _ = self.way.inputs.send(Input::End);
    }
}

impl Direct {
    fn begin_native(&self, request: native::Request) -> Receiver<Result<native::Reply, Failure>> {
        let connection = ConnectionId(self.next.fetch_add(1, Ordering::Relaxed));
        let token = Arc::clone(&self.token);
        self.way.begin(move |scm, reply| {
            scm.native(
                connection,
                &token,
                request,
                NativeAnswer::new(move |answer| reply(Ok(answer)), std::future::pending()),
            );
        })
    }

    fn native_answer(&self, answer: Result<native::Reply, Failure>) -> Result<native::Reply> {
        answer.map_err(|failure| self.way.error("ask service control manager", None, failure))
    }
}

impl Way {
    /// Lets the actor do something, and waits for what comes of it.
    fn ask<T: Send + 'static>(
        &self,
        act: impl FnOnce(&mut Scm) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        self.begin(move |scm, reply| {
            let result = act(scm);
            scm.after_turn(move || reply(result));
        })
        .recv()
        .unwrap_or_else(|_| Err(Win32Error::RPC_S_CALL_FAILED.into()))
    }

    /// Lets the actor begin something that is answered later.
    fn begin<T: Send + 'static>(
        &self,
        act: impl FnOnce(&mut Scm, Box<dyn FnOnce(Result<T, Failure>)>) + Send + 'static,
    ) -> Receiver<Result<T, Failure>> {
        let (sender, receiver) = channel();
        // Without an actor the sender is dropped, and the receiver knows.
        let _ = self.inputs.send(Input::Direct(Box::new(move |scm| {
            act(scm, Box::new(move |result| drop(sender.send(result))));
        })));
        receiver
    }

    fn error(&self, operation: &'static str, service: Option<&str>, failure: Failure) -> Box<Error> {
        let mut error = Error::new(operation, failure.code).target(&*self.target);
        error.service = service.map(str::to_owned);
        error.cause = failure.cause;
        Box::new(error)
    }
}

impl Backend for Direct {
    fn target(&self) -> String {
        self.way.target.to_string()
    }

    fn open_manager(&self, access: ManagerAccess) -> Result<Box<dyn Manager>> {
        let connection = ConnectionId(self.next.fetch_add(1, Ordering::Relaxed));
        let token = Arc::clone(&self.token);
        let handle = self.way.ask(move |scm| scm.open_manager(connection, token, access));
        let handle =
            handle.map_err(|failure| self.way.error("open service control manager", None, failure))?;
        Ok(Box::new(Open { way: self.way.clone(), connection, handle, service: None }))
    }

    fn report_boot(&self, acceptable: bool) -> Result<()> {
        let token = Arc::clone(&self.token);
        let reported = self.way.ask(move |scm| scm.report_boot(&token, acceptable));
        reported.map_err(|failure| self.way.error("report start of system", None, failure))
    }

    fn native(&self, request: native::Request) -> Result<native::Reply> {
        let answer = self.begin_native(request).recv();
        self.native_answer(answer.unwrap_or_else(|_| Err(Win32Error::RPC_S_CALL_FAILED.into())))
    }

    fn changes(
        &self,
        after: u64,
        services: Option<Vec<ServiceName>>,
        limit: Duration,
    ) -> Result<Option<native::Reply>> {
        let request = native::Request::Overview { after: Some(after), services };
        match self.begin_native(request).recv_timeout(limit) {
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => {
                self.native_answer(Err(Win32Error::RPC_S_CALL_FAILED.into())).map(Some)
            }
            Ok(answer) => self.native_answer(answer).map(Some),
        }
    }
}

impl Open {
    fn ask<T: Send + 'static>(
        &self,
        operation: &'static str,
        act: impl FnOnce(&mut Scm, ConnectionId, HandleId) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T> {
        let (connection, handle) = (self.connection, self.handle);
        let result = self.way.ask(move |scm| act(scm, connection, handle));
        result.map_err(|failure| self.way.error(operation, self.service.as_deref(), failure))
    }

    fn ask_slowly<T: Send + 'static>(
        &self,
        operation: &'static str,
        act: impl FnOnce(&mut Scm, ConnectionId, HandleId, Reply<T>) + Send + 'static,
    ) -> Result<T> {
        let (connection, handle) = (self.connection, self.handle);
        let result = self.way.begin(move |scm, reply| act(scm, connection, handle, Reply::new(reply)));
        let lost = |_| Err(Win32Error::RPC_S_CALL_FAILED.into());
        result
            .recv()
            .unwrap_or_else(lost)
            .map_err(|failure| self.way.error(operation, self.service.as_deref(), failure))
    }

    fn child(&self, handle: HandleId, name: &str) -> Box<dyn Service> {
        let service = Some(name.to_owned());
        Box::new(Self { way: self.way.clone(), connection: self.connection, handle, service })
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let (connection, handle) = (self.connection, self.handle);
        // Waited for, so that what follows from the closing has happened when this is gone.
        let _ = self.way.ask(move |scm| scm.close(connection, handle));
    }
}

impl Manager for Open {
    fn create_service(&self, new: &NewService, access: ServiceAccess) -> Result<(Box<dyn Service>, u32)> {
        let (name, new) = (new.name.to_string(), new.clone());
        let (connection, handle) = (self.connection, self.handle);
        let result = self.way.ask(move |scm| scm.create(connection, handle, new, access));
        match result {
            Ok((handle, tag)) => Ok((self.child(handle, &name), tag)),
            Err(failure) => Err(self.way.error("create service", Some(&name), failure)),
        }
    }

    fn open_service(&self, name: &str, access: ServiceAccess) -> Result<Box<dyn Service>> {
        let (connection, handle) = (self.connection, self.handle);
        let wanted = name.to_owned();
        let result = self.way.ask(move |scm| scm.open_service(connection, handle, &wanted, access));
        let handle = result.map_err(|failure| self.way.error("open service", Some(name), failure))?;
        Ok(self.child(handle, name))
    }

    fn enumerate(
        &self,
        types: ServiceType,
        states: StateFilter,
        group: Option<&str>,
    ) -> Result<Vec<Enumerated>> {
        let group = group.map(str::to_owned);
        self.ask("list services", move |scm, connection, handle| {
            scm.enumerate(connection, handle, types, states, group.as_deref())
        })
    }

    fn display_name(&self, name: &str) -> Result<String> {
        let name = name.to_owned();
        self.ask("find display name", move |scm, connection, handle| {
            scm.display_name(connection, handle, &name)
        })
    }

    fn key_name(&self, display_name: &str) -> Result<String> {
        let name = display_name.to_owned();
        self.ask("find service name", move |scm, connection, handle| scm.key_name(connection, handle, &name))
    }

    fn security(&self, parts: SecurityInformation) -> Result<SecurityDescriptor> {
        self.ask("query security of service control manager", move |scm, connection, handle| {
            scm.security(connection, handle, parts)
        })
    }

    fn set_security(&self, parts: SecurityInformation, new: &SecurityDescriptor) -> Result<()> {
        let new = new.clone();
        self.ask("change security of service control manager", move |scm, connection, handle| {
            scm.set_security(connection, handle, parts, &new)
        })
    }

    fn lock(&self) -> Result<Box<dyn Lock>> {
        let handle = self.ask("lock service database", Scm::lock)?;
        Ok(Box::new(DirectLock { way: self.way.clone(), connection: self.connection, handle: Some(handle) }))
    }

    fn lock_status(&self) -> Result<LockStatus> {
        self.ask("query lock of service database", Scm::lock_status)
    }

    fn watch(&self) -> Result<Box<dyn Watch>> {
        let (way, connection, handle) = (self.way.clone(), self.connection, self.handle);
        let mut watch = DirectWatch { way, connection, handle, asked: None };
        watch.ask()?;
        Ok(Box::new(watch))
    }
}

/// A lock of the database.
struct DirectLock {
    way: Way,
    connection: ConnectionId,
    /// Absent after it was released.
    handle: Option<HandleId>,
}

impl DirectLock {
    fn release(&mut self) -> Result<()> {
        let (connection, Some(handle)) = (self.connection, self.handle.take()) else { return Ok(()) };
        let released = self.way.ask(move |scm| scm.unlock(connection, handle));
        released.map_err(|failure| self.way.error("unlock service database", None, failure))
    }
}

impl Lock for DirectLock {
    fn unlock(mut self: Box<Self>) -> Result<()> {
        self.release()
    }
}

impl Drop for DirectLock {
    fn drop(&mut self) {
        // Without an actor there is nothing to release.
        let _ = self.release();
    }
}

/// A wait for services that are created or deleted.
struct DirectWatch {
    way: Way,
    connection: ConnectionId,
    handle: HandleId,
    /// What was registered, and where the answer comes.
    asked: Option<(HandleId, Receiver<Result<Triggered, Failure>>)>,
}

impl DirectWatch {
    const OPERATION: &str = "wait for services";

    fn ask(&mut self) -> Result<()> {
        let (connection, handle) = (self.connection, self.handle);
        let watch = self.way.ask(move |scm| scm.register(connection, handle, NotifyMask::SET));
        let watch = watch.map_err(|failure| self.way.error(Self::OPERATION, None, failure))?;
        let news = self.way.begin(move |scm, reply| scm.results(connection, watch, Reply::new(reply)));
        self.asked = Some((watch, news));
        Ok(())
    }

    fn give_up(&mut self) {
        let Some((watch, _)) = self.asked.take() else { return };
        let connection = self.connection;
        // With the manager's handle closed before, there is nothing to give up.
        let _ = self.way.ask(move |scm| scm.unregister(connection, watch));
    }
}

impl Watch for DirectWatch {
    fn wait(&mut self, timeout: Duration) -> Result<Option<SetChange>> {
        if self.asked.is_none() {
            self.ask()?;
        }
        let Some((_, news)) = &self.asked else { return Ok(None) };
        let news = match news.recv_timeout(timeout) {
            Err(RecvTimeoutError::Timeout) => return Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(Win32Error::RPC_S_CALL_FAILED.into()),
            Ok(news) => news,
        };
        self.give_up();
        let news = news.map_err(|failure| self.way.error(Self::OPERATION, None, failure))?;
        self.ask()?;
        Ok(Some(SetChange::from_names(news.names.iter().map(String::as_str))))
    }
}

impl Drop for DirectWatch {
    fn drop(&mut self) {
        self.give_up();
    }
}

impl Service for Open {
    fn delete(&self) -> Result<()> {
        self.ask("delete service", Scm::delete)
    }

    fn start(&self, arguments: &[String]) -> Result<()> {
        let arguments = arguments.to_vec();
        self.ask_slowly("start service", move |scm, connection, handle, reply| {
            scm.start(connection, handle, arguments, reply);
        })
    }

    fn control(&self, control: Control) -> Result<ServiceStatus> {
        self.ask_slowly("control service", move |scm, connection, handle, reply| {
            scm.control(connection, handle, control, reply);
        })
    }

    fn stop(&self, reason: &StopReason) -> Result<ServiceStatus> {
        let reason = reason.clone();
        self.ask_slowly("stop service", move |scm, connection, handle, reply| {
            scm.stop(connection, handle, &reason, reply);
        })
    }

    fn status(&self) -> Result<ServiceStatus> {
        self.ask("query status of service", Scm::status)
    }

    fn config(&self) -> Result<ServiceConfig> {
        self.ask("query configuration of service", Scm::config)
    }

    fn change_config(&self, change: &ConfigChange) -> Result<u32> {
        let change = change.clone();
        self.ask("change configuration of service", |scm, connection, handle| {
            scm.change_config(connection, handle, change)
        })
    }

    fn config2(&self, level: Config2Level) -> Result<Config2> {
        self.ask("query configuration of service", move |scm, connection, handle| {
            scm.config2(connection, handle, level)
        })
    }

    fn change_config2(&self, change: &Config2Change) -> Result<()> {
        let change = change.clone();
        self.ask("change configuration of service", |scm, connection, handle| {
            scm.change_config2(connection, handle, change)
        })
    }

    fn security(&self, parts: SecurityInformation) -> Result<SecurityDescriptor> {
        self.ask("query security of service", move |scm, connection, handle| {
            scm.security(connection, handle, parts)
        })
    }

    fn set_security(&self, parts: SecurityInformation, new: &SecurityDescriptor) -> Result<()> {
        let new = new.clone();
        self.ask("change security of service", move |scm, connection, handle| {
            scm.set_security(connection, handle, parts, &new)
        })
    }

    fn dependents(&self, states: StateFilter) -> Result<Vec<Enumerated>> {
        self.ask("list dependents of service", move |scm, connection, handle| {
            scm.dependents(connection, handle, states)
        })
    }

    fn wait(&self, mask: NotifyMask, timeout: Duration) -> Result<Option<Notification>> {
        const OPERATION: &str = "wait for service";
        let connection = self.connection;
        let watch =
            self.ask(OPERATION, move |scm, connection, handle| scm.register(connection, handle, mask))?;
        let news = self
            .way
            .begin(move |scm, reply| scm.results(connection, watch, Reply::new(reply)))
            .recv_timeout(timeout);
        let _ = self.way.ask(move |scm| scm.unregister(connection, watch));
        match news {
            Ok(Ok(triggered)) => Ok(Some(triggered.notification)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Ok(Err(failure)) => Err(self.way.error(OPERATION, self.service.as_deref(), failure)),
            Err(RecvTimeoutError::Disconnected) => {
                Err(self.way.error(OPERATION, self.service.as_deref(), Win32Error::RPC_S_CALL_FAILED.into()))
            }
        }
    }
}
