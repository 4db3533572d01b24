//! Triggers on the wire: structures that lead to each other by pointers.

use svckit_core::trigger::{Guid, MAX_DATA, MAX_DATA_ITEMS, MAX_TRIGGERS, Trigger, TriggerData};

use super::config2::when;
use crate::ndr::{DecodeError, Reader, Result, Writer};

/// `SERVICE_TRIGGER_INFO` ([MS-SCMR] 2.2.54).
pub(super) fn write_triggers(w: &mut Writer, triggers: &[Trigger]) {
    w.count(triggers.len()); // cTriggers
    w.pointer(!triggers.is_empty()); // pTriggers
    w.pointer(false); // pReserved
    if triggers.is_empty() {
        return;
    }
    w.count(triggers.len());
    for trigger in triggers {
        w.u32(trigger.kind.0); // dwTriggerType
        w.u32(trigger.action.0); // dwAction
        w.pointer(true); // pTriggerSubtype
        w.count(trigger.data.len()); // cDataItems
        w.pointer(!trigger.data.is_empty()); // pDataItems
    }
    for trigger in triggers {
        write_guid(w, trigger.subtype);
        if !trigger.data.is_empty() {
            write_items(w, &trigger.data);
        }
    }
}

/// An array of `SERVICE_TRIGGER_SPECIFIC_DATA_ITEM` ([MS-SCMR] 2.2.52).
fn write_items(w: &mut Writer, items: &[TriggerData]) {
    w.count(items.len());
    for item in items {
        w.u32(item.kind.0); // dwDataType
        w.count(item.data.len()); // cbData
        w.pointer(!item.data.is_empty()); // pData
    }
    for item in items.iter().filter(|item| !item.data.is_empty()) {
        w.conformant_bytes(&item.data);
    }
}

/// `SERVICE_TRIGGER_INFO` ([MS-SCMR] 2.2.54).
pub(super) fn read_triggers(r: &mut Reader<'_>) -> Result<Vec<Trigger>> {
    let what = "cTriggers";
    let count = bounded(r, what, MAX_TRIGGERS)?; // cTriggers
    let present = r.pointer()?; // pTriggers
    if r.pointer()? {
        return Err(DecodeError::Invalid { what: "pReserved" });
    }
    conformance(r, what, count, present)?;
    let heads = (0..count).map(|_| Head::read(r)).collect::<Result<Vec<_>>>()?;
    heads.into_iter().map(|head| head.follow(r)).collect()
}

/// `SERVICE_TRIGGER` ([MS-SCMR] 2.2.53) before what its pointers lead to.
struct Head {
    trigger: Trigger,
    subtype: bool,
    count: u32,
    items: bool,
}

impl Head {
    /// [MS-SCMR] 2.2.53.
    fn read(r: &mut Reader<'_>) -> Result<Self> {
        let (kind, action) = (r.u32()?.into(), r.u32()?.into()); // dwTriggerType, dwAction
        let subtype = r.pointer()?; // pTriggerSubtype
        let count = bounded(r, "cDataItems", MAX_DATA_ITEMS)?; // cDataItems
        let items = r.pointer()?; // pDataItems
        let trigger = Trigger { kind, action, subtype: Guid::default(), data: Vec::new() };
        Ok(Self { trigger, subtype, count, items })
    }

    /// What the pointers lead to. A subtype that is not there is read as the GUID of zeros.
    fn follow(mut self, r: &mut Reader<'_>) -> Result<Trigger> {
        if let Some(subtype) = when(self.subtype, || read_guid(r))? {
            self.trigger.subtype = subtype;
        }
        conformance(r, "cDataItems", self.count, self.items)?;
        let heads = (0..self.count)
            .map(|_| Ok((r.u32()?.into(), bounded(r, "cbData", MAX_DATA)?, r.pointer()?))) // dwDataType, cbData, pData
            .collect::<Result<Vec<_>>>()?;
        for (kind, length, present) in heads {
            conformance(r, "cbData", length, present)?;
            self.trigger.data.push(TriggerData { kind, data: r.take(length as usize)?.to_vec() });
        }
        Ok(self.trigger)
    }
}

/// The conformance of an array, which has to be as long as the structure says; a null pointer is an array of nothing.
fn conformance(r: &mut Reader<'_>, what: &'static str, count: u32, present: bool) -> Result<()> {
    let found = if present { r.u32()? } else { 0 };
    if found == count { Ok(()) } else { Err(DecodeError::Invalid { what }) }
}

fn bounded(r: &mut Reader<'_>, what: &'static str, limit: usize) -> Result<u32> {
    r.bounded(what, u32::try_from(limit).unwrap_or(u32::MAX))
}

/// `GUID` ([MS-DTYP] 2.3.4): three numbers, then bytes in their order.
fn write_guid(w: &mut Writer, guid: Guid) {
    let [a, b, c, d, e, f, g, h, last @ ..] = guid.0.to_be_bytes();
    w.u32(u32::from_be_bytes([a, b, c, d])); // Data1
    w.u16(u16::from_be_bytes([e, f])); // Data2
    w.u16(u16::from_be_bytes([g, h])); // Data3
    w.raw(&last); // Data4
}

/// `GUID` ([MS-DTYP] 2.3.4).
fn read_guid(r: &mut Reader<'_>) -> Result<Guid> {
    let (first, second, third) = (r.u32()?, r.u16()?, r.u16()?); // Data1, Data2, Data3
    let last: [u8; 8] = r.array()?; // Data4
    let high = u64::from(first) << 32 | u64::from(second) << 16 | u64::from(third);
    Ok(Guid(u128::from(high) << 64 | u128::from(u64::from_be_bytes(last))))
}
