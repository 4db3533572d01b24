//! The way to another machine: its endpoint mapper, and a sealed connection to its service control manager.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;

use svckit_core::{Error, Result, Win32Error};
use svckit_os::{clock, errno, random, tcp};
use svckit_scmr::auth::{Account, Initiate, NtHash, ntlm, spnego};
use svckit_scmr::mapper::{Lookup, Step};
use zeroize::Zeroizing;

use super::OPERATION;
use crate::remote::{Logon, Remote};
use crate::wire::{Mechanism, Sealing, Transport, Wire};

impl Remote {
    /// Connects. `admit` sees each connection before it is used.
    pub(super) fn connect(
        &self,
        admit: impl Fn(&TcpStream) -> Result<()> + 'static,
    ) -> Result<Wire<TcpStream>> {
        let Some(logon) = self.logon() else {
            let hint = "nobody was named who shall log on there";
            return Err(self.error(Win32Error::LOGON_FAILURE, hint.to_owned()));
        };
        let (remote, logon) = (self.clone(), logon.clone());
        let hash = NtHash::of(&logon.password);
        let asked = self.clone();
        let initiate = move |mechanism| asked.initiate(&logon, &hash, mechanism);
        let sealing =
            Sealing { initiate: Box::new(initiate), limit: self.limit(), trial: self.trial().clone() };
        let dial = move || {
            let stream = remote.dial()?;
            admit(&stream)?;
            Ok(stream)
        };
        Wire::connect_sealed(self.target(), dial, sealing)
    }

    /// A connection to the port of the service control manager.
    fn dial(&self) -> Result<TcpStream> {
        if let Some(port) = self.port() {
            return self.reach(port, None);
        }
        let mapper = self.reach(self.mapper(), None)?;
        let address = mapper.peer_addr().map_err(|error| self.lost(self.mapper(), &error))?;
        match self.look_up(mapper)? {
            Some(port) => self.reach(port, Some(address)),
            None => Err(self.unavailable("its endpoint mapper knows no service control manager".to_owned())),
        }
    }

    /// Connects to a port, at the address that answered before if there is one.
    fn reach(&self, port: u16, known: Option<SocketAddr>) -> Result<TcpStream> {
        let addresses = match known {
            Some(known) => vec![SocketAddr::new(known.ip(), port)],
            None => self.addresses(port)?,
        };
        tcp::connect(&addresses, self.limit()).map_err(|error| self.lost(port, &error))
    }

    fn addresses(&self, port: u16) -> Result<Vec<SocketAddr>> {
        let unknown =
            |why: String| self.unavailable(format!("the name {:?} leads nowhere: {why}", self.host()));
        let found = (self.host(), port).to_socket_addrs();
        let found: Vec<_> = found.map_err(|error| unknown(errno::describe(&error)))?.collect();
        if found.is_empty() {
            return Err(unknown("it has no address".to_owned()));
        }
        Ok(found)
    }

    /// Asks the endpoint mapper.
    fn look_up(&self, mut stream: TcpStream) -> Result<Option<u16>> {
        let deadline = clock::now().tick + self.limit();
        let (mut lookup, mut bytes) = Lookup::start();
        let mut buffer = [0; 4096];
        let lost = |error: &io::Error| self.lost(self.mapper(), error);
        loop {
            stream.write_all(&bytes).map_err(|error| lost(&error))?;
            let left = deadline.since(clock::now().tick).max(Duration::from_millis(1));
            stream.set_read_timeout(Some(left)).map_err(|error| lost(&error))?;
            let count = match stream.read(&mut buffer) {
                Ok(0) => return Err(lost(&io::ErrorKind::ConnectionReset.into())),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => 0,
                Err(error) => return Err(lost(&error)),
            };
            match lookup.receive(&buffer[..count]) {
                Ok(Step::More(more, next)) => (lookup, bytes) = (more, next),
                Ok(Step::Done(port)) => return Ok(port),
                Err(error) => {
                    let cause =
                        format!("what listens at {} is no endpoint mapper: {error}", self.at(self.mapper()));
                    return Err(self.error(Win32Error::RPC_S_PROTOCOL_ERROR, cause));
                }
            }
        }
    }

    fn initiate(&self, logon: &Logon, hash: &NtHash, mechanism: Mechanism) -> Result<Box<dyn Initiate>> {
        let mut random = Zeroizing::new([0; 24]);
        random::fill(random.as_mut()).map_err(|error| {
            let cause = format!("the system has no randomness: {}", errno::describe(&error));
            self.error(errno::win32(&error), cause)
        })?;
        let credentials = ntlm::Credentials {
            account: Account {
                user: logon.user.clone(),
                domain: logon.domain.clone(),
                workstation: String::new(),
            },
            hash: hash.clone(),
            service: format!("host/{}", self.host()),
            random,
            time: clock::now().wall.to_file_time(),
        };
        Ok(match mechanism {
            Mechanism::Spnego => Box::new(spnego::Initiator::new(credentials)),
            Mechanism::Ntlm => Box::new(ntlm::Initiator::new(credentials)),
        })
    }

    fn lost(&self, port: u16, error: &io::Error) -> Box<Error> {
        let at = self.at(port);
        match error.kind() {
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => {
                let cause = format!("no answer came from {at} within {} s", self.limit().as_secs_f32());
                self.error(Win32Error::WAIT_TIMEOUT, cause)
            }
            io::ErrorKind::ConnectionRefused => self.unavailable(format!("nothing listens at {at}")),
            _ => self.unavailable(format!("{at} can't be reached: {}", errno::describe(error))),
        }
    }

    fn at(&self, port: u16) -> String {
        match self.host().contains(':') {
            true => format!("[{}]:{port}", self.host()),
            false => format!("{}:{port}", self.host()),
        }
    }

    fn target(&self) -> String {
        format!(r"\\{self}")
    }

    fn unavailable(&self, cause: String) -> Box<Error> {
        self.error(Win32Error::RPC_S_SERVER_UNAVAILABLE, cause)
    }

    fn error(&self, code: Win32Error, cause: String) -> Box<Error> {
        Box::new(Error::new(OPERATION, code).target(self.target()).cause(cause))
    }
}

impl Transport for TcpStream {
    fn set_read_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        TcpStream::set_read_timeout(self, limit)
    }

    fn finish(&self) -> io::Result<()> {
        self.shutdown(std::net::Shutdown::Write)
    }
}
