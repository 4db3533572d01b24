use svckit_core::access::ServiceAccess;
use zeroize::Zeroizing;

use super::{
    Handle, MAX_DEPENDENCIES, MAX_PASSWORD, MAX_TEXT, multi, read_number, read_text, write_number, write_text,
};
use crate::ndr::{DecodeError, Reader, Result, Text, Writer};

/// `SERVICE_NO_CHANGE`: the number that leaves a setting as it is.
pub const NO_CHANGE: u32 = u32::MAX;

/// A password as it is on the wire (`lpPassword`). Never printed, and overwritten when it goes.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(Zeroizing<Vec<u8>>);

impl Password {
    /// The bytes as they are.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<Vec<u8>> for Password {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password(***)")
    }
}

/// The arguments of `RCreateServiceW` ([MS-SCMR] 3.1.4.12).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateService {
    /// `hSCManager`.
    pub manager: Handle,
    /// `lpServiceName`.
    pub name: String,
    /// `lpDisplayName`.
    pub display_name: Option<String>,
    /// `dwDesiredAccess`.
    pub access: ServiceAccess,
    /// `dwServiceType`.
    pub service_type: u32,
    /// `dwStartType`.
    pub start_type: u32,
    /// `dwErrorControl`.
    pub error_control: u32,
    /// `lpBinaryPathName`.
    pub image_path: String,
    /// `lpLoadOrderGroup`.
    pub load_order_group: Option<String>,
    /// `lpdwTagId`: present if a tag is wanted.
    pub tag: Option<u32>,
    /// `lpDependencies`, a list as in [`super::multi`].
    pub dependencies: Option<Vec<u8>>,
    /// `lpServiceStartName`.
    pub account: Option<String>,
    /// `lpPassword`.
    pub password: Option<Password>,
}

/// The arguments of `RChangeServiceConfigW` ([MS-SCMR] 3.1.4.11).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeServiceConfig {
    /// `hService`.
    pub service: Handle,
    /// `dwServiceType`, or [`NO_CHANGE`].
    pub service_type: u32,
    /// `dwStartType`, or [`NO_CHANGE`].
    pub start_type: u32,
    /// `dwErrorControl`, or [`NO_CHANGE`].
    pub error_control: u32,
    /// `lpBinaryPathName`.
    pub image_path: Option<String>,
    /// `lpLoadOrderGroup`.
    pub load_order_group: Option<String>,
    /// `lpdwTagId`: present if a new tag is wanted.
    pub tag: Option<u32>,
    /// `lpDependencies`, a list as in [`super::multi`].
    pub dependencies: Option<Vec<u8>>,
    /// `lpServiceStartName`.
    pub account: Option<String>,
    /// `lpPassword`.
    pub password: Option<Password>,
    /// `lpDisplayName`.
    pub display_name: Option<String>,
}

impl CreateService {
    /// [MS-SCMR] 3.1.4.12.
    pub(crate) fn write(&self, w: &mut Writer) {
        self.manager.write(w); // hSCManager
        w.string(&self.name); // lpServiceName
        write_text(w, self.display_name.as_deref()); // lpDisplayName
        w.u32(self.access.0); // dwDesiredAccess
        w.u32(self.service_type); // dwServiceType
        w.u32(self.start_type); // dwStartType
        w.u32(self.error_control); // dwErrorControl
        w.string(&self.image_path); // lpBinaryPathName
        write_text(w, self.load_order_group.as_deref()); // lpLoadOrderGroup
        write_number(w, self.tag); // lpdwTagId
        write_dependencies(w, self.dependencies.as_deref()); // lpDependencies, dwDependSize
        write_text(w, self.account.as_deref()); // lpServiceStartName
        write_password(w, self.password.as_ref(), 0); // lpPassword, dwPwSize
    }

    /// [MS-SCMR] 3.1.4.12.
    pub(crate) fn read(r: &mut Reader<'_>) -> Result<Self> {
        Ok(Self {
            manager: Handle::read(r)?,                           // hSCManager
            name: r.string("lpServiceName", MAX_TEXT)?,          // lpServiceName
            display_name: read_text(r, "lpDisplayName")?,        // lpDisplayName
            access: r.u32()?.into(),                             // dwDesiredAccess
            service_type: r.u32()?,                              // dwServiceType
            start_type: r.u32()?,                                // dwStartType
            error_control: r.u32()?,                             // dwErrorControl
            image_path: r.string("lpBinaryPathName", MAX_TEXT)?, // lpBinaryPathName
            load_order_group: read_text(r, "lpLoadOrderGroup")?, // lpLoadOrderGroup
            tag: read_number(r)?,                                // lpdwTagId
            dependencies: read_dependencies(r)?,                 // lpDependencies, dwDependSize
            account: read_text(r, "lpServiceStartName")?,        // lpServiceStartName
            password: read_password(r)?,                         // lpPassword, dwPwSize
        })
    }
}

impl ChangeServiceConfig {
    /// [MS-SCMR] 3.1.4.11.
    pub(crate) fn write(&self, w: &mut Writer) {
        self.service.write(w); // hService
        w.u32(self.service_type); // dwServiceType
        w.u32(self.start_type); // dwStartType
        w.u32(self.error_control); // dwErrorControl
        write_text(w, self.image_path.as_deref()); // lpBinaryPathName
        write_text(w, self.load_order_group.as_deref()); // lpLoadOrderGroup
        write_number(w, self.tag); // lpdwTagId
        write_dependencies(w, self.dependencies.as_deref()); // lpDependencies, dwDependSize
        write_text(w, self.account.as_deref()); // lpServiceStartName
        let after = self.display_name.as_ref().map_or(0, |name| 2 * name.len());
        write_password(w, self.password.as_ref(), after); // lpPassword, dwPwSize
        write_text(w, self.display_name.as_deref()); // lpDisplayName
    }

    /// [MS-SCMR] 3.1.4.11.
    pub(crate) fn read(r: &mut Reader<'_>) -> Result<Self> {
        Ok(Self {
            service: Handle::read(r)?,                           // hService
            service_type: r.u32()?,                              // dwServiceType
            start_type: r.u32()?,                                // dwStartType
            error_control: r.u32()?,                             // dwErrorControl
            image_path: read_text(r, "lpBinaryPathName")?,       // lpBinaryPathName
            load_order_group: read_text(r, "lpLoadOrderGroup")?, // lpLoadOrderGroup
            tag: read_number(r)?,                                // lpdwTagId
            dependencies: read_dependencies(r)?,                 // lpDependencies, dwDependSize
            account: read_text(r, "lpServiceStartName")?,        // lpServiceStartName
            password: read_password(r)?,                         // lpPassword, dwPwSize
            display_name: read_text(r, "lpDisplayName")?,        // lpDisplayName
        })
    }
}

/// A password, with so many bytes of text `after` it: there is room for all of it, since a stub that grew would leave a copy behind.
fn write_password(w: &mut Writer, password: Option<&Password>, after: usize) {
    /// Pointers, counts, terminators and what aligns them.
    const AROUND: usize = 64;
    let bytes = password.map(Password::as_bytes);
    if let Some(bytes) = bytes {
        w.reserve(bytes.len() + after + AROUND);
    }
    match (w.text(), password.and_then(|password| password.secret().ok().flatten())) {
        (Text::Ansi, Some(secret)) => {
            let bytes = Zeroizing::new([secret.as_str().as_bytes(), &[0]].concat());
            write_sized(w, Some(&bytes));
        }
        _ => write_sized(w, bytes),
    }
}

/// A password; one of bytes becomes what it is in wide characters.
fn read_password(r: &mut Reader<'_>) -> Result<Option<Password>> {
    const WHAT: &str = "lpPassword";
    let Some(bytes) = read_sized(r, WHAT, MAX_PASSWORD)?.map(Zeroizing::new) else { return Ok(None) };
    if r.text() == Text::Wide || bytes.is_empty() {
        return Ok(Some(Password(bytes)));
    }
    let text = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
    match std::str::from_utf8(text) {
        // There has to be room for its terminator.
        Ok(text) if text.len() < MAX_PASSWORD as usize => Ok(Some(Password::new(text))),
        _ => Err(DecodeError::Invalid { what: WHAT }),
    }
}

fn write_dependencies(w: &mut Writer, list: Option<&[u8]>) {
    let list = list.map(|list| multi::from_wide(list, w.text()));
    write_sized(w, list.as_deref());
}

fn read_dependencies(r: &mut Reader<'_>) -> Result<Option<Vec<u8>>> {
    const WHAT: &str = "lpDependencies";
    let Some(list) = read_sized(r, WHAT, MAX_DEPENDENCIES)? else { return Ok(None) };
    // There has to be room for terminators that it may lack.
    let has_room = |list: &Vec<u8>| multi::from_wide(list, r.text()).len() <= MAX_DEPENDENCIES as usize;
    let list = multi::to_wide(&list, r.text()).filter(has_room);
    list.map(Some).ok_or(DecodeError::Invalid { what: WHAT })
}

/// A unique pointer to bytes, with their number as the next parameter.
fn write_sized(w: &mut Writer, bytes: Option<&[u8]>) {
    w.optional(bytes, Writer::conformant_bytes);
    w.count(bytes.map_or(0, <[u8]>::len));
}

/// A unique pointer to bytes, with their number as the next parameter, which has to agree.
fn read_sized(r: &mut Reader<'_>, what: &'static str, limit: u32) -> Result<Option<Vec<u8>>> {
    let bytes = if r.pointer()? { Some(r.conformant_bytes(what, limit)?.to_vec()) } else { None };
    let size = r.bounded(what, limit)? as usize;
    match &bytes {
        Some(bytes) if bytes.len() != size => Err(DecodeError::Invalid { what }),
        _ => Ok(bytes),
    }
}
