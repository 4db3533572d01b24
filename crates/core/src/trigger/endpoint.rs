//! Triggers that the built-in service control manager carries out: connections, and events that somebody raises.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Guid, Trigger, TriggerAction, TriggerData, TriggerDataType, TriggerType};

/// Where a connection starts a service.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Endpoint {
    /// A TCP port of this machine.
    Tcp(SocketAddr),
    /// A Unix socket.
    Unix(PathBuf),
}

/// Why a text is no address to listen at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a TCP endpoint is PORT (of this machine only), ADDRESS:PORT, or [ADDRESS]:PORT, with a port from 1 to 65535"
)]
pub struct EndpointError;

impl Endpoint {
    /// Reads where to listen on TCP. A port alone, and `localhost`, is that of the loopback address: nothing listens on the network unless an
    /// address says so.
    pub fn tcp(text: &str) -> Result<Self, EndpointError> {
        let loopback =
            |port: &str| Some(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port.parse().ok()?));
        let address = match text.strip_prefix("localhost:") {
            Some(port) => loopback(port),
            None if text.contains(':') => SocketAddr::from_str(text).ok(),
            None => loopback(text),
        };
        address.filter(|address| address.port() != 0).map(Self::Tcp).ok_or(EndpointError)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "{address}"),
            Self::Unix(path) => write!(f, "{}", path.display()),
        }
    }
}

impl Guid {
    /// The provider of triggers for connections to a TCP port, for which Windows has no type: `TRIGGER_TYPE_CUSTOM` with the address as a string.
    pub const TCP_CONNECTION: Self = Self(0x9f0f_1c5a_3f7e_4d0c_a8a7_5d0a_6c1e_b2d4);
}

impl Trigger {
    /// A trigger that starts a service when somebody connects to a TCP port.
    pub fn tcp(address: &str) -> Self {
        Self {
            kind: TriggerType::CUSTOM,
            action: TriggerAction::SERVICE_START,
            subtype: Guid::TCP_CONNECTION,
            data: vec![TriggerData::strings(&[address])],
        }
    }

    /// What the first of the data says, if it is a string.
    fn text(&self) -> Option<String> {
        self.data.first()?.to_strings()?.into_iter().next()
    }

    /// Whether it is about connections to a TCP port.
    pub(super) fn is_tcp(&self) -> bool {
        (self.kind, self.subtype) == (TriggerType::CUSTOM, Guid::TCP_CONNECTION)
    }

    /// Where a connection starts the service; `None` if it is started by something else. A named pipe is a Unix socket if its name is an absolute
    /// path.
    pub fn endpoint(&self) -> Option<Endpoint> {
        if self.action != TriggerAction::SERVICE_START {
            return None;
        }
        if self.is_tcp() {
            return Endpoint::tcp(&self.text()?).ok();
        }
        let pipe = (self.kind, self.subtype) == (TriggerType::NETWORK_ENDPOINT, Guid::NAMED_PIPE_EVENT);
        let path = self.text().filter(|text| pipe && Path::new(text).has_root() && text.starts_with('/'))?;
        Some(Endpoint::Unix(path.into()))
    }

    /// Whether the built-in service control manager does something because of it.
    pub fn is_carried_out(&self) -> bool {
        self.endpoint().is_some() || (self.kind == TriggerType::CUSTOM && !self.is_tcp())
    }
}

/// An event of a provider, raised by whoever wants services to react.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Raised {
    /// The provider.
    pub provider: Guid,
    /// What it tells.
    pub data: Vec<u8>,
    /// How serious it is, as events for tracing have it: 1 (critical) to 5 (verbose); 0 always counts.
    pub level: u8,
    /// Its keywords; none at all match any.
    pub keywords: u64,
}

impl Raised {
    /// Whether a trigger is about this event. Of its data, those of each type narrow it down: bytes and strings if one of them is what the event
    /// tells, a level if the event is as serious, keywords as their type says.
    pub fn matches(&self, trigger: &Trigger) -> bool {
        let plain = |kind| matches!(kind, TriggerDataType::BINARY | TriggerDataType::STRING);
        let mut payloads = trigger.data.iter().filter(|item| plain(item.kind)).peekable();
        (trigger.kind, trigger.subtype) == (TriggerType::CUSTOM, self.provider)
            && !trigger.is_tcp()
            && (payloads.peek().is_none() || payloads.any(|item| item.data == self.data))
            && trigger.data.iter().all(|item| self.passes(item))
    }

    fn passes(&self, item: &TriggerData) -> bool {
        let number = item.data.iter().rfold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        match item.kind {
            TriggerDataType::LEVEL => u64::from(self.level) <= number,
            TriggerDataType::KEYWORD_ANY => self.keywords == 0 || self.keywords & number != 0,
            TriggerDataType::KEYWORD_ALL => self.keywords == 0 || self.keywords & number == number,
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_alone_is_of_this_machine_only() {
        for (text, expected) in [
            ("8080", "127.0.0.1:8080"),
            ("localhost:80", "127.0.0.1:80"),
            ("0.0.0.0:65535", "0.0.0.0:65535"),
            ("[::1]:443", "[::1]:443"),
        ] {
            assert_eq!(Endpoint::tcp(text).unwrap().to_string(), expected);
            assert_eq!(Trigger::tcp(text).endpoint(), Some(Endpoint::tcp(text).unwrap()));
        }
        for text in
            ["", "0", "65536", "web:80", "::1:80", "1.2.3.4", "localhost", "localhost:0", ":80", "80 "]
        {
            assert_eq!(Endpoint::tcp(text), Err(EndpointError), "{text}");
        }
    }

    #[test]
    fn which_triggers_are_carried_out() {
        let pipe = |name: &str| Trigger {
            kind: TriggerType::NETWORK_ENDPOINT,
            subtype: Guid::NAMED_PIPE_EVENT,
            data: vec![TriggerData::strings(&[name])],
            ..Trigger::tcp("1")
        };
        assert_eq!(pipe("/run/x").endpoint(), Some(Endpoint::Unix("/run/x".into())));
        for (trigger, expected) in [
            (Trigger::tcp("1"), true),
            (Trigger { action: TriggerAction::SERVICE_STOP, ..Trigger::tcp("1") }, false),
            (pipe("/run/x"), true),
            (pipe("x"), false),
            (pipe(r"\x"), false),
            (Trigger { subtype: Guid::RPC_INTERFACE_EVENT, ..pipe("/run/x") }, false),
            (Trigger { subtype: Guid(1), ..Trigger::tcp("1") }, true),
            (Trigger { subtype: Guid(1), action: TriggerAction::SERVICE_STOP, ..Trigger::tcp("1") }, true),
            (
                Trigger { kind: TriggerType::DOMAIN_JOIN, subtype: Guid::DOMAIN_JOIN, ..Trigger::tcp("1") },
                false,
            ),
        ] {
            assert_eq!(trigger.is_carried_out(), expected, "{trigger:?}");
        }
    }

    #[test]
    fn an_event_matches_what_is_about_it() {
        let item = |kind, data: &[u8]| TriggerData { kind, data: data.to_vec() };
        let trigger = |data: &[TriggerData]| Trigger {
            kind: TriggerType::CUSTOM,
            action: TriggerAction::SERVICE_STOP,
            subtype: Guid(1),
            data: data.to_vec(),
        };
        let raised = Raised { provider: Guid(1), data: b"x".to_vec(), level: 3, keywords: 0b110 };
        let (binary, level) = (TriggerDataType::BINARY, TriggerDataType::LEVEL);
        let (any, all) = (TriggerDataType::KEYWORD_ANY, TriggerDataType::KEYWORD_ALL);
        let bits = |number: u64| number.to_le_bytes();
        for (data, expected) in [
            (vec![], true),
            (vec![item(binary, b"x")], true),
            (vec![item(binary, b"y")], false),
            (vec![item(binary, b"y"), item(binary, b"x")], true),
            (vec![item(level, &[3])], true),
            (vec![item(level, &[2])], false),
            (vec![item(any, &bits(0b011))], true),
            (vec![item(any, &bits(0b001))], false),
            (vec![item(all, &bits(0b110))], true),
            (vec![item(all, &bits(0b111))], false),
            (vec![item(binary, b"x"), item(level, &[1])], false),
        ] {
            assert_eq!(raised.matches(&trigger(&data)), expected, "{data:?}");
        }
        let other = Raised { provider: Guid(2), ..raised.clone() };
        assert!(!other.matches(&trigger(&[])));
        let forged = Raised { provider: Guid::TCP_CONNECTION, ..raised };
        assert!(!forged.matches(&Trigger::tcp("1")));
    }
}
