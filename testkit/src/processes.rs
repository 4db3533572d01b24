//! Processes that come from a test, of all that this system has.

use std::fs;

use svckit_os::pidfd::PidFd;

use crate::PATIENCE;

/// The processes that are such.
pub(crate) fn that(are_such: impl Fn(u32) -> bool) -> Vec<u32> {
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    all.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter(|pid| are_such(*pid)).collect()
}

/// Ends by force what `left` tells. What is ended may start something before it is: this goes on until nothing is left.
pub(crate) fn end(left: impl Fn() -> Vec<u32>) {
    loop {
        let processes = left();
        if processes.is_empty() {
            return;
        }
        for pid in processes {
            // It may have ended by itself.
            let Ok(process) = PidFd::open(pid) else { continue };
            let _ = process.kill();
            let _ = process.wait(PATIENCE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::os::unix::process::ExitStatusExt;
    use std::process::Command;

    #[test]
    fn what_comes_meanwhile_is_ended_too() {
        let start = || Command::new("sleep").arg("1000").spawn().unwrap();
        let mut children = [start(), start()];
        let turn = Cell::new(0);
        end(|| {
            let now = turn.replace(turn.get() + 1);
            children.get(now).map(std::process::Child::id).into_iter().collect()
        });
        assert_eq!(turn.get(), 3);
        for child in &mut children {
            assert_eq!(child.wait().unwrap().signal(), Some(9));
        }
    }

    #[test]
    fn processes_are_found_by_what_they_are() {
        let own = std::process::id();
        assert_eq!(that(|pid| pid == own), [own]);
        assert_eq!(that(|_| false), [0; 0]);
    }
}
