use std::ffi::{CString, c_int};
use std::path::Path;
use std::{fmt, io, ptr};

use svckit_core::kerberos::{Code, Failure};
use svckit_core::secret::Secret;

use super::library::{
    Buffer, Functions, HOST_SERVICE, Name, ONLY_KERBEROS, Opaque, PRINCIPAL, Store, StoreElement, functions,
};
use crate::{errno, private};

/// `GSS_C_INITIATE`, `GSS_C_ACCEPT`, `GSS_C_INDEFINITE`.
const INITIATE: c_int = 1;
const ACCEPT: c_int = 2;
const FOREVER: u32 = u32::MAX;

/// Tickets of a user, or the keys of a server. They may be shared by any number of connections.
pub struct Credentials {
    functions: &'static Functions,
    handle: Opaque,
    name: String,
}

// SAFETY: both libraries guard credentials with locks of their own.
unsafe impl Send for Credentials {}
// SAFETY: the same.
unsafe impl Sync for Credentials {}

impl Credentials {
    /// Those of the ticket cache (`KRB5CCNAME`, kinit), or by a keytab of the client's (`KRB5_CLIENT_KTNAME`); of this user, or of whoever is the first.
    pub fn from_cache(user: Option<&str>) -> Result<Self, Failure> {
        let functions = functions()?;
        let name = user.map(|user| functions.name(user, &PRINCIPAL)).transpose()?;
        Self::acquired(functions, |minor, handle| {
            let name = name.as_ref().map_or(ptr::null_mut(), Name::handle);
            let (kind, mechanisms) = (INITIATE, &raw const ONLY_KERBEROS);
            // SAFETY: the name is alive, the mechanisms are a constant, the handle is to what lives there; the rest isn't asked for.
            unsafe {
                (functions.acquire_cred)(
                    minor,
                    name,
                    FOREVER,
                    mechanisms,
                    kind,
                    handle,
                    ptr::null_mut(),
                    ptr::null_mut(),
                )
            }
        })
    }

    /// A ticket that the KDC gives for a password; no cache has it. This asks the network.
    pub fn from_password(user: &str, password: &Secret) -> Result<Self, Failure> {
        let functions = functions()?;
        let name = functions.name(user, &PRINCIPAL)?;
        let password = Buffer::read(password.as_str().as_bytes());
        Self::acquired(functions, |minor, handle| {
            let (kind, mechanisms) = (INITIATE, &raw const ONLY_KERBEROS);
            // SAFETY: as above, and the password is alive.
            unsafe {
                (functions.acquire_cred_with_password)(
                    minor,
                    name.handle(),
                    &raw const password,
                    FOREVER,
                    mechanisms,
                    kind,
                    handle,
                    ptr::null_mut(),
                    ptr::null_mut(),
                )
            }
        })
        .map_err(|failure| match failure.code {
            // Where the KDC wants no proof first, what it sends can't be opened.
            Some(Code::BAD_INTEGRITY) => Failure { code: Some(Code::PASSWORD_WRONG), ..failure },
            _ => failure,
        })
    }

    /// The keys of a server, from a file that nobody else can read. Any in the file counts.
    pub fn from_keytab(keytab: &Path) -> Result<Self, Failure> {
        let functions = functions()?;
        let unusable = |error: &io::Error| {
            Failure::other(format!(
                "the keytab {} can't be used: {}",
                keytab.display(),
                errno::describe(error)
            ))
        };
        // Its keys are as good as a password: what others can read is refused.
        match private::read(keytab) {
            Ok(Some(_)) => {}
            Ok(None) => return Err(unusable(&io::ErrorKind::NotFound.into())),
            Err(error) => return Err(unusable(&error)),
        }
        let place = CString::new(format!("FILE:{}", keytab.display()))
            .map_err(|_| Failure::other("the name of a keytab has a NUL in it"))?;
        let element = StoreElement { key: c"keytab".as_ptr(), value: place.as_ptr() };
        let store = Store { count: 1, elements: &raw const element };
        let acquire = functions.acquire_from()?;
        let (mut minor, mut handle) = (0, ptr::null_mut());
        // SAFETY: the store and its texts are alive, the handle lives here; the rest isn't asked for.
        let major = unsafe {
            acquire(
                &raw mut minor,
                ptr::null_mut(),
                FOREVER,
                &raw const ONLY_KERBEROS,
                ACCEPT,
                &raw const store,
                &raw mut handle,
                ptr::null_mut(),
                ptr::null_mut(),
            )
        };
        functions.check(major, minor).map_err(|failure| {
            Failure::other(format!("the keytab {} can't be used: {failure}", keytab.display()))
        })?;
        Ok(Self { functions, handle, name: keytab.display().to_string() })
    }

    /// Whose they are.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn functions(&self) -> &'static Functions {
        self.functions
    }

    pub(super) fn handle(&self) -> Opaque {
        self.handle
    }

    /// The name of a service as the library wants it.
    pub(super) fn service(&self, service: &str, host: &str) -> Result<Name, Failure> {
        self.functions.name(&format!("{service}@{host}"), &HOST_SERVICE)
    }

    /// Acquires, and looks whose that is: the library puts off until then what can go wrong.
    fn acquired(
        functions: &'static Functions,
        acquire: impl FnOnce(*mut u32, *mut Opaque) -> u32,
    ) -> Result<Self, Failure> {
        let (mut minor, mut handle) = (0, ptr::null_mut());
        let major = acquire(&raw mut minor, &raw mut handle);
        functions.check(major, minor)?;
        let mut found = Self { functions, handle, name: String::new() };
        let (mut name, mut lifetime) = (ptr::null_mut(), 0);
        // SAFETY: the credentials are alive, name and time live here; the rest isn't asked for.
        let major = unsafe {
            (functions.inquire_cred)(
                &raw mut minor,
                handle,
                &raw mut name,
                &raw mut lifetime,
                ptr::null_mut(),
                ptr::null_mut(),
            )
        };
        let name = (!name.is_null()).then(|| Name::of(functions, name));
        functions.check(major, minor)?;
        if let Some(name) = name {
            found.name = name.text()?;
        }
        if lifetime == 0 {
            return Err(Failure { code: Some(Code::EXPIRED), text: found.name.clone() });
        }
        Ok(found)
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Drop for Credentials {
    fn drop(&mut self) {
        let mut minor = 0;
        // SAFETY: nobody uses them after this.
        unsafe { (self.functions.release_cred)(&raw mut minor, &raw mut self.handle) };
    }
}
