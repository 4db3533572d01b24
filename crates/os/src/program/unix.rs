//! The mode of a file.

use std::fs::Metadata;
use std::os::unix::fs::PermissionsExt;

pub(super) fn may_be_executed(metadata: &Metadata) -> bool {
    metadata.permissions().mode() & 0o111 != 0
}
