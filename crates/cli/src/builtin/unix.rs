use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use svckit_engine::{NetworkOptions, ServeError, ServeOptions};
use svckit_manager::local::adopt_descriptor;
use svckit_recipe::Platform;
use svckit_recipe::doctor::OpenDirectory;
use tracing_subscriber::filter::LevelFilter;

use crate::args::Network;
use crate::builtin::Deed;
use crate::failure::{Failure, Status};
use crate::ui::Detail;

/// What definitions are read for.
pub(crate) const PLATFORM: Platform = Platform::Unix;

/// Serves a state directory. Readiness, or why not, is told on the descriptor `ready`.
pub(crate) fn serve(
    directory: PathBuf,
    ready: Option<i32>,
    network: Network,
    detail: Detail,
) -> Result<(), Failure> {
    let level = match detail {
        Detail::Quiet => LevelFilter::WARN,
        Detail::Normal => LevelFilter::INFO,
        Detail::Verbose => LevelFilter::DEBUG,
    };
    tracing_subscriber::fmt().with_max_level(level).with_writer(io::stderr).with_ansi(false).init();
    let ready = ready.map(adopt_descriptor).transpose();
    let ready = ready.map_err(|error| Failure::io("cannot use --ready-fd", error))?;
    let Network { listen, endpoint_mapper, allow_network, keytab } = network;
    let network = NetworkOptions { listen, endpoint_mapper, allow_network, keytab };
    let served = svckit_engine::serve(ServeOptions { ready, network, ..ServeOptions::new(directory) });
    served.map_err(|error| {
        let status = match error {
            ServeError::InUse { .. } => Status::AlreadySo,
            _ => Status::Failure,
        };
        Failure::Other { message: error.to_string(), status }
    })
}

/// Standard input without the buffer that is never overwritten.
pub(crate) fn unbuffered_input() -> io::Result<File> {
    Ok(io::stdin().as_fd().try_clone_to_owned()?.into())
}

/// How others may reach into a state directory, if they may.
pub(crate) fn open_directory(directory: &Path) -> Option<OpenDirectory> {
    match svckit_engine::check_private(directory) {
        Err(ServeError::NotPrivate { path, found, remedy }) => Some(OpenDirectory { path, found, remedy }),
        // That it can't be looked at is no finding: who runs may be another user.
        _ => None,
    }
}

/// Whether everybody may do that with a file, as its mode says; not if nobody can tell.
pub(crate) fn are_others_let(deed: Deed, file: &Path) -> bool {
    /// In such a folder only the owner of a file may replace it.
    const STICKY: u32 = 0o1000;
    let Ok(metadata) = std::fs::metadata(file) else { return false };
    let mode = metadata.permissions().mode();
    match deed {
        Deed::Read => mode & 0o004 != 0,
        Deed::Write if metadata.is_dir() => mode & 0o002 != 0 && mode & STICKY == 0,
        Deed::Write => mode & 0o002 != 0,
    }
}
