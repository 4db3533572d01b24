//! The calls of the model's sequences, and its view of services, in the types of the service control manager.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use svckit_core::access::{ManagerAccess, ServiceAccess};
use svckit_core::config::{self, Config2, Config2Change, Config2Level, ConfigChange, ServiceConfig};
use svckit_core::failure::{ActionType, FailureAction, FailureActionsChange, ResetPeriod};
use svckit_core::image_path::ImagePath;
use svckit_core::kind::{ErrorControl, ServiceType, SidType, StartType};
use svckit_core::name::{Dependency, DisplayName, GroupName, ServiceName};
use svckit_core::security::check::Token;
use svckit_core::status::{NotifyMask, ServiceStatus, StateFilter};
use svckit_testkit::model::{Change, Change2, Failure, NewService, SLOTS, Status, Step, View};

use super::super::{HandleId, Scm};
use super::machine::{Machine, OBSERVER};

/// Makes the call of a step.
pub(super) fn make(machine: &mut Machine, step: &Step) {
    match step {
        Step::Create { slot, name, new } => create(machine, *slot, name, new),
        Step::Open { slot, name, access } => {
            close(machine, *slot);
            machine.open(*slot, name, *access);
        }
        Step::OpenManager { slot } => {
            close(machine, *slot);
            let manager = machine.manager(Machine::connection(*slot));
            machine.answer::<()>(&Ok(()));
            machine.slots[*slot] = Some(manager);
        }
        Step::Watch { slot, mask } => {
            let (connection, handle) = (Machine::connection(*slot), machine.handle(*slot));
            let watch = machine.scm.register(connection, handle, NotifyMask(*mask));
            machine.answer(&watch);
            if let Ok(watch) = watch {
                machine.waits[*slot] = Some(watch);
            }
        }
        Step::Ask { slot } => {
            let reply = machine.result_of_wait();
            machine.scm.results(Machine::connection(*slot), machine.wait(*slot), reply);
        }
        Step::Unwatch { slot } => {
            let closed = machine.scm.unregister(Machine::connection(*slot), machine.wait(*slot));
            machine.answer(&closed);
        }
        Step::Close { slot } => {
            let closed = machine.scm.close(Machine::connection(*slot), machine.handle(*slot));
            machine.answer(&closed);
        }
        Step::Disconnect { connection } => {
            machine.scm.connection_closed(Machine::connection(connection * SLOTS / 2));
        }
        Step::Shutdown => machine.scm.stop_everything(None),
        Step::Delete { slot } => {
            let deleted = machine.scm.delete(Machine::connection(*slot), machine.handle(*slot));
            machine.answer(&deleted);
        }
        Step::Start { slot, arguments } => {
            let arguments = (0..*arguments).map(|number| format!("argument {number}")).collect();
            let reply = machine.reply();
            machine.scm.start(Machine::connection(*slot), machine.handle(*slot), arguments, reply);
        }
        Step::Control { slot, control } => machine.control(*slot, *control),
        Step::Change { slot, change } => {
            let change = self::change(machine, *slot, change);
            let changed =
                machine.scm.change_config(Machine::connection(*slot), machine.handle(*slot), change);
            machine.answer(&changed);
        }
        Step::Change2 { slot, change } => {
            let (connection, handle) = (Machine::connection(*slot), machine.handle(*slot));
            let changed = machine.scm.change_config2(connection, handle, change2(change));
            machine.answer(&changed);
        }
        _ => {}
    }
}

/// Closes what is open in a slot that is used again.
fn close(machine: &mut Machine, slot: usize) {
    // It may be closed already.
    let _ = machine.scm.close(Machine::connection(slot), machine.handle(slot));
}

fn create(machine: &mut Machine, slot: usize, name: &str, new: &NewService) {
    close(machine, slot);
    let config = ServiceConfig {
        service_type: ServiceType(new.kind),
        start_type: StartType(new.start),
        error_control: ErrorControl(new.error),
        image_path: image(name, new.kind),
        load_order_group: new.group.map(|group| GroupName::new(group).unwrap()),
        tag: 0,
        dependencies: dependencies(&new.needs),
        account: new.account.map(str::to_owned),
        display_name: DisplayName::new(new.display.unwrap_or(name)).unwrap(),
    };
    let new_service = config::NewService {
        name: ServiceName::new(name).unwrap(),
        config,
        want_tag: new.tag,
        password: None,
    };
    let connection = Machine::connection(slot);
    let manager = machine.manager(connection);
    let created = machine.scm.create(connection, manager, new_service, ServiceAccess(new.access));
    machine.scm.close(connection, manager).unwrap();
    machine.answer(&created);
    machine.slots[slot] = created.ok().map(|(handle, _)| handle);
}

/// As the model has it: a program for all services of type share, and one for each other.
fn image(name: &str, kind: u32) -> ImagePath {
    let name = if kind & 0x20 == 0 { name.to_ascii_lowercase() } else { "shared".to_owned() };
    ImagePath::new(format!("/bin/{name}")).unwrap()
}

fn dependencies(needs: &[&str]) -> Vec<Dependency> {
    needs.iter().map(|need| Dependency::new(need).unwrap()).collect()
}

fn change(machine: &mut Machine, slot: usize, change: &Change) -> ConfigChange {
    let mut all = ConfigChange::default();
    match change {
        Change::Nothing => {}
        Change::Kind(kind) => {
            all.service_type = Some(ServiceType(*kind));
            let name = machine.scm.handles.any(machine.handle(slot)).and_then(|object| match object {
                super::super::handles::Object::Service(open) => Some(open.key.clone()),
                _ => None,
            });
            all.image_path = Some(image(&name.unwrap_or_default(), *kind));
        }
        Change::Start(start) => all.start_type = Some(StartType(*start)),
        Change::Error(error) => all.error_control = Some(ErrorControl(*error)),
        Change::Group { group, tag } => {
            all.load_order_group = Some(group.map(|group| GroupName::new(group).unwrap()));
            all.want_tag = *tag;
        }
        Change::Tag => all.want_tag = true,
        Change::Needs(needs) => all.dependencies = Some(dependencies(needs)),
        Change::Account(account) => all.account = Some((*account).to_owned()),
        Change::Display(display) => all.display_name = Some(DisplayName::new(*display).unwrap()),
    }
    all
}

fn change2(change: &Change2) -> Config2Change {
    let seconds = |seconds: u32| Duration::from_secs(seconds.into());
    match change {
        Change2::Description(text) => Config2Change::Description(Some((*text).to_owned())),
        Change2::Actions { reset, actions } => {
            let action = |(kind, delay): &(u32, u32)| FailureAction {
                kind: ActionType(*kind),
                delay: seconds(*delay),
            };
            let reset = reset.map_or(ResetPeriod::Never, ResetPeriod::Seconds);
            Config2Change::FailureActions(FailureActionsChange {
                actions: Some((reset, actions.iter().map(action).collect())),
                ..FailureActionsChange::default()
            })
        }
        Change2::Command(command) => Config2Change::FailureActions(FailureActionsChange {
            command: Some((*command).to_owned()),
            ..FailureActionsChange::default()
        }),
        Change2::Delayed(on) => Config2Change::DelayedAutoStart(*on),
        Change2::Flag(on) => Config2Change::FailureActionsFlag(*on),
        Change2::Sid(kind) => Config2Change::Sid(SidType(*kind)),
        Change2::Privileges(names) => {
            Config2Change::RequiredPrivileges(names.iter().map(|name| (*name).to_owned()).collect())
        }
        Change2::Preshutdown(time) => Config2Change::PreshutdownTimeout(seconds(*time)),
    }
}

/// All that clients see.
pub(super) fn view(scm: &mut Scm) -> BTreeMap<String, View> {
    let manager =
        scm.open_manager(OBSERVER, Arc::new(Token::local_system()), ManagerAccess::ALL_ACCESS).unwrap();
    let all = scm.enumerate(OBSERVER, manager, ServiceType(0x3FF), StateFilter::ALL, None).unwrap();
    let mut views: BTreeMap<String, View> = BTreeMap::new();
    for listed in &all {
        let handle = scm.open_service(OBSERVER, manager, &listed.name, ServiceAccess::ALL_ACCESS).unwrap();
        views.insert(listed.name.to_ascii_lowercase(), view_of(scm, manager, handle, &listed.name));
        scm.close(OBSERVER, handle).unwrap();
    }
    for filter in [StateFilter::ACTIVE, StateFilter::INACTIVE] {
        for listed in scm.enumerate(OBSERVER, manager, ServiceType(0x3FF), filter, None).unwrap() {
            let view = views.get_mut(&listed.name.to_ascii_lowercase()).unwrap();
            view.filters.push(filter.0);
        }
    }
    scm.close(OBSERVER, manager).unwrap();
    views
}

fn view_of(scm: &mut Scm, manager: HandleId, handle: HandleId, name: &str) -> View {
    let config = scm.config(OBSERVER, handle).unwrap();
    let status = scm.status(OBSERVER, handle).unwrap();
    let display = scm.display_name(OBSERVER, manager, name).unwrap();
    assert_eq!(scm.key_name(OBSERVER, manager, &display).unwrap(), name, "the name of that display name");
    let mut dependents = |filter| {
        let found = scm.dependents(OBSERVER, handle, filter).unwrap();
        found.iter().map(|other| other.name.to_ascii_lowercase()).collect()
    };
    let (all_dependents, active_dependents) = (dependents(StateFilter::ALL), dependents(StateFilter::ACTIVE));
    let mut view = View {
        name: name.to_owned(),
        kind: config.service_type.0,
        start: config.start_type.0,
        error: config.error_control.0,
        image: config.image_path.to_string(),
        group: config.load_order_group.map(Into::into),
        tag: config.tag,
        needs: config.dependencies.iter().map(ToString::to_string).collect(),
        account: config.account,
        display,
        description: None,
        failure: None,
        delayed: false,
        flag: false,
        sid: 0,
        privileges: Vec::new(),
        preshutdown: 0,
        status: status_of(&status),
        filters: Vec::new(),
        dependents: all_dependents,
        active_dependents,
    };
    for level in Config2Level::ALL {
        if let Ok(config) = scm.config2(OBSERVER, handle, level) {
            add(&mut view, config);
        }
    }
    view
}

pub(super) fn status_of(status: &ServiceStatus) -> Status {
    Status {
        state: status.state.0,
        accepted: status.controls_accepted.0,
        exit: (status.win32_exit_code.0, status.service_exit_code),
        checkpoint: status.checkpoint,
        hint: u32::try_from(status.wait_hint.as_secs()).unwrap(),
        pid: status.pid,
    }
}

fn add(view: &mut View, config: Config2) {
    let seconds = |time: Duration| u32::try_from(time.as_secs()).unwrap();
    match config {
        Config2::Description(text) => view.description = text,
        Config2::FailureActions(all) => {
            let reset = match all.reset_period {
                ResetPeriod::Never => None,
                ResetPeriod::Seconds(seconds) => Some(seconds),
            };
            let actions = all.actions.iter().map(|action| (action.kind.0, seconds(action.delay))).collect();
            view.failure = Some(Failure { reset, actions, command: all.command });
        }
        Config2::DelayedAutoStart(on) => view.delayed = on,
        Config2::FailureActionsFlag(on) => view.flag = on,
        Config2::Sid(kind) => view.sid = kind.0,
        Config2::RequiredPrivileges(names) => view.privileges = names,
        Config2::PreshutdownTimeout(timeout) => view.preshutdown = seconds(timeout),
        _ => {}
    }
}
