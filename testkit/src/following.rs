//! A `svc` that goes on telling: `svc events -f`, `svc logs -f`.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use serde_json::Value;

use crate::PATIENCE;
use crate::svc::Svc;

/// A `svc` that goes on until this is dropped, and its lines.
#[derive(Debug)]
pub struct Following {
    child: Child,
    lines: Receiver<String>,
}

impl Following {
    /// Runs it.
    pub fn new(svc: &Svc, arguments: &[&str]) -> Self {
        let mut child = svc.command(arguments).stdout(Stdio::piped()).spawn().expect("svc can be run");
        let output = child.stdout.take().expect("it is piped");
        let (say, lines) = channel();
        thread::spawn(move || {
            for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
                if say.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                    return;
                }
            }
        });
        Self { child, lines }
    }

    /// Follows the events of a service, from its first.
    pub fn events(svc: &Svc, service: &str) -> Self {
        Self::new(svc, &["events", service, "-f", "-n", "1000", "--json"])
    }

    /// The next line that is as wanted; those before it are gone.
    #[track_caller]
    pub fn until(&self, wanted: impl Fn(&str) -> bool) -> String {
        loop {
            let line = self.lines.recv_timeout(PATIENCE).expect("the line comes");
            if wanted(&line) {
                return line;
            }
        }
    }

    /// The next event of a kind; the status of its service is at least as new as it.
    #[track_caller]
    pub fn event(&self, id: u32) -> Value {
        let is_it = |line: &str| read(line)["id"] == id;
        read(&self.until(is_it))
    }
}

fn read(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("no event: {error}: {line}"))
}

impl Drop for Following {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
