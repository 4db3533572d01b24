//! Clients of the network: MS-SCMR over TCP, sealed or not at all ([MS-SCMR] 2.1.1), and who tells its port.

mod accept;
mod gate;
mod guest;
mod mapper;

use std::net::{SocketAddr, TcpListener};

use crate::error::ServeError;
use crate::scm::Listening;
use crate::settings::Network;

pub(crate) use accept::Reception;
pub(crate) use gate::{Failed, Gate, Turned, Visit};
pub(crate) use guest::Guest;

/// Where it is listened.
#[derive(Debug, Default)]
pub(crate) struct Listeners {
    /// For MS-SCMR.
    pub(crate) scmr: Vec<(SocketAddr, TcpListener)>,
    /// For the endpoint mapper.
    pub(crate) mapper: Vec<(SocketAddr, TcpListener)>,
}

impl Listeners {
    /// Listens where the settings say, which has to be at this machine alone unless they say that it need not be.
    pub(crate) fn bind(settings: &Network) -> Result<Self, ServeError> {
        if let (Some(address), []) = (settings.endpoint_mapper.first(), settings.listen.as_slice()) {
            let reason = "an endpoint mapper tells the ports of others, and there is none: say where to listen (listen in scm.toml, --listen)";
            return Err(ServeError::Listen { address: *address, reason: reason.to_owned() });
        }
        let all = |addresses: &[SocketAddr]| {
            addresses.iter().map(|address| bind(*address, settings.allow_network)).collect::<Result<_, _>>()
        };
        Ok(Self { scmr: all(&settings.listen)?, mapper: all(&settings.endpoint_mapper)? })
    }
}

impl Listeners {
    /// The addresses, with the ports that were chosen.
    pub(crate) fn addresses(&self) -> Listening {
        let all =
            |listeners: &[(SocketAddr, TcpListener)]| listeners.iter().map(|(address, _)| *address).collect();
        Listening { scmr: all(&self.scmr), mapper: all(&self.mapper) }
    }
}

fn bind(address: SocketAddr, allow_network: bool) -> Result<(SocketAddr, TcpListener), ServeError> {
    if !allow_network && !is_own(&address) {
        let reason = "other machines reach that; if they are meant to, say so (allow-network = true in scm.toml, --allow-network)";
        return Err(ServeError::Listen { address, reason: reason.to_owned() });
    }
    let failed =
        |error: std::io::Error| ServeError::Listen { address, reason: svckit_os::errno::describe(&error) };
    let listener = TcpListener::bind(address).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    Ok((listener.local_addr().map_err(failed)?, listener))
}

/// Whether only this machine reaches an address.
pub(crate) fn is_own(address: &SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listen(listen: &[&str], mapper: &[&str], allow_network: bool) -> Result<Listeners, String> {
        let all = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
        let settings = Network {
            listen: all(listen),
            endpoint_mapper: all(mapper),
            allow_network,
            ..Network::default()
        };
        Listeners::bind(&settings).map_err(|error| error.to_string())
    }

    #[test]
    fn nobody_else_is_listened_to_without_a_word() {
        assert!(listen(&[], &[], false).unwrap().scmr.is_empty());
        for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
            let error = listen(&[address], &[], false).unwrap_err();
            assert!(error.starts_with(&format!("cannot listen at {address}")), "{error}");
            assert!(error.contains("allow-network"), "{error}");
            assert!(listen(&["127.0.0.1:0"], &[address], false).is_err());
        }
        assert!(listen(&["0.0.0.0:0"], &[], true).is_ok());
    }

    #[test]
    fn the_port_that_was_chosen_is_known() {
        let listeners = listen(&["127.0.0.1:0", "127.0.0.2:0"], &["127.0.0.1:0"], false).unwrap();
        let ports: Vec<u16> =
            listeners.scmr.iter().chain(&listeners.mapper).map(|(at, _)| at.port()).collect();
        assert!(ports.len() == 3 && ports.iter().all(|port| *port != 0), "{ports:?}");
        let taken = format!("127.0.0.1:{}", ports[0]);
        let error = listen(&[&taken], &[], false).unwrap_err();
        assert!(error.starts_with(&format!("cannot listen at {taken}: ")), "{error}");
    }

    #[test]
    fn an_endpoint_mapper_alone_is_a_mistake() {
        let error = listen(&[], &["127.0.0.1:0"], false).unwrap_err();
        assert!(error.contains("--listen"), "{error}");
    }
}
