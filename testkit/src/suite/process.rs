//! Processes: what can't be started, what doesn't answer, what dies, what is shared.

use svckit_core::backend::{Backend, Manager, Service};
use svckit_core::control::Control;
use svckit_core::image_path::ImagePath;
use svckit_core::kind::ServiceType;
use svckit_core::status::ServiceState;
use svckit_core::win32::Win32Error;

use super::Fixture;
use super::fixture::{code, create, manager, reaches, start, stop};

super::cases!(
    a_missing_program_is_a_missing_file,
    a_file_that_is_no_program_is_refused,
    a_process_that_never_connects_times_out,
    a_process_that_ends_before_it_connects_is_no_service,
    a_process_that_dies_is_a_stopped_service,
    a_control_that_is_never_answered_times_out,
    services_of_type_own_have_a_process_each,
    services_of_type_share_share_it,
    a_shared_process_outlives_each_of_its_services,
);

fn with_image(backend: &dyn Backend, fixture: &Fixture, image: &str) -> Win32Error {
    let mut new = fixture.service("image", &[]);
    new.config.image_path = ImagePath::from_arguments(&[image]).unwrap();
    let service = create(&*manager(backend), &new);
    let code = code(service.start(&[]));
    assert_eq!(service.status().unwrap().state, ServiceState::STOPPED);
    code
}

fn a_missing_program_is_a_missing_file(backend: &dyn Backend, fixture: &Fixture) {
    let missing = fixture.directory().join("no such program");
    let code = with_image(backend, fixture, missing.to_str().unwrap());
    assert_eq!(code, Win32Error::FILE_NOT_FOUND);
}

fn a_file_that_is_no_program_is_refused(backend: &dyn Backend, fixture: &Fixture) {
    let path = fixture.directory().join("notes");
    std::fs::write(&path, "no program").unwrap();
    let code = with_image(backend, fixture, path.to_str().unwrap());
    // Windows looks at the content, the others at the permission.
    assert!([Win32Error::ACCESS_DENIED, Win32Error::BAD_EXE_FORMAT].contains(&code), "{code:?}");
}

fn a_process_that_never_connects_times_out(backend: &dyn Backend, fixture: &Fixture) {
    let service = fixture.create(&*manager(backend), "silent", &["connect=never"]);
    assert_eq!(code(service.start(&[])), Win32Error::SERVICE_REQUEST_TIMEOUT);
    let status = service.status().unwrap();
    assert_eq!((status.state, status.pid), (ServiceState::STOPPED, 0));
}

fn a_process_that_ends_before_it_connects_is_no_service(backend: &dyn Backend, fixture: &Fixture) {
    let service = fixture.create(&*manager(backend), "ending", &["connect=exit:0"]);
    assert_eq!(code(service.start(&[])), Win32Error::SERVICE_REQUEST_TIMEOUT);
    assert_eq!(service.status().unwrap().state, ServiceState::STOPPED);
}

fn a_process_that_dies_is_a_stopped_service(backend: &dyn Backend, fixture: &Fixture) {
    let service = fixture.create(&*manager(backend), "dying", &["on-128=abort", "on-129=exit:0"]);
    for control in [Control(128), Control(129)] {
        start(&*service);
        // The control may be answered or not: the process ends while it handles it.
        let _ = service.control(control);
        let status = reaches(&*service, ServiceState::STOPPED);
        assert_eq!((status.win32_exit_code, status.pid), (Win32Error::PROCESS_ABORTED, 0));
    }
    start(&*service);
}

fn a_control_that_is_never_answered_times_out(backend: &dyn Backend, fixture: &Fixture) {
    let service = fixture.create(&*manager(backend), "deaf", &["on-128=hang"]);
    start(&*service);
    assert_eq!(code(service.control(Control(128))), Win32Error::SERVICE_REQUEST_TIMEOUT);
    assert_eq!(service.status().unwrap().state, ServiceState::RUNNING);
}

/// Two services with the same command line, which names both.
fn both(
    manager: &dyn Manager,
    fixture: &Fixture,
    service_type: ServiceType,
    script: &[&str],
) -> [Box<dyn Service>; 2] {
    const STEMS: [&str; 2] = ["left", "right"];
    let names = format!("services={}", STEMS.map(|stem| fixture.text(stem)).join(","));
    STEMS.map(|stem| {
        let mut new = fixture.service(stem, &[&[names.as_str()], script].concat());
        new.config.service_type = service_type;
        create(manager, &new)
    })
}

fn pair(backend: &dyn Backend, fixture: &Fixture, service_type: ServiceType) -> (u32, u32) {
    let manager = manager(backend);
    let services = both(&*manager, fixture, service_type, &[]);
    let pids = (start(&*services[0]).pid, start(&*services[1]).pid);
    for service in services {
        stop(&*service);
    }
    pids
}

fn services_of_type_own_have_a_process_each(backend: &dyn Backend, fixture: &Fixture) {
    let (left, right) = pair(backend, fixture, ServiceType::WIN32_OWN_PROCESS);
    assert_ne!(left, right);
}

fn services_of_type_share_share_it(backend: &dyn Backend, fixture: &Fixture) {
    let (left, right) = pair(backend, fixture, ServiceType::WIN32_SHARE_PROCESS);
    assert_eq!(left, right);
}

fn a_shared_process_outlives_each_of_its_services(backend: &dyn Backend, fixture: &Fixture) {
    let manager = manager(backend);
    let [first, second] = both(&*manager, fixture, ServiceType::WIN32_SHARE_PROCESS, &["on-130=abort"]);
    let pid = start(&*first).pid;
    start(&*second);
    stop(&*first);
    assert_eq!(second.status().unwrap().state, ServiceState::RUNNING);
    assert_eq!(start(&*first).pid, pid);
    let _ = second.control(Control(130));
    for service in [first, second] {
        assert_eq!(reaches(&*service, ServiceState::STOPPED).win32_exit_code, Win32Error::PROCESS_ABORTED);
    }
}
