//! What all services do and use, for those who go on looking.

use std::sync::mpsc::channel;
use std::time::Duration;

use svckit_core::access::{ManagerAccess, ServiceAccess};
use svckit_core::backend::Backend;
use svckit_core::control::Control;
use svckit_core::name::ServiceName;
use svckit_core::native::{Overview, Phase, Reply, Request};
use svckit_core::status::ServiceState;
use svckit_engine::Direct;
use svckit_testkit::gate::Gate;
use svckit_testkit::{PATIENCE, binary};

use crate::native::hosted;
use crate::support::{Scm, create, open, scripted, start, state};

fn ask(direct: &Direct, after: Option<u64>) -> Overview {
    match direct.native(Request::Overview { after, services: None }).unwrap() {
        Reply::Overview(overview) => overview,
        other => panic!("{other:?}"),
    }
}

/// Asks for changes until they bring what is wanted; the revision then.
#[track_caller]
fn until(direct: &Direct, mut after: u64, wanted: impl Fn(&Overview) -> bool) -> Overview {
    loop {
        let (sender, answers) = channel();
        let asker = direct.clone();
        // A thread, so that what never comes fails the test and not its patience.
        std::thread::spawn(move || drop(sender.send(ask(&asker, Some(after)))));
        let overview = answers.recv_timeout(PATIENCE).expect("nothing changes any more");
        assert!(overview.revision > after && !overview.complete, "{overview:?}");
        if wanted(&overview) {
            return overview;
        }
        after = overview.revision;
    }
}

fn names(overview: &Overview) -> Vec<&str> {
    overview.services.iter().map(|view| view.service.as_str()).collect()
}

#[test]
fn an_overview_has_all_services_and_then_what_changed() {
    let state = state();
    let scm = Scm::serve(state.path());
    create(&scm.direct, &[scripted("web", &[]), scripted("other", &[])]);
    let all = ask(&scm.direct, None);
    assert!(all.complete && all.gone.is_empty());
    assert_eq!(names(&all), ["other", "web"]);
    start(&*open(&scm.direct, "web"));
    let running = until(&scm.direct, all.revision, |overview| {
        assert!(names(overview).iter().all(|name| *name == "web"), "{overview:?}");
        overview.services.iter().any(|view| view.status.state == ServiceState::RUNNING)
    });
    assert!(running.services[0].host.is_none());
    // A revision that was never told is that of another life.
    assert!(ask(&scm.direct, Some(running.revision + 1000)).complete);
    open(&scm.direct, "other").delete().unwrap();
    let gone = until(&scm.direct, running.revision, |overview| !overview.gone.is_empty());
    assert_eq!(gone.gone[0].as_str(), "other");
    create(&scm.direct, &[scripted("Other", &[])]);
    let back = ask(&scm.direct, Some(running.revision));
    assert!(back.gone.is_empty() && names(&back).contains(&"Other"), "{back:?}");
}

#[test]
fn a_new_display_name_is_a_change() {
    let state = state();
    let scm = Scm::serve(state.path());
    create(&scm.direct, &[scripted("web", &[])]);
    let before = ask(&scm.direct, None).revision;
    let manager = scm.direct.open_manager(ManagerAccess::ALL_ACCESS).unwrap();
    let service = manager.open_service("web", ServiceAccess::ALL_ACCESS).unwrap();
    let display_name = Some(svckit_core::name::DisplayName::new("Web shop").unwrap());
    service.change_config(&svckit_core::config::ConfigChange { display_name, ..Default::default() }).unwrap();
    assert_eq!(ask(&scm.direct, Some(before)).services[0].display_name, "Web shop");
    let Reply::List { services } = scm.direct.native(Request::List).unwrap() else { panic!() };
    assert_eq!(services[0].display_name(), "Web shop");
}

#[test]
fn a_host_tells_of_its_program_and_its_use_of_the_machine_is_measured() {
    let state = state();
    let scm = Scm::serve(state.path());
    let (program, gate) = (binary::scripted(), Gate::new());
    let steps = format!("program=gate:{}", gate.address());
    hosted(&scm, state.path(), "web", &[program.to_str().unwrap(), &steps]);
    create(&scm.direct, &[scripted("other", &[])]);
    let before = ask(&scm.direct, None);
    open(&scm.direct, "web").start(&[]).unwrap();
    let running = until(&scm.direct, before.revision, |overview| {
        let host = overview.services.iter().find_map(|view| view.host.as_ref());
        host.is_some_and(|host| host.state.phase == Phase::Running && host.state.child_pid.is_some())
    });
    assert_eq!(names(&running), ["web"]);
    let Reply::List { services } = scm.direct.native(Request::List).unwrap() else { panic!() };
    let [other, web] = &services[..] else { panic!("{services:?}") };
    assert_eq!((other.service.as_str(), other.state, other.pid), ("other", ServiceState::STOPPED, None));
    assert_eq!((web.service.as_str(), web.display_name()), ("web", "web"));
    assert_eq!(web.pid, running.services[0].host.as_ref().unwrap().state.child_pid);
    // The kernel counts memory in batches: a program that has just begun has none by that.
    let _held = gate.arrival();
    let Reply::Usage { services, .. } = scm.direct.native(Request::Usage).unwrap() else { panic!() };
    let [web] = &services[..] else { panic!("{services:?}") };
    assert_eq!(web.service.as_str(), "web");
    let program = web.program.unwrap();
    assert!(program.memory > 4096 && program.processes == 1, "{program:?}");
    let host = web.host.unwrap();
    assert!(host.memory > 4096 && host.processes == 1, "{host:?}");
}

#[test]
fn who_asks_for_some_services_is_told_of_no_others() {
    let state = state();
    let scm = Scm::serve(state.path());
    create(&scm.direct, &[scripted("web", &[]), scripted("other", &[])]);
    let only = || Some(vec![ServiceName::new("WEB").unwrap()]);
    let all = scm.direct.native(Request::Overview { after: None, services: only() }).unwrap();
    let Reply::Overview(all) = all else { panic!("{all:?}") };
    assert!(all.complete);
    assert_eq!(names(&all), ["web"]);
    start(&*open(&scm.direct, "other"));
    open(&scm.direct, "other").control(Control::STOP).unwrap();
    let nothing = scm.direct.changes(all.revision, only(), Duration::from_millis(1)).unwrap();
    assert_eq!(nothing, None);
    let (asker, revision) = (scm.direct.clone(), all.revision);
    let asked = std::thread::spawn(move || {
        let mut after = revision;
        loop {
            let Some(Reply::Overview(news)) = asker.changes(after, only(), PATIENCE).unwrap() else {
                panic!()
            };
            assert!(names(&news).iter().all(|name| *name == "web"), "{news:?}");
            if !news.gone.is_empty() {
                return news.gone;
            }
            // That it is marked is news, too.
            after = news.revision;
        }
    });
    // Whether it is asked before or after: of this it is not told, of the next it is.
    open(&scm.direct, "other").delete().unwrap();
    open(&scm.direct, "web").delete().unwrap();
    let gone = asked.join().unwrap();
    assert_eq!(gone.iter().map(ServiceName::as_str).collect::<Vec<_>>(), ["web"]);
}
