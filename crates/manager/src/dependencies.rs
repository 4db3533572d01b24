//! What services need, read from as many configurations as it takes and no more.

use std::collections::HashSet;

use svckit_core::access::{ManagerAccess, ServiceAccess};
use svckit_core::backend::Backend;
use svckit_core::name::{Dependency, ServiceName};
use svckit_core::order::{Automatic, Member, Order};

/// These services and all that they need by name, directly or through others. Only what can be read is there: for an order that is enough, since the service
/// control manager has the last word.
pub fn order(backend: &dyn Backend, names: &[ServiceName]) -> Order {
    let mut order = Order::default();
    let Ok(manager) = backend.open_manager(ManagerAccess::CONNECT) else { return order };
    let mut rest: Vec<ServiceName> = names.to_vec();
    let mut seen: HashSet<String> = names.iter().map(ServiceName::folded).collect();
    while let Some(name) = rest.pop() {
        let service = manager.open_service(name.as_str(), ServiceAccess::QUERY_CONFIG);
        let Ok(config) = service.and_then(|service| service.config()) else { continue };
        for dependency in &config.dependencies {
            if let Dependency::Service(needed) = dependency
                && seen.insert(needed.folded())
            {
                rest.push(needed.clone());
            }
        }
        let member = Member {
            name,
            dependencies: config.dependencies,
            group: config.load_order_group,
            tag: config.tag,
            automatic: Automatic::No,
        };
        // One that would close a circle can't be started anyway.
        let _ = order.insert(member);
    }
    order
}
