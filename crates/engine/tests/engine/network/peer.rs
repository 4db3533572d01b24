//! A client of the network.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use svckit_core::access::{ManagerAccess, ServiceAccess};
use svckit_core::native::{Reply, Request};
use svckit_core::secret::Secret;
use svckit_core::win32::Win32Error;
use svckit_os::random;
use svckit_scmr::auth::{Account, Initiate, NtHash, ntlm, spnego};
use svckit_scmr::client::{Binding, Client, Outcome, Progress};
use svckit_scmr::ops::{Answer, Call, Handle};
use svckit_testkit::PATIENCE;
use zeroize::Zeroizing;

/// How it says who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Ntlm,
    Spnego,
}

/// A connection on which calls can be made, if the server believes who it is.
pub(crate) struct Peer {
    pub(crate) stream: TcpStream,
    pub(crate) client: Client,
}

pub(crate) fn dial(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

fn credentials(user: &str, password: &str) -> ntlm::Credentials {
    let mut bytes = Zeroizing::new([0; 24]);
    random::fill(bytes.as_mut()).unwrap();
    ntlm::Credentials {
        account: Account {
            user: user.to_owned(),
            domain: "SOMEWHERE".to_owned(),
            workstation: "HERE".to_owned(),
        },
        hash: NtHash::of(&Secret::from(password)),
        service: "host/here".to_owned(),
        random: bytes,
        time: 134_000_000_000_000_000,
    }
}

/// The bytes that begin a logon, and what goes on with it.
pub(crate) fn begin(user: &str, password: &str, way: Way) -> (Binding, Vec<u8>) {
    let credentials = credentials(user, password);
    let mechanism: Box<dyn Initiate> = match way {
        Way::Ntlm => Box::new(ntlm::Initiator::new(credentials)),
        Way::Spnego => Box::new(spnego::Initiator::new(credentials)),
    };
    Binding::start_sealed(mechanism)
}

/// Reads what comes; empty at the end, in whatever way it comes.
pub(crate) fn read(stream: &mut TcpStream) -> Vec<u8> {
    let mut buffer = vec![0; 65_536];
    let length = match stream.read(&mut buffer) {
        Ok(length) => length,
        Err(error) => match error.kind() {
            std::io::ErrorKind::ConnectionReset | std::io::ErrorKind::BrokenPipe => 0,
            _ => panic!("nothing came: {error}"),
        },
    };
    buffer.truncate(length);
    buffer
}

impl Peer {
    /// Says who it is; `None` if the server will not hear more.
    pub(crate) fn try_new(address: SocketAddr, user: &str, password: &str, way: Way) -> Option<Self> {
        let mut stream = dial(address);
        let (mut binding, bytes) = begin(user, password, way);
        stream.write_all(&bytes).unwrap();
        loop {
            let bytes = read(&mut stream);
            if bytes.is_empty() {
                return None;
            }
            match binding.receive(&bytes) {
                Ok(Progress::Ready(client)) => return Some(Self { stream, client }),
                Ok(Progress::Binding(next)) => binding = next,
                Err(_) => return None,
            }
            stream.write_all(&binding.take_output()).unwrap();
        }
    }

    /// One that the server believes.
    pub(crate) fn new(address: SocketAddr, user: &str, password: &str) -> Self {
        Self::try_new(address, user, password, Way::Ntlm).expect("the server goes on")
    }

    /// What comes of a call; `None` if the connection ends.
    pub(crate) fn call(&mut self, call: &Call) -> Option<Outcome> {
        let (_, bytes) = self.client.call(call);
        self.exchange(&bytes)
    }

    /// Sends bytes, and waits for an outcome.
    pub(crate) fn exchange(&mut self, bytes: &[u8]) -> Option<Outcome> {
        // The server may have closed the connection.
        let _ = self.stream.write_all(bytes);
        self.outcome()
    }

    /// The next outcome; `None` if the connection ends.
    pub(crate) fn outcome(&mut self) -> Option<Outcome> {
        loop {
            let bytes = read(&mut self.stream);
            if bytes.is_empty() {
                return None;
            }
            match self.client.receive(&bytes) {
                Ok(returned) => {
                    if let Some(first) = returned.into_iter().next() {
                        return Some(first.outcome);
                    }
                }
                Err(_) => return None,
            }
        }
    }

    pub(crate) fn answer(&mut self, call: &Call) -> Answer {
        match self.call(call) {
            Some(Outcome::Answer(answer)) => answer,
            other => panic!("{call:?}: {other:?}"),
        }
    }

    pub(crate) fn manager(&mut self, access: ManagerAccess) -> Result<Handle, Win32Error> {
        match self.answer(&open_manager(access)) {
            Answer::OpenScManager { manager, code: Win32Error::SUCCESS } => Ok(manager),
            other => Err(other.code()),
        }
    }

    pub(crate) fn service(&mut self, name: &str, access: ServiceAccess) -> Result<Handle, Win32Error> {
        let manager = self.manager(ManagerAccess::CONNECT)?;
        match self.answer(&Call::OpenService { manager, name: name.to_owned(), access }) {
            Answer::OpenService { service, code: Win32Error::SUCCESS } => Ok(service),
            other => Err(other.code()),
        }
    }

    pub(crate) fn native(&mut self, request: &Request) -> Reply {
        let (_, bytes) = self.client.native(request).unwrap();
        match self.exchange(&bytes) {
            Some(Outcome::Native(reply)) => reply,
            other => panic!("{other:?}"),
        }
    }

    /// Whether it is let in.
    pub(crate) fn is_in(&mut self) -> bool {
        matches!(self.call(&open_manager(ManagerAccess::CONNECT)), Some(Outcome::Answer(_)))
    }
}

pub(crate) fn open_manager(access: ManagerAccess) -> Call {
    Call::OpenScManager { machine: None, database: None, access }
}
