//! Runs on a site that is there: twice, dry, as JSON, of chosen parts, several at once, killed.

use std::os::unix::process::ExitStatusExt;
use std::process::Command;

use serde_json::{Value, json};
use svckit_testkit::svc::finish;

use crate::site::{APP, BUILDOUT, Site};

#[test]
fn a_second_run_writes_nothing() {
    let site = Site::with(APP);
    site.ok(&[]);
    let times = |site: &Site| -> Vec<_> {
        let files =
            site.files().into_iter().filter(|(path, _)| path.extension().is_none_or(|end| end != "lock"));
        files.map(|(path, _)| (path.metadata().unwrap().modified().unwrap(), path)).collect()
    };
    let before = times(&site);
    assert_eq!(site.ok(&[]), "Develop: '/site/demo1'\nDevelop: '/site/demo2'\nUpdating winservice.\n");
    assert_eq!(times(&site), before);
}

#[test]
fn a_dry_run_changes_nothing_and_tells_what_would_be_done() {
    let site = Site::with(APP);
    let before = site.files();
    let told = site.ok(&["-n"]);
    assert_eq!(
        told,
        "Making folders.\n  make /site/parts\n  make /site/develop-eggs\n\
         Develop: '/site/demo1'\n  write /site/develop-eggs/demo1.egg-link\n\
         Develop: '/site/demo2'\n  write /site/develop-eggs/demo2.egg-link\n\
         Installing winservice.\n  write /site/bin/winservice.py\n"
    );
    assert_eq!(site.files(), before);
    site.ok(&[]);
    site.configure(&format!("{APP}debug = on\n"));
    let installed = site.files();
    assert_eq!(
        site.ok(&["--dry-run"]),
        "Develop: '/site/demo1'\nDevelop: '/site/demo2'\nUninstalling winservice.\n  remove /site/bin/winservice.py\n\
         Installing winservice.\n  write /site/bin/winservice.py\n  write /site/bin/app-servicedebug.py\n"
    );
    assert_eq!(site.files(), installed);
    site.configure(&APP.replace("app", "none"));
    let (status, _, err) = site.fail(&["-n"]);
    assert_eq!(status, Some(1));
    assert!(err.ends_with("Error: App start script /site/bin/none-script.py does not exist.\n"), "{err}");
}

#[test]
fn steps_are_told_as_json() {
    let site = Site::with(APP);
    let run = |words: &[&str]| -> (Value, Value) {
        let (_, out, err) = site.fail(&[words, &["--json"]].concat());
        (serde_json::from_str(&out).unwrap(), serde_json::from_str(&err).unwrap_or_default())
    };
    let step = |name: &str, part: Value, project: Value| json!({ "step": name, "part": part, "project": project, "made": [], "written": [], "removed": [], "warnings": [] });
    let develop = |project: &str| {
        let mut develop = step("develop", Value::Null, format!("/site/{project}").into());
        develop["written"] = json!([format!("/site/develop-eggs/{project}.egg-link")]);
        develop
    };
    let mut prepare = step("prepare", Value::Null, Value::Null);
    prepare["made"] = json!(["/site/parts", "/site/develop-eggs"]);
    let mut install = step("install", "winservice".into(), Value::Null);
    install["written"] = json!(["/site/bin/winservice.py"]);
    let steps = json!([prepare, develop("demo1"), develop("demo2"), install]);
    assert_eq!(run(&["-n"]), (steps.clone(), Value::Null));
    assert_eq!(run(&[]), (steps, Value::Null));
    let (done, error) = run(&["winservice:runzope=none"]);
    let names: Vec<_> = done.as_array().unwrap().iter().map(|step| step["step"].as_str().unwrap()).collect();
    assert_eq!(names, ["develop", "develop", "uninstall"]);
    let error = &error["error"];
    let message = "App start script /site/bin/none-script.py does not exist.";
    assert_eq!((&error["operation"], &error["message"]), (&json!("install part"), &json!(message)));
    assert_eq!(error["exit_status"], 1);
}

#[test]
fn options_of_the_command_line_count_and_another_file_can_be_named() {
    let site = Site::with(APP);
    site.ok(&["winservice:parameters=-x", "buildout:develop="]);
    assert_eq!(site.variables().parameters, "-x");
    assert!(!site.is_there("develop-eggs/demo1.egg-link"));
    site.write(
        "other.cfg",
        "[buildout]
extends = buildout.cfg
[winservice]
name = Other
",
    );
    site.ok(&["-c", "other.cfg"]);
    assert_eq!(site.variables().service_display_name, "Other");
}

#[test]
fn chosen_parts_are_installed_and_the_others_stay() {
    let second = "[second]\nrecipe = p01.recipe.setup:winservice\nrunscript = missing\n[foreign]\nrecipe = zc.recipe.egg\n";
    let site = Site::with(&format!("{APP}{second}"));
    site.ok(&["install", "winservice"]);
    assert!(site.is_there("bin/winservice.py"));
    let (status, out, _) = site.fail(&["buildout:parts=", "install", "second"]);
    assert_eq!((status, out.ends_with("Installing second.\n")), (Some(1), true));
    assert!(site.is_there("bin/winservice.py"));
    let (status, _, err) = site.fail(&["install", "winservice", "nobody"]);
    assert_eq!(status, Some(2));
    assert!(err.contains("there is no part \"nobody\""), "{err}");
    assert_eq!(site.ok(&["buildout:parts=", "buildout:develop="]), "Uninstalling winservice.\n");
    assert!(!site.is_there("bin/winservice.py") && !site.is_there(".installed.cfg"));
}

#[test]
fn runs_at_the_same_time_wait_for_each_other() {
    let site = Site::with(APP);
    let runs: Vec<_> = (0..8)
        .map(|number| {
            let command = site.command(&[&format!("winservice:parameters=-n {number}")]);
            std::thread::spawn(move || finish(command))
        })
        .collect();
    for run in runs {
        let output = run.join().unwrap();
        assert_eq!((output.code(), output.stderr.as_str()), (Some(0), ""), "{}", output.stdout);
    }
    let parameters = site.variables().parameters;
    let again = site.ok(&[&format!("winservice:parameters={parameters}")]);
    assert!(again.ends_with("Updating winservice.\n"), "{again}");
    assert_eq!(site.list("bin"), ["app-script.py", "winservice.py"]);
}

#[test]
fn what_a_killed_run_leaves_the_next_one_finishes() {
    let site = Site::with(APP);
    site.ok(&[]);
    let undisturbed = site.files();
    site.ok(&["buildout:parts=", "buildout:develop="]);
    // The system kills it when the script, which is larger than all else, exceeds the limit of a file's size.
    let words = site.command(&[]);
    let mut killed = Command::new("/bin/sh");
    killed
        .args(["-c", "ulimit -c 0; ulimit -f 4; exec \"$0\" \"$@\""])
        .arg(words.get_program())
        .args(words.get_args());
    killed.current_dir(site.path("")).env("PATH", site.path("tools"));
    let killed = finish(killed);
    assert!(killed.status.signal().is_some(), "{}: {}{}", killed.status, killed.stdout, killed.stderr);
    assert!(site.is_there("bin/winservice.py.svc-new") && !site.is_there("bin/winservice.py"));
    assert!(site.read(".installed.cfg").contains("svc-unfinished"));
    assert_eq!(site.ok(&[]), "Develop: '/site/demo1'\nDevelop: '/site/demo2'\nInstalling winservice.\n");
    let is_lock = |name: &std::path::Path| name.ends_with(".installed.cfg.lock");
    let without_lock = |files: Vec<(std::path::PathBuf, Vec<u8>)>| -> Vec<_> {
        files.into_iter().filter(|(path, _)| !is_lock(path)).collect()
    };
    assert_eq!(without_lock(site.files()), without_lock(undisturbed));
}

#[test]
fn a_site_of_zc_buildout_goes_on() {
    let site = Site::with(APP);
    let bin = site.path("bin");
    site.write("bin/winservice.py", "made by another recipe");
    site.write("bin/old.py", "");
    site.write("parts/data/kept", "");
    site.write(
        ".installed.cfg",
        &format!(
            "[buildout]\ninstalled_develop_eggs = \nparts = winservice old\n\n\
             [winservice]\n__buildout_installed__ = {bin}/winservice.py\n\
             __buildout_signature__ = p01.recipe.setup-22ff81cbe2b184ea0458f973906af41d\n\
             recipe = p01.recipe.setup:winservice\nrunzope = app\n\n\
             [old]\n__buildout_installed__ = {bin}/old.py\n\t{parts}\n__buildout_signature__ = zc.recipe.egg-1\n",
            bin = bin.display(),
            parts = site.path("parts/data").display(),
        ),
    );
    let output = site.run(&[]);
    let lines = "Develop: '/site/demo1'\nDevelop: '/site/demo2'\nUninstalling old.\nUninstalling winservice.\nInstalling winservice.\n";
    assert_eq!((output.code(), site.normal(&output.stdout)), (Some(0), lines.to_owned()));
    let warning = "warning: /site/parts/data is a folder with something in it, and stays\n";
    assert_eq!(site.normal(&output.stderr), warning);
    assert!(!site.is_there("bin/old.py") && site.is_there("parts/data/kept"));
    assert!(site.read("buildout.cfg").starts_with(BUILDOUT));
}
