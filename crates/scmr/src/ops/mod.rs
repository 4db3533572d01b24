//! The calls of [MS-SCMR] (3.1.4) and their answers, in typed form.
//!
//! [`Call`] and [`Answer`] hold what is on the wire in plain data: a name is a `String` that may be nonsense, and whoever serves the call
//! answers with the right code. [`convert`] goes from there to the types of `svckit-core` that can't hold nonsense, and back;
//! [`buffers`] makes and reads what [MS-SCMR] puts into output buffers of bytes.

mod answer;
pub mod buffers;
mod call;
mod config;
mod config2;
pub mod convert;
mod lock;
pub mod multi;
mod notify;
mod reason;
mod record;
mod status;
mod trigger;

pub use answer::Answer;
pub use call::Call;
pub use config::{ChangeServiceConfig, CreateService, NO_CHANGE, Password};
pub use config2::{ConfigInfo, FailureActionsInfo, PreferredNodeInfo};
pub use lock::LockRecord;
pub use notify::NotifyParams;
pub use reason::ControlParams;
pub use record::ConfigRecord;

use crate::ndr::{Reader, Result, Writer};

/// The bound of a name in characters on the wire. [MS-SCMR] 2.2.56 has `SC_MAX_NAME_LENGTH` (257), and a Windows server answers longer ones
/// with a fault; here they are read so that the server can say which name was wrong.
pub(crate) const MAX_TEXT: u32 = 32 * 1024 + 1;

/// `BOUNDED_DWORD_4K` ([MS-SCMR] 2.2.7).
pub const MAX_4K: u32 = 4 * 1024;

/// `BOUNDED_DWORD_8K` ([MS-SCMR] 2.2.8).
pub const MAX_8K: u32 = 8 * 1024;

/// `BOUNDED_DWORD_256K` ([MS-SCMR] 2.2.9): the largest buffer of an enumeration.
pub const MAX_256K: u32 = 256 * 1024;

/// `SC_MAX_DEPEND_SIZE` ([MS-SCMR] 2.2.56), in bytes.
pub const MAX_DEPENDENCIES: u32 = 4 * 1024;

/// `SC_MAX_PWD_SIZE` ([MS-SCMR] 2.2.56), in bytes.
pub const MAX_PASSWORD: u32 = 514;

/// `SC_MAX_ARGUMENTS` ([MS-SCMR] 2.2.56).
pub const MAX_ARGUMENTS: u32 = 1024;

/// An operation number ([MS-SCMR] 3.1.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Opnum(pub u16);

macro_rules! opnums {
    ($($constant:ident = $number:literal => $name:literal,)*) => {
        impl Opnum {
            $(#[doc = concat!("`", $name, "`.")] pub const $constant: Self = Self($number);)*

            /// The operations known here.
            pub const KNOWN: &'static [Self] = &[$(Self::$constant),*];

            /// The name in [MS-SCMR].
            pub const fn name(self) -> Option<&'static str> {
                Some(match self {
                    $(Self::$constant => $name,)*
                    _ => return None,
                })
            }
        }
    };
}

opnums! {
    CLOSE_SERVICE_HANDLE = 0 => "RCloseServiceHandle",
    CONTROL_SERVICE = 1 => "RControlService",
    DELETE_SERVICE = 2 => "RDeleteService",
    LOCK_SERVICE_DATABASE = 3 => "RLockServiceDatabase",
    QUERY_SERVICE_OBJECT_SECURITY = 4 => "RQueryServiceObjectSecurity",
    SET_SERVICE_OBJECT_SECURITY = 5 => "RSetServiceObjectSecurity",
    QUERY_SERVICE_STATUS = 6 => "RQueryServiceStatus",
    SET_SERVICE_STATUS = 7 => "RSetServiceStatus",
    UNLOCK_SERVICE_DATABASE = 8 => "RUnlockServiceDatabase",
    NOTIFY_BOOT_CONFIG_STATUS = 9 => "RNotifyBootConfigStatus",
    CHANGE_SERVICE_CONFIG = 11 => "RChangeServiceConfigW",
    CREATE_SERVICE = 12 => "RCreateServiceW",
    ENUM_DEPENDENT_SERVICES = 13 => "REnumDependentServicesW",
    ENUM_SERVICES_STATUS = 14 => "REnumServicesStatusW",
    OPEN_SC_MANAGER = 15 => "ROpenSCManagerW",
    OPEN_SERVICE = 16 => "ROpenServiceW",
    QUERY_SERVICE_CONFIG = 17 => "RQueryServiceConfigW",
    QUERY_SERVICE_LOCK_STATUS = 18 => "RQueryServiceLockStatusW",
    START_SERVICE = 19 => "RStartServiceW",
    GET_SERVICE_DISPLAY_NAME = 20 => "RGetServiceDisplayNameW",
    GET_SERVICE_KEY_NAME = 21 => "RGetServiceKeyNameW",
    CHANGE_SERVICE_CONFIG_A = 23 => "RChangeServiceConfigA",
    CREATE_SERVICE_A = 24 => "RCreateServiceA",
    ENUM_DEPENDENT_SERVICES_A = 25 => "REnumDependentServicesA",
    ENUM_SERVICES_STATUS_A = 26 => "REnumServicesStatusA",
    OPEN_SC_MANAGER_A = 27 => "ROpenSCManagerA",
    OPEN_SERVICE_A = 28 => "ROpenServiceA",
    QUERY_SERVICE_CONFIG_A = 29 => "RQueryServiceConfigA",
    QUERY_SERVICE_LOCK_STATUS_A = 30 => "RQueryServiceLockStatusA",
    START_SERVICE_A = 31 => "RStartServiceA",
    GET_SERVICE_DISPLAY_NAME_A = 32 => "RGetServiceDisplayNameA",
    GET_SERVICE_KEY_NAME_A = 33 => "RGetServiceKeyNameA",
    ENUM_SERVICE_GROUP = 35 => "REnumServiceGroupW",
    CHANGE_SERVICE_CONFIG2_A = 36 => "RChangeServiceConfig2A",
    CHANGE_SERVICE_CONFIG2 = 37 => "RChangeServiceConfig2W",
    QUERY_SERVICE_CONFIG2_A = 38 => "RQueryServiceConfig2A",
    QUERY_SERVICE_CONFIG2 = 39 => "RQueryServiceConfig2W",
    QUERY_SERVICE_STATUS_EX = 40 => "RQueryServiceStatusEx",
    ENUM_SERVICES_STATUS_EX_A = 41 => "REnumServicesStatusExA",
    ENUM_SERVICES_STATUS_EX = 42 => "REnumServicesStatusExW",
    CREATE_SERVICE_WOW64_A = 44 => "RCreateServiceWOW64A",
    CREATE_SERVICE_WOW64 = 45 => "RCreateServiceWOW64W",
    NOTIFY_SERVICE_STATUS_CHANGE = 47 => "RNotifyServiceStatusChange",
    GET_NOTIFY_RESULTS = 48 => "RGetNotifyResults",
    CLOSE_NOTIFY_HANDLE = 49 => "RCloseNotifyHandle",
    CONTROL_SERVICE_EX_A = 50 => "RControlServiceExA",
    CONTROL_SERVICE_EX = 51 => "RControlServiceExW",
    QUERY_SERVICE_CONFIG_EX = 56 => "RQueryServiceConfigEx",
    CREATE_WOW_SERVICE = 60 => "RCreateWowService",
    OPEN_SC_MANAGER2 = 64 => "ROpenSCManager2",
}

impl Opnum {
    /// The calls that there are with wide characters and with bytes.
    const TWINS: [(Self, Self); 16] = [
        (Self::CHANGE_SERVICE_CONFIG, Self::CHANGE_SERVICE_CONFIG_A),
        (Self::CREATE_SERVICE, Self::CREATE_SERVICE_A),
        (Self::ENUM_DEPENDENT_SERVICES, Self::ENUM_DEPENDENT_SERVICES_A),
        (Self::ENUM_SERVICES_STATUS, Self::ENUM_SERVICES_STATUS_A),
        (Self::OPEN_SC_MANAGER, Self::OPEN_SC_MANAGER_A),
        (Self::OPEN_SERVICE, Self::OPEN_SERVICE_A),
        (Self::QUERY_SERVICE_CONFIG, Self::QUERY_SERVICE_CONFIG_A),
        (Self::QUERY_SERVICE_LOCK_STATUS, Self::QUERY_SERVICE_LOCK_STATUS_A),
        (Self::START_SERVICE, Self::START_SERVICE_A),
        (Self::GET_SERVICE_DISPLAY_NAME, Self::GET_SERVICE_DISPLAY_NAME_A),
        (Self::GET_SERVICE_KEY_NAME, Self::GET_SERVICE_KEY_NAME_A),
        (Self::CHANGE_SERVICE_CONFIG2, Self::CHANGE_SERVICE_CONFIG2_A),
        (Self::QUERY_SERVICE_CONFIG2, Self::QUERY_SERVICE_CONFIG2_A),
        (Self::ENUM_SERVICES_STATUS_EX, Self::ENUM_SERVICES_STATUS_EX_A),
        (Self::CREATE_SERVICE_WOW64, Self::CREATE_SERVICE_WOW64_A),
        (Self::CONTROL_SERVICE_EX, Self::CONTROL_SERVICE_EX_A),
    ];

    /// The call with wide characters that does the same, if this is one with bytes.
    pub fn wide(self) -> Option<Self> {
        Self::TWINS.into_iter().find(|(_, ansi)| *ansi == self).map(|(wide, _)| wide)
    }

    /// The call with bytes that does the same, if this is one with wide characters that has such a twin.
    pub fn ansi(self) -> Option<Self> {
        Self::TWINS.into_iter().find(|(wide, _)| *wide == self).map(|(_, ansi)| ansi)
    }
}

/// A context handle, opaque to the client ([MS-SCMR] 2.2.4 `SC_RPC_HANDLE`, 2.2.5 `SC_RPC_LOCK`, 2.2.6 `SC_NOTIFY_RPC_HANDLE`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Handle(pub [u8; 20]);

impl Handle {
    /// No handle: what a call that failed, and closing, return.
    pub const NULL: Self = Self([0; 20]);

    /// A handle that carries a number that is not zero.
    pub fn from_number(number: u64) -> Self {
        let mut bytes = [0; 20];
        bytes[4..12].copy_from_slice(&number.to_le_bytes());
        Self(bytes)
    }

    /// The number in a handle made by [`Self::from_number`]; `None` for the null handle and those made elsewhere.
    pub fn number(self) -> Option<u64> {
        let number = u64::from_le_bytes(self.0[4..12].try_into().ok()?);
        (number != 0 && Self::from_number(number) == self).then_some(number)
    }

    pub(crate) fn write(&self, w: &mut Writer) {
        w.align(4);
        w.raw(&self.0);
    }

    pub(crate) fn read(r: &mut Reader<'_>) -> Result<Self> {
        r.align(4);
        r.array().map(Self)
    }
}

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.number() {
            Some(number) => write!(f, "Handle({number})"),
            None => write!(f, "Handle({:02x?})", self.0),
        }
    }
}

/// A unique pointer to a wide string, as a parameter.
pub(crate) fn write_text(w: &mut Writer, text: Option<&str>) {
    w.optional(text, |w, text| w.string(text));
}

/// A unique pointer to a wide string, as a parameter.
pub(crate) fn read_text(r: &mut Reader<'_>, what: &'static str) -> Result<Option<String>> {
    if r.pointer()? { r.string(what, MAX_TEXT).map(Some) } else { Ok(None) }
}

/// A unique pointer to a number, as a parameter.
pub(crate) fn write_number(w: &mut Writer, number: Option<u32>) {
    w.optional(number, Writer::u32);
}

/// A unique pointer to a number, as a parameter.
pub(crate) fn read_number(r: &mut Reader<'_>) -> Result<Option<u32>> {
    if r.pointer()? { r.u32().map(Some) } else { Ok(None) }
}
