use svckit_core::config::{
    Config2Change, DEFAULT_PRESHUTDOWN_TIMEOUT, NewService as Definition, ServiceConfig,
};
use svckit_core::image_path::ImagePath;
use svckit_core::kind::{ServiceType, SidType};
use svckit_core::name::{DisplayName, NameError, ServiceName};

use super::setting::{Edits, Setting};

/// A service to create.
///
/// Unless it is set otherwise it has a process of its own, is started on demand, with normal error control, by `LocalSystem`, has its name as display name, a
/// service SID in its token, and three minutes to end when the system goes down. A driver has no account, SID and preshutdown time-out unless they are set.
///
/// ```
/// use svckit_core::image_path::ImagePath;
/// use svckit_core::kind::StartType;
/// use svckit_core::name::{Dependency, DisplayName};
/// use svckit_manager::entity::NewService;
///
/// let image = ImagePath::from_arguments(&["/usr/bin/shop", "--port", "80"])?;
/// let shop = NewService::new("shop", image)?
///     .with(DisplayName::new("The shop")?)
///     .with(StartType::AUTO_START)
///     .with(vec![Dependency::new("db")?]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewService {
    pub(super) name: ServiceName,
    image_path: ImagePath,
    pub(super) edits: Edits,
}

impl NewService {
    /// A service with this name and command line.
    pub fn new(name: &str, image_path: ImagePath) -> Result<Self, NameError> {
        Ok(Self { name: ServiceName::new(name)?, image_path, edits: Edits::default() })
    }

    /// The same with a setting.
    #[must_use]
    pub fn with(mut self, setting: impl Into<Setting>) -> Self {
        self.edits.add(setting.into());
        self
    }

    /// All that is to be set, with the defaults.
    pub(super) fn complete(&self, edits: &Edits) -> (Definition, Vec<Config2Change>) {
        let (config, optional) = self.defaults(edits);
        let mut all = Edits { basic: edits.basic.clone(), optional, security: None };
        for change in &edits.optional {
            all.add(change.clone().into());
        }
        let new = Definition {
            name: self.name.clone(),
            config: config.changed(&all.basic),
            want_tag: all.basic.want_tag,
            password: all.basic.password,
        };
        (new, all.optional)
    }
    /// What it is where nothing was set.
    fn defaults(&self, edits: &Edits) -> (ServiceConfig, Vec<Config2Change>) {
        let display_name = DisplayName::from(self.name.clone());
        let new = Definition::own_process(self.name.clone(), display_name, self.image_path.clone());
        let kind = edits.basic.service_type.unwrap_or(new.config.service_type);
        if kind.intersects(ServiceType::DRIVER) {
            return (ServiceConfig { account: None, ..new.config }, Vec::new());
        }
        let optional = vec![
            Config2Change::Sid(SidType::UNRESTRICTED),
            Config2Change::PreshutdownTimeout(DEFAULT_PRESHUTDOWN_TIMEOUT),
        ];
        (new.config, optional)
    }
}
