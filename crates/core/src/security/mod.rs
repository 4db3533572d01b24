//! Security descriptors: who owns something, who may do what with it, and what of that is recorded ([MS-DTYP] 2.4.6).
//!
//! As text they are in the security descriptor definition language (`parse`, `print`), on the wire in the self-relative form (`binary`); [`check`] says what
//! somebody may do.

mod acl;
mod binary;
pub mod check;
mod parse;
mod print;
mod words;

pub use acl::{AccessList, Ace, AceFlags, AceType, Acl};
pub use binary::FormError;
pub use parse::SddlError;

use serde::{Deserialize, Serialize};

use crate::open::open_flags;
use crate::sid::Sid;

/// `SECURITY_DESCRIPTOR_CONTROL` ([MS-DTYP] 2.4.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
struct Control(u16);

impl Control {
    const DACL_PRESENT: Self = Self(0x4);
    const SACL_PRESENT: Self = Self(0x10);
    const DACL_INHERIT_REQUIRED: Self = Self(0x100);
    const SACL_INHERIT_REQUIRED: Self = Self(0x200);
    const DACL_INHERITED: Self = Self(0x400);
    const SACL_INHERITED: Self = Self(0x800);
    const DACL_PROTECTED: Self = Self(0x1000);
    const SACL_PROTECTED: Self = Self(0x2000);
    const SELF_RELATIVE: Self = Self(0x8000);

    /// The flags that go with the access list.
    const DACL_FLAGS: Self =
        Self(Self::DACL_INHERIT_REQUIRED.0 | Self::DACL_INHERITED.0 | Self::DACL_PROTECTED.0);

    /// The flags that go with the audit list.
    const SACL_FLAGS: Self =
        Self(Self::SACL_INHERIT_REQUIRED.0 | Self::SACL_INHERITED.0 | Self::SACL_PROTECTED.0);

    /// The flags that go with neither.
    const OTHERS: Self = Self(!(Self::DACL_FLAGS.0 | Self::SACL_FLAGS.0));

    const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Without what the descriptor says by what it has.
    const fn kept(self) -> Self {
        Self(self.0 & !(Self::DACL_PRESENT.0 | Self::SACL_PRESENT.0 | Self::SELF_RELATIVE.0))
    }
}

open_flags! {
    /// The parts of a security descriptor: `SECURITY_INFORMATION` ([MS-DTYP] 2.4.7).
    SecurityInformation {
        /// The owner.
        OWNER = 0x1 => "OWNER_SECURITY_INFORMATION",
        /// The group.
        GROUP = 0x2 => "GROUP_SECURITY_INFORMATION",
        /// The access list.
        DACL = 0x4 => "DACL_SECURITY_INFORMATION",
        /// The audit list.
        SACL = 0x8 => "SACL_SECURITY_INFORMATION",
        /// The integrity level, which is in the audit list.
        LABEL = 0x10 => "LABEL_SECURITY_INFORMATION",
        /// With an audit list to be set: it inherits nothing.
        PROTECTED_SACL = 0x4000_0000 => "PROTECTED_SACL_SECURITY_INFORMATION",
        /// With an access list to be set: it inherits nothing.
        PROTECTED_DACL = 0x8000_0000 => "PROTECTED_DACL_SECURITY_INFORMATION",
    }
}

/// A security descriptor.
///
/// ```
/// use svckit_core::security::SecurityDescriptor;
/// let text = "O:SYG:SYD:(A;;CCLCSWRPWPDTLOCRRC;;;SY)(A;;0x201ff;;;S-1-5-80-1)";
/// let descriptor: SecurityDescriptor = text.parse()?;
/// assert_eq!(SecurityDescriptor::from_bytes(&descriptor.to_bytes()).as_ref(), Ok(&descriptor));
/// assert_eq!(descriptor.to_string(), "O:SYG:SYD:(A;;CCLCSWRPWPDTLOCRRC;;;SY)(A;;CCDCLCSWRPWPDTLOCRRC;;;S-1-5-80-1)");
/// # Ok::<(), svckit_core::security::SddlError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SecurityDescriptor {
    /// Who may always read the descriptor and change its access list.
    pub owner: Option<Sid>,
    /// A group, which counts for nothing here.
    pub group: Option<Sid>,
    /// Who may do what.
    pub dacl: AccessList,
    /// What is recorded, and the integrity level.
    pub sacl: AccessList,
    control: Control,
    /// `Sbz1`: bits of a resource manager.
    resource_manager: u8,
}

impl SecurityDescriptor {
    /// The parts that are there. An audit list that holds a label alone is that part alone.
    pub fn parts(&self) -> SecurityInformation {
        let has_label = self.sacl.aces().iter().any(is_label);
        let has_others = !self.sacl.aces().iter().all(is_label);
        let parts = [
            (self.owner.is_some(), SecurityInformation::OWNER),
            (self.group.is_some(), SecurityInformation::GROUP),
            (self.dacl != AccessList::Absent, SecurityInformation::DACL),
            (has_label, SecurityInformation::LABEL),
            (self.sacl != AccessList::Absent && (has_others || !has_label), SecurityInformation::SACL),
        ];
        let present = parts.into_iter().filter(|(present, _)| *present);
        present.fold(SecurityInformation::empty(), |all, (_, part)| all | part)
    }

    /// Some parts of it.
    #[must_use]
    pub fn only(&self, parts: SecurityInformation) -> Self {
        let nothing = Self { resource_manager: self.resource_manager, ..Self::default() };
        // What is there fits.
        nothing.with(parts, self).unwrap_or_default()
    }

    /// What it is after some parts were set to those of another ([MS-SCMR] 3.1.4.6); `None` if the audit list is too long then.
    #[must_use]
    pub fn with(&self, parts: SecurityInformation, new: &Self) -> Option<Self> {
        let from = |part| if parts.contains(part) { new } else { self };
        let (dacl, sacl) = (from(SecurityInformation::DACL), from(SecurityInformation::SACL));
        let mut control = dacl.control.0 & Control::DACL_FLAGS.0
            | sacl.control.0 & Control::SACL_FLAGS.0
            | self.control.0 & Control::OTHERS.0;
        for (part, flag) in [
            (SecurityInformation::PROTECTED_DACL, Control::DACL_PROTECTED),
            (SecurityInformation::PROTECTED_SACL, Control::SACL_PROTECTED),
        ] {
            if parts.contains(part) {
                control |= flag.0;
            }
        }
        Some(Self {
            owner: from(SecurityInformation::OWNER).owner,
            group: from(SecurityInformation::GROUP).group,
            dacl: dacl.dacl.clone(),
            sacl: joined(&sacl.sacl, &from(SecurityInformation::LABEL).sacl)?,
            control: Control(control),
            resource_manager: self.resource_manager,
        })
    }
}

/// The audit list with what one list records and the labels of another; `None` if that is too much for one.
fn joined(records: &AccessList, labels: &AccessList) -> Option<AccessList> {
    if records == labels {
        return Some(records.clone());
    }
    let records_only = records.aces().iter().filter(|ace| !is_label(ace));
    let labels_only = labels.aces().iter().filter(|ace| is_label(ace));
    let aces: Vec<Ace> = records_only.chain(labels_only).cloned().collect();
    match records {
        AccessList::Absent | AccessList::Null if aces.is_empty() => Some(records.clone()),
        // What was only labels is nothing without them.
        AccessList::Entries(list) if aces.is_empty() && !list.aces().is_empty() => Some(AccessList::Absent),
        _ => Acl::new(aces).map(AccessList::Entries),
    }
}

fn is_label(ace: &Ace) -> bool {
    ace.kind() == AceType::MANDATORY_LABEL
}

impl TryFrom<String> for SecurityDescriptor {
    type Error = SddlError;
    fn try_from(text: String) -> Result<Self, SddlError> {
        text.parse()
    }
}

impl From<SecurityDescriptor> for String {
    fn from(descriptor: SecurityDescriptor) -> Self {
        descriptor.to_string()
    }
}

#[cfg(test)]
mod tests;
