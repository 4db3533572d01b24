use std::fs::File;
use std::io::{self, Read};
use std::time::Duration;

use svckit_core::usage::Process;

/// Every process that `/proc` lists.
pub fn list() -> io::Result<Vec<Process>> {
    let ticks = rustix::param::clock_ticks_per_second().max(1);
    let page = u64::try_from(rustix::param::page_size()).unwrap_or(4096);
    let mut line = String::with_capacity(512);
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc")? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        line.clear();
        // It may have ended in between.
        let read =
            File::open(format!("/proc/{pid}/stat")).and_then(|mut file| file.read_to_string(&mut line));
        if read.is_ok()
            && let Some(process) = parse(pid, &line, ticks, page)
        {
            found.push(process);
        }
    }
    Ok(found)
}

/// Reads a line of `/proc/PID/stat` (proc_pid_stat(5)): the name of the program, in parentheses, may hold anything; the state follows it as the third field.
fn parse(pid: u32, line: &str, ticks: u64, page: u64) -> Option<Process> {
    let mut fields = line.rsplit_once(')')?.1.split_ascii_whitespace();
    let time = |field: Option<&str>| {
        let count: u64 = field?.parse().ok()?;
        let millis = count.saturating_mul(1000) / ticks;
        Some(Duration::from_millis(millis))
    };
    let parent = fields.nth(1)?.parse().ok()?;
    let session = fields.nth(1)?.parse().ok()?;
    let (user, system) = (time(fields.nth(7))?, time(fields.next())?);
    let (waited_user, waited_system) = (time(fields.next())?, time(fields.next())?);
    let began = fields.nth(4)?.parse().ok()?;
    let pages: u64 = fields.nth(1)?.parse().ok()?;
    Some(Process {
        pid,
        parent,
        session,
        began,
        cpu: user + system,
        waited: waited_user + waited_system,
        memory: pages.saturating_mul(page),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_program_may_be_anything() {
        let line = "42 (a) R 1 2) S 7 42 41 0 -1 4194560 100 200 0 0 150 50 30 20 20 0 1 0 777 1000000 25 18446744073709551615";
        let expected = Process {
            pid: 42,
            parent: 7,
            session: 41,
            began: 777,
            cpu: Duration::from_secs(2),
            waited: Duration::from_millis(500),
            memory: 25 * 4096,
        };
        assert_eq!(parse(42, line, 100, 4096), Some(expected));
        assert_eq!(parse(42, "42 (short) S 7", 100, 4096), None);
    }
}
