//! Every process of the machine, with what it uses: `list`. Processes that may not be looked at are left out, or told of as far as everybody may see them.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub use unix::list;
#[cfg(windows)]
pub use windows::list;
#[cfg(windows)]
pub(crate) use windows::parents;

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn this_process_is_listed_with_what_it_uses() {
        let before = list().unwrap();
        let pid = std::process::id();
        let own = before.iter().find(|process| process.pid == pid).unwrap();
        assert!(own.memory > 100_000, "{own:?}");
    }

    #[test]
    fn a_child_is_listed_below_its_parent() {
        // Both read their input until it ends.
        let program = if cfg!(windows) { "cmd" } else { "cat" };
        let mut child = Command::new(program).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let all = list().unwrap();
        let find = |pid: u32| all.iter().find(|process| process.pid == pid).unwrap();
        let (own, below) = (find(std::process::id()), find(child.id()));
        assert_eq!(below.parent, own.pid);
        assert!(own.began <= below.began, "{own:?} {below:?}");
        drop(child.stdin.take());
        child.wait().unwrap();
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn work_is_processor_time() {
        let own = || {
            let pid = std::process::id();
            list().unwrap().into_iter().find(|process| process.pid == pid).unwrap()
        };
        let before = own();
        // Ends when the system has counted it, or never.
        while own().cpu == before.cpu {}
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_has_the_session_that_it_began() {
        use std::io::Read;

        // The session of this process itself may be out of sight: in a container it is then told as zero.
        let mut child = Command::new("setsid")
            .args(["sh", "-c", "echo; exec cat"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = child.stdout.take().unwrap();
        output.read_exact(&mut [0]).unwrap();
        let all = list().unwrap();
        let begun = all.iter().find(|process| process.pid == child.id()).unwrap();
        assert_eq!(begun.session, child.id());
        drop(child.stdin.take());
        child.wait().unwrap();
    }
}
