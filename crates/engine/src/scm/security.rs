//! Who may do what: the security descriptors of services and of the service control manager.

use svckit_core::rights;
use svckit_core::security::check::Token;
use svckit_core::security::{SecurityDescriptor, SecurityInformation};
use svckit_core::win32::Win32Error;

use super::configure::not_stored;
use super::handles::Object;
use super::{ConnectionId, HandleId, Scm};
use crate::error::Failure;

impl Scm {
    /// Who may do what with the service control manager.
    pub(super) fn manager_security(&self) -> &SecurityDescriptor {
        self.security.as_deref().unwrap_or(&rights::MANAGER_SECURITY)
    }

    /// Parts of a security descriptor ([MS-SCMR] 3.1.4.5).
    pub(crate) fn security(
        &mut self,
        connection: ConnectionId,
        id: HandleId,
        parts: SecurityInformation,
    ) -> Result<SecurityDescriptor, Failure> {
        let needed = rights::for_security_query(parts)?;
        Ok(match self.handles.object(connection, id)? {
            Object::Manager(open) => {
                check(open.access.0, needed)?;
                self.manager_security().only(parts)
            }
            Object::Service(open) => {
                check(open.access.0, needed)?;
                let key = open.key.clone();
                self.service(&key)?.security().only(parts)
            }
            Object::Watch(_) | Object::Lock => return Err(Win32Error::INVALID_HANDLE.into()),
        })
    }

    /// Sets parts of a security descriptor ([MS-SCMR] 3.1.4.6). What is open stays open with the rights that it has.
    pub(crate) fn set_security(
        &mut self,
        connection: ConnectionId,
        id: HandleId,
        parts: SecurityInformation,
        new: &SecurityDescriptor,
    ) -> Result<(), Failure> {
        let needed = rights::for_security_change(parts)?;
        match self.handles.object(connection, id)? {
            Object::Manager(open) => {
                check(open.access.0, needed)?;
                check_owner(&open.token, parts, new)?;
                let new = after(self.manager_security(), parts, &new.mapped(&rights::MANAGER))?;
                self.refuse_while_stopping()?;
                self.store.put_manager_security(&new).map_err(|error| not_stored(&error))?;
                self.security = Some(Box::new(new));
                Ok(())
            }
            Object::Service(open) => {
                check(open.access.0, needed)?;
                check_owner(&open.token, parts, new)?;
                let key = open.key.clone();
                let mut record = self.changeable(&key)?;
                let new = after(self.service(&key)?.security(), parts, &new.mapped(&rights::SERVICE))?;
                record.security = Some(Box::new(new));
                self.replace(record)
            }
            Object::Watch(_) | Object::Lock => Err(Win32Error::INVALID_HANDLE.into()),
        }
    }
}

fn check(granted: u32, needed: u32) -> Result<(), Failure> {
    if granted & needed == needed { Ok(()) } else { Err(Win32Error::ACCESS_DENIED.into()) }
}

fn check_owner(token: &Token, parts: SecurityInformation, new: &SecurityDescriptor) -> Result<(), Failure> {
    if parts.contains(SecurityInformation::OWNER)
        && !new.owner.is_some_and(|owner| token.may_assign_owner(&owner))
    {
        let cause = "the owner is missing, or one that only who may restore things can set";
        return Err(Failure::new(Win32Error::INVALID_OWNER, cause));
    }
    if parts.contains(SecurityInformation::GROUP) && new.group.is_none() {
        return Err(Win32Error::INVALID_PRIMARY_GROUP.into());
    }
    Ok(())
}

fn after(
    before: &SecurityDescriptor,
    parts: SecurityInformation,
    new: &SecurityDescriptor,
) -> Result<SecurityDescriptor, Failure> {
    before.with(parts, new).ok_or_else(|| {
        Failure::new(
            Win32Error::INVALID_PARAMETER,
            "a list would be longer than the 64 KiB that one may have",
        )
    })
}
