//! Any stub of a call is refused, or is the same call when it is written and read again. The first two bytes are the operation.

use svckit_core::Win32Error;
use svckit_scmr::ops::{Answer, Call, Opnum};

pub(crate) fn check(data: &[u8]) {
    let Some((opnum, stub)) = data.split_first_chunk() else { return };
    let Ok(Some(call)) = Call::decode(Opnum(u16::from_le_bytes(*opnum)), stub) else { return };
    assert_eq!(Call::decode(call.opnum(), &call.encode()).as_ref(), Ok(&Some(call.clone())));
    match &call {
        Call::CreateService(create) => drop(create.to_new_service()),
        Call::ChangeServiceConfig(change) => drop(change.to_change()),
        Call::ChangeServiceConfig2 { info, .. } => drop(info.to_change()),
        _ => {}
    }
    let refusal = call.refuse(Win32Error::ACCESS_DENIED);
    assert_eq!(Answer::decode(call.opnum(), &refusal.encode()), Ok(Some(refusal)));
}
