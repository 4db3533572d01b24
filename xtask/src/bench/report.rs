//! The results as `docs/benchmarks.md` with charts beside it.

use std::fmt::Write;
use std::fs;

use super::Plan;
use super::chart;
use super::contender::Contender;
use super::rows::{ROWS, Results, Row, STRAIGHT};
use crate::{Outcome, shell};

/// The whole text.
pub(crate) fn markdown(
    plan: &Plan,
    contenders: &[Box<dyn Contender>],
    results: &Results,
    skipped: &[String],
) -> Outcome<String> {
    let mut text = String::new();
    write_text(&mut text, plan, contenders, results, skipped).map_err(|error| error.to_string())?;
    Ok(text)
}

fn write_text(
    text: &mut String,
    plan: &Plan,
    contenders: &[Box<dyn Contender>],
    results: &Results,
    skipped: &[String],
) -> std::fmt::Result {
    writeln!(
        text,
        "# Benchmarks\n\nWritten by `cargo xtask bench`; don't edit. The hosts of Windows have \
         [their own](benchmarks-wine.md).\n\n## Results\n"
    )?;
    writeln!(
        text,
        "Medians with {} services. In parentheses: how many times what svckit takes; for speeds: what part of its.\n",
        plan.services
    )?;
    table(text, contenders, results)?;
    for row in ROWS.iter().filter(|row| results.count(row.key, contenders[0].name()) > 0) {
        write!(text, "\n![{}](benchmarks/{}.svg)\n", row.title, row.key)?;
    }
    method(text, plan)?;
    writeln!(text, "\n## Who took part\n")?;
    for contender in contenders {
        writeln!(text, "- {}", contender.version())?;
    }
    for message in skipped {
        writeln!(text, "- skipped: {}", message.lines().next().unwrap_or_default())?;
    }
    for message in &results.failures {
        writeln!(text, "- a turn failed: {}", message.lines().next().unwrap_or_default())?;
    }
    writeln!(text, "\n## The machine\n\n{}", machine())
}

fn table(text: &mut String, contenders: &[Box<dyn Contender>], results: &Results) -> std::fmt::Result {
    let names: Vec<&str> = contenders.iter().map(|contender| contender.name()).collect();
    writeln!(text, "| | {} | goal |", names.join(" | "))?;
    writeln!(text, "|---|{}---|", "---:|".repeat(names.len()))?;
    for row in ROWS {
        let Some(ours) = results.median(row.key, names[0]) else { continue };
        write!(
            text,
            "| {}{} |",
            row.title,
            if row.unit.is_empty() { String::new() } else { format!(", {}", row.unit) }
        )?;
        for contender in contenders {
            let Some(value) = results.median(row.key, contender.name()) else {
                write!(text, " – |")?;
                continue;
            };
            let is_ours = contender.name() == names[0] || ours == 0.0;
            let ratio = if is_ours { String::new() } else { format!(" ({}×)", number(value / ours)) };
            write!(text, " {}{ratio} |", number(value))?;
        }
        writeln!(text, " {} |", row.goal)?;
    }
    if let Some(straight) = results.median("log", STRAIGHT) {
        writeln!(text, "\nThe same writer straight to a file: {} MB/s.", number(straight))?;
    }
    Ok(())
}

fn method(text: &mut String, plan: &Plan) -> std::fmt::Result {
    let Plan { services, rounds, repeats, flood, idle, .. } = plan;
    writeln!(
        text,
        "
## Method

{rounds} rounds; in each, every contender has its turn with a folder and processes of its own, one after the other. Everything is a release build with
the settings that users get, but for what a line says. Every processor is kept from sleeping, by a loop of the class that gives way to everything (`SCHED_IDLE`): to be
woken takes a virtual one longer than much of this, and not always as long.

- **up**: from the start of the supervisor, which knows {services} services to be started, until the last of {services} programs has said that it runs. The
  program (`xtask/src/measured.rs`) says so by a datagram and then waits for ever. runit and s6 start it by a shell script with `exec`, as is usual there.
- **memory**: the proportional set sizes of all supervising processes, three seconds later, without the programs.
- **killed → running**: a program gets `SIGKILL`; until its successor's datagram. {repeats} different services in each turn. svckit's restart delay is set to zero; the others
  have theirs built in.
- **status**: the whole command, output to `/dev/null`, {repeats} times in each turn: `svc list`, `sv status` with all folders, `s6-svstat` in a shell loop, `supervisorctl
  status`; and the same for one service.
- **while another crash-loops**: of two services one says that it runs, fails at once, and is run again: by svckit and supervisord without any delay, by runit and s6 after the second that they have built in. After four failures the status of the
  other service is asked for, {repeats} times.
- **while all crash at once**: all {services} programs get `SIGKILL`; until the last of their successors has said that it runs, the status of one service is asked for again and again. The median of that, and the slowest.
- **log**: a program writes {megabytes} MB of numbered lines in pieces of 64 KiB to its standard output. From its first byte until the last is in a file, rotating at 1 MB, nothing thrown
  away. Afterwards every line is looked for: a turn with a line missing doesn't count.
- **idle**: context switches of all threads of all supervising processes in {idle} s without anything to do, as a rate for a minute.",
        megabytes = flood / 1_000_000,
    )
}

/// Writes the text and the charts.
pub(crate) fn write(text: &str, contenders: &[Box<dyn Contender>], results: &Results) -> Outcome {
    publish("", text, ROWS, |row| {
        let mut bars: Vec<_> = contenders
            .iter()
            .filter_map(|contender| Some((contender.name(), results.median(row.key, contender.name())?)))
            .collect();
        if row.key == "log" {
            bars.extend(results.median("log", STRAIGHT).map(|value| (STRAIGHT, value)));
        }
        bars
    })
}

/// Writes a text and the chart of each row; those of one part have its name.
pub(crate) fn publish<'a>(
    part: &str,
    text: &str,
    rows: &[Row],
    bars: impl Fn(&Row) -> Vec<(&'a str, f64)>,
) -> Outcome {
    let docs = shell::root().join("docs");
    let charts = docs.join("benchmarks");
    let failed = |error: std::io::Error| format!("docs/benchmarks: {error}");
    fs::create_dir_all(&charts).map_err(failed)?;
    let (before, after) =
        if part.is_empty() { Default::default() } else { (format!("{part}-"), format!("-{part}")) };
    for row in rows {
        fs::write(charts.join(format!("{before}{}.svg", row.key)), chart::svg(row, &bars(row)))
            .map_err(failed)?;
    }
    fs::write(docs.join(format!("benchmarks{after}.md")), text).map_err(failed)
}

/// A number with as many digits as mean something.
pub(crate) fn number(value: f64) -> String {
    match value {
        _ if value == 0.0 => "0".to_owned(),
        _ if value < 10.0 => format!("{value:.2}"),
        _ if value < 100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

/// The machine, in words.
pub(crate) fn machine() -> String {
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    let cpu = read("/proc/cpuinfo");
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or(": unknown");
    let cores = cpu.lines().filter(|line| line.starts_with("processor")).count();
    let kernel = read("/proc/sys/kernel/osrelease");
    let model = model.trim_start_matches([' ', '\t', ':']);
    format!(
        "{cores} × {model}, Linux {}. Not quiet: compare ratios, not numbers of different runs.",
        kernel.trim()
    )
}
