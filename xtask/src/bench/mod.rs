//! Benchmarks: other supervisors and this one on the same work, in turn, in the same run.
//!
//! Nothing here fails a build by time: the numbers go to `docs/benchmarks.md`, with the method.

mod awake;
mod bed;
mod chart;
mod contender;
mod measure;
mod ours;
mod peers;
mod report;
mod rows;
mod wine;
mod wire;

use std::path::PathBuf;

use crate::{Outcome, shell};
use contender::Contender;

/// What is measured, and how long.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// How many services.
    services: usize,
    /// How often every contender has its turn.
    rounds: usize,
    /// How often a command or a kill is repeated in a turn.
    repeats: usize,
    /// How many bytes are logged.
    flood: usize,
    /// For how many seconds nothing is done, to see who does something.
    idle: u64,
    /// Only this row.
    only: Option<String>,
    /// Whether only the other supervisors take part.
    peers: bool,
    /// Whether it is a quick look, whose numbers are not written down.
    quick: bool,
}

impl Plan {
    fn read(arguments: &[&str]) -> Outcome<Self> {
        let mut plan = Self {
            services: 1000,
            rounds: 3,
            repeats: 20,
            flood: 200_000_000,
            idle: 60,
            only: None,
            peers: false,
            quick: false,
        };
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
            match *word {
                "--quick" => {
                    plan = Self { services: 100, rounds: 1, repeats: 5, idle: 10, quick: true, ..plan };
                }
                "--peers" => plan.peers = true,
                "--only" => plan.only = Some(value()?.to_string()),
                "--services" => plan.services = number(value()?)?,
                "--rounds" => plan.rounds = number(value()?)?,
                other => return Err(format!("no such option of bench: {other}")),
            }
        }
        if let Some(only) = &plan.only
            && !rows::ROWS.iter().any(|row| row.key == only)
        {
            let keys: Vec<&str> = rows::ROWS.iter().map(|row| row.key).collect();
            return Err(format!("no row {only}, but {}", keys.join(", ")));
        }
        Ok(plan)
    }

    /// Whether a row is wanted.
    fn wants(&self, row: &str) -> bool {
        self.only.as_deref().is_none_or(|only| only == row)
    }
}

pub(crate) fn number(text: &str) -> Outcome<usize> {
    text.parse().ok().filter(|number| *number > 0).ok_or_else(|| format!("{text:?} is no number of anything"))
}

/// Measures, tells, and writes `docs/benchmarks.md` unless it was a quick or partial look. The parts under Wine and over TCP are asked for by `--wine` and `--wire`, and have files of their own.
pub(crate) fn run(arguments: &[&str]) -> Outcome {
    match arguments {
        ["--wine", rest @ ..] => return wine::run(rest),
        ["--wire", rest @ ..] => return wire::run(rest),
        _ => {}
    }
    let plan = Plan::read(arguments)?;
    let measured = build("xtask", "measured")?;
    let (mut contenders, mut skipped): (Vec<Box<dyn Contender>>, Vec<String>) = (Vec::new(), Vec::new());
    if !plan.peers {
        let svc = build("svckit", "svc")?;
        contenders.push(Box::new(ours::Ours::new(&svc, false)));
        contenders.push(Box::new(ours::Ours::new(&svc, true)));
    }
    let found = [
        peers::runit().map(|peer| Box::new(peer) as Box<dyn Contender>),
        peers::s6().map(|peer| Box::new(peer) as Box<dyn Contender>),
        peers::supervisor().map(|peer| Box::new(peer) as Box<dyn Contender>),
        peers::horust().map(|peer| Box::new(peer) as Box<dyn Contender>),
    ];
    for contender in found {
        match contender {
            Ok(contender) => contenders.push(contender),
            Err(message) => {
                println!("skipped: {message}");
                skipped.push(message);
            }
        }
    }
    let results = rows::measure(&plan, &contenders, &measured)?;
    let text = report::markdown(&plan, &contenders, &results, &skipped)?;
    println!("\n{text}");
    if !plan.quick && !plan.peers && plan.only.is_none() {
        report::write(&text, &contenders, &results)?;
    }
    Ok(())
}

/// A program of the workspace, as it is released.
fn build(package: &str, program: &str) -> Outcome<PathBuf> {
    let mut build = shell::cargo();
    build.args(["build", "--release", "--locked", "--quiet", "--package", package, "--bin", program]);
    shell::run(&mut build)?;
    Ok(shell::target().join("release").join(program))
}
