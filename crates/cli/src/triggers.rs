//! Triggers in words and as JSON.

use serde_json::{Value, json};
use svckit_core::trigger::{Guid, Trigger, TriggerAction, TriggerData, TriggerDataType, TriggerType};

/// A trigger for people: `start when the machine joins a domain`.
pub(crate) fn words(trigger: &Trigger) -> String {
    let does = match trigger.action {
        TriggerAction::SERVICE_START => "start".to_owned(),
        TriggerAction::SERVICE_STOP => "stop".to_owned(),
        other => other.to_string(),
    };
    let data: Vec<_> = trigger.data.iter().map(data_words).collect();
    let data = if data.is_empty() { String::new() } else { format!(": {}", data.join(", ")) };
    format!("{does} when {}{data}", event(trigger))
}

fn event(trigger: &Trigger) -> String {
    let subtype = trigger.subtype;
    let known = match (trigger.kind, subtype) {
        (TriggerType::DEVICE_INTERFACE_ARRIVAL, class) => return format!("a device of class {class} comes"),
        (TriggerType::IP_ADDRESS_AVAILABILITY, Guid::FIRST_IP_ADDRESS_ARRIVAL) => {
            "the first IP address comes"
        }
        (TriggerType::IP_ADDRESS_AVAILABILITY, Guid::LAST_IP_ADDRESS_REMOVAL) => "the last IP address goes",
        (TriggerType::DOMAIN_JOIN, Guid::DOMAIN_JOIN) => "the machine joins a domain",
        (TriggerType::DOMAIN_JOIN, Guid::DOMAIN_LEAVE) => "the machine leaves its domain",
        (TriggerType::FIREWALL_PORT_EVENT, Guid::FIREWALL_PORT_OPEN) => "a firewall port is opened",
        (TriggerType::FIREWALL_PORT_EVENT, Guid::FIREWALL_PORT_CLOSE) => "a firewall port is closed",
        (TriggerType::GROUP_POLICY, Guid::MACHINE_POLICY_PRESENT) => "the machine's policy changes",
        (TriggerType::GROUP_POLICY, Guid::USER_POLICY_PRESENT) => "a user's policy changes",
        (TriggerType::NETWORK_ENDPOINT, Guid::RPC_INTERFACE_EVENT) => "an RPC interface is looked for",
        (TriggerType::NETWORK_ENDPOINT, Guid::NAMED_PIPE_EVENT) => "a named pipe is connected to",
        (TriggerType::CUSTOM, Guid::TCP_CONNECTION) => "a TCP port is connected to",
        (TriggerType::CUSTOM, provider) => return format!("the event provider {provider} writes"),
        (kind, subtype) => return format!("{kind} {subtype}"),
    };
    known.to_owned()
}

fn data_words(item: &TriggerData) -> String {
    if let Some(texts) = item.to_strings() {
        return texts.join(" ");
    }
    match (item.kind, &*item.data) {
        (TriggerDataType::LEVEL, [level]) => format!("level {level}"),
        (kind @ (TriggerDataType::KEYWORD_ANY | TriggerDataType::KEYWORD_ALL), bytes) if bytes.len() == 8 => {
            let which = if kind == TriggerDataType::KEYWORD_ANY { "any" } else { "all" };
            let bits = bytes.iter().rfold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
            format!("{which} of keywords {bits:#x}")
        }
        (TriggerDataType::BINARY, bytes) => hex(bytes),
        (kind, bytes) => format!("{kind} {}", hex(bytes)),
    }
}

/// The triggers as JSON, with every byte of their data.
pub(crate) fn json(triggers: &[Trigger]) -> Value {
    let one = |trigger: &Trigger| {
        json!({
            "type": trigger.kind.to_string(),
            "action": trigger.action.to_string(),
            "subtype": trigger.subtype,
            "data": trigger.data.iter().map(data_json).collect::<Vec<_>>(),
        })
    };
    triggers.iter().map(one).collect()
}

fn data_json(item: &TriggerData) -> Value {
    json!({ "type": item.kind.to_string(), "strings": item.to_strings(), "hex": hex(&item.data) })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trigger(kind: TriggerType, subtype: Guid, data: Vec<TriggerData>) -> Trigger {
        Trigger { kind, action: TriggerAction::SERVICE_START, subtype, data }
    }

    fn item(kind: TriggerDataType, data: &[u8]) -> TriggerData {
        TriggerData { kind, data: data.to_vec() }
    }

    #[test]
    fn triggers_are_told_in_words() {
        let disk = Guid(0x53f5_6307_b6bf_11d0_94f2_00a0_c91e_fb8b);
        let port = TriggerData::strings(&["80", "TCP"]);
        let keywords = item(TriggerDataType::KEYWORD_ALL, &[1, 2, 0, 0, 0, 0, 0, 0x80]);
        for (trigger, expected) in [
            (
                trigger(
                    TriggerType::DEVICE_INTERFACE_ARRIVAL,
                    disk,
                    vec![TriggerData::strings(&["USBSTOR\\GenDisk"]), TriggerData::strings(&["other"])],
                ),
                "start when a device of class 53f56307-b6bf-11d0-94f2-00a0c91efb8b comes: USBSTOR\\GenDisk, other",
            ),
            (
                trigger(TriggerType::FIREWALL_PORT_EVENT, Guid::FIREWALL_PORT_OPEN, vec![port]),
                "start when a firewall port is opened: 80 TCP",
            ),
            (
                trigger(
                    TriggerType::CUSTOM,
                    Guid(1),
                    vec![
                        item(TriggerDataType::LEVEL, &[5]),
                        keywords,
                        item(TriggerDataType::BINARY, &[0, 255]),
                        item(TriggerDataType::KEYWORD_ANY, &[1]),
                    ],
                ),
                "start when the event provider 00000000-0000-0000-0000-000000000001 writes: level 5, \
                 all of keywords 0x8000000000000201, 00ff, TRIGGER_DATA_TYPE_KEYWORD_ANY 01",
            ),
            (
                Trigger {
                    action: TriggerAction::SERVICE_STOP,
                    ..trigger(TriggerType::DOMAIN_JOIN, Guid::DOMAIN_LEAVE, Vec::new())
                },
                "stop when the machine leaves its domain",
            ),
            (
                Trigger {
                    action: TriggerAction(9),
                    ..trigger(TriggerType(99), Guid::DOMAIN_JOIN, vec![item(TriggerDataType(6), &[16])])
                },
                "0x9 when 0x63 1ce20aba-9851-4421-9430-1ddeb766e809: 0x6 10",
            ),
        ] {
            assert_eq!(words(&trigger), expected);
        }
    }

    #[test]
    fn triggers_are_told_in_json() {
        let data = vec![TriggerData::strings(&["a"]), item(TriggerDataType::BINARY, &[1, 171])];
        let told = json(&[trigger(TriggerType::GROUP_POLICY, Guid::USER_POLICY_PRESENT, data)]);
        let expected = json!([{
            "type": "TRIGGER_TYPE_GROUP_POLICY",
            "action": "TRIGGER_ACTION_SERVICE_START",
            "subtype": "54fb46c8-f089-464c-b1fd-59d1b62c3b50",
            "data": [
                { "type": "TRIGGER_DATA_TYPE_STRING", "strings": ["a"], "hex": "61000000" },
                { "type": "TRIGGER_DATA_TYPE_BINARY", "strings": null, "hex": "01ab" },
            ],
        }]);
        assert_eq!(told, expected);
    }
}
