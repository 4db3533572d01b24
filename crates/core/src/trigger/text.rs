//! Triggers as text, in the words of `sc triggerinfo`: `start/domainjoin`, `start/portopen/80;TCP`.

use std::str::FromStr;

use super::{
    Endpoint, Guid, GuidError, MAX_DATA, Trigger, TriggerAction, TriggerData, TriggerDataType, TriggerType,
    check,
};

/// Why a text is no trigger.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TriggerTextError(String);

/// Events without data, and which action goes with them.
const PLAIN: &[(&str, TriggerAction, TriggerType, Guid)] = &[
    (
        "networkon",
        TriggerAction::SERVICE_START,
        TriggerType::IP_ADDRESS_AVAILABILITY,
        Guid::FIRST_IP_ADDRESS_ARRIVAL,
    ),
    (
        "networkoff",
        TriggerAction::SERVICE_STOP,
        TriggerType::IP_ADDRESS_AVAILABILITY,
        Guid::LAST_IP_ADDRESS_REMOVAL,
    ),
    ("domainjoin", TriggerAction::SERVICE_START, TriggerType::DOMAIN_JOIN, Guid::DOMAIN_JOIN),
    ("domainleave", TriggerAction::SERVICE_STOP, TriggerType::DOMAIN_JOIN, Guid::DOMAIN_LEAVE),
    ("machinepolicy", TriggerAction::SERVICE_START, TriggerType::GROUP_POLICY, Guid::MACHINE_POLICY_PRESENT),
    ("userpolicy", TriggerAction::SERVICE_START, TriggerType::GROUP_POLICY, Guid::USER_POLICY_PRESENT),
];

impl FromStr for Trigger {
    type Err = TriggerTextError;
    fn from_str(text: &str) -> Result<Self, TriggerTextError> {
        let trigger = one(text).map_err(TriggerTextError)?;
        if trigger.data.iter().any(|item| item.data.len() > MAX_DATA) {
            return Err(TriggerTextError(check::Wrong::Data.to_string()));
        }
        Ok(trigger)
    }
}

impl Trigger {
    /// The text that is read as this trigger; `None` if there is none.
    pub fn to_text(&self) -> Option<String> {
        let verb = match self.action {
            TriggerAction::SERVICE_START => "start",
            TriggerAction::SERVICE_STOP => "stop",
            _ => return None,
        };
        let text = format!("{verb}/{}", self.event_text()?);
        text.parse().is_ok_and(|read: Self| read == *self).then_some(text)
    }

    fn event_text(&self) -> Option<String> {
        let plain = |(_, action, kind, subtype): &&(&str, TriggerAction, TriggerType, Guid)| {
            (*action, *kind, *subtype) == (self.action, self.kind, self.subtype)
        };
        if let Some((name, ..)) = PLAIN.iter().find(plain) {
            return Some((*name).to_owned());
        }
        let first = || self.data.first()?.to_strings();
        Some(match (self.kind, self.subtype) {
            (TriggerType::DEVICE_INTERFACE_ARRIVAL, class) => {
                let ids = self
                    .data
                    .iter()
                    .map(|item| item.to_strings().map(|texts| format!("/{}", texts.concat())));
                format!("device/{class}{}", ids.collect::<Option<String>>()?)
            }
            (TriggerType::FIREWALL_PORT_EVENT, Guid::FIREWALL_PORT_OPEN) => {
                format!("portopen/{}", first()?.join(";"))
            }
            (TriggerType::FIREWALL_PORT_EVENT, _) => format!("portclose/{}", first()?.join(";")),
            (TriggerType::NETWORK_ENDPOINT, Guid::RPC_INTERFACE_EVENT) => {
                format!("rpcinterface/{}", first()?.concat())
            }
            (TriggerType::NETWORK_ENDPOINT, _) => format!("namedpipe/{}", first()?.concat()),
            (TriggerType::CUSTOM, Guid::TCP_CONNECTION) => format!("tcp/{}", first()?.concat()),
            (TriggerType::CUSTOM, provider) => custom_text(provider, &self.data)?,
            _ => return None,
        })
    }
}

fn custom_text(provider: Guid, data: &[TriggerData]) -> Option<String> {
    let [item] = data else { return data.is_empty().then(|| format!("custom/{provider}")) };
    let number = || item.data.iter().rfold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    let (event, value) = match item.kind {
        TriggerDataType::BINARY => ("custom", item.data.iter().map(|byte| format!("{byte:02x}")).collect()),
        TriggerDataType::STRING => ("strcustom", item.to_strings()?.concat()),
        TriggerDataType::LEVEL => ("lvlcustom", format!("{:x}", number())),
        TriggerDataType::KEYWORD_ANY => ("kwanycustom", format!("{:x}", number())),
        TriggerDataType::KEYWORD_ALL => ("kwallcustom", format!("{:x}", number())),
        _ => return None,
    };
    Some(format!("{event}/{provider}/{value}"))
}

fn one(text: &str) -> Result<Trigger, String> {
    let mut parts = text.split('/');
    let action = match parts.next().map(str::to_ascii_lowercase).as_deref() {
        Some("start") => TriggerAction::SERVICE_START,
        Some("stop") => TriggerAction::SERVICE_STOP,
        _ => return Err("it begins with start/ or stop/".to_owned()),
    };
    let event = parts.next().unwrap_or_default().to_ascii_lowercase();
    let parts: Vec<_> = parts.collect();
    let plain = PLAIN.iter().find(|(name, ..)| *name == event);
    let trigger = match (plain, &*event) {
        (Some((_, only, kind, subtype)), _) => {
            fits(action, *only)?;
            if !parts.is_empty() {
                return Err(format!("nothing follows {event}"));
            }
            return Ok(Trigger { kind: *kind, action, subtype: *subtype, data: Vec::new() });
        }
        (None, "device") => {
            fits(action, TriggerAction::SERVICE_START)?;
            let (class, ids) = parts.split_first().ok_or("the GUID of the device class is missing")?;
            let data = ids.iter().map(|id| TriggerData::strings(&[id])).collect();
            (TriggerType::DEVICE_INTERFACE_ARRIVAL, guid(class)?, data)
        }
        (None, "portopen" | "portclose") => {
            let (only, subtype) = match &*event {
                "portopen" => (TriggerAction::SERVICE_START, Guid::FIREWALL_PORT_OPEN),
                _ => (TriggerAction::SERVICE_STOP, Guid::FIREWALL_PORT_CLOSE),
            };
            fits(action, only)?;
            // The path of the program may hold the separator of all else.
            let all = parts.join("/");
            let texts: Vec<_> = all.split(';').collect();
            if texts[0].parse::<u16>().is_err() && !texts[0].eq_ignore_ascii_case("rpc") {
                return Err("a port is a number of at most 65535".to_owned());
            }
            (TriggerType::FIREWALL_PORT_EVENT, subtype, vec![TriggerData::strings(&texts)])
        }
        (None, "rpcinterface") => {
            fits(action, TriggerAction::SERVICE_START)?;
            let interface = guid(only(&parts, "the UUID of the interface")?)?.to_string();
            let data = vec![TriggerData::strings(&[&interface])];
            (TriggerType::NETWORK_ENDPOINT, Guid::RPC_INTERFACE_EVENT, data)
        }
        (None, "namedpipe") => {
            fits(action, TriggerAction::SERVICE_START)?;
            // Elsewhere than on Windows it is a path.
            let name = parts.join("/");
            let data = vec![TriggerData::strings(&[only(&[&name], "the name of the pipe")?])];
            (TriggerType::NETWORK_ENDPOINT, Guid::NAMED_PIPE_EVENT, data)
        }
        (None, "tcp") => {
            fits(action, TriggerAction::SERVICE_START)?;
            let address = only(&parts, "the port")?;
            Endpoint::tcp(address).map_err(|error| error.to_string())?;
            return Ok(Trigger::tcp(address));
        }
        (None, event) => custom(event, &parts)?,
    };
    let (kind, subtype, data) = trigger;
    Ok(Trigger { kind, action, subtype, data })
}

/// An event of a provider, with or without what narrows it down.
fn custom(event: &str, parts: &[&str]) -> Result<(TriggerType, Guid, Vec<TriggerData>), String> {
    let kind = match event {
        "custom" => TriggerDataType::BINARY,
        "strcustom" => TriggerDataType::STRING,
        "lvlcustom" => TriggerDataType::LEVEL,
        "kwanycustom" => TriggerDataType::KEYWORD_ANY,
        "kwallcustom" => TriggerDataType::KEYWORD_ALL,
        _ => return Err(format!("{event:?} is no event")),
    };
    let (provider, data) = parts.split_first().ok_or("the GUID of the event provider is missing")?;
    let text = data.join("/");
    let data = match kind {
        _ if text.is_empty() => Vec::new(),
        TriggerDataType::STRING => vec![TriggerData::strings(&[&text])],
        TriggerDataType::BINARY => vec![TriggerData { kind, data: bytes(&text)? }],
        TriggerDataType::LEVEL => {
            let level = u8::try_from(keywords(&text)?).map_err(|_| "a level is at most ff")?;
            vec![TriggerData { kind, data: vec![level] }]
        }
        _ => vec![TriggerData { kind, data: keywords(&text)?.to_le_bytes().to_vec() }],
    };
    Ok((TriggerType::CUSTOM, guid(provider)?, data))
}

fn fits(action: TriggerAction, only: TriggerAction) -> Result<(), String> {
    let name = if only == TriggerAction::SERVICE_START { "start" } else { "stop" };
    if action == only { Ok(()) } else { Err(format!("this event goes with {name}/ only")) }
}

fn only<'a>(parts: &[&'a str], what: &str) -> Result<&'a str, String> {
    match parts {
        [one] if !one.is_empty() => Ok(one),
        [] | [_] => Err(format!("{what} is missing")),
        _ => Err(format!("nothing follows {what}")),
    }
}

fn guid(text: &str) -> Result<Guid, String> {
    text.parse().map_err(|error: GuidError| error.to_string())
}

/// Reads keywords of an event: a hexadecimal number, with or without `0x`.
pub fn keywords(text: &str) -> Result<u64, String> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    let is_number = digits.chars().all(|c| c.is_ascii_hexdigit());
    let number = u64::from_str_radix(digits, 16).ok().filter(|_| is_number);
    number.ok_or_else(|| format!("{text:?} is no hexadecimal number of at most 64 bits"))
}

/// Reads bytes of two hexadecimal digits each.
pub fn bytes(text: &str) -> Result<Vec<u8>, String> {
    let wrong = || format!("{text:?} is not bytes of two hexadecimal digits each");
    if !text.len().is_multiple_of(2) || !text.chars().all(|c| c.is_ascii_hexdigit()) {
        return Err(wrong());
    }
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).map_err(|_| wrong()))
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CLASS: &str = "53f56307-b6bf-11d0-94f2-00a0c91efb8b";

    #[test]
    fn texts_come_back_as_they_are_written() {
        for text in [
            "start/networkon".to_owned(),
            "stop/domainleave".to_owned(),
            "start/portopen/80;TCP;C:/x/web.exe;web".to_owned(),
            "stop/portclose/rpc".to_owned(),
            format!("start/device/{CLASS}"),
            format!("start/device/{CLASS}/USBSTOR\\GenDisk/other"),
            format!("start/rpcinterface/{CLASS}"),
            "start/namedpipe/web".to_owned(),
            "start/namedpipe//run/web.sock".to_owned(),
            "start/tcp/8080".to_owned(),
            "start/tcp/[::1]:8080".to_owned(),
            format!("start/custom/{CLASS}"),
            format!("stop/custom/{CLASS}/00ff"),
            format!("start/strcustom/{CLASS}/a/b"),
            format!("stop/lvlcustom/{CLASS}/4"),
            format!("start/kwanycustom/{CLASS}/8000000000000201"),
            format!("start/kwallcustom/{CLASS}/1"),
        ] {
            let trigger: Trigger = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(trigger.to_text(), Some(text));
        }
    }

    #[test]
    fn what_has_no_text_is_told() {
        let custom: Trigger = format!("start/custom/{CLASS}/00").parse().unwrap();
        let item = custom.data[0].clone();
        for trigger in [
            Trigger { action: TriggerAction(3), ..custom.clone() },
            Trigger { kind: TriggerType(99), ..custom.clone() },
            Trigger { kind: TriggerType::AGGREGATE, ..custom.clone() },
            Trigger { data: vec![item.clone(), item], ..custom.clone() },
            Trigger {
                data: vec![TriggerData { kind: TriggerDataType(9), data: Vec::new() }],
                ..custom.clone()
            },
            Trigger { data: vec![TriggerData::strings(&["a", "b"])], ..custom.clone() },
            Trigger { kind: TriggerType::DOMAIN_JOIN, subtype: Guid::DOMAIN_JOIN, ..custom },
        ] {
            assert_eq!(trigger.to_text(), None, "{trigger:?}");
        }
        assert!("start/tcp/web:80".parse::<Trigger>().is_err());
        assert!(format!("start/strcustom/{CLASS}/{}", "x".repeat(600)).parse::<Trigger>().is_err());
    }

    proptest! {
        #[test]
        fn any_trigger_has_a_text_that_means_it_or_none(
            kind in prop::sample::select(&[1, 2, 3, 4, 5, 6, 20, 21][..]), action in 1_u32..4,
            subtype in prop::sample::select(&[1, Guid::NAMED_PIPE_EVENT.0, Guid::FIREWALL_PORT_OPEN.0, Guid::TCP_CONNECTION.0][..]),
            data in prop::collection::vec((1_u32..7, prop::collection::vec(any::<u8>(), 0..9)), 0..3),
        ) {
            let data = data.into_iter().map(|(kind, data)| TriggerData { kind: TriggerDataType(kind), data }).collect();
            let trigger = Trigger { kind: TriggerType(kind), action: TriggerAction(action), subtype: Guid(subtype), data };
            if let Some(text) = trigger.to_text() {
                prop_assert_eq!(text.parse(), Ok(trigger));
            }
        }
    }
}
