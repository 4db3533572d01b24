//! procrun: the registry and the commands.

use std::time::Duration;

use svckit_core::definition::{RestartWhen, StopAction};
use svckit_core::log::rotation::RotateTime;

use super::told;
use crate::definition::{ServiceDefinition, StartMode};
use crate::import::{Import, Kind, read};
use crate::platform::Platform;

fn import(text: &str) -> Import {
    let import = read(r"C:\svc\install.bat", text.as_bytes(), None, Platform::Windows);
    let import = import.unwrap_or_else(|wrong| panic!("{wrong}\n{text}"));
    assert_eq!(import.kind, Kind::Procrun);
    import
}

/// A command with more parameters.
fn command(parameters: &str) -> Import {
    import(&format!(
        "prunsrv //IS//shop --StartMode=exe --StartImage=C:\\s\\shop.exe --StartPath=C:\\s {parameters}\n"
    ))
}

/// Its service, about which nothing is told.
fn service(parameters: &str) -> ServiceDefinition {
    let mut import = command(parameters);
    assert_eq!(told(&import), [""; 0], "{parameters}");
    import.services.remove(0)
}

/// One that runs Java in a process of its own.
fn java(parameters: &str) -> ServiceDefinition {
    let import = import(&format!(
        "prunsrv //IS//shop --StartMode java --JavaHome=C:\\jdk --StartPath=C:\\s {parameters}\n"
    ));
    assert_eq!(told(&import), [""; 0], "{parameters}");
    import.services.into_iter().next().unwrap()
}

#[test]
fn a_service_that_says_nothing_has_procruns_defaults() {
    let shop = service("");
    let hosted = shop.hosted().unwrap();
    assert_eq!((shop.name.as_str(), shop.start), ("shop", Some(StartMode::Manual)));
    assert_eq!(hosted.program.command, [r"C:\s\shop.exe"]);
    assert_eq!(hosted.program.directory.to_str(), Some(r"C:\s"));
    assert_eq!(hosted.restart.when, RestartWhen::Never);
    assert_eq!(
        (hosted.stop.ladder[0].action.clone(), hosted.stop.ladder[0].wait.as_secs()),
        (StopAction::CtrlC, 60)
    );
    assert_eq!((hosted.log.stdout.clone(), hosted.log.stderr.clone(), shop.account), (None, None, None));
}

#[test]
fn each_parameter_is_mapped() {
    assert_eq!(service("--DisplayName=\"The Shop\"").display_name.as_str(), "The Shop");
    assert_eq!(service("--Description \"Sells\" --Install C:\\x.exe").description.as_deref(), Some("Sells"));
    assert_eq!(service("--Startup=auto").start, Some(StartMode::Auto));
    let log = service("--StdOutput=auto --LogPath=C:\\l").hosted().unwrap().log.clone();
    assert_eq!(log.stdout.as_deref().and_then(|file| file.to_str()), Some(r"C:\l\shop-stdout.log"));
    let daily = RotateTime::Every { interval: Duration::from_secs(86_400), at: Duration::ZERO };
    assert_eq!(log.rotate_time, Some(daily));
    assert_eq!(service("--Startup=delayed").start, Some(StartMode::Delayed));
    let needs = service("--DependsOn=db;cache ++DependsOn=w32time").dependencies;
    assert_eq!(needs.iter().map(ToString::to_string).collect::<Vec<_>>(), ["db", "cache", "w32time"]);
    assert_eq!(
        service("--ServiceUser=\"NT Authority\\LocalService\"").account.as_deref(),
        Some(r"NT Authority\LocalService")
    );
    let variables =
        service("--Environment=A=1;B='x;y' ++Environment=C=3").hosted().unwrap().program.environment.clone();
    assert_eq!((&*variables["A"], &*variables["B"], &*variables["C"]), ("1", "x;y", "3"));
    assert_eq!(service("--StartParams=a#\"b c\"").hosted().unwrap().program.command[1..], ["a", "b c"]);
    assert_eq!(
        service("--StartParams a --StartParams b ++StartParams c").hosted().unwrap().program.command[1..],
        ["b", "c"]
    );
    assert_eq!(service("--StopTimeout=5").hosted().unwrap().stop.ladder[0].wait.as_secs(), 5);
    assert_eq!(service("--StopTimeout=0").hosted().unwrap().stop.ladder[0].wait.as_secs(), 60);
    let log = service("--LogPath=C:\\l --StdOutput=C:\\l\\o.log").hosted().unwrap().log.clone();
    assert_eq!(log.stdout.as_deref().and_then(|file| file.to_str()), Some(r"C:\l\o.log"));
    assert_eq!(log.stderr, log.stdout, "standard error follows standard output");
    assert_eq!(
        service("--StdOutput=o.log --StdError=e.log")
            .hosted()
            .unwrap()
            .log
            .stderr
            .as_deref()
            .and_then(|file| file.to_str()),
        Some(r"C:\s\e.log")
    );
}

#[test]
fn java_gets_its_command_line() {
    let shop = java(
        "--JvmOptions=-Da=1;-Db=2 ++JvmOptions=-Dc --JvmOptions9=--add-opens=x#-Dd=\"e f\" --JvmMs=128 --JvmMx 256 --JvmSs=4000 \
         --Classpath=C:\\s\\a.jar;C:\\s\\lib\\* --StartClass=org/shop.Main --StartParams=start",
    );
    assert_eq!(
        shop.hosted().unwrap().program.command,
        [
            r"C:\jdk\bin\java.exe",
            "-Da=1",
            "-Db=2",
            "-Dc",
            "-Xms128m",
            "-Xmx256m",
            "-Xss4000k",
            "-cp",
            r"C:\s\a.jar;C:\s\lib\*",
            "org.shop.Main",
            "start",
        ]
    );
    assert_eq!(shop.hosted().unwrap().program.environment["JDK_JAVA_OPTIONS"], "--add-opens=x \"-Dd=e f\"");
    assert_eq!(java("--StartMethod=main").hosted().unwrap().program.command[1..], ["Main"]);
    let inside = import(
        "prunsrv //IS//shop --StartMode=jvm --Jvm=C:\\jre\\bin\\server\\jvm.dll --StartPath=C:\\s --StartClass=A\n",
    );
    assert_eq!(inside.services[0].hosted().unwrap().program.command, [r"C:\jre\bin\java.exe", "A"]);
    assert_eq!(
        told(&inside),
        ["1:1: the program runs in java.exe, not inside of the service: StartMode=jvm"]
    );
    let found = import("prunsrv //IS//shop --StartMode=java --Jvm=auto --StartClass=A\n");
    assert_eq!(found.services[0].hosted().unwrap().program.directory.to_str(), Some(r"C:\svc"));
    assert_eq!(
        told(&found),
        [
            "1:1: procrun finds Java in the registry: here java.exe is looked up in PATH",
            "1:1: there is no StartPath: the service runs in the folder of this file",
        ]
    );
}

#[test]
fn what_has_no_place_is_told() {
    for (parameters, remark) in [
        ("--StopMode=exe", "StopMode is not mapped"),
        ("--StopImage=x", "StopImage is not mapped"),
        ("--StopClass=x", "StopClass is not mapped"),
        ("--LibraryPath=x", "LibraryPath is not mapped"),
        ("--LogLevel=Debug", "LogLevel is not mapped"),
        ("--LogPrefix=x", "LogPrefix is not mapped"),
        ("--PidFile=x", "PidFile is not mapped"),
        ("--Rotate=60", "Rotate is not mapped"),
        ("--User=ann", "User is not mapped"),
        ("--Type=interactive", "Type=interactive is not mapped"),
        ("--Colour=red", "--Colour is not known, and not mapped"),
        ("stray", "\"stray\" is not mapped"),
        ("--ServiceUser=.\\ann", r"the password of .\ann is not part of the definition"),
        (
            "--Environment=PATH=%PATH%",
            "PATH is not mapped: it has %PATH% in it, which svckit does not replace",
        ),
        ("\nsc start shop", "the line is not mapped"),
        ("\nset PR_JVM=auto", "the variable PR_JVM is not mapped"),
    ] {
        let told = told(&command(parameters));
        assert!(told.len() == 1 && told[0].ends_with(remark), "{parameters}: {told:?}");
    }
    let odd = import(
        "prunsrv //IS//s --StartMode=java --JavaHome=C:\\j --StartPath=C:\\s --JvmOptions=-Xrs --Classpath=lib\\a* --StartMethod=go\n",
    );
    assert_eq!(
        told(&odd),
        [
            "1:1: -Xrs is left out: with it Java doesn't hear Ctrl+C",
            r#"1:1: "lib\\a*" in Classpath means each such .jar to procrun, and nothing to Java"#,
            "1:1: StartMethod=go is not mapped: Java runs main",
        ]
    );
    assert_eq!(
        odd.services[0].hosted().unwrap().program.command,
        [r"C:\j\bin\java.exe", "-cp", r"lib\a*", "Main"]
    );
    let auto = command("--LogPath=C:\\l --StdOutput=auto --StdError=auto");
    let log = &auto.services[0].hosted().unwrap().log;
    assert_eq!(log.stderr.as_deref().and_then(|file| file.to_str()), Some(r"C:\l\shop-stderr.log"));
}

#[test]
fn a_batch_file_is_read_with_its_variables() {
    let batch = r#"@echo off
rem installs the shop
setlocal
set NAME=shop
set "HOME=%~dp0app"
"%~dp0prunsrv.exe" //IS//%NAME% ^
  --StartMode=exe --StartImage=%HOME%\shop.exe ^
  --StartPath=%home% --ServiceUser .\ann --ServicePassword hunter2
"%~dp0prunsrv.exe" //US//%NAME% --Startup=auto ++StartParams=a
C:\x\Other.exe install --StartImage=C:\o\o.exe --StartPath=C:\o
"#;
    let import = import(batch);
    let [shop, other] = import.services.as_slice() else { panic!("{:?}", import.services) };
    assert_eq!((shop.name.as_str(), shop.start), ("shop", Some(StartMode::Auto)));
    assert_eq!(shop.hosted().unwrap().program.command, [r"C:\svc\app\shop.exe", "a"]);
    assert_eq!(
        (other.name.as_str(), other.hosted().unwrap().program.command[0].as_str()),
        ("Other", r"C:\o\o.exe")
    );
    assert_eq!(
        told(&import),
        [r"6:1: the password of .\ann is not part of the definition", "6:1: ServicePassword is not mapped"]
    );
    assert!(!format!("{:?}", import.services).contains("hunter2"));
    let one = command("--ServiceUser=.\\ann --ServicePassword=hunter2 --Password=x");
    assert!(one.remarks.iter().all(|one| !format!("{one:?}").contains("hunter2")), "{:?}", one.remarks);
}

const ROOT: &str = r"HKEY_LOCAL_MACHINE\SOFTWARE\WOW6432Node\Apache Software Foundation";

/// An export as the registry editor makes it.
fn export(more: &str) -> String {
    let key = format!("{ROOT}\\ProcRun 2.0\\Shop");
    let list = |text: &str| {
        let units = text.encode_utf16().flat_map(u16::to_le_bytes).map(|byte| format!("{byte:02x}"));
        format!("hex(7):{}", units.collect::<Vec<_>>().join(","))
    };
    format!(
        "Windows Registry Editor Version 5.00\r\n\r\n[{ROOT}]\r\n\r\n[{key}]\r\n\r\n[{key}\\Parameters]\r\n\"Environment\"={}\r\n\r\n\
         [{key}\\Parameters\\Java]\r\n\"Jvm\"=\"C:\\\\jre\\\\bin\\\\server\\\\jvm.dll\"\r\n\"Options\"={}\r\n\"Classpath\"=\"C:\\\\s\\\\a.jar\"\r\n\"JvmMx\"=dword:00000100\r\n\r\n\
         [{key}\\Parameters\\Start]\r\n\"Mode\"=\"java\"\r\n\"Class\"=\"A\"\r\n\"Params\"={}\r\n\"WorkingPath\"=\"C:\\\\s\"\r\n\r\n\
         [{key}\\Parameters\\Stop]\r\n\"Timeout\"=dword:00000005\r\n\r\n[{key}\\Parameters\\Log]\r\n\"StdOutput\"=\"C:\\\\l\\\\o.log\"\r\n{more}",
        list("A=1\0B=2\0\0"),
        list("-Dx=1\0-Dy\0\0"),
        list("start\0\0"),
    )
}

#[test]
fn an_export_makes_the_same() {
    let native = "[HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\Shop]\r\n\"Start\"=dword:2\r\n\"DisplayName\"=\"The Shop\"\r\n\"ImagePath\"=\"C:\\\\x.exe //RS//Shop\"\r\n\"Type\"=dword:10\r\n";
    let both = import(&export(native));
    assert_eq!(told(&both), [""; 0]);
    let shop = &both.services[0];
    let hosted = shop.hosted().unwrap();
    assert_eq!(
        hosted.program.command,
        [r"C:\jre\bin\java.exe", "-Dx=1", "-Dy", "-Xmx256m", "-cp", r"C:\s\a.jar", "A", "start"]
    );
    assert_eq!((hosted.program.environment.len(), hosted.stop.ladder[0].wait.as_secs()), (2, 5));
    assert_eq!((shop.display_name.as_str(), shop.start), ("The Shop", Some(StartMode::Auto)));
    let alone = import(&export("\"Level\"=\"Debug\"\r\n\"Odd\"=\"x\"\r\n"));
    assert_eq!(
        told(&alone),
        [
            "5:1: when the service starts, its account and its dependencies are in another key",
            "27:1: LogLevel is not mapped",
            "28:1: Odd is not known, and not mapped",
        ]
    );
    let others = format!(
        "[HKEY_CURRENT_USER\\x]\r\n\"a\"=\"b\"\r\n{}\"a\"=\"b\"\r\n",
        native.replace("Shop]", "Till]")
    );
    let told = told(&import(&export(&others)));
    assert!(told.iter().any(|one| one.contains("the key is none of procrun or of a service")), "{told:?}");
    assert!(told.iter().any(|one| one.contains("Till is not one of procrun's services")), "{told:?}");
    let password = import(&export(&format!(
        "[{ROOT}\\ProcRun 2.0\\Shop\\Parameters]\r\n\"Password\"=hex:aa,bb\r\n\"User\"=\"ann\"\r\n"
    )));
    assert!(
        password.remarks.iter().all(|one| !format!("{one:?}").contains("aa,bb")),
        "{:?}",
        password.remarks
    );
}

#[test]
fn mistakes_are_told_where_they_are() {
    for (line, mistake) in [
        ("prunsrv //IS//shop", ":1:1: StartImage is missing: there is nothing to run"),
        ("prunsrv //IS//shop --StartMode=x", ":1:1: StartMode can't be \"x\""),
        (
            "prunsrv //IS//shop --StartImage=%X%\\x.exe",
            ":1:1: StartImage has the variable %X%, which svckit does not replace",
        ),
        (
            "prunsrv //IS//shop --StartImage=C:\\x.exe --StopTimeout=soon",
            ":1:1: StopTimeout can't be \"soon\"",
        ),
        ("prunsrv //IS//shop --StartImage=C:\\x.exe --Startup=now", ":1:1: Start can't be \"now\""),
        (
            "prunsrv //IS//%NAME% --StartImage=C:\\x.exe",
            ":1:1: the name has the variable %NAME%, whose value the file doesn't say",
        ),
        ("prunsrv //IS//a/b --StartImage=C:\\x.exe", ":1:1: a service name can't contain '/'"),
    ] {
        let wrong = read("C:\\x.bat", line.as_bytes(), None, Platform::Windows).unwrap_err().to_string();
        assert!(wrong.contains(mistake), "{line}: {wrong}");
    }
}
