//! Trigger events: what starts and stops a service besides people and the start of the system.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::open::open_value;

mod check;
mod endpoint;
mod pace;
mod text;

pub use check::{Wrong, check, check_sizes};
pub use endpoint::{Endpoint, EndpointError, Raised};
pub use pace::Pace;
pub use text::{TriggerTextError, bytes, keywords};

/// How many triggers a service has at most ([MS-SCMR] 2.2.54 `cTriggers`).
pub const MAX_TRIGGERS: usize = 64;
/// How many data items a trigger has at most ([MS-SCMR] 2.2.53 `cDataItems`).
pub const MAX_DATA_ITEMS: usize = 64;
/// How many bytes a data item has at most ([MS-SCMR] 2.2.52 `cbData`).
pub const MAX_DATA: usize = 1024;

/// A trigger of a service (`SERVICE_TRIGGER`, [MS-SCMR] 2.2.53).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trigger {
    /// `dwTriggerType`: the kind of event.
    pub kind: TriggerType,
    /// `dwAction`: what is done when it happens.
    pub action: TriggerAction,
    /// `pTriggerSubtype`: which event of the kind, or whose; all zeros where the system tells none.
    pub subtype: Guid,
    /// `pDataItems`: what narrows the event down; at most [`MAX_DATA_ITEMS`].
    pub data: Vec<TriggerData>,
}

/// What narrows the event of a trigger down (`SERVICE_TRIGGER_SPECIFIC_DATA_ITEM`, [MS-SCMR] 2.2.52).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TriggerData {
    /// `dwDataType`: how the bytes are to be read.
    pub kind: TriggerDataType,
    /// `pData`: the bytes, at most [`MAX_DATA`].
    pub data: Vec<u8>,
}

open_value! {
    /// `dwTriggerType` ([MS-SCMR] 2.2.53); the last ones only in the service API.
    TriggerType {
        /// A device of the interface class [`Trigger::subtype`] comes, or is there when the system starts. The data are hardware and
        /// compatible ids, of which one has to match.
        DEVICE_INTERFACE_ARRIVAL = 1 => "TRIGGER_TYPE_DEVICE_INTERFACE_ARRIVAL",
        /// The first IP address comes ([`Guid::FIRST_IP_ADDRESS_ARRIVAL`]) or the last one goes ([`Guid::LAST_IP_ADDRESS_REMOVAL`]).
        IP_ADDRESS_AVAILABILITY = 2 => "TRIGGER_TYPE_IP_ADDRESS_AVAILABILITY",
        /// The machine joins a domain ([`Guid::DOMAIN_JOIN`]) or leaves it ([`Guid::DOMAIN_LEAVE`]).
        DOMAIN_JOIN = 3 => "TRIGGER_TYPE_DOMAIN_JOIN",
        /// A port of the firewall is opened ([`Guid::FIREWALL_PORT_OPEN`]), or was closed a minute ago ([`Guid::FIREWALL_PORT_CLOSE`]). The
        /// data are port, protocol, program and service.
        FIREWALL_PORT_EVENT = 4 => "TRIGGER_TYPE_FIREWALL_PORT_EVENT",
        /// The policy of the machine ([`Guid::MACHINE_POLICY_PRESENT`]) or of a user ([`Guid::USER_POLICY_PRESENT`]) changes.
        GROUP_POLICY = 5 => "TRIGGER_TYPE_GROUP_POLICY",
        /// Somebody connects to an RPC interface ([`Guid::RPC_INTERFACE_EVENT`]) or a named pipe ([`Guid::NAMED_PIPE_EVENT`]), which the
        /// data name.
        NETWORK_ENDPOINT = 6 => "TRIGGER_TYPE_NETWORK_ENDPOINT",
        /// A state of the system changes, which the data name.
        CUSTOM_SYSTEM_STATE_CHANGE = 7 => "TRIGGER_TYPE_CUSTOM_SYSTEM_STATE_CHANGE",
        /// The event provider [`Trigger::subtype`] writes an event for tracing; the data are the provider's.
        CUSTOM = 20 => "TRIGGER_TYPE_CUSTOM",
        /// Several triggers together.
        AGGREGATE = 30 => "TRIGGER_TYPE_AGGREGATE",
    }
}

open_value! {
    /// `dwAction` ([MS-SCMR] 2.2.53).
    TriggerAction {
        /// The service is started.
        SERVICE_START = 1 => "TRIGGER_ACTION_SERVICE_START",
        /// The service is stopped.
        SERVICE_STOP = 2 => "TRIGGER_ACTION_SERVICE_STOP",
    }
}

open_value! {
    /// `dwDataType` ([MS-SCMR] 2.2.52); the last three only in the service API.
    TriggerDataType {
        /// Bytes.
        BINARY = 1 => "TRIGGER_DATA_TYPE_BINARY",
        /// UTF-16, least byte first: a string that ends with NUL, or several and an empty one.
        STRING = 2 => "TRIGGER_DATA_TYPE_STRING",
        /// A level of events for tracing: one byte.
        LEVEL = 3 => "TRIGGER_DATA_TYPE_LEVEL",
        /// Keywords of events, of which one has to match: 64 bits, least byte first.
        KEYWORD_ANY = 4 => "TRIGGER_DATA_TYPE_KEYWORD_ANY",
        /// Keywords of events, which have to match all: 64 bits, least byte first.
        KEYWORD_ALL = 5 => "TRIGGER_DATA_TYPE_KEYWORD_ALL",
    }
}

impl TriggerData {
    /// Data of strings; one is ended by NUL, several by an empty one as well.
    pub fn strings(texts: &[&str]) -> Self {
        let mut units: Vec<u16> = texts.iter().flat_map(|text| text.encode_utf16().chain([0])).collect();
        if texts.len() != 1 {
            units.push(0);
        }
        Self { kind: TriggerDataType::STRING, data: units.into_iter().flat_map(u16::to_le_bytes).collect() }
    }

    /// The strings in data of that kind, without the empty ones at the end; `None` for data of another kind.
    pub fn to_strings(&self) -> Option<Vec<String>> {
        if self.kind != TriggerDataType::STRING {
            return None;
        }
        let (pairs, _) = self.data.as_chunks();
        let units: Vec<u16> = pairs.iter().map(|pair| u16::from_le_bytes(*pair)).collect();
        let mut texts: Vec<String> = units.split(|unit| *unit == 0).map(String::from_utf16_lossy).collect();
        while texts.last().is_some_and(String::is_empty) {
            texts.pop();
        }
        Some(texts)
    }
}

/// A globally unique identifier ([MS-DTYP] 2.3.4), as the number that its text form is without the hyphens.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Guid(pub u128);

/// Why a text is no [`Guid`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a GUID has 32 hexadecimal digits in groups of 8, 4, 4, 4 and 12 with hyphens between them")]
pub struct GuidError;

/// The events that [MS-SCMR] 2.2.53 names.
impl Guid {
    /// `NETWORK_MANAGER_FIRST_IP_ADDRESS_ARRIVAL_GUID`: the machine has an IP address and had none before.
    pub const FIRST_IP_ADDRESS_ARRIVAL: Self = Self(0x4f27_f2de_14e2_430b_a549_7cd4_8cbc_8245);
    /// `NETWORK_MANAGER_LAST_IP_ADDRESS_REMOVAL_GUID`: the machine has no IP address any more.
    pub const LAST_IP_ADDRESS_REMOVAL: Self = Self(0xcc4b_a62a_162e_4648_847a_b6bd_f993_e335);
    /// `DOMAIN_JOIN_GUID`: the machine joins a domain.
    pub const DOMAIN_JOIN: Self = Self(0x1ce2_0aba_9851_4421_9430_1dde_b766_e809);
    /// `DOMAIN_LEAVE_GUID`: the machine leaves its domain.
    pub const DOMAIN_LEAVE: Self = Self(0xddaf_516e_58c2_4866_9574_c3b6_15d4_2ea1);
    /// `FIREWALL_PORT_OPEN_GUID`: a port of the firewall is opened.
    pub const FIREWALL_PORT_OPEN: Self = Self(0xb756_9e07_8421_4ee0_ad10_8691_5afd_ad09);
    /// `FIREWALL_PORT_CLOSE_GUID`: a port of the firewall is closed.
    pub const FIREWALL_PORT_CLOSE: Self = Self(0xa144_ed38_8e12_4de4_9d96_e647_40b1_a524);
    /// `MACHINE_POLICY_PRESENT_GUID`: the policy of the machine changes.
    pub const MACHINE_POLICY_PRESENT: Self = Self(0x659f_cae6_5bdb_4da9_b1ff_ca2a_178d_46e0);
    /// `USER_POLICY_PRESENT_GUID`: the policy of a user changes.
    pub const USER_POLICY_PRESENT: Self = Self(0x54fb_46c8_f089_464c_b1fd_59d1_b62c_3b50);
    /// `RPC_INTERFACE_EVENT_GUID`: somebody looks for an RPC interface.
    pub const RPC_INTERFACE_EVENT: Self = Self(0xbc90_d167_9470_4139_a9ba_be0b_bbf5_b74d);
    /// `NAMED_PIPE_EVENT_GUID`: somebody connects to a named pipe.
    pub const NAMED_PIPE_EVENT: Self = Self(0x1f81_d131_3fac_4537_9e0c_7e7b_0c2f_4b55);
}

/// Where the hyphens of the text form are.
const HYPHENS: [usize; 4] = [8, 13, 18, 23];
/// The length of the text form.
const LENGTH: usize = 36;

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = format!("{:032x}", self.0);
        for place in HYPHENS {
            text.insert(place, '-');
        }
        f.pad(&text)
    }
}

impl fmt::Debug for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// With or without braces around it, in either case.
impl FromStr for Guid {
    type Err = GuidError;
    fn from_str(text: &str) -> Result<Self, GuidError> {
        let bare = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')).unwrap_or(text);
        if bare.len() != LENGTH {
            return Err(GuidError);
        }
        let mut number = 0;
        for (place, c) in bare.chars().enumerate() {
            match (HYPHENS.contains(&place), c.to_digit(16)) {
                (true, None) if c == '-' => {}
                (false, Some(digit)) => number = number << 4 | u128::from(digit),
                _ => return Err(GuidError),
            }
        }
        Ok(Self(number))
    }
}

impl TryFrom<String> for Guid {
    type Error = GuidError;
    fn try_from(text: String) -> Result<Self, GuidError> {
        text.parse()
    }
}

impl From<Guid> for String {
    fn from(guid: Guid) -> Self {
        guid.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_guid_has_its_usual_text() {
        let text = "53f56307-b6bf-11d0-94f2-00a0c91efb8b";
        let guid = Guid(0x53f5_6307_b6bf_11d0_94f2_00a0_c91e_fb8b);
        assert_eq!(guid.to_string(), text);
        for written in [text.to_owned(), text.to_uppercase(), format!("{{{text}}}")] {
            assert_eq!(written.parse(), Ok(guid), "{written}");
        }
        assert_eq!(serde_json::to_string(&guid).unwrap(), format!("{text:?}"));
        assert_eq!(serde_json::from_str::<Guid>(&format!("{text:?}")).unwrap(), guid);
        assert_eq!(Guid::default().to_string(), "00000000-0000-0000-0000-000000000000");
    }

    #[test]
    fn what_is_no_guid_is_refused() {
        for text in [
            "",
            "{}",
            "53f56307-b6bf-11d0-94f2-00a0c91efb8",
            "53f56307-b6bf-11d0-94f2-00a0c91efb8b0",
            "{53f56307-b6bf-11d0-94f2-00a0c91efb8b",
            "53f56307b6bf-11d0-94f2-00a0c91efb8b-",
            "53f56307-b6bf-11d0-94f2-00a0c91efb8g",
            "+3f56307-b6bf-11d0-94f2-00a0c91efb8b",
            "\u{20ac}\u{20ac}\u{20ac}\u{20ac}\u{20ac}\u{20ac}\u{20ac}\u{20ac}\u{20ac}\u{20ac}\u{20ac}\u{20ac}",
        ] {
            assert_eq!(text.parse::<Guid>(), Err(GuidError), "{text}");
        }
    }

    proptest! {
        #[test]
        fn guids_round_trip(number in any::<u128>()) {
            prop_assert_eq!(Guid(number).to_string().parse(), Ok(Guid(number)));
        }

        #[test]
        fn arbitrary_texts_are_guids_or_not(text in "[-{}0-9a-f\u{e9}]{0,40}") {
            let _ = text.parse::<Guid>();
        }
    }

    #[test]
    fn strings_in_data_come_back() {
        for texts in [&["USBSTOR\\GenDisk"][..], &["5001", "UDP", "%windir%\\\u{20ac}\u{1F600}.exe"], &[]] {
            assert_eq!(TriggerData::strings(texts).to_strings().unwrap(), texts);
        }
        assert_eq!(TriggerData::strings(&["a"]).data, [b'a', 0, 0, 0]);
        assert_eq!(TriggerData::strings(&["a", "b"]).data, [b'a', 0, 0, 0, b'b', 0, 0, 0, 0, 0]);
        let binary = TriggerData { kind: TriggerDataType::BINARY, data: vec![b'a', 0] };
        assert_eq!(binary.to_strings(), None);
        let odd = TriggerData { kind: TriggerDataType::STRING, data: vec![b'a', 0, 7] };
        assert_eq!(odd.to_strings().unwrap(), ["a"]);
    }

    #[test]
    fn unknown_values_survive() {
        let trigger = Trigger {
            kind: TriggerType(99),
            action: TriggerAction(3),
            subtype: Guid(1),
            data: vec![TriggerData { kind: TriggerDataType(0xFFFF), data: vec![0, 255] }],
        };
        let text = serde_json::to_string(&trigger).unwrap();
        assert_eq!(serde_json::from_str::<Trigger>(&text).unwrap(), trigger);
        assert_eq!((trigger.kind.to_string(), trigger.action.to_string()), ("0x63".into(), "0x3".into()));
    }
}
