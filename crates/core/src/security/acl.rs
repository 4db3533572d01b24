//! Access control lists and their entries.

use std::fmt;

use super::check::GenericMapping;
use crate::sid::Sid;
use crate::trigger::Guid;

/// The kind of an entry: `AceType` ([MS-DTYP] 2.4.4.1). An unknown one survives.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AceType(pub u8);

impl AceType {
    /// Rights are given.
    pub const ALLOWED: Self = Self(0x0);
    /// Rights are refused.
    pub const DENIED: Self = Self(0x1);
    /// The use of rights is recorded.
    pub const AUDIT: Self = Self(0x2);
    /// The use of rights raises an alarm; reserved.
    pub const ALARM: Self = Self(0x3);
    /// As [`Self::ALLOWED`], for a kind of objects.
    pub const ALLOWED_OBJECT: Self = Self(0x5);
    /// As [`Self::DENIED`], for a kind of objects.
    pub const DENIED_OBJECT: Self = Self(0x6);
    /// As [`Self::AUDIT`], for a kind of objects.
    pub const AUDIT_OBJECT: Self = Self(0x7);
    /// As [`Self::ALARM`], for a kind of objects.
    pub const ALARM_OBJECT: Self = Self(0x8);
    /// As [`Self::ALLOWED`], on a condition.
    pub const ALLOWED_CALLBACK: Self = Self(0x9);
    /// As [`Self::DENIED`], on a condition.
    pub const DENIED_CALLBACK: Self = Self(0xA);
    /// As [`Self::ALLOWED_OBJECT`], on a condition.
    pub const ALLOWED_CALLBACK_OBJECT: Self = Self(0xB);
    /// As [`Self::DENIED_OBJECT`], on a condition.
    pub const DENIED_CALLBACK_OBJECT: Self = Self(0xC);
    /// As [`Self::AUDIT`], on a condition.
    pub const AUDIT_CALLBACK: Self = Self(0xD);
    /// As [`Self::ALARM`], on a condition.
    pub const ALARM_CALLBACK: Self = Self(0xE);
    /// As [`Self::AUDIT_OBJECT`], on a condition.
    pub const AUDIT_CALLBACK_OBJECT: Self = Self(0xF);
    /// As [`Self::ALARM_OBJECT`], on a condition.
    pub const ALARM_CALLBACK_OBJECT: Self = Self(0x10);
    /// The integrity level: whose level is lower may not do what the entry says.
    pub const MANDATORY_LABEL: Self = Self(0x11);
    /// An attribute of the resource, for conditions.
    pub const RESOURCE_ATTRIBUTE: Self = Self(0x12);
    /// A policy that is kept elsewhere.
    pub const SCOPED_POLICY: Self = Self(0x13);
    /// The level of trust that a process needs.
    pub const PROCESS_TRUST_LABEL: Self = Self(0x14);
    /// What is filtered for those who don't meet a condition.
    pub const ACCESS_FILTER: Self = Self(0x15);

    /// How an entry of this kind is laid out; `None` for an unknown one.
    pub(super) fn layout(self) -> Option<Layout> {
        match self {
            Self::ALLOWED_OBJECT
            | Self::DENIED_OBJECT
            | Self::AUDIT_OBJECT
            | Self::ALARM_OBJECT
            | Self::ALLOWED_CALLBACK_OBJECT
            | Self::DENIED_CALLBACK_OBJECT
            | Self::AUDIT_CALLBACK_OBJECT
            | Self::ALARM_CALLBACK_OBJECT => Some(Layout::Object),
            Self(0x0..=0x3 | 0x9..=0x15) => Some(Layout::Plain),
            _ => None,
        }
    }
}

impl fmt::Debug for AceType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AceType({:#x})", self.0)
    }
}

/// What follows an entry's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// Mask, identifier, data ([MS-DTYP] 2.4.4.2).
    Plain,
    /// Mask, kinds of objects, identifier, data ([MS-DTYP] 2.4.4.3).
    Object,
}

/// `AceFlags` ([MS-DTYP] 2.4.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct AceFlags(pub u8);

impl AceFlags {
    /// The entry is only for what is made below, not for what its list belongs to.
    pub const INHERIT_ONLY: Self = Self(0x08);

    /// Whether every bit of `other` is set.
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// The kinds of objects that an entry is about; absent: all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) struct Objects {
    pub(super) object: Option<Guid>,
    pub(super) inherited: Option<Guid>,
}

/// An entry of an access control list ([MS-DTYP] 2.4.4).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Ace {
    pub(super) kind: AceType,
    pub(super) flags: AceFlags,
    /// INVARIANT: `Known` exactly for kinds that have a layout, with `objects` exactly where that is [`Layout::Object`].
    pub(super) body: Body,
}

/// INVARIANT: the length of what the wire has of it is a multiple of four, as the specification wants it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Body {
    Known {
        mask: u32,
        objects: Option<Objects>,
        sid: Sid,
        /// What comes after the identifier: a condition, an attribute, or nothing.
        data: Vec<u8>,
    },
    /// Of a kind that isn't known.
    Other(Vec<u8>),
}

impl Ace {
    /// The kind.
    pub fn kind(&self) -> AceType {
        self.kind
    }

    /// The flags.
    pub fn flags(&self) -> AceFlags {
        self.flags
    }

    /// Which rights the entry is about; `None` for an unknown kind.
    pub fn mask(&self) -> Option<u32> {
        match self.body {
            Body::Known { mask, .. } => Some(mask),
            Body::Other(_) => None,
        }
    }

    /// Whom the entry is about; `None` for an unknown kind.
    pub fn sid(&self) -> Option<&Sid> {
        match &self.body {
            Body::Known { sid, .. } => Some(sid),
            Body::Other(_) => None,
        }
    }

    /// Whether the entry is not about a kind of objects alone.
    pub(super) fn is_about_all(&self) -> bool {
        matches!(&self.body, Body::Known { objects, .. } if objects.is_none_or(|objects| objects.object.is_none()))
    }

    /// Puts what generic rights stand for in their place, unless the entry is only for objects below, or about something else than rights.
    pub(super) fn map(&mut self, mapping: &GenericMapping) {
        let is_effective = self.is_effective();
        let has_rights = !matches!(
            self.kind,
            AceType::MANDATORY_LABEL | AceType::RESOURCE_ATTRIBUTE | AceType::SCOPED_POLICY
        );
        if let Body::Known { mask, .. } = &mut self.body
            && is_effective
            && has_rights
        {
            *mask = mapping.apply(*mask);
        }
    }

    /// Whether the entry counts for what its list belongs to.
    pub(super) fn is_effective(&self) -> bool {
        !self.flags.contains(AceFlags::INHERIT_ONLY)
    }
}

/// An access control list ([MS-DTYP] 2.4.5).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Acl {
    pub(super) revision: u8,
    /// INVARIANT: at most [`Acl::MAX_SIZE`] bytes with the header.
    pub(super) aces: Vec<Ace>,
}

impl Acl {
    /// The most bytes that a list may have: its size is told in 16 bits.
    pub(super) const MAX_SIZE: usize = 0xFFFC;

    /// `ACL_REVISION`.
    const REVISION: u8 = 2;

    /// `ACL_REVISION_DS`: for lists with entries about kinds of objects.
    const REVISION_DS: u8 = 4;

    /// A list of these entries; `None` if they are too many.
    pub(super) fn new(aces: Vec<Ace>) -> Option<Self> {
        let has_objects = aces.iter().any(|ace| ace.kind.layout() == Some(Layout::Object));
        let revision = if has_objects { Self::REVISION_DS } else { Self::REVISION };
        let list = Self { revision, aces };
        (list.size() <= Self::MAX_SIZE).then_some(list)
    }

    /// The entries, in the order in which they count.
    pub fn aces(&self) -> &[Ace] {
        &self.aces
    }
}

/// A place for a list in a descriptor.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub enum AccessList {
    /// There is none: everything is allowed, nothing recorded.
    #[default]
    Absent,
    /// There is one that says nothing: `NO_ACCESS_CONTROL`, which is as good as none.
    Null,
    /// These entries. Without any, nothing is allowed.
    Entries(Acl),
}

impl AccessList {
    /// The entries; none as well where there is no list.
    pub fn aces(&self) -> &[Ace] {
        match self {
            Self::Entries(list) => list.aces(),
            Self::Absent | Self::Null => &[],
        }
    }
}
