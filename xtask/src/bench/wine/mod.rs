//! The hosts of services on Windows: svckit, NSSM and shawl in the same Wine prefix, in turn.

mod bed;
mod hosts;
mod lines;
mod report;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::awake::{Awake, Pinned};
use super::measure;
use super::number;
use super::rows::{Results, Row, row};
use crate::{Outcome, shell, wine};
use bed::Bed;
use hosts::{Host, Service};

/// Every row, in the order of the table.
const ROWS: &[Row] = &[
    row("running", "start → RUNNING", "ms", "", false, true),
    row("ready", "start → the program runs", "ms", "≤ 1.5 × minimal + a program alone", false, true),
    row("stop", "stop, the program obeys Ctrl+C", "ms", "≤ 10", false, true),
    row("crash", "program ended → its successor runs", "ms", "≤ 30", false, true),
    row("memory", "private memory (USS)", "MiB", "≤ 6", false, false),
    row("idle", "context switches in 30 s without work", "", "≤ 2", false, false),
    row("flood", "200 MB of output in pieces of 64 KiB", "MB/s", "≥ 200", true, false),
    row("flood-cpu", "processor time of the host for that", "s", "≤ 0.5", false, false),
    row("lines", "20 MB of output, one write a line", "MB/s", "≥ 6", true, false),
    row("lines-cpu", "processor time of the host for that", "s", "", false, false),
    row("size", "size of the program", "MB", "≤ 4", false, false),
];

/// The profile of releases for Windows, and the folder that its programs are in.
const PROFILE: &str = "windows";

/// The name under which what a program takes and writes without a host stands.
const ALONE: &str = "alone";

/// How long nothing is done, to see who does something.
const IDLE: Duration = Duration::from_secs(30);

/// The writers of output: the row, the role of the measured program, how much it writes, and the length of a line.
const WRITERS: &[Writer] = &[
    Writer { row: "flood", cpu: "flood-cpu", bytes: 200_000_000, line: 64, has_one_core: false },
    Writer { row: "lines", cpu: "lines-cpu", bytes: 20_000_000, line: 90, has_one_core: true },
];

struct Writer {
    /// The row, which is the role of the measured program too.
    row: &'static str,
    cpu: &'static str,
    bytes: usize,
    line: usize,
    /// What consists of programs that wake each other is measured on one core: else it is measured how long another core takes to wake. It takes long, and is done once.
    has_one_core: bool,
}

/// What is measured, and how often.
struct Plan {
    rounds: usize,
    /// How often a service is started and stopped, or crashes, in a turn.
    repeats: usize,
    only: Option<String>,
    quick: bool,
}

impl Plan {
    fn read(arguments: &[&str]) -> Outcome<Self> {
        let mut plan = Self { rounds: 3, repeats: 10, only: None, quick: false };
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
            match *word {
                "--quick" => plan = Self { rounds: 1, repeats: 5, quick: true, ..plan },
                "--only" => plan.only = Some(value()?.to_string()),
                "--rounds" => plan.rounds = number(value()?)?,
                other => return Err(format!("no such option of bench --wine: {other}")),
            }
        }
        if let Some(only) = &plan.only
            && !ROWS.iter().any(|row| row.key == only)
        {
            let keys: Vec<&str> = ROWS.iter().map(|row| row.key).collect();
            return Err(format!("no row {only}, but {}", keys.join(", ")));
        }
        Ok(plan)
    }

    fn wants(&self, row: &str) -> bool {
        self.only.as_deref().is_none_or(|only| only == row)
    }

    fn wants_any(&self, rows: &[&str]) -> bool {
        rows.iter().any(|row| self.wants(row))
    }
}

/// Measures, tells, and writes `docs/benchmarks-wine.md` unless it was a quick or partial look.
pub(crate) fn run(arguments: &[&str]) -> Outcome {
    let plan = Plan::read(arguments)?;
    wine::prepare()?;
    build(&["--package", "xtask", "--bin", "measured", "--bin", "measuring"])?;
    let mut hosts = vec![hosts::ours()?, hosts::minimal()?];
    let mut skipped = Vec::new();
    for found in [hosts::nssm(), hosts::shawl()] {
        match found {
            Ok(host) => hosts.push(host),
            Err(message) => {
                println!("skipped: {message}");
                skipped.push(message);
            }
        }
    }
    let before = load();
    let awake = Awake::keep();
    let programs: Vec<PathBuf> = hosts
        .iter()
        .map(|host| host.program.clone())
        .chain(["measured.exe", "measuring.exe"].map(bed::built))
        .collect();
    let programs: Vec<&Path> = programs.iter().map(PathBuf::as_path).collect();
    let bed = || Bed::new(&programs);
    let mut results = Results::default();
    everything(&plan, &hosts, bed()?, &mut results)?;
    on_one_core(&plan, &hosts, bed, &mut results)?;
    let load = format!("{before} at the beginning and {} at the end, with {awake}", load());
    drop(awake);
    let text = report::markdown(&plan, &hosts, &results, &skipped, &load)?;
    println!("\n{text}");
    if !plan.quick && plan.only.is_none() {
        report::write(&text, &hosts, &results)?;
    }
    Ok(())
}

/// Measures all rows but those that are for one core.
fn everything(plan: &Plan, hosts: &[Host], mut bed: Bed, results: &mut Results) -> Outcome {
    for host in hosts {
        let size =
            fs::metadata(&host.program).map_err(|error| format!("{}: {error}", host.program.display()))?;
        results.add("size", host.name, size.len() as f64 / 1e6);
        install(&bed, host)?;
    }
    idle(plan, &mut bed, hosts, results)?;
    for round in 1..=plan.rounds {
        println!("\nround {round} of {}", plan.rounds);
        for host in hosts {
            turn(host, results, |results| services(plan, &mut bed, host, results));
            turn(host, results, |results| output(plan, &mut bed, host, false, results));
        }
        alone(plan, &mut bed, results)?;
    }
    Ok(())
}

/// Measures the rows that are for one core, in a prefix of their own.
fn on_one_core(
    plan: &Plan,
    hosts: &[Host],
    bed: impl FnOnce() -> Outcome<Bed>,
    results: &mut Results,
) -> Outcome {
    if !WRITERS.iter().any(|writer| writer.has_one_core && plan.wants_any(&[writer.row, writer.cpu])) {
        return Ok(());
    }
    println!("\non one core");
    let _pinned = Pinned::to_one_core()?;
    let mut bed = bed()?;
    for host in hosts {
        install(&bed, host)?;
        turn(host, results, |results| output(plan, &mut bed, host, true, results));
    }
    Ok(())
}

/// Has a host measured; what fails is told, and the others go on.
fn turn(host: &Host, results: &mut Results, measure: impl FnOnce(&mut Results) -> Outcome) {
    if let Err(message) = measure(results) {
        println!("  {}: {message}", host.name);
        results.failures.push(format!("{}: {message}", host.name));
    }
}

/// Builds programs for Windows as they are released.
fn build(what: &[&str]) -> Outcome {
    let mut build = shell::cargo();
    build.args(["build", "--profile", PROFILE, "--locked", "--quiet", "--target", wine::TARGET]).args(what);
    shell::run(&mut build)
}

/// The load of the machine in the last minute.
fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or("unknown").to_owned()
}

/// The name of a service of a host.
fn service(host: &Host, role: &str) -> String {
    format!("{}-{role}", host.program().trim_end_matches(".exe"))
}

/// Makes all services of a host.
fn install(bed: &Bed, host: &Host) -> Outcome {
    let measured = Bed::inside("measured.exe");
    let name = service(host, "ready");
    let command = [&measured, "ready", &bed.hears, &name].map(str::to_owned).to_vec();
    host.install(bed, &Service { name, command, logs: None })?;
    if host.is_reference() {
        return Ok(());
    }
    for writer in WRITERS {
        let name = service(host, writer.row);
        let command = [&measured, writer.row, &bed.listens()?.to_string(), &writer.bytes.to_string()];
        let command = command.map(str::to_owned).to_vec();
        host.install(bed, &Service { logs: Some(name.clone()), name, command })?;
    }
    Ok(())
}

/// What all hosts do while there is nothing to do.
fn idle(plan: &Plan, bed: &mut Bed, hosts: &[Host], results: &mut Results) -> Outcome {
    if !plan.wants("idle") {
        return Ok(());
    }
    for host in hosts {
        bed.order(&format!("start-only {}", service(host, "ready")))?;
    }
    measure::pause(Duration::from_secs(3));
    let switches =
        |bed: &Bed, host: &Host| Ok::<_, String>(measure::switches(&[bed.process(host.program())?]));
    let before: Vec<u64> = hosts.iter().map(|host| switches(bed, host)).collect::<Outcome<_>>()?;
    measure::pause(IDLE);
    for (host, before) in hosts.iter().zip(before) {
        results.add("idle", host.name, (switches(bed, host)? - before) as f64);
    }
    hosts.iter().try_for_each(|host| bed.order(&format!("stop {}", service(host, "ready"))).map(drop))
}

/// Starts, stops and crashes of one host, and its memory.
fn services(plan: &Plan, bed: &mut Bed, host: &Host, results: &mut Results) -> Outcome {
    if !plan.wants_any(&["running", "ready", "stop", "crash", "memory"]) {
        return Ok(());
    }
    let name = service(host, "ready");
    let verb = if host.is_reference() { "start-only" } else { "start" };
    let (start, stop) = (format!("{verb} {name}"), format!("stop {name}"));
    // Once before it counts: what was never used comes from the disk.
    bed.order(&start)?;
    bed.order(&stop)?;
    for _ in 0..plan.repeats {
        let taken = bed.order(&start)?;
        for (row, taken) in ["running", "ready"].into_iter().zip(taken) {
            results.add(row, host.name, taken);
        }
        // A program that was told to end before it had looked around would not be what is measured.
        measure::pause(Duration::from_millis(100));
        bed.order(&stop)?.into_iter().for_each(|taken| results.add("stop", host.name, taken));
        measure::pause(Duration::from_millis(100));
    }
    bed.order(&start)?;
    measure::pause(Duration::from_secs(3));
    let process = bed.process(host.program())?;
    results.add("memory", host.name, measure::private_memory(process));
    if !host.is_reference() {
        for _ in 0..plan.repeats {
            bed.order("crash")?.into_iter().for_each(|taken| results.add("crash", host.name, taken));
            measure::pause(Duration::from_millis(100));
        }
    }
    bed.order(&stop).map(drop)
}

/// Programs of one host that write a lot, those that are for one core or the others.
fn output(plan: &Plan, bed: &mut Bed, host: &Host, has_one_core: bool, results: &mut Results) -> Outcome {
    if host.is_reference() {
        return Ok(());
    }
    let wanted = WRITERS.iter().filter(|writer| writer.has_one_core == has_one_core);
    for writer in wanted.filter(|writer| plan.wants_any(&[writer.row, writer.cpu])) {
        let name = service(host, writer.row);
        let logs = bed.outside(&name);
        bed::files(&logs).iter().for_each(|file| drop(fs::remove_file(file)));
        bed.clear();
        bed.order(&format!("start-only {name}"))?;
        let written = flood(bed, host, writer, &logs);
        let stopped = bed.order(&format!("stop {name}"));
        let (speed, time) = written?;
        let missing = lines::missing(&logs, writer.bytes / writer.line, writer.line)?;
        results.add(writer.row, host.name, speed);
        results.add(writer.cpu, host.name, time);
        if missing > 0 {
            let what = format!(
                "{}: {}: {missing} of {} lines are not in the log",
                host.name,
                writer.row,
                writer.bytes / writer.line
            );
            println!("  {what}");
            results.failures.push(what);
        }
        stopped?;
    }
    Ok(())
}

/// The MB/s from the first byte until the last is in a file, and the processor time of the host for that in seconds.
fn flood(bed: &Bed, host: &Host, writer: &Writer, logs: &Path) -> Outcome<(f64, f64)> {
    let time = |process| measure::processor_time(process).ok_or("the host is gone");
    let begin = bed.begins()?;
    let process = bed.process(host.program())?;
    let before = time(process)?;
    let flood = bed.flood(logs, begin)?;
    let bytes = writer.bytes / writer.line * writer.line;
    let speed = bytes as f64 / 1e6 / (flood.end - flood.begin).as_secs_f64();
    Ok((speed, time(process)? - before))
}

/// A program by itself.
fn alone(plan: &Plan, bed: &mut Bed, results: &mut Results) -> Outcome {
    if !plan.wants_any(&["ready", "crash"]) {
        return Ok(());
    }
    let order = format!("spawn {} ready {} alone", Bed::inside("measured.exe"), bed.hears);
    for _ in 0..plan.repeats {
        bed.order(&order)?.into_iter().for_each(|taken| results.add("ready", ALONE, taken));
    }
    Ok(())
}
