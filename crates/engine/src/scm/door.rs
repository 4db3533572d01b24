//! Triggers that are carried out: connections start a service, and raised events start and stop services.

use svckit_core::access::ServiceAccess;
use svckit_core::control::Control;
use svckit_core::image_path::HostImage;
use svckit_core::kind::StartType;
use svckit_core::lifecycle::Lifecycle;
use svckit_core::name::ServiceName;
use svckit_core::native::{EventId, Level, Reply as NativeReply};
use svckit_core::security::check::Token;
use svckit_core::trigger::{Endpoint, Pace, Raised, Trigger, TriggerAction};
use svckit_core::win32::Win32Error;

use super::shutdown::Stage;
use super::{Effect, Scm};

/// What is done at the endpoints of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Door {
    /// Nobody listens.
    Closed,
    /// A connection is waited for.
    Watched(Vec<Endpoint>),
    /// Connections may wait: the service takes them, or will.
    Held(Vec<Endpoint>),
}

/// The door of a service that has one.
#[derive(Debug)]
pub(super) struct Doorway {
    /// What the actor was told.
    told: Door,
    pace: Pace,
    /// It was opened too often: it stays closed until somebody else starts the service, or its configuration is changed.
    shut: bool,
}

impl Scm {
    /// Opens, holds or closes the door of a service after something about it changed, and sets its alarm.
    pub(super) fn update_door(&mut self, key: &str) {
        self.update_alarm(key);
        if let Some(doorway) = self.doors.get_mut(key)
            && doorway.shut
            && self.services.get(key).is_some_and(|service| !service.life.is_at_rest())
        {
            doorway.shut = false;
        }
        let shut = self.doors.get(key).is_some_and(|doorway| doorway.shut);
        let wanted = if shut { Door::Closed } else { self.wanted_door(key) };
        if wanted == Door::Closed && !self.doors.contains_key(key) {
            return;
        }
        let fresh = || Doorway { told: Door::Closed, pace: Pace::default(), shut: false };
        let doorway = self.doors.entry(key.to_owned()).or_insert_with(fresh);
        if doorway.told != wanted {
            doorway.told = wanted.clone();
            self.effect(Effect::Door { service: key.to_owned(), door: wanted });
        }
        if !self.services.contains_key(key) {
            self.doors.remove(key);
        }
    }

    /// A change of its configuration is a reason to listen again.
    pub(super) fn reconfigured(&mut self, key: &str) {
        if let Some(doorway) = self.doors.get_mut(key) {
            doorway.shut = false;
        }
        self.update_door(key);
    }

    fn wanted_door(&self, key: &str) -> Door {
        let Some(service) = self.services.get(key) else { return Door::Closed };
        let record = &service.record;
        let open = matches!(self.stage, Stage::Serving)
            && !record.delete_pending
            && record.definition.is_some()
            && record.config.start_type != StartType::DISABLED;
        let endpoints: Vec<Endpoint> = record.extra.triggers.iter().filter_map(Trigger::endpoint).collect();
        match &service.life {
            _ if !open || endpoints.is_empty() => Door::Closed,
            Lifecycle::Stopped { .. } => Door::Watched(endpoints),
            _ => Door::Held(endpoints),
        }
    }

    /// Somebody connected to the door of a service that is at rest.
    pub(crate) fn knocked(&mut self, key: &str, at: &Endpoint) {
        let Some(doorway) = self.doors.get_mut(key) else { return };
        if !matches!(doorway.told, Door::Watched(_)) {
            return;
        }
        // The watch is over with the first connection.
        doorway.told = Door::Closed;
        let admitted = doorway.pace.admit(self.now.tick);
        doorway.shut = !admitted;
        let Some(name) = self.services.get(key).map(|service| service.name().clone()) else { return };
        if admitted {
            self.triggered(&name, format!("service {:?} is started by a connection to {at}", name.as_str()));
            self.start_triggered(key);
        } else {
            let text = format!(
                "connections started service {:?} too often, and nobody listens for more: does its program take them from the sockets that it inherits?",
                name.as_str()
            );
            self.record_event(Some(&name), EventId::TRIGGERED_TOO_OFTEN, Level::Error, text);
            self.effect(Effect::Door { service: key.to_owned(), door: Door::Closed });
        }
        self.update_door(key);
    }

    fn triggered(&mut self, name: &ServiceName, text: String) {
        self.record_event(Some(name), EventId::TRIGGERED, Level::Information, text);
    }

    pub(super) fn start_triggered(&mut self, key: &str) -> bool {
        match self.start_unasked(key) {
            Ok(()) => true,
            Err(failure) if failure.code == Win32Error::SERVICE_ALREADY_RUNNING => false,
            Err(failure) => {
                self.report_failed_start(key, &failure);
                false
            }
        }
    }

    /// It can't be listened at an endpoint of a service.
    pub(crate) fn not_listening(&mut self, key: &str, at: &Endpoint, cause: &str) {
        let Some(name) = self.services.get(key).map(|service| service.name().clone()) else { return };
        let text = format!("nobody listens at {at} for service {:?}: {cause}", name.as_str());
        self.record_event(Some(&name), EventId::LISTEN_FAILED, Level::Error, text);
    }

    /// Says which triggers are only stored.
    pub(super) fn tell_of_ignored(&mut self, key: &str) {
        let Some(service) = self.services.get(key) else { return };
        let record = &service.record;
        // Whoever installs a service stores its definition last.
        let hosted = record.definition.is_some() || HostImage::of(&record.config.image_path).is_some();
        let triggers = &record.extra.triggers;
        let ignored = |trigger: &&Trigger| !trigger.is_carried_out();
        let unhosted = |trigger: &&Trigger| !hosted && trigger.endpoint().is_some();
        let count = triggers.iter().filter(ignored).count();
        let alone = triggers.iter().filter(unhosted).count();
        let name = service.name().clone();
        if count > 0 {
            let text = format!(
                "{count} of the triggers of service {:?} are stored, and nothing happens because of them: this service control manager sees no such events",
                name.as_str()
            );
            self.record_event(Some(&name), EventId::TRIGGER_IGNORED, Level::Warning, text);
        }
        if alone > 0 {
            let text = format!(
                "{alone} of the triggers of service {:?} are about connections, and nobody listens: only a service with a definition has a host that hands sockets to its program",
                name.as_str()
            );
            self.record_event(Some(&name), EventId::TRIGGER_IGNORED, Level::Warning, text);
        }
    }

    /// Starts and stops what has triggers for an event. As on Windows this takes no right on the services: who gave them their triggers had one. Only those that
    /// may be seen by who raises it are told.
    pub(super) fn raise(&mut self, token: &Token, raised: &Raised) -> NativeReply {
        let matching = |action: TriggerAction| {
            let concerns = |trigger: &Trigger| trigger.action == action && raised.matches(trigger);
            let services = self.services.iter();
            let found = services.filter(|(_, service)| service.record.extra.triggers.iter().any(concerns));
            found.map(|(key, service)| (key.clone(), service.name().clone())).collect::<Vec<_>>()
        };
        let (start, stop) = (matching(TriggerAction::SERVICE_START), matching(TriggerAction::SERVICE_STOP));
        let provider = raised.provider;
        let (mut started, mut stopped) = (Vec::new(), Vec::new());
        for (key, name) in start {
            if self.services.get(&key).is_some_and(|service| service.life.is_at_rest())
                && self.start_triggered(&key)
            {
                let text =
                    format!("service {:?} is started by an event of provider {provider}", name.as_str());
                self.triggered(&name, text);
                started.push((key, name));
            }
        }
        for (key, name) in stop {
            if let Ok((key, instance)) = self.controllable(&key, Control::STOP) {
                let text =
                    format!("service {:?} is stopped by an event of provider {provider}", name.as_str());
                self.triggered(&name, text);
                self.send_control(key.clone(), instance, Control::STOP, None);
                stopped.push((key, name));
            }
        }
        let seen = |all: Vec<(String, ServiceName)>| {
            let is_seen = |key: &String| {
                self.services
                    .get(key)
                    .is_some_and(|service| service.permits(token, ServiceAccess::QUERY_STATUS))
            };
            all.into_iter().filter(|(key, _)| is_seen(key)).map(|(_, name)| name).collect()
        };
        NativeReply::Raised { started: seen(started), stopped: seen(stopped) }
    }
}
