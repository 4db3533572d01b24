//! A Windows under Wine with everything that is measured in it, and the program that does so.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::{Duration, Instant};

use crate::bench::measure;
use crate::wine::Prefix;
use crate::{Outcome, shell};

/// The folder of all programs, as they see it.
const FOLDER: &str = r"C:\bench";

/// How long is waited for anything.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long a log doesn't grow after the program has written everything, before it counts as complete.
const QUIET: Duration = Duration::from_secs(2);

/// How long a run may take in all, in seconds.
const LIMIT: &str = "7200";

/// A prefix in which `measuring` waits for orders.
pub(crate) struct Bed {
    orders: TcpStream,
    answers: BufReader<TcpStream>,
    measuring: Child,
    /// Where programs say here that they begin and end to write.
    heard: UdpSocket,
    /// Where programs say to `measuring` that they run.
    pub(crate) hears: String,
    folder: PathBuf,
    // Dropped last: everything runs in it.
    pub(crate) prefix: Prefix,
}

/// What a flood came to.
pub(crate) struct Flood {
    pub(crate) begin: Instant,
    /// When the log grew for the last time.
    pub(crate) end: Instant,
}

impl Bed {
    /// A new prefix with these programs in one folder.
    pub(crate) fn new(programs: &[&Path]) -> Outcome<Self> {
        let prefix = Prefix::new()?;
        let folder = prefix.folder.join("drive_c").join("bench");
        let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
        fs::create_dir_all(&folder).map_err(failed)?;
        for program in programs {
            fs::copy(program, folder.join(program.file_name().unwrap_or_default())).map_err(failed)?;
        }
        prefix.complete(&folder)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?.to_string();
        let mut command = prefix.command(LIMIT, "wine", &folder.join("measuring.txt"))?;
        command.arg(folder.join("measuring.exe")).arg(address);
        let measuring = command.spawn().map_err(failed)?;
        let (orders, _) = listener.accept().map_err(failed)?;
        orders.set_read_timeout(Some(PATIENCE)).map_err(failed)?;
        orders.set_nodelay(true).map_err(failed)?;
        let mut answers = BufReader::new(orders.try_clone().map_err(failed)?);
        let mut line = String::new();
        answers.read_line(&mut line).map_err(failed)?;
        let hears = line.trim().strip_prefix("hears ").ok_or_else(|| format!("measuring said {line:?}"))?;
        let heard = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).map_err(failed)?;
        heard.set_read_timeout(Some(PATIENCE)).map_err(failed)?;
        Ok(Self { hears: hears.to_owned(), orders, answers, measuring, heard, folder, prefix })
    }

    /// The path of something in the folder, as programs see it.
    pub(crate) fn inside(name: &str) -> String {
        format!(r"{FOLDER}\{name}")
    }

    /// The same from outside.
    pub(crate) fn outside(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Where floods are told of.
    pub(crate) fn listens(&self) -> Outcome<SocketAddr> {
        self.heard.local_addr().map_err(|error| error.to_string())
    }

    /// Runs a program of the folder, which has to end well.
    pub(crate) fn run(&self, program: &str, words: &[&str]) -> Outcome<String> {
        let (text, is_good) = self.prefix.run(&self.outside(program), words)?;
        if is_good { Ok(text) } else { Err(format!("{program} {}: {text}", words.join(" "))) }
    }

    /// Gives `measuring` an order; the milliseconds that it answers.
    pub(crate) fn order(&mut self, line: &str) -> Outcome<Vec<f64>> {
        let failed = |error: std::io::Error| format!("{line}: {error}");
        writeln!(self.orders, "{line}").map_err(failed)?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer).map_err(failed)?;
        let words: Vec<&str> = answer.split_whitespace().collect();
        match words[..] {
            ["ok", ref numbers @ ..] => {
                numbers.iter().map(|number| number.parse().map_err(|_| format!("{line}: {answer}"))).collect()
            }
            _ => Err(format!("{line}: {}", answer.trim())),
        }
    }

    /// The process that runs a program of the folder, as the system outside sees it.
    pub(crate) fn process(&self, program: &str) -> Outcome<u32> {
        let mark = format!("WINEPREFIX={}", self.prefix.folder.display());
        let ours = measure::processes(|environment| {
            environment.split(|byte| *byte == 0).any(|line| line == mark.as_bytes())
        });
        let path = Self::inside(program).to_lowercase();
        let is_it = |pid: &u32| {
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line).to_lowercase();
            line.trim_start_matches('"').starts_with(&path)
        };
        let found: Vec<u32> = ours.into_iter().filter(is_it).collect();
        match found[..] {
            [pid] => Ok(pid),
            _ => Err(format!("{} processes run {program}", found.len())),
        }
    }

    /// Waits until a program that writes a lot has done so and everything is in files of the folder.
    pub(crate) fn flood(&self, logs: &Path, begin: Instant) -> Outcome<Flood> {
        let mut flood = Flood { begin, end: begin };
        let mut size = 0;
        let mut ended: Option<Instant> = None;
        self.heard.set_nonblocking(true).map_err(|error| error.to_string())?;
        loop {
            if self.heard.recv(&mut [0; 64]).is_ok() {
                ended = Some(measure::now());
            }
            let grown = logged(logs);
            let now = measure::now();
            if grown != size {
                (size, flood.end) = (grown, now);
            }
            if ended.is_some_and(|ended| now - ended > QUIET) && now - flood.end > QUIET {
                return Ok(flood);
            }
            if now - flood.end > PATIENCE {
                return Err(format!("the log stays at {size} bytes"));
            }
            measure::pause(Duration::from_millis(2));
        }
    }

    /// Waits until a program says that it begins to write.
    pub(crate) fn begins(&self) -> Outcome<Instant> {
        let failed = |error: std::io::Error| format!("no program begins to write: {error}");
        self.heard.set_nonblocking(false).map_err(failed)?;
        self.heard.recv(&mut [0; 64]).map_err(failed)?;
        Ok(measure::now())
    }

    /// Forgets what was said.
    pub(crate) fn clear(&self) {
        let _ = self.heard.set_nonblocking(true);
        while self.heard.recv(&mut [0; 64]).is_ok() {}
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        // It ends when nobody gives orders any more.
        let _ = self.orders.shutdown(std::net::Shutdown::Both);
        let _ = self.measuring.wait();
    }
}

/// The files of a log.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

fn logged(folder: &Path) -> u64 {
    files(folder).iter().filter_map(|path| path.metadata().ok()).map(|file| file.len()).sum()
}

/// The path of the target's programs.
pub(crate) fn built(program: &str) -> PathBuf {
    shell::target().join(crate::wine::TARGET).join(super::PROFILE).join(program)
}
