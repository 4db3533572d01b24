//! The sockets at which connections start services: bound, watched while their service is at rest, and handed to its program.

use std::collections::HashMap;
use std::fs::Metadata;
use std::io;
use std::net::TcpListener;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use svckit_core::trigger::Endpoint;
use svckit_os::{errno, socket};
use tokio::io::unix::AsyncFd;
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::{JoinHandle, spawn_local};

use crate::actor::Input;
use crate::readable::readable;
use crate::scm::Door;

/// A listening socket that is shared with its watch and with messages on their way.
#[derive(Debug, Clone)]
pub(crate) struct Listener(Arc<OwnedFd>);

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsRawFd for Listener {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

/// An endpoint that is listened at.
struct Bound {
    endpoint: Endpoint,
    listener: Listener,
    /// The socket's file, and what tells it from others at the same path.
    file: Option<(PathBuf, (u64, u64))>,
}

/// The endpoints of one service.
#[derive(Default)]
struct Sockets {
    wanted: Vec<Endpoint>,
    bound: Vec<Bound>,
    watches: Vec<JoinHandle<()>>,
}

/// The sockets of all services.
pub(crate) struct Doors {
    services: HashMap<String, Sockets>,
    inputs: UnboundedSender<Input>,
}

impl Doors {
    pub(crate) fn new(inputs: UnboundedSender<Input>) -> Self {
        Self { services: HashMap::new(), inputs }
    }

    /// Does what is to be done at the endpoints of a service.
    pub(crate) fn set(&mut self, service: String, door: Door) {
        let (wanted, watched) = match door {
            Door::Closed => {
                self.services.remove(&service);
                return;
            }
            Door::Watched(wanted) => (wanted, true),
            Door::Held(wanted) => (wanted, false),
        };
        let sockets = self.services.entry(service.clone()).or_default();
        sockets.unwatch();
        sockets.bound.retain(|bound| wanted.contains(&bound.endpoint));
        sockets.wanted = wanted;
        if watched {
            sockets.bind(&service, &self.inputs);
            for bound in &sockets.bound {
                let watch = watch(service.clone(), bound, self.inputs.clone());
                sockets.watches.push(spawn_local(watch));
            }
        }
    }

    /// The sockets for the program of a service that starts, with their names.
    pub(crate) fn hand_over(&mut self, service: &str) -> Vec<(String, Listener)> {
        let Some(sockets) = self.services.get_mut(service) else { return Vec::new() };
        sockets.bind(service, &self.inputs);
        let all = sockets.bound.iter();
        all.map(|bound| (name(&bound.endpoint), bound.listener.clone())).collect()
    }
}

impl Sockets {
    /// Listens where nobody does yet.
    fn bind(&mut self, service: &str, inputs: &UnboundedSender<Input>) {
        self.bound.retain(Bound::is_reachable);
        for endpoint in &self.wanted {
            if self.bound.iter().any(|bound| bound.endpoint == *endpoint) {
                continue;
            }
            match Bound::new(endpoint) {
                Ok(bound) => self.bound.push(bound),
                Err(error) => {
                    let (service, at) = (service.to_owned(), endpoint.clone());
                    let cause = errno::describe(&error);
                    // If nobody listens, the service control manager is ending.
                    let _ = inputs.send(Input::NotListening { service, at, cause });
                }
            }
        }
    }

    fn unwatch(&mut self) {
        self.watches.drain(..).for_each(|watch| watch.abort());
    }
}

impl Drop for Sockets {
    fn drop(&mut self) {
        self.unwatch();
    }
}

impl Bound {
    fn new(endpoint: &Endpoint) -> io::Result<Self> {
        let (listener, file) = match endpoint {
            Endpoint::Tcp(address) => (OwnedFd::from(TcpListener::bind(address)?), None),
            Endpoint::Unix(path) => {
                check_free(path)?;
                let listener = socket::bind(path)?;
                let file = identity(&std::fs::symlink_metadata(path)?);
                (OwnedFd::from(listener), Some((path.clone(), file)))
            }
        };
        Ok(Self { endpoint: endpoint.clone(), listener: Listener(Arc::new(listener)), file })
    }

    /// Whether a connection would come here: a program may remove the file of a socket that it inherited.
    fn is_reachable(&self) -> bool {
        let Some((path, file)) = &self.file else { return true };
        std::fs::symlink_metadata(path).is_ok_and(|found| identity(&found) == *file)
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        if let Some((path, _)) = &self.file
            && self.is_reachable()
        {
            // It is of no use to anybody.
            let _ = std::fs::remove_file(path);
        }
    }
}

fn identity(file: &Metadata) -> (u64, u64) {
    (file.dev(), file.ino())
}

/// Refuses a path where something is that is not a socket which nobody listens at any more.
fn check_free(path: &Path) -> io::Result<()> {
    match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(file) if !file.file_type().is_socket() => Err(io::ErrorKind::AlreadyExists.into()),
        Ok(_) => match socket::connect(path) {
            Ok(_) => Err(io::ErrorKind::AddrInUse.into()),
            Err(_) => Ok(()),
        },
    }
}

/// What a program knows a socket by: colons separate the names of several.
fn name(endpoint: &Endpoint) -> String {
    match endpoint {
        Endpoint::Tcp(address) => format!("tcp-{}", address.port()),
        Endpoint::Unix(_) => "unix".to_owned(),
    }
}

/// Waits until somebody connects, and says so.
fn watch(
    service: String,
    bound: &Bound,
    inputs: UnboundedSender<Input>,
) -> impl Future<Output = ()> + 'static {
    let (at, listener) = (bound.endpoint.clone(), bound.listener.clone());
    async move {
        let ready: io::Result<AsyncFd<Listener>> = readable(listener);
        let connected = match &ready {
            Ok(listener) => listener.readable().await.map(drop),
            Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
        };
        let input = match connected {
            Ok(()) => Input::Knocked { service, at },
            Err(error) => Input::NotListening { service, at, cause: errno::describe(&error) },
        };
        // If nobody listens, the service control manager is ending.
        let _ = inputs.send(input);
    }
}
