//! The side of the benchmarks that is inside Windows: it starts and stops services when it is told to, and says how long that took.
//!
//! `measuring ADDRESS` connects there, says `hears ADDRESS` (where the measured programs are to say that they run), and then answers each line with one:
//! `ok MILLISECONDS …` or `failed WHY`.
//!
//! | | |
//! |---|---|
//! | `start NAME` | until the notification of RUNNING, and until the program says that it runs |
//! | `start-only NAME` | until the notification of RUNNING |
//! | `stop NAME` | until the notification of STOPPED |
//! | `crash` | from the moment when the program that runs says that it ends until its successor says that it runs |
//! | `spawn COMMAND` | a program by itself, with a console of its own without a window, until it says that it runs |

#![forbid(unsafe_code)]

#[cfg(windows)]
mod rounds {
    use std::collections::HashMap;
    use std::error::Error;
    use std::io::{BufRead, BufReader, Write};
    use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
    use std::os::windows::process::CommandExt;
    use std::process::Command;
    use std::sync::mpsc::{Receiver, channel};
    use std::thread;
    use std::time::{Duration, Instant};

    use svckit_core::access::{ManagerAccess, ServiceAccess};
    use svckit_core::backend::{Backend, Service};
    use svckit_core::control::Control;
    use svckit_core::status::{NotifyMask, ServiceState};
    use svckit_manager::windows::WindowsBackend;

    /// How long is waited for anything.
    const PATIENCE: Duration = Duration::from_secs(30);

    const CREATE_NO_WINDOW: u32 = 0x0800_0000;

    type Outcome<T> = Result<T, Box<dyn Error>>;

    /// What a measured program said, when, and where it can be told to end.
    struct Said {
        at: Instant,
        text: String,
        by: SocketAddr,
    }

    struct Rounds {
        said: Receiver<Said>,
        answer: UdpSocket,
        services: HashMap<String, Box<dyn Service>>,
        /// The program that said last that it runs.
        running: Option<SocketAddr>,
    }

    pub(crate) fn serve() -> Outcome<()> {
        let address = std::env::args().nth(1).ok_or("measuring ADDRESS")?;
        let orders = TcpStream::connect(address)?;
        orders.set_nodelay(true)?;
        let mut answers = orders.try_clone()?;
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        let answer = socket.try_clone()?;
        let (say, said) = channel();
        writeln!(answers, "hears {}", socket.local_addr()?)?;
        thread::spawn(move || {
            let mut buffer = [0; 256];
            loop {
                // A program that has ended can't be told anything any more, which Windows tells of as an error here.
                let Ok((length, by)) = socket.recv_from(&mut buffer) else { continue };
                let at = now();
                let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
                if say.send(Said { at, text, by }).is_err() {
                    return;
                }
            }
        });
        let mut rounds = Rounds { said, answer, services: HashMap::new(), running: None };
        for line in BufReader::new(orders).lines() {
            match rounds.obey(&line?) {
                Ok(taken) => {
                    let taken: Vec<String> = taken.into_iter().map(millis).collect();
                    writeln!(answers, "ok {}", taken.join(" "))?;
                }
                Err(error) => writeln!(answers, "failed {}", error.to_string().replace('\n', " "))?,
            }
        }
        Ok(())
    }

    impl Rounds {
        fn obey(&mut self, line: &str) -> Outcome<Vec<Duration>> {
            while self.said.try_recv().is_ok() {}
            let words: Vec<&str> = line.split(' ').collect();
            match words[..] {
                ["start", name] => {
                    let (begin, running) = self.change(name, ServiceState::RUNNING)?;
                    Ok(vec![running, self.ready()?.saturating_duration_since(begin)])
                }
                ["start-only", name] => Ok(vec![self.change(name, ServiceState::RUNNING)?.1]),
                ["stop", name] => Ok(vec![self.change(name, ServiceState::STOPPED)?.1]),
                ["crash"] => {
                    self.end()?;
                    let ended = self.hear("ending")?.at;
                    Ok(vec![self.ready()?.saturating_duration_since(ended)])
                }
                ["spawn", program, ref arguments @ ..] => {
                    let begin = now();
                    let mut child =
                        Command::new(program).args(arguments).creation_flags(CREATE_NO_WINDOW).spawn()?;
                    let taken = self.ready()?.saturating_duration_since(begin);
                    self.end()?;
                    child.wait()?;
                    Ok(vec![taken])
                }
                _ => Err(format!("no such order: {line}").into()),
            }
        }

        /// Starts or stops a service; when that began, and how long it took to reach the state.
        fn change(&mut self, name: &str, state: ServiceState) -> Outcome<(Instant, Duration)> {
            if !self.services.contains_key(name) {
                let manager = WindowsBackend::local().open_manager(ManagerAccess::CONNECT)?;
                let service = manager.open_service(name, ServiceAccess::ALL_ACCESS)?;
                self.services.insert(name.to_owned(), service);
            }
            let service = &self.services[name];
            // The question is asked before, so that asking takes nothing of the time; it stays open.
            if service.wait(NotifyMask::of(state), Duration::ZERO)?.is_some() {
                return Err(format!("{name} is {state} already").into());
            }
            let begin = now();
            if state == ServiceState::RUNNING {
                service.start(&[])?;
            } else {
                service.control(Control::STOP)?;
            }
            match service.wait(NotifyMask::of(state), PATIENCE)? {
                Some(_) => Ok((begin, begin.elapsed())),
                None => Err(format!("{name} does not become {state}").into()),
            }
        }

        /// When a program said that it runs.
        fn ready(&mut self) -> Outcome<Instant> {
            let said = self.hear("ready")?;
            self.running = Some(said.by);
            Ok(said.at)
        }

        fn hear(&self, what: &str) -> Outcome<Said> {
            loop {
                let said = self.said.recv_timeout(PATIENCE).map_err(|_| format!("no program said {what}"))?;
                if said.text.split(' ').next() == Some(what) {
                    return Ok(said);
                }
            }
        }

        /// Tells the program that runs to end.
        fn end(&mut self) -> Outcome<()> {
            let program = self.running.take().ok_or("no program runs")?;
            self.answer.send_to(b"end", program)?;
            Ok(())
        }
    }

    fn millis(taken: Duration) -> String {
        format!("{:.3}", taken.as_secs_f64() * 1000.0)
    }

    #[expect(clippy::disallowed_methods, reason = "measuring time is what this is for")]
    fn now() -> Instant {
        Instant::now()
    }
}

#[cfg(windows)]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    rounds::serve()
}

#[cfg(not(windows))]
fn main() -> Result<(), &'static str> {
    Err("this is for Windows")
}
