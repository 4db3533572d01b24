//! The results as `docs/benchmarks-wire.md` with charts beside it.

use std::fmt::Write;

use super::{IMPACKET, IMPACKET_VERSION, Plan, ROWS, SAMBA, SVCKIT, smb};
use crate::bench::report::{machine, number, publish};
use crate::bench::rows::Results;
use crate::{Outcome, shell};

const CONTENDERS: [&str; 3] = [SVCKIT, IMPACKET, SAMBA];

/// The whole text.
pub(crate) fn markdown(plan: &Plan, results: &Results) -> Outcome<String> {
    let mut text = String::new();
    write_text(&mut text, plan, results).map_err(|error| error.to_string())?;
    Ok(text)
}

fn write_text(text: &mut String, plan: &Plan, results: &Results) -> std::fmt::Result {
    writeln!(
        text,
        "# Benchmarks: the wire\n\nWritten by `cargo xtask bench --wire`; don't edit. What is measured on one machine is in [its own file](benchmarks.md).\n\n\
         ## Results\n\nMedians, and the best of all turns. In parentheses: how many times what svckit takes.\n"
    )?;
    writeln!(
        text,
        "| | svckit | best | impacket | best | Samba's `net` | best | goal |\n|---|---:|---:|---:|---:|---:|---:|---|"
    )?;
    for row in ROWS {
        let Some(ours) = results.median(row.key, SVCKIT) else { continue };
        write!(text, "| {}, {} |", row.title, row.unit)?;
        for name in CONTENDERS {
            match (results.median(row.key, name), results.best(row, name)) {
                (Some(median), Some(best)) if name == SVCKIT => {
                    write!(text, " {} | {} |", number(median), number(best))?
                }
                (Some(median), Some(best)) => {
                    write!(text, " {} ({}×) | {} |", number(median), number(median / ours), number(best))?;
                }
                _ => write!(text, " – | – |")?,
            }
        }
        writeln!(text, " {} |", row.goal)?;
    }
    for row in ROWS {
        write!(text, "\n![{}](benchmarks/wire-{}.svg)\n", row.title, row.key)?;
    }
    let Plan { rounds, repeats, services, machines, .. } = plan;
    writeln!(
        text,
        "
## Method

{rounds} rounds, in each every contender in turn. Everything is a release build. Every processor is kept from sleeping, by a loop of the class that gives way to everything (`SCHED_IDLE`).

- **list**: the whole command, from its start to its end, output to `/dev/null`, {repeats} times in each round: `svc --scm 127.0.0.1:PORT list`, and a Python program of a dozen lines that does the same with impacket. Both log on with NTLMv2 (svckit in SPNEGO)
  and seal every packet. They ask a built-in service control manager with {services} services, at its port: the endpoint mapper isn't asked.
- **smb**: the same over SMB, {repeats} times in each round: `svc --scm smb://127.0.0.1:PORT list` and `net rpc service list`, both with encryption (SMB 3.1.1). They ask Samba's `smbd`, which has 4 services, and most of the time is its own: it
  makes a process for each connection.
- **machines**: `svc --scm @machines.txt --fanout 64 list`, 5 times in each round. The {machines} machines are ports of the loopback interface, at each of which a thread (`xtask/src/machines.rs`) answers as a Windows with 10 services would, with the project's own
  server side of the protocol; their time is in the result, since there is no other machine. **memory** is the most that this command had.

## Who took part

- svckit {}
- {}

## The machine

{}",
        shell::output(shell::program("git").args(["describe", "--always", "--dirty"])).unwrap_or_default().trim(),
        [IMPACKET_VERSION.replace("==", " "), smb::version()].join("\n- "),
        machine()
    )
}

/// Writes the text and the charts.
pub(crate) fn write(text: &str, results: &Results) -> Outcome {
    publish("wire", text, ROWS, |row| {
        CONTENDERS.iter().filter_map(|name| Some((*name, results.median(row.key, name)?))).collect()
    })
}
