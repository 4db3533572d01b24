use std::io;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::fs::{CWD, Mode};

use super::system::{new_socket, parent_address, socket_address};

pub use std::os::unix::net::UnixStream as Stream;

/// How many connections may wait to be accepted; the system has a limit of its own.
const BACKLOG: i32 = 4096;

/// Listens on `path`, in place of whatever socket was there before, readable and writable by its owner only.
///
/// The socket is made under another name, restricted, set to listen and only then renamed: nobody can connect to
/// a half-made one, and a connection to `path` always meets the newest listener.
pub fn bind(path: &Path) -> io::Result<UnixListener> {
    let (Some(directory), Some(_)) = (path.parent(), path.file_name()) else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "a socket needs a directory and a name"));
    };
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    let unique = COUNTER.fetch_add(1, Ordering::Relaxed);
    let temporary = directory.join(format!(".{}-{unique}.new", std::process::id()));
    let socket = new_socket()?;
    let listen = || {
        rustix::net::bind(&socket, &parent_address(&temporary)?.address)?;
        rustix::fs::chmodat(CWD, &temporary, Mode::from_raw_mode(0o600), rustix::fs::AtFlags::empty())?;
        rustix::net::listen(&socket, BACKLOG)?;
        std::fs::rename(&temporary, path)
    };
    if let Err(error) = listen() {
        let _ = std::fs::remove_file(&temporary);
        return Err(error);
    }
    Ok(UnixListener::from(socket))
}

/// Connects to the listener at `path`.
pub fn connect(path: &Path) -> io::Result<UnixStream> {
    let socket = new_socket()?;
    let address = socket_address(path)?;
    loop {
        match rustix::net::connect(&socket, &address.address) {
            Err(rustix::io::Errno::INTR) => {}
            other => {
                other?;
                return Ok(UnixStream::from(socket));
            }
        }
    }
}

/// Two connected stream sockets.
pub fn pair() -> io::Result<(UnixStream, UnixStream)> {
    UnixStream::pair()
}
