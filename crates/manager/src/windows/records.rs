//! What hosts have left in files, and the folders for it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use svckit_core::name::ServiceName;
use svckit_core::native::Event;
use svckit_core::record::{
    self, EARLIER_EVENTS_FILE, EVENTS_FILE, EventRecord, FOLDER_VALUE, HostRecord, SERVICES_KEY, STATE_FILE,
};
use svckit_os::registry::Key;
use svckit_os::watch::Watch;
use svckit_os::{account, security};

/// Who may do what in a service's folder besides its own account: the system and administrators everything, everybody who can log on may read.
const READERS: &str = "D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FRFX;;;BU)";

/// Reading, writing and deleting, but not changing who may.
const MODIFY: &str = "0x1301bf";

/// `%ProgramData%`.
fn program_data() -> io::Result<PathBuf> {
    let data = std::env::var_os("ProgramData").map(PathBuf::from).filter(|data| data.is_absolute());
    data.ok_or_else(|| {
        io::Error::new(io::ErrorKind::NotFound, "the variable ProgramData does not name a folder")
    })
}

/// A service's folder, if it was prepared.
fn folder(service: &ServiceName) -> io::Result<Option<PathBuf>> {
    let key = Key::open(&format!(r"{SERVICES_KEY}\{}\Parameters", service.as_str()))?;
    let folder = key.map_or(Ok(None), |key| key.string(FOLDER_VALUE))?;
    Ok(folder.map(PathBuf::from))
}

/// Makes a service's folder, in which `account` may write, or lets another account in. Its path.
pub(super) fn prepare(service: &ServiceName, account: &str) -> io::Result<PathBuf> {
    let data = program_data()?;
    let mut sddl = READERS.to_owned();
    if !is_local_system(account) {
        sddl.push_str(&format!("(A;OICI;{MODIFY};;;{})", account::identifier(account)?));
    }
    let folder = record::folder(&data, service);
    security::share_folder(&folder, &data, &sddl)?;
    Ok(folder)
}

/// The account that may do everything anyway.
fn is_local_system(account: &str) -> bool {
    let name = account.rsplit('\\').next().unwrap_or(account);
    account.is_empty() || name.eq_ignore_ascii_case("LocalSystem") || name.eq_ignore_ascii_case("SYSTEM")
}

/// Forgets what an earlier service of the name left in a folder.
pub(super) fn forget(folder: &Path) -> io::Result<()> {
    for file in [STATE_FILE, EVENTS_FILE, EARLIER_EVENTS_FILE] {
        match fs::remove_file(folder.join(file)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// What the host that ran last has left, if one did. What can't be read counts as nothing: it is written by a host, and the next one replaces it.
pub(super) fn host(service: &ServiceName) -> Option<HostRecord> {
    let bytes = fs::read(folder(service).ok()??.join(STATE_FILE)).ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// The events of a service after one, oldest first.
pub(super) fn events(service: &ServiceName, after: u64) -> io::Result<Vec<Event>> {
    let Some(folder) = folder(service)? else { return Ok(Vec::new()) };
    let mut events = Vec::new();
    for file in [EARLIER_EVENTS_FILE, EVENTS_FILE] {
        let text = match fs::read(folder.join(file)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        // A line that isn't whole is the one that is being written, or was when the machine went down.
        let lines = text.split(|byte| *byte == b'\n');
        let records = lines.filter_map(|line| serde_json::from_slice::<EventRecord>(line).ok());
        events.extend(records.filter(|record| record.sequence > after).map(|record| Event {
            sequence: record.sequence,
            time: record.time,
            id: record.id,
            level: record.level,
            service: Some(service.clone()),
            message: record.message,
        }));
    }
    Ok(events)
}

/// Watches the events of a service, or of all.
pub(super) fn watch(service: Option<&ServiceName>) -> io::Result<Watch> {
    if let Some(folder) = service.map(folder).transpose()?.flatten() {
        return Watch::new(&folder, false);
    }
    let folder = program_data()?.join(record::FOLDER);
    security::create_private_folders(&folder)?;
    Watch::new(&folder, true)
}

/// Watches the folder of a log. It may not be there yet: then the nearest one above it that is.
pub(super) fn watch_log(log: &Path) -> io::Result<Watch> {
    let there = log.ancestors().skip(1).find(|path| path.is_dir());
    let there = there.ok_or(io::ErrorKind::NotFound)?;
    Watch::new(there, Some(there) != log.parent())
}
