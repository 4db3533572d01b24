//! Why a service is stopped, for the record.

use std::fmt;

use crate::open::open_value;

open_value! {
    /// The general part of a reason ([MS-SCMR] 2.2.31): the first word of `sc stop NAME FLAG:MAJOR:MINOR`.
    ReasonFlag {
        /// The stop was not planned.
        UNPLANNED = 1 => "unplanned",
        /// The reason is the user's own, not the system's.
        CUSTOM = 2 => "custom",
        /// The stop was planned.
        PLANNED = 4 => "planned",
    }
}

open_value! {
    /// The major part of a reason of the system ([MS-SCMR] 2.2.31).
    MajorReason {
        /// Another issue.
        OTHER = 1 => "other",
        /// A hardware issue.
        HARDWARE = 2 => "hardware",
        /// An issue of the operating system.
        OPERATING_SYSTEM = 3 => "operating system",
        /// A software issue.
        SOFTWARE = 4 => "software",
        /// An application issue.
        APPLICATION = 5 => "application",
        /// None.
        NONE = 6 => "no major reason",
    }
}

open_value! {
    /// The minor part of a reason of the system ([MS-SCMR] 2.2.31, and the service API).
    MinorReason {
        /// Another issue.
        OTHER = 1 => "other",
        /// Maintenance.
        MAINTENANCE = 2 => "maintenance",
        /// Installation.
        INSTALLATION = 3 => "installation",
        /// Upgrade.
        UPGRADE = 4 => "upgrade",
        /// Reconfiguration.
        RECONFIG = 5 => "reconfiguration",
        /// It does not respond.
        HUNG = 6 => "hung",
        /// It is unstable.
        UNSTABLE = 7 => "unstable",
        /// Disk.
        DISK = 8 => "disk",
        /// Network card.
        NETWORK_CARD = 9 => "network card",
        /// Environment.
        ENVIRONMENT = 10 => "environment",
        /// Hardware driver.
        HARDWARE_DRIVER = 11 => "hardware driver",
        /// Another driver.
        OTHER_DRIVER = 12 => "other driver",
        /// Service pack.
        SERVICE_PACK = 13 => "service pack",
        /// Software update.
        SOFTWARE_UPDATE = 14 => "software update",
        /// Security fix.
        SECURITY_FIX = 15 => "security fix",
        /// Security.
        SECURITY = 16 => "security",
        /// Network connectivity.
        NETWORK_CONNECTIVITY = 17 => "network connectivity",
        /// WMI.
        WMI = 18 => "WMI",
        /// A service pack is uninstalled.
        SERVICE_PACK_UNINSTALL = 19 => "service pack uninstalled",
        /// A software update is uninstalled.
        SOFTWARE_UPDATE_UNINSTALL = 20 => "software update uninstalled",
        /// A security fix is uninstalled.
        SECURITY_FIX_UNINSTALL = 21 => "security fix uninstalled",
        /// The management console.
        MMC = 22 => "management console",
        /// None.
        NONE = 23 => "no minor reason",
        /// Too little memory.
        MEMORY_LIMIT = 24 => "memory limit",
    }
}

/// How many characters (UTF-16 code units) a comment has at most.
pub const MAX_COMMENT: usize = 127;

/// Why a service is stopped (`SERVICE_CONTROL_STATUS_REASON_IN_PARAMSW`, [MS-SCMR] 2.2.31).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StopReason {
    /// `dwReason`: flag, major and minor part in one number.
    pub code: u32,
    /// `pszComment`, at most [`MAX_COMMENT`] long.
    pub comment: Option<String>,
}

impl StopReason {
    /// A reason of its parts; what doesn't fit into its part of the number is refused.
    pub fn new(flag: u32, major: u32, minor: u32) -> Option<Self> {
        let fits = flag < 16 && major < 256 && minor < 65536;
        fits.then_some(Self { code: flag << 28 | major << 16 | minor, comment: None })
    }

    /// The general part.
    pub const fn flag(&self) -> ReasonFlag {
        ReasonFlag(self.code >> 28)
    }

    const fn major(&self) -> u32 {
        self.code >> 16 & 0xFFF
    }

    const fn minor(&self) -> u32 {
        self.code & 0xFFFF
    }

    /// Whether a service control manager takes it: one flag, and a major and a minor part of the system's, or of the user's own where the flag says
    /// so ([MS-SCMR] 2.2.31).
    pub fn check(&self) -> Result<(), &'static str> {
        let parts = if self.flag() == ReasonFlag::CUSTOM {
            (0x40..=0xFF).contains(&self.major()) && self.minor() >= 0x100
        } else {
            MajorReason(self.major()).name().is_some() && MinorReason(self.minor()).name().is_some()
        };
        if self.flag().name().is_none() {
            return Err("the flag of a reason is 1 (unplanned), 2 (custom) or 4 (planned)");
        }
        if !parts {
            return Err(
                "a reason is one of the system's, or, with the flag 2, one of 64 to 255 and of 256 to 65535",
            );
        }
        if self.comment.as_ref().is_some_and(|text| text.encode_utf16().count() > MAX_COMMENT) {
            return Err("a comment has at most 127 characters");
        }
        Ok(())
    }
}

/// `planned, application, upgrade (0x40050004): new version`.
impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (flag, major, minor) = (self.flag(), self.major(), self.minor());
        if flag == ReasonFlag::CUSTOM {
            write!(f, "{flag} {major}:{minor}")?;
        } else {
            write!(f, "{flag}, {}, {}", MajorReason(major), MinorReason(minor))?;
        }
        write!(f, " ({:#010x})", self.code)?;
        match &self.comment {
            Some(comment) => write!(f, ": {comment}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(flag: u32, major: u32, minor: u32) -> StopReason {
        StopReason::new(flag, major, minor).unwrap()
    }

    #[test]
    fn reasons_are_told_in_words() {
        let planned = StopReason { comment: Some("new version".to_owned()), ..reason(4, 5, 4) };
        assert_eq!(planned.to_string(), "planned, application, upgrade (0x40050004): new version");
        assert_eq!(reason(2, 64, 300).to_string(), "custom 64:300 (0x2040012c)");
        assert_eq!(StopReason { code: 0, comment: None }.to_string(), "0x0, 0x0, 0x0 (0x00000000)");
        assert_eq!(
            StopReason::new(16, 1, 1).or(StopReason::new(1, 256, 1)).or(StopReason::new(1, 1, 65536)),
            None
        );
    }

    #[test]
    fn what_is_no_reason_is_refused() {
        for (flag, major, minor, good) in [
            (4, 5, 4, true),
            (1, 1, 1, true),
            (4, 6, 24, true),
            (2, 64, 256, true),
            (2, 255, 65535, true),
            (0, 5, 4, false),
            (3, 5, 4, false),
            (4, 0, 4, false),
            (4, 7, 4, false),
            (4, 5, 0, false),
            (4, 5, 25, false),
            (4, 64, 256, false),
            (2, 5, 4, false),
            (2, 63, 256, false),
            (2, 64, 255, false),
        ] {
            assert_eq!(reason(flag, major, minor).check().is_ok(), good, "{flag}:{major}:{minor}");
        }
        let comment = |text: String| StopReason { comment: Some(text), ..reason(4, 5, 4) };
        assert!(comment("é".repeat(127)).check().is_ok());
        assert!(comment("x".repeat(128)).check().is_err());
    }
}
