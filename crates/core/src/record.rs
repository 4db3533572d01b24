//! What hosts leave in files on Windows, where no service control manager of ours keeps their states and events: names and forms.
//!
//! Each service has a folder, which its host may write to, and administrators. It holds the state of the host that ran last, and the events of all, one in a line.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::name::ServiceName;
use crate::native::{EventId, HostState, Level};
use crate::time::WallTime;

/// Where Windows keeps services, below `HKEY_LOCAL_MACHINE`.
pub const SERVICES_KEY: &str = r"SYSTEM\CurrentControlSet\Services";

/// The key of a service's definition, below the service's: only administrators and the service's account may read it, since it may hold secrets.
pub const DEFINITION_KEY: &str = r"Parameters\Definition";

/// The value in it that holds the definition as JSON.
pub const DEFINITION_VALUE: &str = "Definition";

/// The key, below the service's, that everybody may read.
pub const PARAMETERS_KEY: &str = "Parameters";

/// The value in it that holds the path of the service's folder: variables may be others for the host than for who installs it. A service that has one is
/// svckit's.
pub const FOLDER_VALUE: &str = "Records";

/// The folder of all services' folders, in svckit's.
pub const FOLDER: &str = "services";

/// The file of a [`HostRecord`].
pub const STATE_FILE: &str = "state.json";

/// The file of events, each an [`EventRecord`] in a line.
pub const EVENTS_FILE: &str = "events.jsonl";

/// The file of events that became too long. There is one.
pub const EARLIER_EVENTS_FILE: &str = "events-earlier.jsonl";

/// How long a file of events gets, in bytes.
pub const MAX_EVENTS_FILE: u64 = 1 << 20;

/// The state of a host. It counts for as long as the process is the service's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostRecord {
    /// The host's process.
    pub pid: u32,
    /// Its state.
    pub state: HostState,
    /// Why the program could not be started, if it couldn't. It counts also after the host's end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_error: Option<String>,
}

/// An event of a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventRecord {
    /// Microseconds since 1970 in UTC, but more than any before of this service.
    pub sequence: u64,
    /// When.
    pub time: WallTime,
    /// What kind.
    pub id: EventId,
    /// How serious.
    pub level: Level,
    /// What happened, in one sentence.
    pub message: String,
}

/// Names that mean devices in every folder.
const DEVICES: &[&str] = &["con", "prn", "aux", "nul", "conin$", "conout$"];

/// The pipe by which a host tells that there may be new output, or a new event: a byte each time, which says nothing itself.
pub fn output_pipe(host: u32) -> String {
    format!(r"\\.\pipe\svckit.output.{host}")
}

/// A service's folder in svckit's, which is `%ProgramData%\svckit`.
pub fn folder(state_directory: &Path, service: &ServiceName) -> PathBuf {
    state_directory.join(FOLDER).join(folder_name(service))
}

/// Where a service's output goes if its definition doesn't say: into its folder, where its account may write.
pub fn default_log(state_directory: &Path, service: &ServiceName) -> PathBuf {
    let name = folder_name(service);
    state_directory.join(FOLDER).join(&name).join(format!("{name}.log"))
}

/// A name too long for a file: its beginning, of so many bytes at most, and a hash (FNV-1a) of all of it.
pub fn shortened(name: &str, length: usize) -> String {
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mut end = length.min(name.len());
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}-{hash:016x}", &name[..end])
}

/// The longest name of a folder, in bytes: with the folders above it, it shall stay below what old programs take.
const LONGEST: usize = 100;

/// The name of a service's folder: the name itself in lower case where every character can be in a file's name; others as `%` and their UTF-8 bytes in hexadecimal;
/// a long one is [`shortened`].
///
/// ```
/// use svckit_core::name::ServiceName;
/// use svckit_core::record::folder_name;
/// assert_eq!(folder_name(&ServiceName::new("My Web-Shop")?), "my web-shop");
/// assert_eq!(folder_name(&ServiceName::new("a:b")?), "a%3Ab");
/// # Ok::<(), svckit_core::name::NameError>(())
/// ```
pub fn folder_name(service: &ServiceName) -> String {
    let folded = service.folded();
    let folded = if folded.chars().any(char::is_uppercase) { folded.to_lowercase() } else { folded };
    let base = folded.split('.').next().unwrap_or_default().trim_end();
    let numbered = base.strip_prefix("com").or(base.strip_prefix("lpt"));
    let is_number = |rest: &str| {
        let mut letters = rest.chars();
        letters.next().is_some_and(|c| "0123456789¹²³".contains(c)) && letters.next().is_none()
    };
    let is_device = DEVICES.contains(&base) || numbered.is_some_and(is_number);
    let last = folded.chars().count().saturating_sub(1);
    let mut name = String::new();
    for (index, c) in folded.chars().enumerate() {
        let at_end = matches!(c, '.' | ' ') && index == last;
        if c.is_control() || "<>:\"/\\|?*%".contains(c) || at_end || (is_device && index == 0) {
            let mut bytes = [0; 4];
            for byte in c.encode_utf8(&mut bytes).bytes() {
                name.push_str(&format!("%{byte:02X}"));
            }
        } else {
            name.push(c);
        }
    }
    if name.len() > LONGEST { shortened(&name, LONGEST) } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn folder(name: &str) -> String {
        folder_name(&ServiceName::new(name).unwrap())
    }

    #[test]
    fn devices_and_ends_are_written_otherwise() {
        assert_eq!(folder("CON"), "%63on");
        assert_eq!(folder("com1.x"), "%63om1.x");
        assert_eq!(folder("com10"), "com10");
        assert_eq!(folder("a."), "a%2E");
        assert_eq!(folder("100%"), "100%25");
        assert_eq!(folder("Grüße"), folder("GRÜßE"));
    }

    #[test]
    fn long_names_are_shortened_and_stay_different() {
        let name = |end: &str| ServiceName::new(format!("{}{end}", "\u{20ac}".repeat(255))).unwrap();
        let log = default_log(Path::new("/s"), &name("a"));
        assert!(log.file_name().unwrap().len() < 140, "{log:?}");
        assert_ne!(log, default_log(Path::new("/s"), &name("b")));
        assert!(log.starts_with(super::folder(Path::new("/s"), &name("A"))));
    }

    proptest! {
        #[test]
        fn names_that_differ_have_folders_that_differ(one in "[a-cA-C.:% ]{1,6}", other in "[a-cA-C.:% ]{1,6}") {
            if let (Ok(one), Ok(other)) = (ServiceName::new(one), ServiceName::new(other)) {
                prop_assert_eq!(one.folded() == other.folded(), folder_name(&one) == folder_name(&other));
            }
        }
    }
}
