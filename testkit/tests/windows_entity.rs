//! Services as things ([`svckit_manager::entity`]) on Windows, which may be Wine. What Wine can't do is named in `NOT_UNDER_WINE` of `xtask/src/wine.rs`.

#![forbid(unsafe_code)]
#![cfg(windows)]
#![expect(clippy::unwrap_used, reason = "a failed expectation is how a test fails")]

#[path = "../cases/entity.rs"]
mod cases;

use std::sync::atomic::{AtomicU32, Ordering};

use cases::{Bed, entity_cases};
use svckit_core::kind::ServiceType;
use svckit_manager::entity::ServiceManager;
use svckit_manager::windows::WindowsBackend;

/// What a case leaves goes when this is dropped.
struct Own {
    manager: ServiceManager,
    prefix: String,
}

impl Drop for Own {
    fn drop(&mut self) {
        let all = self.manager.statuses(ServiceType::WIN32).unwrap_or_default();
        for one in all.iter().filter(|one| one.name.starts_with(&self.prefix)) {
            if let Ok(service) = self.manager.service(&one.name) {
                // The case may have failed because that can't be done.
                let _ = service.stop_and_delete();
            }
        }
    }
}

fn on_windows(case: fn(&Bed<'_>)) {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    let manager = ServiceManager::over(Box::new(WindowsBackend::local()));
    let own = Own { manager, prefix: format!("svckit-entity-{}-{count}-", std::process::id()) };
    case(&Bed { manager: &own.manager, prefix: &own.prefix });
}

entity_cases!(on_windows, cases);
