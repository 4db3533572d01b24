//! Any stub of an answer is refused, or is the same answer when it is written and read again; its buffers are read or refused. The first
//! two bytes are the operation.

use svckit_core::config::Config2Level;
use svckit_scmr::ndr::Text;
use svckit_scmr::ops::{Answer, Opnum, buffers};

pub(crate) fn check(data: &[u8]) {
    let Some((opnum, stub)) = data.split_first_chunk() else { return };
    let Ok(Some(answer)) = Answer::decode(Opnum(u16::from_le_bytes(*opnum)), stub) else { return };
    let written = Answer::decode(answer.opnum(), &answer.encode());
    match &answer {
        // The length that the peer tells of a name need not be that of the name.
        Answer::GetServiceDisplayName { .. } | Answer::GetServiceKeyName { .. } => {}
        _ => assert_eq!(written.as_ref(), Ok(&Some(answer.clone()))),
    }
    match &answer {
        Answer::EnumDependentServices { buffer, returned, .. }
        | Answer::EnumServicesStatus { buffer, returned, .. } => {
            drop(buffers::read_enum_status(buffer, *returned));
        }
        Answer::EnumServicesStatusEx { buffer, returned, .. } => {
            drop(buffers::read_enum_status_process(buffer, *returned));
        }
        Answer::QueryServiceConfig2 { buffer, .. } => {
            for level in 0..10 {
                if let Ok(Some(config)) = buffers::read_config2(Config2Level(level), buffer) {
                    let buffer = buffers::query_service_config2(&config, 1 << 20, Text::Wide)
                        .map(|filled| filled.buffer);
                    let again = buffer.map(|buffer| buffers::read_config2(config.level(), &buffer));
                    assert_eq!(again, Ok(Ok(Some(config))));
                }
            }
        }
        Answer::QueryServiceStatusEx { buffer, .. } => drop(buffers::read_status_ex(buffer)),
        Answer::QueryServiceConfig { config, .. } => drop(config.to_config("web")),
        _ => {}
    }
}
