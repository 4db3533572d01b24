#![allow(unsafe_code)]

use std::ffi::c_void;
use std::io;
use std::mem::{offset_of, transmute};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ptr;

use windows_sys::Win32::Foundation::{ERROR_INSUFFICIENT_BUFFER, ERROR_SUCCESS};
use windows_sys::Win32::NetworkManagement::IpHelper::{
    MIB_TCP6ROW_OWNER_PID, MIB_TCP6TABLE_OWNER_PID, MIB_TCPROW_OWNER_PID, MIB_TCPTABLE_OWNER_PID,
    TCP_TABLE_OWNER_PID_LISTENER,
};
use windows_sys::Win32::Networking::WinSock::{AF_INET, AF_INET6};

use super::{Listener, Owner};
use crate::library::{self, Function};
use crate::process::program_of;

/// How often the table is asked for again because it grew meanwhile.
const ATTEMPTS: usize = 8;

/// Every place where somebody listens.
pub fn all() -> io::Result<Vec<Listener>> {
    let mut found = Vec::new();
    let (four, six) = (offset_of!(MIB_TCPTABLE_OWNER_PID, table), offset_of!(MIB_TCP6TABLE_OWNER_PID, table));
    // SAFETY: the system filled the table with rows of this family, so many as its first field says.
    let rows_of_four = unsafe { rows::<MIB_TCPROW_OWNER_PID>(&table(AF_INET)?, four) };
    for row in rows_of_four {
        let ip = IpAddr::V4(Ipv4Addr::from(row.dwLocalAddr.to_ne_bytes()));
        found.push(listener(ip, row.dwLocalPort, row.dwOwningPid));
    }
    // A machine may have the older family only.
    let table_of_six = table(AF_INET6).unwrap_or_default();
    // SAFETY: as above.
    let rows_of_six = unsafe { rows::<MIB_TCP6ROW_OWNER_PID>(&table_of_six, six) };
    for row in rows_of_six {
        let ip = IpAddr::V6(Ipv6Addr::from(row.ucLocalAddr));
        found.push(listener(ip, row.dwLocalPort, row.dwOwningPid));
    }
    Ok(found)
}

/// The port is in the low half, in the network's byte order.
fn listener(ip: IpAddr, port: u32, pid: u32) -> Listener {
    let [high, low, ..] = port.to_le_bytes();
    let program = program_of(pid).and_then(|path| Some(path.file_name()?.to_str()?.to_owned()));
    let owner = (pid != 0).then_some(Owner { pid, program });
    Listener { address: SocketAddr::new(ip, u16::from_be_bytes([high, low])), owner }
}

/// `GetExtendedTcpTable`
type GetTable = unsafe extern "system" fn(*mut c_void, *mut u32, i32, u32, i32, u32) -> u32;

/// The system's table of listening sockets of a family.
fn table(family: u16) -> io::Result<Vec<u64>> {
    let function = library::function("iphlpapi.dll", c"GetExtendedTcpTable")?;
    // SAFETY: this is the type that the system documents of the function.
    let get = unsafe { transmute::<Function, GetTable>(function) };
    let mut table: Vec<u64> = vec![0; 512];
    for _ in 0..ATTEMPTS {
        let mut bytes = u32::try_from(table.len() * 8).map_err(|_| io::ErrorKind::InvalidData)?;
        // SAFETY: so many bytes can be written to the buffer, and their number where told.
        let code = unsafe {
            get(table.as_mut_ptr().cast(), &raw mut bytes, 0, family.into(), TCP_TABLE_OWNER_PID_LISTENER, 0)
        };
        match code {
            ERROR_SUCCESS => return Ok(table),
            ERROR_INSUFFICIENT_BUFFER => table.resize(bytes as usize / 8 + 64, 0),
            code => return Err(io::Error::from_raw_os_error(code.cast_signed())),
        }
    }
    Err(io::ErrorKind::InvalidData.into())
}

/// The rows of a table, which begin at a place in it.
///
/// # Safety
/// The first four bytes are the number of rows, which are `T`s, or the table is empty.
unsafe fn rows<T: Copy>(table: &[u64], start: usize) -> Vec<T> {
    let Some(first) = table.first() else { return Vec::new() };
    let [a, b, c, d, ..] = first.to_ne_bytes();
    let count = u32::from_ne_bytes([a, b, c, d]) as usize;
    let fits = (table.len() * 8).saturating_sub(start) / size_of::<T>();
    let row = |index: usize| {
        // SAFETY: the row ends within the table; the caller vouches for what is in it.
        unsafe {
            ptr::read_unaligned(table.as_ptr().cast::<u8>().add(start + index * size_of::<T>()).cast::<T>())
        }
    };
    (0..count.min(fits)).map(row).collect()
}
