//! Definitions in other forms than TOML: parts of a buildout, and service scripts.

use std::fs;
use std::path::PathBuf;

use svckit_recipe::winservice::{self, Variables};

use super::World;
use crate::failure::Status;

const PART: &str = "[buildout]\nparts = web\n\n[web]\nrecipe = p01.recipe.setup:winservice\nrunscript = serve\nserviceName = shop\n";

/// A world with a program `serve` and a configuration.
fn world(configuration: &str) -> (World, String) {
    let world = World::new();
    program(&world);
    let file = world.file("buildout.cfg", configuration);
    (world, file.to_str().unwrap().to_owned())
}

/// A copy of a program that is there.
fn program(world: &World) -> PathBuf {
    let program = world.folder.path().join("serve");
    fs::copy("/bin/true", &program).unwrap();
    program
}

fn command(world: &World, service: &str) -> Vec<String> {
    world.scm.contents().services[service].definition.as_ref().unwrap().program.command.clone()
}

#[test]
fn a_part_is_installed_and_goes() {
    let (world, file) = world(PART);
    let program = world.folder.path().join("serve");
    for def in [format!("{file}#web"), file.clone()] {
        assert_eq!(world.svc(&format!("install {def}")).out, "installed shop\n");
        assert_eq!(command(&world, "shop"), [program.to_str().unwrap()]);
        assert_eq!(world.svc(&format!("start {def}")).status, 0);
        assert!(world.svc(&format!("status {def}")).out.contains("shop  RUNNING"));
        assert_eq!(world.svc(&format!("down {def}")).out, "stopped and removed shop\n");
    }
}

#[test]
fn a_part_whose_script_is_gone_can_still_be_named() {
    let (world, file) = world(PART);
    world.svc(&format!("install {file}#web"));
    fs::remove_file(world.folder.path().join("serve")).unwrap();
    let missing = world.folder.path().join("serve");
    let ran = world.svc(&format!("update {file}#web"));
    assert_eq!(ran.status, Status::Usage as u8);
    let expected =
        format!("error: App start script {} does not exist.\n --> {file}:6:13\n", missing.display());
    assert!(ran.err.starts_with(&expected), "{}", ran.err);
    assert_eq!(world.svc(&format!("down {file}#web")).out, "stopped and removed shop\n");
    let ran = world.svc(&format!("lint {file}#web --json"));
    assert!(
        ran.out.contains("\"rule\":\"script\"") && !ran.out.contains("\"rule\":\"program\""),
        "{}",
        ran.out
    );
}

#[test]
fn what_would_run_the_script_of_a_part_is_told_in_its_words() {
    let (world, file) = world(
        &PART.replace("[buildout]\n", "[buildout]\nexecutable = none/python\n").replace("serve", "serve.py"),
    );
    let refused = |file: &str| world.svc(&format!("install {file}")).err;
    #[cfg(unix)]
    {
        let text = fs::read_to_string(&file).unwrap();
        let other = world.file("other.cfg", &text.replace("serve.py", r"bin\serve.py"));
        let err = refused(other.to_str().unwrap());
        assert!(err.ends_with("hint: on this system folders are separated by /\n"), "{err}");
    }
    world.file("serve.py", "");
    let err = refused(&file);
    assert!(err.contains(&format!("{file}:2:14\n")), "{err}");
    let hint =
        "hint: what runs the script is executable in [buildout] of a part, PYTHON in a service script\n";
    assert!(err.ends_with(hint), "{err}");
}

#[test]
fn of_a_long_line_what_is_around_the_place_is_shown() {
    let (long, x) = ("x".repeat(100_000), |times: usize| "x".repeat(times));
    let shown = |name: &str| {
        let (world, file) = world(&format!("{PART}name = {name}\n"));
        let err = world.svc(&format!("install {file}")).err;
        err.lines().skip(2).take(2).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(
        shown(&long),
        [format!("8 | name = {}\u{2026}", x(153)), format!("  |        {}", "^".repeat(153))]
    );
    let far = format!("{}${{a:b}}{long}", &long[..1000]);
    let marks = format!("  | {}^^^^^^", " ".repeat(61));
    assert_eq!(shown(&far), [format!("8 | \u{2026}{}${{a:b}}{}\u{2026}", x(60), x(94)), marks]);
    assert_eq!(shown("a\u{1b}[2J\0")[0], "8 | name = a\u{fffd}[2J\u{fffd}");
}

#[test]
fn which_part_is_meant_is_told_where_it_is_not_said() {
    let two = format!("{PART}[other]\nrecipe = p01.recipe.setup:winservice\nrunscript = serve\n")
        .replace("= web", "= web other");
    let (world, file) = world(&two);
    let ran = world.svc(&format!("install {file}"));
    assert_eq!(
        (ran.status, ran.err),
        (
            Status::Usage as u8,
            format!(
                "error: several parts of {file} are services\nhint: name one: {file}#web, {file}#other\n"
            )
        )
    );
    let none = world.file("none.cfg", "[buildout]\nparts =\n");
    let ran = world.svc(&format!("install {}", none.display()));
    assert!(ran.err.contains("has the recipe p01.recipe.setup:winservice"), "{}", ran.err);
    let ran = world.svc(&format!("up {file}#wbe"));
    assert!(
        ran.err.starts_with(&format!("error: there is no part \"wbe\"\n --> {file}:2:9\n")),
        "{}",
        ran.err
    );
    assert!(world.scm.contents().services.is_empty());
}

#[test]
fn a_configuration_may_have_any_name_before_the_part() {
    let (world, file) = world(PART);
    let other = world.folder.path().join("zope#1.conf");
    fs::rename(file, &other).unwrap();
    assert_eq!(world.svc(&format!("install {}#web", other.display())).out, "installed shop\n");
}

/// The script of a service that runs `serve`.
fn script(world: &World) -> String {
    let variables = Variables {
        script: program(world).to_str().unwrap().to_owned(),
        parameters: "--port 80".to_owned(),
        service_name: "shop".to_owned(),
        instance_home: world.folder.path().to_str().unwrap().to_owned(),
        ..Variables::default()
    };
    winservice::script(&variables)
}

#[test]
fn a_service_script_is_installed_under_any_name() {
    let world = World::new();
    let text = script(&world);
    for name in ["winservice.py", "service"] {
        let file = world.file(name, &text);
        assert_eq!(world.svc(&format!("install {}", file.display())).out, "installed shop\n");
        assert_eq!(command(&world, "shop")[1..], ["--port", "80"]);
        assert_eq!(world.svc(&format!("remove {}", file.display())).out, "removed shop\n");
    }
}

#[test]
fn a_script_that_is_none_is_refused() {
    let world = World::new();
    let file = world.file("setup.py", "from setuptools import setup\nsetup()\n");
    let ran = world.svc(&format!("install {}", file.display()));
    assert_eq!(ran.status, Status::Usage as u8);
    assert!(ran.err.contains("this is no service script"), "{}", ran.err);
    let ran = world.svc("up none.py");
    assert!(ran.err.contains("cannot read the service script"), "{}", ran.err);
}

#[test]
fn a_script_whose_program_is_gone_is_told_with_its_place() {
    let world = World::new();
    let file = world.file("winservice.py", &script(&world));
    let line =
        fs::read_to_string(&file).unwrap().lines().position(|line| line.starts_with("SCRIPT")).unwrap() + 1;
    fs::remove_file(world.folder.path().join("serve")).unwrap();
    let ran = world.svc(&format!("install {}", file.display()));
    assert!(
        ran.err.contains(" does not exist") && ran.err.contains(&format!("winservice.py:{line}:")),
        "{}",
        ran.err
    );
}

#[test]
fn what_only_looks_like_a_part_is_a_name() {
    let world = World::new();
    world.file("service.toml", "[service.'a#b']\nrun = 'sh'\n");
    world.svc("install FILE");
    assert!(world.svc("status a#b").out.contains("a#b"));
}

#[cfg(unix)]
#[test]
fn a_script_of_windows_is_no_service_here() {
    let world = World::new();
    let variables = Variables {
        python: r"C:\Python311\python.exe".to_owned(),
        script: r"C:\site\bin\app-script.py".to_owned(),
        service_name: "shop".to_owned(),
        instance_home: r"C:\site".to_owned(),
        ..Variables::default()
    };
    let file = world.file("winservice.py", &winservice::script(&variables));
    let ran = world.svc(&format!("install {}", file.display()));
    assert_eq!(ran.status, Status::Usage as u8);
    assert!(ran.err.contains("is a path of Windows, and this is not Windows"), "{}", ran.err);
}
