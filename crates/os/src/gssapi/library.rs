use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::marker::PhantomData;
use std::ptr;
use std::sync::OnceLock;

use svckit_core::kerberos::{Code, Failure};
use zeroize::{Zeroize, Zeroizing};

/// The libraries that have what is needed: MIT's, and Heimdal's. Those of macOS lay out their structures otherwise on some processors.
#[cfg(target_os = "linux")]
const LIBRARIES: &[&CStr] = &[c"libgssapi_krb5.so.2", c"libgssapi.so.3"];
#[cfg(not(target_os = "linux"))]
const LIBRARIES: &[&CStr] = &[];

#[cfg(not(target_os = "linux"))]
const MISSING: &str = "svc has no Kerberos on this system yet; with --user and a password it comes by NTLM";
#[cfg(target_os = "linux")]
const MISSING: &str = "Kerberos isn't installed: there is no libgssapi_krb5.so.2 (Debian's package libgssapi-krb5-2, krb5-libs of Fedora) that can be loaded";

/// `GSS_S_COMPLETE`, and the only other good end of a step.
pub(super) const COMPLETE: u32 = 0;
pub(super) const CONTINUE: u32 = 1;

/// Errors of RFC 2744 3.9.1 that say more than the code beside them.
const NO_CREDENTIALS: u32 = 7 << 16;
const CREDENTIALS_EXPIRED: u32 = 11 << 16;
const FAILURE: u32 = 13 << 16;
const ERRORS: u32 = 0xffff_0000;

/// `gss_OID_desc`.
#[repr(C)]
pub(super) struct Oid {
    length: u32,
    elements: *const c_void,
}

// SAFETY: it points at a constant.
unsafe impl Sync for Oid {}

impl Oid {
    const fn new(bytes: &'static [u8]) -> Self {
        Self { length: bytes.len() as u32, elements: bytes.as_ptr().cast() }
    }
}

/// Kerberos, 1.2.840.113554.1.2.2 (RFC 4121 4.1).
pub(super) static KERBEROS: Oid = Oid::new(b"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02");
/// `GSS_C_NT_HOSTBASED_SERVICE`: service@host.
pub(super) static HOST_SERVICE: Oid = Oid::new(b"\x2a\x86\x48\x86\xf7\x12\x01\x02\x01\x04");
/// `GSS_KRB5_NT_PRINCIPAL_NAME`: user@REALM.
pub(super) static PRINCIPAL: Oid = Oid::new(b"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x01");

/// `GSS_C_INQ_SSPI_SESSION_KEY`, 1.2.840.113554.1.2.2.5.5, of either library: the key first, and after it the identifier of its encryption type.
pub(super) static SESSION_KEY: Oid = Oid::new(b"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x05\x05");

/// `gss_OID_set_desc`.
#[repr(C)]
pub(super) struct OidSet {
    count: usize,
    elements: *const Oid,
}

// SAFETY: it points at a constant.
unsafe impl Sync for OidSet {}

/// Kerberos, and nothing else.
pub(super) static ONLY_KERBEROS: OidSet = OidSet { count: 1, elements: &raw const KERBEROS };

/// `gss_buffer_desc`.
#[repr(C)]
pub(super) struct Buffer<'a> {
    length: usize,
    value: *mut c_void,
    borrowed: PhantomData<&'a [u8]>,
}

impl<'a> Buffer<'a> {
    /// What is only read.
    pub(super) fn read(bytes: &'a [u8]) -> Self {
        Self { length: bytes.len(), value: bytes.as_ptr().cast_mut().cast(), borrowed: PhantomData }
    }

    /// What is changed in place.
    pub(super) fn change(bytes: &'a mut [u8]) -> Self {
        Self { length: bytes.len(), value: bytes.as_mut_ptr().cast(), borrowed: PhantomData }
    }

    /// What the library fills in.
    pub(super) fn empty() -> Self {
        Self { length: 0, value: ptr::null_mut(), borrowed: PhantomData }
    }

    pub(super) fn len(&self) -> usize {
        self.length
    }
}

/// `gss_buffer_set_desc`, which the library makes.
#[repr(C)]
pub(super) struct BufferSet {
    count: usize,
    elements: *mut Buffer<'static>,
}

/// `gss_iov_buffer_desc`: a part of a packet.
#[repr(C)]
pub(super) struct Part<'a> {
    kind: u32,
    buffer: Buffer<'a>,
}

impl<'a> Part<'a> {
    const DATA: u32 = 1;
    const HEADER: u32 = 2;
    const SIGN_ONLY: u32 = 11;

    /// The signature, apart from what it is of.
    pub(super) fn signature(bytes: &'a mut [u8]) -> Self {
        Self { kind: Self::HEADER, buffer: Buffer::change(bytes) }
    }

    /// What is signed.
    pub(super) fn signed(bytes: &'a [u8]) -> Self {
        Self { kind: Self::SIGN_ONLY, buffer: Buffer::read(bytes) }
    }

    /// What is signed and encrypted.
    pub(super) fn sealed(bytes: &'a mut [u8]) -> Self {
        Self { kind: Self::DATA, buffer: Buffer::change(bytes) }
    }

    pub(super) fn len(&self) -> usize {
        self.buffer.len()
    }
}

/// `gss_key_value_set_desc` with its elements.
#[repr(C)]
pub(super) struct Store {
    pub(super) count: u32,
    pub(super) elements: *const StoreElement,
}

#[repr(C)]
pub(super) struct StoreElement {
    pub(super) key: *const c_char,
    pub(super) value: *const c_char,
}

/// Credentials, names and contexts, of which only the library knows what they are.
pub(super) type Opaque = *mut c_void;

macro_rules! functions {
    ($($(#[$text:meta])* $name:ident($($argument:ty),*);)*) => {
        /// The functions of the library (RFC 2744, and MIT's extensions, which Heimdal has, too).
        pub(super) struct Functions {
            $($(#[$text])* pub(super) $name: unsafe extern "C" fn(*mut u32, $($argument),*) -> u32,)*
            /// MIT's and newer Heimdal's alone.
            acquire_from: Option<AcquireFrom>,
        }

        impl Functions {
            fn of(library: *mut c_void) -> Option<Self> {
                Some(Self {
                    $($name: {
                        let found = symbol(library, concat!("gss_", stringify!($name)))?;
                        // SAFETY: the function of this name has these arguments in the header of either library.
                        unsafe { std::mem::transmute::<*mut c_void, unsafe extern "C" fn(*mut u32, $($argument),*) -> u32>(found) }
                    },)*
                    acquire_from: symbol(library, "gss_acquire_cred_from").map(|found| {
                        // SAFETY: as above.
                        unsafe { std::mem::transmute::<*mut c_void, AcquireFrom>(found) }
                    }),
                })
            }
        }
    };
}

type AcquireFrom = unsafe extern "C" fn(
    *mut u32,
    Opaque,
    u32,
    *const OidSet,
    c_int,
    *const Store,
    *mut Opaque,
    *mut *mut OidSet,
    *mut u32,
) -> u32;

functions! {
    acquire_cred(Opaque, u32, *const OidSet, c_int, *mut Opaque, *mut *mut OidSet, *mut u32);
    acquire_cred_with_password(Opaque, *const Buffer<'_>, u32, *const OidSet, c_int, *mut Opaque, *mut *mut OidSet, *mut u32);
    inquire_cred(Opaque, *mut Opaque, *mut u32, *mut c_int, *mut *mut OidSet);
    release_cred(*mut Opaque);
    import_name(*const Buffer<'_>, *const Oid, *mut Opaque);
    display_name(Opaque, *mut Buffer<'_>, *mut *const Oid);
    release_name(*mut Opaque);
    init_sec_context(Opaque, *mut Opaque, Opaque, *const Oid, u32, u32, *const c_void, *const Buffer<'_>, *mut *const Oid, *mut Buffer<'_>, *mut u32, *mut u32);
    accept_sec_context(*mut Opaque, Opaque, *const Buffer<'_>, *const c_void, *mut Opaque, *mut *const Oid, *mut Buffer<'_>, *mut u32, *mut u32, *mut Opaque);
    delete_sec_context(*mut Opaque, *mut Buffer<'_>);
    wrap_iov(Opaque, c_int, u32, *mut c_int, *mut Part<'_>, c_int);
    wrap_iov_length(Opaque, c_int, u32, *mut c_int, *mut Part<'_>, c_int);
    unwrap_iov(Opaque, *mut c_int, *mut u32, *mut Part<'_>, c_int);
    get_mic(Opaque, u32, *const Buffer<'_>, *mut Buffer<'_>);
    verify_mic(Opaque, *const Buffer<'_>, *const Buffer<'_>, *mut u32);
    display_status(u32, c_int, *const Oid, *mut u32, *mut Buffer<'_>);
    release_buffer(*mut Buffer<'_>);
    inquire_sec_context_by_oid(Opaque, *const Oid, *mut *mut BufferSet);
    release_buffer_set(*mut *mut BufferSet);
}

fn symbol(library: *mut c_void, name: &str) -> Option<*mut c_void> {
    let name = CString::new(name).ok()?;
    // SAFETY: the library is loaded and stays so; the name ends with NUL.
    let found = unsafe { libc::dlsym(library, name.as_ptr()) };
    (!found.is_null()).then_some(found)
}

/// The library, loaded when it is needed first; it stays loaded.
pub(super) fn functions() -> Result<&'static Functions, Failure> {
    static LOADED: OnceLock<Option<Functions>> = OnceLock::new();
    let loaded = LOADED.get_or_init(|| LIBRARIES.iter().find_map(|name| load(name)));
    loaded.as_ref().ok_or_else(|| Failure::other(MISSING))
}

fn load(name: &CStr) -> Option<Functions> {
    // SAFETY: the name ends with NUL; what the library does when it is loaded is its own matter.
    let library = unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
    if library.is_null() { None } else { Functions::of(library) }
}

impl Functions {
    /// The function that takes keys from a file.
    pub(super) fn acquire_from(&self) -> Result<AcquireFrom, Failure> {
        self.acquire_from.ok_or_else(|| {
            Failure::other(
                "this system's GSSAPI has no gss_acquire_cred_from, which takes a keytab; that of MIT has",
            )
        })
    }

    /// What a function says; anything but a plain success is a failure.
    pub(super) fn check(&self, major: u32, minor: u32) -> Result<(), Failure> {
        if major == COMPLETE { Ok(()) } else { Err(self.failure(major, minor)) }
    }

    /// What is wrong. Texts are those of the calling thread, and only until it calls something else.
    pub(super) fn failure(&self, major: u32, minor: u32) -> Failure {
        let told = Code::of_minor(minor);
        let code = told.or(match major & ERRORS {
            CREDENTIALS_EXPIRED => Some(Code::EXPIRED),
            NO_CREDENTIALS => Some(Code::NO_CACHE),
            _ => None,
        });
        // The texts of the thread are gone after the next one: the one that says more is taken first.
        let text = match minor {
            0 => self.status(major, 1),
            _ if told.is_some() || major & ERRORS == FAILURE => self.status(minor, 2),
            _ => {
                let more = self.status(minor, 2);
                format!("{} ({more})", self.status(major, 1))
            }
        };
        Failure { code, text }
    }

    /// The text of a status: `GSS_C_GSS_CODE` is 1, `GSS_C_MECH_CODE` 2.
    fn status(&self, value: u32, kind: c_int) -> String {
        let (mut texts, mut more) = (Vec::new(), 0);
        loop {
            let (mut minor, mut buffer) = (0, Buffer::empty());
            // SAFETY: the pointers are to what lives here; the mechanism is a constant.
            let major = unsafe {
                (self.display_status)(
                    &raw mut minor,
                    value,
                    kind,
                    &raw const KERBEROS,
                    &raw mut more,
                    &raw mut buffer,
                )
            };
            if major != COMPLETE {
                break;
            }
            texts.push(String::from_utf8_lossy(&self.take(buffer)).trim().to_owned());
            if more == 0 {
                break;
            }
        }
        if texts.is_empty() { format!("GSSAPI error {value:#x}") } else { texts.join("; ") }
    }

    /// What the library has put into a buffer, which it gets back.
    pub(super) fn take(&self, mut buffer: Buffer<'_>) -> Vec<u8> {
        let bytes = if buffer.value.is_null() {
            Vec::new()
        } else {
            // SAFETY: the library has put so many bytes there.
            unsafe { std::slice::from_raw_parts(buffer.value.cast::<u8>(), buffer.length) }.to_vec()
        };
        let mut minor = 0;
        // SAFETY: it is the library's, and nobody uses it after this.
        unsafe { (self.release_buffer)(&raw mut minor, &raw mut buffer) };
        bytes
    }

    /// The first of the buffers that the library has made, all of which it gets back, that one overwritten: it is a key. Empty if there is none.
    pub(super) fn take_first(&self, mut buffers: *mut BufferSet) -> Zeroizing<Vec<u8>> {
        let mut key = Zeroizing::default();
        // SAFETY: it is null, or the library has made it.
        let Some(set) = (unsafe { buffers.as_ref() }) else { return key };
        if set.count > 0 {
            // SAFETY: there is one at least.
            let first = unsafe { &*set.elements };
            if !first.value.is_null() {
                // SAFETY: the library has put so many bytes there, for whoever asked.
                let bytes = unsafe { std::slice::from_raw_parts_mut(first.value.cast::<u8>(), first.length) };
                key = Zeroizing::new(bytes.to_vec());
                bytes.zeroize();
            }
        }
        let mut minor = 0;
        // SAFETY: it is the library's, and nobody uses it after this.
        unsafe { (self.release_buffer_set)(&raw mut minor, &raw mut buffers) };
        key
    }

    /// A name that is read as one of this type.
    pub(super) fn name(&'static self, text: &str, kind: &Oid) -> Result<Name, Failure> {
        let (mut minor, mut handle) = (0, ptr::null_mut());
        let buffer = Buffer::read(text.as_bytes());
        // SAFETY: the pointers are to what lives here.
        let major = unsafe { (self.import_name)(&raw mut minor, &raw const buffer, kind, &raw mut handle) };
        self.check(major, minor)?;
        Ok(Name { functions: self, handle })
    }
}

/// `gss_name_t`.
pub(super) struct Name {
    functions: &'static Functions,
    handle: Opaque,
}

// SAFETY: a name isn't changed, and belongs to no thread.
unsafe impl Send for Name {}
// SAFETY: the same.
unsafe impl Sync for Name {}

impl Name {
    /// One that the library has made.
    pub(super) fn of(functions: &'static Functions, handle: Opaque) -> Self {
        Self { functions, handle }
    }

    pub(super) fn handle(&self) -> Opaque {
        self.handle
    }

    pub(super) fn text(&self) -> Result<String, Failure> {
        let (mut minor, mut buffer, mut kind) = (0, Buffer::empty(), ptr::null());
        // SAFETY: the name is alive, the pointers are to what lives here.
        let major = unsafe {
            (self.functions.display_name)(&raw mut minor, self.handle, &raw mut buffer, &raw mut kind)
        };
        self.functions.check(major, minor)?;
        String::from_utf8(self.functions.take(buffer))
            .map_err(|_| Failure::other("a name of Kerberos is not valid UTF-8"))
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        let mut minor = 0;
        // SAFETY: nobody uses the name after this.
        unsafe { (self.functions.release_name)(&raw mut minor, &raw mut self.handle) };
    }
}
