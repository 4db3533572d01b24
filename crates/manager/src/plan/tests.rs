//! Plans in words: `stop a`, `remove a`, `install a`, `update a`, `start a`.

use std::collections::BTreeMap;
use std::time::Duration;

use svckit_core::config::{Config2, NewService};
use svckit_core::definition::{DEFINITION_VERSION, LogPolicy, LogTarget, Program, RestartPolicy, StopPolicy};
use svckit_core::image_path::ImagePath;
use svckit_core::name::GroupName;

use super::*;

/// A service that runs a program and needs others, `+G` a group; a program that ends in `!` is one of a disabled service.
fn wanted(name: &str, program: &str, needs: &[&str]) -> InstallPlan {
    let key = ServiceName::new(name).unwrap();
    let image = ImagePath::from_arguments(&["/svc", "host", "run"]).unwrap();
    let mut service = NewService::own_process(key.clone(), key.into(), image);
    service.config.dependencies = needs
        .iter()
        .map(|need| match need.strip_prefix('+') {
            Some(group) => Dependency::Group(GroupName::new(group).unwrap()),
            None => Dependency::Service(ServiceName::new(*need).unwrap()),
        })
        .collect();
    if program.ends_with('!') {
        service.config.start_type = StartType::DISABLED;
    }
    let log = || LogTarget::File("/x.log".into());
    let definition = HostDefinition {
        version: DEFINITION_VERSION,
        program: Program {
            command: vec![program.to_owned()],
            directory: "/".into(),
            environment: BTreeMap::new(),
            environment_files: Vec::new(),
            secrets: Default::default(),
        },
        restart: RestartPolicy::default(),
        stop: StopPolicy::default(),
        log: LogPolicy { buffer: 1, ..LogPolicy::new(log()) },
        controls: BTreeMap::new(),
        ready: None,
        health: None,
        schedule: Default::default(),
        system_events: Default::default(),
        tree: Default::default(),
        hooks: Default::default(),
        limits: Default::default(),
        account_password: None,
        source: Some("/service.toml".into()),
    };
    let description = Config2::Description(Some(format!("The {name}"))).into_change();
    InstallPlan {
        service,
        config2: vec![description],
        security: None,
        definition: Some(Box::new(definition)),
    }
}

/// The service that was installed from that.
fn there(wanted: &InstallPlan, state: ServiceState) -> Configured {
    let description = format!("The {}", wanted.service.name);
    Configured {
        service: wanted.service.name.clone(),
        state,
        config: wanted.service.config.clone(),
        optional: vec![
            Config2::Description(Some(description)),
            Config2::PreshutdownTimeout(Duration::from_secs(180)),
        ],
        security: None,
        definition: wanted.definition.clone(),
    }
}

fn running(name: &str, program: &str, needs: &[&str]) -> Configured {
    there(&wanted(name, program, needs), ServiceState::RUNNING)
}

fn stopped(name: &str, program: &str, needs: &[&str]) -> Configured {
    there(&wanted(name, program, needs), ServiceState::STOPPED)
}

fn names(all: &[&str]) -> Vec<ServiceName> {
    all.iter().map(|name| ServiceName::new(*name).unwrap()).collect()
}

fn planned(
    desired: &[InstallPlan],
    present: &[Configured],
    removed: &[&str],
    pending: &[&str],
) -> Result<String, String> {
    let goal = Goal { desired, removed: &names(removed), pending: &names(pending) };
    let plan = plan(&goal, present).map_err(|obstacle| obstacle.to_string())?;
    let name = |index: &usize| desired[*index].service.name.to_string();
    let word = |step: &Step| match step {
        Step::Stop(name) => format!("stop {name}"),
        Step::Remove(name) => format!("remove {name}"),
        Step::Install(index) => format!("install {}", name(index)),
        Step::Update(index) => format!("update {}", name(index)),
        Step::Start(name) => format!("start {name}"),
    };
    Ok(plan.steps.iter().map(word).collect::<Vec<_>>().join(", "))
}

#[track_caller]
fn check(desired: &[InstallPlan], present: &[Configured], expected: &str) {
    assert_eq!(planned(desired, present, &[], &[]), Ok(expected.to_owned()));
}

#[test]
fn what_is_as_it_shall_be_is_left_alone() {
    let desired = [wanted("a", "1", &[]), wanted("b", "1", &["a"])];
    check(&desired, &[running("a", "1", &[]), stopped("b", "1", &["a"]), running("z", "9", &["a"])], "");
}

#[test]
fn what_is_new_is_installed_dependencies_first_and_not_started() {
    check(
        &[wanted("a", "1", &["b"]), wanted("b", "1", &["c"])],
        &[stopped("c", "1", &[])],
        "install b, install a",
    );
}

#[test]
fn who_runs_and_is_affected_is_restarted_with_those_that_run_on_it() {
    let present = [
        running("a", "1", &[]),
        running("b", "1", &["a"]),
        stopped("c", "1", &["a"]),
        running("d", "1", &["b"]),
        running("e", "1", &["c"]),
        running("other", "1", &[]),
    ];
    check(&[wanted("a", "2", &[])], &present, "update a, stop d, stop b, stop a, start a, start b, start d");
    check(&[wanted("c", "2", &["a"])], &present, "update c");
}

#[test]
fn a_change_that_no_program_sees_stops_nothing() {
    let mut wanted = wanted("a", "1", &["b"]);
    wanted.config2 = vec![Config2::Description(Some("Another".to_owned())).into_change()];
    wanted.definition.as_mut().unwrap().source = Some("/other.toml".into());
    check(&[wanted], &[running("a", "1", &[]), stopped("b", "1", &[])], "update a");
}

#[test]
fn a_group_is_lost_only_with_its_last_member_that_runs() {
    let member = |name, program, state| {
        let mut wanted = wanted(name, program, &[]);
        wanted.service.config.load_order_group = Some(GroupName::new("G").unwrap());
        (wanted.clone(), there(&wanted, state))
    };
    let (one, _) = member("one", "2", ServiceState::RUNNING);
    let (_, first) = member("one", "1", ServiceState::RUNNING);
    let (_, second) = member("two", "1", ServiceState::RUNNING);
    let (_, idle) = member("two", "1", ServiceState::STOPPED);
    let user = running("user", "1", &["+G"]);
    let one = [one];
    check(&one, &[first.clone(), second, user.clone()], "update one, stop one, start one");
    check(&one, &[first, idle, user], "update one, stop user, stop one, start one, start user");
}

#[test]
fn what_goes_is_removed_first_and_who_needed_it_is_back_at_the_end() {
    let present = [running("old", "1", &[]), running("older", "1", &["old"]), running("user", "1", &["old"])];
    let desired = [wanted("user", "1", &["new"]), wanted("new", "1", &[])];
    assert_eq!(
        planned(&desired, &present, &["old", "older"], &[]).unwrap(),
        "stop user, stop older, stop old, remove older, remove old, install new, update user, start user"
    );
}

#[test]
fn what_is_needed_is_not_removed() {
    let present = [stopped("db", "1", &[]), stopped("web", "1", &["DB"])];
    assert_eq!(
        planned(&[], &present, &["db"], &[]).unwrap_err(),
        "service \"DB\" can't be removed: service \"web\" depends on it"
    );
}

#[test]
fn a_circle_is_told() {
    let present = [stopped("b", "1", &["a"])];
    assert_eq!(
        planned(&[wanted("a", "1", &["b"])], &present, &[], &[]).unwrap_err(),
        "the services would depend on each other in a circle: b -> a -> b"
    );
    // The other way round is none, whoever is changed first.
    let desired = [wanted("a", "1", &["b"]), wanted("b", "1", &[])];
    check(&desired, &[stopped("a", "1", &[]), stopped("b", "1", &["a"])], "update b, update a");
}

#[test]
fn a_circle_of_others_is_none_of_ours() {
    let present = [running("x", "1", &["y"]), running("y", "1", &["x"]), running("a", "1", &[])];
    check(&[wanted("a", "2", &[])], &present, "update a, stop a, start a");
}

#[test]
fn what_an_earlier_run_left_is_finished() {
    let desired = [wanted("a", "1", &[])];
    let present = [stopped("a", "1", &[]), stopped("b", "1", &["a"]), running("c", "1", &["a"])];
    assert_eq!(planned(&desired, &present, &[], &["b", "A"]).unwrap(), "start a, start b");
    assert_eq!(planned(&desired, &present, &[], &["c"]).unwrap(), "stop c, start c");
}

#[test]
fn what_is_disabled_is_never_started() {
    check(&[wanted("a", "2!", &[])], &[running("a", "1", &[])], "update a");
    let present = [running("a", "1", &[]), running("b", "1", &["a"])];
    let desired = [wanted("a", "2", &[]), wanted("b", "1!", &["a"])];
    check(&desired, &present, "update a, update b, stop b, stop a, start a");
    assert_eq!(planned(&[], &[stopped("a", "1!", &[])], &[], &["a"]).unwrap(), "");
}

#[test]
fn before_and_after_tell_what_changes() {
    let before = running("a", "1", &[]);
    let mut to = wanted("A", "1", &["b"]);
    to.config2.push(Config2::PreshutdownTimeout(Duration::from_secs(5)).into_change());
    // What the service control manager doesn't know can't differ.
    to.config2.push(Config2::Sid(svckit_core::kind::SidType::RESTRICTED).into_change());
    to.config2[0] = Config2::Description(None).into_change();
    to.service.config.account = Some("localsystem".to_owned());
    let goal = Goal { desired: &[to], removed: &[], pending: &[] };
    let plan = plan(&goal, std::slice::from_ref(&before)).unwrap();
    let [Fate::Update { before: was, after }] = &plan.fates[..] else { panic!("{:?}", plan.fates) };
    assert_eq!(**was, before);
    assert_eq!(
        after.optional,
        [Config2::Description(None), Config2::PreshutdownTimeout(Duration::from_secs(5))]
    );
    assert_eq!(after.config.account, before.config.account, "the same by another name");
    assert_eq!(after.config.dependencies.len(), 1);
}

#[test]
fn a_long_chain_is_no_matter() {
    let name = |number: usize| format!("s{number}");
    let needs = |number: usize| (number > 0).then(|| name(number - 1));
    let one = |number: usize| {
        let needs = needs(number);
        running(&name(number), "1", &needs.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let present: Vec<_> = (0..20_000).rev().map(one).collect();
    let goal = Goal { desired: &[wanted("s0", "2", &[])], removed: &[], pending: &[] };
    let plan = plan(&goal, &present).unwrap();
    assert_eq!(plan.steps.len(), 40_001);
    assert_eq!(plan.steps[1], Step::Stop(ServiceName::new("s19999").unwrap()));
}

#[test]
fn another_security_descriptor_is_a_change_without_a_restart() {
    let secured = |text: &str| InstallPlan { security: Some(text.parse().unwrap()), ..wanted("a", "1", &[]) };
    let stored = |text: &str| Configured { security: Some(text.parse().unwrap()), ..running("a", "1", &[]) };
    let kept = "O:SYG:SYD:(A;;CCDCLCSWRPWPDTLOCRSDRCWDWO;;;BA)S:(AU;FA;RP;;;WD)";
    check(&[secured("D:(A;;GA;;;BA)")], &[running("a", "1", &[])], "update a");
    check(&[secured("D:(A;;GA;;;BA)")], &[stored(kept)], "");
    check(&[secured("O:BAD:(A;;GA;;;BA)")], &[stored(kept)], "update a");
    check(&[wanted("a", "1", &[])], &[stored(kept)], "");
    check(&[secured("O:SY")], &[running("a", "1", &[])], "");
}

/// A service whose program is started as it is.
fn own(name: &str, path: &str) -> InstallPlan {
    let mut plan = wanted(name, "", &[]);
    plan.service.config.image_path = ImagePath::new(path).unwrap();
    InstallPlan { definition: None, ..plan }
}

#[test]
fn a_service_without_a_host_is_restarted_if_another_program_is_started() {
    let there = |path: &str| [there(&own("a", path), ServiceState::RUNNING)];
    check(&[own("a", r"%A%\a.exe")], &there(r"C:\A\a.exe"), "");
    check(&[own("a", r"C:\B\a.exe")], &there(r"C:\A\a.exe"), "update a, stop a, start a");
    check(&[own("a", r"C:\A\a.exe")], &[running("a", "x", &[])], "update a, stop a, start a");

    // What Windows has put in the place of a variable is no change beside another.
    let mut described = own("a", r"%A%\a.exe");
    described.config2.clear();
    described.service.config.start_type = StartType::AUTO_START;
    check(&[described.clone()], &there(r"C:\A\a.exe"), "update a");
    let goal = Goal { desired: &[described], removed: &[], pending: &[] };
    let Fate::Update { before, after } = plan(&goal, &there(r"C:\A\a.exe")).unwrap().fates.remove(0) else {
        panic!("it is to be changed");
    };
    assert_eq!(after.config.image_path, before.config.image_path);
}
