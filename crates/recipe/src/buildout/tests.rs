//! What configurations mean, and what is said about those that mean nothing.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::{Configuration, Document, LineKind, Override, Surroundings};
use crate::diagnostic::{Diagnostic, Diagnostics, Source};
use crate::platform::Platform;

const FOLDER: &str = "/srv/site";

/// Files by their names in the folder; the first one is read.
fn read_with(files: &[(&str, &str)], overrides: &[&str]) -> Result<Configuration, Diagnostics> {
    let texts: BTreeMap<PathBuf, &str> =
        files.iter().map(|(name, text)| (Path::new(FOLDER).join(name), *text)).collect();
    let overrides: Vec<Override> = overrides.iter().map(|given| given.parse().unwrap()).collect();
    let surroundings = Surroundings::new(FOLDER, Platform::Unix);
    Configuration::read(Path::new(files[0].0), &overrides, &surroundings, &|path: &Path| {
        texts.get(path).map(|text| text.as_bytes().to_vec()).ok_or_else(|| ErrorKind::NotFound.into())
    })
}

fn read(text: &str) -> Configuration {
    read_with(&[("buildout.cfg", text)], &[]).unwrap_or_else(|wrong| panic!("{wrong}"))
}

#[track_caller]
fn has(configuration: &Configuration, option: &str, expected: &str) {
    let (section, option) = option.split_once(':').unwrap();
    match configuration.value(section, option) {
        Ok(value) => assert_eq!(value.as_deref(), Some(expected), "{section}:{option}"),
        Err(wrong) => panic!("{section}:{option}: {wrong}"),
    }
}

/// The same for a path, which is written as the system does that the test runs on.
#[track_caller]
fn has_path(configuration: &Configuration, option: &str, expected: &str) {
    let (section, name) = option.split_once(':').unwrap();
    let value = configuration.value(section, name).unwrap().unwrap();
    assert_eq!(value.replace('\\', "/"), expected, "{option}");
}

#[test]
fn directories_are_below_the_files_folder() {
    let configuration =
        read("[buildout]\nparts =\nbin-directory = scripts\n[a]\nx = ${buildout:bin-directory}/run");
    has_path(&configuration, "buildout:directory", "/srv/site");
    has_path(&configuration, "buildout:bin-directory", "/srv/site/scripts");
    has_path(&configuration, "buildout:installed", "/srv/site/.installed.cfg");
    has_path(&configuration, "buildout:eggs-directory", "/srv/site/eggs/v5");
    has_path(&configuration, "a:x", "/srv/site/scripts/run");
    assert_eq!(configuration.parts_directory(), Path::new("/srv/site/parts"));
    assert_eq!(configuration.parts().unwrap(), Vec::<String>::new());
}

#[test]
fn substitution() {
    let configuration =
        read("[buildout]\nparts = b\n[a]\nx = 1\n[b]\nrecipe = r\ny = ${a:x}${:z} $${a:x}\nz = 2\n");
    has(&configuration, "b:y", "12 $${a:x}");
    assert_eq!(configuration.parts().unwrap(), ["b"]);
    assert_eq!(configuration.value("b", "nothing"), Ok(None));
}

/// What is said of files, the first of which is read, without the folder.
fn wrong_with(files: &[(&str, &str)], overrides: &[&str]) -> String {
    let told = match read_with(files, overrides) {
        Err(wrong) => wrong.to_string(),
        Ok(configuration) => everything(&configuration).expect_err("something is wrong").to_string(),
    };
    told.replace('\\', "/").replace("/srv/site/", "")
}

/// Every part, section and value.
fn everything(configuration: &Configuration) -> Result<(), Diagnostic> {
    configuration.parts()?;
    configuration.sections().try_for_each(|section| configuration.check(section))
}

#[track_caller]
fn refuses(text: &str, expected: &str) {
    let text = format!("[buildout]\nparts =\n{text}");
    assert_eq!(wrong_with(&[("buildout.cfg", &text)], &[]), expected, "for:\n{text}");
}

#[test]
fn lines_that_are_none() {
    let wrong = |text| wrong_with(&[("buildout.cfg", text)], &[]);
    assert_eq!(
        wrong("\nx = 1\n"),
        "buildout.cfg:2:1: this line is in no section (begin with a section such as [buildout], in the first column)"
    );
    assert_eq!(
        wrong("[a]\nx: 1\n  y\nnothing\n[b c]\n[d\n[]\n= 1\n"),
        "buildout.cfg:2:1: this is neither a section nor an option (write name = value; a colon is not an operator here)
buildout.cfg:3:3: this is neither a section nor an option \
(an indented line goes on with the value of an option, and there is none above it)
buildout.cfg:4:1: this is neither a section nor an option \
(write name = value, or indent the line if it belongs to the value above)
buildout.cfg:5:4: this can't stand in the name of a section \
(a section is [name] or [name: condition], and its name has no white space, brackets or braces)
buildout.cfg:6:1: this section doesn't end with a bracket (write [name] or [name: condition]; only a comment can follow)
buildout.cfg:7:1: this section has no name (write [name])
buildout.cfg:8:1: this option has no name (write name = value)"
    );
}

#[test]
fn bytes_that_are_no_text() {
    let surroundings = Surroundings::new(FOLDER, Platform::Unix);
    let wrong = |bytes: &'static [u8]| {
        let files = move |_: &Path| Ok(bytes.to_vec());
        Configuration::read(Path::new("x.cfg"), &[], &surroundings, &files).unwrap_err().to_string()
    };
    assert!(wrong(b"[a]\nx = \xe4\n").ends_with("x.cfg:2:5: this is not UTF-8 (save the file as UTF-8)"));
    assert!(wrong(b"\xff\xfe[\0").ends_with("x.cfg:1:1: this is not UTF-8 (save the file as UTF-8)"));
}

#[test]
fn what_was_meant_is_suggested() {
    refuses(
        "[app]\nname = x\n[web]\ny = 1\n  ${app:nmae}\n",
        "buildout.cfg:7:3: section [app] has no option \"nmae\"; the way there is web:y -> app:nmae \
         (did you mean ${app:name}?)",
    );
    refuses(
        "[settings]\nname = x\n[web]\ny = ${setings:name}\n",
        "buildout.cfg:6:5: ${setings:name} is in no section: there is no [setings]; the way there is \
         web:y -> setings:name (did you mean \"settings\"?)",
    );
    refuses(
        "[settings]\nname = x\n[web]\n<= setings\n",
        "buildout.cfg:6:4: section [web] takes over [setings], which doesn't exist (did you mean \"settings\"?)",
    );
    refuses(
        "[z: lnux]\n",
        "buildout.cfg:3:4: unknown name \"lnux\" in a condition (did you mean \"linux\"?)",
    );
}

#[test]
fn the_way_to_what_is_wrong() {
    refuses(
        "[a]\nx = ${b:y}\n[b]\ny = -${c:z}-\n[c]\nz = ${:nothing}\n",
        "buildout.cfg:8:5: section [c] has no option \"nothing\"; the way there is a:x -> b:y -> c:z -> c:nothing",
    );
    refuses(
        "[a]\nx = ${b:y}\n[b]\ny = ${a:x}\n",
        "buildout.cfg:4:5: ${b:y} is made from itself; the way there is a:x -> b:y -> a:x -> b:y",
    );
    refuses(
        "[a]\n=> b\n[b]\ny = ${d:x}\n",
        "buildout.cfg:6:5: ${d:x} is in no section: there is no [d]; the way there is \
         a:<part-dependencies> -> b:y -> d:x",
    );
}

#[test]
fn references_that_are_none() {
    let help = "(write ${section:option}, or $${ for these two characters themselves)";
    refuses("[a]\nx = ${b}\n", &format!("buildout.cfg:4:5: ${{b}} has no colon {help}"));
    refuses("[a]\nx = ${b:c:d}\n", &format!("buildout.cfg:4:5: ${{b:c:d}} has more than one colon {help}"));
    refuses("[a]\nx = ${b:}\n", &format!("buildout.cfg:4:5: ${{b:}} names no option {help}"));
    refuses(
        "[a]\nx = ${b/c:d}\n",
        &format!("buildout.cfg:4:5: ${{b/c:d}} names a section with characters that can't be in one {help}"),
    );
    refuses(
        "[a]\nx = ${b:c/d}\n",
        &format!("buildout.cfg:4:5: ${{b:c/d}} names an option with characters that can't be in one {help}"),
    );
}

#[test]
fn files_that_are_extended_and_are_not_there() {
    let wrong = |extends: &str| {
        let first = format!("[buildout]\nparts =\nextends = base.cfg\n  {extends}\n");
        wrong_with(&[("buildout.cfg", &first), ("base.cfg", "[a]\n")], &[])
    };
    let missing = wrong("missing.cfg");
    assert!(
        missing.starts_with("buildout.cfg:4:3: cannot read missing.cfg, which is to be extended: "),
        "{missing}"
    );
    assert_eq!(
        wrong("./x/../buildout.cfg"),
        "buildout.cfg:4:3: the file extends itself: buildout.cfg -> buildout.cfg"
    );
    assert_eq!(
        wrong("https://example.org/base.cfg"),
        "buildout.cfg:4:3: cannot extend \"https://example.org/base.cfg\": it is a URL, and nothing is fetched from \
         the network (save the file and name its path)"
    );
    assert_eq!(
        wrong("${a:x}.cfg"),
        "buildout.cfg:4:3: cannot extend \"${a:x}.cfg\": it holds a substitution, which is not made in the name of a \
         file (write the path out)"
    );
}

#[test]
fn circles_of_files_and_macros() {
    let files = [
        ("buildout.cfg", "[buildout]\nextends = 1.cfg\n"),
        ("1.cfg", "[a]\n[buildout]\nextends =\n  2.cfg\n"),
        ("2.cfg", "[buildout]\nextends = 1.cfg\n"),
    ];
    assert_eq!(wrong_with(&files, &[]), "2.cfg:2:11: the file extends itself: 1.cfg -> 2.cfg -> 1.cfg");
    refuses(
        "[a]\n<= b\n[b]\nx = 1\n<= c\n[c]\n<= b\n",
        "buildout.cfg:9:4: section [b] takes over itself: b -> c -> b",
    );
}

#[test]
fn a_file_that_is_not_there() {
    let surroundings = Surroundings::new(FOLDER, Platform::Unix);
    let files = |_: &Path| Err(ErrorKind::PermissionDenied.into());
    let wrong = Configuration::read(Path::new("buildout.cfg"), &[], &surroundings, &files).unwrap_err();
    let wrong = wrong.to_string().replace('\\', "/");
    assert!(
        wrong.starts_with("/srv/site/buildout.cfg: cannot read the configuration: permission denied"),
        "{wrong}"
    );
}

#[test]
fn parts_that_are_none() {
    let wrong = |text| wrong_with(&[("buildout.cfg", text)], &[]);
    assert_eq!(
        wrong("[buildout]\nparts =\n  app\n  wep\n[app]\nrecipe = r\n[web]\nrecipe = r\n"),
        "buildout.cfg:4:3: there is no section for the part \"wep\" (did you mean \"web\"?)"
    );
    assert_eq!(
        wrong("[buildout]\nparts = app\n[app]\nx = 1\n"),
        "buildout.cfg:3:2: the part \"app\" has no recipe (write recipe = PACKAGE:NAME)"
    );
    assert_eq!(
        wrong("[buildout]\nx = 1\n"),
        "buildout.cfg:1:2: section [buildout] has no option \"parts\" (write parts = NAME …, or parts = where there is none)"
    );
}

#[test]
fn the_command_line_has_no_place() {
    let files = [("buildout.cfg", "[buildout]\nparts =\n[a]\nx = 1\n")];
    assert_eq!(
        wrong_with(&files, &["a:y=${a:z}"]),
        "command line: section [a] has no option \"z\"; the way there is a:y -> a:z"
    );
    let configuration = read_with(&files, &["a:x=2", "a:x=1", "a:y+=3", "a:y+=4", "b:z=5"]).unwrap();
    has(&configuration, "a:x", "1");
    has(&configuration, "a:y", "\n3\n4");
    has(&configuration, "b:z", "5");
    assert_eq!(configuration.diagnostic("a", "x", "no", None).to_string(), "command line: no");
}

#[test]
fn an_option_is_shown_at_its_value() {
    let files = [
        ("buildout.cfg", "[buildout]\nextends = base.cfg\nparts =\n[a]\ny =\n\n    1\n  2\n[b]\n<= a\nz =\n"),
        ("base.cfg", "[a]\nx = 1\n"),
    ];
    let configuration = read_with(&files, &[]).unwrap();
    let place = |section, option| {
        let told = configuration.diagnostic(section, option, "no", None).to_string();
        told.replace('\\', "/").replace("/srv/site/", "")
    };
    assert_eq!(place("a", "x"), "base.cfg:2:5: no");
    assert_eq!(place("a", "y"), "buildout.cfg:7:5: no");
    assert_eq!(place("b", "y"), "buildout.cfg:7:5: no");
    assert_eq!(place("b", "z"), "buildout.cfg:11:1: no");
    assert_eq!(place("b", "missing"), "buildout.cfg:9:2: no");
    has(&configuration, "a:y", "  1\n2");
}

#[test]
fn python_is_found_or_asked_for() {
    let text = "[buildout]\nparts =\n[a]\nx = ${buildout:executable}\n";
    refuses(
        "[a]\nx = ${buildout:executable}\n",
        "buildout.cfg:4:5: section [buildout] has no option \"executable\"; the way there is \
         a:x -> buildout:executable (no Python was found; write executable = PATH in [buildout])",
    );
    let python = Some("/usr/bin/python3".into());
    let surroundings = Surroundings { python, ..Surroundings::new(FOLDER, Platform::Unix) };
    let files = |_: &Path| Ok(text.as_bytes().to_vec());
    let configuration = Configuration::read(Path::new("x.cfg"), &[], &surroundings, &files).unwrap();
    has(&configuration, "a:x", "/usr/bin/python3");
}

/// Nobody has to know Python's version to use what doesn't depend on it.
#[test]
fn what_is_not_known_matters_where_it_is_used() {
    let text = "[buildout]\nparts = a\n[a]\nrecipe = r\n[b]\nx = 1\n[b:python27]\nx = 2\n[c]\ny = ${b:x}\n";
    let configuration = read(text);
    assert_eq!(configuration.parts().unwrap(), ["a"]);
    let told = "/srv/site/buildout.cfg:7:4: whether this section applies depends on python27, which is not known \
                (write the section without the condition, or leave it out)";
    let wrong = configuration.value("b", "x").unwrap_err().to_string().replace('\\', "/");
    assert_eq!(wrong, told);
    assert_eq!(configuration.value("c", "y").unwrap_err().to_string().replace('\\', "/"), told);
    refuses(
        "[buildout: python_version < '3']\nx = 1\n",
        "buildout.cfg:3:11: whether this section applies depends on python_version, which is not known \
         (write the section without the condition, or leave it out)",
    );
}

#[test]
fn what_grows_without_end() {
    let doubled = (1..60).map(|n| format!("x{n} = ${{:x{0}}}${{:x{0}}}\n", n - 1)).collect::<String>();
    let told =
        wrong_with(&[("buildout.cfg", &format!("[buildout]\nparts =\n[a]\nx0 = 12345678\n{doubled}"))], &[]);
    assert!(told.contains(": the value grows larger than 256 KiB here"), "{told}");
    // Nothing doubled is nothing, and soon done.
    let configuration = read(&format!("[buildout]\nparts =\n[a]\nx0 =\n{doubled}"));
    has(&configuration, "a:x59", "");
    let chain = (1..1000).map(|n| format!("x{n} = ${{:x{}}}\n", n - 1)).collect::<String>();
    let configuration = read(&format!("[buildout]\nparts =\n[a]\nx0 = 1\n{chain}"));
    has(&configuration, "a:x99", "1");
    let wrong = configuration.value("a", "x999").unwrap_err().to_string();
    assert!(wrong.ends_with("more than 100 options refer to each other in a row"), "{wrong}");
    let macros = (1..200).map(|n| format!("[m{n}]\n<= m{0}\n  m{0}\n", n - 1)).collect::<String>();
    let configuration = read(&format!("[buildout]\nparts =\n[m0]\nx = 1\n{macros}"));
    has(&configuration, "m40:x", "1");
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "(\\[a\\]\n|\\[[a-c:= ]{0,4}\\]|[a-c<=>+ -]{0,5}=|\\$\\{[a-c]?:[a-c]\\}|\\$|[\\PC\r\t]|\n|  ){0,30}") {
        let configuration = read_with(&[("buildout.cfg", &text)], &["a:b=${a:c}"]);
        if let Ok(configuration) = configuration {
            let _ = everything(&configuration);
        }
    }

    #[test]
    fn a_document_is_its_lines(text in "(\u{feff})?(\\[a\\]|[a-c] ?[+-]?= ?[a-c]?|# x|=> b|  x|[ \t]|\r\n|\n|\r){0,30}") {
        let source = Source::new("x.cfg", text.as_str());
        if let Ok(document) = Document::parse(source) {
            prop_assert_eq!(document.to_string(), text);
        }
    }
}

/// Every way to write lines, among which none is refused.
#[test]
fn nothing_is_lost() {
    let text = "\u{feff}# x\r\n\r\n[ a : linux ] ; y\n\rx=1\n  2 \n;z\n \n\n=> b\ny -=\t3";
    let document = Document::parse(Source::new("x.cfg", text)).unwrap();
    assert_eq!(document.to_string(), text);
    let kinds: Vec<_> = document
        .lines()
        .iter()
        .map(|line| match line.kind {
            LineKind::Blank => "blank".to_owned(),
            LineKind::Comment => "comment".to_owned(),
            LineKind::Section { name, condition } => {
                format!("[{}:{}]", document.text(name), condition.map_or("", |span| document.text(span)))
            }
            LineKind::Option { name, operator, value } => {
                format!("{} {operator:?} {}", document.text(name), document.text(value))
            }
            LineKind::Dependencies { value } => format!("=> {}", document.text(value)),
            LineKind::More { text } => format!("more {:?}", document.text(text)),
        })
        .collect();
    let expected = [
        "comment",
        "blank",
        "[a: linux ]",
        "blank",
        "x Set 1",
        "more \"  2 \"",
        "comment",
        "more \" \"",
        "more \"\"",
        "=> b",
        "y Remove 3",
    ];
    assert_eq!(kinds, expected);
}

#[test]
fn an_eggs_directory_of_itself() {
    refuses(
        "[buildout]\neggs-directory-version = ${:eggs-directory}\n",
        "buildout.cfg:4:26: ${:eggs-directory} is made from itself; the way there is buildout:eggs-directory -> \
         buildout:eggs-directory-version -> buildout:eggs-directory",
    );
}
