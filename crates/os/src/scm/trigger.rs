//! Triggers in the system's structures, which lead to each other by pointers.

#![allow(unsafe_code)]

use std::marker::PhantomData;
use std::ptr;

use svckit_core::Win32Error;
use svckit_core::trigger::{Guid, MAX_DATA, MAX_DATA_ITEMS, MAX_TRIGGERS, Trigger, TriggerData};
use windows_sys::Win32::System::Services::{
    SERVICE_TRIGGER, SERVICE_TRIGGER_INFO, SERVICE_TRIGGER_SPECIFIC_DATA_ITEM,
};
use windows_sys::core::GUID;

/// Triggers for the system, with all that the structures lead to.
pub(super) struct RawTriggers<'a> {
    info: SERVICE_TRIGGER_INFO,
    /// What the structures lead to; a vector's elements stay where they are when it is moved.
    _triggers: Vec<SERVICE_TRIGGER>,
    _subtypes: Vec<GUID>,
    _items: Vec<Vec<SERVICE_TRIGGER_SPECIFIC_DATA_ITEM>>,
    /// The bytes of the data are those of the list, which the system only reads.
    _list: PhantomData<&'a [Trigger]>,
}

impl<'a> RawTriggers<'a> {
    /// More than the interface takes is `ERROR_INVALID_PARAMETER`; the system's own answer would be that of a level that it doesn't know.
    pub(super) fn new(list: &'a [Trigger]) -> Result<Self, Win32Error> {
        let mut subtypes: Vec<GUID> = list.iter().map(|trigger| GUID::from_u128(trigger.subtype.0)).collect();
        let mut items = Vec::with_capacity(list.len());
        for trigger in list {
            items.push(trigger.data.iter().map(raw_item).collect::<Result<Vec<_>, _>>()?);
        }
        let mut triggers = Vec::with_capacity(list.len());
        for ((trigger, subtype), items) in list.iter().zip(&mut subtypes).zip(&mut items) {
            triggers.push(SERVICE_TRIGGER {
                dwTriggerType: trigger.kind.0,
                dwAction: trigger.action.0,
                pTriggerSubtype: subtype,
                cDataItems: count(items.len(), MAX_DATA_ITEMS)?,
                pDataItems: start(items),
            });
        }
        let info = SERVICE_TRIGGER_INFO {
            cTriggers: count(triggers.len(), MAX_TRIGGERS)?,
            pTriggers: start(&mut triggers),
            pReserved: ptr::null_mut(),
        };
        Ok(Self { info, _triggers: triggers, _subtypes: subtypes, _items: items, _list: PhantomData })
    }

    /// The structure of the level; it and all that it leads to live as long as this value.
    pub(super) fn as_ptr(&self) -> *const SERVICE_TRIGGER_INFO {
        &raw const self.info
    }
}

fn raw_item(item: &TriggerData) -> Result<SERVICE_TRIGGER_SPECIFIC_DATA_ITEM, Win32Error> {
    let data = if item.data.is_empty() { ptr::null() } else { item.data.as_ptr() };
    Ok(SERVICE_TRIGGER_SPECIFIC_DATA_ITEM {
        dwDataType: item.kind.0,
        cbData: count(item.data.len(), MAX_DATA)?,
        pData: data.cast_mut(),
    })
}

fn count(length: usize, most: usize) -> Result<u32, Win32Error> {
    if length > most {
        return Err(Win32Error::INVALID_PARAMETER);
    }
    u32::try_from(length).map_err(|_| Win32Error::INVALID_PARAMETER)
}

/// The first element; null if there is none.
fn start<T>(list: &mut [T]) -> *mut T {
    if list.is_empty() { ptr::null_mut() } else { list.as_mut_ptr() }
}

/// Reads triggers that the system gave.
///
/// # Safety
/// At `info` is the structure, and all that it leads to can be read.
pub(super) unsafe fn read_triggers(info: *const SERVICE_TRIGGER_INFO) -> Vec<Trigger> {
    // SAFETY: for the whole block, by the contract: a list that isn't null has as many elements as is said.
    unsafe {
        let info = info.read_unaligned();
        read_all(info.pTriggers, info.cTriggers, |trigger| Trigger {
            kind: trigger.dwTriggerType.into(),
            action: trigger.dwAction.into(),
            subtype: read_guid(trigger.pTriggerSubtype),
            data: read_all(trigger.pDataItems, trigger.cDataItems, |item| TriggerData {
                kind: item.dwDataType.into(),
                data: read_all(item.pData, item.cbData, |byte| byte),
            }),
        })
    }
}

/// Reads a list. Nothing is said of how the system aligns what it packs into one buffer, so no reference is made to it.
///
/// # Safety
/// The pointer is null or leads to as many elements as is said.
unsafe fn read_all<T, U>(list: *const T, count: u32, mut read: impl FnMut(T) -> U) -> Vec<U> {
    let count = if list.is_null() { 0 } else { count as usize };
    // SAFETY: by the contract there are so many elements; they are plain data, so that a copy is as good as the original.
    (0..count).map(|index| read(unsafe { list.add(index).read_unaligned() })).collect()
}

/// # Safety
/// The pointer is null or leads to a GUID.
unsafe fn read_guid(pointer: *const GUID) -> Guid {
    if pointer.is_null() {
        return Guid::default();
    }
    // SAFETY: by the contract.
    let GUID { data1, data2, data3, data4 } = unsafe { pointer.read_unaligned() };
    let first = u64::from(data1) << 32 | u64::from(data2) << 16 | u64::from(data3);
    Guid(u128::from(first) << 64 | u128::from(u64::from_be_bytes(data4)))
}

#[cfg(test)]
mod tests {
    use svckit_core::trigger::{TriggerAction, TriggerDataType, TriggerType};
    use windows_sys::Win32::System::Services as system;

    use super::*;

    fn list() -> Vec<Trigger> {
        let binary = TriggerData { kind: TriggerDataType::BINARY, data: vec![0, 1, 255] };
        let empty = TriggerData { kind: TriggerDataType(77), data: Vec::new() };
        vec![
            Trigger {
                kind: TriggerType::DEVICE_INTERFACE_ARRIVAL,
                action: TriggerAction::SERVICE_START,
                subtype: Guid(0x53f5_6307_b6bf_11d0_94f2_00a0_c91e_fb8b),
                data: vec![TriggerData::strings(&["USBSTOR\\GenDisk"]), binary, empty],
            },
            Trigger {
                kind: TriggerType::DOMAIN_JOIN,
                action: TriggerAction::SERVICE_STOP,
                subtype: Guid::DOMAIN_LEAVE,
                data: Vec::new(),
            },
            Trigger {
                kind: TriggerType(99),
                action: TriggerAction(3),
                subtype: Guid(1),
                data: vec![TriggerData { kind: TriggerDataType::KEYWORD_ANY, data: vec![7; 8] }],
            },
        ]
    }

    #[test]
    fn triggers_survive_the_raw_structures() {
        let list = list();
        for list in [&list[..], &list[1..2], &[]] {
            let raw = RawTriggers::new(list).unwrap();
            // What the structures lead to stays where it is.
            let moved = Box::new(raw);
            // SAFETY: the structures were made for that, and are still there.
            assert_eq!(unsafe { read_triggers(moved.as_ptr()) }, list);
        }
    }

    #[test]
    fn the_raw_structures_are_as_the_system_wants_them() {
        let list = list();
        let raw = RawTriggers::new(&list).unwrap();
        // SAFETY: the structures live as long as `raw`, and have as many elements as the list.
        unsafe {
            let info = &*raw.as_ptr();
            assert_eq!((info.cTriggers, info.pReserved), (3, ptr::null_mut()));
            let triggers = std::slice::from_raw_parts(info.pTriggers, 3);
            assert_eq!(triggers[0].dwTriggerType, system::SERVICE_TRIGGER_TYPE_DEVICE_INTERFACE_ARRIVAL);
            assert_eq!(triggers[0].dwAction, system::SERVICE_TRIGGER_ACTION_SERVICE_START);
            let GUID { data1, data2, data3, data4 } = *triggers[0].pTriggerSubtype;
            assert_eq!((data1, data2, data3), (0x53f5_6307, 0xb6bf, 0x11d0));
            assert_eq!(data4, [0x94, 0xf2, 0x00, 0xa0, 0xc9, 0x1e, 0xfb, 0x8b]);
            let items = std::slice::from_raw_parts(triggers[0].pDataItems, 3);
            assert_eq!(
                (items[0].dwDataType, items[0].cbData),
                (system::SERVICE_TRIGGER_DATA_TYPE_STRING, 32)
            );
            assert_eq!((items[2].cbData, items[2].pData), (0, ptr::null_mut()));
            assert_eq!((triggers[1].cDataItems, triggers[1].pDataItems), (0, ptr::null_mut()));
        }
        let none = RawTriggers::new(&[]).unwrap();
        assert_eq!((none.info.cTriggers, none.info.pTriggers), (0, ptr::null_mut()));
    }

    /// The system answers triggers without a subtype so, and no list with null.
    #[test]
    fn null_pointers_are_read_as_nothing() {
        let mut trigger =
            SERVICE_TRIGGER { dwTriggerType: 30, dwAction: 1, cDataItems: 5, ..Default::default() };
        let info = SERVICE_TRIGGER_INFO { cTriggers: 1, pTriggers: &raw mut trigger, ..Default::default() };
        // SAFETY: the structures are there, and the other pointers are null.
        let read = unsafe { read_triggers(&raw const info) };
        let expected = Trigger {
            kind: TriggerType::AGGREGATE,
            action: TriggerAction::SERVICE_START,
            subtype: Guid::default(),
            data: Vec::new(),
        };
        assert_eq!(read, [expected]);
        let info = SERVICE_TRIGGER_INFO { cTriggers: 9, ..Default::default() };
        // SAFETY: the list is null.
        assert_eq!(unsafe { read_triggers(&raw const info) }, []);
    }

    #[test]
    fn more_than_the_interface_takes_is_refused() {
        let trigger = list().remove(1);
        let refused = |list: &[Trigger]| RawTriggers::new(list).err() == Some(Win32Error::INVALID_PARAMETER);
        assert!(!refused(&vec![trigger.clone(); MAX_TRIGGERS]));
        assert!(refused(&vec![trigger.clone(); MAX_TRIGGERS + 1]));
        let item = |length| TriggerData { kind: TriggerDataType::BINARY, data: vec![1; length] };
        let with = |data| [Trigger { data, ..trigger.clone() }];
        assert!(!refused(&with(vec![item(MAX_DATA); MAX_DATA_ITEMS])));
        assert!(refused(&with(vec![item(1); MAX_DATA_ITEMS + 1])));
        assert!(refused(&with(vec![item(MAX_DATA + 1)])));
    }

    #[test]
    fn the_events_have_the_numbers_of_the_system() {
        for (event, number) in [
            (Guid::FIRST_IP_ADDRESS_ARRIVAL, system::NETWORK_MANAGER_FIRST_IP_ADDRESS_ARRIVAL_GUID),
            (Guid::LAST_IP_ADDRESS_REMOVAL, system::NETWORK_MANAGER_LAST_IP_ADDRESS_REMOVAL_GUID),
            (Guid::DOMAIN_JOIN, system::DOMAIN_JOIN_GUID),
            (Guid::DOMAIN_LEAVE, system::DOMAIN_LEAVE_GUID),
            (Guid::FIREWALL_PORT_OPEN, system::FIREWALL_PORT_OPEN_GUID),
            (Guid::FIREWALL_PORT_CLOSE, system::FIREWALL_PORT_CLOSE_GUID),
            (Guid::MACHINE_POLICY_PRESENT, system::MACHINE_POLICY_PRESENT_GUID),
            (Guid::USER_POLICY_PRESENT, system::USER_POLICY_PRESENT_GUID),
            (Guid::RPC_INTERFACE_EVENT, system::RPC_INTERFACE_EVENT_GUID),
            (Guid::NAMED_PIPE_EVENT, system::NAMED_PIPE_EVENT_GUID),
        ] {
            // SAFETY: the constant is there.
            assert_eq!(unsafe { read_guid(&raw const number) }, event);
        }
    }
}
