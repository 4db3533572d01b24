//! What hosts have left in files, and the folders for it.

use std::fs;
use std::io;
use std::path::PathBuf;

use svckit_core::name::ServiceName;
use svckit_core::native::Event;
use svckit_core::record::{
    self, DEFINITION_KEY, EARLIER_EVENTS_FILE, EVENTS_FILE, EventRecord, FOLDER_VALUE, HostRecord,
    PARAMETERS_KEY, SERVICES_KEY, STATE_FILE, output_pipe,
};
use svckit_core::sid::service_sid;
use svckit_os::account;
use svckit_os::interrupt::Interrupt;
use svckit_os::named_pipe::Listener;
use svckit_os::registry::Key;
use svckit_os::security::{self, MODIFY};
use svckit_os::watch::Watch;

/// Who may use a service's folder besides its own account: output of programs is in it, which is nobody else's business.
const FOLDER_RIGHTS: &str = "D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)";

/// Who may use the key of its definition, which may hold secrets.
const KEY_RIGHTS: &str = "D:P(A;CI;KA;;;SY)(A;CI;KA;;;BA)";

/// `%ProgramData%`.
fn program_data() -> io::Result<PathBuf> {
    let data = std::env::var_os("ProgramData").map(PathBuf::from).filter(|data| data.is_absolute());
    data.ok_or_else(|| {
        io::Error::new(io::ErrorKind::NotFound, "the variable ProgramData does not name a folder")
    })
}

/// The path of a key of a service.
pub(super) fn key(service: &ServiceName, below: &str) -> String {
    format!(r"{SERVICES_KEY}\{}\{below}", service.as_str())
}

/// A service's folder, if it is one of svckit's.
pub(super) fn folder(service: &ServiceName) -> io::Result<Option<PathBuf>> {
    let key = Key::open(&key(service, PARAMETERS_KEY))?;
    let folder = key.map_or(Ok(None), |key| key.string(FOLDER_VALUE))?;
    Ok(folder.map(PathBuf::from))
}

/// Makes a service's folder and the key of its definition, for `account`, or lets another account at them; the key.
pub(super) fn prepare(service: &ServiceName, account: &str) -> io::Result<Key> {
    let data = program_data()?;
    let account = if is_local_system(account) { None } else { Some(account::identifier(account)?) };
    let (folder_rights, key_rights) = rights(service, account.as_deref());
    let folder = record::folder(&data.join("svckit"), service);
    security::share_folder(&folder, &data, &folder_rights)?;
    let parameters = Key::create(&key(service, PARAMETERS_KEY))?;
    parameters.set_string(FOLDER_VALUE, &folder.to_string_lossy())?;
    Key::create_private(&key(service, DEFINITION_KEY), &key_rights)
}

/// Who may use a service's folder and the key of its definition, if its account is this one (`S-1-…`) and not the system.
///
/// The service itself is let into the folder too: its account isn't enough for writing with the restricted token of `SERVICE_SID_TYPE_RESTRICTED`. Nobody else ever has this identifier, so it is
/// named whatever the type is now. For reading the key the account is enough.
fn rights(service: &ServiceName, account: Option<&str>) -> (String, String) {
    let (mut folder, mut key) = (FOLDER_RIGHTS.to_owned(), KEY_RIGHTS.to_owned());
    let own = service_sid(service).to_string();
    if let Some(account) = account {
        folder.push_str(&format!("(A;OICI;{MODIFY};;;{account})"));
        key.push_str(&format!("(A;CI;KR;;;{account})"));
    }
    // A virtual account, `NT SERVICE\NAME`, is the service.
    if account != Some(own.as_str()) {
        folder.push_str(&format!("(A;OICI;{MODIFY};;;{own})"));
    }
    (folder, key)
}

/// The account that may do everything anyway, but for a restricted token.
fn is_local_system(account: &str) -> bool {
    let name = account.rsplit('\\').next().unwrap_or(account);
    account.is_empty() || name.eq_ignore_ascii_case("LocalSystem") || name.eq_ignore_ascii_case("SYSTEM")
}

/// Forgets what an earlier service of the name left.
pub(super) fn forget(service: &ServiceName) -> io::Result<()> {
    let Some(folder) = folder(service)? else { return Ok(()) };
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
    let folder = program_data()?.join("svckit").join(record::FOLDER);
    security::create_private_folders(&folder)?;
    Watch::new(&folder, true)
}

/// Waits for more output of a service.
#[derive(Debug)]
pub(super) enum Follower {
    /// Its host tells.
    Host(Listener),
    /// There is none: the next one tells of itself in the service's folder.
    Folder(Watch),
}

impl Follower {
    /// Begins to wait; `host` is the host's process, zero for none.
    pub(super) fn new(service: &ServiceName, host: u32) -> io::Result<Self> {
        // Before the host is asked for: one that can't be reached yet writes its state after it can.
        let watch = watch(Some(service))?;
        match host {
            0 => Ok(Self::Folder(watch)),
            host => Ok(Listener::connect(&output_pipe(host)).map_or(Self::Folder(watch), Self::Host)),
        }
    }

    /// Waits; whether it can be asked again. If not, the host has ended, or another has begun. To be interrupted is an error.
    pub(super) fn wait(&mut self, interrupt: Option<&Interrupt>) -> io::Result<bool> {
        match self {
            Self::Host(host) => host.wait(interrupt),
            Self::Folder(watch) => watch.wait(interrupt).map(|()| false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use svckit_os::security::Descriptor;

    /// Of `TrustedInstaller`.
    const OWN: &str = "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464";

    fn of(account: Option<&str>) -> (String, String) {
        let (folder, key) = rights(&ServiceName::new("TrustedInstaller").unwrap(), account);
        for list in [&folder, &key] {
            assert!(Descriptor::from_sddl(list).is_ok(), "{list}");
        }
        (folder, key)
    }

    #[test]
    fn the_service_itself_is_let_into_its_folder_beside_its_account() {
        let own = format!("(A;OICI;0x1301bf;;;{OWN})");
        let system = (format!("D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA){own}"), KEY_RIGHTS.to_owned());
        assert_eq!(of(None), system);
        let (folder, key) = of(Some("S-1-5-19"));
        assert_eq!(folder, format!("D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;0x1301bf;;;S-1-5-19){own}"));
        assert_eq!(key, "D:P(A;CI;KA;;;SY)(A;CI;KA;;;BA)(A;CI;KR;;;S-1-5-19)");
        let (folder, key) = of(Some(OWN));
        assert_eq!(folder, format!("D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA){own}"));
        assert_eq!(key, format!("{KEY_RIGHTS}(A;CI;KR;;;{OWN})"));
    }
}
