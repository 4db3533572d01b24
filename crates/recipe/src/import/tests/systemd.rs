//! Units of systemd.

use std::time::Duration;

use svckit_core::control::Control;
use svckit_core::definition::{ControlAction, ExitAction, RestartWhen, Rung, StopAction};
use svckit_core::health::HealthPolicy;
use svckit_core::hook::{Errand, OnFailure};
use svckit_core::limits::{Limits, Priority};
use svckit_core::probe::ReadyWhen;
use svckit_core::signal::Signal;
use svckit_core::tree::TreePolicy;

use super::{Import, told, wrong};
use crate::definition::{ServiceDefinition, StartMode};

const FILE: &str = "/etc/systemd/system/shop.service";

fn import(text: &str) -> Import {
    super::import(FILE, text)
}

/// A unit with more lines in `[Service]`; nothing is told about it.
fn unit(lines: &str) -> ServiceDefinition {
    let mut import = import(&format!("[Service]\nExecStart=/bin/shop\n{lines}"));
    assert_eq!(told(&import), [""; 0], "{lines}");
    import.services.remove(0)
}

fn remarks(lines: &str) -> Vec<String> {
    told(&import(&format!("[Service]\nExecStart=/bin/shop\n{lines}\n")))
}

#[test]
fn a_unit_that_says_nothing_has_systemds_defaults() {
    let shop = unit("");
    let hosted = shop.hosted().unwrap();
    assert_eq!((shop.name.as_str(), shop.start), ("shop", Some(StartMode::Manual)));
    assert_eq!(hosted.program.directory.to_str(), Some("/"));
    assert_eq!((hosted.restart.when, hosted.restart.delay.as_millis()), (RestartWhen::Never, 100));
    let term = Rung { action: StopAction::Signal(Signal::Term), wait: Duration::from_secs(90) };
    assert_eq!(hosted.stop.ladder, [term]);
    assert_eq!((shop.description, shop.account, shop.dependencies.len()), (None, None, 0));
}

#[test]
fn each_keyword_is_mapped() {
    assert_eq!(unit("[Unit]\nDescription=Shop of %n\n").description.as_deref(), Some("Shop of shop.service"));
    assert_eq!(unit("[Install]\nWantedBy=multi-user.target\n").start, Some(StartMode::Auto));
    assert_eq!(unit("Type=exec\nUser=www\n").account.as_deref(), Some("www"));
    assert_eq!(
        unit("WorkingDirectory=/srv/%N\n").hosted().unwrap().program.directory.to_str(),
        Some("/srv/shop")
    );
    let environment = unit("Environment=A=1 \"B=two words\"\nEnvironment=\nEnvironment=C=50%%\n")
        .hosted()
        .unwrap()
        .program
        .environment
        .clone();
    assert_eq!(environment, [("C".to_owned(), "50%".to_owned())].into());
    let files = unit("EnvironmentFile=/a\nEnvironmentFile=\nEnvironmentFile=/b\nEnvironmentFile=/c\n")
        .hosted()
        .unwrap()
        .program
        .environment_files
        .clone();
    assert_eq!(files, [std::path::Path::new("/b"), std::path::Path::new("/c")]);
    assert_eq!(unit("Restart=always\n").hosted().unwrap().restart.when, RestartWhen::Always);
    assert_eq!(
        unit("Restart=on-failure\nRestartSec=2\n").hosted().unwrap().restart.delay,
        Duration::from_secs(2)
    );
    assert_eq!(
        unit("Restart=on-success\n").hosted().unwrap().restart.exit_codes,
        [(0, ExitAction::Restart)].into()
    );
    let codes = "Restart=on-failure\nSuccessExitStatus=143\nRestartPreventExitStatus=78 143\nRestartForceExitStatus=75\n";
    assert_eq!(
        unit(codes).hosted().unwrap().restart.exit_codes,
        [(75, ExitAction::Restart), (78, ExitAction::Fail), (143, ExitAction::Stop)].into()
    );
    let ladder = unit("KillSignal=SIGINT\nTimeoutStopSec=1min 5s\nSendSIGHUP=yes\nKillMode=control-group\n")
        .hosted()
        .unwrap()
        .stop
        .ladder
        .clone();
    let rung =
        |signal, seconds| Rung { action: StopAction::Signal(signal), wait: Duration::from_secs(seconds) };
    assert_eq!(ladder, [rung(Signal::Int, 0), rung(Signal::Hup, 65)]);
    let log = unit("StandardOutput=append:/l/%p.log\n").hosted().unwrap().log.clone();
    assert_eq!(
        (log.stdout.as_deref().and_then(|file| file.to_str()), &log.stderr),
        (Some("/l/shop.log"), &log.stdout)
    );
    assert_eq!(unit("StandardOutput=file:/l/x\nStandardError=journal\n").hosted().unwrap().log.stderr, None);
    for reload in ["/bin/kill -HUP $MAINPID", "kill -s SIGHUP ${MAINPID}", "/usr/bin/kill -1 $MAINPID"] {
        let controls = unit(&format!("ExecReload={reload}\n")).hosted().unwrap().controls.clone();
        assert_eq!(controls, [(Control::PARAMCHANGE.0, ControlAction::Signal(Signal::Hup))].into());
    }
}

#[test]
fn commands_beside_the_program_are_hooks() {
    let shop = unit(
        "Environment=A=1\nTimeoutStartSec=20\nTimeoutStopSec=7\nExecStartPre=/bin/never\nExecStartPre=\nExecStartPre=-/bin/prepare ${A}\nExecStartPre=/bin/also\nExecStartPost=/bin/tell $MAINPID\nExecStopPost=/bin/clean 'a b'\nExecReload=/bin/ctl reload\n",
    );
    let each = shop
        .hosted()
        .unwrap()
        .hooks
        .iter()
        .flat_map(|(moment, hooks)| hooks.as_slice().iter().map(move |hook| (moment, hook)));
    let found = each.map(|(moment, hook)| {
        (moment.word(), hook.errand.command.join("|"), hook.errand.timeout.as_secs(), hook.on_failure)
    });
    let found = found.collect::<Vec<_>>();
    let shell = "/bin/sh|-c|MAINPID=$SVC_PID; exec /bin/tell $MAINPID";
    let expected = [
        ("pre-start", "/bin/prepare|1", 20, OnFailure::GoOn),
        ("pre-start", "/bin/also", 20, OnFailure::Fail),
        ("post-start", shell, 20, OnFailure::Fail),
        ("post-stop", "/bin/clean|a b", 7, OnFailure::GoOn),
    ];
    assert_eq!(found, expected.map(|(moment, line, time, how)| (moment, line.to_owned(), time, how)));
    let command = ["/bin/ctl", "reload"].map(str::to_owned).to_vec();
    let reload = ControlAction::Command(Errand { command, timeout: Duration::from_secs(20) });
    assert_eq!(shop.hosted().unwrap().controls, [(Control::PARAMCHANGE.0, reload)].into());
}

#[test]
fn a_program_that_says_how_it_is_does_so_here_too() {
    let shop = unit("Type=notify\nWatchdogSec=30s\n");
    let ready = shop.hosted().unwrap().ready.clone().unwrap();
    assert_eq!((ready.when, ready.timeout.as_secs()), (ReadyWhen::Notify, 90));
    assert_eq!(shop.hosted().unwrap().health, Some(HealthPolicy::Notify(Duration::from_secs(30))));
    let shop = unit("Type=notify-reload\nTimeoutSec=5min\nWatchdogSec=0\n");
    assert_eq!(
        (
            shop.hosted().unwrap().ready.clone().unwrap().timeout.as_secs(),
            shop.hosted().unwrap().health.clone()
        ),
        (300, None)
    );
    assert_eq!(
        shop.hosted().unwrap().controls,
        [(Control::PARAMCHANGE.0, ControlAction::Signal(Signal::Hup))].into()
    );
}

#[test]
fn the_limit_of_starts_is_a_budget_of_as_many_restarts() {
    let restart = |lines: &str| unit(&format!("Restart=always\n{lines}")).hosted().unwrap().restart.clone();
    let limited = restart("RestartSec=1s\n");
    assert_eq!((limited.budget.as_secs(), limited.reset_after.as_secs()), (3, 10), "four restarts");
    assert_eq!(restart("RestartSec=5s\n").reset_after, Duration::ZERO, "the limit is never reached");
    assert_eq!(restart("[Unit]\nStartLimitIntervalSec=0\n").reset_after, Duration::ZERO);
    let more = restart("RestartSec=1s\n[Unit]\nStartLimitIntervalSec=1min\nStartLimitBurst=10\n");
    assert_eq!((more.budget.as_secs(), more.reset_after.as_secs()), (8, 60));
}

#[test]
fn dependencies_are_services_that_svckit_has_to_have() {
    let import = import(
        "[Unit]\nRequires=db.service\nAfter=db.service network.target cache.service\n[Service]\nExecStart=/bin/shop\n",
    );
    assert_eq!(import.services[0].dependencies.iter().map(ToString::to_string).collect::<Vec<_>>(), ["db"]);
    assert_eq!(
        told(&import),
        [
            "2:10: depends-on = [\"db\"] needs a service db in svckit",
            "3:7: After=network.target is not mapped",
            "3:7: After=cache.service is not mapped",
        ]
    );
}

#[test]
fn what_becomes_of_processes_is_carried_over() {
    let tree = |lines: &str| unit(lines).hosted().unwrap().tree.clone();
    assert_eq!(tree(""), TreePolicy::Kill);
    assert_eq!(tree("KillMode=control-group\n"), TreePolicy::Kill);
    assert_eq!(tree("KillMode=process\n"), TreePolicy::Leave(vec!["*".to_owned()]));
    assert_eq!(tree("Type=forking\n"), TreePolicy::Follow);
    assert_eq!(tree("Type=forking\nKillMode=control-group\n"), TreePolicy::Follow);
}

#[test]
fn limits_are_carried_over() {
    let limits =
        unit("Nice=-5\nCPUAffinity=4 0-2\nLimitNOFILE=1024\nLimitCORE=1M\n").hosted().unwrap().limits.clone();
    let expected = Limits {
        priority: Some(Priority::AboveNormal),
        affinity: vec![0, 1, 2, 4],
        open_files: Some(1024),
        core_size: Some(1 << 20),
        ..Limits::default()
    };
    assert_eq!(limits, expected);
    let limits = unit("LimitNOFILE=infinity\nLimitCORE=infinity\n").hosted().unwrap().limits.clone();
    assert_eq!((limits.open_files, limits.core_size), (None, Some(Limits::UNLIMITED)));
    let of_all = |lines: &str| {
        let limits = unit(lines).hosted().unwrap().limits.clone();
        (limits.memory, limits.cpu, limits.processes)
    };
    assert_eq!(of_all("MemoryMax=1.5G\nCPUQuota=150%\nTasksMax=64\n"), (Some(3 << 29), Some(150), Some(64)));
    assert_eq!(of_all("MemoryLimit=2T\nCPUQuota=12.0%\n"), (Some(2 << 40), Some(12), None));
    assert_eq!(of_all("MemoryMax=infinity\nCPUQuota=\nTasksMax=infinity\n"), (None, None, None));
}

#[test]
fn what_has_no_place_is_told_where_it_is() {
    for (lines, remark) in [
        ("Type=oneshot", "3:6: Type=oneshot is not mapped"),
        ("ExecStop=/bin/x", "3:1: ExecStop is not mapped"),
        ("ExecReload=/bin/x\nExecReload=/bin/y", "4:12: several of ExecReload are not mapped"),
        ("TimeoutStartSec=5", "3:1: TimeoutStartSec is not mapped"),
        ("FailureAction=reboot", "3:1: FailureAction is not mapped"),
        ("StartLimitAction=reboot", "3:1: StartLimitAction is not mapped"),
        ("RebootArgument=x", "3:1: RebootArgument is not mapped"),
        ("[Unit]\nFailureAction=reboot", "4:1: FailureAction is not mapped"),
        ("Group=www", "3:1: Group is not mapped"),
        ("LimitNPROC=1000", "3:1: LimitNPROC is not mapped"),
        ("LimitNOFILE=10:20", "3:13: LimitNOFILE is 10 and can't be raised to 20"),
        ("Nice=12", "3:6: Nice=12 becomes priority = \"below-normal\", nice 10"),
        ("PrivateTmp=yes", "3:1: PrivateTmp is not mapped"),
        ("MemoryHigh=1G", "3:1: MemoryHigh is not mapped"),
        ("MemoryMax=20%", "3:11: MemoryMax=20% is a share of the machine's, and not mapped"),
        ("TasksMax=10%", "3:10: TasksMax=10% is a share of the machine's, and not mapped"),
        ("CPUQuota=12.5%", "3:10: CPUQuota=12.5% becomes cpu = \"13%\""),
        ("X-Mine=1", "3:1: X-Mine is not mapped"),
        ("ExecStrat=/bin/x", "3:1: ExecStrat is not known, and not mapped"),
        ("KillMode=mixed", "3:10: KillMode=mixed is not mapped"),
        ("Type=forking\nKillMode=process", "4:10: KillMode=process is not mapped"),
        (
            "TimeoutStopSec=infinity",
            "1:1: a stop can't take for ever: after a day the program is ended by force",
        ),
        ("StandardOutput=null", "3:16: StandardOutput=null is not mapped"),
        ("EnvironmentFile=-/etc/x", "3:17: the file has to be there: - before it is not mapped"),
        ("EnvironmentFile=/etc/x*", "3:17: a pattern for several files is not mapped"),
        ("WorkingDirectory=-/srv", "3:18: the folder has to be there: - before it is not mapped"),
        ("Restart=on-abnormal", "3:9: Restart=on-abnormal is not wholly mapped"),
        ("SuccessExitStatus=SIGKILL", "3:19: SuccessExitStatus=SIGKILL is not mapped"),
        ("[Unit]\nConditionPathExists=/x", "4:1: ConditionPathExists is not mapped"),
        ("[Unit]\nDocumentation=man:x", "4:1: Documentation is not mapped"),
        ("[Install]\nAlias=x.service", "4:1: Alias is not mapped"),
        ("[Install]\nWantedBy=x.service", "4:10: WantedBy=x.service is not mapped"),
        ("[Socket]\nListenStream=80", "3:1: [Socket] is not known, and not mapped: ListenStream"),
        (
            "Restart=always\n[Unit]\nStartLimitBurst=1",
            "5:17: StartLimitBurst can't be 1 beside restarts: the program is run again once",
        ),
    ] {
        assert_eq!(remarks(lines), [remark]);
    }
}

#[test]
fn the_command_is_read_as_systemd_does() {
    let command = |line: &str| {
        let import = import(&format!("[Service]\nEnvironment=PORT=80\nExecStart={line}\n"));
        (import.services[0].hosted().unwrap().program.command.join("|"), told(&import))
    };
    let plain = |line| {
        let (command, told) = command(line);
        assert_eq!(told, [""; 0], "{line}");
        command
    };
    assert_eq!(plain(r#"/bin/x "a b" 'c' \x41 %N 50%% $$1 ${PORT}"#), "/bin/x|a b|c|A|shop|50%|$1|80");
    assert_eq!(plain(":/bin/x ${PORT}"), "/bin/x|${PORT}");
    assert_eq!(plain("/bin/x a \\\n# a comment\n   b"), "/bin/x|a|b");
    assert_eq!(plain("/bin/y\nExecStart=\nExecStart=/bin/x"), "/bin/x");
    let (line, remarks) = command("/bin/x ${HOST} *");
    assert_eq!(line, "/bin/sh|-c|exec /bin/x \"${HOST}\" '*'");
    assert_eq!(remarks, ["3:11: HOST is set outside this file, so a shell puts it into the command"]);
    let (line, remarks) = command("-@/bin/x name a");
    assert_eq!((line.as_str(), remarks.len()), ("/bin/x|a", 2));
}

#[test]
fn an_instance_of_a_template_is_a_service() {
    let import = super::import("/x/web@a-b.service", "[Service]\nExecStart=/bin/%p %i %I %j\n");
    assert_eq!(import.services[0].name.as_str(), "web@a-b");
    assert_eq!(import.services[0].hosted().unwrap().program.command, ["/bin/web", "a-b", "a/b", "web"]);
    assert_eq!(
        wrong("/x/web@.service", "[Service]\nExecStart=/bin/web\n"),
        ["1:1: the unit is a template, and no service by itself"]
    );
}

#[test]
fn mistakes_are_told_where_they_are() {
    for (lines, mistake) in [
        ("", "1:1: [Service] does not say what to run"),
        ("ExecStart=/bin/x 'a", "2:11: the quotation mark ' is never closed"),
        ("ExecStart=/bin/x %H", "2:11: what %H stands for is not said in this file"),
        ("ExecStart=/bin/x\nExecStart=/bin/y", "3:11: a service of svckit runs one program, not several"),
        ("ExecStart=/bin/x ; /bin/y", "2:11: a service of svckit runs one program, not several"),
        ("ExecStart=/bin/x\nRestart=perhaps", "3:9: Restart can't be \"perhaps\""),
        ("ExecStart=/bin/x\nRestartSec=soon", "3:12: RestartSec can't be \"soon\""),
        ("ExecStart=/bin/x\nKillSignal=SIGFOO", "3:12: \"SIGFOO\" is no signal that svckit sends"),
        (
            "ExecStart=/bin/x\nWorkingDirectory=~",
            "3:18: the home directory of the user is not said in this file",
        ),
        ("ExecStart=/bin/x\nEnvironment=A", "3:13: \"A\" is no variable with its value"),
        ("ExecStart=/bin/x\nstray", "3:1: \"stray\" is no setting"),
        ("ExecStart=/bin/x\nStandardOutput=file:/l/", "3:16: \"/l/\" is not a file"),
    ] {
        assert_eq!(wrong(FILE, &format!("[Service]\n{lines}\n")), [mistake], "{lines}");
    }
    assert_eq!(wrong(FILE, "[Unit]\n"), ["1:1: the unit has no section [Service]"]);
}
