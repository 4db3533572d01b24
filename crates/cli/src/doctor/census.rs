//! All services as far as they matter to each other.

use std::collections::{BTreeMap, HashMap};

use svckit_core::kind::StartType;
use svckit_core::name::{Dependency, ServiceName, fold};
use svckit_core::native::Configured;
use svckit_core::order::{Automatic, Member, Order};
use svckit_core::sort;
use svckit_core::status::{ServiceState, StateFilter};
use svckit_core::win32::Win32Error;
use svckit_manager::configurations::configurations;
use svckit_recipe::doctor::{Finding, Need, Standing};
use svckit_recipe::lint::Severity;

use super::show::Section;
use crate::app::App;
use crate::failure::Failure;
use crate::report::{self, ServiceReport};

/// Every service that may be read, by its folded name.
pub(super) struct Census {
    configured: BTreeMap<String, Configured>,
    reports: HashMap<String, ServiceReport>,
    /// In words, by those that are in it.
    circles: HashMap<String, String>,
}

impl Census {
    pub(super) fn take(app: &mut App, named: &[ServiceName]) -> Result<Self, Failure> {
        let reports = report::all(app, StateFilter::ALL)?;
        let reports = reports.into_iter().map(|report| (fold(&report.name), report)).collect();
        let present: Vec<ServiceName> = named.to_vec();
        let configured = configurations(app.backend()?, &present)?;
        let circles = circles(&configured);
        let configured = sort::map(configured.into_iter().map(|one| (one.service.folded(), one)));
        Ok(Self { configured, reports, circles })
    }

    pub(super) fn names(&self) -> impl Iterator<Item = ServiceName> {
        self.configured.values().map(|one| one.service.clone())
    }

    pub(super) fn of(&self, name: &ServiceName) -> Option<(&Configured, &ServiceReport)> {
        let key = name.folded();
        Some((self.configured.get(&key)?, self.reports.get(&key)?))
    }

    pub(super) fn circle(&self, name: &ServiceName) -> Option<String> {
        self.circles.get(&name.folded()).cloned()
    }

    /// What a service depends on.
    pub(super) fn needs(&self, of: &Configured) -> Vec<(Dependency, Need)> {
        let need = |dependency: &Dependency| match dependency {
            Dependency::Service(name) => match self.reports.get(&name.folded()) {
                Some(report) => Need::Service(self.standing(report)),
                None => Need::Missing,
            },
            Dependency::Group(group) => {
                let members = self
                    .configured
                    .values()
                    .filter(|one| one.config.load_order_group.as_ref() == Some(group));
                let reports = members.filter_map(|one| self.reports.get(&one.service.folded()));
                Need::Group(reports.map(|report| self.standing(report)).collect())
            }
        };
        of.config.dependencies.iter().map(|dependency| (dependency.clone(), need(dependency))).collect()
    }

    fn standing(&self, report: &ServiceReport) -> Standing {
        let code = report.status.win32_exit_code;
        if report.status.state != ServiceState::STOPPED {
            return Standing::Up;
        }
        let config = self.configured.get(&fold(&report.name));
        if config.is_some_and(|one| one.config.start_type == StartType::DISABLED) {
            Standing::Disabled
        } else if code.is_success() || code == Win32Error::SERVICE_NEVER_STARTED {
            Standing::Down
        } else {
            Standing::Failed
        }
    }

    /// Services of which there is nothing to be known.
    pub(super) fn unreadable(&self) -> Option<Section> {
        let hidden = self.reports.keys().filter(|key| !self.configured.contains_key(*key)).count();
        let finding = Finding::new(
            Severity::Hint,
            "not-readable",
            format!("the configuration of {hidden} services can't be read, so nothing is said of them"),
        );
        let help = "as an administrator more can be told";
        (hidden > 0).then(|| Section::new("the service control manager", vec![finding.help(help)]))
    }
}

fn circles(configured: &[Configured]) -> HashMap<String, String> {
    let mut order = Order::default();
    let mut circles = HashMap::new();
    for one in configured {
        let member = Member {
            name: one.service.clone(),
            dependencies: one.config.dependencies.clone(),
            group: one.config.load_order_group.clone(),
            tag: one.config.tag,
            automatic: Automatic::No,
        };
        if let Err(circle) = order.insert(member) {
            circles.extend(circle.0.iter().map(|name| (name.folded(), circle.to_string())));
        }
    }
    circles
}
