//! The endpoint mapper as a service: whoever asks is told the port. Nobody has to show who he is for that, so nobody gets much time, many bytes, or anything else.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use svckit_os::clock;
use svckit_scmr::mapper::{Mapper, Tower};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::spawn_local;
use tokio::time::{sleep, timeout};

use super::Reception;
use crate::serve::RETRY;

/// How long somebody has for all its questions.
const TIME: Duration = Duration::from_secs(10);

/// How many bytes it may say; a question is less than three hundred.
const BYTES: usize = 4096;

impl Reception {
    /// Tells the port of `scmr` to whoever asks.
    pub(crate) async fn map(self: Rc<Self>, listener: TcpListener, scmr: SocketAddr) {
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => self.show_the_way(stream, peer.ip().to_canonical(), scmr),
                Err(error) => {
                    // Nothing tells when there are descriptors again.
                    tracing::error!("cannot accept a connection to the endpoint mapper: {error}");
                    sleep(RETRY).await;
                }
            }
        }
    }

    fn show_the_way(&self, stream: TcpStream, from: IpAddr, scmr: SocketAddr) {
        // They count as others do.
        let visit = match self.gate.admit(from, clock::now().tick) {
            Ok(visit) => visit,
            Err(turned) => return super::accept::tell(from, turned),
        };
        let (mut closing, open) = (self.closing.clone(), self.open.clone());
        spawn_local(async move {
            tokio::select! {
                ended = timeout(TIME, answer(stream, scmr)) => {
                    if let Ok(Err(error)) = ended {
                        tracing::debug!("a question from {from} to the endpoint mapper was not answered: {error}");
                    }
                }
                _ = closing.changed() => {}
            }
            drop((visit, open));
        });
    }
}

async fn answer(mut stream: TcpStream, scmr: SocketAddr) -> io::Result<()> {
    let address = match (scmr.ip(), stream.local_addr()?.ip().to_canonical()) {
        (IpAddr::V4(address), _) if !address.is_unspecified() => address,
        // It listens at all addresses: also at that which was reached.
        (_, IpAddr::V4(address)) => address,
        _ => Ipv4Addr::UNSPECIFIED,
    };
    let mut mapper = Mapper::new(Tower::of_scm(scmr.port(), address));
    let (mut buffer, mut heard) = ([0; 1024], 0);
    loop {
        let length = stream.read(&mut buffer).await?;
        heard += length;
        if length == 0 || heard > BYTES {
            return Ok(());
        }
        let output = mapper.receive(&buffer[..length]);
        let output = output.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))?;
        stream.write_all(&output).await?;
    }
}
