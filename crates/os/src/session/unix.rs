/// A text that is the same for all processes from one start of the machine (or container) to its end, and another after that: the boot
/// identifier with the start time of process 1.
#[cfg(target_os = "linux")]
pub fn identity() -> std::io::Result<String> {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
    let first = std::fs::read_to_string("/proc/1/stat")?;
    let start = start_time(&first).ok_or_else(|| {
        std::io::Error::new(std::io::ErrorKind::InvalidData, "/proc/1/stat has no start time")
    })?;
    Ok(format!("{}/{start}", boot.trim()))
}

/// The name of the machine, without a domain.
pub fn host_name() -> String {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    name.split('.').next().unwrap_or_default().to_owned()
}

/// The user that this process acts as.
pub fn user() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Field 22 of `/proc/PID/stat`; the name before it, in parentheses, may contain anything.
#[cfg(target_os = "linux")]
fn start_time(stat: &str) -> Option<u64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.split_ascii_whitespace().nth(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_identity_stays() {
        let first = identity().unwrap();
        assert!(first.len() > 36, "{first}");
        assert_eq!(identity().unwrap(), first);
    }

    #[test]
    fn a_name_with_parentheses_and_spaces_does_not_confuse() {
        let stat = "1 (a) b (c) S 0 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4711 99";
        assert_eq!(start_time(stat), Some(4711));
    }
}
