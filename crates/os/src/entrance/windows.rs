use std::convert::Infallible;
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::Duration;

/// Windows has no sockets at paths that every program of it knows; there are ports.
#[derive(Debug)]
pub(super) struct Sockets(Infallible);

impl Sockets {
    pub(super) fn bind(_: &Path) -> io::Result<Self> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "there are only ports here, such as 127.0.0.1:9180"))
    }

    pub(super) fn accept(&self, _: Duration) -> io::Result<Stream> {
        match self.0 {}
    }
}

/// A connection to such a socket.
#[derive(Debug)]
pub(super) struct Stream(Infallible);

impl Read for Stream {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        match self.0 {}
    }
}

impl Write for Stream {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        match self.0 {}
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.0 {}
    }
}
