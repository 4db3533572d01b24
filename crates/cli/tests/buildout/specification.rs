//! The recipe's executable specification, step by step: what each run prints, what is in `bin` after it, and the variables of the script.

use crate::site::{APP, Site, derived};

const DEVELOPED: &str = "Develop: '/site/demo1'\nDevelop: '/site/demo2'\n";
const INSTALLED: &str = "Installing winservice.\n";
const CHANGED: &str = "Uninstalling winservice.\nInstalling winservice.\n";

const PYTHON: &str = "PYTHON = r'/site/tools/python3'";
const NO_PARAMETERS: &str = "PARAMETERS = r''";
const PARAMETERS: &str = "PARAMETERS = r'-C zope.conf'";

#[track_caller]
fn runs(site: &Site, lines: &str) {
    assert_eq!(site.ok(&[]), format!("{DEVELOPED}{lines}"));
}

#[track_caller]
fn fails(site: &Site, lines: &str, script: &str) {
    let (status, out, err) = site.fail(&[]);
    assert_eq!((status, out), (Some(1), format!("{DEVELOPED}{lines}")));
    assert_eq!(
        err,
        format!("While:\n  Installing winservice.\nError: App start script /site/{script} does not exist.\n")
    );
}

/// The variables of the script: its interpreter, the script and the parameters differ; `named` is the script that the service's name is derived from.
#[track_caller]
fn has(site: &Site, python: &str, script: &str, parameters: &str, named: &str) {
    let expected = [
        "PYTHONSERVICE_EXE = r'/site/tools/Lib/site-packages/win32/pythonservice.exe'".to_owned(),
        python.to_owned(),
        format!("SCRIPT = r'/site/{script}'"),
        parameters.to_owned(),
        format!("SERVICE_NAME = '{}'", derived(&site.path(named))),
        "SERVICE_DISPLAY_NAME = r'Zope 3 Windows Service'".to_owned(),
        "SERVICE_DESCRIPTION = r'Zope 3 Windows Service description'".to_owned(),
        "INSTANCE_HOME = r'/site'".to_owned(),
    ];
    assert_eq!(site.block(), expected);
}

#[track_caller]
fn lists(site: &Site, names: &[&str]) {
    assert_eq!(site.list("bin"), names);
}

#[test]
fn the_specification() {
    let site = Site::new();
    // What a buildout is set up with.
    site.write("bin/buildout-script.py", "");
    site.write("bin/buildout.exe", "");
    let before = ["app-script.py", "buildout-script.py", "buildout.exe"];
    let after = ["app-script.py", "buildout-script.py", "buildout.exe", "winservice.py"];
    lists(&site, &before);

    site.configure(APP);
    runs(&site, INSTALLED);
    lists(&site, &after);
    has(&site, PYTHON, "bin/app-script.py", NO_PARAMETERS, "bin/app-script.py");

    // Parameters.
    site.configure(&format!("{APP}parameters = -C zope.conf\n\n"));
    runs(&site, CHANGED);
    lists(&site, &after);
    has(&site, PYTHON, "bin/app-script.py", PARAMETERS, "bin/app-script.py");

    // A start script in another folder, which is missing at first.
    site.configure(&APP.replace("runzope = app", "runzope = parts/zope-app/zope-dev"));
    fails(&site, CHANGED, "parts/zope-app/zope-dev-script.py");
    lists(&site, &before);
    std::fs::create_dir(site.path("parts/zope-app")).unwrap();
    site.write("parts/zope-app/zope-dev-script.py", "\nother dummy app script\n");
    runs(&site, INSTALLED);
    lists(&site, &after);
    let named = "parts/zope-app/zope-dev-script.py";
    has(&site, PYTHON, named, NO_PARAMETERS, named);

    // A program, which is missing at first.
    let program = "runscript = parts/exe/some.exe\nparameters = -C zope.conf";
    site.configure(&APP.replace("runzope = app", program));
    fails(&site, CHANGED, "parts/exe/some.exe");
    std::fs::create_dir(site.path("parts/exe")).unwrap();
    site.write("parts/exe/some.exe", "\ndummy executable\n");
    runs(&site, INSTALLED);
    lists(&site, &after);
    has(&site, "PYTHON = r''", "parts/exe/some.exe", PARAMETERS, "parts/exe/some.exe");

    // A script by its path.
    let script = "runscript = parts/exe/some.py\nparameters = -C zope.conf";
    site.configure(&APP.replace("runzope = app", script));
    site.write("parts/exe/some.py", "\ndummy python script\n");
    runs(&site, CHANGED);
    lists(&site, &after);
    has(&site, PYTHON, "parts/exe/some.py", PARAMETERS, "parts/exe/some.py");

    // A copy that logs its exception; the service keeps its name.
    site.configure(&format!("{APP}debug = true\n"));
    runs(&site, CHANGED);
    let with_copy =
        ["app-script.py", "app-servicedebug.py", "buildout-script.py", "buildout.exe", "winservice.py"];
    lists(&site, &with_copy);
    has(&site, PYTHON, "bin/app-servicedebug.py", NO_PARAMETERS, "bin/app-script.py");
    let copy = site.read("bin/app-servicedebug.py");
    assert!(copy.contains("\nprint('started')\n") && copy.contains("servicemanager.LogErrorMsg("), "{copy}");

    // Unlike that of the original recipe, the copy follows its script.
    runs(&site, "Updating winservice.\n");
    site.write("bin/app-script.py", "\nprint('changed')\n");
    runs(&site, "Updating winservice.\n");
    assert!(site.read("bin/app-servicedebug.py").contains("\nprint('changed')\n"));
}
