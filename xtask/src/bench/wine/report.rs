//! The results as `docs/benchmarks-wine.md` with charts beside it.

use std::fmt::Write;

use super::hosts::Host;
use super::{ALONE, Plan, ROWS};
use crate::bench::report::{machine, number, publish};
use crate::bench::rows::{Results, Row};
use crate::{Outcome, shell};

/// The whole text.
pub(crate) fn markdown(
    plan: &Plan,
    hosts: &[Host],
    results: &Results,
    skipped: &[String],
    load: &str,
) -> Outcome<String> {
    let mut text = String::new();
    write_text(&mut text, plan, hosts, results, skipped, load).map_err(|error| error.to_string())?;
    Ok(text)
}

fn write_text(
    text: &mut String,
    plan: &Plan,
    hosts: &[Host],
    results: &Results,
    skipped: &[String],
    load: &str,
) -> std::fmt::Result {
    writeln!(text, "# Benchmarks: the host, under Wine\n")?;
    writeln!(
        text,
        "Written by `cargo xtask bench --wine`; don't edit. What is measured on Linux is in [its own file](benchmarks.md).\n"
    )?;
    writeln!(
        text,
        "## Results\n\nMedians. In parentheses: how many times what svckit takes; for speeds: what part of its.\n"
    )?;
    table(text, hosts, |row, name| results.median(row.key, name))?;
    writeln!(
        text,
        "\nThe best of all turns, which other work on the machine disturbed least; what is measured once is the same here.\n"
    )?;
    table(text, hosts, |row, name| results.best(row, name))?;
    let alone = |row: &&Row| row.key == "ready";
    if let (Some(median), Some(best)) =
        (results.median("ready", ALONE), ROWS.iter().find(alone).and_then(|row| results.best(row, ALONE)))
    {
        let (median, best) = (number(median), number(best));
        writeln!(
            text,
            "\nA program alone, without a host, runs {median} ms after it was started; at best {best} ms."
        )?;
    }
    let ours = hosts[0].name;
    for row in ROWS.iter().filter(|row| results.count(row.key, ours) > 0) {
        write!(text, "\n![{}](benchmarks/wine-{}.svg)\n", row.title, row.key)?;
    }
    method(text, plan)?;
    writeln!(text, "\n## Who took part\n")?;
    for host in hosts {
        writeln!(text, "- {}", host.version)?;
    }
    writeln!(text, "- {}", wine())?;
    for message in skipped {
        writeln!(text, "- skipped: {}", message.lines().next().unwrap_or_default())?;
    }
    for message in &results.failures {
        writeln!(text, "- not as it should be: {}", message.lines().next().unwrap_or_default())?;
    }
    writeln!(text, "\n## The machine\n\n{} Its load was {load}.", machine())
}

fn wine() -> String {
    let version = shell::output(shell::program("wine").arg("--version"));
    version.map_or_else(|_| "Wine of unknown version".to_owned(), |version| version.trim().to_owned())
}

/// A table of the values that are picked for each row and host.
fn table(
    text: &mut String,
    hosts: &[Host],
    pick: impl Fn(&Row, &'static str) -> Option<f64>,
) -> std::fmt::Result {
    let names: Vec<&'static str> = hosts.iter().map(|host| host.name).collect();
    writeln!(text, "| | {} | goal |", names.join(" | "))?;
    writeln!(text, "|---|{}---|", "---:|".repeat(names.len()))?;
    for row in ROWS {
        let Some(ours) = pick(row, names[0]) else { continue };
        let unit = if row.unit.is_empty() { String::new() } else { format!(", {}", row.unit) };
        write!(text, "| {}{unit} |", row.title)?;
        for name in &names {
            let Some(value) = pick(row, name) else {
                write!(text, " – |")?;
                continue;
            };
            let is_ours = *name == names[0] || ours == 0.0;
            let ratio = if is_ours { String::new() } else { format!(" ({}×)", number(value / ours)) };
            write!(text, " {}{ratio} |", number(value))?;
        }
        writeln!(text, " {} |", row.goal)?;
    }
    Ok(())
}

fn method(text: &mut String, Plan { rounds, repeats, .. }: &Plan) -> std::fmt::Result {
    writeln!(
        text,
        "
## Method

One Wine prefix with all of them; {rounds} rounds, and in each every host has its turn, with no other service running. What happens inside Windows is timed there, by a
program (`xtask/src/measuring.rs`) that asks the service control manager as any other does. Everything is a release build. The output of each service goes into a file,
by each tool's own means. Every processor is kept from sleeping, by a loop of the class that gives way to everything (`SCHED_IDLE`): to be woken takes a virtual one longer than
most of this, and not always as long.

- **start**: from the call of `StartService` until the notification of RUNNING, and until the datagram by which the program (`xtask/src/measured.rs`) says that it runs. {repeats}
  times in each turn, after one time that doesn't count. NSSM without its waiting for 1.5 s whether the program stays (`AppThrottle`), which it does before it says RUNNING.
- **stop**: from the control until the notification of STOPPED. The program does nothing about Ctrl+C, so that it ends by it.
- **crash**: the program is told to fail and says so at its end; from then until its successor's datagram. {repeats} times in each turn, without any delay between.
- **memory**: what is the host process's alone (`Private_Clean` and `Private_Dirty`), three seconds after a start; **idle**: the context switches of all its threads in 30 s, once.
- **output**: a program writes numbered lines to its standard output, in pieces of 64 KiB (200 MB) and with one write for each line of 90 bytes (20 MB, once, with everything on one core: between two it is measured how long one takes to wake the other). From its first byte until the files,
  rotated at 10 MB with nothing thrown away, don't grow any more. Processor time: the host process's own, not that of the Wine server. Afterwards every line is looked for; if one is missing,
  that is said below.
- **size**: of the program's file, as it is built by each one's own release profile."
    )
}

/// Writes the text and the charts.
pub(crate) fn write(text: &str, hosts: &[Host], results: &Results) -> Outcome {
    publish("wine", text, ROWS, |row| {
        hosts.iter().filter_map(|host| Some((host.name, results.median(row.key, host.name)?))).collect()
    })
}
