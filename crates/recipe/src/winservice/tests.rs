//! The recipe as a whole: options to variables, variables to a script and back, scripts to services.

use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;
use crate::platform::Platform;

fn unix() -> Options<'static> {
    Options {
        part: "winservice",
        runzope: None,
        runscript: None,
        parameters: None,
        name: None,
        description: None,
        service_name: None,
        debug: None,
        directory: Path::new("/sample-buildout"),
        bin_directory: Path::new("/sample-buildout/bin"),
        python: Some(Path::new("/usr/bin/python3")),
        platform: Platform::Unix,
    }
}

fn windows() -> Options<'static> {
    Options {
        directory: Path::new(r"C:\site"),
        bin_directory: Path::new(r"C:\site\bin"),
        python: Some(Path::new(r"C:\Python\python.exe")),
        platform: Platform::Windows,
        ..unix()
    }
}

fn planned(options: &Options<'_>) -> Outcome {
    plan(options, |_| true).unwrap()
}

fn refused(options: &Options<'_>) -> Problem {
    plan(options, |_| true).unwrap_err()
}

#[test]
fn a_part_that_says_only_what_to_run_has_defaults() {
    let outcome = planned(&Options { runzope: Some("app"), ..unix() });
    let expected = Variables {
        pythonservice_exe: "/usr/bin/Lib/site-packages/win32/pythonservice.exe".to_owned(),
        python: "/usr/bin/python3".to_owned(),
        script: "/sample-buildout/bin/app-script.py".to_owned(),
        parameters: String::new(),
        service_name: "__sample_buildout__bin__app_script_py".to_owned(),
        service_display_name: "Zope3 winservice".to_owned(),
        service_description: "Zope3 windows service for winservice, using /sample-buildout/bin/app-script.py"
            .to_owned(),
        instance_home: "/sample-buildout".to_owned(),
    };
    assert_eq!(outcome.variables, expected);
    assert_eq!(outcome.start_script, Path::new("/sample-buildout/bin/app-script.py"));
    assert_eq!(outcome.debug_copy, None);
    assert_eq!(outcome.native_variables(), expected);
}

#[test]
fn a_part_can_say_everything() {
    let outcome = planned(&Options {
        runzope: Some("app"),
        parameters: Some("-C zope.conf"),
        name: Some("Zope 3 Windows Service"),
        description: Some("Zope 3 Windows Service description"),
        service_name: Some("zope"),
        ..windows()
    });
    let expected = [
        r"C:\Python\Lib\site-packages\win32\pythonservice.exe",
        r"C:\Python\python.exe",
        r"C:\site\bin\app-script.py",
        "-C zope.conf",
        "zope",
        "Zope 3 Windows Service",
        "Zope 3 Windows Service description",
        r"C:\site",
    ];
    assert_eq!(outcome.variables.values(), expected);
}

#[test]
fn runzope_names_a_start_script() {
    let script = |runzope| planned(&Options { runzope: Some(runzope), ..unix() }).variables.script;
    for same in ["app", "app.py", "app-script.py", " app "] {
        assert_eq!(script(same), "/sample-buildout/bin/app-script.py", "{same}");
    }
    assert_eq!(script("parts/zope-app/zope-dev"), "/sample-buildout/parts/zope-app/zope-dev-script.py");
    assert_eq!(script("../other/./app.py"), "/other/app-script.py");
    assert_eq!(script("/opt/app"), "/opt/app-script.py");
    // The entry point "app-script" has this file.
    assert_eq!(script("app-script"), "/sample-buildout/bin/app-script-script.py");
    let script = |runzope| planned(&Options { runzope: Some(runzope), ..windows() }).variables.script;
    assert_eq!(script("app"), r"C:\site\bin\app-script.py");
    assert_eq!(script("parts/app/run"), r"C:\site\parts\app\run-script.py");
    assert_eq!(script(r"parts\app\run"), r"C:\site\parts\app\run-script.py");
}

#[test]
fn runscript_is_used_as_it_is() {
    let planned = |runscript, options| planned(&Options { runscript: Some(runscript), ..options }).variables;
    let program = planned("parts/exe/some.exe", unix());
    assert_eq!(
        (program.python.as_str(), program.script.as_str()),
        ("", "/sample-buildout/parts/exe/some.exe")
    );
    assert_eq!(program.service_name, "__sample_buildout__parts__exe__some_exe");
    assert_eq!(program.pythonservice_exe, "/usr/bin/Lib/site-packages/win32/pythonservice.exe");
    let script = planned("parts/exe/some.py", unix());
    assert_eq!(
        (script.python.as_str(), script.script.as_str()),
        ("/usr/bin/python3", "/sample-buildout/parts/exe/some.py")
    );
    assert_eq!(planned("RUN.PY", windows()).python, r"C:\Python\python.exe");
    assert_eq!(planned("RUN.PY", unix()).python, "");
}

#[test]
fn a_program_needs_no_python_and_a_script_does() {
    let program = Options { runscript: Some("run.exe"), python: None, ..windows() };
    assert_eq!(planned(&program).variables.pythonservice_exe, "");
    let problem = refused(&Options { runscript: Some("run.py"), ..program });
    assert_eq!(problem.to_string(), r"there is no Python to run C:\site\run.py with");
}

#[test]
fn one_of_the_two_is_needed_and_not_both() {
    let neither = refused(&unix());
    assert_eq!(neither.to_string(), r#"part "winservice" has neither runzope nor runscript"#);
    assert_eq!(refused(&Options { runzope: Some(" "), ..unix() }), neither);
    let both = refused(&Options { runzope: Some("a"), runscript: Some("b.py"), ..unix() });
    assert_eq!(both.to_string(), r#"part "winservice" has both runzope and runscript"#);
}

#[test]
fn a_missing_script_is_named() {
    let problem =
        plan(&Options { runzope: Some("parts/zope-app/zope-dev"), ..unix() }, |_| false).unwrap_err();
    assert_eq!(
        problem.to_string(),
        "App start script /sample-buildout/parts/zope-app/zope-dev-script.py does not exist."
    );
    assert_eq!((problem.option, problem.help), (Some("runzope"), None));
    let there = [PathBuf::from("/sample-buildout/bin/app-script.py")];
    assert!(
        plan(&Options { runzope: Some("app"), ..unix() }, |path| there.iter().any(|one| one == path)).is_ok()
    );
    let problem = plan(&Options { runscript: Some(r"exe\some.exe"), ..unix() }, |_| false).unwrap_err();
    assert_eq!(problem.option, Some("runscript"));
    assert!(problem.help.unwrap().contains("separated by /"));
}

#[test]
fn debug_runs_a_copy_beside_a_python_script() {
    let outcome = planned(&Options { runzope: Some("app"), debug: Some("true"), ..windows() });
    assert_eq!(outcome.variables.script, r"C:\site\bin\app-servicedebug.py");
    assert_eq!(outcome.variables.service_name, "C___site__bin__app_script_py");
    let copy = outcome.debug_copy.clone().unwrap();
    assert_eq!(copy.from, Path::new(r"C:\site\bin\app-script.py"));
    assert_eq!(copy.to, Path::new(r"C:\site\bin\app-servicedebug.py"));
    assert_eq!(outcome.native_variables().script, r"C:\site\bin\app-script.py");
    let copy =
        |runscript| planned(&Options { runscript: Some(runscript), debug: Some("on"), ..unix() }).debug_copy;
    assert_eq!(copy("some.py").unwrap().to, Path::new("/sample-buildout/some-servicedebug.py"));
    assert_eq!(copy("some.exe"), None);
    assert_eq!(planned(&Options { runzope: Some("app"), debug: Some("False"), ..unix() }).debug_copy, None);
    let problem = refused(&Options { runzope: Some("app"), debug: Some("maybe"), ..unix() });
    assert_eq!(problem.to_string(), r#"debug can't be "maybe""#);
}

#[test]
fn names_are_checked() {
    let app = Options { runzope: Some("app"), ..unix() };
    let problem = refused(&Options { service_name: Some("a/b"), ..app });
    assert_eq!(
        (problem.option, problem.message.as_str()),
        (Some("serviceName"), "a service name can't contain '/'")
    );
    let long = "x".repeat(257);
    assert_eq!(refused(&Options { name: Some(&long), ..app }).option, Some("name"));
}

#[test]
fn a_description_may_be_as_long_as_the_service_api_has_it() {
    let app = Options { runzope: Some("app"), ..unix() };
    let most = "\u{e9}".repeat(8191);
    assert_eq!(planned(&Options { description: Some(&most), ..app }).variables.service_description, most);
    let problem = refused(&Options { description: Some(&(most + "\u{1f980}")), ..app });
    assert_eq!(problem.option, Some("description"));
    assert_eq!(problem.message, "a description has at most 8191 characters, this one has 8193");
}

#[test]
fn parameters_on_several_lines_are_one_command_line() {
    let options = Options { runzope: Some("app"), parameters: Some("-C\n  zope.conf\n\n-v"), ..unix() };
    assert_eq!(planned(&options).variables.parameters, "-C zope.conf -v");
}

#[test]
fn the_variables_stand_in_their_order_one_a_line() {
    let variables = planned(&Options {
        runzope: Some("app"),
        name: Some("Bob's \"shop\""),
        description: Some("two\nlines\\"),
        ..windows()
    })
    .variables;
    let text = script(&variables);
    let block: Vec<_> =
        text.lines().skip_while(|line| !line.starts_with("PYTHONSERVICE_EXE")).take(8).collect();
    let expected = [
        r"PYTHONSERVICE_EXE = r'C:\Python\Lib\site-packages\win32\pythonservice.exe'",
        r"PYTHON = r'C:\Python\python.exe'",
        r"SCRIPT = r'C:\site\bin\app-script.py'",
        "PARAMETERS = r''",
        "SERVICE_NAME = 'C___site__bin__app_script_py'",
        r#"SERVICE_DISPLAY_NAME = 'Bob\'s "shop"'"#,
        r"SERVICE_DESCRIPTION = 'two\nlines\\'",
        r"INSTANCE_HOME = r'C:\site'",
    ];
    assert_eq!(block, expected);
    let rest = text.replace(&block.join("\n"), "");
    assert!(rest.is_ascii() && !rest.contains('@') && !rest.contains('\t'));
}

fn values() -> impl Strategy<Value = Variables> {
    let value = prop_oneof![any::<String>(), r#"[a-c'"\\ \nNux{}\r#]{0,12}"#];
    prop::collection::vec(value, 8).prop_map(|values| Variables::from_values(values.try_into().unwrap()))
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(variables in values()) {
        let text = script(&variables);
        prop_assert_eq!(&read("winservice.py", text.as_bytes()).unwrap().variables, &variables);
        let windows = text.replace('\n', "\r\n");
        prop_assert_eq!(&read("winservice.py", windows.as_bytes()).unwrap().variables, &variables);
        let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        prop_assert_eq!(&read("winservice.py", &utf16).unwrap().variables, &variables);
    }

    #[test]
    fn any_bytes_are_a_script_or_what_is_wrong_with_it(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read("winservice.py", &bytes);
    }

    #[test]
    fn any_text_is_a_script_or_what_is_wrong_with_it(lines in prop::collection::vec(r#"(SCRIPT|PYTHON) ?= ?[ru]?['"]{1,3}[a-z'"\\\n(#\u{e9}]{0,9}"#, 0..4)) {
        let _ = read("winservice.py", lines.join("\n").as_bytes());
    }
}
