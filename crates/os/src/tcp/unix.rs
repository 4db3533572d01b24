use std::io;
use std::net::TcpStream;
use std::time::Duration;

use rustix::net::sockopt;

/// After how long without a word the other machine is asked whether it is there, and how often it may say nothing.
const QUIET: Duration = Duration::from_secs(60);
const AGAIN: Duration = Duration::from_secs(15);
const TIMES: u32 = 4;

pub(super) fn keep_alive(stream: &TcpStream) -> io::Result<()> {
    sockopt::set_socket_keepalive(stream, true)?;
    sockopt::set_tcp_keepidle(stream, QUIET)?;
    sockopt::set_tcp_keepintvl(stream, AGAIN)?;
    sockopt::set_tcp_keepcnt(stream, TIMES)?;
    Ok(())
}
