//! What is wrong is told at its place, and nothing is done.

use crate::site::{APP, BUILDOUT, Site};

/// A run that is refused: nothing is done, and the error has these lines.
#[track_caller]
fn refused(cfg: &str, lines: &[&str]) {
    let site = Site::new();
    site.write("buildout.cfg", cfg);
    let before = site.files();
    let (status, out, err) = site.fail(&[]);
    assert_eq!((status, out.as_str()), (Some(2), ""), "{err}");
    for line in lines {
        assert!(err.contains(line), "{line:?} is not in {err}");
    }
    let mut after = site.files();
    after.retain(|(path, _)| !path.ends_with(".installed.cfg.lock"));
    assert_eq!(after, before);
}

/// The specification's buildout with a part of these options.
fn part(options: &str) -> String {
    format!("{BUILDOUT}[winservice]\nrecipe = p01.recipe.setup:winservice\n{options}")
}

#[test]
fn neither_or_both_of_the_scripts() {
    refused(
        &part(""),
        &["error: part \"winservice\" has neither runzope nor runscript", "/site/buildout.cfg:6:"],
    );
    let both = part("runzope = app\nrunscript = a.exe\n");
    refused(&both, &["error: part \"winservice\" has both runzope and runscript", "/site/buildout.cfg:8:"]);
}

#[test]
fn substitutions_that_lead_nowhere() {
    let unknown_section = part("runzope = app\nname = ${:title}\ntitle = ${nowhere:title}\n");
    refused(&unknown_section, &["nowhere", "/site/buildout.cfg:9:", "title"]);
    let unknown_option = part("runzope = app\nname = ${buildout:titel}\n");
    refused(&unknown_option, &["titel", "/site/buildout.cfg:8:"]);
    let circle = part("runzope = app\nname = ${:one}\none = ${:two}\ntwo = ${:one}\n");
    refused(&circle, &["winservice:one", "winservice:two", "/site/buildout.cfg:"]);
}

#[test]
fn files_that_cannot_be_extended() {
    let extending = |file: &str| format!("[buildout]\nextends = {file}\nparts =\n");
    let missing =
        "error: cannot read /site/missing.cfg, which is to be extended: no such file or directory\n";
    refused(&extending("missing.cfg"), &[missing, "/site/buildout.cfg:2:"]);
    refused(&extending("buildout.cfg"), &["buildout.cfg", "/site/buildout.cfg:2:"]);
}

#[test]
fn parts_that_cannot_be() {
    refused("[buildout]\nparts = web\n", &["web", "/site/buildout.cfg:2:"]);
    let foreign = format!("{BUILDOUT}[winservice]\nrecipe = zc.recipe.egg\n");
    let message = "error: part \"winservice\" has the recipe \"zc.recipe.egg\", which svc doesn't have";
    refused(&foreign, &[message, "/site/buildout.cfg:6:", "hint: there is p01.recipe.setup:winservice"]);
    refused(&format!("{BUILDOUT}[winservice]\nrunzope = app\n"), &["part \"winservice\" has no recipe"]);
}

#[test]
fn projects_that_cannot_be_developed() {
    let developing = |path: &str| format!("[buildout]\nparts =\ndevelop = demo1 {path}\n");
    let message = "error: nothing can be developed at /site/bin: it has no setup.py and no pyproject.toml";
    refused(&developing("bin"), &[message, "/site/buildout.cfg:3:"]);
    refused(&developing("missing"), &["nothing can be developed at /site/missing"]);
}

#[test]
fn the_file_is_missing() {
    let site = Site::new();
    let (status, _, err) = site.fail(&["-c", "none.cfg"]);
    assert_eq!(status, Some(2));
    assert_eq!(
        err,
        "error: cannot read the configuration: no such file or directory\n  --> /site/none.cfg\n"
    );
    let (_, _, err) = site.fail(&["-c", "bin"]);
    assert!(err.starts_with("error: cannot read the configuration: is a directory\n"), "{err}");
}

#[test]
fn folders_that_are_not_there() {
    let site = Site::with(APP);
    let before = site.files();
    for (option, place) in [("directory", "none"), ("installed", "none/record.cfg")] {
        site.write("other.cfg", &format!("[buildout]\nextends = buildout.cfg\n{option} = {place}\n"));
        for words in [&["-c", "other.cfg"][..], &["-c", "other.cfg", "-n"]] {
            let (status, out, err) = site.fail(words);
            assert_eq!((status, out.as_str()), (Some(2), ""));
            assert!(
                err.starts_with("error: there is no folder /site/none\n --> /site/other.cfg:3:"),
                "{err}"
            );
        }
    }
    std::fs::remove_file(site.path("other.cfg")).unwrap();
    assert_eq!(site.files(), before);
}

#[test]
fn words_that_are_no_options() {
    let site = Site::with(APP);
    for (words, message) in [
        (&["uninstall"][..], "error: \"uninstall\" is no option and no command\nhint: after options"),
        (&["a:b"], "error: \"a:b\" has no \"=\"; write section:option=value\n"),
        (&["a:b:c=d"], "error: \"a:b:c=d\" has more than one colon"),
    ] {
        let (status, _, err) = site.fail(words);
        assert_eq!(status, Some(2));
        assert!(err.starts_with(message), "{err}");
    }
}

#[test]
fn any_value_goes_into_the_script_as_it_is() {
    let values =
        ["it's \"quoted\"", r"C:\data\", "one\n  two", "'''", r"\N{DASH} \u1234 \x", "\u{e9}\u{20ac}"];
    for value in values {
        let site = Site::with(&APP.replace("Zope 3 Windows Service description", value));
        site.ok(&[]);
        let expected = value.replace("\n  ", "\n");
        assert_eq!(site.variables().service_description, expected);
    }
}

#[test]
fn a_folder_of_scripts_that_cannot_be_written() {
    // A read-only folder is none for root, but nobody can write below a file.
    let site = Site::with(&APP.replace("runzope = app", "runscript = demo1/setup.py"));
    std::fs::remove_dir_all(site.path("bin")).unwrap();
    site.write("bin", "a file");
    let (status, out, err) = site.fail(&[]);
    assert_eq!((status, out.as_str()), (Some(1), ""));
    assert!(err.starts_with("While:\n  Making folders.\nError: cannot make the folder /site/bin: "), "{err}");
    assert!(!site.is_there(".installed.cfg"));
    std::fs::remove_file(site.path("bin")).unwrap();
    // Where the script should be is a folder with something in it.
    site.write("bin/winservice.py/mine", "");
    let (status, _, err) = site.fail(&[]);
    assert_eq!(status, Some(1));
    let message = "While:\n  Installing winservice.\nError: /site/bin/winservice.py is there and was not made by a part\nhint: move it away\n";
    assert_eq!(err, message);
    assert!(!site.read(".installed.cfg").contains("[winservice]"));
}

#[test]
fn a_folder_of_scripts_that_is_read_only() {
    use std::os::unix::fs::PermissionsExt;
    let site = Site::with(APP);
    let mode = |mode: u32| {
        std::fs::set_permissions(site.path("bin"), std::fs::Permissions::from_mode(mode)).unwrap()
    };
    mode(0o555);
    let may_write_all_the_same = std::fs::write(site.path("bin/probe"), "").is_ok();
    let (status, _, err) = site.fail(&[]);
    mode(0o755);
    if may_write_all_the_same {
        // Root; the test above has what nobody may write.
        assert_eq!(status, Some(0));
    } else {
        assert_eq!(status, Some(1));
        let message = "While:\n  Installing winservice.\nError: cannot write /site/bin/winservice.py: permission denied\n";
        assert_eq!(err, message);
        assert_eq!(site.list("bin"), ["app-script.py"]);
        assert!(!site.read(".installed.cfg").contains("[winservice]"));
    }
    site.ok(&[]);
}

#[test]
fn a_script_that_is_missing_for_its_separators() {
    let site = Site::with(&APP.replace("runzope = app", r"runzope = bin\app"));
    let (status, _, err) = site.fail(&[]);
    assert_eq!(status, Some(1));
    let message = "Error: App start script /site/bin\\app-script.py does not exist.\nhint: on this system folders are separated by /\n";
    assert!(err.ends_with(message), "{err}");
}

#[test]
fn a_damaged_record() {
    let site = Site::with(APP);
    site.ok(&[]);
    let record = site.read(".installed.cfg");
    site.write(".installed.cfg", record.split("__buildout_signature__").next().unwrap());
    let before = site.files();
    let (status, out, err) = site.fail(&["buildout:parts="]);
    assert_eq!((status, out.as_str()), (Some(2), ""));
    assert!(err.starts_with("error: the record of installed parts is damaged: "), "{err}");
    assert!(err.contains("--> /site/.installed.cfg:6:1\n") && err.contains("move the file away"), "{err}");
    assert_eq!(site.files(), before);
    // What the advice says works.
    std::fs::remove_file(site.path(".installed.cfg")).unwrap();
    assert!(site.ok(&[]).ends_with("Installing winservice.\n"));
}
