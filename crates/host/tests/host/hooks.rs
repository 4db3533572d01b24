//! Hooks: what is run beside the program, when, and what follows from how it ends.

use std::collections::BTreeMap;
use std::time::Duration;

use svckit_core::control::Control;
use svckit_core::definition::{HostDefinition, RestartWhen};
use svckit_core::dispatch::FromProcess;
use svckit_core::hook::{Errand, Hook, Hooks, Moment, OnFailure};
use svckit_core::native::{EventId, Phase};
use svckit_core::status::{ServiceState, ServiceStatus};
use svckit_core::win32::Win32Error;

use crate::support::{Bed, Host, wait_gone};

/// A script as a hook, with a minute of time.
fn hook(moment: Moment, script: &str) -> (Moment, Hook) {
    let command = ["/bin/sh", "-c", script].map(str::to_owned).to_vec();
    let errand = Errand { command, timeout: Duration::from_secs(60) };
    (moment, Hook { errand, on_failure: moment.usual() })
}

/// The same with less time.
fn hasty(moment: Moment, script: &str) -> (Moment, Hook) {
    let (moment, mut hook) = hook(moment, script);
    hook.errand.timeout = Duration::from_millis(200);
    (moment, hook)
}

fn failing(moment: Moment, script: &str) -> (Moment, Hook) {
    let (moment, mut hook) = hook(moment, script);
    hook.on_failure = OnFailure::Fail;
    (moment, hook)
}

/// A definition with hooks; those of one moment are run in their order.
fn with<const N: usize>(mut definition: HostDefinition, hooks: [(Moment, Hook); N]) -> HostDefinition {
    let mut all: BTreeMap<Moment, Vec<Hook>> = BTreeMap::new();
    for (moment, hook) in hooks {
        all.entry(moment).or_default().push(hook);
    }
    definition.hooks = all.into_iter().map(|(moment, hooks)| (moment, Hooks::new(hooks).unwrap())).collect();
    definition
}

/// A program that is run again at once after each failure.
fn again(mut definition: HostDefinition, budget: u64) -> HostDefinition {
    definition.restart.when = RestartWhen::OnFailure;
    definition.restart.delay = Duration::from_millis(1);
    definition.restart.budget = Duration::from_millis(budget);
    definition
}

fn states(host: &Host) -> Vec<ServiceState> {
    let mut all: Vec<_> = statuses(host).into_iter().map(|status| status.state).collect();
    all.dedup();
    all
}

fn statuses(host: &Host) -> Vec<ServiceStatus> {
    let told = host.link.seen.iter().filter_map(|frame| match frame {
        FromProcess::Status { status, .. } => Some(*status),
        _ => None,
    });
    told.collect()
}

fn told(host: &Host, wanted: EventId) -> Vec<String> {
    host.link.events().into_iter().filter(|(id, _)| *id == wanted).map(|(_, text)| text).collect()
}

#[test]
fn hooks_are_run_in_the_order_of_a_life_and_write_into_the_log() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let said =
        r#"echo "$SVC_HOOK $SVC_NAME code=$SVC_EXIT_CODE restarts=$SVC_RESTARTS pid=${SVC_PID:+there}""#;
    let hooks = [
        hook(Moment::PreStart, said),
        hook(Moment::PostStart, &format!("{said}; echo up > up")),
        hook(Moment::PreStop, &format!("{said}; kill -0 $SVC_PID && echo it runs")),
        hook(Moment::PostStop, &format!("{said} >&2; pwd; echo $ADDED $OWN")),
    ];
    let mut up = bed.gate("up");
    let mut definition = with(
        bed.script("trap 'echo bye; exit 0' TERM; echo up > up; while :; do sleep 1000 & wait; done"),
        hooks,
    );
    definition.program.environment.insert("OWN".to_owned(), "mine".to_owned());
    host.link.start("shop", definition);
    host.link.state("shop", ServiceState::RUNNING);
    let mut words = up.wait();
    while words.lines().count() < 2 {
        words += &up.wait();
    }
    let status = host.link.stop("shop");
    assert_eq!(status.win32_exit_code, Win32Error::SUCCESS);
    let folder = bed.folder.path().canonicalize().unwrap();
    assert_eq!(
        bed.log(),
        format!(
            "pre-start shop code= restarts=0 pid=\npost-start shop code= restarts=0 pid=there\n\
             pre-stop shop code= restarts=0 pid=there\nit runs\nbye\n\
             post-stop shop code=0 restarts=0 pid=\n{}\nyes mine\n",
            folder.display()
        )
    );
    use ServiceState as S;
    assert_eq!(states(&host), [S::START_PENDING, S::RUNNING, S::STOP_PENDING, S::STOPPED]);
    assert_eq!(told(&host, EventId::HOOK_FAILED), [""; 0]);
}

#[test]
fn a_start_fails_with_its_hook_and_the_last_hook_is_run_all_the_same() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let hooks =
        [hook(Moment::PreStart, "echo no database; exit 7"), hook(Moment::PostStop, "echo tidied up")];
    let status = host.link.run("shop", with(bed.script("echo never"), hooks));
    assert_eq!((status.win32_exit_code, status.service_exit_code), (Win32Error::SERVICE_SPECIFIC_ERROR, 7));
    assert_eq!(bed.log(), "no database\ntidied up\n");
    assert_eq!(told(&host, EventId::HOOK_FAILED), [r#""shop": the hook pre-start ended with exit code 7"#]);
    let text = r#""shop" was not started: the hook pre-start failed"#;
    assert_eq!(told(&host, EventId::PROGRAM_NOT_STARTED), [text]);
    let failure = host.link.seen.iter().rev().find_map(|frame| match frame {
        FromProcess::Host { state, .. } => state.hook_failure.clone(),
        _ => None,
    });
    assert_eq!(failure.map(|failure| failure.reason).as_deref(), Some("ended with exit code 7"));
}

#[test]
fn a_hook_that_can_not_be_run_fails_and_one_that_may_fail_holds_nothing_up() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let mut missing = hook(Moment::PreStart, "");
    missing.1.errand.command = vec!["/no/such/hook".to_owned()];
    let status = host.link.run("shop", with(bed.script("echo never"), [missing.clone()]));
    assert_eq!(status.win32_exit_code, Win32Error::FILE_NOT_FOUND);
    host.link.release("shop");
    missing.1.on_failure = OnFailure::GoOn;
    let mut host = bed.host();
    let status = host.link.run("shop", with(bed.script("echo once"), [missing]));
    assert_eq!(status.win32_exit_code, Win32Error::SUCCESS);
    assert_eq!(bed.log(), "once\n");
    let text = &told(&host, EventId::HOOK_FAILED)[0];
    assert!(
        text.starts_with(r#""shop": the hook pre-start could not be run: cannot run "/no/such/hook""#),
        "{text}"
    );
}

#[test]
fn a_hook_that_hangs_is_ended_with_all_that_it_started() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let mut pids = bed.gate("pids");
    let hang = "(trap '' TERM HUP; setsid sleep 1000 & echo $! > pids; wait) & trap '' TERM; sleep 1000";
    let status = host.link.run("shop", with(bed.script("echo never"), [hasty(Moment::PreStart, hang)]));
    assert_eq!(status.win32_exit_code, Win32Error::SERVICE_REQUEST_TIMEOUT);
    let text = r#""shop": the hook pre-start took longer than 200 ms and was ended"#;
    assert_eq!(told(&host, EventId::HOOK_FAILED), [text]);
    for pid in pids.wait().lines() {
        wait_gone(pid.parse().unwrap());
    }
    // The log is made at the start, whatever becomes of it.
    assert_eq!(bed.log(), "");
}

#[test]
fn what_a_hook_leaves_behind_is_ended_and_what_the_program_left_is_not() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let (mut mine, mut program) = (bed.gate("hook"), bed.gate("program"));
    let hooks = [hook(Moment::PostStart, "setsid sleep 1000 & echo $! > hook; exit 0")];
    let script = "(setsid sleep 1000 & echo $! > program); exec sleep 1000";
    host.link.start("shop", with(bed.script(script), hooks));
    let text = host.link.event(EventId::LEFTOVERS_ENDED);
    assert_eq!(text, r#""shop": the hook post-start left 1 process behind, which were ended"#);
    wait_gone(mine.wait().trim().parse().unwrap());
    let orphan = program.wait().trim().parse().unwrap();
    assert!(svckit_os::process::is_alive(orphan), "what the program started is its own affair");
    host.link.stop("shop");
    wait_gone(orphan);
}

#[test]
fn start_pending_has_checkpoints_while_a_hook_runs_and_a_stop_ends_it() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let mut gate = bed.gate("gate");
    let hooks =
        [hook(Moment::PreStart, "echo $$ > gate; exec sleep 1000"), hook(Moment::PostStop, "echo over")];
    host.link.start("shop", with(bed.script("echo never"), hooks));
    let pid: u32 = gate.wait().trim().parse().unwrap();
    host.link
        .host_state(|state| state.phase == Phase::Starting && state.hook.as_deref() == Some("pre-start"));
    let status = host.link.find(|frame| match frame {
        FromProcess::Status { status, .. } if status.checkpoint > 1 => Some(*status),
        _ => None,
    });
    assert_eq!(status.state, ServiceState::START_PENDING);
    assert!(status.wait_hint > Duration::from_secs(3), "the next checkpoint comes before it is over");
    let status = host.link.stop("shop");
    assert_eq!(status.win32_exit_code, Win32Error::SUCCESS, "what was asked for is no error");
    wait_gone(pid);
    assert_eq!(bed.log(), "over\n");
}

/// Wound: STOP_PENDING for ever.
#[test]
fn stop_pending_for_ever_is_not_for_hooks_that_hang() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let mut ready = bed.gate("ready");
    let hang = "trap '' TERM INT HUP; while :; do sleep 1000; done";
    let hooks = [hasty(Moment::PreStop, hang), hasty(Moment::PostStop, hang)];
    let script = "trap 'echo bye; exit 0' TERM; echo > ready; while :; do sleep 1000 & wait; done";
    host.link.start("shop", with(bed.script(script), hooks));
    ready.wait();
    let status = host.link.stop("shop");
    assert_eq!(status.win32_exit_code, Win32Error::SUCCESS);
    assert_eq!(bed.log(), "bye\n", "the ladder had its turn");
    assert_eq!(told(&host, EventId::HOOK_FAILED).len(), 2);
    let checkpoints: Vec<u32> = statuses(&host)
        .into_iter()
        .filter(|status| status.state == ServiceState::STOP_PENDING)
        .map(|status| status.checkpoint)
        .collect();
    assert!(checkpoints.is_sorted_by(|one, next| one < next), "{checkpoints:?}");
}

/// Wounds: a graceful stop that triggers a restart, and a restart during shutdown.
#[test]
fn a_stop_during_hooks_is_no_failure_and_nothing_is_run_again() {
    for control in [Control::STOP, Control::SHUTDOWN, Control::PRESHUTDOWN] {
        let mut bed = Bed::new();
        let mut host = bed.host();
        let mut gate = bed.gate("gate");
        // The program ends with an error while the hook before the stop runs.
        let hooks = [
            hook(Moment::PreStop, "kill -KILL $SVC_PID; echo stopping; exit 3"),
            failing(Moment::OnCrash, "echo crashed"),
            hook(Moment::PostStop, "echo over; exit 4"),
        ];
        host.link.start("shop", again(with(bed.script("echo > gate; exec sleep 1000"), hooks), 60_000));
        gate.wait();
        assert_eq!(host.link.control("shop", control), Win32Error::SUCCESS);
        let status = host.link.state("shop", ServiceState::STOPPED);
        assert_eq!((status.win32_exit_code, status.service_exit_code), (Win32Error::SUCCESS, 0));
        assert_eq!(bed.log(), "stopping\nover\n");
        assert_eq!(told(&host, EventId::PROGRAM_RECOVERED), [""; 0]);
    }
}

#[test]
fn a_crash_has_its_hook_before_the_program_is_run_again_and_giving_up_another() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let hooks = [
        hook(Moment::PreStart, "echo start $SVC_RESTARTS"),
        hook(Moment::OnCrash, "echo crash $SVC_EXIT_CODE$SVC_EXIT_SIGNAL"),
        hook(Moment::OnGiveUp, "echo gave up"),
        hook(Moment::PostStop, "echo over"),
    ];
    let script = "if [ -e again ]; then exit 3; fi; : > again; kill -KILL $$";
    let status = host.link.run("shop", again(with(bed.script(script), hooks), 0));
    assert_eq!((status.win32_exit_code, status.service_exit_code), (Win32Error::SERVICE_SPECIFIC_ERROR, 3));
    let expected = "start 0\ncrash SIGKILL\nstart 1\ncrash 3\ngave up\nover\n";
    assert_eq!(bed.log(), expected);
    let gave_up = |frame: &FromProcess| matches!(frame, FromProcess::Host { state, .. } if state.phase == Phase::GaveUp);
    assert!(host.link.seen.iter().any(gave_up));
}

#[test]
fn a_hook_can_forbid_that_a_crashed_program_is_run_again() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let hooks = [failing(Moment::OnCrash, "test $SVC_EXIT_CODE != 3")];
    let status = host.link.run("shop", again(with(bed.script("echo once; exit 3"), hooks), 60_000));
    assert_eq!((status.win32_exit_code, status.service_exit_code), (Win32Error::SERVICE_SPECIFIC_ERROR, 3));
    assert_eq!(bed.log(), "once\n");
}

#[test]
fn a_start_whose_last_hook_fails_is_taken_back() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let hooks = [failing(Moment::PostStart, "exit 5"), hook(Moment::PreStop, "echo not asked for")];
    let status = host.link.run("shop", with(bed.script("exec sleep 1000"), hooks));
    assert_eq!((status.win32_exit_code, status.service_exit_code), (Win32Error::SERVICE_SPECIFIC_ERROR, 5));
    assert!(!states(&host).contains(&ServiceState::RUNNING));
    assert_eq!(bed.log(), "");
}

#[test]
fn a_program_that_crashes_while_its_start_is_finished_has_not_started() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let mut gate = bed.gate("gate");
    let hooks = [hook(Moment::PostStart, "echo > gate; exec sleep 1000")];
    let mut door = bed.gate("door");
    host.link.start("shop", with(bed.script("read go < door; exit 3"), hooks));
    gate.wait();
    door.open();
    let status = host.link.state("shop", ServiceState::STOPPED);
    assert_eq!((status.win32_exit_code, status.service_exit_code), (Win32Error::SERVICE_SPECIFIC_ERROR, 3));
    assert!(!states(&host).contains(&ServiceState::RUNNING));
}

#[test]
fn no_hook_outlives_a_host_that_is_killed() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let mut gate = bed.gate("gate");
    let hooks = [hook(Moment::PreStart, "echo $$ > gate; exec sleep 1000")];
    host.link.start("shop", with(bed.script("echo never"), hooks));
    let pid: u32 = gate.wait().trim().parse().unwrap();
    host.kill();
    wait_gone(pid);
}

#[test]
fn several_hooks_of_a_moment_are_run_in_their_order_until_one_fails_that_may_not() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let hooks = [
        hook(Moment::PreStart, "echo one"),
        (
            Moment::PreStart,
            Hook { on_failure: OnFailure::GoOn, ..hook(Moment::PreStart, "echo two; exit 3").1 },
        ),
        hook(Moment::PreStart, "echo three"),
        hook(Moment::PostStop, "echo $SVC_HOOK; exit 1"),
        hook(Moment::PostStop, "echo last"),
    ];
    host.link.run("shop", with(bed.script("echo it runs"), hooks));
    assert_eq!(bed.log(), "one\ntwo\nthree\nit runs\npost-stop\nlast\n");
    let failures = host.link.seen.iter().filter_map(|frame| match frame {
        FromProcess::Event { id: EventId::HOOK_FAILED, message, .. } => Some(message.as_str()),
        _ => None,
    });
    let expected = [
        r#""shop": the hook pre-start (number 2) ended with exit code 3"#,
        r#""shop": the hook post-stop ended with exit code 1"#,
    ];
    assert_eq!(failures.collect::<Vec<_>>(), expected);
    let hooks = [
        hook(Moment::PreStart, "exit 4"),
        hook(Moment::PreStart, "echo not that"),
        hook(Moment::PostStop, "echo end"),
    ];
    host.link.start("none", with(bed.script("echo nor that"), hooks));
    host.link.state("none", ServiceState::STOPPED);
    assert!(bed.log().ends_with("last\nend\n"), "{}", bed.log());
}

#[test]
fn a_stop_ends_the_hooks_that_are_still_to_come() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let mut gate = bed.gate("gate");
    let hooks = [
        hook(Moment::PreStart, "echo here > gate; exec sleep 1000"),
        hook(Moment::PreStart, "echo never"),
        hook(Moment::PostStop, "echo end"),
    ];
    host.link.start("shop", with(bed.script("echo nor that"), hooks));
    assert_eq!(gate.wait(), "here\n");
    host.link.stop("shop");
    assert_eq!(bed.log(), "end\n");
}
