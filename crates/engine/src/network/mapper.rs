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
    /// Tells the ports of `scmr` to whoever asks.
    pub(crate) async fn map(self: Rc<Self>, listener: TcpListener, scmr: Rc<[SocketAddr]>) {
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => self.show_the_way(stream, peer.ip().to_canonical(), Rc::clone(&scmr)),
                Err(error) => {
                    // Nothing tells when there are descriptors again.
                    tracing::error!("cannot accept a connection to the endpoint mapper: {error}");
                    sleep(RETRY).await;
                }
            }
        }
    }

    fn show_the_way(&self, stream: TcpStream, from: IpAddr, scmr: Rc<[SocketAddr]>) {
        // They count as others do.
        let visit = match self.gate.admit(from, clock::now().tick) {
            Ok(visit) => visit,
            Err(turned) => return super::accept::tell(from, turned),
        };
        let (mut closing, open) = (self.closing.clone(), self.open.clone());
        spawn_local(async move {
            tokio::select! {
                ended = timeout(TIME, answer(stream, &scmr)) => {
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

async fn answer(mut stream: TcpStream, scmr: &[SocketAddr]) -> io::Result<()> {
    let mut mapper = Mapper::of(towers(scmr, stream.local_addr()?.ip().to_canonical()));
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

/// What is told to who came by one of this machine's addresses: where it is listened at that address. Where it isn't, everything that is listened at, but to other machines nothing that only this one reaches.
fn towers(scmr: &[SocketAddr], came_by: IpAddr) -> Vec<Tower> {
    let tower = |listening: &SocketAddr| {
        let address = match listening.ip().to_canonical() {
            // It listens at all addresses: also at that which was reached.
            address if address.is_unspecified() => came_by,
            address => address,
        };
        // A tower has room for an address of IPv4 alone; who has reached the mapper knows a better one.
        let address = if let IpAddr::V4(address) = address { address } else { Ipv4Addr::UNSPECIFIED };
        Tower::of_scm(listening.port(), address)
    };
    let is_there = |listening: &&SocketAddr| match listening.ip().to_canonical() {
        IpAddr::V4(address) if address.is_unspecified() => came_by.is_ipv4(),
        // One of IPv6 takes those of IPv4 too, as far as the system has it so.
        address => address.is_unspecified() || address == came_by,
    };
    let there: Vec<_> = scmr.iter().filter(is_there).map(tower).collect();
    if !there.is_empty() {
        return there;
    }
    let is_reached =
        |listening: &&SocketAddr| came_by.is_loopback() || !listening.ip().to_canonical().is_loopback();
    scmr.iter().filter(is_reached).map(tower).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(scmr: &[&str], came_by: &str) -> Vec<String> {
        let scmr: Vec<SocketAddr> = scmr.iter().map(|text| text.parse().unwrap()).collect();
        let towers = towers(&scmr, came_by.parse().unwrap());
        towers.iter().map(|tower| format!("{}:{}", tower.address, tower.port)).collect()
    }

    #[test]
    fn who_came_by_an_address_is_told_what_listens_there() {
        let all = ["127.0.0.1:1", "192.0.2.1:2", "198.51.100.1:3", "192.0.2.1:4"];
        assert_eq!(told(&all, "192.0.2.1"), ["192.0.2.1:2", "192.0.2.1:4"]);
        assert_eq!(told(&all, "127.0.0.1"), ["127.0.0.1:1"]);
        assert_eq!(told(&["127.0.0.1:1", "0.0.0.0:2"], "192.0.2.1"), ["192.0.2.1:2"]);
        assert_eq!(told(&["0.0.0.0:1", "[::]:2"], "2001:db8::1"), ["0.0.0.0:2"]);
        assert_eq!(told(&["192.0.2.1:1", "[2001:db8::1]:2"], "2001:db8::1"), ["0.0.0.0:2"]);
    }

    #[test]
    fn who_came_by_another_address_is_told_all_that_it_may_reach() {
        let all = ["127.0.0.1:1", "192.0.2.1:2", "198.51.100.1:3"];
        assert_eq!(told(&all, "203.0.113.1"), ["192.0.2.1:2", "198.51.100.1:3"]);
        assert_eq!(told(&all, "127.0.0.2"), ["127.0.0.1:1", "192.0.2.1:2", "198.51.100.1:3"]);
        assert_eq!(told(&["127.0.0.1:1"], "192.0.2.1"), [""; 0]);
    }
}
