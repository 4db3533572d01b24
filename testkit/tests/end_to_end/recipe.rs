//! A service of the recipe, run by svckit's own host: from the part of a `buildout.cfg`, from the script that the recipe generates, and from one that somebody
//! else's version of it generated.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;
use svckit_core::status::ServiceState;
use svckit_recipe::winservice::Variables;
use svckit_testkit::following::Following;
use svckit_testkit::gate::{Gate, Reporter};
use svckit_testkit::svc::Svc;

use crate::exported::shown;
use crate::reaches;

const DIED: u32 = 3;
const STOPPED: u32 = 2;

/// A program that tells how it was run, waits at the gate, and ends with the code that it then finds in its directory. When it is asked to end, it says so.
const PROGRAM: &str = r#"import os, signal, socket, sys

report, gate = sys.argv[1:3]

def tell(*words):
    with socket.create_connection(report.rsplit(":", 1)) as connection:
        connection.sendall(("\t".join(words) + "\n").encode())

def end(*_):
    tell("asked to end")
    sys.exit(0)

signal.signal(signal.SIGTERM, end)
tell("runs", os.path.realpath(sys.argv[0]), os.getcwd(), os.environ.get("ZMANAGED", ""), *sys.argv[3:])
with socket.create_connection(gate.rsplit(":", 1)) as connection:
    connection.recv(1)
with open("code") as file:
    sys.exit(int(file.read()))
"#;

/// A site with the program, and what hears of it.
struct Site {
    svc: Svc,
    reporter: Reporter,
    gate: Gate,
}

impl Site {
    fn new() -> Self {
        let site = Self { svc: Svc::new(), reporter: Reporter::new(), gate: Gate::new() };
        fs::create_dir(site.svc.folder().join("bin")).unwrap();
        site.svc.write("bin/app-script.py", PROGRAM);
        site
    }

    fn folder(&self) -> PathBuf {
        fs::canonicalize(self.svc.folder()).unwrap()
    }

    fn parameters(&self) -> String {
        format!(r#"{} {} --name "two words" -x"#, self.reporter.address(), self.gate.address())
    }

    /// Writes the configuration.
    fn configuration(&self, more: &str) -> PathBuf {
        let text = format!(
            "[buildout]\nparts = winservice\n\n[winservice]\nrecipe = p01.recipe.setup:winservice\nrunzope = app\n\
             serviceName = shop\nname = The shop\nparameters =\n    {}\n{more}",
            self.parameters()
        );
        self.svc.write("buildout.cfg", &text)
    }

    /// What a script of this site says.
    fn variables(&self) -> Variables {
        let folder = self.folder();
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        Variables {
            python: text(&python()),
            script: text(&folder.join("bin/app-script.py")),
            parameters: self.parameters(),
            service_name: "shop".to_owned(),
            service_display_name: "The shop".to_owned(),
            service_description: "Sells things".to_owned(),
            instance_home: text(&folder),
            ..Variables::default()
        }
    }

    /// Lets the program end with a code.
    fn end_with(&self, code: i32) {
        let held = self.gate.arrival();
        self.svc.write("code", &code.to_string());
        held.release();
    }

    #[track_caller]
    fn runs(&self) {
        let script = self.folder().join("bin/app-script.py");
        let folder = self.folder();
        let expected =
            ["runs", script.to_str().unwrap(), folder.to_str().unwrap(), "1", "--name", "two words", "-x"];
        assert_eq!(self.reporter.next(), expected);
    }
}

fn python() -> PathBuf {
    let search = std::env::var_os("PATH").unwrap();
    let found =
        std::env::split_paths(&search).map(|folder| folder.join("python3")).find(|python| python.is_file());
    found.expect("Python is there")
}

/// Milliseconds since midnight of a time in JSON.
fn milliseconds(time: &Value) -> u32 {
    let text = time.as_str().unwrap_or_else(|| panic!("no time: {time}"));
    let clock = text.split_once('T').unwrap().1.trim_end_matches('Z');
    let parts: Vec<u32> = clock.split([':', '.']).map(|part| part.parse().unwrap()).collect();
    ((parts[0] * 60 + parts[1]) * 60 + parts[2]) * 1000 + parts[3]
}

/// Does what the recipe says of a service, whichever way it is described.
fn behaves(site: &Site, definition: &str) {
    let svc = &site.svc;
    svc.ok(&["up", definition]);
    site.runs();
    let running = svc.status("shop");
    assert_eq!((&running["state"], &running["display_name"]), (&"RUNNING".into(), &"The shop".into()));

    // It is run again after a back-off that begins with five seconds.
    let events = Following::events(svc, "shop");
    site.end_with(3);
    let died = events.event(DIED);
    let message = died["message"].as_str().unwrap();
    assert!(message.starts_with("\"shop\" (The shop) ended"), "{message}");
    assert!(message.contains("exit code 3") && message.contains("it is started again in 5 s"), "{message}");
    let waiting = svc.status("shop");
    let host = &waiting["host"];
    assert_eq!(
        (&waiting["state"], &host["phase"], &host["last_exit"]["code"]),
        (&"RUNNING".into(), &"backoff".into(), &3.into())
    );
    const DAY: u32 = 86_400_000;
    let delay = (DAY + milliseconds(&host["next_retry_at"]) - milliseconds(&host["last_exit"]["at"])) % DAY;
    assert!((5000..=5001).contains(&delay), "{host}");

    // A stop during the back-off is obeyed, without the program.
    svc.ok(&["stop", "shop"]);
    assert_eq!(svc.status("shop")["host"]["last_exit"]["code"], 3);

    // It is asked to end before it is forced.
    svc.ok(&["start", definition]);
    site.runs();
    let _held = site.gate.arrival();
    svc.ok(&["stop", definition]);
    assert_eq!(site.reporter.next(), ["asked to end"]);
    assert!(site.reporter.rest().is_empty());

    // It ends well, and with it the service.
    svc.ok(&["start", definition]);
    site.runs();
    site.end_with(0);
    let stopped = reaches(svc, "shop", ServiceState::STOPPED);
    assert_eq!((stopped.win32_exit_code.0, stopped.service_exit_code), (0, 0));
    assert_eq!(events.event(STOPPED)["service"], "shop");

    exports(svc, definition);
    svc.ok(&["down", definition]);
    assert_eq!(svc.json(&["list"]), Value::Array(Vec::new()));
}

/// The definition that is exported makes the same service.
fn exports(svc: &Svc, definition: &str) {
    let before = shown(svc, "shop");
    let exported = svc.ok(&["export", definition]);
    svc.ok(&["remove", definition]);
    let file = svc.write("exported.toml", &exported);
    svc.ok(&["install", file.to_str().unwrap()]);
    assert_eq!(shown(svc, "shop"), before, "{exported}");
    assert_eq!(svc.ok(&["export", "shop"]), exported);
    assert_eq!(svc.ok(&["lint", definition, "--json"]), "[]\n");
}

#[test]
fn a_part_runs_without_its_script_being_generated() {
    let site = Site::new();
    let file = site.configuration("");
    behaves(&site, &format!("{}#winservice", file.display()));
    assert!(
        !site.svc.folder().join("bin/winservice.py").exists()
            && !site.svc.folder().join(".installed.cfg").exists()
    );
}

#[test]
fn a_part_with_debug_runs_the_script_itself() {
    let site = Site::new();
    let file = site.configuration("debug = true\n");
    site.svc.ok(&["up", file.to_str().unwrap()]);
    site.runs();
    let _held = site.gate.arrival();
}

#[test]
fn the_generated_script_describes_the_same_service() {
    let site = Site::new();
    site.configuration("debug = false\n");
    site.svc.ok(&["buildout"]);
    behaves(&site, "bin/winservice.py");
}

#[test]
fn a_script_of_another_make_describes_the_same_service() {
    let site = Site::new();
    let Variables { python, script, parameters, instance_home, .. } = site.variables();
    // Another layout, another encoding, other ends of lines, and code that is not ours.
    let text = format!(
        "# -*- coding: latin-1 -*-\n\"\"\"Keeps the shop open. SCRIPT = 'not this'\"\"\"\nimport win32serviceutil\n\n\
         PYTHONSERVICE_EXE=r'C:\\nowhere\\pythonservice.exe'\nPYTHON = r\"{python}\"  # the interpreter\nSCRIPT=r'{script}'\n\
         PARAMETERS = r'''{parameters}'''\nSERVICE_NAME = \"sh\" \"op\"\nSERVICE_DISPLAY_NAME = 'The shop'\n\
         SERVICE_DESCRIPTION = 'Verkauft sch\u{f6}ne Dinge'\nINSTANCE_HOME = r'{instance_home}'\n\n\n\
         class Shop(win32serviceutil.ServiceFramework):\n    SCRIPT = None\n"
    );
    let latin1: Vec<u8> =
        text.replace('\n', "\r\n").chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    let file = site.svc.folder().join("deployed.py");
    fs::write(&file, latin1).unwrap();
    site.svc.ok(&["install", file.to_str().unwrap()]);
    assert_eq!(site.svc.json(&["show", "shop"])["description"], "Verkauft sch\u{f6}ne Dinge");
    behaves(&site, file.to_str().unwrap());
}

#[test]
fn a_part_is_tried_in_the_console() {
    let site = Site::new();
    let file = site.configuration("");
    site.svc.write("code", "0");
    let arguments = ["debug".to_owned(), format!("{}#winservice", file.display())];
    let mut debug = site.svc.command(&arguments.each_ref().map(String::as_str));
    let mut debug = debug.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    site.runs();
    site.gate.arrival().release();
    assert_eq!(debug.wait().unwrap().code(), Some(0));
}

#[test]
fn a_script_that_is_missing_is_told_where_it_is_named() {
    let site = Site::new();
    let file = site.configuration("");
    let script = site.folder().join("bin/app-script.py");
    fs::remove_file(&script).unwrap();
    for verb in ["up", "install", "debug"] {
        let ran = site.svc.run(&[verb, &format!("{}#winservice", file.display())]);
        assert_eq!(ran.code(), Some(2), "{verb}");
        let message = format!("error: App start script {} does not exist.", script.display());
        assert!(
            ran.stderr.contains(&message) && ran.stderr.contains("buildout.cfg:6:11\n"),
            "{}",
            ran.stderr
        );
    }
}
