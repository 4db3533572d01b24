//! A service control manager that is about to end takes no more changes.

use svckit_core::config::ConfigChange;
use svckit_core::control::Control;
use svckit_core::win32::Win32Error;
use svckit_scmr::ops::{Call, ConfigInfo, Opnum};
use svckit_testkit::gate::Gate;

use super::Case;
use super::bed::{Bed, start};
use super::cases::{change_it, control, create_new};

/// The calls that are refused then. Each makes a service control manager that is stopping.
pub(super) fn cases() -> Vec<Case> {
    let case = |opnum, run| Case { opnum, code: Win32Error::SHUTDOWN_IN_PROGRESS, run };
    vec![
        case(Opnum::CREATE_SERVICE, |_| {
            let mut stopping = Stopping::new();
            let new = stopping.bed.new_service(&[]);
            create_new(&mut stopping.bed, &new)
        }),
        case(Opnum::CHANGE_SERVICE_CONFIG, |_| {
            Stopping::new().on_idle(|bed, service| change_it(bed, service, ConfigChange::default()))
        }),
        case(Opnum::CHANGE_SERVICE_CONFIG2, |_| {
            let info = ConfigInfo::DelayedAutoStart(Some(true));
            Stopping::new().on_idle(|bed, service| bed.code(&Call::ChangeServiceConfig2 { service, info }))
        }),
        case(Opnum::DELETE_SERVICE, |_| {
            Stopping::new().on_idle(|bed, service| bed.code(&Call::DeleteService { service }))
        }),
        case(Opnum::START_SERVICE, |_| Stopping::new().on_idle(|bed, service| bed.code(&start(service)))),
        case(Opnum::CONTROL_SERVICE, |_| {
            Stopping::new().on_idle(|bed, service| control(bed, service, Control::STOP))
        }),
    ]
}

/// A service control manager that waits for a service which stands at a gate while it stops.
struct Stopping {
    bed: Bed,
    idle: svckit_scmr::ops::Handle,
    _held: svckit_testkit::gate::Held,
}

impl Stopping {
    fn new() -> Self {
        let gate = Gate::new();
        let mut bed = Bed::new();
        let idle = bed.service(&[]);
        let slow = bed.started(&[&format!("on-1=gate:{}", gate.address())]);
        bed.runs(slow);
        bed.scm.direct.end();
        let held = gate.arrival();
        Self { bed, idle, _held: held }
    }

    /// Does something with a service that doesn't run.
    fn on_idle(mut self, act: impl FnOnce(&mut Bed, svckit_scmr::ops::Handle) -> Win32Error) -> Win32Error {
        let idle = self.idle;
        act(&mut self.bed, idle)
    }
}
