//! The optional configuration, levels 1 to 9 and 12.

use std::time::Duration;

use svckit_core::backend::{Backend, Service};
use svckit_core::config::{Config2, Config2Change, Config2Level, DEFAULT_PRESHUTDOWN_TIMEOUT};
use svckit_core::failure::{ActionType, FailureAction, FailureActions, FailureActionsChange, ResetPeriod};
use svckit_core::kind::{LaunchProtection, ServiceType, SidType, StartType};
use svckit_core::trigger::{Guid, Trigger, TriggerAction, TriggerData, TriggerDataType, TriggerType};
use svckit_core::win32::Win32Error;

use super::Fixture;
use super::fixture::{code, create, manager, open};

super::cases!(
    a_new_service_has_no_description,
    a_new_service_does_nothing_about_failures,
    a_new_service_is_not_delayed,
    a_new_service_has_an_ordinary_token,
    a_new_service_has_the_usual_time_before_shutdown,
    a_description_comes_back_as_it_was_set,
    failure_actions_come_back_as_they_were_set,
    a_delay_comes_back_as_it_was_set,
    a_failure_flag_comes_back_as_it_was_set,
    a_sid_type_comes_back_as_it_was_set,
    required_privileges_come_back_as_they_were_set,
    a_preshutdown_timeout_comes_back_as_it_was_set,
    a_description_is_kept_or_deleted_as_asked,
    failure_actions_change_by_parts,
    an_empty_list_of_actions_deletes_them,
    a_new_service_has_no_triggers_and_they_come_back_as_they_were_set,
    an_empty_list_of_triggers_deletes_them,
    triggers_that_cannot_be_are_refused_and_change_nothing,
    a_new_service_has_no_preferred_node_and_it_comes_back_as_it_was_set,
    a_preferred_node_is_deleted,
    only_a_process_of_its_own_has_a_preferred_node,
    a_new_service_is_not_protected,
    a_protection_that_is_not_known_is_refused,
    a_level_that_is_not_known_is_refused,
    a_sid_type_that_is_not_known_is_refused,
);

fn is_new(backend: &dyn Backend, fixture: &Fixture, expected: &[Config2]) {
    let service = fixture.create(&*manager(backend), "new", &[]);
    for value in expected {
        assert_eq!(service.config2(value.level()).unwrap(), *value);
    }
}

fn a_new_service_has_no_description(backend: &dyn Backend, fixture: &Fixture) {
    is_new(backend, fixture, &[Config2::Description(None)]);
}

fn a_new_service_does_nothing_about_failures(backend: &dyn Backend, fixture: &Fixture) {
    let service = fixture.create(&*manager(backend), "new", &[]);
    match service.config2(Config2Level::FAILURE_ACTIONS).unwrap() {
        // The period of no actions means nothing, and is not the same everywhere.
        Config2::FailureActions(found) => assert_eq!((&*found.actions, &*found.command), (&[][..], "")),
        other => panic!("another level: {other:?}"),
    }
    assert_eq!(
        service.config2(Config2Level::FAILURE_ACTIONS_FLAG).unwrap(),
        Config2::FailureActionsFlag(false)
    );
}

fn a_new_service_is_not_delayed(backend: &dyn Backend, fixture: &Fixture) {
    is_new(backend, fixture, &[Config2::DelayedAutoStart(false)]);
}

fn a_new_service_has_an_ordinary_token(backend: &dyn Backend, fixture: &Fixture) {
    is_new(backend, fixture, &[Config2::Sid(SidType::NONE), Config2::RequiredPrivileges(Vec::new())]);
}

fn a_new_service_has_the_usual_time_before_shutdown(backend: &dyn Backend, fixture: &Fixture) {
    is_new(backend, fixture, &[Config2::PreshutdownTimeout(DEFAULT_PRESHUTDOWN_TIMEOUT)]);
}

fn actions() -> FailureActions {
    let action = |kind, seconds| FailureAction { kind, delay: Duration::from_secs(seconds) };
    FailureActions {
        reset_period: ResetPeriod::Seconds(86_400),
        reboot_message: "Neustart, gleich\u{2026}".to_owned(),
        command: r#""/opt/my tools/alarm" --service "x""#.to_owned(),
        actions: vec![
            action(ActionType::RESTART, 1),
            action(ActionType::RUN_COMMAND, 0),
            action(ActionType::NONE, 60),
        ],
    }
}

fn comes_back(backend: &dyn Backend, fixture: &Fixture, value: Config2) {
    let manager = manager(backend);
    let mut new = fixture.service("level", &[]);
    // Only automatic services can be delayed.
    new.config.start_type = StartType::AUTO_START;
    let service = create(&*manager, &new);
    service.change_config2(&value.clone().into_change()).unwrap();
    assert_eq!(open(&*manager, &new.name).config2(value.level()).unwrap(), value);
}

fn a_description_comes_back_as_it_was_set(backend: &dyn Backend, fixture: &Fixture) {
    let text = "Was sie tut, in Worten \u{1F600}".to_owned();
    comes_back(backend, fixture, Config2::Description(Some(text)));
}

fn failure_actions_come_back_as_they_were_set(backend: &dyn Backend, fixture: &Fixture) {
    comes_back(backend, fixture, Config2::FailureActions(actions()));
}

fn a_delay_comes_back_as_it_was_set(backend: &dyn Backend, fixture: &Fixture) {
    comes_back(backend, fixture, Config2::DelayedAutoStart(true));
}

fn a_failure_flag_comes_back_as_it_was_set(backend: &dyn Backend, fixture: &Fixture) {
    comes_back(backend, fixture, Config2::FailureActionsFlag(true));
}

fn a_sid_type_comes_back_as_it_was_set(backend: &dyn Backend, fixture: &Fixture) {
    comes_back(backend, fixture, Config2::Sid(SidType::RESTRICTED));
}

fn required_privileges_come_back_as_they_were_set(backend: &dyn Backend, fixture: &Fixture) {
    let names = ["SeBackupPrivilege", "SeChangeNotifyPrivilege"].map(str::to_owned);
    comes_back(backend, fixture, Config2::RequiredPrivileges(names.to_vec()));
}

fn a_preshutdown_timeout_comes_back_as_it_was_set(backend: &dyn Backend, fixture: &Fixture) {
    comes_back(backend, fixture, Config2::PreshutdownTimeout(Duration::from_millis(12_345)));
}

fn description(service: &dyn Service) -> Config2 {
    service.config2(Config2Level::DESCRIPTION).unwrap()
}

fn a_description_is_kept_or_deleted_as_asked(backend: &dyn Backend, fixture: &Fixture) {
    let service = fixture.create(&*manager(backend), "described", &[]);
    let set = |text: Option<&str>| {
        service.change_config2(&Config2Change::Description(text.map(str::to_owned))).unwrap();
    };
    set(Some("first"));
    set(None);
    assert_eq!(description(&*service), Config2::Description(Some("first".to_owned())));
    set(Some(""));
    assert_eq!(description(&*service), Config2::Description(None));
}

fn failure_actions_change_by_parts(backend: &dyn Backend, fixture: &Fixture) {
    let service = fixture.create(&*manager(backend), "parts", &[]);
    let mut expected = actions();
    service.change_config2(&Config2Change::FailureActions(expected.clone().into())).unwrap();
    let changes = [
        FailureActionsChange { command: Some("other".to_owned()), ..Default::default() },
        FailureActionsChange { reboot_message: Some(String::new()), ..Default::default() },
        FailureActionsChange {
            actions: Some((
                ResetPeriod::Never,
                vec![FailureAction { kind: ActionType::RESTART, delay: Duration::from_millis(7) }],
            )),
            ..Default::default()
        },
        FailureActionsChange { command: Some(String::new()), ..Default::default() },
    ];
    for change in changes {
        service.change_config2(&Config2Change::FailureActions(change.clone())).unwrap();
        expected.apply(change);
        let found = service.config2(Config2Level::FAILURE_ACTIONS).unwrap();
        assert_eq!(found, Config2::FailureActions(expected.clone()));
    }
}

fn an_empty_list_of_actions_deletes_them(backend: &dyn Backend, fixture: &Fixture) {
    let service = fixture.create(&*manager(backend), "emptied", &[]);
    service.change_config2(&Config2Change::FailureActions(actions().into())).unwrap();
    let none =
        FailureActionsChange { actions: Some((ResetPeriod::Seconds(1), Vec::new())), ..Default::default() };
    service.change_config2(&Config2Change::FailureActions(none)).unwrap();
    match service.config2(Config2Level::FAILURE_ACTIONS).unwrap() {
        Config2::FailureActions(found) => {
            assert_eq!(found.actions, []);
            assert_eq!(found.command, actions().command, "the rest stays");
        }
        other => panic!("another level: {other:?}"),
    }
}

/// The rule for the levels that not every service control manager has: one that says so to the question says so to the change as well, and
/// is left alone by the rest of the case. `docs/deviations.md` tells which those are.
fn unless_the_level_is_unknown(service: &dyn Service, change: &Config2Change, rest: impl FnOnce()) {
    let level = change.level();
    match service.config2(level) {
        Err(error) if error.code == Win32Error::INVALID_LEVEL => {
            assert_eq!(code(service.change_config2(change)), Win32Error::INVALID_LEVEL, "{level:?}");
        }
        _ => rest(),
    }
}

/// Triggers that never happen: nobody writes events as these providers.
fn triggers() -> Vec<Trigger> {
    let provider = 0x6b2c_91d4_3f0e_4a57_8d16_52c7_e90b_a3f8;
    let binary = TriggerData { kind: TriggerDataType::BINARY, data: vec![1, 0, 255, 7] };
    let trigger =
        |action, subtype, data| Trigger { kind: TriggerType::CUSTOM, action, subtype: Guid(subtype), data };
    vec![
        trigger(TriggerAction::SERVICE_START, provider, vec![binary]),
        trigger(TriggerAction::SERVICE_STOP, provider + 1, Vec::new()),
    ]
}

fn a_new_service_has_no_triggers_and_they_come_back_as_they_were_set(
    backend: &dyn Backend,
    fixture: &Fixture,
) {
    let service = fixture.create(&*manager(backend), "triggered", &[]);
    let change = Config2Change::Triggers(triggers());
    unless_the_level_is_unknown(&*service, &change, || {
        let found = || service.config2(Config2Level::TRIGGER_INFO).unwrap();
        assert_eq!(found(), Config2::Triggers(Vec::new()));
        service.change_config2(&change).unwrap();
        assert_eq!(found(), Config2::Triggers(triggers()));
        let first = Config2Change::Triggers(triggers()[..1].to_vec());
        service.change_config2(&first).unwrap();
        assert_eq!(found().into_change(), first, "they take the place of those before");
    });
}

fn an_empty_list_of_triggers_deletes_them(backend: &dyn Backend, fixture: &Fixture) {
    let service = fixture.create(&*manager(backend), "untriggered", &[]);
    let none = Config2Change::Triggers(Vec::new());
    unless_the_level_is_unknown(&*service, &none, || {
        service.change_config2(&Config2Change::Triggers(triggers())).unwrap();
        // The second time there is nothing to be deleted.
        for _ in 0..2 {
            service.change_config2(&none).unwrap();
            let found = service.config2(Config2Level::TRIGGER_INFO).unwrap();
            assert_eq!(found, Config2::Triggers(Vec::new()));
        }
    });
}

fn triggers_that_cannot_be_are_refused_and_change_nothing(backend: &dyn Backend, fixture: &Fixture) {
    let service = fixture.create(&*manager(backend), "mistriggered", &[]);
    let good = Config2Change::Triggers(triggers());
    unless_the_level_is_unknown(&*service, &good, || {
        service.change_config2(&good).unwrap();
        let first = triggers().remove(0);
        let item = |kind, length| TriggerData { kind, data: vec![7; length] };
        let data = |data| Trigger { data, ..first.clone() };
        for wrong in [
            vec![Trigger { kind: TriggerType(99), ..first.clone() }],
            vec![Trigger { action: TriggerAction(3), ..first.clone() }],
            vec![Trigger { kind: TriggerType::DOMAIN_JOIN, ..first.clone() }],
            vec![first.clone(), Trigger { kind: TriggerType::NETWORK_ENDPOINT, ..first.clone() }],
            vec![data(vec![item(TriggerDataType(99), 1)])],
            vec![data(vec![item(TriggerDataType::LEVEL, 2)])],
            vec![data(vec![item(TriggerDataType::KEYWORD_ANY, 7)])],
            vec![data(vec![item(TriggerDataType::STRING, 4)])],
            vec![data(vec![item(TriggerDataType::BINARY, 1025)])],
            vec![data(vec![item(TriggerDataType::BINARY, 1); 65])],
            vec![first.clone(); 65],
        ] {
            let refused = service.change_config2(&Config2Change::Triggers(wrong.clone()));
            assert_eq!(code(refused), Win32Error::INVALID_PARAMETER, "{wrong:?}");
        }
        let found = service.config2(Config2Level::TRIGGER_INFO).unwrap();
        assert_eq!(found, Config2::Triggers(triggers()));
    });
}

fn a_new_service_has_no_preferred_node_and_it_comes_back_as_it_was_set(
    backend: &dyn Backend,
    fixture: &Fixture,
) {
    let service = fixture.create(&*manager(backend), "node", &[]);
    unless_the_level_is_unknown(&*service, &Config2Change::PreferredNode(Some(0)), || {
        let found = || service.config2(Config2Level::PREFERRED_NODE).unwrap();
        assert_eq!(found(), Config2::PreferredNode(None));
        let node = set_node(&*service);
        assert_eq!(found(), Config2::PreferredNode(node));
    });
}

/// Sets node 0, and tells what is set afterwards: a machine without nodes refuses any, and keeps none.
fn set_node(service: &dyn Service) -> Option<u16> {
    match service.change_config2(&Config2Change::PreferredNode(Some(0))) {
        Ok(()) => Some(0),
        Err(error) => {
            assert_eq!(error.code, Win32Error::INVALID_PARAMETER);
            None
        }
    }
}

fn a_preferred_node_is_deleted(backend: &dyn Backend, fixture: &Fixture) {
    let service = fixture.create(&*manager(backend), "nowhere", &[]);
    let none = Config2Change::PreferredNode(None);
    unless_the_level_is_unknown(&*service, &none, || {
        set_node(&*service);
        // The second time, or on a machine without nodes, there is nothing to be deleted.
        for _ in 0..2 {
            service.change_config2(&none).unwrap();
            let found = service.config2(Config2Level::PREFERRED_NODE).unwrap();
            assert_eq!(found, Config2::PreferredNode(None));
        }
    });
}

fn only_a_process_of_its_own_has_a_preferred_node(backend: &dyn Backend, fixture: &Fixture) {
    let mut new = fixture.service("sharing", &[]);
    new.config.service_type = ServiceType::WIN32_SHARE_PROCESS;
    let service = create(&*manager(backend), &new);
    let node = Config2Change::PreferredNode(Some(0));
    unless_the_level_is_unknown(&*service, &node, || {
        assert_eq!(code(service.change_config2(&node)), Win32Error::INVALID_PARAMETER);
    });
}

/// A protection can't be set by a test: Windows wants a program that is signed for it.
fn a_new_service_is_not_protected(backend: &dyn Backend, fixture: &Fixture) {
    let service = fixture.create(&*manager(backend), "unprotected", &[]);
    let none = Config2Change::LaunchProtected(LaunchProtection::NONE);
    unless_the_level_is_unknown(&*service, &none, || {
        let found = service.config2(Config2Level::LAUNCH_PROTECTED).unwrap();
        assert_eq!(found, Config2::LaunchProtected(LaunchProtection::NONE));
    });
}

fn a_protection_that_is_not_known_is_refused(backend: &dyn Backend, fixture: &Fixture) {
    let service = fixture.create(&*manager(backend), "overprotected", &[]);
    let change = Config2Change::LaunchProtected(LaunchProtection(99));
    unless_the_level_is_unknown(&*service, &change, || {
        assert_eq!(code(service.change_config2(&change)), Win32Error::INVALID_PARAMETER);
    });
}

fn a_level_that_is_not_known_is_refused(backend: &dyn Backend, fixture: &Fixture) {
    let service = fixture.create(&*manager(backend), "level", &[]);
    for level in [0, 99] {
        assert_eq!(code(service.config2(Config2Level(level))), Win32Error::INVALID_LEVEL, "{level}");
    }
}

fn a_sid_type_that_is_not_known_is_refused(backend: &dyn Backend, fixture: &Fixture) {
    let service = fixture.create(&*manager(backend), "sid", &[]);
    let change = Config2Change::Sid(SidType(2));
    assert_eq!(code(service.change_config2(&change)), Win32Error::INVALID_PARAMETER);
}
