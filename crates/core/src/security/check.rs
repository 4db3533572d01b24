//! Who may do what: the access check ([MS-DTYP] 2.5.3.2).
//!
//! A right that several entries are about is decided by the first of them. What can't be decided, since it hangs on a condition, is refused: an entry
//! that allows on a condition allows nothing, one that denies on a condition denies.

use super::acl::{Ace, AceType};
use super::{AccessList, SecurityDescriptor, is_label};
use crate::open::open_flags;
use crate::sid::Sid;
use crate::win32::Win32Error;

/// `GENERIC_READ`, `_WRITE`, `_EXECUTE` and `_ALL` ([MS-DTYP] 2.4.3).
const GENERIC: [u32; 4] = [0x8000_0000, 0x4000_0000, 0x2000_0000, 0x1000_0000];

/// `MAXIMUM_ALLOWED` ([MS-DTYP] 2.4.3).
pub(crate) const MAXIMUM_ALLOWED: u32 = 0x200_0000;

/// `ACCESS_SYSTEM_SECURITY` ([MS-DTYP] 2.4.3).
pub(crate) const SYSTEM_SECURITY: u32 = 0x100_0000;

const READ_CONTROL: u32 = 0x2_0000;
const WRITE_DAC: u32 = 0x4_0000;
const WRITE_OWNER: u32 = 0x8_0000;

/// `SECURITY_MANDATORY_LABEL_AUTHORITY` ([MS-DTYP] 2.4.1.1).
const LABEL_AUTHORITY: u64 = 16;

/// The integrity level of what has no label: medium ([MS-DTYP] 2.5.3.3).
const MEDIUM: u32 = 0x2000;

/// The integrity level of administrators.
const HIGH: u32 = 0x3000;

/// The integrity level of the system.
const SYSTEM: u32 = 0x4000;

open_flags! {
    /// Privileges that count in an access check; the numbers are our own.
    Privileges {
        /// `SeSecurityPrivilege`: the audit list.
        SECURITY = 0x1 => "SeSecurityPrivilege",
        /// `SeTakeOwnershipPrivilege`: becoming the owner.
        TAKE_OWNERSHIP = 0x2 => "SeTakeOwnershipPrivilege",
        /// `SeRestorePrivilege`: making anybody the owner.
        RESTORE = 0x4 => "SeRestorePrivilege",
    }
}

/// Who asks ([MS-DTYP] 2.5.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Who it is.
    pub user: Sid,
    /// The groups that the user is in.
    pub groups: Vec<Sid>,
    /// What the user may do in any case.
    pub privileges: Privileges,
    /// The integrity level: the last number of its identifier.
    pub integrity: u32,
}

impl Token {
    /// `LocalSystem`, who is an administrator.
    pub fn local_system() -> Self {
        Self {
            user: Sid::LOCAL_SYSTEM,
            groups: vec![Sid::ADMINISTRATORS, Sid::EVERYONE, Sid::AUTHENTICATED_USERS],
            privileges: Privileges::SECURITY | Privileges::TAKE_OWNERSHIP | Privileges::RESTORE,
            integrity: SYSTEM,
        }
    }

    /// Somebody without privileges.
    pub fn user(user: Sid, groups: Vec<Sid>) -> Self {
        Self { user, groups, privileges: Privileges::empty(), integrity: MEDIUM }
    }

    /// Somebody with an account of the service control manager's own who comes over the network and has shown by NTLM who it is: in the groups that Windows
    /// puts such a user into ([MS-DTYP] 2.4.2.4, [MS-NLMP] 3.2.5.1.2), with the privileges and the integrity of an administrator if it is one.
    pub fn network(user: Sid, is_administrator: bool) -> Self {
        let groups = vec![
            Sid::EVERYONE,
            Sid::USERS,
            Sid::NETWORK,
            Sid::AUTHENTICATED_USERS,
            Sid::LOCAL_ACCOUNT,
            Sid::NTLM,
        ];
        let mut token = Self::user(user, groups);
        if is_administrator {
            token.groups.extend([Sid::ADMINISTRATORS, Sid::LOCAL_ADMINISTRATOR]);
            token.privileges = Privileges::SECURITY | Privileges::TAKE_OWNERSHIP | Privileges::RESTORE;
            token.integrity = HIGH;
        }
        token
    }

    /// Whether it came over the network and is no administrator: such a caller may only look, whatever access lists say.
    pub fn is_remote_user(&self) -> bool {
        self.is(&Sid::NETWORK) && !self.is(&Sid::ADMINISTRATORS)
    }

    fn is(&self, sid: &Sid) -> bool {
        self.user == *sid || self.groups.contains(sid)
    }

    /// Whether the token may make somebody the owner of something ([MS-DTYP] 2.5.3.4.2): itself, the administrators that it belongs to, or with the
    /// privilege anybody.
    pub fn may_assign_owner(&self, owner: &Sid) -> bool {
        let own = self.user == *owner || *owner == Sid::ADMINISTRATORS && self.is(owner);
        own || self.privileges.contains(Privileges::RESTORE)
    }
}

/// What the four generic rights mean on one kind of object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GenericMapping {
    /// `GENERIC_READ`.
    pub read: u32,
    /// `GENERIC_WRITE`.
    pub write: u32,
    /// `GENERIC_EXECUTE`.
    pub execute: u32,
    /// `GENERIC_ALL`: everything that may be asked for.
    pub all: u32,
}

impl GenericMapping {
    /// The mask with the rights that the generic ones stand for in place of them.
    pub fn apply(&self, mask: u32) -> u32 {
        let specific = [self.read, self.write, self.execute, self.all];
        let plain = mask & !GENERIC.iter().fold(0, |all, bit| all | bit);
        let named = GENERIC.into_iter().zip(specific).filter(|(generic, _)| mask & generic != 0);
        named.fold(plain, |mask, (_, specific)| mask | specific)
    }
}

impl SecurityDescriptor {
    /// The descriptor as it is kept of an object: with the rights that generic ones stand for, but in what is only for objects below.
    #[must_use]
    pub fn mapped(&self, mapping: &GenericMapping) -> Self {
        let mut mapped = self.clone();
        for list in [&mut mapped.dacl, &mut mapped.sacl] {
            if let AccessList::Entries(list) = list {
                list.aces.iter_mut().for_each(|ace| ace.map(mapping));
            }
        }
        mapped
    }
}

/// The rights that `token` is granted when it asks for `desired`.
pub fn access_check(
    descriptor: &SecurityDescriptor,
    token: &Token,
    desired: u32,
    mapping: &GenericMapping,
) -> Result<u32, Win32Error> {
    let desired = mapping.apply(desired);
    let (wants_all, wanted) = (desired & MAXIMUM_ALLOWED != 0, desired & !MAXIMUM_ALLOWED);
    if wanted & SYSTEM_SECURITY != 0 && !token.privileges.contains(Privileges::SECURITY) {
        return Err(Win32Error::PRIVILEGE_NOT_HELD);
    }
    let may_have = allowed(descriptor, token, mapping) | wanted & SYSTEM_SECURITY;
    if wanted & !may_have != 0 {
        return Err(Win32Error::ACCESS_DENIED);
    }
    let granted = if wants_all { wanted | may_have } else { wanted };
    if wants_all && granted == 0 { Err(Win32Error::ACCESS_DENIED) } else { Ok(granted) }
}

/// Everything that the token may have, but the audit list.
fn allowed(descriptor: &SecurityDescriptor, token: &Token, mapping: &GenericMapping) -> u32 {
    let implied = implied(descriptor, token);
    let listed = match &descriptor.dacl {
        AccessList::Absent | AccessList::Null => mapping.all,
        AccessList::Entries(list) => {
            let is_owner = descriptor.owner.is_some_and(|owner| token.is(&owner));
            by_entries(list.aces(), token, is_owner, mapping)
        }
    };
    let by_label = by_label(descriptor, token, mapping);
    let taking = match token.privileges.contains(Privileges::TAKE_OWNERSHIP) {
        true => WRITE_OWNER,
        false => 0,
    };
    (implied | listed) & by_label & mapping.all | taking
}

/// What an owner may do, whatever the list says, unless it says what owners may do.
fn implied(descriptor: &SecurityDescriptor, token: &Token) -> u32 {
    let is_owner = descriptor.owner.is_some_and(|owner| token.is(&owner));
    let is_said = |ace: &Ace| ace.is_effective() && ace.sid() == Some(&Sid::OWNER_RIGHTS);
    if is_owner && !descriptor.dacl.aces().iter().any(is_said) { READ_CONTROL | WRITE_DAC } else { 0 }
}

fn by_entries(aces: &[Ace], token: &Token, is_owner: bool, mapping: &GenericMapping) -> u32 {
    let (mut granted, mut denied) = (0, 0);
    for ace in aces.iter().filter(|ace| ace.is_effective()) {
        let (Some(mask), Some(sid)) = (ace.mask(), ace.sid()) else { continue };
        if !(token.is(sid) || is_owner && *sid == Sid::OWNER_RIGHTS) {
            continue;
        }
        let mask = mapping.apply(mask);
        match ace.kind() {
            AceType::ALLOWED => granted |= mask & !denied,
            AceType::ALLOWED_OBJECT if ace.is_about_all() => granted |= mask & !denied,
            AceType::DENIED | AceType::DENIED_CALLBACK => denied |= mask & !granted,
            AceType::DENIED_OBJECT | AceType::DENIED_CALLBACK_OBJECT if ace.is_about_all() => {
                denied |= mask & !granted;
            }
            _ => {}
        }
    }
    granted
}

/// What is not forbidden by an integrity level above the token's ([MS-DTYP] 2.5.3.3). Without a label, writing from below medium is.
fn by_label(descriptor: &SecurityDescriptor, token: &Token, mapping: &GenericMapping) -> u32 {
    const NO_WRITE_UP: u32 = 0x1;
    const NO_READ_UP: u32 = 0x2;
    const NO_EXECUTE_UP: u32 = 0x4;
    let label = descriptor.sacl.aces().iter().find(|ace| is_label(ace) && ace.is_effective());
    let (level, policy) = label.and_then(Ace::label).unwrap_or((MEDIUM, NO_WRITE_UP));
    if token.integrity >= level {
        return u32::MAX;
    }
    let rights = [(NO_READ_UP, mapping.read), (NO_WRITE_UP, mapping.write), (NO_EXECUTE_UP, mapping.execute)];
    rights
        .into_iter()
        .filter(|(forbidden, _)| policy & forbidden == 0)
        .fold(0, |all, (_, rights)| all | rights)
}

impl Ace {
    /// The integrity level and what it forbids, if the entry is a label.
    fn label(&self) -> Option<(u32, u32)> {
        let sid = self.sid().filter(|sid| sid.authority() == LABEL_AUTHORITY)?;
        Some((*sid.sub_authorities().first()?, self.mask()?))
    }
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
