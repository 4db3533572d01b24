//! The service control manager as a process: one for each state directory.

use std::cell::Cell;
use std::collections::hash_map::RandomState;
use std::fs::File;
use std::hash::{BuildHasher, Hasher};
use std::io::Write;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use svckit_core::native::Reply as NativeReply;
use svckit_os::process::Credentials;
use svckit_os::signal::{Delivered, SignalSource};
use svckit_os::{clock, gssapi, process, session, socket};
use tokio::io::unix::AsyncFd;
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::mpsc::{UnboundedSender, channel, unbounded_channel};
use tokio::sync::watch;
use tokio::task::{JoinHandle, LocalSet, spawn_local};
use tokio::time::{sleep, timeout};

use crate::accounts::Accounts;
use crate::actor::{Actor, Input};
use crate::connection::{self, Patience, Speaker, Stream};
use crate::direct::Direct;
use crate::directory::StateDirectory;
use crate::error::ServeError;
use crate::launcher::Launcher;
use crate::network::{Gate, Listeners, Reception};
use crate::readable::readable;
use crate::scm::{About, ConnectionId, Scm};
use crate::settings::{Network, Settings};
use crate::store::{RunStore, ServiceStore};

/// How many connections of this machine there may be; more are turned away.
const MAX_CONNECTIONS: usize = 1024;

/// When it is tried again to accept a connection after the system refused.
pub(crate) const RETRY: Duration = Duration::from_millis(200);

/// How long the last answers may take to be taken.
const FAREWELL: Duration = Duration::from_secs(2);

/// What a service control manager is started with.
#[derive(Debug)]
pub struct ServeOptions {
    /// The state directory; made if it isn't there.
    pub directory: PathBuf,
    /// Where the word `ready`, or the reason why not, is written.
    pub ready: Option<OwnedFd>,
    /// The program that is run with `host spawner`; absent: this process's own.
    pub executable: Option<PathBuf>,
    /// Where clients of the network are listened to, in place of what the settings say.
    pub network: NetworkOptions,
}

/// Where clients of the network are listened to; empty: as the settings say.
#[derive(Debug, Clone, Default)]
pub struct NetworkOptions {
    /// For MS-SCMR.
    pub listen: Vec<SocketAddr>,
    /// Where the ports of these are told.
    pub endpoint_mapper: Vec<SocketAddr>,
    /// These may be addresses that other machines reach.
    pub allow_network: bool,
    /// The keys of this machine, for clients with Kerberos, in place of what the settings say.
    pub keytab: Option<PathBuf>,
}

impl NetworkOptions {
    fn over(self, settings: &mut Network) {
        if !self.listen.is_empty() {
            settings.listen = self.listen;
        }
        if !self.endpoint_mapper.is_empty() {
            settings.endpoint_mapper = self.endpoint_mapper;
        }
        settings.allow_network |= self.allow_network;
        settings.keytab = self.keytab.or(settings.keytab.take());
    }
}

/// Names connections.
#[derive(Debug, Clone, Default)]
pub(crate) struct ConnectionIds(Rc<Cell<u64>>);

impl ConnectionIds {
    /// A name that was never given.
    pub(crate) fn next(&self) -> ConnectionId {
        self.0.set(self.0.get() + 1);
        ConnectionId(self.0.get())
    }
}

impl ServeOptions {
    /// The usual options for a state directory.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        let network = NetworkOptions::default();
        Self { directory: directory.into(), ready: None, executable: None, network }
    }
}

/// Serves a state directory until it is told to stop, by a client or a signal.
pub fn serve(options: ServeOptions) -> Result<(), ServeError> {
    run(options, true, |_| {})
}

/// The same without taking signals; `started` gets a way to the service control manager that needs no connection.
pub fn serve_directly(options: ServeOptions, started: impl FnOnce(Direct)) -> Result<(), ServeError> {
    run(options, false, started)
}

fn run(options: ServeOptions, signals: bool, started: impl FnOnce(Direct)) -> Result<(), ServeError> {
    let mut ready = options.ready.map(File::from);
    let result = prepare(&options.directory, options.executable, options.network).and_then(|prepared| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()
            .map_err(ServeError::system("start waiting for events"))?;
        LocalSet::new().block_on(&runtime, prepared.run(signals, started, &mut ready))
    });
    if let Err(error) = &result {
        announce(&mut ready, &error.to_string());
    }
    result
}

/// Everything that has to be right before anybody is served.
struct Prepared {
    directory: StateDirectory,
    settings: Settings,
    store: ServiceStore,
    records: Vec<crate::store::Record>,
    run: RunStore,
    executable: PathBuf,
    listeners: Listeners,
    kerberos: Option<Arc<gssapi::Credentials>>,
    lock: svckit_os::lock::Lock,
}

fn prepare(
    path: &std::path::Path,
    executable: Option<PathBuf>,
    network: NetworkOptions,
) -> Result<Prepared, ServeError> {
    let directory = StateDirectory::open(path)?;
    let lock = directory.lock()?;
    let mut settings = Settings::load(&directory.settings())?;
    network.over(&mut settings.network);
    let listeners = Listeners::bind(&settings.network)?;
    let kerberos = keys(&settings.network)?;
    let (store, records) = ServiceStore::open(&directory.services())?;
    let run = RunStore::open(&directory.run())?;
    let executable = match executable {
        Some(executable) => executable,
        None => std::env::current_exe().map_err(ServeError::system("find its own program"))?,
    };
    Ok(Prepared { directory, settings, store, records, run, executable, listeners, kerberos, lock })
}

/// The keys for clients of the network that come with tickets.
fn keys(network: &Network) -> Result<Option<Arc<gssapi::Credentials>>, ServeError> {
    let keytab = network.keytab.as_deref().filter(|_| !network.listen.is_empty());
    let keys = keytab.map(gssapi::Credentials::from_keytab).transpose();
    keys.map(|keys| keys.map(Arc::new)).map_err(|error| ServeError::Kerberos { reason: error.to_string() })
}

impl Prepared {
    async fn run(
        self,
        signals: bool,
        started: impl FnOnce(Direct),
        ready: &mut Option<File>,
    ) -> Result<(), ServeError> {
        let launcher = Launcher::start(&self.executable).map_err(ServeError::system("start the spawner"))?;
        // After the spawner, whose children should have the usual limit.
        process::raise_open_files();
        let now = clock::now();
        let about = About {
            pid: std::process::id(),
            directory: self.directory.path().to_owned(),
            program: Some(self.executable.clone()),
            started: now.wall,
            nonce: RandomState::new().build_hasher().finish(),
            may_switch_user: Credentials::may_change(),
        };
        let gate = Gate::new(&self.settings.network);
        let network = &self.settings.network;
        let patience = Patience { logon: network.logon_timeout, send: network.send_timeout };
        let mut scm = Scm::new(self.settings, about, self.store, self.records, self.run)?;
        scm.at(now);
        let identity = session::identity().map_err(ServeError::system("identify the session"))?;
        let listener = listen(&self.directory)?;
        // Where nobody tells of it, a clock that was set is noticed within an hour.
        let clock = clock::Changes::new().ok().flatten().and_then(|changes| readable(changes).ok());
        if clock.is_some() {
            scm.hear_of_clock();
        }
        scm.begin(&identity)?;
        let listening = self.listeners.addresses();
        let network = listening.to_string();
        scm.listens(listening);
        let swept = self.directory.sweep(|id| scm.has_instance(id));
        swept.map_err(|source| ServeError::Directory { path: self.directory.path().to_owned(), source })?;
        let (sender, inputs) = unbounded_channel();
        if signals {
            let source =
                SignalSource::new(&[Delivered::End]).map_err(ServeError::system("receive signals"))?;
            let waiting = source.as_fd().try_clone_to_owned().and_then(readable);
            let waiting = waiting.map_err(ServeError::system("receive signals"))?;
            spawn_local(pass_signals(source, waiting, sender.clone()));
        }
        if let Some(clock) = clock {
            spawn_local(pass_clock(clock, sender.clone()));
        }
        let (close, closing) = watch::channel(false);
        let (open, mut all_closed) = channel::<()>(1);
        let reception = Reception {
            gate,
            patience,
            accounts: Accounts::of(&self.directory),
            kerberos: self.kerberos,
            ids: ConnectionIds::default(),
            inputs: sender.clone(),
            closing,
            open,
        };
        let accepting = self.listeners.receive(listener, reception)?;
        let actor = Actor::new(scm, self.directory.clone(), launcher, sender.clone());
        let directory = self.directory.path().display();
        tracing::info!("serving {directory} as process {}{network}", std::process::id());
        announce(ready, "ready");
        started(Direct::new(sender, self.directory.path()));
        let waiting = actor.run(inputs).await;
        accepting.iter().for_each(JoinHandle::abort);
        let _ = std::fs::remove_file(self.directory.endpoint());
        drop(self.lock);
        // Whoever is told now can start the next one.
        for answer in waiting {
            answer.give_now(NativeReply::Done);
        }
        close.send_replace(true);
        // Every connection holds a sender; when the last has gone, so have the last answers.
        let _ = timeout(FAREWELL, all_closed.recv()).await;
        Ok(())
    }
}

impl Listeners {
    /// Has connections accepted: those of this machine, and those of the network.
    fn receive(self, local: UnixListener, reception: Reception) -> Result<Vec<JoinHandle<()>>, ServeError> {
        let reception = Rc::new(reception);
        let mut accepting = vec![spawn_local(accept(local, Rc::clone(&reception)))];
        let listening = |(address, listener)| {
            let failed = |error: std::io::Error| ServeError::Listen { address, reason: error.to_string() };
            TcpListener::from_std(listener).map_err(failed)
        };
        let told: Rc<[SocketAddr]> = self.scmr.iter().map(|(address, _)| *address).collect();
        for one in self.scmr {
            accepting.push(spawn_local(Rc::clone(&reception).accept(listening(one)?)));
        }
        for one in self.mapper {
            accepting.push(spawn_local(Rc::clone(&reception).map(listening(one)?, Rc::clone(&told))));
        }
        Ok(accepting)
    }
}

/// Accepts connections of this machine.
async fn accept(listener: UnixListener, reception: Rc<Reception>) {
    let Reception { ids, inputs, closing, open, .. } = &*reception;
    let room = Rc::new(());
    loop {
        match listener.accept().await {
            Ok((stream, _)) if Rc::strong_count(&room) > MAX_CONNECTIONS => {
                tracing::warn!("a client is turned away: there are {MAX_CONNECTIONS} connections");
                drop(stream);
            }
            Ok((stream, _)) => {
                let Some((pid, token)) = connection::welcome(&stream) else { continue };
                let connection = ids.next();
                // If nobody listens, the service control manager is ending.
                let _ = inputs.send(Input::Opened { connection, pid });
                let stream = (Stream::Unix(stream), Patience::default());
                let speaker = Speaker::Known(Arc::new(token));
                let (inputs, closing) = (inputs.clone(), closing.clone());
                let serve =
                    connection::serve(connection, speaker, connection::local(), stream, inputs, closing);
                let held = (Rc::clone(&room), open.clone());
                spawn_local(async move {
                    serve.await;
                    drop(held);
                });
            }
            Err(error) => {
                // Nothing tells when there are descriptors again.
                tracing::error!("cannot accept a connection: {error}");
                sleep(RETRY).await;
            }
        }
    }
}

async fn pass_signals(source: SignalSource, readable: AsyncFd<OwnedFd>, inputs: UnboundedSender<Input>) {
    while let Ok(mut ready) = readable.readable().await {
        match source.next() {
            Ok(Some(_)) => {
                if inputs.send(Input::End).is_err() {
                    return;
                }
            }
            Ok(None) => ready.clear_ready(),
            Err(error) => {
                tracing::error!("cannot receive signals: {error}");
                return;
            }
        }
    }
}

/// Tells that the clock was set, or the machine was suspended.
async fn pass_clock(mut readable: AsyncFd<clock::Changes>, inputs: UnboundedSender<Input>) {
    while let Ok(mut ready) = readable.readable_mut().await {
        if ready.get_inner_mut().take().is_none() {
            ready.clear_ready();
        } else if inputs.send(Input::Direct(Box::new(Scm::clock_changed))).is_err() {
            return;
        }
    }
}

/// Tells whoever started us how it went.
fn announce(ready: &mut Option<File>, word: &str) {
    if let Some(mut pipe) = ready.take() {
        // Nobody may be listening any more.
        let _ = writeln!(pipe, "{}", word.replace('\n', " "));
    }
}

fn listen(directory: &StateDirectory) -> Result<UnixListener, ServeError> {
    let bind = || {
        let listener = socket::bind(&directory.endpoint())?;
        listener.set_nonblocking(true)?;
        UnixListener::from_std(listener)
    };
    bind().map_err(|source| ServeError::Directory { path: directory.path().to_owned(), source })
}
