//! Installing and updating as a whole.

use std::path::PathBuf;
use std::time::Duration;

use svckit_core::Win32Error;
use svckit_core::config::{Config2, Config2Change, Config2Level, NewService};
use svckit_core::definition::{
    DEFINITION_VERSION, HostDefinition, LogPolicy, LogTarget, Program, RestartPolicy, StopPolicy,
};
use svckit_core::failure::{ActionType, FailureAction, FailureActionsChange, ResetPeriod};
use svckit_core::image_path::ImagePath;
use svckit_core::kind::{SidType, StartType};
use svckit_core::name::{Dependency, ServiceName};
use svckit_manager::install::{InstallPlan, install};
use svckit_manager::update::update;

use crate::scm::Fixture;
use crate::wire::config;

fn definition(program: &str) -> Box<HostDefinition> {
    Box::new(HostDefinition {
        version: DEFINITION_VERSION,
        program: Program {
            command: vec![program.to_owned()],
            directory: PathBuf::from("/"),
            environment: Default::default(),
            environment_files: Vec::new(),
            secrets: Default::default(),
        },
        restart: RestartPolicy::default(),
        stop: StopPolicy::default(),
        log: LogPolicy { buffer: 1, ..LogPolicy::new(LogTarget::Discard) },
        controls: Default::default(),
        ready: None,
        health: None,
        schedule: Default::default(),
        system_events: Default::default(),
        tree: Default::default(),
        hooks: Default::default(),
        limits: Default::default(),
        account_password: None,
        source: None,
    })
}

fn plan() -> InstallPlan {
    let action = FailureAction { kind: ActionType::RESTART, delay: Duration::from_secs(1) };
    let failure = FailureActionsChange {
        actions: Some((ResetPeriod::Seconds(60), vec![action])),
        ..Default::default()
    };
    InstallPlan {
        service: NewService {
            name: ServiceName::new("web").unwrap(),
            config: config("The web"),
            want_tag: true,
            password: None,
        },
        config2: vec![
            Config2Change::Description(Some("Sells things".to_owned())),
            Config2Change::FailureActions(failure),
            Config2Change::DelayedAutoStart(true),
        ],
        security: None,
        definition: Some(definition("/bin/one")),
    }
}

#[test]
fn a_service_is_installed_with_all_that_belongs_to_it() {
    let fixture = Fixture::new();
    let installed = install(&fixture.connect(), &plan()).unwrap();
    assert_eq!((installed.tag, installed.warnings.len()), (7, 0));
    let state = fixture.scm.state();
    let web = &state.services["web"];
    assert_eq!(web.config, plan().service.config);
    assert_eq!(
        web.config2[&Config2Level::DESCRIPTION],
        Config2::Description(Some("Sells things".to_owned()))
    );
    assert_eq!(web.definition, plan().definition);
}

#[test]
fn a_setting_that_can_not_be_stored_is_a_warning() {
    let fixture = Fixture::new();
    fixture.scm.state().refused.insert(Config2Level::DELAYED_AUTO_START, Win32Error(1733));
    let mut plan = plan();
    plan.config2.push(Config2Change::Sid(SidType::UNRESTRICTED));
    // Nobody misses what is as it is from the start.
    fixture.scm.state().refused.insert(Config2Level::REQUIRED_PRIVILEGES, Win32Error::INVALID_LEVEL);
    plan.config2.push(Config2Change::RequiredPrivileges(Vec::new()));
    for warnings in [
        install(&fixture.connect(), &plan).unwrap().warnings,
        update(&fixture.connect(), &plan).unwrap().warnings,
    ] {
        let texts: Vec<_> = warnings.iter().map(|warning| warning.cause.clone().unwrap()).collect();
        assert_eq!(
            texts,
            [
                "this service control manager can't store the delayed start",
                "this service control manager can't store the service SID"
            ]
        );
    }
}

#[test]
fn a_failed_step_removes_the_service_again() {
    let fixture = Fixture::new();
    fixture.scm.state().refused.insert(Config2Level::FAILURE_ACTIONS, Win32Error::ACCESS_DENIED);
    let error = install(&fixture.connect(), &plan()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot install service \"web\": the failure actions can't be set: access is denied; the service was removed \
         again (5 ERROR_ACCESS_DENIED)"
    );
    assert!(fixture.scm.state().services.is_empty());

    fixture.scm.state().refused.clear();
    fixture.scm.state().refuses_definitions = true;
    let error = install(&fixture.connect(), &plan()).unwrap_err();
    assert_eq!(error.code, Win32Error::DISK_FULL);
    assert!(error.to_string().contains("full of cats; the service was removed again"), "{error}");
    assert!(fixture.scm.state().services.is_empty());
}

#[test]
fn an_update_writes_only_what_differs() {
    let fixture = Fixture::new();
    let mut plan = plan();
    install(&fixture.connect(), &plan).unwrap();
    fixture.scm.state().writes = 0;
    assert_eq!(update(&fixture.connect(), &plan).unwrap().changed, Vec::<&str>::new());
    assert_eq!(fixture.scm.state().writes, 0);

    plan.service.config.start_type = StartType::AUTO_START;
    plan.service.config.dependencies = vec![Dependency::new("db").unwrap()];
    plan.config2[0] = Config2Change::Description(Some(String::new()));
    plan.definition = Some(definition("/bin/two"));
    let changed = update(&fixture.connect(), &plan).unwrap().changed;
    let expected = ["the start type", "the dependencies", "the description", "the program and its policy"];
    assert_eq!(changed, expected);
    let state = fixture.scm.state();
    assert_eq!(state.writes, 3);
    assert_eq!(state.services["web"].config, plan.service.config);
    assert_eq!(state.services["web"].definition, plan.definition);
}

#[test]
fn a_failed_update_is_taken_back() {
    let fixture = Fixture::new();
    let before = plan();
    install(&fixture.connect(), &before).unwrap();
    let mut after = plan();
    after.service.config.image_path = ImagePath::new("/bin/false").unwrap();
    after.config2[0] = Config2Change::Description(Some("Buys things".to_owned()));
    after.definition = Some(definition("/bin/two"));
    fixture.scm.state().refuses_definitions = true;
    let error = update(&fixture.connect(), &after).unwrap_err();
    assert_eq!((error.operation, error.code), ("update service", Win32Error::DISK_FULL));
    assert!(error.to_string().contains("the changes before it were taken back"), "{error}");
    let state = fixture.scm.state();
    let web = &state.services["web"];
    assert_eq!(web.config.image_path, before.service.config.image_path);
    assert_eq!(
        web.config2[&Config2Level::DESCRIPTION],
        Config2::Description(Some("Sells things".to_owned()))
    );
    assert_eq!(web.definition, before.definition);
    drop(state);

    let mut missing = plan();
    missing.service.name = ServiceName::new("nothing").unwrap();
    let error = update(&fixture.connect(), &missing).unwrap_err();
    assert_eq!(error.code, Win32Error::SERVICE_DOES_NOT_EXIST);
}

#[test]
fn a_service_that_leaves_its_host_leaves_nothing_there() {
    let fixture = Fixture::new();
    let before = plan();
    install(&fixture.connect(), &before).unwrap();
    let mut after = plan();
    after.service.config.image_path = ImagePath::new(r"%ProgramFiles%\web.exe").unwrap();
    after.definition = None;
    fixture.scm.state().refuses_definitions = true;
    update(&fixture.connect(), &after).unwrap_err();
    {
        let state = fixture.scm.state();
        let web = &state.services["web"];
        assert_eq!((&web.config, &web.definition), (&before.service.config, &before.definition));
    }
    fixture.scm.state().refuses_definitions = false;
    let updated = update(&fixture.connect(), &after).unwrap();
    assert_eq!(updated.changed, ["the image path", "the program and its policy"]);
    assert_eq!(fixture.scm.state().services["web"].definition, None);

    // As Windows tells it.
    let told = ImagePath::new(r"C:\Program Files\web.exe").unwrap();
    fixture.scm.state().services.get_mut("web").unwrap().config.image_path = told;
    assert_eq!(update(&fixture.connect(), &after).unwrap().changed, [""; 0]);
}
