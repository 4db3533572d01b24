//! What is measured, row by row.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use super::Plan;
use super::bed::Bed;
use super::contender::Contender;
use super::measure::{self, median};
use crate::Outcome;

/// A line of the table.
pub(crate) struct Row {
    pub(crate) key: &'static str,
    pub(crate) title: &'static str,
    pub(crate) unit: &'static str,
    /// What ours has to reach, in words.
    pub(crate) goal: &'static str,
    /// Whether more is better.
    pub(crate) more_is_better: bool,
    /// Whether the chart needs a logarithmic scale.
    pub(crate) logarithmic: bool,
}

/// Every row, in the order of the table.
pub(crate) const ROWS: &[Row] = &[
    row("up", "all services up", "s", "≤ 1.5", false, false),
    row("memory", "memory of the supervisors (PSS)", "MiB", "≤ 95, shared ≤ 25", false, false),
    row("restart", "program killed → its successor runs", "ms", "≤ 3", false, true),
    row("status", "status of all services, whole command", "ms", "≤ 8", false, true),
    row("status-one", "status of one service, whole command", "ms", "≤ 5", false, true),
    row("status-loop", "status of one while another crash-loops", "ms", "≤ 20", false, true),
    row("status-storm", "status of one while all crash at once", "ms", "≤ 20", false, true),
    row("status-worst", "the slowest of these", "ms", "", false, true),
    row("log", "output captured and rotated at 1 MB", "MB/s", "≥ 500", true, false),
    row("idle", "wake-ups of the supervisors a minute", "", "0", false, false),
];

pub(crate) const fn row(
    key: &'static str,
    title: &'static str,
    unit: &'static str,
    goal: &'static str,
    more_is_better: bool,
    logarithmic: bool,
) -> Row {
    Row { key, title, unit, goal, more_is_better, logarithmic }
}

/// The name under which the writer's speed without a supervisor stands in the row `log`.
pub(crate) const STRAIGHT: &str = "straight to a file";

/// Values by row and contender.
#[derive(Debug, Default)]
pub(crate) struct Results {
    values: BTreeMap<(&'static str, &'static str), Vec<f64>>,
    /// Turns that could not be finished, and why.
    pub(crate) failures: Vec<String>,
}

impl Results {
    pub(crate) fn add(&mut self, row: &'static str, contender: &'static str, value: f64) {
        println!("  {contender}: {row} {value:.2}");
        self.values.entry((row, contender)).or_default().push(value);
    }

    /// The median of a row for a contender.
    pub(crate) fn median(&self, row: &'static str, contender: &'static str) -> Option<f64> {
        median(self.values.get(&(row, contender))?)
    }

    /// The best value of a row for a contender: that of the turn which other work on the machine disturbed least.
    pub(crate) fn best(&self, row: &Row, contender: &'static str) -> Option<f64> {
        let values = self.values.get(&(row.key, contender))?.iter().copied();
        values.reduce(if row.more_is_better { f64::max } else { f64::min })
    }

    /// How many values a median is of.
    pub(crate) fn count(&self, row: &'static str, contender: &'static str) -> usize {
        self.values.get(&(row, contender)).map_or(0, Vec::len)
    }
}

/// Measures everything that the plan wants; who fails a turn is told of, and the others go on.
pub(crate) fn measure(plan: &Plan, contenders: &[Box<dyn Contender>], measured: &Path) -> Outcome<Results> {
    let mut results = Results::default();
    for round in 1..=plan.rounds {
        println!("\nround {round} of {}", plan.rounds);
        for contender in contenders {
            if let Err(message) = turn(plan, &**contender, measured, round, &mut results) {
                println!("  {}: {message}", contender.name());
                results.failures.push(format!("{}: {message}", contender.name()));
            }
        }
        if plan.wants("status-loop") {
            for contender in contenders {
                if let Err(message) = crash_loop(plan, &**contender, measured, &mut results) {
                    results.failures.push(format!("{}: {message}", contender.name()));
                }
            }
        }
        if plan.wants("log") {
            let straight = flood_straight(plan, measured)?;
            results.add("log", STRAIGHT, straight);
            for contender in contenders.iter().filter(|contender| contender.rotates_logs()) {
                match flood(plan, &**contender, measured) {
                    Ok(speed) => results.add("log", contender.name(), speed),
                    Err(message) => results.failures.push(format!("{}: {message}", contender.name())),
                }
            }
        }
    }
    Ok(results)
}

/// One contender with all services.
fn turn(
    plan: &Plan,
    contender: &dyn Contender,
    measured: &Path,
    round: usize,
    results: &mut Results,
) -> Outcome {
    if !ROWS.iter().any(|row| !["log", "status-loop"].contains(&row.key) && plan.wants(row.key)) {
        return Ok(());
    }
    let name = contender.name();
    let mut bed = Bed::with_services(measured, plan.services)?;
    contender.prepare(&bed)?;
    bed.clear();
    let command = contender.supervise(&bed);
    let begin = bed.launch(command)?;
    let mut pids = BTreeMap::new();
    let mut last = begin;
    while pids.len() < plan.services {
        let (at, service, pid) = ready(&bed)?;
        pids.insert(service, pid);
        last = at;
    }
    if plan.wants("up") {
        results.add("up", name, (last - begin).as_secs_f64());
    }
    measure::pause(Duration::from_secs(3));
    if plan.wants("memory") {
        results.add("memory", name, measure::memory(&bed.supervisors()));
    }
    if plan.wants("status") && contender.status_of_one(&bed, "service-0000").is_some() {
        for _ in 0..plan.repeats.min(20) {
            results.add("status", name, measure::command(&mut contender.status_of_all(&bed))?);
        }
    }
    if plan.wants("status-one") {
        for service in bed.services.iter().take(plan.repeats) {
            if let Some(mut command) = contender.status_of_one(&bed, &service.name) {
                results.add("status-one", name, measure::command(&mut command)?);
            }
        }
    }
    if plan.wants("idle") && round == 1 {
        let supervisors = bed.supervisors();
        let before = measure::switches(&supervisors);
        measure::pause(Duration::from_secs(plan.idle));
        let during = measure::switches(&supervisors) - before;
        results.add("idle", name, during as f64 * 60.0 / plan.idle as f64);
    }
    if plan.wants("status-storm") || plan.wants("status-worst") {
        storm(contender, &bed, &mut pids, results)?;
    }
    if plan.wants("restart") {
        for service in bed.services.iter().take(plan.repeats) {
            let Some(pid) = pids.get(&service.name) else { continue };
            results.add("restart", name, restart(&bed, *pid)?);
        }
    }
    Ok(())
}

/// Kills all programs, and asks for the status of one service over and over until all have successors.
fn storm(
    contender: &dyn Contender,
    bed: &Bed,
    pids: &mut BTreeMap<String, u32>,
    results: &mut Results,
) -> Outcome {
    let Some(first) =
        bed.services.first().filter(|service| contender.status_of_one(bed, &service.name).is_some())
    else {
        return Ok(());
    };
    /// More would say nothing more.
    const ENOUGH: usize = 500;
    bed.clear();
    pids.values().for_each(|pid| measure::kill(*pid));
    let (mut taken, mut missing) = (Vec::new(), pids.len());
    while missing > 0 {
        match contender.status_of_one(bed, &first.name) {
            Some(mut command) if taken.len() < ENOUGH => {
                taken.push(measure::command(&mut command)?);
                for (_, said) in bed.heard() {
                    let (service, pid) = program(&said)?;
                    pids.insert(service, pid);
                    missing = missing.saturating_sub(1);
                }
            }
            _ => {
                let (_, service, pid) = ready(bed)?;
                pids.insert(service, pid);
                missing -= 1;
            }
        }
    }
    results.add("status-storm", contender.name(), median(&taken).unwrap_or_default());
    results.add("status-worst", contender.name(), taken.into_iter().fold(0.0, f64::max));
    Ok(())
}

/// Asks for the status of a service while another one fails whenever it is run.
fn crash_loop(plan: &Plan, contender: &dyn Contender, measured: &Path, results: &mut Results) -> Outcome {
    /// How often it fails before it counts as a loop: svckit's and supervisord's are at full speed here, and the others wait for a second each time.
    const BEFORE: usize = 3;
    let mut bed = Bed::with_a_loop(measured)?;
    contender.prepare(&bed)?;
    bed.clear();
    let command = contender.supervise(&bed);
    bed.launch(command)?;
    for _ in 0..=BEFORE {
        bed.hear()?;
    }
    let calm = bed.services[0].name.clone();
    for _ in 0..plan.repeats {
        let Some(mut command) = contender.status_of_one(&bed, &calm) else { return Ok(()) };
        results.add("status-loop", contender.name(), measure::command(&mut command)?);
    }
    println!("  {}: {} crashes meanwhile", contender.name(), bed.heard().count());
    Ok(())
}

/// Kills a program and waits for its successor; the milliseconds between.
fn restart(bed: &Bed, pid: u32) -> Outcome<f64> {
    bed.clear();
    let before = measure::now();
    measure::kill(pid);
    let (at, _, _) = ready(bed)?;
    Ok(measure::millis(at - before))
}

fn ready(bed: &Bed) -> Outcome<(std::time::Instant, String, u32)> {
    let (at, said) = bed.hear()?;
    let (name, pid) = program(&said)?;
    Ok((at, name, pid))
}

/// Who says that it is ready.
fn program(said: &str) -> Outcome<(String, u32)> {
    match said.split(' ').collect::<Vec<_>>()[..] {
        ["ready", name, pid] => Ok((name.to_owned(), pid.parse().map_err(|_| format!("no process: {pid}"))?)),
        _ => Err(format!("a service said {said:?}")),
    }
}

/// MB/s from the first byte written to the last one in a file of the log.
fn flood(plan: &Plan, contender: &dyn Contender, measured: &Path) -> Outcome<f64> {
    let mut bed = Bed::with_flood(measured, plan.flood)?;
    contender.prepare(&bed)?;
    bed.clear();
    let command = contender.supervise(&bed);
    bed.launch(command)?;
    let (begin, _) = bed.hear()?;
    bed.hear()?;
    let log = bed.services[0].log.clone().ok_or("a flood without a log")?;
    let wanted = plan.flood / 64 * 64;
    let deadline = measure::now() + Duration::from_secs(60);
    while logged(&log) < wanted as u64 {
        if measure::now() > deadline {
            return Err(format!("{} of {wanted} bytes were logged", logged(&log)));
        }
        measure::pause(Duration::from_millis(1));
    }
    let taken = begin.elapsed();
    complete(&log, wanted / 64)?;
    Ok(wanted as f64 / 1e6 / taken.as_secs_f64())
}

/// The same for a writer whose standard output is a file.
fn flood_straight(plan: &Plan, measured: &Path) -> Outcome<f64> {
    let mut bed = Bed::with_flood(measured, plan.flood)?;
    let words = bed.services[0].command.clone();
    let mut command = bed.program("sh");
    command.args(["-c", "exec \"$@\" >logs/current", "sh"]).args(&words);
    bed.launch(command)?;
    let (begin, _) = bed.hear()?;
    let (end, _) = bed.hear()?;
    complete(&bed.directory.join("logs"), plan.flood / 64)?;
    Ok(plan.flood as f64 / 1e6 / (end - begin).as_secs_f64())
}

fn logged(folder: &Path) -> u64 {
    files(folder).iter().filter_map(|path| path.metadata().ok()).map(|file| file.len()).sum()
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let is_log = |path: &std::path::PathBuf| {
        !["config", "lock", "state"].iter().any(|other| path.file_name().is_some_and(|name| name == *other))
    };
    entries.flatten().map(|entry| entry.path()).filter(is_log).collect()
}

/// Every line is there, once, and in its place.
fn complete(folder: &Path, lines: usize) -> Outcome {
    let mut parts = Vec::new();
    for path in files(folder) {
        parts.push(fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?);
    }
    // Pieces may begin in the middle of a line: they are put in order by the first whole number in them.
    parts.retain(|part| !part.is_empty());
    parts.sort_by_key(|part| {
        let start = part.iter().position(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let line = part.get(start..start + 63).unwrap_or_default();
        std::str::from_utf8(line).ok().and_then(|line| line.parse::<u64>().ok()).unwrap_or(u64::MAX)
    });
    let whole = parts.concat();
    let mut expected = 0;
    for line in whole.split_inclusive(|byte| *byte == b'\n') {
        let number = std::str::from_utf8(line).ok().and_then(|line| line.trim_end().parse::<usize>().ok());
        if number != Some(expected) {
            return Err(format!("line {expected} of the output is not in its place in the log"));
        }
        expected += 1;
    }
    if expected == lines { Ok(()) } else { Err(format!("{expected} of {lines} lines were logged")) }
}
