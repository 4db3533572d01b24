//! WinSW: XML and YAML.

use std::time::Duration;

use svckit_core::definition::{RestartWhen, Rung, StopAction};
use svckit_core::failure::{ActionType, ResetPeriod};
use svckit_core::hook::{Moment, OnFailure};
use svckit_core::limits::Priority;
use svckit_core::log::rotation::RotateTime;

use super::told;
use crate::definition::{ServiceDefinition, StartMode};
use crate::import::{Import, Kind, read};
use crate::platform::Platform;

fn import_of(file: &str, text: &str) -> Import {
    let import = read(file, text.as_bytes(), None, Platform::Windows);
    let import = import.unwrap_or_else(|wrong| panic!("{wrong}\n{text}"));
    assert_eq!(import.kind, Kind::Winsw);
    import
}

/// A configuration with more elements, each on a line from the second on.
fn import(elements: &str) -> Import {
    let text =
        format!("<service><id>shop</id><executable>C:\\s\\shop.exe</executable>\n{elements}\n</service>\n");
    import_of(r"C:\winsw\shop-svc.xml", &text)
}

/// Its service, about which nothing is told.
fn service(elements: &str) -> ServiceDefinition {
    let mut import = import(elements);
    assert_eq!(told(&import), [""; 0], "{elements}");
    import.services.remove(0)
}

fn path(path: Option<&std::path::PathBuf>) -> Option<&str> {
    path.and_then(|path| path.to_str())
}

#[test]
fn a_configuration_that_says_nothing_has_winsws_defaults() {
    let shop = service("");
    let hosted = shop.hosted().unwrap();
    assert_eq!((shop.name.as_str(), shop.start), ("shop", Some(StartMode::Auto)));
    assert_eq!((shop.display_name.as_str(), shop.description.as_deref()), ("shop", None));
    assert_eq!(hosted.program.command, [r"C:\s\shop.exe"]);
    assert_eq!(hosted.program.directory.to_str(), Some(r"C:\winsw"));
    assert_eq!((hosted.restart.when, shop.recovery.actions.len()), (RestartWhen::Never, 0));
    let rung = |action, seconds| Rung { action, wait: Duration::from_secs(seconds) };
    assert_eq!(hosted.stop.ladder, [rung(StopAction::CtrlC, 0), rung(StopAction::WmClose, 15)]);
    assert_eq!(path(hosted.log.stdout.as_ref()), Some(r"C:\winsw\shop-svc.out.log"));
    assert_eq!(path(hosted.log.stderr.as_ref()), Some(r"C:\winsw\shop-svc.err.log"));
    assert_eq!((hosted.log.rotate_size, shop.account), (None, None));
}

#[test]
fn each_element_is_mapped() {
    assert_eq!(service("<name>The Shop</name>").display_name.as_str(), "The Shop");
    assert_eq!(
        service("<description>Sells &amp; buys</description>").description.as_deref(),
        Some("Sells & buys")
    );
    assert_eq!(
        service("<arguments>\n  -Xmx256m\n  -jar \"a b.jar\"\n</arguments>")
            .hosted()
            .unwrap()
            .program
            .command[1..],
        ["-Xmx256m", "-jar", "a b.jar"]
    );
    assert_eq!(
        service("<startarguments>a b</startarguments>").hosted().unwrap().program.command[1..],
        ["a", "b"]
    );
    assert_eq!(
        service("<argument>a b</argument><argument>c</argument><argument>\"d e\"</argument>")
            .hosted()
            .unwrap()
            .program
            .command[1..],
        ["a b", "c", "d e"]
    );
    assert_eq!(
        service("<workingdirectory>D:\\data</workingdirectory>").hosted().unwrap().program.directory.to_str(),
        Some(r"D:\data")
    );
    assert_eq!(service("<startmode>Manual</startmode>").start, Some(StartMode::Manual));
    assert_eq!(service("<delayedAutoStart>true</delayedAutoStart>").start, Some(StartMode::Delayed));
    assert_eq!(service("<delayedAutoStart/>").start, Some(StartMode::Delayed));
    let needs = service("<depend>Eventlog</depend><depend>W32Time</depend>").dependencies;
    assert_eq!(needs.iter().map(ToString::to_string).collect::<Vec<_>>(), ["Eventlog", "W32Time"]);
    assert_eq!(
        service("<stoptimeout>10sec</stoptimeout>").hosted().unwrap().stop.ladder[1].wait,
        Duration::from_secs(10)
    );
    let preshutdown =
        service("<preshutdown>true</preshutdown><preshutdownTimeout>5 min</preshutdownTimeout>");
    assert_eq!(preshutdown.preshutdown, Duration::from_secs(300));
    let account = service("<serviceaccount><username>NT AUTHORITY\\LocalService</username></serviceaccount>");
    assert_eq!(account.account.as_deref(), Some(r"NT AUTHORITY\LocalService"));
    let account = service(
        "<serviceaccount><domain>D</domain><user>g$</user><allowservicelogon>true</allowservicelogon></serviceaccount>",
    );
    assert_eq!(account.account.as_deref(), Some(r"D\g$"));
    assert_eq!(service("<serviceaccount><username>LocalSystem</username></serviceaccount>").account, None);
    assert_eq!(
        service("<priority>BelowNormal</priority>").hosted().unwrap().limits.priority,
        Some(Priority::BelowNormal)
    );
    service(
        "<priority>Normal</priority><interactive>false</interactive><hidewindow>true</hidewindow><autoRefresh>false</autoRefresh>",
    );
    service("<beeponshutdown>false</beeponshutdown><extensions/><onFailure action='none'/>");
}

#[test]
fn logs_are_where_they_were() {
    let log = |elements: &str| service(elements).hosted().unwrap().log.clone();
    let rolled = log(
        "<logpath>logs</logpath><log mode=\"roll-by-size\"><sizeThreshold>5</sizeThreshold><keepFiles>3</keepFiles></log>",
    );
    assert_eq!(path(rolled.stdout.as_ref()), Some(r"C:\winsw\logs\shop-svc.out.log"));
    assert_eq!((rolled.rotate_size, rolled.keep_count), (Some(5 << 10), Some(3)));
    let rotated = log("<logmode>rotate</logmode><logname>x</logname><outfilepattern>.o</outfilepattern>");
    assert_eq!((rotated.rotate_size, rotated.keep_count), (Some(10 << 20), Some(8)));
    assert_eq!(path(rotated.stdout.as_ref()), Some(r"C:\winsw\x.o"));
    assert_eq!(log("<log mode='append'/>").rotate_size, None);
    let every = |hours: u64, at: u64| {
        let [interval, at] = [hours, at].map(|hours| Duration::from_secs(hours * 3600));
        Some(RotateTime::Every { interval, at })
    };
    assert_eq!(log("<log mode='roll-by-time'><pattern>yyyyMMdd</pattern></log>").rotate_time, every(24, 0));
    assert_eq!(
        log("<log mode='roll-by-time'><pattern>yyyy-MM-dd_HH</pattern></log>").rotate_time,
        every(1, 0)
    );
    let both = log("<log mode='roll-by-size-time'><autoRollAtTime>03:00:00</autoRollAtTime></log>");
    assert_eq!((both.rotate_size, both.rotate_time), (Some(10 << 20), every(24, 3)));
    let rolled = log("<log mode='roll'/>");
    assert_eq!((rolled.rotate_at_start, rolled.keep_count), (true, Some(1)));
}

#[test]
fn failures_become_restarts() {
    let restart = |elements: &str| service(elements).hosted().unwrap().restart.clone();
    let always = restart("<onfailure action=\"restart\" delay=\"10 sec\"/>");
    assert_eq!(
        (always.when, always.delay.as_secs(), always.max_delay.as_secs()),
        (RestartWhen::OnFailure, 10, 10)
    );
    assert_eq!((always.reset_after.as_secs(), always.budget.as_secs()), (86_400, 365 * 86_400));
    assert_eq!(restart("<onfailure action='restart'/>").delay.as_secs(), 1, "at once is after a moment");
    let longer = restart(
        "<onfailure action='restart' delay='10 sec'/><onfailure action='restart' delay='20 sec'/><resetfailure>1 hour</resetfailure>",
    );
    assert_eq!(
        (longer.delay.as_secs(), longer.max_delay.as_secs(), longer.reset_after.as_secs()),
        (10, 20, 3600)
    );
    assert!((longer.factor - 2.0).abs() < f64::EPSILON);
    let twice = restart(
        "<onfailure action='restart' delay='2 sec'/><onfailure action='restart' delay='2 sec'/><onfailure action='none'/>",
    );
    assert_eq!(twice.budget.as_secs(), 2, "when two were spent, there is no third");
    assert_eq!(
        restart("<onfailure action='restart' delay='2 sec'/><onfailure action='none'/>").budget.as_secs(),
        0
    );
    let reboot =
        service("<onfailure action='restart' delay='2 sec'/><onfailure action='reboot' delay='1 min'/>");
    assert_eq!(reboot.hosted().unwrap().restart.budget.as_secs(), 0);
    assert_eq!(
        (reboot.recovery.actions[0].kind, reboot.recovery.actions[0].delay.as_secs()),
        (ActionType::REBOOT, 60)
    );
    assert_eq!(
        (reboot.recovery_on_error, reboot.recovery.reset_period),
        (true, ResetPeriod::Seconds(86_400))
    );
}

#[test]
fn variables_that_the_file_says_are_replaced() {
    let shop = service(
        "<env name=\"HOME\" value=\"%BASE%\\home\"/><env name='LOG' value='%home%\\log'/><arguments>-d %LOG% -n %SERVICE_ID% a%20b%20c</arguments>",
    );
    assert_eq!(shop.hosted().unwrap().program.environment["LOG"], r"C:\winsw\home\log");
    assert_eq!(
        shop.hosted().unwrap().program.command[1..],
        ["-d", r"C:\winsw\home\log", "-n", "shop", "a%20b%20c"]
    );
    let told = told(&import("<env name='PATH' value='%PATH%;C:\\x'/>"));
    assert_eq!(told, ["2:25: PATH is not mapped: it has %PATH% in it, which svckit does not replace"]);
}

#[test]
fn commands_before_and_after_are_hooks() {
    let import = import(
        "<prestart><executable>%BASE%\\my tools\\a.exe</executable><arguments>-x \"y z\"</arguments></prestart>\
         <poststop><executable>clean</executable></poststop>",
    );
    let shop = &import.services[0];
    let hosted = shop.hosted().unwrap();
    let hook = |moment| &hosted.hooks[&moment].as_slice()[0];
    assert_eq!(hook(Moment::PreStart).errand.command, [r"C:\winsw\my tools\a.exe", "-x", "y z"]);
    assert_eq!(hook(Moment::PostStop).errand.command, ["clean"]);
    assert_eq!(hook(Moment::PreStart).on_failure, OnFailure::GoOn);
    assert_eq!(hosted.hooks.len(), 2);
}

#[test]
fn what_has_no_place_is_told_where_it_is() {
    for (element, remark) in [
        ("<stopexecutable>x</stopexecutable>", "2:2: stopexecutable is not mapped"),
        ("<stoparguments>x</stoparguments>", "2:2: stoparguments is not mapped"),
        (
            "<stopparentprocessfirst>true</stopparentprocessfirst>",
            "2:2: stopparentprocessfirst is not mapped",
        ),
        ("<waithint>1 sec</waithint>", "2:2: waithint is not mapped"),
        ("<securityDescriptor>D:</securityDescriptor>", "2:2: securityDescriptor is not mapped"),
        ("<download from='http://x/' to='%BASE%\\x'/>", "2:2: download is not mapped"),
        ("<prestart><arguments>x</arguments></prestart>", "2:2: the hook prestart is not mapped"),
        (
            "<prestop><executable>x</executable></prestop>",
            "2:2: prestop is waited for 30 seconds, and then ended",
        ),
        ("<interactive/>", "2:2: interactive is not mapped"),
        ("<beeponshutdown>true</beeponshutdown>", "2:2: beeponshutdown is not mapped"),
        ("<autoRefresh>true</autoRefresh>", "2:2: autoRefresh is not mapped"),
        ("<colour>red</colour>", "2:2: colour is not known, and not mapped"),
        ("<name lang='en'>x</name>", "2:7: lang is not known, and not mapped"),
        ("<name>x</name><name>y</name>", "2:16: name is said again: the first one holds"),
        (
            "<arguments>x</arguments><startarguments>y</startarguments>",
            "2:2: arguments has no effect beside the other arguments",
        ),
        ("<log mode='none'/>", "2:12: the log mode none is not mapped"),
        ("<log mode='reset'/>", "2:12: the log mode reset is not mapped: what is in a log is kept"),
        (
            "<log mode='roll-by-time'><pattern>yyyy</pattern></log>",
            "2:12: the log mode roll-by-time is not mapped with this pattern and period",
        ),
        ("<log mode='append'><keepFiles>8</keepFiles></log>", "2:21: keepFiles is not mapped"),
        ("<outfiledisabled>true</outfiledisabled>", "2:2: outfiledisabled is not mapped"),
        ("<serviceaccount><prompt>dialog</prompt></serviceaccount>", "2:18: prompt is not mapped"),
        ("<serviceaccount>ann</serviceaccount>", "2:17: the text in serviceaccount is not mapped"),
        (
            "<onfailure action='reboot'/><onfailure action='restart'/>",
            "2:48: what comes after an action other than restart is not mapped",
        ),
        (
            "<sharedDirectoryMapping><map label='N:' uncpath='\\\\x'/></sharedDirectoryMapping>",
            "2:26: the mapped drive is not mapped",
        ),
        (
            "<extensions><extension enabled='true' id='k' className='winsw.Plugins.RunawayProcessKiller.RunawayProcessKillerExtension'/></extensions>",
            "2:14: the extension RunawayProcessKillerExtension is not mapped",
        ),
    ] {
        assert_eq!(told(&import(element)), [remark], "{element}");
    }
    assert_eq!(
        told(&import(
            "<log mode='roll-by-size-time'><autoRollAtTime>3:00:30</autoRollAtTime><pattern>yyyy</pattern></log>"
        )),
        [
            "2:12: the time of the log mode roll-by-size-time is not mapped: it is no whole minute of a day",
            "2:72: pattern is not mapped"
        ]
    );
    let uneven = ["1", "5", "9", "13"]
        .map(|delay| format!("<onfailure action='restart' delay='{delay} sec'/>"))
        .concat();
    assert!(told(&import(&uneven))[0].contains("the pauses of onfailure are not wholly mapped"));
}

#[test]
fn no_password_is_shown_or_carried_over() {
    let import = import(
        "<serviceaccount><username>D\\ann</username><password>Pa55&amp;w0rd</password></serviceaccount> <download password='hunter2' from='x'/>",
    );
    assert_eq!(import.services[0].account.as_deref(), Some(r"D\ann"));
    assert_eq!(
        told(&import),
        [r"2:27: the password of D\ann is not part of the definition", "2:96: download is not mapped"]
    );
    let lines: Vec<_> =
        import.remarks.iter().filter_map(|one| one.place.as_ref()).map(|place| &*place.text).collect();
    for line in lines {
        assert!(
            line.contains("<password>*************</password>") && line.contains("password='*******'"),
            "{line}"
        );
    }
    let secret = read(
        "/x/a.service",
        b"[Service]\nExecStart=/bin/a\nEnvironment=DB_PASSWORD=hunter2 PORT=80\n",
        None,
        Platform::Unix,
    );
    let remarks = secret.unwrap().remarks;
    assert_eq!(
        remarks[0].place.as_ref().map(|place| &*place.text),
        Some("Environment=DB_PASSWORD=******* PORT=80")
    );
}

#[test]
fn mistakes_are_told_where_they_are() {
    for (element, mistake) in [
        ("<startmode>Boot</startmode>", ":2:12: startmode can't be \"boot\""),
        ("<stoptimeout>soon</stoptimeout>", ":2:14: stoptimeout can't be \"soon\""),
        ("<arguments>\"x</arguments>", ":2:12: this command can't be split"),
        (
            "<arguments>%JAVA_OPTS%</arguments>",
            ":2:12: arguments has the variable %JAVA_OPTS%, which svckit does not replace",
        ),
        ("<workingdirectory>/usr</workingdirectory>", ":2:19: \"/usr\" is not a path of Windows"),
        ("<log mode='x'/>", ":2:12: \"x\" is no log mode"),
        ("<onfailure action='run'/>", ":2:20: onfailure can't be \"run\""),
        ("<env value='x'/>", ":2:2: env has no name"),
        ("<delayedAutoStart>x</delayedAutoStart>", ":2:19: delayedAutoStart can't be \"x\""),
        ("<name>", ":3:1: the file is no XML:"),
        ("<a>&x;</a>", ":2:4: the file is no XML:"),
        ("stray", ":2:1: the text belongs to no element"),
    ] {
        let text = format!("<service><id>s</id><executable>C:\\s.exe</executable>\n{element}\n</service>\n");
        let wrong = read(r"C:\x.xml", text.as_bytes(), None, Platform::Windows).unwrap_err().to_string();
        assert!(wrong.contains(mistake), "{element}: {wrong}");
    }
    let wrong = |text: &str| {
        read(r"C:\x.xml", text.as_bytes(), Some(Kind::Winsw), Platform::Windows).unwrap_err().to_string()
    };
    assert!(wrong("<project/>").contains(":1:2: the file is about <project>, not about <service>"));
    assert_eq!(wrong("<service/>").lines().count(), 2, "id and executable");
    let deep = format!("<service>{}{}</service>", "<a>".repeat(20), "</a>".repeat(20));
    assert!(wrong(&deep).contains("there are more than 16 levels"));
    let doubling: String =
        (1..40).map(|n| format!("<env name='A{n}' value='%A{0}%%A{0}%xx'/>", n - 1)).collect();
    let text = format!(
        "<service><id>s</id><executable>C:\\s.exe</executable><env name='A0' value='x'/>{doubling}</service>"
    );
    assert!(wrong(&text).contains("value grows too long when its variables are replaced"));
}

#[test]
fn yaml_says_the_same() {
    let text = r"# of WinSW 2
id: shop
name: The Shop
executable: 'C:\s\shop.exe'
arguments: >
    -jar
    %BASE%\b.jar
env:
    - name: HOME
      value: '%BASE%'
    -
      name: PORT
      value: 80
log:
    mode: roll-by-size
    logpath: D:\logs
    sizeThreshold: 1
    keepFiles: 2
depend: [Eventlog, W32Time]
stopTimeout: 5 sec
delayedAutoStart: yes
description:
onFailure:
    - action: restart
      delay: 10 sec
    - action: restart
      delay: 20 sec
serviceAccount: { domain: D, user: ann, password: hunter2 }
extensions:
    - id: k
      className: x.RunawayProcessKillerExtension
waitHint: 1 sec
colour: blue
";
    let import = import_of(r"C:\w\svc.yml", text);
    let shop = &import.services[0];
    let hosted = shop.hosted().unwrap();
    assert_eq!((shop.display_name.as_str(), shop.start), ("The Shop", Some(StartMode::Delayed)));
    assert_eq!(hosted.program.command, [r"C:\s\shop.exe", "-jar", r"C:\w\b.jar"]);
    assert_eq!((&*hosted.program.environment["HOME"], &*hosted.program.environment["PORT"]), (r"C:\w", "80"));
    assert_eq!(path(hosted.log.stdout.as_ref()), Some(r"D:\logs\svc.out.log"));
    assert_eq!((hosted.log.rotate_size, hosted.log.keep_count), (Some(1024), Some(2)));
    assert_eq!((shop.dependencies.len(), hosted.stop.ladder[1].wait.as_secs()), (2, 5));
    assert_eq!((hosted.restart.delay.as_secs(), hosted.restart.max_delay.as_secs()), (10, 20));
    assert_eq!((shop.account.as_deref(), shop.description.as_deref()), (Some(r"D\ann"), None));
    assert_eq!(
        told(&import),
        [
            r"28:36: the password of D\ann is not part of the definition",
            "29:1: the extension RunawayProcessKillerExtension is not mapped",
            "32:1: waithint is not mapped",
            "33:1: colour is not known, and not mapped",
        ]
    );
    assert!(import.remarks.iter().all(|one| !format!("{:?}", one.place).contains("hunter2")));
    for (more, mistake) in [
        ("name: 'x", ":3:7: the file is no YAML:"),
        ("name: *x", ":3:7: the file is no YAML:"),
        ("name: &x a\ndescription: *x", ":4:14: description is said by reference"),
        ("---\nid: b", ":3:1: there is more than one document"),
        ("[a]: b", ":3:1: the name of an entry is no plain text"),
        (
            "\u{e9}\u{e9}: {x: {y: [[[[[[[[[[[[[[[[[[[[z]]]]]]]]]]]]]]]]]]]]}}",
            "there are more than 16 levels",
        ),
    ] {
        let text = format!("id: s\nexecutable: C:\\s.exe\n{more}\n");
        let wrong = read(r"C:\x.yml", text.as_bytes(), None, Platform::Windows).unwrap_err().to_string();
        assert!(wrong.contains(mistake), "{more}: {wrong}");
    }
}
