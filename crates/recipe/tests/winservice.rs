//! What the recipe makes, run by real Python: the service script in a world of stand-ins (`winservice/standins.py`), debug copies beside their originals.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a failed expectation is how a test fails")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use svckit_recipe::winservice::{Variables, debug_copy, script};
use svckit_testkit::need;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/winservice");

/// The newest minor version of Python 3 that is looked for by name.
const NEWEST: u32 = 20;

/// Every Python that generated scripts are for, one of each version; none: the test is skipped.
fn pythons() -> &'static [PathBuf] {
    static FOUND: LazyLock<Vec<PathBuf>> = LazyLock::new(find_pythons);
    if FOUND.is_empty() {
        need::skip("there is no Python 3.8 or newer in PATH");
    }
    &FOUND
}

fn find_pythons() -> Vec<PathBuf> {
    let names = (8..=NEWEST).map(|minor| format!("python3.{minor}"));
    let mut found = BTreeMap::new();
    for name in std::iter::once("python3".to_owned()).chain(names) {
        let tell = "import sys; print(sys.version_info[0], sys.version_info[1], sys.executable)";
        let Ok(output) = Command::new(&name).args(["-S", "-c", tell]).output() else { continue };
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut words = told.trim_end().splitn(3, ' ');
        let (Some("3"), Some(minor), Some(path)) = (words.next(), words.next(), words.next()) else {
            continue;
        };
        let minor: u32 = minor.parse().unwrap();
        if output.status.success() && minor >= 8 {
            found.entry(minor).or_insert_with(|| PathBuf::from(path));
        }
    }
    found.into_values().collect()
}

/// Texts with everything that has a meaning in Python or on command lines.
fn awkward(folder: &Path) -> Variables {
    let home = folder.join(r#"b\u{fc}ro "\N{x}" \x41 it's"#.replace(r"\u{fc}", "\u{fc}\\u00e9"));
    fs::create_dir(&home).unwrap();
    let file = |name: &str| {
        let path = home.join(name);
        fs::write(&path, "").unwrap();
        path.to_str().unwrap().to_owned()
    };
    Variables {
        pythonservice_exe: home.join(r"nowhere\pythonservice.exe").to_str().unwrap().to_owned(),
        python: file("python \u{1f40d}.exe"),
        script: file("app-script.py"),
        parameters: r#"-C "zope conf" --url='http://x/%20' C:\data\"#.to_owned(),
        service_name: r"it's a shop\name".to_owned(),
        service_display_name: "Bob's \"shop\"\t{} %s @VARIABLES@".to_owned(),
        service_description: "'''\"\"\"two\r\nlines\\".to_owned(),
        instance_home: home.to_str().unwrap().to_owned(),
    }
}

#[test]
fn the_service_script_behaves() {
    let folder = tempfile::tempdir().unwrap();
    let variables = awkward(folder.path());
    let path = folder.path().join("winservice.py");
    fs::write(&path, script(&variables)).unwrap();
    let values: BTreeMap<_, _> = Variables::NAMES.iter().zip(variables.values()).collect();
    for python in pythons() {
        let output = Command::new(python)
            .args(["-W", "error", "-m", "unittest", "test_service"])
            .current_dir(FOLDER)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("SVCKIT_SCRIPT", &path)
            .env("SVCKIT_VARIABLES", serde_json::to_string(&values).unwrap())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}:\n{said}", python.display());
        assert!(!said.contains("Ran 0 tests"), "{}:\n{said}", python.display());
    }
}

/// What a script did when it was run.
#[derive(Debug, PartialEq)]
struct Run {
    status: String,
    output: String,
}

/// A script and the copy of it, run in a folder of their own.
struct Pair {
    folder: tempfile::TempDir,
}

impl Pair {
    fn new(original: &[u8]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("it's-script.py"), original).unwrap();
        let copy = debug_copy(original, "it's-script.py");
        fs::write(folder.path().join("it's-servicedebug.py"), copy).unwrap();
        Self { folder }
    }

    /// Runs one of the two, by a path that differs only in the name.
    fn run(&self, python: &Path, name: &str) -> Run {
        let output = Command::new(python)
            .arg("-S")
            .arg(self.folder.path().join(name))
            .arg("an argument")
            .env("PYTHONPATH", FOLDER)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("PYTHONIOENCODING", "utf-8")
            .env("SVCKIT_EVENTS", self.folder.path().join("events"))
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        Run { status: output.status.to_string(), output: text }
    }

    /// Runs both, which have to do the same; what the copy wrote to the event log is given back.
    fn compare(&self, python: &Path, what: &str) -> String {
        let original = self.run(python, "it's-script.py");
        assert!(!self.folder.path().join("events").exists());
        let copy = self.run(python, "it's-servicedebug.py");
        assert_eq!(copy, original, "{what} with {}", python.display());
        let events = fs::read_to_string(self.folder.path().join("events")).unwrap_or_default();
        let _ = fs::remove_file(self.folder.path().join("events"));
        events
    }
}

/// Scripts that end as they want to.
const GOOD: &[(&str, &[u8])] = &[
    ("nothing", b""),
    ("a name", b"print(__name__, __doc__)\nif __name__ == '__main__':\n    print('main')\n"),
    ("a docstring", b"#!/usr/bin/python\n\n'''What it does.\n\n  Indented.\n'''\nprint(repr(__doc__))\n"),
    ("a future", b"'doc'\nfrom __future__ import annotations\nx: Missing = 1\nprint(x, __doc__)\n"),
    ("several futures", b"from __future__ import (\n    division,\n    print_function)\nfrom __future__ import annotations\nprint(1 / 2)\n"),
    ("strings of many lines", b"x = '''a\n  b\n\tc\n'''\nif x:\n    y = '''\nat the margin\n    '''\nprint(repr(x), repr(y))\n"),
    ("all quotes", b"x = '''a \"\n'''\ny = \"\"\"b '\n\"\"\"\nprint(repr(x), repr(y))\n"),
    ("escapes", b"print('\\\\', '\\'', \"\\\"\", r'\\d\\'', '\\u20ac \\N{EURO SIGN}', 'a\\\nb', b'\\xff')\n"),
    ("UTF-8", "print('b\u{fc}ro \u{1f40d}')\n\u{e9} = 1\nprint(\u{e9})\n".as_bytes()),
    ("UTF-8 by name", "# -*- coding: utf-8 -*-\nprint('\u{20ac}')\n".as_bytes()),
    ("latin-1", b"#!/usr/bin/python\n# -*- coding: latin-1 -*-\nprint('b\xfcro', len('\xfc'))\n"),
    ("cp1252", b"# vim: set fileencoding=cp1252 :\nprint('\x80')\n"),
    ("koi8-r", b"# coding: koi8-r\nprint('\xc1')\n"),
    ("utf-7, which looks like ASCII", b"# coding: utf-7\nprint('+IKw-')\n"),
    ("ASCII that is said to be latin-1", b"# coding: latin-1\nprint('x')\n"),
    ("a byte order mark", b"\xef\xbb\xbfprint('\xe2\x82\xac')\n"),
    ("CRLF", b"x = '''a\r\n  b\r\n'''\r\nif x:\r\n    print(repr(x))\r\n"),
    ("CR", b"x = '''a\r b'''\rprint(repr(x))\r"),
    ("mixed line ends", b"x = '''a\r\n b\n c\r'''\nprint(repr(x))\r\n"),
    ("tabs", b"if 1:\n\tif 1:\n\t\tprint('tab')\n        # eight blanks\nprint('end')\n"),
    ("form feeds", b"x = 1\n\x0cif x:\n\x0c    print('a\x0cb')\n\x0c\n"),
    ("no last line end", b"print('x')"),
    ("a quote at the end", b"import sys; sys.stdout.write('x'); 'x'"),
    ("quotes at the end", b"print('x')\n'''end'''"),
    ("a backslash at the end", b"print('x')\n# \\"),
    ("an exit status", b"import sys\nprint('x')\nsys.exit(3)\n"),
    ("an exit without status", b"import sys\nsys.exit()\n"),
    ("an exit in words", b"import sys\nsys.exit('words')\n"),
    ("an exit of its own", b"class Mine(SystemExit):\n    pass\nraise Mine(7)\n"),
    ("an interrupt", b"raise KeyboardInterrupt\n"),
    ("its surroundings", b"import os, sys, __main__\nprint(os.path.dirname(__file__), sys.argv[1:], sys.path[0])\nprint(__main__.__dict__ is globals(), __package__, __spec__)\n"),
    ("names of ours", b"type = str = globals = open = os = traceback = source = None\nprint('x')\n"),
    ("a class", b"import pickle\nclass A:\n    pass\nprint(pickle.loads(pickle.dumps(A())).__class__ is A, A.__module__)\n"),
    ("a generator", b"n = 3\nprint([n * i for i in range(n)], list(n for _ in range(2)))\ndef f():\n    global n\n    n += 1\nf()\nprint(n)\n"),
    ("what is left at the end", b"import atexit\natexit.register(print, 'at the end')\n"),
];

#[test]
fn a_debug_copy_does_what_the_script_does() {
    for python in pythons() {
        for (what, original) in GOOD {
            let events = Pair::new(original).compare(python, what);
            assert_eq!(events, "", "{what} with {}", python.display());
        }
    }
}

/// Scripts that fail, with what the event log has to say of it.
const BAD: &[(&str, &[u8], &[&str])] = &[
    (
        "an exception",
        b"'''doc'''\nfrom __future__ import annotations\n\ndef f():\n    raise ValueError('b\xc3\xbcro')\n\nprint('x')\nf()\n",
        &["it's-script.py\", line 8, in <module>\n    f()", "line 5, in f", "ValueError: b\u{fc}ro"],
    ),
    ("a latin-1 exception", b"# coding: latin-1\nraise ValueError('\xfc')", &["line 2, in <module>", "ValueError: \u{fc}"]),
    ("an exception's cause", b"try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    raise OSError('x') from e\n", &["line 2", "ZeroDivisionError", "line 4", "OSError: x"]),
    ("names of ours", b"type = str = globals = open = os = traceback = None\nraise OSError('x')\n", &["line 2", "OSError: x"]),
    ("a missing module", b"import there_is.none\n", &["line 1", "ModuleNotFoundError"]),
    ("no Python", b"\ndummy start script\n", &["it's-script.py\", line 2", "SyntaxError: invalid syntax"]),
    ("an open string", b"x = '''a\n", &["line 1", "SyntaxError"]),
    ("bad indentation", b"if 1:\nprint(1)\n", &["line 2", "IndentationError"]),
    ("mixed indentation", b"if 1:\n        x = 1\n\ty = 2\n", &["line 3", "TabError"]),
    ("a backslash at the end", b"x = \\", &["SyntaxError"]),
    ("no UTF-8", b"x = '\xfc'\n", &["SyntaxError", "0xfc"]),
    ("no known encoding", b"# coding: no-such\nx = 1\n", &["SyntaxError", "no-such"]),
    ("two encodings", b"\xef\xbb\xbf# coding: latin-1\nx = 1\n", &["SyntaxError", "BOM"]),
    ("a late future", b"x = 1\nfrom __future__ import annotations\n", &["line 2", "SyntaxError"]),
    ("a return", b"return 1\n", &["line 1", "SyntaxError"]),
];

#[test]
fn a_debug_copy_logs_what_the_script_fails_with() {
    for python in pythons() {
        for (what, original, texts) in BAD {
            let pair = Pair::new(original);
            let events = pair.compare(python, what);
            let copy = pair.folder.path().join("it's-servicedebug.py");
            let beginning = format!("Script {} had an exception: ", copy.display());
            assert!(events.starts_with(&beginning), "{what} with {}: {events}", python.display());
            for text in *texts {
                assert!(events.contains(text), "{what} with {}: {text:?} in {events}", python.display());
            }
            assert!(!events[beginning.len()..].contains("servicedebug"), "{what}: {events}");
        }
    }
}

/// What Python makes of a NUL in a file depends on its version; as text it is a mistake in all of them.
#[test]
fn a_debug_copy_of_a_script_with_a_nul_is_python() {
    for python in pythons() {
        let pair = Pair::new(b"x = 1\0\n");
        let run = pair.run(python, "it's-servicedebug.py");
        let events = fs::read_to_string(pair.folder.path().join("events")).unwrap();
        assert!(run.status.contains('1') && events.contains("null bytes"), "{}: {events}", python.display());
    }
}

#[test]
fn debug_copies_of_any_bytes_hold_them() {
    const CASES: usize = 400;
    let folder = tempfile::tempdir().unwrap();
    let texts = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40),
        any::<String>().prop_map(String::into_bytes),
        r#"(# ?coding[:=] ?(utf-8|latin-1|koi8-r)\n)?('''|"""|['"\\\r\n a#]|\r\n){0,20}"#
            .prop_map(String::into_bytes),
    ];
    let mut runner = TestRunner::deterministic();
    for number in 0..CASES {
        let original = texts.new_tree(&mut runner).unwrap().current();
        fs::write(folder.path().join(format!("{number}.original")), &original).unwrap();
        fs::write(folder.path().join(format!("{number}.copy")), debug_copy(&original, "x.py")).unwrap();
    }
    for python in pythons() {
        let check = Path::new(FOLDER).join("check_copies.py");
        let output = Command::new(python).arg("-S").arg(check).arg(folder.path()).output().unwrap();
        let (said, wrong) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(said.trim(), CASES.to_string(), "{}: {wrong}", python.display());
    }
}

#[test]
fn a_debug_copy_shows_the_script_where_it_can() {
    let original = "#!/usr/bin/python\nimport app\n\nif __name__ == '__main__':\n    app.main(r'C:\\new')\n";
    let copy = String::from_utf8(debug_copy(original.as_bytes(), "app-script.py")).unwrap();
    assert!(copy.contains(original), "{copy}");
    let copy = debug_copy(b"# coding: latin-1\nprint('\xfc')\n", "app-script.py");
    assert!(String::from_utf8(copy).unwrap().contains("b'print(\\'\\xfc\\')\\n'\n"));
}
