//! supervisord.conf.

use std::time::Duration;

use svckit_core::definition::{ExitAction, RestartWhen, StopAction};
use svckit_core::signal::Signal;

use super::{Import, told, wrong};
use crate::definition::{ServiceDefinition, StartMode};

const FILE: &str = "/etc/supervisord.conf";

fn import(text: &str) -> Import {
    super::import(FILE, text)
}

/// A program with more lines; nothing is told about it.
fn program(lines: &str) -> ServiceDefinition {
    let mut import = import(&format!("[program:web]\ncommand = /bin/web\ndirectory = /srv\n{lines}"));
    assert_eq!(told(&import), [""; 0], "{lines}");
    import.services.remove(0)
}

/// What is told about a program with more lines.
fn remarks(lines: &str) -> Vec<String> {
    told(&import(&format!("[program:web]\ncommand = /bin/web\ndirectory = /srv\n{lines}")))
}

#[test]
fn a_program_that_says_nothing_has_supervisors_defaults() {
    let web = program("");
    let hosted = web.hosted().unwrap();
    assert_eq!((web.name.as_str(), web.start), ("web", Some(StartMode::Auto)));
    assert_eq!(hosted.program.directory.to_str(), Some("/srv"));
    assert_eq!((hosted.restart.when, hosted.restart.delay.as_secs()), (RestartWhen::OnFailure, 1));
    assert_eq!(
        (hosted.restart.budget.as_secs(), hosted.restart.reset_after.as_secs()),
        (2, 1),
        "three restarts in a row"
    );
    assert_eq!(hosted.stop.ladder.len(), 1);
    assert_eq!((hosted.log.rotate_size, hosted.log.keep_count), (Some(50 << 20), Some(10)));
    assert_eq!(web.account, None);
}

#[test]
fn each_keyword_is_mapped() {
    assert_eq!(program("autostart = false\n").start, Some(StartMode::Manual));
    assert_eq!(program("autorestart = true\n").hosted().unwrap().restart.when, RestartWhen::Always);
    assert_eq!(program("autorestart = no\n").hosted().unwrap().restart.when, RestartWhen::Never);
    assert_eq!(program("autorestart = unexpected\n").hosted().unwrap().restart.when, RestartWhen::OnFailure);
    assert_eq!(program("startsecs = 5\n").hosted().unwrap().restart.reset_after, Duration::from_secs(5));
    assert_eq!(program("startretries = 7\n").hosted().unwrap().restart.budget, Duration::from_secs(6));
    assert_eq!(
        program("exitcodes = 0,3\n").hosted().unwrap().restart.exit_codes,
        [(3, ExitAction::Stop)].into()
    );
    assert_eq!(
        program("exitcodes = 2\n").hosted().unwrap().restart.exit_codes,
        [(0, ExitAction::Restart), (2, ExitAction::Stop)].into()
    );
    let service = program("stopsignal = QUIT\nstopwaitsecs = 60\n");
    let rung = &service.hosted().unwrap().stop.ladder[0];
    assert_eq!((rung.action.clone(), rung.wait.as_secs()), (StopAction::Signal(Signal::Quit), 60));
    assert_eq!(
        program("stopsignal = 10\n").hosted().unwrap().stop.ladder[0].action,
        StopAction::Signal(Signal::Usr1)
    );
    assert_eq!(program("user = shop\n").account.as_deref(), Some("shop"));
    assert_eq!(program("stopasgroup = true\nkillasgroup = true\n").name.as_str(), "web");
    let environment = program("environment = A=\"1, 2\",B=%(program_name)s\n")
        .hosted()
        .unwrap()
        .program
        .environment
        .clone();
    assert_eq!(environment, [("A".to_owned(), "1, 2".to_owned()), ("B".to_owned(), "web".to_owned())].into());
    let log = program("stdout_logfile = /l/%(program_name)s.log\nstdout_logfile_maxbytes = 1KB\nstdout_logfile_backups = 2\n").hosted().unwrap().log.clone();
    assert_eq!(
        (log.stdout.as_deref().and_then(|file| file.to_str()), log.stderr),
        (Some("/l/web.log"), None)
    );
    assert_eq!((log.rotate_size, log.keep_count), (Some(1024), Some(2)));
    let log = program("redirect_stderr = true\nstdout_logfile = /l/x\nstdout_logfile_maxbytes = 0\n")
        .hosted()
        .unwrap()
        .log
        .clone();
    assert_eq!((log.stderr, log.rotate_size, log.keep_count), (log.stdout.clone(), None, None));
    assert_eq!(
        program("stderr_logfile = /l/e\n")
            .hosted()
            .unwrap()
            .log
            .stderr
            .as_deref()
            .and_then(|file| file.to_str()),
        Some("/l/e")
    );
    assert_eq!(program("process_name = front\n").name.as_str(), "front");
}

#[test]
fn what_has_no_place_is_told_where_it_is() {
    for (lines, remark) in [
        ("priority = 1", "4:1: priority is not mapped"),
        ("umask = 022", "4:1: umask is not mapped"),
        ("serverurl = AUTO", "4:1: serverurl is not mapped"),
        ("stdout_capture_maxbytes = 1MB", "4:1: stdout_capture_maxbytes is not mapped"),
        ("stderr_events_enabled = true", "4:1: stderr_events_enabled is not mapped"),
        ("stdout_syslog = true", "4:1: stdout_syslog is not mapped"),
        ("colour = red", "4:1: colour is not known, and not mapped"),
        (
            "killasgroup = false",
            "4:1: killasgroup is always true: what the program started is stopped with it",
        ),
        ("startretries = 0", "4:16: startretries can't be 0 beside restarts: the program is run again once"),
        (
            "autorestart = true\nexitcodes = 3",
            "5:1: exitcodes has no effect, since autorestart is not unexpected",
        ),
        ("stdout_logfile = NONE", "4:18: stdout_logfile can't be NONE: output is always kept"),
        ("stdout_logfile = /dev/stdout", "4:18: stdout_logfile can't be a device"),
        (
            "stderr_logfile_backups = 1",
            "4:1: stderr_logfile_backups is not mapped: one rotation is for both streams",
        ),
        ("[group:all]\nprograms = web", "4:1: [group:all] is not mapped: programs"),
        ("[include]\nfiles = /etc/x/*.conf", "4:1: [include] is not mapped: files"),
        ("[eventlistener:x]\ncommand = x", "4:1: [eventlistener:x] is not mapped: command"),
        ("[spelt:wrong]", "4:1: [spelt:wrong] is not known, and not mapped"),
        (
            "[supervisord]\nlogfile = /x\npidfile = /y",
            "4:1: not mapped, since it is about supervisord itself: logfile, pidfile",
        ),
        ("[supervisord]\numask = 077", "5:1: umask is not mapped"),
        ("[supervisord]\nlogfiles = x", "5:1: logfiles is not known, and not mapped"),
    ] {
        assert_eq!(remarks(&format!("{lines}\n")), [remark]);
    }
    assert_eq!(
        told(&import("[program:web]\ncommand = web\n")),
        ["1:1: [program:web] has no directory: the service runs in the folder of this file"]
    );
}

#[test]
fn mistakes_are_told_where_they_are() {
    for (lines, mistake) in [
        ("command = ", "2:10: there is nothing to run"),
        ("command = web 'x", "2:11: this command can't be split: the quotation mark ' is never closed"),
        ("user = x", "1:1: [program:web] does not say what to run"),
        ("command = web %(ENV_HOME)s", "2:11: %(ENV_HOME)s is not said in this file"),
        ("command = web\nautostart = perhaps", "3:13: autostart can't be \"perhaps\""),
        ("command = web\nstartsecs = soon", "3:13: startsecs can't be \"soon\""),
        ("command = web\nstopsignal = SIGNAL", "3:14: \"SIGNAL\" is no signal that svckit sends"),
        ("command = web\nstdout_logfile_maxbytes = 1XB", "3:27: stdout_logfile_maxbytes can't be \"1XB\""),
        ("command = web\nenvironment = A", "3:15: the variables can't be read from \"A\" on"),
        ("command = web\nexitcodes = 0,256", "3:13: exitcodes can't be \"256\""),
        ("command = web\nnumprocs = 2", "1:1: the processes would all have one name"),
        ("command = web\nnumprocs = 100000", "1:1: 100000 processes are too many to be made services of"),
        ("command = web\nprocess_name = a/b", "3:16: a service name can't contain '/'"),
        ("command = web\nstray", "3:1: \"stray\" is no setting"),
    ] {
        assert_eq!(wrong(FILE, &format!("[program:web]\n{lines}\n")), [mistake], "{lines}");
    }
    assert_eq!(wrong(FILE, "[supervisord]\n"), ["1:1: there is no service in the file"]);
    assert_eq!(wrong(FILE, "command = x\n"), ["1:1: the line is in no section"]);
}

#[test]
fn several_processes_are_several_services() {
    let all = import(
        "[supervisord]\nuser = shop\ndirectory = sub\nenvironment = LANG=C\n\
         [program:w]\nprocess_name = %(program_name)s_%(process_num)02d\nnumprocs = 2\nnumprocs_start = 8\n\
         command = worker --port 80%(process_num)02d --lang %(ENV_LANG)s\nenvironment = N=\"%(process_num)d\"\n",
    );
    assert_eq!(told(&all), [""; 0]);
    let names: Vec<_> = all.services.iter().map(|service| service.name.as_str()).collect();
    assert_eq!(names, ["w_08", "w_09"]);
    let last = &all.services[1];
    let hosted = last.hosted().unwrap();
    assert_eq!(hosted.program.command, ["worker", "--port", "8009", "--lang", "C"]);
    assert_eq!(hosted.program.directory.to_str(), Some("/etc/sub"));
    assert_eq!(last.account.as_deref(), Some("shop"));
    assert_eq!((&*hosted.program.environment["N"], &*hosted.program.environment["LANG"]), ("9", "C"));
}

#[test]
fn the_syntax_is_that_of_config_parser() {
    let import = import(
        "; a comment\n[program:web]\nCommand: /bin/web -a ; a comment\n    # another\n  -b;c\n\n  'd\n  e'\ndirectory = /srv\n\
         command_is_not_this = 1\n[program:db]\ncommand = /bin/db\ndirectory=/srv\n[program:web]\nuser = shop\n",
    );
    assert_eq!(import.services[0].hosted().unwrap().program.command, ["/bin/web", "-a", "-b;c", "d\ne"]);
    assert_eq!(import.services[0].account.as_deref(), Some("shop"), "sections of one name are one");
    assert_eq!(import.services[1].name.as_str(), "db");
    assert_eq!(told(&import), ["10:1: command_is_not_this is not known, and not mapped"]);
}
