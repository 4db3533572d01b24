//! Connections of the network: admitted, or turned away.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use svckit_os::{clock, gssapi, random, session, socket};
use svckit_scmr::auth::{kerberos, ntlm};
use svckit_scmr::server::Server;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{Sender, UnboundedSender};
use tokio::sync::watch;
use tokio::task::spawn_local;
use tokio::time::sleep;

use super::{Gate, Guest, Turned, Visit};
use crate::accounts::Accounts;
use crate::actor::Input;
use crate::connection::{self, Patience, REMOTE_FRAGMENT, Speaker, Stream};
use crate::serve::{ConnectionIds, RETRY};

/// After which silence the system asks whether somebody is still there.
const SILENCE: Duration = Duration::from_secs(60);

/// Everything that a new connection needs.
pub(crate) struct Reception {
    pub(crate) gate: Arc<Gate>,
    pub(crate) patience: Patience,
    pub(crate) accounts: Accounts,
    /// The keys for clients with tickets.
    pub(crate) kerberos: Option<Arc<gssapi::Credentials>>,
    pub(crate) ids: ConnectionIds,
    pub(crate) inputs: UnboundedSender<Input>,
    pub(crate) closing: watch::Receiver<bool>,
    /// Every connection holds one until it has ended.
    pub(crate) open: Sender<()>,
}

impl Reception {
    /// Accepts connections, as long as somebody waits for it.
    pub(crate) async fn accept(self: Rc<Self>, listener: TcpListener) {
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => self.receive(stream, peer),
                Err(error) => {
                    // Nothing tells when there are descriptors again.
                    tracing::error!("cannot accept a connection of the network: {error}");
                    sleep(RETRY).await;
                }
            }
        }
    }

    fn receive(&self, stream: TcpStream, peer: SocketAddr) {
        let from = peer.ip().to_canonical();
        let visit = match self.gate.admit(from, clock::now().tick) {
            Ok(visit) => Arc::new(visit),
            Err(turned) => return tell(from, turned),
        };
        if let Err(error) = self.begin(stream, from, visit) {
            tracing::warn!("a client at {from} is turned away: {error}");
        }
    }

    fn begin(&self, stream: TcpStream, from: IpAddr, visit: Arc<Visit>) -> io::Result<()> {
        socket::keep_alive(&stream, SILENCE)?;
        let mut challenge = [0; 8];
        random::fill(&mut challenge)?;
        let name = session::host_name();
        let identity = ntlm::Identity { computer: name.clone(), domain: name };
        let acceptor = ntlm::Acceptor::new(identity, challenge, clock::now().wall.to_file_time());
        let (guest, doorkeeper) = Guest::new(from, &visit, self.accounts.clone());
        let mut server = Server::sealed(REMOTE_FRAGMENT, acceptor, Box::new(doorkeeper));
        if let Some(keys) = &self.kerberos {
            let tell = |failure: &_| tracing::warn!("a ticket is not taken: {failure}");
            let acceptor = kerberos::Acceptor::new(gssapi::accept(keys), tell);
            server = server.with_kerberos(acceptor, clock::now().wall);
        }
        let (speaker, stream) = (Speaker::Unknown(guest), (Stream::Tcp(stream), self.patience));
        let (inputs, closing) = (self.inputs.clone(), self.closing.clone());
        let serve = connection::serve(self.ids.next(), speaker, server, stream, inputs, closing);
        let open = self.open.clone();
        spawn_local(async move {
            serve.await;
            drop((visit, open));
        });
        Ok(())
    }
}

pub(super) fn tell(from: IpAddr, turned: Turned) {
    match turned {
        Turned::Full(most) => {
            tracing::warn!("a client at {from} is turned away: there are {most} connections")
        }
        Turned::TooMany(most) => {
            tracing::warn!("a client at {from} is turned away: there are {most} connections of this address");
        }
        Turned::Closed(left) => {
            let seconds = left.as_secs() + 1;
            tracing::warn!("a client at {from} is turned away: too many logons failed, for {seconds} s more");
        }
    }
}
