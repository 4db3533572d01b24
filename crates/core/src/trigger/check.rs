//! Which triggers a service can have.

use super::{
    EndpointError, Guid, MAX_DATA, MAX_DATA_ITEMS, MAX_TRIGGERS, Trigger, TriggerAction, TriggerData,
    TriggerDataType, TriggerType,
};

/// Why a service can't have these triggers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// There are more than [`MAX_TRIGGERS`].
    #[error("a service has at most {MAX_TRIGGERS} triggers")]
    Triggers,
    /// A trigger has more than [`MAX_DATA_ITEMS`].
    #[error("a trigger has at most {MAX_DATA_ITEMS} data items")]
    Items,
    /// A data item is longer than [`MAX_DATA`].
    #[error("a data item of a trigger has at most {MAX_DATA} bytes")]
    Data,
    /// The type is none that [MS-SCMR] or the service API names.
    #[error("{0} is no type of triggers")]
    Type(TriggerType),
    /// The action is neither start nor stop.
    #[error("{0} is no action of a trigger")]
    Action(TriggerAction),
    /// The type has events that are named by GUIDs, and this is none of them.
    #[error("{0} has no event {1}")]
    Subtype(TriggerType, Guid),
    /// The type is about something that data name, and there are none.
    #[error("{0} needs data that say what it is about")]
    NoData(TriggerType),
    /// It is about connections to a TCP port, and has no address that could be listened at.
    #[error("{EndpointError}")]
    Address,
    /// The bytes can't be data of the type.
    #[error("data of a trigger are not as {0} has to be")]
    DataType(TriggerDataType),
}

/// Checks what the wire bounds ([MS-SCMR] 2.2.52, 2.2.53, 2.2.54).
pub fn check_sizes(triggers: &[Trigger]) -> Result<(), Wrong> {
    if triggers.len() > MAX_TRIGGERS {
        return Err(Wrong::Triggers);
    }
    if triggers.iter().any(|trigger| trigger.data.len() > MAX_DATA_ITEMS) {
        return Err(Wrong::Items);
    }
    if triggers.iter().flat_map(|trigger| &trigger.data).any(|item| item.data.len() > MAX_DATA) {
        return Err(Wrong::Data);
    }
    Ok(())
}

/// Checks triggers as a service control manager does that stores them ([MS-SCMR] 2.2.53).
pub fn check(triggers: &[Trigger]) -> Result<(), Wrong> {
    check_sizes(triggers)?;
    triggers.iter().try_for_each(check_one)
}

fn check_one(trigger: &Trigger) -> Result<(), Wrong> {
    let Trigger { kind, action, subtype, data } = trigger;
    if kind.name().is_none() {
        return Err(Wrong::Type(*kind));
    }
    if action.name().is_none() {
        return Err(Wrong::Action(*action));
    }
    if events(*kind).is_some_and(|events| !events.contains(subtype)) {
        return Err(Wrong::Subtype(*kind, *subtype));
    }
    let named = [TriggerType::FIREWALL_PORT_EVENT, TriggerType::NETWORK_ENDPOINT];
    if named.contains(kind) && data.is_empty() {
        return Err(Wrong::NoData(*kind));
    }
    if let Some(item) = data.iter().find(|item| !is_readable(item)) {
        return Err(Wrong::DataType(item.kind));
    }
    if trigger.is_tcp() && trigger.endpoint().is_none() {
        return Err(Wrong::Address);
    }
    Ok(())
}

/// The events of a type that has its own; those of the others are anybody's.
fn events(kind: TriggerType) -> Option<&'static [Guid]> {
    Some(match kind {
        TriggerType::IP_ADDRESS_AVAILABILITY => {
            &[Guid::FIRST_IP_ADDRESS_ARRIVAL, Guid::LAST_IP_ADDRESS_REMOVAL]
        }
        TriggerType::DOMAIN_JOIN => &[Guid::DOMAIN_JOIN, Guid::DOMAIN_LEAVE],
        TriggerType::FIREWALL_PORT_EVENT => &[Guid::FIREWALL_PORT_OPEN, Guid::FIREWALL_PORT_CLOSE],
        TriggerType::GROUP_POLICY => &[Guid::MACHINE_POLICY_PRESENT, Guid::USER_POLICY_PRESENT],
        TriggerType::NETWORK_ENDPOINT => &[Guid::RPC_INTERFACE_EVENT, Guid::NAMED_PIPE_EVENT],
        _ => return None,
    })
}

fn is_readable(item: &TriggerData) -> bool {
    match item.kind {
        TriggerDataType::BINARY => true,
        TriggerDataType::STRING => item.data.len().is_multiple_of(2) && item.data.ends_with(&[0, 0]),
        TriggerDataType::LEVEL => item.data.len() == 1,
        TriggerDataType::KEYWORD_ANY | TriggerDataType::KEYWORD_ALL => item.data.len() == 8,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trigger(kind: TriggerType, subtype: Guid, data: &[TriggerData]) -> Trigger {
        Trigger { kind, action: TriggerAction::SERVICE_START, subtype, data: data.to_vec() }
    }

    fn item(kind: TriggerDataType, length: usize) -> TriggerData {
        TriggerData { kind, data: vec![0; length] }
    }

    #[test]
    fn every_event_that_is_named_can_be_one_of_a_trigger() {
        let text = [TriggerData::strings(&["x"])];
        let kinds = [
            (TriggerType::IP_ADDRESS_AVAILABILITY, 2),
            (TriggerType::DOMAIN_JOIN, 2),
            (TriggerType::FIREWALL_PORT_EVENT, 2),
            (TriggerType::GROUP_POLICY, 2),
            (TriggerType::NETWORK_ENDPOINT, 2),
        ];
        for (kind, count) in kinds {
            let all: Vec<_> =
                events(kind).unwrap().iter().map(|event| trigger(kind, *event, &text)).collect();
            assert_eq!((all.len(), check(&all)), (count, Ok(())), "{kind}");
        }
        for kind in [1, 7, 20, 30].map(TriggerType) {
            assert_eq!(check(&[trigger(kind, Guid(4), &[])]), Ok(()), "{kind}");
        }
    }

    #[test]
    fn what_windows_does_not_take_is_refused() {
        let custom = |data: &[TriggerData]| vec![trigger(TriggerType::CUSTOM, Guid(1), data)];
        let most = item(TriggerDataType::BINARY, MAX_DATA);
        let (domain, pipe) = (TriggerType::DOMAIN_JOIN, TriggerType::NETWORK_ENDPOINT);
        let mut restarts = custom(&[]);
        restarts[0].action = TriggerAction(3);
        assert_eq!(check(&vec![custom(&vec![most.clone(); MAX_DATA_ITEMS]).remove(0); MAX_TRIGGERS]), Ok(()));
        for (triggers, wrong) in [
            (vec![custom(&[]).remove(0); MAX_TRIGGERS + 1], Wrong::Triggers),
            (custom(&vec![most; MAX_DATA_ITEMS + 1]), Wrong::Items),
            (custom(&[item(TriggerDataType::BINARY, MAX_DATA + 1)]), Wrong::Data),
            (vec![trigger(TriggerType(8), Guid(1), &[])], Wrong::Type(TriggerType(8))),
            (restarts, Wrong::Action(TriggerAction(3))),
            (
                vec![trigger(domain, Guid::MACHINE_POLICY_PRESENT, &[])],
                Wrong::Subtype(domain, Guid::MACHINE_POLICY_PRESENT),
            ),
            (vec![trigger(pipe, Guid::NAMED_PIPE_EVENT, &[])], Wrong::NoData(pipe)),
            (custom(&[item(TriggerDataType(6), 1)]), Wrong::DataType(TriggerDataType(6))),
            (custom(&[item(TriggerDataType::LEVEL, 2)]), Wrong::DataType(TriggerDataType::LEVEL)),
            (custom(&[item(TriggerDataType::KEYWORD_ALL, 4)]), Wrong::DataType(TriggerDataType::KEYWORD_ALL)),
            (custom(&[item(TriggerDataType::STRING, 3)]), Wrong::DataType(TriggerDataType::STRING)),
            (vec![Trigger::tcp("0")], Wrong::Address),
            (custom(&[item(TriggerDataType::STRING, 0)]), Wrong::DataType(TriggerDataType::STRING)),
        ] {
            assert_eq!(check(&triggers), Err(wrong));
        }
    }
}
