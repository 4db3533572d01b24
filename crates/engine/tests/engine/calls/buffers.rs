//! Buffers of all sizes, and listings that are taken in pieces.

use std::collections::BTreeSet;

use svckit_core::config::Config2Level;
use svckit_core::win32::Win32Error;
use svckit_scmr::ndr::Text;
use svckit_scmr::ops::{Answer, Call, buffers};

use super::bed::{Bed, LARGE, dependents, list, list_ex};

/// What an answer says of its buffer: the code, the size needed, the services returned, and where to go on.
fn told(answer: Answer) -> (Win32Error, u32, u32, Option<u32>) {
    match answer {
        Answer::EnumServicesStatus { needed, returned, resume, code, .. }
        | Answer::EnumServicesStatusEx { needed, returned, resume, code, .. } => {
            (code, needed, returned, resume)
        }
        Answer::EnumDependentServices { needed, returned, code, .. } => (code, needed, returned, None),
        Answer::QueryServiceConfig { needed, code, .. }
        | Answer::QueryServiceConfig2 { needed, code, .. }
        | Answer::QueryServiceStatusEx { needed, code, .. } => (code, needed, 0, None),
        Answer::GetServiceDisplayName { size, code, .. } | Answer::GetServiceKeyName { size, code, .. } => {
            (code, size, 0, None)
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_buffer_of_the_size_that_was_told_is_enough_and_one_byte_less_is_not() {
    let mut bed = Bed::new();
    for text in [Text::Wide, Text::Ansi] {
        bed.text = text;
        buffers_of_the_size_that_was_told(&mut bed);
    }
}

fn buffers_of_the_size_that_was_told(bed: &mut Bed) {
    let manager = bed.manager;
    let base = bed.new_service(&[]);
    let service = bed.create(&base);
    let mut top = bed.new_service(&[]);
    top.config.dependencies = vec![svckit_core::name::Dependency::Service(base.name.clone())];
    bed.create(&top);
    let name = base.name.to_string();
    let (small, more) = (Win32Error::INSUFFICIENT_BUFFER, Win32Error::MORE_DATA);
    let calls: [(Win32Error, &dyn Fn(u32) -> Call); 8] = [
        (small, &|size| Call::QueryServiceConfig { service, size }),
        (small, &|size| Call::QueryServiceConfig2 { service, level: Config2Level::FAILURE_ACTIONS, size }),
        (small, &|size| Call::QueryServiceStatusEx { service, level: 0, size }),
        (small, &|size| Call::GetServiceDisplayName { manager, name: name.clone(), size }),
        (small, &|size| Call::GetServiceKeyName { manager, display_name: name.clone(), size }),
        (more, &|size| dependents(service, size)),
        (more, &|size| list(manager, size, None)),
        (more, &|size| list_ex(manager, size, None)),
    ];
    for (refused, call) in calls {
        let (code, needed, returned, _) = told(bed.ask(&call(0)));
        assert_eq!((code, returned), (refused, 0), "{:?}", call(0));
        assert!(needed > 0, "{:?}", call(0));
        assert_eq!(told(bed.ask(&call(needed))).0, Win32Error::SUCCESS, "{:?}", call(needed));
        assert_eq!(told(bed.ask(&call(needed - 1))).0, refused, "{:?}", call(needed - 1));
    }
}

#[test]
fn a_listing_is_taken_in_pieces_of_any_size() {
    let mut bed = Bed::new();
    let manager = bed.manager;
    let mut expected: BTreeSet<String> = BTreeSet::new();
    for _ in 0..7 {
        let new = bed.new_service(&[]);
        expected.insert(new.name.to_string());
        bed.create(&new);
    }
    let whole = told(bed.ask(&list_ex(manager, 0, Some(0)))).1;
    for size in [whole / 7 + 32, whole / 3, whole / 2, whole - 1, whole, LARGE] {
        for make in [list, list_ex] {
            let (mut found, mut resume) = (BTreeSet::new(), 0);
            loop {
                let answer = bed.ask(&make(manager, size, Some(resume)));
                let names = names(&answer);
                let (code, needed, _, next) = told(answer);
                assert!(names.into_iter().all(|name| found.insert(name)), "a service came twice");
                resume = next.unwrap();
                if code == Win32Error::SUCCESS {
                    break;
                }
                assert_eq!(code, Win32Error::MORE_DATA);
                assert!(needed > 0 && resume > 0, "{size}: {needed} more bytes from {resume}");
            }
            assert_eq!((&found, resume), (&expected, 0), "in pieces of {size}");
        }
    }
}

#[test]
fn a_listing_that_is_resumed_behind_its_end_is_empty() {
    let mut bed = Bed::new();
    bed.service(&[]);
    let manager = bed.manager;
    for make in [list, list_ex] {
        let answer = bed.ask(&make(manager, LARGE, Some(1000)));
        assert_eq!(told(answer), (Win32Error::SUCCESS, 0, 0, Some(0)));
    }
}

fn names(answer: &Answer) -> Vec<String> {
    let found = match answer {
        Answer::EnumServicesStatus { buffer, returned, .. } => buffers::read_enum_status(buffer, *returned),
        Answer::EnumServicesStatusEx { buffer, returned, .. } => {
            buffers::read_enum_status_process(buffer, *returned)
        }
        other => panic!("{other:?}"),
    };
    found.unwrap().into_iter().map(|service| service.name).collect()
}
