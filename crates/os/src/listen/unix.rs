//! What Linux tells in `/proc/net/tcp` and `/proc/net/tcp6` (`proc_net_tcp(5)`), and whose open files these are.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{Listener, Owner};

/// `TCP_LISTEN`, the state of a socket that accepts connections.
const LISTEN: &str = "0A";

/// Every place where somebody listens.
pub fn all() -> io::Result<Vec<Listener>> {
    let mut found: Vec<(SocketAddr, u64)> = rows(&fs::read_to_string("/proc/net/tcp")?).collect();
    // A kernel may have the older family only.
    found.extend(rows(&fs::read_to_string("/proc/net/tcp6").unwrap_or_default()));
    let owners = if found.is_empty() { HashMap::new() } else { owners()? };
    let listener = |(address, inode)| Listener { address, owner: owners.get(&inode).cloned() };
    Ok(found.into_iter().map(listener).collect())
}

/// The addresses of listening sockets, and the sockets' numbers.
fn rows(table: &str) -> impl Iterator<Item = (SocketAddr, u64)> {
    table.lines().skip(1).filter_map(|line| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let [_, local, _, state, _, _, _, _, _, inode, ..] = columns[..] else { return None };
        let inode = inode.parse().ok()?;
        Some((address(local)?, inode)).filter(|_| state == LISTEN)
    })
}

/// An address as the table has it: groups of four bytes, each as a number of this machine's byte order, in hexadecimal.
fn address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let groups =
        (0..ip.len() / 8).map(|index| u32::from_str_radix(ip.get(index * 8..index * 8 + 8)?, 16).ok());
    let bytes: Vec<u8> =
        groups.collect::<Option<Vec<u32>>>()?.into_iter().flat_map(u32::to_ne_bytes).collect();
    let ip = match bytes.len() {
        4 => IpAddr::V4(Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?)),
        _ => IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?)),
    };
    Some(SocketAddr::new(ip, u16::from_str_radix(port, 16).ok()?))
}

/// Whose open file each socket is, as far as this user may know.
fn owners() -> io::Result<HashMap<u64, Owner>> {
    let mut owners = HashMap::new();
    for process in fs::read_dir("/proc")? {
        let process = process?;
        let Some(pid) = process.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // It may have ended, or be somebody else's.
        let Ok(files) = fs::read_dir(process.path().join("fd")) else { continue };
        let sockets = files.flatten().filter_map(|file| {
            let target = fs::read_link(file.path()).ok()?;
            target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse::<u64>().ok()
        });
        let mut sockets = sockets.peekable();
        if sockets.peek().is_some() {
            let program = fs::read_to_string(process.path().join("comm")).ok();
            let program = program.map(|name| name.trim_end().to_owned());
            owners.extend(sockets.map(|inode| (inode, Owner { pid, program: program.clone() })));
        }
    }
    Ok(owners)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_endian = "little")]
    fn rows_of_the_table() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   \
            0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1 0 100 0 0 10 0\n   \
            1: 0100007F:1F91 0100007F:C000 01 00000000:00000000 00:00000000 00000000  1000        0 4712 1 0 20 4 30 10 -1\n   \
            2: 00000000000000000000000001000000:0050 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 4713 1 0\n";
        let found: Vec<_> = rows(table).map(|(address, inode)| format!("{address} {inode}")).collect();
        assert_eq!(found, ["127.0.0.1:8080 4711", "[::1]:80 4713"]);
    }
}
