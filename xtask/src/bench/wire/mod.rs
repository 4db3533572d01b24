//! MS-SCMR over TCP, every packet sealed, and over SMB, encrypted: whole commands of svckit and of others against the same service control manager, and a thousand machines.

mod report;
mod smb;

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use super::awake::Awake;
use super::measure;
use super::number;
use super::rows::{Results, Row, row};
use crate::{Outcome, python, shell};

/// Every row, in the order of the table.
const ROWS: &[Row] = &[
    row("list", "list of 300 services, whole command", "ms", "≤ 5", false, true),
    row("smb", "list of Samba's 4 services over SMB, whole command", "ms", "≤ half of Samba's", false, true),
    row("machines", "list of 10 services on each of 1000 machines, whole command", "s", "≤ 2", false, false),
    row("memory", "memory of that command at its most (RSS)", "MiB", "≤ 100", false, false),
];

/// Who takes part.
const SVCKIT: &str = "svckit";
const IMPACKET: &str = "impacket";
const SAMBA: &str = "Samba's net";

/// The account of all.
const USER: &str = "bench";
const PASSWORD: &str = "a password of the benchmark";

const IMPACKET_VERSION: &str = "impacket==0.13.1";

/// What impacket does in place of `svc list`.
const LISTING: &str = include_str!("list.py");

/// Runs a command and tells how much memory it had at its most, in KiB.
const PEAK: &str = "import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(done.returncode)
";

/// What is measured, and how often.
struct Plan {
    rounds: usize,
    repeats: usize,
    services: usize,
    machines: usize,
    quick: bool,
}

impl Plan {
    fn read(arguments: &[&str]) -> Outcome<Self> {
        let mut plan = Self { rounds: 3, repeats: 20, services: 300, machines: 1000, quick: false };
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
            match *word {
                "--quick" => plan = Self { rounds: 1, repeats: 5, machines: 200, quick: true, ..plan },
                "--rounds" => plan.rounds = number(value()?)?,
                other => return Err(format!("no such option of bench --wire: {other}")),
            }
        }
        Ok(plan)
    }
}

/// Measures, tells, and writes `docs/benchmarks-wire.md` unless it was a quick look.
pub(crate) fn run(arguments: &[&str]) -> Outcome {
    let plan = Plan::read(arguments)?;
    let svc = super::build("svckit", "svc")?;
    let machines = super::build("xtask", "machines")?;
    let python = python::with("benchmarks-wire", &[IMPACKET_VERSION])?;
    let bed = Bed::new(&svc, &machines, &plan)?;
    let samba = smb::Bed::new(&svc)?;
    let awake = Awake::keep();
    let mut results = Results::default();
    for round in 1..=plan.rounds {
        println!("\nround {round} of {}", plan.rounds);
        for _ in 0..plan.repeats {
            results.add("list", SVCKIT, measure::command(&mut bed.list(&bed.address))?);
            results.add("list", IMPACKET, measure::command(&mut bed.impacket(&python))?);
        }
        for _ in 0..plan.repeats {
            let Some(samba) = &samba else { break };
            results.add("smb", SVCKIT, measure::command(&mut samba.list())?);
            results.add("smb", SAMBA, measure::command(&mut samba.net())?);
        }
        for _ in 0..5 {
            results.add("machines", SVCKIT, measure::command(&mut bed.list(&bed.machines))? / 1000.0);
        }
        results.add("memory", SVCKIT, peak(&python, &bed.list(&bed.machines))?);
    }
    drop((awake, bed, samba));
    let text = report::markdown(&plan, &results)?;
    println!("\n{text}");
    if !plan.quick {
        report::write(&text, &results)?;
    }
    Ok(())
}

/// How much memory a command has at its most, in MiB.
fn peak(python: &Path, command: &Command) -> Outcome<f64> {
    let mut run = shell::program(python);
    run.args(["-c", PEAK]).arg(command.get_program()).args(command.get_args());
    let said = shell::output(&mut run)?;
    let kib: f64 = said.trim().parse().map_err(|_| format!("{said:?} is no size"))?;
    Ok(kib / 1024.0)
}

/// A service control manager that listens, machines that are simulated, and the files that clients need.
struct Bed {
    svc: PathBuf,
    folder: PathBuf,
    /// Where the service control manager listens.
    address: String,
    /// The list of the simulated machines.
    machines: String,
    simulated: Child,
    /// They end with it.
    _input: ChildStdin,
}

impl Bed {
    fn new(svc: &Path, simulator: &Path, plan: &Plan) -> Outcome<Self> {
        let folder = shell::target().join("bench-wire");
        let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).map_err(failed)?;
        let mut secret = fs::OpenOptions::new();
        let secret = secret.write(true).create_new(true).mode(0o600).open(folder.join("password"));
        writeln!(secret.map_err(failed)?, "{PASSWORD}").map_err(failed)?;
        fs::write(folder.join("list.py"), LISTING).map_err(failed)?;
        let text = (0..plan.services).fold(String::new(), |mut text, number| {
            let _ =
                write!(text, "[service.bench-{number:03}]\nrun = [\"sleep\", \"inf\"]\nstart = \"manual\"\n");
            text
        });
        fs::write(folder.join("services.toml"), text).map_err(failed)?;
        let mut simulate = shell::program(simulator);
        simulate.args([&plan.machines.to_string(), "10", USER]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut simulated = simulate.spawn().map_err(failed)?;
        let mut input = simulated.stdin.take().ok_or("the machines have no input")?;
        writeln!(input, "{PASSWORD}").map_err(failed)?;
        let output = BufReader::new(simulated.stdout.take().ok_or("the machines have no output")?);
        let addresses: Vec<_> =
            output.lines().take(plan.machines).collect::<Result<_, _>>().map_err(failed)?;
        fs::write(folder.join("machines.txt"), addresses.join("\n")).map_err(failed)?;

        let local = format!("embedded:{}", folder.join("state").display());
        let ours = |words: &[&str]| {
            let mut command = shell::program(svc);
            command.args(["--scm", &local]).args(words).current_dir(&folder);
            command
        };
        shell::output(&mut ours(&["install", "services.toml"]))?;
        let password = fs::File::open(folder.join("password")).map_err(failed)?;
        shell::output(
            ours(&["scm", "user", "add", USER, "--administrator", "--password-stdin"]).stdin(password),
        )?;
        shell::output(&mut ours(&["scm", "stop"]))?;
        let settings = "[network]\nlisten = [\"127.0.0.1:0\"]\n";
        fs::write(folder.join("state/scm.toml"), settings).map_err(failed)?;
        // Whoever comes first starts it.
        shell::output(&mut ours(&["list"]))?;
        let status = shell::output(&mut ours(&["scm", "status", "--json"]))?;
        let status: serde_json::Value = serde_json::from_str(&status).map_err(|error| error.to_string())?;
        let address = status["listening"][0].as_str();
        let address = address.ok_or_else(|| format!("nobody listens: {status}"))?.to_owned();
        let machines = format!("@{}", folder.join("machines.txt").display());
        Ok(Self { svc: svc.to_owned(), folder, address, machines, simulated, _input: input })
    }

    /// `svc list` of a target.
    fn list(&self, target: &str) -> Command {
        let mut command = shell::program(&self.svc);
        let password = self.folder.join("password");
        command
            .args(["--scm", target, "--user", USER, "--password-file"])
            .arg(password)
            .args(["--fanout", "64", "list"]);
        command
    }

    /// The same by impacket.
    fn impacket(&self, python: &Path) -> Command {
        let mut command = shell::program(python);
        let (host, port) = self.address.rsplit_once(':').unwrap_or((&self.address, ""));
        command.arg(self.folder.join("list.py")).args([host, port, USER]).arg(self.folder.join("password"));
        command
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        let mut stop = shell::program(&self.svc);
        stop.args(["--scm", &format!("embedded:{}", self.folder.join("state").display()), "scm", "stop"]);
        if let Err(message) = shell::output(&mut stop) {
            println!("the service control manager goes on: {message}");
        }
        measure::kill(self.simulated.id());
        let _ = self.simulated.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}
