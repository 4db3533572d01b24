//! Reading clocks and what the system tells of processes.

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::Outcome;

/// The time.
#[expect(clippy::disallowed_methods, reason = "measuring time is what this is for")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Lets time pass.
#[expect(clippy::disallowed_methods, reason = "to see who does something when there is nothing to do")]
pub(crate) fn pause(duration: Duration) {
    std::thread::sleep(duration);
}

/// Ends a process by force, if it is there.
pub(crate) fn kill(pid: u32) {
    if let Some(pid) = Pid::from_raw(pid.cast_signed()) {
        // It may have ended.
        let _ = kill_process(pid, Signal::KILL);
    }
}

/// The processes whose environment at their start fulfils a condition.
pub(crate) fn processes(holds: impl Fn(&[u8]) -> bool) -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid| fs::read(format!("/proc/{pid}/environ")).is_ok_and(|environment| holds(&environment)))
        .collect()
}

/// The memory of processes in MiB: what is shared is counted in parts (PSS).
pub(crate) fn memory(pids: &[u32]) -> f64 {
    let kib = pids.iter().filter_map(|pid| field(&format!("/proc/{pid}/smaps_rollup"), "Pss:")).sum::<u64>();
    kib as f64 / 1024.0
}

/// The memory in MiB that is a process's alone (USS).
pub(crate) fn private_memory(pid: u32) -> f64 {
    let rollup = format!("/proc/{pid}/smaps_rollup");
    let kinds = ["Private_Clean:", "Private_Dirty:", "Private_Hugetlb:"];
    kinds.iter().filter_map(|kind| field(&rollup, kind)).sum::<u64>() as f64 / 1024.0
}

/// The processor time of a process in seconds, as far as it was counted.
pub(crate) fn processor_time(pid: u32) -> Option<f64> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name may have spaces in it. After it: the state, and what is twelfth and thirteenth from there.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |index: usize| fields.get(index)?.parse::<u64>().ok();
    Some((ticks(11)? + ticks(12)?) as f64 / rustix::param::clock_ticks_per_second() as f64)
}

/// How often the threads of processes were put on a processor.
pub(crate) fn switches(pids: &[u32]) -> u64 {
    let threads =
        pids.iter().filter_map(|pid| fs::read_dir(format!("/proc/{pid}/task")).ok()).flatten().flatten();
    threads
        .map(|thread| {
            let status = thread.path().join("status").display().to_string();
            let of = |name| field(&status, name).unwrap_or(0);
            of("voluntary_ctxt_switches:") + of("nonvoluntary_ctxt_switches:")
        })
        .sum()
}

fn field(path: &str, name: &str) -> Option<u64> {
    let text = fs::read_to_string(path).ok()?;
    text.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
}

/// How long a command takes from its start to its end, in milliseconds; it has to end well.
pub(crate) fn command(command: &mut Command) -> Outcome<f64> {
    command.stdout(Stdio::null()).stderr(Stdio::null()).stdin(Stdio::null());
    let before = now();
    let status = command.status().map_err(|error| format!("{command:?}: {error}"))?;
    let taken = millis(before.elapsed());
    if status.success() { Ok(taken) } else { Err(format!("{command:?}: {status}")) }
}

/// A duration in milliseconds.
pub(crate) fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// The value in the middle.
pub(crate) fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        length if length % 2 == 0 => Some(f64::midpoint(sorted[middle - 1], sorted[middle])),
        _ => Some(sorted[middle]),
    }
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
    }
}
