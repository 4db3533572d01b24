//! What [MS-SCMR] puts into output buffers of bytes: structures whose pointers are offsets from the start of the buffer.
//!
//! The functions that fill a buffer take the size that the client wants it to have (`cbBufSize`), and tell size needed, what came in, and
//! the code to answer with.

mod config2;
mod enumerate;

pub use config2::{query_service_config2, read_config2};
pub use enumerate::{
    Entry, enum_dependent_services, enum_services_status, enum_services_status_ex, read_enum_status,
    read_enum_status_process,
};

use svckit_core::Win32Error;
use svckit_core::backend::LockStatus;
use svckit_core::config::ServiceConfig;
use svckit_core::security::SecurityDescriptor;
use svckit_core::status::ServiceStatus;

use super::status::{STATUS_PROCESS, read_status_process, write_status_process};
use super::{Answer, ConfigRecord, LockRecord, MAX_4K, MAX_8K, MAX_256K};
use crate::ndr::{Reader, Result, Text, Writer};

/// A filled buffer with what else the answer tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filled {
    /// The buffer, of the size that was wanted.
    pub buffer: Vec<u8>,
    /// `pcbBytesNeeded`.
    pub needed: u32,
    /// `lpServicesReturned`, zero where there is no such.
    pub returned: u32,
    /// `lpResumeIndex`: where to go on; zero when everything came in.
    pub resume: u32,
    /// `ERROR_SUCCESS`, `ERROR_MORE_DATA` or `ERROR_INSUFFICIENT_BUFFER`.
    pub code: Win32Error,
}

impl Filled {
    /// One structure, all or nothing.
    fn whole(content: Vec<u8>, size: u32) -> Self {
        Self::within(content, size, MAX_8K)
    }

    /// The same where more may be needed than 8 KiB.
    fn within(content: Vec<u8>, size: u32, limit: u32) -> Self {
        let needed = u32::try_from(content.len()).unwrap_or(u32::MAX).min(limit);
        let fits = content.len() <= size as usize;
        let mut buffer = if fits { content } else { Vec::new() };
        buffer.resize(size as usize, 0);
        let code = if fits { Win32Error::SUCCESS } else { Win32Error::INSUFFICIENT_BUFFER };
        Self { buffer, needed, returned: 0, resume: 0, code }
    }
}

/// The answer to `RQueryServiceStatusEx` at level `SC_STATUS_PROCESS_INFO` ([MS-SCMR] 3.1.4.38).
pub fn query_service_status_ex(status: &ServiceStatus, size: u32) -> Filled {
    let mut w = Writer::new();
    write_status_process(&mut w, status);
    Filled::whole(w.into_bytes(), size)
}

/// The status in the answer to `RQueryServiceStatusEx` ([MS-SCMR] 3.1.4.38).
pub fn read_status_ex(buffer: &[u8]) -> Result<ServiceStatus> {
    read_status_process(&mut Reader::new(&buffer[..buffer.len().min(STATUS_PROCESS)]))
}

/// The answer to `RQueryServiceObjectSecurity` ([MS-SCMR] 3.1.4.5).
pub fn query_service_object_security(descriptor: &SecurityDescriptor, size: u32) -> Filled {
    Filled::within(descriptor.to_bytes(), size, MAX_256K)
}

/// The answer to `RQueryServiceConfigW` ([MS-SCMR] 3.1.4.17): not a buffer of bytes, but bound by one all the same.
pub fn query_service_config(config: &ServiceConfig, size: u32, text: Text) -> Answer {
    let record = ConfigRecord::from(config);
    let needed = u32::try_from(record.size(text)).unwrap_or(u32::MAX);
    if needed > size {
        let code = Win32Error::INSUFFICIENT_BUFFER;
        return Answer::QueryServiceConfig { config: Box::default(), needed: needed.min(MAX_8K), code };
    }
    Answer::QueryServiceConfig { config: Box::new(record), needed, code: Win32Error::SUCCESS }
}

/// The answer to `RQueryServiceLockStatusW` ([MS-SCMR] 3.1.4.18): not a buffer of bytes, but bound by one all the same.
pub fn query_service_lock_status(status: &LockStatus, size: u32, text: Text) -> Answer {
    let record = LockRecord::from(status);
    let needed = u32::try_from(record.size(text)).unwrap_or(u32::MAX);
    if needed > size {
        let code = Win32Error::INSUFFICIENT_BUFFER;
        return Answer::QueryServiceLockStatus {
            status: LockRecord::default(),
            needed: needed.min(MAX_4K),
            code,
        };
    }
    Answer::QueryServiceLockStatus { status: record, needed, code: Win32Error::SUCCESS }
}

/// The answer's name and `lpcchBuffer` for `RGetServiceDisplayNameW` and `RGetServiceKeyNameW` ([MS-SCMR] 3.1.4.20, 3.1.4.21): `size` counts
/// characters without the terminator.
pub fn name(text: &str, size: u32, form: Text) -> (String, u32, Win32Error) {
    let length = u32::try_from(form.length(text)).unwrap_or(u32::MAX);
    if length > size {
        return (String::new(), length, Win32Error::INSUFFICIENT_BUFFER);
    }
    (text.to_owned(), length, Win32Error::SUCCESS)
}
