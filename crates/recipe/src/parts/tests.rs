//! Plans and what comes of them, on a machine that is pretended and has the paths of Unix.

#![cfg(unix)]

mod develop;
mod glob;
mod machine;
mod project;
mod service;

use std::io;
use std::path::{Path, PathBuf};

use super::*;
use crate::buildout::{Configuration, Surroundings};
use crate::platform::Platform;
use machine::Pretended;

const CFG: &str =
    "[buildout]\ndevelop = demo1\nparts = web\n[web]\nrecipe = p01.recipe.setup:winservice\nrunzope = app\n";
const RECORD: &str = "/s/.installed.cfg";
const SCRIPT: &str = "/s/bin/winservice.py";
const COPY: &str = "/s/bin/app-servicedebug.py";

/// What came of a run.
#[derive(Debug, Default, PartialEq, Eq)]
struct Ran {
    lines: Vec<String>,
    /// What is wrong with the configuration, or why the last step failed.
    error: Option<String>,
}

impl Ran {
    fn lines(&self) -> Vec<&str> {
        self.lines.iter().map(String::as_str).collect()
    }

    #[track_caller]
    fn is(&self, lines: &[&str]) {
        assert_eq!((self.lines(), &self.error), (lines.to_vec(), &None));
    }

    #[track_caller]
    fn failed(&self, lines: &[&str], error: &str) {
        assert_eq!((self.lines(), self.error.as_deref()), (lines.to_vec(), Some(error)));
    }
}

/// A disk that dies after so many calls, in the midst of a file if that is what the next call writes.
struct Mortal<'a> {
    machine: &'a mut Pretended,
    left: usize,
    /// Paths at which nothing can be written.
    refused: &'a [&'a str],
}

impl Mortal<'_> {
    fn live(&mut self) -> io::Result<()> {
        self.left = self.left.checked_sub(1).ok_or_else(died)?;
        Ok(())
    }
}

fn died() -> io::Error {
    io::Error::new(io::ErrorKind::Interrupted, "killed")
}

impl Disk for Mortal<'_> {
    fn make_folder(&mut self, path: &Path) -> io::Result<()> {
        self.live()?;
        if self.machine.files.contains_key(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        self.machine.folders.extend(path.ancestors().map(Path::to_owned));
        Ok(())
    }

    fn write(&mut self, path: &Path, content: &[u8], _: bool) -> io::Result<()> {
        if self.left == 0 {
            self.machine.put(path, &content[..content.len() / 2]);
        }
        self.live()?;
        if self.refused.iter().any(|refused| path == temporary(Path::new(refused))) {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        self.machine.put(path, content);
        Ok(())
    }

    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        self.live()?;
        let content = self.machine.files.remove(from).ok_or(io::ErrorKind::NotFound)?;
        self.machine.put(to, content);
        Ok(())
    }

    fn remove(&mut self, path: &Path) -> io::Result<()> {
        self.live()?;
        self.machine.files.remove(path);
        let is_empty = self.machine.names(path)?.is_empty();
        if is_empty {
            self.machine.folders.remove(path);
        }
        Ok(())
    }
}

/// A site as the specification has it.
fn site() -> Pretended {
    Pretended::new([
        ("/s/buildout.cfg", CFG),
        ("/s/demo1/setup.py", "from setuptools import setup\nsetup(name = 'demo1')\n"),
        ("/s/demo2/setup.py", "from setuptools import setup\nsetup(name = 'demo2')\n"),
        ("/s/bin/app-script.py", "print('hello')\n"),
        ("/s/bin/other-script.py", "print('other')\n"),
    ])
}

fn with_options(options: &str) -> String {
    CFG.replace("runzope = app\n", options)
}

fn steps(machine: &Pretended, only: &[&str]) -> Result<Vec<Step>, String> {
    let surroundings =
        Surroundings { python: Some("/usr/bin/python3".into()), ..Surroundings::new("/s", Platform::Unix) };
    let configuration = Configuration::read(Path::new("buildout.cfg"), &[], &surroundings, machine);
    let configuration = configuration.map_err(|wrong| wrong.to_string())?;
    let record = machine.files.get(Path::new(RECORD));
    let installed =
        record.map_or_else(|| Ok(Installed::default()), |bytes| Installed::read(Path::new(RECORD), bytes));
    let installed = installed.map_err(|wrong| wrong.to_string())?;
    let only: Vec<_> = only.iter().map(|&part| part.to_owned()).collect();
    plan(&configuration, &only, &installed, machine, Platform::Unix).map_err(|wrong| wrong.to_string())
}

fn run_on(machine: &mut Pretended, only: &[&str], left: usize, refused: &[&str]) -> (Ran, usize) {
    let steps = match steps(machine, only) {
        Ok(steps) => steps,
        Err(error) => return (Ran { error: Some(error), ..Ran::default() }, left),
    };
    let mut disk = Mortal { machine, left, refused };
    let mut ran = Ran::default();
    for step in steps {
        ran.lines.extend(step.action.line());
        ran.lines.extend(step.warnings.iter().map(|warning| format!("warning: {warning}")));
        let failure = step.carry_out(&mut disk).err().map(|error| format!("{error}: {}", error.cause));
        ran.error = failure.or(step.failure.map(|problem| problem.message));
        if ran.error.is_some() {
            break;
        }
    }
    (ran, disk.left)
}

fn run(machine: &mut Pretended) -> Ran {
    run_on(machine, &[], usize::MAX, &[]).0
}

fn configure(machine: &mut Pretended, cfg: &str) -> Ran {
    machine.put("/s/buildout.cfg", cfg);
    run(machine)
}

fn text(machine: &Pretended, path: &str) -> String {
    let bytes = machine.files.get(Path::new(path)).unwrap_or_else(|| panic!("{path} is not there"));
    String::from_utf8(bytes.clone()).unwrap()
}

fn is_there(machine: &Pretended, path: &str) -> bool {
    machine.files.contains_key(Path::new(path))
}

#[test]
fn a_part_lives_and_goes() {
    let mut machine = site();
    run(&mut machine).is(&["Develop: '/s/demo1'", "Installing web."]);
    assert!(text(&machine, SCRIPT).contains("\nSCRIPT = r'/s/bin/app-script.py'\n"));
    assert_eq!(text(&machine, "/s/develop-eggs/demo1.egg-link"), "/s/demo1\n.");
    let installed = machine.clone();
    run(&mut machine).is(&["Develop: '/s/demo1'", "Updating web."]);
    assert_eq!(machine, installed);
    let changed = with_options("runzope = app\nparameters = -C zope.conf\n");
    configure(&mut machine, &changed).is(&["Develop: '/s/demo1'", "Uninstalling web.", "Installing web."]);
    assert!(text(&machine, SCRIPT).contains("\nPARAMETERS = r'-C zope.conf'\n"));
    configure(&mut machine, "[buildout]\nparts =\n").is(&["Uninstalling web."]);
    let mut nothing = site();
    configure(&mut nothing, "[buildout]\nparts =\n").is(&[]);
    assert_eq!(machine, nothing);
}

#[test]
fn an_unchanged_part_is_written_only_if_its_content_is_another() {
    let mut machine = site();
    run(&mut machine);
    let writes = |machine: &Pretended| -> Vec<PathBuf> {
        let steps = steps(machine, &[]).unwrap();
        steps.iter().flat_map(Step::writes).map(Path::to_owned).collect()
    };
    assert!(writes(&machine).is_empty());
    let whole = text(&machine, SCRIPT);
    machine.put(SCRIPT, "changed by hand");
    assert_eq!(writes(&machine), [Path::new(SCRIPT)]);
    run(&mut machine).is(&["Develop: '/s/demo1'", "Updating web."]);
    assert_eq!(text(&machine, SCRIPT), whole);
}

#[test]
fn the_copy_follows_its_original() {
    let mut machine = site();
    configure(&mut machine, &with_options("runzope = app\ndebug = true\n"));
    let first = text(&machine, COPY);
    machine.put("/s/bin/app-script.py", "print('changed')\n");
    run(&mut machine).is(&["Develop: '/s/demo1'", "Updating web."]);
    assert_ne!(text(&machine, COPY), first);
    configure(&mut machine, CFG).is(&["Develop: '/s/demo1'", "Uninstalling web.", "Installing web."]);
    assert!(!is_there(&machine, COPY));
}

#[test]
fn a_part_whose_script_is_missing_is_not_recorded() {
    let mut machine = site();
    run(&mut machine);
    let missing = with_options("runzope = parts/zope-app/zope-dev\n");
    let error = "App start script /s/parts/zope-app/zope-dev-script.py does not exist.";
    let lines = ["Develop: '/s/demo1'", "Uninstalling web.", "Installing web."];
    configure(&mut machine, &missing).failed(&lines, error);
    assert!(!is_there(&machine, SCRIPT));
    assert!(!text(&machine, RECORD).contains("web"));
    run(&mut machine).failed(&["Develop: '/s/demo1'", "Installing web."], error);
    machine.put("/s/parts/zope-app/zope-dev-script.py", "");
    run(&mut machine).is(&["Develop: '/s/demo1'", "Installing web."]);
    machine.files.remove(Path::new("/s/parts/zope-app/zope-dev-script.py"));
    run(&mut machine).failed(&["Develop: '/s/demo1'", "Updating web."], error);
    assert!(!is_there(&machine, SCRIPT) && !text(&machine, RECORD).contains("web"));
}

#[test]
fn parts_done_before_one_that_fails_stay_recorded() {
    let mut machine = site();
    let two = format!(
        "{}[last]\nrecipe = p01.recipe.setup:winservice\nrunscript = missing.exe\n",
        CFG.replace("= web", "= web last")
    );
    let error = "App start script /s/missing.exe does not exist.";
    configure(&mut machine, &two)
        .failed(&["Develop: '/s/demo1'", "Installing web.", "Installing last."], error);
    let recorded = Installed::read(Path::new(RECORD), text(&machine, RECORD).as_bytes()).unwrap();
    assert_eq!(recorded.parts.iter().map(|part| part.name.as_str()).collect::<Vec<_>>(), ["web"]);
    machine.put("/s/missing.exe", "");
    let already = "/s/bin/winservice.py is made by part \"web\" already";
    run(&mut machine).failed(&["Develop: '/s/demo1'", "Updating web.", "Installing last."], already);
}

#[test]
fn chosen_parts_leave_the_others() {
    let mut machine = site();
    run(&mut machine);
    let other = "[other]\nrecipe = p01.recipe.setup:winservice\nrunscript = none\n";
    machine.put("/s/buildout.cfg", CFG.replace("parts = web", "parts =") + other);
    let error = "App start script /s/none does not exist.";
    run_on(&mut machine, &["other"], usize::MAX, &[])
        .0
        .failed(&["Develop: '/s/demo1'", "Installing other."], error);
    assert!(is_there(&machine, SCRIPT));
    let unknown = run_on(&mut machine, &["nobody"], usize::MAX, &[]).0.error.unwrap();
    assert!(unknown.contains("there is no part \"nobody\""), "{unknown}");
    run(&mut machine).is(&["Develop: '/s/demo1'", "Uninstalling web."]);
}

#[test]
fn parts_go_in_reverse_order_before_others_come() {
    let mut machine = site();
    machine.put(
        RECORD,
        "[buildout]\nparts = one two\n\
         [one]\n__buildout_installed__ = bin/one\n\tparts/full\n\tparts/empty\n__buildout_signature__ = x\n\
         [two]\n__buildout_installed__ = /s/bin/two\n\t/s/bin/one\n__buildout_signature__ = x\n",
    );
    for file in ["/s/bin/one", "/s/bin/two", "/s/parts/full/x"] {
        machine.put(file, "");
    }
    machine.folders.insert("/s/parts/empty".into());
    run(&mut machine).is(&[
        "Develop: '/s/demo1'",
        "Uninstalling two.",
        "Uninstalling one.",
        "warning: /s/parts/full is a folder with something in it, and stays",
        "Installing web.",
    ]);
    assert!(!is_there(&machine, "/s/bin/one") && !is_there(&machine, "/s/bin/two"));
    assert!(is_there(&machine, "/s/parts/full/x") && !machine.folders.contains(Path::new("/s/parts/empty")));
}

#[test]
fn what_is_of_others_is_not_overwritten() {
    let mut machine = site();
    machine.put(SCRIPT, "print('mine')\n");
    let error = "/s/bin/winservice.py is there and was not made by a part";
    run(&mut machine).failed(&["Develop: '/s/demo1'", "Installing web."], error);
    assert_eq!(text(&machine, SCRIPT), "print('mine')\n");
    let generated = {
        let mut other = site();
        configure(&mut other, &with_options("runzope = app\nname = Other\n"));
        text(&other, SCRIPT)
    };
    machine.put(SCRIPT, generated);
    run(&mut machine).is(&["Develop: '/s/demo1'", "Installing web."]);
    assert!(text(&machine, SCRIPT).contains("\nSERVICE_DISPLAY_NAME = r'Zope3 web'\n"));
}

#[test]
fn what_cannot_be_written_leaves_nothing_behind() {
    let mut machine = site();
    let debug = with_options("runzope = app\ndebug = true\n");
    machine.put("/s/buildout.cfg", &debug);
    let ran = run_on(&mut machine, &[], usize::MAX, &[COPY]).0;
    let error = format!("cannot write {COPY}: permission denied");
    ran.failed(&["Develop: '/s/demo1'", "Installing web."], &error);
    assert!(
        !is_there(&machine, SCRIPT) && !text(&machine, RECORD).contains("web"),
        "{}",
        text(&machine, RECORD)
    );
    run(&mut machine).is(&["Develop: '/s/demo1'", "Installing web."]);
}

#[test]
fn a_folder_that_cannot_be_made_ends_the_run() {
    let mut machine = site();
    machine.files.retain(|path, _| !path.starts_with("/s/bin"));
    machine.folders.remove(Path::new("/s/bin"));
    machine.put("/s/bin", "a file");
    let before = machine.clone();
    run(&mut machine).failed(&[], "cannot make the folder /s/bin: entity already exists");
    assert_eq!(machine, before);
}

#[test]
fn links_that_are_wanted_no_more_go() {
    let mut machine = site();
    run(&mut machine);
    machine.put("/s/develop-eggs/mine.egg-link", "/elsewhere\n.");
    configure(&mut machine, &CFG.replace("demo1", "demo2")).is(&["Develop: '/s/demo2'", "Updating web."]);
    assert!(!is_there(&machine, "/s/develop-eggs/demo1.egg-link"));
    assert!(is_there(&machine, "/s/develop-eggs/demo2.egg-link"));
    assert!(is_there(&machine, "/s/develop-eggs/mine.egg-link"));
}

/// Every change that a run can make, as the configurations before and after it.
fn changes() -> Vec<(String, String)> {
    let debug = with_options("runzope = app\ndebug = true\n");
    let nothing = "[buildout]\nparts =\n".to_owned();
    let elsewhere =
        CFG.replace("[buildout]\n", "[buildout]\nbin-directory = scripts\n").replace("= app", "= bin/app");
    let missing = with_options("runzope = missing\n");
    let cfg = CFG.to_owned();
    vec![
        (nothing.clone(), cfg.clone()),
        (nothing.clone(), debug.clone()),
        (cfg.clone(), debug.clone()),
        (debug.clone(), cfg.clone()),
        (debug.clone(), nothing),
        (debug.clone(), with_options("runzope = other\ndebug = true\n")),
        (cfg.clone(), elsewhere),
        (debug, missing),
        (cfg.clone(), cfg.replace("demo1", "demo1 demo2")),
        (cfg.replace("demo1", "demo1 demo2"), cfg.replace("demo1", "demo2")),
        (cfg.replace("web", "old"), cfg),
    ]
}

#[test]
fn a_run_that_is_killed_between_any_two_operations_is_completed_by_the_next() {
    for (before, after) in changes() {
        let mut start = site();
        configure(&mut start, &before);
        start.put("/s/buildout.cfg", &after);
        let mut end = start.clone();
        run(&mut end);
        let deaths = (0..).map_while(|left| {
            let mut machine = start.clone();
            let (ran, rest) = run_on(&mut machine, &[], left, &[]);
            ran.error.is_some_and(|error| error.contains("killed")).then(|| {
                assert_eq!(rest, 0);
                machine
            })
        });
        let mut count = 0;
        for (first, dead) in deaths.enumerate() {
            count += 1;
            let mut machine = dead.clone();
            run(&mut machine);
            assert_eq!(machine, end, "killed after {first} operations from {before:?} to {after:?}");
            for second in 0..first {
                let mut machine = dead.clone();
                run_on(&mut machine, &[], second, &[]);
                run(&mut machine);
                assert_eq!(
                    machine, end,
                    "killed after {first} and {second} operations from {before:?} to {after:?}"
                );
            }
        }
        assert!(count > 3, "from {before:?} to {after:?}");
    }
}

#[test]
fn an_update_that_is_killed_is_completed_by_the_next() {
    let mut start = site();
    configure(&mut start, &with_options("runzope = app\ndebug = true\n"));
    let original = text(&start, "/s/bin/app-script.py");
    let mut end = start.clone();
    start.put("/s/bin/app-script.py", "print('changed')\n");
    for left in 0..2 {
        let mut machine = start.clone();
        let (ran, _) = run_on(&mut machine, &[], left, &[]);
        assert!(ran.error.unwrap().contains("killed"));
        // The reason to write is gone, and so has to be what was half-written.
        machine.put("/s/bin/app-script.py", &original);
        run(&mut machine).is(&["Develop: '/s/demo1'", "Updating web."]);
        assert_eq!(machine, end);
    }
    end.put("/s/bin/app-script.py", "print('changed')\n");
    run(&mut end);
    run(&mut start);
    assert_eq!(start, end);
}

#[test]
fn a_damaged_record_changes_nothing() {
    let mut machine = site();
    run(&mut machine);
    let half = text(&machine, RECORD);
    let half = &half[..half.find("__buildout_signature__").unwrap()];
    machine.put(RECORD, half);
    let before = machine.clone();
    let error = run(&mut machine).error.unwrap();
    assert!(error.starts_with("/s/.installed.cfg:5:1: the record of installed parts is damaged"), "{error}");
    assert_eq!(machine, before);
}
