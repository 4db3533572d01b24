//! The triggers of `triggerinfo`: `start/domainjoin`, `start/portopen/80;TCP`.

use svckit_core::trigger::{
    Guid, MAX_TRIGGERS, Trigger, TriggerAction, TriggerData, TriggerDataType, TriggerType,
};

use super::words::Words;
use super::wrong::Wrong;

/// How triggers are written.
pub(super) const USAGE: &str = "NAME delete | ACTION/EVENT…: start/device/CLASS/ID… start/networkon stop/networkoff start/domainjoin \
    stop/domainleave start/portopen/PORT;PROTOCOL;PROGRAM;SERVICE stop/portclose/… start/machinepolicy start/userpolicy \
    start/rpcinterface/UUID start/namedpipe/NAME start|stop/custom/PROVIDER/HEX start|stop/strcustom/PROVIDER/TEXT \
    start|stop/lvlcustom/PROVIDER/LEVEL start|stop/kwanycustom|kwallcustom/PROVIDER/KEYWORDS";

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

/// Reads all triggers, which take the place of those before; `delete` alone: none.
pub(super) fn read(words: &mut Words<'_>) -> Result<Vec<Trigger>, Wrong> {
    let first = words.required("a trigger, or delete,")?;
    if first.eq_ignore_ascii_case("delete") {
        words.end()?;
        return Ok(Vec::new());
    }
    let rest = words.all();
    let all = std::iter::once(first).chain(rest.iter().map(String::as_str));
    let triggers: Vec<_> = all
        .map(|text| one(text).map_err(|message| words.misuse(format!("the trigger {text:?}: {message}"))))
        .collect::<Result<_, _>>()?;
    if triggers.len() > MAX_TRIGGERS {
        return Err(Wrong::usage(format!("a service has at most {MAX_TRIGGERS} triggers")));
    }
    Ok(triggers)
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
            let data = vec![TriggerData::strings(&[only(&parts, "the name of the pipe")?])];
            (TriggerType::NETWORK_ENDPOINT, Guid::NAMED_PIPE_EVENT, data)
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
            let level = u8::try_from(hexadecimal(&text)?).map_err(|_| "a level is at most ff")?;
            vec![TriggerData { kind, data: vec![level] }]
        }
        _ => vec![TriggerData { kind, data: hexadecimal(&text)?.to_le_bytes().to_vec() }],
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
    text.parse().map_err(|error: svckit_core::trigger::GuidError| error.to_string())
}

fn hexadecimal(text: &str) -> Result<u64, String> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    let is_number = digits.chars().all(|c| c.is_ascii_hexdigit());
    let number = u64::from_str_radix(digits, 16).ok().filter(|_| is_number);
    number.ok_or_else(|| format!("{text:?} is no hexadecimal number of at most 64 bits"))
}

fn bytes(text: &str) -> Result<Vec<u8>, String> {
    let wrong = || format!("{text:?} is not bytes of two hexadecimal digits each");
    if !text.len().is_multiple_of(2) || !text.chars().all(|c| c.is_ascii_hexdigit()) {
        return Err(wrong());
    }
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).map_err(|_| wrong()))
        .collect()
}
