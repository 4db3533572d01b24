use std::io;
use std::path::{Path, PathBuf};

use svckit_engine::{NetworkOptions, ServeError, ServeOptions};
use svckit_manager::local::adopt_descriptor;
use svckit_recipe::doctor::OpenDirectory;
use tracing_subscriber::filter::LevelFilter;

use crate::args::Network;
use crate::failure::{Failure, Status};
use crate::ui::Detail;

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

/// How others may reach into a state directory, if they may.
pub(crate) fn open_directory(directory: &Path) -> Option<OpenDirectory> {
    match svckit_engine::check_private(directory) {
        Err(ServeError::NotPrivate { path, found, remedy }) => Some(OpenDirectory { path, found, remedy }),
        // That it can't be looked at is no finding: who runs may be another user.
        _ => None,
    }
}
