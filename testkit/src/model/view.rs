//! What clients see of services.

use std::collections::{BTreeMap, BTreeSet};

use super::Model;
use super::life::Life;
use super::settings::Settings;

/// Everything that can be asked about a service.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are those of the calls")]
pub struct View {
    pub name: String,
    pub kind: u32,
    pub start: u32,
    pub error: u32,
    pub image: String,
    pub group: Option<String>,
    pub tag: u32,
    pub needs: Vec<String>,
    pub account: Option<String>,
    pub display: String,
    pub description: Option<String>,
    /// Nothing can be asked about a driver's.
    pub failure: Option<Failure>,
    pub delayed: bool,
    pub flag: bool,
    pub sid: u32,
    pub privileges: Vec<String>,
    pub preshutdown: u32,
    pub status: Status,
    /// The state filters (`SERVICE_ACTIVE`, `SERVICE_INACTIVE`) by which it is enumerated.
    pub filters: Vec<u32>,
    /// The key names of those that depend on it.
    pub dependents: BTreeSet<String>,
    /// Those of them that don't stand still.
    pub active_dependents: BTreeSet<String>,
}

/// `SERVICE_FAILURE_ACTIONS`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are those of the structure")]
pub struct Failure {
    /// In seconds.
    pub reset: Option<u32>,
    /// With their delays, in seconds.
    pub actions: Vec<(u32, u32)>,
    pub command: String,
}

/// `SERVICE_STATUS_PROCESS`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "they are those of the structure")]
pub struct Status {
    pub state: u32,
    pub accepted: u32,
    pub exit: (u32, u32),
    pub checkpoint: u32,
    /// In seconds.
    pub hint: u32,
    pub pid: u32,
}

impl Model {
    /// All services, by folded name.
    pub fn view(&self) -> BTreeMap<String, View> {
        self.services.keys().map(|key| (key.clone(), self.view_of(key))).collect()
    }

    fn view_of(&self, key: &str) -> View {
        let service = &self.services[key];
        let dependents = self.dependents(key);
        let settings = service.settings.clone();
        let Settings { reset, actions, command, .. } = settings.clone();
        let failure = (!settings.is_driver()).then_some(Failure { reset, actions, command });
        let image = settings.image();
        let Settings { name, kind, start, error, group, tag, needs, account, display, .. } = settings;
        let Settings { description, delayed, flag, sid, privileges, preshutdown, .. } =
            service.settings.clone();
        View {
            name,
            kind,
            start,
            error,
            image,
            group,
            tag,
            needs,
            account,
            display,
            description,
            failure,
            delayed,
            flag,
            sid,
            privileges,
            preshutdown,
            status: self.status(key),
            filters: vec![if service.state() == 1 { 2 } else { 1 }],
            active_dependents: dependents
                .iter()
                .filter(|key| self.services[*key].state() != 1)
                .cloned()
                .collect(),
            dependents,
        }
    }

    pub(super) fn status(&self, key: &str) -> Status {
        let service = &self.services[key];
        let stopped = Status { state: 1, accepted: 0, exit: service.exit, checkpoint: 0, hint: 0, pid: 0 };
        match &service.life {
            Life::Stopped | Life::Waiting => stopped,
            Life::Launching { process } => {
                Status { state: 2, exit: (0, 0), hint: 2, pid: self.pid(process), ..stopped }
            }
            Life::Active { process, report, .. } => Status {
                state: report.state,
                accepted: report.accepted,
                exit: super::process::exit(*report),
                checkpoint: report.checkpoint,
                hint: report.hint,
                pid: self.pid(process),
            },
        }
    }
}
