//! The words of the security descriptor definition language ([MS-DTYP] 2.5.1.1).

use super::Control;
use super::acl::AceType;
use crate::sid::Sid;

/// What a list that says nothing is written as.
pub(super) const NO_ACCESS_CONTROL: &str = "NO_ACCESS_CONTROL";

/// Kinds of entries.
pub(super) const KINDS: &[(&str, AceType)] = &[
    ("A", AceType::ALLOWED),
    ("D", AceType::DENIED),
    ("AU", AceType::AUDIT),
    ("AL", AceType::ALARM),
    ("OA", AceType::ALLOWED_OBJECT),
    ("OD", AceType::DENIED_OBJECT),
    ("OU", AceType::AUDIT_OBJECT),
    ("OL", AceType::ALARM_OBJECT),
    ("XA", AceType::ALLOWED_CALLBACK),
    ("XD", AceType::DENIED_CALLBACK),
    ("ZA", AceType::ALLOWED_CALLBACK_OBJECT),
    ("XU", AceType::AUDIT_CALLBACK),
    ("ML", AceType::MANDATORY_LABEL),
    ("RA", AceType::RESOURCE_ATTRIBUTE),
    ("SP", AceType::SCOPED_POLICY),
    ("TL", AceType::PROCESS_TRUST_LABEL),
    ("FL", AceType::ACCESS_FILTER),
];

/// Flags of entries: every bit has a word.
pub(super) const FLAGS: &[(&str, u8)] = &[
    ("OI", 0x01),
    ("CI", 0x02),
    ("NP", 0x04),
    ("IO", 0x08),
    ("ID", 0x10),
    ("CR", 0x20),
    ("SA", 0x40),
    ("FA", 0x80),
];

/// Flags of a list: their words, and their bits for the access list and for the audit list.
pub(super) const LIST_FLAGS: &[(&str, Control, Control)] = &[
    ("P", Control::DACL_PROTECTED, Control::SACL_PROTECTED),
    ("AR", Control::DACL_INHERIT_REQUIRED, Control::SACL_INHERIT_REQUIRED),
    ("AI", Control::DACL_INHERITED, Control::SACL_INHERITED),
];

/// Rights of one bit, in the order of their numbers: those of any object, with the names of a directory's for the lowest nine.
pub(super) const RIGHTS: &[(&str, u32)] = &[
    ("CC", 0x1),
    ("DC", 0x2),
    ("LC", 0x4),
    ("SW", 0x8),
    ("RP", 0x10),
    ("WP", 0x20),
    ("DT", 0x40),
    ("LO", 0x80),
    ("CR", 0x100),
    ("SD", 0x1_0000),
    ("RC", 0x2_0000),
    ("WD", 0x4_0000),
    ("WO", 0x8_0000),
    ("GA", 0x1000_0000),
    ("GX", 0x2000_0000),
    ("GW", 0x4000_0000),
    ("GR", 0x8000_0000),
];

/// Rights of several bits: those of files and of keys of the registry. They are written only for exactly these bits.
pub(super) const SETS: &[(&str, u32)] = &[
    ("FA", 0x1F_01FF),
    ("FR", 0x12_0089),
    ("FW", 0x12_0116),
    ("FX", 0x12_00A0),
    ("KA", 0xF_003F),
    ("KR", 0x2_0019),
    ("KW", 0x2_0006),
    ("KX", 0x2_0019),
];

/// What a label forbids those below it.
pub(super) const LABEL_RIGHTS: &[(&str, u32)] = &[("NW", 0x1), ("NR", 0x2), ("NX", 0x4)];

/// Names of identifiers that are the same everywhere ([MS-DTYP] 2.4.2.4).
pub(super) const SIDS: &[(&str, Sid)] = &[
    ("AA", Sid::builtin(579)),
    ("AC", Sid::well_known(15, &[2, 1])),
    ("AN", Sid::ANONYMOUS),
    ("AO", Sid::builtin(548)),
    ("AS", Sid::well_known(18, &[1])),
    ("AU", Sid::AUTHENTICATED_USERS),
    ("BA", Sid::ADMINISTRATORS),
    ("BG", Sid::builtin(546)),
    ("BO", Sid::builtin(551)),
    ("BU", Sid::builtin(545)),
    ("CD", Sid::builtin(574)),
    ("CG", Sid::well_known(3, &[1])),
    ("CO", Sid::well_known(3, &[0])),
    ("CY", Sid::builtin(569)),
    ("ED", Sid::well_known(5, &[9])),
    ("ER", Sid::builtin(573)),
    ("ES", Sid::builtin(576)),
    ("HA", Sid::builtin(578)),
    ("HI", Sid::well_known(16, &[12288])),
    ("IS", Sid::builtin(568)),
    ("IU", Sid::well_known(5, &[4])),
    ("LS", Sid::well_known(5, &[19])),
    ("LU", Sid::builtin(559)),
    ("LW", Sid::well_known(16, &[4096])),
    ("ME", Sid::well_known(16, &[8192])),
    ("MP", Sid::well_known(16, &[8448])),
    ("MS", Sid::builtin(577)),
    ("MU", Sid::builtin(558)),
    ("NO", Sid::builtin(556)),
    ("NS", Sid::well_known(5, &[20])),
    ("NU", Sid::well_known(5, &[2])),
    ("OW", Sid::OWNER_RIGHTS),
    ("PO", Sid::builtin(550)),
    ("PS", Sid::well_known(5, &[10])),
    ("PU", Sid::builtin(547)),
    ("RA", Sid::builtin(575)),
    ("RC", Sid::well_known(5, &[12])),
    ("RD", Sid::builtin(555)),
    ("RE", Sid::builtin(552)),
    ("RM", Sid::builtin(580)),
    ("RU", Sid::builtin(554)),
    ("SI", Sid::well_known(16, &[16384])),
    ("SO", Sid::builtin(549)),
    ("SS", Sid::well_known(18, &[2])),
    ("SU", Sid::well_known(5, &[6])),
    ("SY", Sid::LOCAL_SYSTEM),
    ("UD", Sid::well_known(5, &[84, 0, 0, 0, 0, 0])),
    ("WD", Sid::EVERYONE),
    ("WR", Sid::well_known(5, &[33])),
];

/// Names of users and groups of a machine or a domain, with their numbers there.
pub(super) const RELATIVE: &[(&str, u32)] = &[
    ("AP", 525),
    ("CA", 517),
    ("CN", 522),
    ("DA", 512),
    ("DC", 515),
    ("DD", 516),
    ("DG", 514),
    ("DU", 513),
    ("EA", 519),
    ("EK", 527),
    ("KA", 526),
    ("LA", 500),
    ("LG", 501),
    ("PA", 520),
    ("RO", 498),
    ("RS", 553),
    ("SA", 518),
];
