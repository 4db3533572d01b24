//! Services as things: a [`ServiceManager`] gives [`Service`]s, whose settings are edited in memory and saved as a whole, and which are started and stopped with
//! a wait until they are.
//!
//! Every call opens what it needs with the rights that it needs, and no more; where they are denied the error names what is missing. An error tells
//! operation, service, service control manager and code ([`svckit_core::Error`]).
//!
//! ```no_run
//! use svckit_core::config::Config2Change;
//! use svckit_core::image_path::ImagePath;
//! use svckit_core::kind::StartType;
//! use svckit_core::name::DisplayName;
//! use svckit_core::status::ServiceState;
//! use svckit_manager::Target;
//! use svckit_manager::entity::{NewService, ServiceManager};
//!
//! let manager = ServiceManager::connect(&Target::parse("embedded:/var/lib/svckit", "/".as_ref())?)?;
//! let image = ImagePath::from_arguments(&["/usr/bin/svc", "host", "run"])?;
//! let mut shop = manager.create(
//!     NewService::new("shop", image)?
//!         .with(DisplayName::new("The shop")?)
//!         .with(Config2Change::Description(Some("Sells things".to_owned()))),
//! );
//! shop.save(None)?;
//! assert_eq!(shop.start(&[])?.state, ServiceState::RUNNING);
//!
//! shop.set(StartType::AUTO_START);
//! assert_eq!(shop.save(None)?.changed, ["the start type"]);
//!
//! for found in manager.statuses(svckit_core::kind::ServiceType::WIN32)? {
//!     println!("{}: {}", found.name, found.status.state);
//! }
//! shop.stop_and_delete()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod configuration;
mod control;
mod delete;
mod new;
mod service;
mod setting;

pub use configuration::Configuration;
pub use delete::Deleted;
pub use new::NewService;
pub use service::{Progress, Saved, Service};
pub use setting::Setting;

use std::rc::Rc;

use svckit_core::access::{ManagerAccess, ServiceAccess};
use svckit_core::backend::{Backend, Enumerated};
use svckit_core::kind::ServiceType;
use svckit_core::name::ServiceName;
use svckit_core::status::{ServiceStatus, StateFilter};
use svckit_core::{Error, Result, Win32Error};

use crate::{Target, access};

/// A service control manager and its services.
#[derive(Clone)]
pub struct ServiceManager {
    backend: Rc<dyn Backend>,
}

impl ServiceManager {
    /// Connects to a service control manager.
    pub fn connect(target: &Target) -> Result<Self> {
        crate::connect(target).map(Self::over)
    }

    /// That of a connection.
    pub fn over(backend: Box<dyn Backend>) -> Self {
        Self { backend: backend.into() }
    }

    /// The service control manager in the form of `--scm`.
    pub fn target(&self) -> String {
        self.backend.target()
    }

    /// The connection, for what there is no call for here.
    pub fn backend(&self) -> &dyn Backend {
        &*self.backend
    }

    /// A service that is there. No right on the service itself is needed for this.
    pub fn service(&self, name: &str) -> Result<Service> {
        const OPERATION: &str = "open service";
        let name = self.name(OPERATION, name)?;
        if access::exists(&*self.backend, OPERATION, &name)? {
            return Ok(Service::existing(Rc::clone(&self.backend), name));
        }
        let error = Error::new(OPERATION, Win32Error::SERVICE_DOES_NOT_EXIST);
        Err(Box::new(error.service(name.as_str()).target(self.target())))
    }

    /// A service that may be there. Nothing is asked for this: the first call on it tells.
    pub fn presumed(&self, name: ServiceName) -> Service {
        Service::existing(Rc::clone(&self.backend), name)
    }

    /// Whether there is a service of this name. One that is marked for deletion still is. No right on the service itself is needed for this.
    pub fn exists(&self, name: &str) -> Result<bool> {
        const OPERATION: &str = "look for service";
        let name = self.name(OPERATION, name)?;
        access::exists(&*self.backend, OPERATION, &name)
    }

    /// The status of a service.
    pub fn status(&self, name: &str) -> Result<ServiceStatus> {
        const OPERATION: &str = "query status of service";
        let name = self.name(OPERATION, name)?;
        access::open(&*self.backend, OPERATION, &name, ServiceAccess::QUERY_STATUS)?.status()
    }

    /// The names and statuses of all services of these types: [`ServiceType::WIN32`], [`ServiceType::DRIVER`], or both. What a service control
    /// manager tells is passed on, also numbers that nobody knows.
    pub fn statuses(&self, types: ServiceType) -> Result<Vec<Enumerated>> {
        const OPERATION: &str = "list services";
        let manager = access::open_manager(&*self.backend, OPERATION, ManagerAccess::ENUMERATE_SERVICE)?;
        manager.enumerate(types, StateFilter::ALL, None)
    }

    /// A service that is not there yet: [`Service::save`] creates it.
    pub fn create(&self, new: NewService) -> Service {
        Service::draft(Rc::clone(&self.backend), new)
    }

    fn name(&self, operation: &'static str, name: &str) -> Result<ServiceName> {
        ServiceName::new(name).map_err(|error| {
            let told = Error::new(operation, error.code()).service(name).target(self.target());
            Box::new(told.cause(error.to_string()))
        })
    }
}

impl std::fmt::Debug for ServiceManager {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("ServiceManager").field(&self.target()).finish()
    }
}
