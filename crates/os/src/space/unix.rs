use std::ffi::OsString;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use svckit_core::space::Space;

pub(super) fn of(path: &Path) -> io::Result<(OsString, Space)> {
    let disk = std::fs::metadata(path)?.dev().to_string();
    let found = rustix::fs::statvfs(path)?;
    let bytes = |blocks: u64| blocks.saturating_mul(found.f_frsize);
    Ok((disk.into(), Space { free: bytes(found.f_bavail), total: bytes(found.f_blocks) }))
}
