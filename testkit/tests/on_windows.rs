//! The behaviour suite on the service control manager of Windows, which may be that of Wine.

#![forbid(unsafe_code)]
#![cfg(windows)]

use std::panic::{AssertUnwindSafe, catch_unwind};

use svckit_manager::windows::WindowsBackend;
use svckit_testkit::{binary, suite};

/// What the service control manager of Wine 8 does otherwise than Windows, case by case. A case that passes here all the same is reported, so that the list
/// stays true.
const NOT_UNDER_WINE: &[(&str, &str)] = &[];

/// Set by whoever runs this under Wine.
const UNDER_WINE: &str = "SVCKIT_WINE";

#[test]
fn the_service_control_manager_of_windows_behaves() {
    let excused = if std::env::var_os(UNDER_WINE).is_some() { NOT_UNDER_WINE } else { &[] };
    let scripted = binary::scripted();
    let (mut failed, mut passed) = (Vec::new(), Vec::new());
    for case in suite::all() {
        let outcome =
            catch_unwind(AssertUnwindSafe(|| suite::run(case, &WindowsBackend::local(), &scripted)));
        let excuse = excused.iter().find(|(name, _)| case.name.ends_with(name));
        match (outcome, excuse) {
            (Ok(()), None) => println!("case {} ok", case.name),
            (Ok(()), Some(_)) => passed.push(case.name),
            (Err(_), Some((_, why))) => println!("case {} excused: {why}", case.name),
            (Err(_), None) => failed.push(case.name),
        }
    }
    assert!(failed.is_empty(), "{} cases failed:\n  {}", failed.len(), failed.join("\n  "));
    assert!(passed.is_empty(), "these pass and need no excuse:\n  {}", passed.join("\n  "));
}
