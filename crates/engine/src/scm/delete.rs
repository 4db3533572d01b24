//! Deletion: a mark first; the record goes when the service has stopped and nobody has it open.

use svckit_core::access::ServiceAccess;
use svckit_core::kind::StartType;
use svckit_core::status::NotifyMask;
use svckit_core::win32::Win32Error;

use super::configure::not_stored;
use super::{ConnectionId, HandleId, Scm, Service};
use crate::error::Failure;

impl Scm {
    /// Marks a service for deletion ([MS-SCMR] 3.1.4.3).
    pub(crate) fn delete(&mut self, connection: ConnectionId, id: HandleId) -> Result<(), Failure> {
        let key = self.check_service(connection, id, ServiceAccess::DELETE)?;
        self.refuse_while_stopping()?;
        let mut record = self.service(&key)?.record.clone();
        if record.delete_pending {
            return Err(Win32Error::SERVICE_MARKED_FOR_DELETE.into());
        }
        record.delete_pending = true;
        record.config.start_type = StartType::DISABLED;
        self.store.put(&record).map_err(|error| not_stored(&error))?;
        // Nothing but its start changes, so it can't be a circle.
        let _ = self.order.insert(Service::member(&record));
        if let Some(service) = self.services.get_mut(&key) {
            service.record = record;
            service.due = None;
            self.timers.cancel(service.due_timer.take());
        }
        self.mark_dirty(&key);
        self.update_door(&key);
        self.notify_service(&key, NotifyMask::DELETE_PENDING);
        Ok(())
    }

    /// Removes a service that was marked, once nothing holds it any more.
    pub(super) fn remove_if_over(&mut self, key: &str) {
        let over = self.services.get(key).is_some_and(|service| {
            service.record.delete_pending && service.handles == 0 && service.life.is_at_rest()
        });
        if !over {
            return;
        }
        if let Err(error) = self.store.remove(key) {
            // It stays marked, and the next service control manager tries again.
            tracing::error!("cannot remove a deleted service: {error}");
            return;
        }
        self.mark_dirty(key);
        if let Some(service) = self.services.remove(key) {
            self.timers.cancel(service.due_timer);
            self.timers.cancel(service.hang_timer);
            self.display_names.remove(&service.record.config.display_name.folded());
            self.order.remove(&service.record.name);
            self.changes.removed(&service.record.name);
            self.notify_manager(NotifyMask::DELETED, &service.record.name);
            self.reconsider_starts();
        }
        self.update_door(key);
    }
}
