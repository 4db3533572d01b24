//! The behaviour suite on the service control manager of Windows, which may be that of Wine.

#![forbid(unsafe_code)]
#![cfg(windows)]

use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Duration;

use svckit_core::Win32Error;
use svckit_core::access::{ManagerAccess, ServiceAccess};
use svckit_core::backend::Backend;
use svckit_core::config::Config2Level;
use svckit_core::image_path::ImagePath;
use svckit_core::status::{NotifyMask, ServiceState, ServiceStatus};
use svckit_core::wait::Limits;
use svckit_manager::entity::{NewService, ServiceManager};
use svckit_manager::windows::WindowsBackend;
use svckit_testkit::{binary, suite};

/// What the service control manager of Wine 8 does otherwise than Windows, case by case: what Windows does, and what Wine does.
const NOT_UNDER_WINE: &[(&str, &str)] = &[
    (
        "names::a_display_name_is_no_key_name_of_another",
        "Windows refuses it with 1078; Wine compares display names with display names only",
    ),
    (
        "config::dependencies_come_back_as_they_were_given",
        "Windows lists them; Wine stores them and lists none",
    ),
    ("config::a_tag_is_unique_in_its_group", "Windows gives out tags; Wine gives 0"),
    ("config::a_tag_needs_a_group", "Windows refuses it with 87; Wine takes it"),
    ("config::an_error_control_that_is_none_is_refused", "Windows refuses it with 87; Wine takes any"),
    ("config::a_circle_is_refused", "Windows refuses it with 1059; Wine doesn't look at dependencies"),
    ("config2::a_new_service_does_nothing_about_failures", NO_FAILURE_ACTIONS),
    ("config2::a_new_service_is_not_delayed", NO_DELAY),
    ("config2::a_new_service_has_an_ordinary_token", NO_SID_TYPES),
    ("config2::failure_actions_come_back_as_they_were_set", NO_FAILURE_ACTIONS),
    ("config2::a_delay_comes_back_as_it_was_set", NO_DELAY),
    ("config2::a_failure_flag_comes_back_as_it_was_set", NO_FAILURE_FLAG),
    ("config2::a_sid_type_comes_back_as_it_was_set", NO_SID_TYPES),
    ("config2::required_privileges_come_back_as_they_were_set", NO_PRIVILEGES),
    ("config2::failure_actions_change_by_parts", NO_FAILURE_ACTIONS),
    ("config2::an_empty_list_of_actions_deletes_them", NO_FAILURE_ACTIONS),
    (
        "config2::a_sid_type_that_is_not_known_is_refused",
        "Windows refuses it with 87; Wine has no level 5 and says 124",
    ),
    ("delete::a_marked_service_is_not_started", "Windows refuses it with 1072; Wine starts it"),
    ("delete::a_marked_service_is_not_waited_for", "Windows refuses it with 1072; Wine waits"),
    (
        "lifecycle::what_a_handler_answers_is_the_answer",
        "Windows passes the handler's answer on; Wine says 0 whatever it is",
    ),
    (
        "lifecycle::an_empty_start_argument_is_one",
        "Windows passes it on; Wine ends the list of arguments there",
    ),
    ("lifecycle::a_driver_has_no_account", "Windows tells none; Wine tells LocalSystem"),
    (
        "lifecycle::a_driver_cannot_be_started",
        "Windows sees that the program is no driver; Wine lets a process of its own load it, and says 1053",
    ),
    ("process::a_process_that_dies_is_a_stopped_service", CRASHES),
    ("process::services_of_type_share_share_it", SHARED),
    ("process::a_shared_process_outlives_each_of_its_services", SHARED),
    ("dependencies::what_is_needed_is_started_first", DEPENDENCIES),
    ("dependencies::a_service_waits_until_its_dependency_runs", DEPENDENCIES),
    ("dependencies::a_service_that_is_needed_cannot_be_stopped", DEPENDENCIES),
    ("dependencies::a_missing_dependency_is_named", DEPENDENCIES),
    ("dependencies::a_dependency_marked_for_deletion_counts_as_missing", DEPENDENCIES),
    ("dependencies::a_failed_dependency_fails_the_start", DEPENDENCIES),
    ("dependencies::a_disabled_dependency_fails_the_start", DEPENDENCIES),
    ("dependencies::a_group_is_up_when_one_of_it_is", DEPENDENCIES),
    ("dependencies::dependents_are_listed_in_the_order_to_stop_them", DEPENDENTS),
    ("dependencies::dependents_are_filtered_by_state", DEPENDENTS),
    (
        "enumerate::a_group_is_found_whatever_its_case",
        "Windows compares groups as names; Wine compares them exactly, and lists nothing",
    ),
    (
        "enumerate::no_group_is_a_group_too",
        "Windows lists services without a group; Wine looks for one of that name, and says 1060",
    ),
    (
        "enumerate::a_filter_of_unknown_states_is_refused",
        "Windows refuses it with 87; Wine refuses only an empty one",
    ),
    ("rights::the_list_of_dependents_needs_its_right", DEPENDENTS),
    (
        "rights::a_restart_action_needs_the_right_to_start",
        "Windows refuses it with 5; Wine throws failure actions away",
    ),
    ("security::a_new_service_has_the_usual_access_list", SECURITY),
    ("security::an_access_list_comes_back_as_it_was_set", SECURITY),
    ("security::whoever_is_denied_a_right_is_not_granted_it", SECURITY),
    ("security::the_descriptor_of_a_service_needs_its_rights", SECURITY),
    ("security::the_descriptor_of_the_manager_needs_its_right", SECURITY),
    ("security::parts_that_nothing_has_are_refused", SECURITY),
    ("security::a_marked_service_keeps_its_access_list", SECURITY),
    ("security::whoever_may_not_ask_is_not_told_of_it", SECURITY),
    ("failure::without_actions_a_dead_service_stays_stopped", CRASHES),
    ("failure::a_dead_service_is_restarted", CRASHES),
    ("failure::each_failure_has_its_action_and_the_last_repeats", CRASHES),
    ("failure::a_command_is_run", CRASHES),
    ("failure::an_end_with_an_error_is_a_failure_only_if_flagged", NO_FAILURE_FLAG),
    ("failure::a_stop_that_was_asked_for_is_no_failure", NO_FAILURE_FLAG),
    ("failure::a_reboot_is_not_carried_out", CRASHES),
];

const LOCKS: &str = "Windows gives locks that hold nothing back, and tells that there is none; Wine's hold back every start, and it never tells of them";
const SECURITY: &str = "Windows keeps security descriptors and looks at them; Wine says 0 to setting them, and tells an empty access list";
const NO_FAILURE_ACTIONS: &str =
    "Windows keeps failure actions; Wine says 0 to setting them, and 124 to reading";
const NO_DELAY: &str = "Windows keeps the delay; Wine says 124";
const NO_FAILURE_FLAG: &str = "Windows keeps the flag for ends with an error; Wine says 124";
const NO_SID_TYPES: &str = "Windows keeps the type of identifier; Wine says 124";
const NO_PRIVILEGES: &str = "Windows keeps required privileges; Wine says 124";
const CRASHES: &str =
    "Windows sees a process that dies as a service that stopped, with 1067; Wine goes on saying that it runs";
const SHARED: &str = "Windows starts services of one program in one process; Wine starts a process for each";
const DEPENDENCIES: &str = "Windows looks at dependencies when a service starts or stops; Wine never does";
const DEPENDENTS: &str =
    "Windows lists dependents, to whom may list them; Wine says 0 to anybody and lists none";

/// What is never run there: it would break the service control manager of Wine 8 for all that comes after it, or passes there by chance.
const NEVER_UNDER_WINE: &[(&str, &str)] = &[
    (
        "process::a_control_that_is_never_answered_times_out",
        "Windows gives the control up; Wine does too, but the late answer is written to where it was wanted, which is something else by then",
    ),
    ("lifecycle::a_stop_may_have_a_reason", "Wine's advapi32 lacks ControlServiceEx, and ends who calls it"),
    (
        "lifecycle::a_stop_with_a_reason_that_cannot_be_is_refused",
        "Wine's advapi32 lacks ControlServiceEx, and ends who calls it",
    ),
    ("locks::a_lock_is_given_and_holds_nothing_back", LOCKS),
    ("locks::a_lock_and_its_status_need_their_rights", LOCKS),
    (
        "delete::a_marked_service_is_gone_when_it_has_stopped",
        "Windows removes it with the last handle of others; Wine also waits for those of its process, which it closes some time after the end of that",
    ),
];

/// Set by whoever runs this under Wine; `all` runs what is not for Wine too.
const UNDER_WINE: &str = "SVCKIT_WINE";

/// Only cases whose names hold this text are run.
const CASE: &str = "SVCKIT_CASE";

#[test]
fn the_service_control_manager_of_windows_behaves() {
    let wine = env::var(UNDER_WINE).ok();
    let (excused, never) =
        if wine.is_some() { (NOT_UNDER_WINE, NEVER_UNDER_WINE) } else { Default::default() };
    let runs_excused = wine.as_deref() == Some("all");
    let wanted = env::var(CASE).unwrap_or_default();
    let cases = suite::all();
    assert!(cases.iter().any(|case| case.name.contains(&wanted)), "no case is called {wanted}");
    let stale: Vec<&str> = excused
        .iter()
        .chain(never)
        .map(|(name, _)| *name)
        .filter(|name| !cases.iter().any(|case| is_called(case, name)))
        .collect();
    assert!(stale.is_empty(), "no cases of the suite:\n  {}", stale.join("\n  "));

    let scripted = binary::scripted();
    let (mut failed, mut passed) = (Vec::new(), Vec::new());
    for case in cases.into_iter().filter(|case| case.name.contains(&wanted)) {
        let excuse = excused.iter().find(|(name, _)| is_called(&case, name));
        let left_out = never.iter().find(|(name, _)| is_called(&case, name));
        if let Some((name, why)) = left_out.or(excuse.filter(|_| !runs_excused)) {
            println!("not under Wine: {name}: {why}");
            continue;
        }
        let outcome =
            catch_unwind(AssertUnwindSafe(|| suite::run(case, &WindowsBackend::local(), &scripted)));
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

/// The suite leaves levels alone that a service control manager doesn't know: those are none on Windows, and all three under Wine 8.
#[test]
fn triggers_nodes_and_protection_are_known_to_windows_and_not_to_wine() {
    let manager = WindowsBackend::local().open_manager(ManagerAccess::CONNECT).unwrap();
    let service = manager.open_service("RpcSs", ServiceAccess::QUERY_CONFIG).unwrap();
    let wine = env::var_os(UNDER_WINE).is_some();
    for level in [Config2Level::TRIGGER_INFO, Config2Level::PREFERRED_NODE, Config2Level::LAUNCH_PROTECTED] {
        let found = service.config2(level).map(|value| value.level()).map_err(|error| error.code);
        let expected = if wine { Err(Win32Error::INVALID_LEVEL) } else { Ok(level) };
        assert_eq!(found, expected, "{level:?}");
    }
}

/// The Rust API for services, which the suite is no part of.
#[test]
fn services_as_things_go_where_they_are_sent() {
    let manager = ServiceManager::over(Box::new(WindowsBackend::local()));
    let program = binary::scripted();
    let image =
        ImagePath::from_arguments(&[program.to_str().unwrap(), "accept=STOP,PAUSE_CONTINUE"]).unwrap();
    let name = format!("things-{}", std::process::id());
    let mut service = manager.create(NewService::new(name.as_str(), image).unwrap());
    assert!(service.save(None).unwrap().created);
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let at = |status: svckit_core::Result<ServiceStatus>| {
            status.map(|status| (status.state, status.pid)).unwrap()
        };
        assert_eq!(at(service.stop()).0, ServiceState::STOPPED);
        let (running, pid) = at(service.start(&[]));
        assert_eq!(running, ServiceState::RUNNING);
        assert_eq!(at(service.start(&[])), (running, pid), "it runs already");
        assert_eq!(at(service.pause()).0, ServiceState::PAUSED);
        assert_eq!(at(service.resume()), (running, pid));
        assert_eq!(at(service.wait_until(NotifyMask::RUNNING)), (running, pid));
        assert_ne!(at(service.restart(&[])).1, pid);
        assert_eq!(service.delete().unwrap_err().code, Win32Error::SERVICE_CANNOT_ACCEPT_CTRL);
        let mut impatient = manager.service(&name).unwrap();
        impatient.set_limits(Limits { total: Some(Duration::from_millis(20)), ..Limits::default() });
        assert_eq!(impatient.wait_until(NotifyMask::PAUSED).unwrap_err().code, Win32Error::WAIT_TIMEOUT);
        assert_eq!(at(service.stop()).0, ServiceState::STOPPED);
    }));
    let deleted = service.stop_and_delete();
    outcome.unwrap_or_else(|panic| resume_unwind(panic));
    // Whether it is only marked is a matter of who holds it: Wine does for a moment after its process has ended.
    deleted.unwrap();
    service.wait_until_gone().unwrap();
    assert!(!manager.exists(&name).unwrap());
}

/// Whether a case has the name `MODULE::CASE`.
fn is_called(case: &suite::Case, name: &str) -> bool {
    case.name.strip_suffix(name).is_some_and(|modules| modules.ends_with("::"))
}
