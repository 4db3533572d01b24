use svckit_core::definition::{RestartPolicy, StopAction};

use super::*;

/// A script as others made it, long ago: for Python 2, with other things around the variables and another layout.
const OLD: &str = r#"##########################
"""Serves c:\users\new.

    SCRIPT = r'not this'
"""
import sys, os
from time import sleep as nap

PYTHONSERVICE_EXE=r'C:\Python27\Lib\site-packages\win32\pythonservice.exe'
PYTHON = r"C:\Python27\python.exe"   # the old one
SCRIPT = u'C:\\site\\bin\\b\xfcro-script.py'
PARAMETERS = r'-C "my site.conf" ' r'-v C:\data\'
"#;

const REST: &str = r#"
SERVICE_NAME = 'site'
SERVICE_DISPLAY_NAME = "The site"
SERVICE_DESCRIPTION = '''Two
lines'''
INSTANCE_HOME = r'C:\site'

class Service:
    SCRIPT = None
    def run(self):
        print "%s" % SCRIPT
"#;

fn old() -> String {
    OLD.replace(r"C:\data\'", r"C:\data\x'") + REST
}

fn wrong(bytes: &[u8]) -> Vec<String> {
    let wrong = read("winservice.py", bytes).unwrap_err();
    wrong.iter().map(|one| one.to_string().split(" (").next().unwrap().to_owned()).collect()
}

#[test]
fn a_script_of_others_is_read() {
    let expected = [
        r"C:\Python27\Lib\site-packages\win32\pythonservice.exe",
        r"C:\Python27\python.exe",
        "C:\\site\\bin\\b\u{fc}ro-script.py",
        r#"-C "my site.conf" -v C:\data\x"#,
        "site",
        "The site",
        "Two\nlines",
        r"C:\site",
    ];
    for text in [old(), old().replace('\n', "\r\n"), old().replace('\n', "\r"), format!("\u{feff}{}", old())]
    {
        let script = read("winservice.py", text.as_bytes()).unwrap();
        assert_eq!(script.variables.values(), expected);
        let at = |span: Span| &script.source.text()[span.start..span.end];
        assert_eq!(at(script.spans.service_name), "'site'");
        assert_eq!(script.source.place(script.spans.script).line, 11);
    }
}

#[test]
fn encodings_are_those_that_the_file_names() {
    let text = |first: &str| format!("{first}{}", old().replace(r"\xfc", "\u{fc}")).into_bytes();
    let byte = |first: &str| {
        let text = String::from_utf8(text(first)).unwrap();
        text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect::<Vec<u8>>()
    };
    for bytes in
        [text(""), text("# coding: utf-8\n"), byte("# coding: latin-1\n"), byte("# coding: cp1252\n")]
    {
        assert!(read("winservice.py", &bytes).unwrap().variables.script.ends_with("b\u{fc}ro-script.py"));
    }
    let place =
        "winservice.py:11:10: SCRIPT can't be read: the file is not UTF-8 and names no other encoding";
    assert_eq!(wrong(&byte("")), [place]);
    let named = wrong(&byte("# coding: koi8-r\n"));
    assert_eq!(
        named,
        [r#"winservice.py:12:10: SCRIPT can't be read: the encoding "koi8-r" is not known here"#]
    );
    // Where no value needs it, the encoding doesn't matter.
    let comment = format!("# coding: koi8-r\n# \u{fc}\n{}", old());
    read("winservice.py", comment.as_bytes()).unwrap();
}

#[test]
fn what_is_wrong_is_told_at_its_place() {
    let text = format!("{OLD}{REST}").replace("u'C:", "HOME + 'C:").replace("'site'", "b'site'");
    assert_eq!(
        wrong(text.as_bytes()),
        [
            "winservice.py:11:10: SCRIPT is not a plain string",
            "winservice.py:12:14: PARAMETERS is a string that is never closed",
            "winservice.py:14:16: SERVICE_NAME is not a plain string",
        ]
    );
}

#[test]
fn what_is_missing_is_named() {
    let text = old().replace("PARAMETERS =", "parameters =").replace("PYTHON =", "  PYTHON =");
    assert_eq!(wrong(text.as_bytes()), ["winservice.py: PYTHON, PARAMETERS are not assigned"]);
    assert_eq!(
        wrong(old().replace("SCRIPT = u", "S = u").as_bytes()),
        ["winservice.py: SCRIPT is not assigned"]
    );
    for no_script in ["", "print('x')\n", "[buildout]\nparts =\n"] {
        let expected = "winservice.py: this is no service script: it assigns none of the variables of one";
        assert_eq!(wrong(no_script.as_bytes()), [expected]);
    }
}

#[test]
fn a_script_is_loaded_from_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("winservice.py");
    let message = load(&path).unwrap_err().to_string();
    assert!(message.contains("winservice.py: cannot read the service script: "), "{message}");
    std::fs::write(&path, old()).unwrap();
    assert_eq!(load(&path).unwrap().variables.service_name, "site");
    std::fs::write(&path, vec![b'#'; 1 << 21]).unwrap();
    assert!(load(&path).unwrap_err().to_string().contains("larger than 1 MiB"));
}

#[test]
fn the_native_service_does_what_the_script_does() {
    let definition = read("winservice.py", old().as_bytes()).unwrap().definition(Platform::Windows).unwrap();
    let [service] = definition.services.as_slice() else { panic!("{definition:?}") };
    assert_eq!((service.name.as_str(), service.display_name.as_str()), ("site", "The site"));
    assert_eq!(service.description.as_deref(), Some("Two\nlines"));
    let expected = [
        r"C:\Python27\python.exe",
        "C:\\site\\bin\\b\u{fc}ro-script.py",
        "-C",
        "my site.conf",
        "-v",
        r"C:\data\x",
    ];
    assert_eq!(service.hosted().unwrap().program.command, expected);
    assert_eq!(service.hosted().unwrap().program.directory, Path::new(r"C:\site"));
    let environment: Vec<_> = service.hosted().unwrap().program.environment.iter().collect();
    assert_eq!(environment, [(&"ZMANAGED".to_owned(), &"1".to_owned())]);
    assert_eq!((service.start, &service.hosted().unwrap().restart), (None, &RestartPolicy::default()));
    assert_eq!(service.hosted().unwrap().stop.ladder[0].action, StopAction::CtrlC);
    let place = definition.diagnostic(service.places.run, "x", None).place.unwrap();
    assert_eq!((place.line, place.column), (10, 10));
}

#[test]
fn a_script_of_windows_is_no_service_elsewhere() {
    let wrong =
        read("winservice.py", old().as_bytes()).unwrap().definition(Platform::Unix).unwrap_err().to_string();
    let lines: Vec<_> = wrong.lines().map(|line| line.split(" (").next().unwrap()).collect();
    assert_eq!(
        lines,
        [
            r#"winservice.py:10:10: "C:\\Python27\\python.exe" is a path of Windows, and this is not Windows"#,
            "winservice.py:11:10: \"C:\\\\site\\\\bin\\\\b\u{fc}ro-script.py\" is a path of Windows, and this is not Windows",
            r#"winservice.py:18:17: "C:\\site" is a path of Windows, and this is not Windows"#,
        ]
    );
}

#[test]
fn what_no_service_can_be_is_told() {
    let variables = Variables {
        python: "/usr/bin/python3".to_owned(),
        script: "bin/app".to_owned(),
        parameters: "-C 'open".to_owned(),
        service_name: "a/b".to_owned(),
        service_display_name: "\0".to_owned(),
        service_description: "x".repeat(8192),
        instance_home: "/a\0b".to_owned(),
        ..Variables::default()
    };
    let text = super::super::script(&variables);
    let wrong = |platform| {
        let read =
            read("winservice.py", text.as_bytes()).unwrap().definition(platform).unwrap_err().to_string();
        let message =
            |line: &str| line.splitn(4, ':').nth(3).unwrap().split(" (").next().unwrap().trim().to_owned();
        read.lines().map(message).collect::<Vec<_>>()
    };
    assert_eq!(
        wrong(Platform::Unix),
        [
            "a service name can't contain '/'",
            r"a display name can't contain '\0'",
            r#""bin/app" is not an absolute path"#,
            r#""/a\0b" can't be a path, since it has a NUL character"#,
            "the parameters can't be split: the quotation mark ' is never closed",
            "a description has at most 8191 characters, this one has 8192",
        ]
    );
    assert_eq!(wrong(Platform::Windows)[2], r#""/usr/bin/python3" is not a path of Windows"#);
}

#[test]
fn a_program_without_python_and_names() {
    let variables = Variables {
        script: r"C:\site\run.exe".to_owned(),
        parameters: r#"a\ "b c" "d\\""#.to_owned(),
        service_name: "site".to_owned(),
        instance_home: r"C:\site".to_owned(),
        ..Variables::default()
    };
    let text = super::super::script(&variables);
    let definition = read("winservice.py", text.as_bytes()).unwrap().definition(Platform::Windows).unwrap();
    let service = &definition.services[0];
    assert_eq!(service.hosted().unwrap().program.command, [r"C:\site\run.exe", r"a\", "b c", r"d\"]);
    assert_eq!((service.display_name.as_str(), &service.description), ("site", &None));
    let run = service.places.run;
    assert_eq!(&definition.source.text()[run.start..run.end], r"r'C:\site\run.exe'");
}
