//! A pipe of Samba's `smbd`, with a connection under it.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};

use svckit_scmr::auth::Initiate;
use svckit_scmr::smb::{Connecting, Pipe, Progress, Request};
use svckit_testkit::PATIENCE;

/// An open pipe.
pub(crate) struct Open {
    stream: TcpStream,
    pub(crate) pipe: Pipe,
    buffer: Vec<u8>,
    /// All that the server has sent.
    pub(crate) heard: Vec<u8>,
}

impl Open {
    /// Logs on at this port of this machine, which is given this name, and opens a pipe.
    pub(crate) fn new(port: u16, host: &str, pipe: &str, security: Box<dyn Initiate>) -> Self {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let request = Request { host: host.to_owned(), pipe: pipe.to_owned(), random: [7; 48] };
        let (mut connecting, mut bytes) = Connecting::start(request, security).unwrap();
        let (mut buffer, mut heard) = (vec![0; 64 * 1024], Vec::new());
        loop {
            stream.write_all(&bytes).unwrap();
            let count = stream.read(&mut buffer).unwrap();
            heard.extend_from_slice(&buffer[..count]);
            match connecting.receive(&buffer[..count]).unwrap() {
                Progress::Connecting(more) => connecting = more,
                Progress::Open(pipe) => return Self { stream, pipe, buffer, heard },
            }
            bytes = connecting.take_output();
        }
    }

    /// Writes whole units of RPC.
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        self.pipe.write(bytes).unwrap();
        self.stream.write_all(&self.pipe.take_output()).unwrap();
    }

    /// What comes next through the pipe; waits for it.
    pub(crate) fn read(&mut self) -> Vec<u8> {
        loop {
            let data = self.pipe.take_data();
            if !data.is_empty() {
                return data;
            }
            self.pipe.want().unwrap();
            self.stream.write_all(&self.pipe.take_output()).unwrap();
            let count = self.stream.read(&mut self.buffer).unwrap();
            assert!(count > 0 && !self.pipe.has_ended(), "the connection was ended");
            self.heard.extend_from_slice(&self.buffer[..count]);
            self.pipe.receive(&self.buffer[..count]).unwrap();
            self.stream.write_all(&self.pipe.take_output()).unwrap();
        }
    }
}
