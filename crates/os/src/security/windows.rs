#![allow(unsafe_code)]

use std::io;
use std::path::Path;
use std::sync::OnceLock;
use std::{ptr, slice};

use windows_sys::Win32::Foundation::{ERROR_INVALID_FUNCTION, LocalFree};
use windows_sys::Win32::Security::Authorization::{
    ConvertStringSecurityDescriptorToSecurityDescriptorW, GetNamedSecurityInfoW, SDDL_REVISION_1,
    SE_FILE_OBJECT, SetNamedSecurityInfoW,
};
use windows_sys::Win32::Security::{
    DACL_SECURITY_INFORMATION, GetSecurityDescriptorDacl, OWNER_SECURITY_INFORMATION,
    PROTECTED_DACL_SECURITY_INFORMATION, PSECURITY_DESCRIPTOR, SECURITY_ATTRIBUTES, SID_AND_ATTRIBUTES,
    TOKEN_GROUPS, TOKEN_QUERY, TOKEN_USER, TokenRestrictedSids, TokenUser,
};
use windows_sys::Win32::Storage::FileSystem::CreateDirectoryW;

use super::{MODIFY, PRIVATE};
use crate::overlapped::is;
use crate::text::wide;
use crate::{account, path, token};

/// A security descriptor.
#[derive(Debug)]
pub struct Descriptor {
    /// INVARIANT: a self-relative descriptor that the system allocated for us.
    pointer: PSECURITY_DESCRIPTOR,
}

impl Descriptor {
    /// Reads the text form ([MS-DTYP] 2.5.1).
    pub fn from_sddl(text: &str) -> io::Result<Self> {
        let text = wide(text);
        let mut pointer = ptr::null_mut();
        // SAFETY: the text ends with NUL and lives during the call; the system writes one pointer, to memory that it allocates for the caller.
        let done = unsafe {
            ConvertStringSecurityDescriptorToSecurityDescriptorW(
                text.as_ptr(),
                SDDL_REVISION_1,
                &raw mut pointer,
                ptr::null_mut(),
            )
        };
        if done == 0 { Err(io::Error::last_os_error()) } else { Ok(Self { pointer }) }
    }

    /// For a call that only reads it; it may use it as long as this lives.
    pub(crate) fn as_ptr(&self) -> PSECURITY_DESCRIPTOR {
        self.pointer
    }

    /// For a call that makes something; it may use the descriptor as long as this lives. Handles are not inherited.
    pub(crate) fn attributes(&self) -> SECURITY_ATTRIBUTES {
        SECURITY_ATTRIBUTES {
            nLength: u32::try_from(size_of::<SECURITY_ATTRIBUTES>()).unwrap_or(0),
            lpSecurityDescriptor: self.pointer,
            bInheritHandle: 0,
        }
    }
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        // SAFETY: by the invariant the memory is ours, from the allocator that this gives it back to, and nobody can use it after this.
        unsafe { LocalFree(self.pointer) };
    }
}

/// Makes a folder and those above it that are missing, each for the system, administrators and its owner only. What is there stays as it is.
pub fn create_private_folders(folder: &Path) -> io::Result<()> {
    let descriptor = Descriptor::from_sddl(&format!("{PRIVATE}{}", own_entries("OICI", MODIFY)?))?;
    let missing: Vec<&Path> = folder.ancestors().take_while(|path| !path.is_dir()).collect();
    for folder in missing.into_iter().rev().filter(|path| !path.as_os_str().is_empty()) {
        let attributes = descriptor.attributes();
        let wide = path::wide(folder);
        // SAFETY: the path ends with NUL; it, the attributes and the descriptor that they point to live during the call.
        let done = unsafe { CreateDirectoryW(wide.as_ptr(), &raw const attributes) };
        if done == 0 {
            let error = io::Error::last_os_error();
            // Somebody else made it at the same moment.
            if error.kind() != io::ErrorKind::AlreadyExists {
                return Err(error);
            }
        }
    }
    Ok(())
}

/// Makes a folder, and those above it that are missing, or takes one that is there, and lets those in whom the descriptor names.
///
/// A folder, or one above it up to `trusted`, that belongs to somebody who is neither the system, an administrator nor this user is refused: its owner could change
/// everything in it. (Everybody may make folders below `%ProgramData%`.)
pub fn share_folder(folder: &Path, trusted: &Path, sddl: &str) -> io::Result<()> {
    create_private_folders(folder)?;
    for path in folder.ancestors().take_while(|path| *path != trusted) {
        let owner = owner(path)?;
        if !TRUSTED_OWNERS.contains(&owner.as_str()) && Some(&owner) != own_identifier().ok().as_ref() {
            let message = format!(
                "the folder {} belongs to {owner}, who could change everything in it",
                path.display()
            );
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, message));
        }
    }
    let_in(folder, sddl)
}

/// Lets those into a folder or a file whom the descriptor names, and nobody else. What is in the folder already gets what it inherits anew.
pub(crate) fn let_in(path: &Path, sddl: &str) -> io::Result<()> {
    let descriptor = Descriptor::from_sddl(sddl)?;
    let (mut present, mut defaulted, mut list) = (0, 0, ptr::null_mut());
    // SAFETY: the descriptor is alive; the three answers are written where told, the list being a part of it.
    let done = unsafe {
        GetSecurityDescriptorDacl(descriptor.pointer, &raw mut present, &raw mut list, &raw mut defaulted)
    };
    if done == 0 {
        return Err(io::Error::last_os_error());
    }
    let wide = path::wide(path);
    let what = DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION;
    // SAFETY: the path ends with NUL; it and the list live during the call; nothing else is set.
    let code = unsafe {
        SetNamedSecurityInfoW(
            wide.as_ptr(),
            SE_FILE_OBJECT,
            what,
            ptr::null_mut(),
            ptr::null_mut(),
            list,
            ptr::null(),
        )
    };
    if code == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(code.cast_signed())) }
}

/// The system, administrators, and the system's installer.
const TRUSTED_OWNERS: &[&str] =
    &["S-1-5-18", "S-1-5-32-544", "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464"];

/// Whose a file or folder is.
fn owner(path: &Path) -> io::Result<String> {
    let wide = path::wide(path);
    let (mut sid, mut descriptor) = (ptr::null_mut(), ptr::null_mut());
    // SAFETY: the path ends with NUL; two pointers are written, the first into what the second points to, which is ours to give back.
    let code = unsafe {
        GetNamedSecurityInfoW(
            wide.as_ptr(),
            SE_FILE_OBJECT,
            OWNER_SECURITY_INFORMATION,
            &raw mut sid,
            ptr::null_mut(),
            ptr::null_mut(),
            ptr::null_mut(),
            &raw mut descriptor,
        )
    };
    if code != 0 {
        return Err(io::Error::from_raw_os_error(code.cast_signed()));
    }
    let whole = Descriptor { pointer: descriptor };
    let text = account::text(sid);
    drop(whole);
    text
}

/// The account of this process.
pub(crate) fn own_identifier() -> io::Result<String> {
    let user = token::information(&token::own(TOKEN_QUERY)?, TokenUser)?;
    // SAFETY: the system has filled the structure of this class at the aligned start of the buffer, which has what it points to and is alive.
    account::text(unsafe { (*user.as_ptr().cast::<TOKEN_USER>()).User.Sid })
}

/// What lets in the system, administrators and the account of this process, and to write also if its token is restricted: for pipes between it and its programs, which have
/// such a token then, too. Writing has in it to make places for clients, which `GENERIC_WRITE` asks for.
pub(crate) fn own_pipe() -> io::Result<String> {
    Ok(pipe(&own_identifier()?, restricting_services()?))
}

fn pipe(account: &str, services: &[String]) -> String {
    format!("D:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;FRFW;;;{account}){}", entries(services, "", "FRFW"))
}

/// Entries, with these flags and rights, for the access list (SDDL) of what this process makes. If its token is restricted, it may not write to it without them: what the
/// account may do counts for writing only if one of those that restrict the token may do so too
/// ([restricted tokens](https://learn.microsoft.com/en-us/windows/win32/secauthz/restricted-tokens)). None if it is not.
pub fn own_entries(flags: &str, rights: &str) -> io::Result<String> {
    Ok(entries(restricting_services()?, flags, rights))
}

fn entries(services: &[String], flags: &str, rights: &str) -> String {
    services.iter().map(|service| format!("(A;{flags};{rights};;;{service})")).collect()
}

/// Whether the token of this process is restricted by a service.
pub(crate) fn is_restricted() -> io::Result<bool> {
    Ok(!restricting_services()?.is_empty())
}

/// The services that restrict the token of this process, as `S-1-5-80-…`: those of the process if their SID type is `SERVICE_SID_TYPE_RESTRICTED`
/// ([SERVICE_SID_INFO](https://learn.microsoft.com/en-us/windows/win32/api/winsvc/ns-winsvc-service_sid_info)).
fn restricting_services() -> io::Result<&'static [String]> {
    static KNOWN: OnceLock<Vec<String>> = OnceLock::new();
    if let Some(known) = KNOWN.get() {
        return Ok(known);
    }
    let services = match token::information(&token::own(TOKEN_QUERY)?, TokenRestrictedSids) {
        // The others are everybody's, the logon's, and that of all that is restricted: more processes have them than a pipe or a folder is for.
        Ok(groups) => groups_of(&groups)?.into_iter().filter(|sid| sid.starts_with(SERVICE)).collect(),
        // A system without such tokens, as Wine.
        Err(error) if is(&error, ERROR_INVALID_FUNCTION) => Vec::new(),
        Err(error) => return Err(error),
    };
    // The token keeps them as long as the process runs.
    Ok(KNOWN.get_or_init(|| services))
}

/// How the identifier of a service begins ([MS-DTYP] 2.4.2.4, `NT_SERVICE`).
const SERVICE: &str = "S-1-5-80-";

/// The identifiers in what [`token::information`] gave of groups.
fn groups_of(information: &[u64]) -> io::Result<Vec<String>> {
    let groups = information.as_ptr().cast::<TOKEN_GROUPS>();
    // SAFETY: the system has filled the structure at the aligned start of the buffer: as many entries as it says, and what they point to.
    let groups = unsafe {
        let first = (&raw const (*groups).Groups).cast::<SID_AND_ATTRIBUTES>();
        slice::from_raw_parts(first, (*groups).GroupCount as usize)
    };
    groups.iter().map(|group| account::text(group.Sid)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use windows_sys::Win32::Security::TokenGroups;

    #[test]
    fn folders_are_made_and_stay() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("a/b/c");
        create_private_folders(&deep).unwrap();
        create_private_folders(&deep).unwrap();
        assert!(deep.is_dir());
        std::fs::write(deep.join("x"), "x").unwrap();
    }

    #[test]
    fn a_folder_is_shared_with_those_who_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("a/b");
        for _ in 0..2 {
            share_folder(&deep, folder.path(), "D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FA;;;WD)")
                .unwrap();
        }
        assert!(deep.is_dir());
        assert!(owner(&deep).unwrap().starts_with("S-1-"));
        assert!(own_identifier().unwrap().starts_with("S-1-5-"));
    }

    /// Of the services `TrustedInstaller` and `MSSQLSERVER`.
    const SERVICES: [&str; 2] = [
        "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464",
        "S-1-5-80-3880718306-3832830129-1677859214-2598158968-1052248003",
    ];

    #[test]
    fn what_restricts_a_token_is_named_beside_the_account() {
        let services = SERVICES.map(str::to_owned);
        let [one, other] = SERVICES;
        let list = pipe("S-1-5-19", &services);
        assert_eq!(
            list,
            format!("D:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;FRFW;;;S-1-5-19)(A;;FRFW;;;{one})(A;;FRFW;;;{other})")
        );
        assert!(Descriptor::from_sddl(&list).is_ok());
        assert_eq!(pipe("S-1-5-19", &[]), "D:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;FRFW;;;S-1-5-19)");
        let folder = format!("{PRIVATE}{}", entries(&services[..1], "OICI", MODIFY));
        assert_eq!(folder, format!("{PRIVATE}(A;OICI;0x1301bf;;;{one})"));
        assert!(Descriptor::from_sddl(&folder).is_ok());
    }

    #[test]
    fn this_process_is_restricted_by_nothing() {
        assert!(!is_restricted().unwrap());
        assert_eq!(own_entries("OICI", "FA").unwrap(), "");
        assert_eq!(own_pipe().unwrap(), pipe(&own_identifier().unwrap(), &[]));
    }

    #[test]
    fn groups_are_read_with_what_they_point_to() {
        let groups = token::information(&token::own(TOKEN_QUERY).unwrap(), TokenGroups).unwrap();
        let groups = groups_of(&groups).unwrap();
        assert!(groups.iter().all(|group| group.starts_with("S-1-")), "{groups:?}");
        assert!(groups.iter().any(|group| group == "S-1-1-0"), "everybody is one: {groups:?}");
    }

    #[test]
    fn nonsense_is_no_descriptor() {
        assert!(Descriptor::from_sddl("nonsense").is_err());
    }
}
