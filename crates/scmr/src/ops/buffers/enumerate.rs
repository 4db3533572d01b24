use svckit_core::Win32Error;
use svckit_core::backend::Enumerated;
use svckit_core::status::ServiceStatus;

use super::Filled;
use crate::ndr::{DecodeError, Reader, Result, Text, Writer, wide};
use crate::ops::MAX_256K;
use crate::ops::status::{
    STATUS, STATUS_PROCESS, read_status, read_status_process, write_status, write_status_process,
};

/// A service to be listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'a> {
    /// `lpServiceName`.
    pub name: &'a str,
    /// `lpDisplayName`.
    pub display_name: &'a str,
    /// `ServiceStatus` or `ServiceStatusProcess`.
    pub status: ServiceStatus,
}

impl<'a> From<&'a Enumerated> for Entry<'a> {
    fn from(service: &'a Enumerated) -> Self {
        Self { name: &service.name, display_name: &service.display_name, status: service.status }
    }
}

/// The answer to `REnumServicesStatusW` ([MS-SCMR] 3.1.4.14): `ENUM_SERVICE_STATUSW` (2.2.11) from the entry `resume` on.
pub fn enum_services_status(entries: &[Entry<'_>], resume: u32, size: u32, text: Text) -> Filled {
    fill(entries, (resume, size), text, &STRUCTURE)
}

/// The answer to `REnumServicesStatusExW` ([MS-SCMR] 3.1.4.40): `ENUM_SERVICE_STATUS_PROCESSW` (2.2.13) from the entry `resume` on.
pub fn enum_services_status_ex(entries: &[Entry<'_>], resume: u32, size: u32, text: Text) -> Filled {
    fill(entries, (resume, size), text, &STRUCTURE_PROCESS)
}

/// The answer to `REnumDependentServicesW` ([MS-SCMR] 3.1.4.13): `ENUM_SERVICE_STATUSW` (2.2.11). It can't be resumed.
pub fn enum_dependent_services(entries: &[Entry<'_>], size: u32, text: Text) -> Filled {
    Filled { resume: 0, ..fill(entries, (0, size), text, &STRUCTURE) }
}

/// The services in an answer with `ENUM_SERVICE_STATUSW` ([MS-SCMR] 2.2.11).
pub fn read_enum_status(buffer: &[u8], returned: u32) -> Result<Vec<Enumerated>> {
    read(buffer, returned, &STRUCTURE)
}

/// The services in an answer with `ENUM_SERVICE_STATUS_PROCESSW` ([MS-SCMR] 2.2.13).
pub fn read_enum_status_process(buffer: &[u8], returned: u32) -> Result<Vec<Enumerated>> {
    read(buffer, returned, &STRUCTURE_PROCESS)
}

/// How an entry is laid out: two offsets, then the status.
struct Layout {
    size: usize,
    write: fn(&mut Writer, &ServiceStatus),
    read: fn(&mut Reader<'_>) -> Result<ServiceStatus>,
}

const STRUCTURE: Layout = Layout { size: 8 + STATUS, write: write_status, read: read_status };
const STRUCTURE_PROCESS: Layout =
    Layout { size: 8 + STATUS_PROCESS, write: write_status_process, read: read_status_process };

/// Entries first, their strings after them.
fn fill(entries: &[Entry<'_>], (resume, size): (u32, u32), text: Text, layout: &Layout) -> Filled {
    let start = entries.len().min(resume as usize);
    let rest = &entries[start..];
    let cost = |entry: &Entry<'_>| layout.size + text.size(entry.name) + text.size(entry.display_name);
    let mut used = 0;
    let mut fitting = 0;
    let mut missing = 0;
    for entry in rest {
        let cost = cost(entry);
        if missing == 0 && used + cost <= size as usize {
            used += cost;
            fitting += 1;
        } else {
            missing += cost;
        }
    }
    let mut fixed = Writer::new();
    let mut strings = Writer::new().with_text(text);
    let mut offset = fitting * layout.size;
    for entry in &rest[..fitting] {
        fixed.count(offset); // lpServiceName
        offset += text.size(entry.name);
        fixed.count(offset); // lpDisplayName
        offset += text.size(entry.display_name);
        (layout.write)(&mut fixed, &entry.status); // ServiceStatus, ServiceStatusProcess
        strings.characters(entry.name);
        strings.characters(entry.display_name);
    }
    let mut buffer = fixed.into_bytes();
    buffer.reserve_exact((size as usize).saturating_sub(buffer.len()));
    buffer.extend_from_slice(&strings.into_bytes());
    buffer.resize(size as usize, 0);
    let more = missing > 0;
    Filled {
        buffer,
        needed: u32::try_from(missing).unwrap_or(u32::MAX).min(MAX_256K),
        returned: u32::try_from(fitting).unwrap_or(u32::MAX),
        resume: if more { u32::try_from(start + fitting).unwrap_or(u32::MAX) } else { 0 },
        code: if more { Win32Error::MORE_DATA } else { Win32Error::SUCCESS },
    }
}

fn read(buffer: &[u8], returned: u32, layout: &Layout) -> Result<Vec<Enumerated>> {
    let count = returned as usize;
    if count > buffer.len() / layout.size {
        let limit = (buffer.len() / layout.size) as u64;
        return Err(DecodeError::Bound { what: "lpServicesReturned", found: returned.into(), limit });
    }
    let mut r = Reader::lossy(buffer);
    // Entries may share strings, but not so that a small buffer becomes gigabytes.
    let mut budget = 2 * buffer.len();
    (0..count)
        .map(|_| {
            let (name, display_name) = (r.u32()?, r.u32()?); // lpServiceName, lpDisplayName
            let status = (layout.read)(&mut r)?; // ServiceStatus, ServiceStatusProcess
            let name = text_at(buffer, name, &mut budget)?;
            Ok(Enumerated { name, display_name: text_at(buffer, display_name, &mut budget)?, status })
        })
        .collect()
}

/// The string that starts at an offset; a null offset is an empty one.
fn text_at(buffer: &[u8], offset: u32, budget: &mut usize) -> Result<String> {
    if offset == 0 {
        return Ok(String::new());
    }
    let invalid = DecodeError::Invalid { what: "the offset of a string" };
    let bytes = buffer.get(offset as usize..).ok_or(invalid)?;
    let text = wide::until_terminator(&bytes[..bytes.len().min(*budget)]);
    *budget = budget.checked_sub(text.len()).filter(|left| *left > 2).ok_or(invalid)?;
    Ok(wide::lossy(text))
}
