//! Output buffers: what is put in is read again, and the size limits are those of the protocol.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use svckit_core::Win32Error;
use svckit_core::backend::Enumerated;
use svckit_core::config::{Config2, Config2Level};
use svckit_core::failure::{FailureActions, ResetPeriod};
use svckit_core::kind::{LaunchProtection, SidType};
use svckit_core::status::ServiceStatus;
use svckit_scmr::ndr::Text;
use svckit_scmr::ops::buffers::{self, Entry, Filled};

use crate::strategies;

fn services(limit: usize) -> impl Strategy<Value = Vec<Enumerated>> {
    let service = ("[a-zé]{1,9}", "[ A-Z𝄞]{0,9}", strategies::status_process())
        .prop_map(|(name, display_name, status)| Enumerated { name, display_name, status });
    vec(service, 0..limit)
}

fn entries(services: &[Enumerated]) -> Vec<Entry<'_>> {
    services.iter().map(Entry::from).collect()
}

fn config2() -> impl Strategy<Value = Config2> {
    let text = "[^\0]{0,20}";
    let failure = (any::<u32>(), text, text, strategies::actions()).prop_map(
        |(period, reboot_message, command, actions)| FailureActions {
            reset_period: ResetPeriod::from_wire(period),
            reboot_message,
            command,
            actions,
        },
    );
    prop_oneof![
        proptest::option::of("[^\0]{1,20}").prop_map(Config2::Description),
        failure.prop_map(Config2::FailureActions),
        any::<bool>().prop_map(Config2::DelayedAutoStart),
        any::<bool>().prop_map(Config2::FailureActionsFlag),
        any::<u32>().prop_map(|kind| Config2::Sid(SidType(kind))),
        vec("[^\0]{1,20}", 0..5).prop_map(Config2::RequiredPrivileges),
        any::<u32>().prop_map(|timeout| Config2::PreshutdownTimeout(Duration::from_millis(timeout.into()))),
        proptest::option::of(any::<u16>()).prop_map(Config2::PreferredNode),
        any::<u32>().prop_map(|kind| Config2::LaunchProtected(LaunchProtection(kind))),
    ]
}

proptest! {
    /// Whatever the size of the buffer, resuming brings every service once and in order, and ends.
    #[test]
    fn an_enumeration_in_pieces_is_complete(services in services(30), size in 100_u32..2000) {
        let entries = entries(&services);
        let (mut found, mut from, mut rounds) = (Vec::new(), 0, 0);
        loop {
            let Filled { buffer, needed, returned, resume, code } =
                buffers::enum_services_status_ex(&entries, from, size, Text::Wide);
            prop_assert_eq!(buffer.len(), size as usize);
            found.extend(buffers::read_enum_status_process(&buffer, returned).unwrap());
            prop_assert_eq!(found.len(), if resume == 0 { services.len() } else { resume as usize });
            if code == Win32Error::SUCCESS {
                prop_assert_eq!((needed, resume), (0, 0));
                break;
            }
            prop_assert_eq!(code, Win32Error::MORE_DATA);
            // What it says is needed is enough for the rest, and not a byte too much.
            let rest = buffers::enum_services_status_ex(&entries, resume, needed, Text::Wide);
            prop_assert_eq!(rest.code, Win32Error::SUCCESS);
            let tight = buffers::enum_services_status_ex(&entries, resume, needed - 1, Text::Wide);
            prop_assert_eq!(tight.code, Win32Error::MORE_DATA);
            from = resume;
            rounds += 1;
            prop_assert!(rounds <= services.len());
        }
        prop_assert_eq!(found, services);
    }

    #[test]
    fn a_service_status_has_no_process(services in services(10)) {
        let entries = entries(&services);
        let without: Vec<Enumerated> = services
            .iter()
            .map(|service| Enumerated { status: ServiceStatus { pid: 0, flags: 0, ..service.status }, ..service.clone() })
            .collect();
        for filled in [
            buffers::enum_services_status(&entries, 0, 65536, Text::Wide),
            buffers::enum_dependent_services(&entries, 65536, Text::Wide),
        ] {
            prop_assert_eq!(filled.code, Win32Error::SUCCESS);
            let found = buffers::read_enum_status(&filled.buffer, filled.returned);
            prop_assert_eq!(found.as_ref(), Ok(&without));
        }
    }

    #[test]
    fn optional_configuration_round_trips(config in config2()) {
        let filled = buffers::query_service_config2(&config, 8192, Text::Wide).unwrap();
        prop_assert_eq!(filled.code, Win32Error::SUCCESS);
        prop_assert_eq!(buffers::read_config2(config.level(), &filled.buffer), Ok(Some(config.clone())));
        let exact = buffers::query_service_config2(&config, filled.needed, Text::Wide).unwrap();
        prop_assert_eq!(exact.code, Win32Error::SUCCESS);
        let short = buffers::query_service_config2(&config, filled.needed - 1, Text::Wide).unwrap();
        prop_assert_eq!((short.code, short.needed), (Win32Error::INSUFFICIENT_BUFFER, filled.needed));
        prop_assert!(short.buffer.iter().all(|byte| *byte == 0));
    }

    #[test]
    fn arbitrary_buffers_are_read_or_refused(
        buffer in vec(any::<u8>(), 0..400),
        returned in any::<u32>(),
        few in 0_u32..8,
        level in 0_u32..14,
    ) {
        for returned in [returned, few] {
            let _ = buffers::read_enum_status(&buffer, returned);
            let _ = buffers::read_enum_status_process(&buffer, returned);
        }
        let _ = buffers::read_config2(Config2Level(level), &buffer);
        let _ = buffers::read_status_ex(&buffer);
    }
}

/// `SERVICE_PREFERRED_NODE_INFO` is as long as in memory.
#[test]
fn a_preferred_node_is_told_in_four_bytes() {
    for (node, expected) in [(Some(0x102), [2, 1, 0, 0]), (None, [0, 0, 1, 0])] {
        let filled = buffers::query_service_config2(&Config2::PreferredNode(node), 4, Text::Wide).unwrap();
        assert_eq!((filled.code, filled.needed, filled.buffer), (Win32Error::SUCCESS, 4, expected.to_vec()));
    }
}

#[test]
fn a_buffer_without_room_tells_what_is_needed() {
    let status = ServiceStatus::stopped(svckit_core::kind::ServiceType::WIN32, Win32Error::SUCCESS);
    let filled = buffers::query_service_status_ex(&status, 0);
    assert_eq!((filled.code, filled.needed), (Win32Error::INSUFFICIENT_BUFFER, 36));
    let entry = Entry { name: "web", display_name: "The web", status };
    let filled = buffers::enum_services_status(&[entry], 0, 0, Text::Wide);
    assert_eq!((filled.code, filled.needed, filled.returned), (Win32Error::MORE_DATA, 36 + 8 + 16, 0));
    assert_eq!(buffers::name("web", 2, Text::Wide), (String::new(), 3, Win32Error::INSUFFICIENT_BUFFER));
    assert_eq!(buffers::name("web", 3, Text::Wide), ("web".to_owned(), 3, Win32Error::SUCCESS));
}

#[test]
fn entries_that_share_a_string_do_not_multiply_it() {
    // Every entry's names are the same long string: 900 of them would be a hundred times the buffer.
    let mut buffer = vec![b'a'; 60_000];
    for entry in 0..900 {
        buffer[entry * 44..entry * 44 + 44].fill(0);
        for offset in [0, 4] {
            buffer[entry * 44 + offset..entry * 44 + offset + 4].copy_from_slice(&40_000_u32.to_le_bytes());
        }
    }
    assert!(buffers::read_enum_status_process(&buffer, 900).is_err());
    assert!(buffers::read_enum_status_process(&buffer, 2).is_ok());
}
