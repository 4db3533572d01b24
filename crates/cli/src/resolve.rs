//! Whether names of hosts have addresses. The system's own look-up can take any time and can't be ended, so a process of its own makes each, which can.

use std::io::{self, Read, Write};
use std::net::ToSocketAddrs;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use svckit_host::clock;

/// How long all the look-ups may take: twice as long as the first attempt of most resolvers (`resolv.conf(5)`, `timeout`).
pub(crate) const LIMIT: Duration = Duration::from_secs(10);

/// What a process says of a name that has an address.
const FOUND: &str = "found";

/// What came of a look-up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Lookup {
    Found,
    /// It has no address, and why.
    Nothing(String),
    /// There was no answer in time.
    Late,
}

/// Looks these up, all at the same time.
pub(crate) fn all(hosts: &[String], limit: Duration) -> io::Result<Vec<Lookup>> {
    let program = std::env::current_exe()?;
    look_up(hosts, limit, |host| {
        let mut command = Command::new(&program);
        command.args(["host", "resolve", host]);
        command
    })
}

fn look_up(hosts: &[String], limit: Duration, command: impl Fn(&str) -> Command) -> io::Result<Vec<Lookup>> {
    let deadline = clock::now().tick + limit;
    let mut processes = Processes(Vec::new());
    let (sender, answers) = channel();
    for (index, host) in hosts.iter().enumerate() {
        let mut command = command(host);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let output = child.stdout.take();
        processes.0.push(child);
        let sender = sender.clone();
        // It ends when the process does, at the latest when that is killed.
        thread::Builder::new().name("resolve".to_owned()).spawn(move || {
            let mut said = String::new();
            let read = output.map_or(Ok(0), |mut output| output.read_to_string(&mut said));
            let _ = sender.send((index, read.map(|_| said)));
        })?;
    }
    let mut found = vec![Lookup::Late; hosts.len()];
    for _ in hosts {
        let Ok((index, said)) = answers.recv_timeout(deadline.since(clock::now().tick)) else { break };
        found[index] = match said?.as_str() {
            FOUND => Lookup::Found,
            why => Lookup::Nothing(why.to_owned()),
        };
    }
    Ok(found)
}

/// Nobody needs them any more when this is dropped.
struct Processes(Vec<Child>);

impl Drop for Processes {
    fn drop(&mut self) {
        for child in &mut self.0 {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Looks one up in this process.
pub(crate) fn one(host: &str) -> ExitCode {
    let said = match (host, 0_u16).to_socket_addrs().map(|mut found| found.next()) {
        Ok(Some(_)) => FOUND.to_owned(),
        Ok(None) => "it has no address".to_owned(),
        Err(error) => crate::failure::plain(&error),
    };
    match io::stdout().write_all(said.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_does_not_answer_holds_up_nobody_and_is_ended() {
        let folder = tempfile::tempdir().unwrap();
        let hosts = ["found", "no such host", "hang"].map(str::to_owned);
        let pid = folder.path().join("pid");
        let shell = |host: &str| {
            let script = match host {
                "hang" => format!("echo $$ > {}; exec sleep 1000", pid.display()),
                host => format!("printf '{host}'"),
            };
            let mut command = Command::new("sh");
            command.args(["-c", &script]);
            command
        };
        let found = look_up(&hosts, Duration::from_secs(3), shell).unwrap();
        assert_eq!(found, [Lookup::Found, Lookup::Nothing("no such host".to_owned()), Lookup::Late]);
        let process = std::fs::read_to_string(&pid).unwrap();
        assert!(!std::path::Path::new("/proc").join(process.trim()).exists());
    }

    #[test]
    fn the_process_of_a_look_up_says_what_is_expected() {
        assert_eq!(look_up(&[], Duration::ZERO, |_| Command::new("false")).unwrap(), []);
        let late = look_up(&["x".to_owned()], Duration::ZERO, |_| Command::new("cat")).unwrap();
        assert_eq!(late, [Lookup::Late]);
    }
}
