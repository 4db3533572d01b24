use std::fmt;
use std::rc::Rc;

use svckit_core::access::ServiceAccess;
use svckit_core::backend::{self, Backend};
use svckit_core::name::ServiceName;
use svckit_core::rights;
use svckit_core::secret::Secret;
use svckit_core::security::{SecurityDescriptor, SecurityInformation};
use svckit_core::sid::service_sid;
use svckit_core::status::ServiceStatus;
use svckit_core::wait::Limits;
use svckit_core::{Error, Result, Win32Error};

use super::configuration::Configuration;
use super::new::NewService;
use super::setting::{Edits, Setting};
use crate::gone::Hold;
use crate::install::{InstallPlan, install};
use crate::{access, update};

/// A service of a service control manager, or one that is to be created.
///
/// Two are equal if they stand for the same service: the names are, without case, and the service control managers are the same.
pub struct Service {
    pub(super) backend: Rc<dyn Backend>,
    pub(super) name: ServiceName,
    /// Until it is saved.
    pub(super) draft: Option<Box<NewService>>,
    pub(super) edits: Edits,
    /// Absent: nothing is waited for.
    pub(super) limits: Option<Limits>,
    pub(super) observer: Option<Observer>,
}

/// Who is told of what is seen on the way.
pub(super) struct Observer(Box<dyn Fn(&Progress<'_>)>);

/// What an operation that takes its time has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress<'a> {
    /// The service was where it was to be brought already.
    AlreadySo,
    /// It is on its way, and has this status.
    OnItsWay(&'a ServiceStatus),
    /// It is marked for deletion, and this keeps it.
    Held(&'a Hold),
}

/// What [`Service::save`] did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Saved {
    /// The service was not there before.
    pub created: bool,
    /// What was changed of one that was, in words: `the image path`.
    pub changed: Vec<&'static str>,
    /// What this service control manager can't store, and was left out.
    pub warnings: Vec<Error>,
}

impl Service {
    pub(super) fn existing(backend: Rc<dyn Backend>, name: ServiceName) -> Self {
        let limits = Some(Limits::default());
        Self { backend, name, draft: None, edits: Edits::default(), limits, observer: None }
    }

    pub(super) fn draft(backend: Rc<dyn Backend>, mut new: NewService) -> Self {
        let edits = std::mem::take(&mut new.edits);
        Self { edits, draft: Some(Box::new(new.clone())), ..Self::existing(backend, new.name) }
    }

    /// Its name.
    pub fn name(&self) -> &ServiceName {
        &self.name
    }

    /// Its security identifier, which is computed from its name.
    pub fn sid(&self) -> String {
        service_sid(&self.name).to_string()
    }

    /// Whether it is there, and not only here. One that is marked for deletion still is.
    pub fn exists(&self) -> Result<bool> {
        access::exists(&*self.backend, "look for service", &self.name)
    }

    /// How long starts, stops and other changes of state are waited for. At first that is as long as there is progress: 30 seconds without a new
    /// state or checkpoint, or the service's wait hint if that is longer, are too long. With `None` they are not waited for, and the status is that of the moment.
    pub fn set_limits(&mut self, limits: impl Into<Option<Limits>>) {
        self.limits = limits.into();
    }

    /// Has somebody told of what is seen on the way.
    pub fn on_progress(&mut self, tell: impl Fn(&Progress<'_>) + 'static) {
        self.observer = Some(Observer(Box::new(tell)));
    }

    pub(super) fn tell(&self, progress: Progress<'_>) {
        if let Some(Observer(tell)) = &self.observer {
            tell(&progress);
        }
    }

    /// Sets something in memory; [`save`](Self::save) writes it.
    pub fn set(&mut self, setting: impl Into<Setting>) {
        self.edits.add(setting.into());
    }

    /// Whether there is something to be saved.
    pub fn is_edited(&self) -> bool {
        self.draft.is_some() || self.edits != Edits::default()
    }

    /// Forgets what was set and not saved.
    pub fn revert(&mut self) {
        self.edits = Edits::default();
    }

    /// Its configuration, with what was set and not saved yet. A setting that can't be read is an error of its own and leaves the others alone.
    pub fn configuration(&self) -> Result<Configuration> {
        if let Some(draft) = &self.draft {
            return Ok(Configuration::of_draft(draft, &self.edits));
        }
        let service = self.open("query configuration of service", ServiceAccess::QUERY_CONFIG)?;
        let mut configuration = Configuration::read(&*service);
        configuration.edit(&self.edits);
        Ok(configuration)
    }

    /// Parts of its security descriptor: who owns it and may do what with it, with what was set and not saved yet. The audit list is for
    /// who has `ACCESS_SYSTEM_SECURITY`.
    ///
    /// ```
    /// use svckit_core::access::ServiceAccess;
    /// use svckit_core::security::{SecurityDescriptor, SecurityInformation};
    /// # fn example(service: &mut svckit_manager::entity::Service) -> Result<(), Box<dyn std::error::Error>> {
    /// let list = service.security(SecurityInformation::DACL)?.dacl;
    /// let may_start = list.aces().iter().any(|ace| ace.mask().is_some_and(|mask| mask & ServiceAccess::START.0 != 0));
    ///
    /// service.set("D:(A;;GA;;;BA)(A;;GA;;;SY)(A;;LCRP;;;IU)".parse::<SecurityDescriptor>()?);
    /// assert_eq!(service.save(None)?.changed, ["the security descriptor"]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn security(&self, parts: SecurityInformation) -> Result<SecurityDescriptor> {
        const OPERATION: &str = "query security of service";
        let told = |error| self.told(OPERATION, error);
        let access = rights::for_security_query(parts).map_err(|code| {
            let cause = format!("{parts} are not parts that can be asked for");
            told(Box::new(Error::new(OPERATION, code).cause(cause)))
        })?;
        let present = match &self.draft {
            Some(_) => rights::SERVICE_SECURITY.only(parts),
            None => self.open(OPERATION, ServiceAccess(access))?.security(parts).map_err(told)?,
        };
        let Some(edit) = &self.edits.security else { return Ok(present) };
        let set = SecurityInformation(edit.parts().0 & parts.0);
        present.with(set, &edit.mapped(&rights::SERVICE)).ok_or_else(|| {
            told(Box::new(
                Error::new(OPERATION, Win32Error::INVALID_PARAMETER)
                    .cause("the audit list would be too long"),
            ))
        })
    }

    /// Creates the service, or writes what was set and differs, as a whole: when a step fails, those before it are taken back, and the error tells which it was and
    /// what could not be taken back. `password` is that of the account; it is kept nowhere, and one that was replaced can't be set back.
    pub fn save(&mut self, password: Option<&str>) -> Result<Saved> {
        let mut edits = self.edits.clone();
        edits.basic.password = password.map(Secret::from);
        edits.check().map_err(|error| self.told("save service", error))?;
        let saved = match &self.draft {
            Some(draft) => {
                let (service, config2) = draft.complete(&edits);
                let plan = InstallPlan { service, config2, security: edits.security, definition: None };
                let installed = install(&*self.backend, &plan)?;
                Saved { created: true, changed: Vec::new(), warnings: installed.warnings }
            }
            None if edits == Edits::default() => Saved::default(),
            None => {
                let Edits { basic, optional, security } = &edits;
                let updated = update::change(&*self.backend, &self.name, basic, optional, security.as_ref())?;
                Saved { created: false, changed: updated.changed, warnings: updated.warnings }
            }
        };
        self.draft = None;
        self.revert();
        Ok(saved)
    }

    pub(super) fn open(
        &self,
        operation: &'static str,
        access: ServiceAccess,
    ) -> Result<Box<dyn backend::Service>> {
        access::open(&*self.backend, operation, &self.name, access)
    }

    /// The error of a step as that of the whole operation.
    pub(super) fn told(&self, operation: &'static str, mut error: Box<Error>) -> Box<Error> {
        error.operation = operation;
        error.service = Some(self.name.to_string());
        error.target.get_or_insert_with(|| self.backend.target());
        error
    }
}

impl PartialEq for Service {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.backend.target() == other.backend.target()
    }
}

impl Eq for Service {}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service")
            .field("target", &self.backend.target())
            .field("name", &self.name)
            .field("draft", &self.draft)
            .field("edits", &self.edits)
            .field("limits", &self.limits)
            .finish()
    }
}
