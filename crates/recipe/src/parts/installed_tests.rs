use proptest::prelude::*;

use super::*;

const FILE: &str = "/site/.installed.cfg";

fn read(text: &str) -> Result<Installed, Diagnostics> {
    Installed::read(Path::new(FILE), text.as_bytes())
}

fn refused(bytes: &[u8]) -> String {
    let wrong = Installed::read(Path::new(FILE), bytes).unwrap_err().to_string();
    wrong.split(" (mend").next().unwrap().to_owned()
}

/// As zc.buildout 3.4 writes it, with what it appends when parts go.
const OF_ZC_BUILDOUT: &str = "[buildout]\n\
installed_develop_eggs = /site/develop-eggs/demo1.egg-link\n\
\t/site/develop-eggs/demo2.egg-link\n\
parts = script winservice extra\n\
\n\
[script]\n\
__buildout_installed__ = \n\
__buildout_signature__ = zc.recipe.egg-22ff81cb setuptools-1\n\
recipe = zc.recipe.egg\n\
\n\
[winservice]\n\
__buildout_installed__ = /site/bin/winservice.py\n\
\tbin/other.py\n\
__buildout_signature__ = p01.recipe.setup-22ff81cb\n\
Upper.Dot = \u{e9}\n\
lines = %(__buildout_space__)sone\n\
\t%(__buildout_space_n__)stwo\n\
recipe = p01.recipe.setup:winservice\n\
\n\
[extra]\n\
__buildout_installed__ = /site/x\n\
__buildout_signature__ = x\n\
\n\
[buildout]\n\
parts = script winservice\n";

#[test]
fn what_zc_buildout_wrote_is_understood() {
    let installed = read(OF_ZC_BUILDOUT).unwrap();
    let links = ["/site/develop-eggs/demo1.egg-link", "/site/develop-eggs/demo2.egg-link"];
    assert_eq!(installed.develop_links, links.map(PathBuf::from));
    let names: Vec<_> = installed.parts.iter().map(|part| part.name.as_str()).collect();
    assert_eq!(names, ["script", "winservice"]);
    assert!(installed.part("script").unwrap().files.is_empty());
    let part = installed.part("winservice").unwrap();
    assert_eq!(part.files, ["/site/bin/winservice.py", "bin/other.py"].map(PathBuf::from));
    assert_eq!(part.signature, "p01.recipe.setup-22ff81cb");
    let options: Vec<_> = part.options.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(
        options,
        [("Upper.Dot", "\u{e9}"), ("lines", " one\n\ntwo"), ("recipe", "p01.recipe.setup:winservice")]
    );
    assert_eq!(read(&OF_ZC_BUILDOUT.replace('\n', "\r\n")).unwrap(), installed);
}

#[test]
fn it_is_written_as_zc_buildout_reads_it() {
    let text = read(OF_ZC_BUILDOUT).unwrap().to_string();
    assert!(text.starts_with(
        "[buildout]\ninstalled_develop_eggs = /site/develop-eggs/demo1.egg-link\n\t/site/develop-eggs/demo2.egg-link\n\
         parts = script winservice\n\n[script]\n__buildout_installed__ = \n"
    ));
    assert!(text.contains("\nlines = %(__buildout_space__)sone%(__buildout_space_n__)s\n\ttwo\n"), "{text}");
}

#[test]
fn damage_is_told_at_its_place() {
    let is = |bytes: &[u8], end: &str| {
        let message = refused(bytes);
        let expected = format!("the record of installed parts is damaged: {end}");
        assert!(message.ends_with(&expected) && message.starts_with(FILE), "{message}");
        message[FILE.len()..].split(": ").next().unwrap().to_owned()
    };
    assert_eq!(is(b"", "option \"parts\" of [buildout] is missing"), ":1:1");
    assert_eq!(is(b"\n[buildout]\nx = 1\n", "option \"parts\" of [buildout] is missing"), ":2:1");
    assert_eq!(is(b"parts = a\n", "this option is in no section"), ":1:1");
    assert_eq!(is(b"[buildout]\n\tx\n", "this line continues no option"), ":2:1");
    assert_eq!(is(b"[buildout\n", "this is no section's header"), ":1:1");
    let nothing = "this is neither an option nor a section's header";
    assert_eq!(is(b"[buildout]\nparts\n", nothing), ":2:1");
    assert_eq!(is(b"[buildout]\nparts =\n\0\0\0\0", nothing), ":3:1");
    assert_eq!(is(b"[buildout]\nparts = a\xff\n", "this is not UTF-8"), ":2:10");
    assert_eq!(is(b"[buildout]\nparts = a\n", "part \"a\" has no section"), ":2:1");
    assert_eq!(is(b"[buildout]\nparts = buildout\n", "part \"buildout\" has no section"), ":2:1");
    let half = b"[buildout]\nparts = a\n[a]\n__buildout_installed__ = /si";
    assert_eq!(is(half, "option \"__buildout_signature__\" of part \"a\" is missing"), ":3:1");
    assert!(Installed::read(Path::new(FILE), b"x").unwrap_err().to_string().contains("move the file away"));
}

/// What an editor may have made of a file in which somebody mended a line.
#[test]
fn a_byte_order_mark_and_other_line_ends_do_not_count() {
    let edited = format!("\u{feff}{}", OF_ZC_BUILDOUT.replace('\n', "\r\n"));
    assert_eq!(read(&edited), read(OF_ZC_BUILDOUT));
    assert!(refused("\u{feff}parts = a\n".as_bytes()).starts_with("/site/.installed.cfg:1:2: "));
}

fn name() -> impl Strategy<Value = String> {
    "[a-z_<.][a-zA-Z0-9_.<>-]{0,8}".prop_filter("its own", |name| InstalledPart::is_recorded(name))
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), "[ \ta%()_$\n\r#;=\\[\\]-]{0,12}"]
}

fn paths() -> impl Strategy<Value = Vec<PathBuf>> {
    prop::collection::vec(value().prop_filter("empty", |path| !path.is_empty()).prop_map(PathBuf::from), 0..3)
}

fn part() -> impl Strategy<Value = InstalledPart> {
    let options = prop::collection::btree_map(name(), value(), 0..4);
    (name(), options, value(), paths()).prop_map(|(name, options, signature, files)| InstalledPart {
        name,
        options,
        signature,
        files,
    })
}

proptest! {
    #[test]
    fn anything_recorded_comes_back(
        develop_links in paths(),
        unfinished in paths(),
        parts in prop::collection::vec(part(), 0..3),
    ) {
        let mut parts = parts;
        parts.retain(|part| part.name != BUILDOUT);
        parts.sort_by(|one, other| one.name.cmp(&other.name));
        parts.dedup_by(|one, other| one.name == other.name);
        let installed = Installed { develop_links, parts, unfinished };
        prop_assert_eq!(read(&installed.to_string()).unwrap(), installed);
    }

    #[test]
    fn a_changed_record_is_read_or_refused(
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0..4_usize, "[\\[\\]=%()_ a\n\t#]{0,3}|.{0,2}"), 0..6),
    ) {
        let mut bytes = OF_ZC_BUILDOUT.as_bytes().to_vec();
        for (at, length, text) in edits {
            let start = at.index(bytes.len() + 1);
            let end = (start + length).min(bytes.len());
            bytes.splice(start..end, text.bytes());
        }
        if let Ok(installed) = Installed::read(Path::new(FILE), &bytes) {
            prop_assert_eq!(read(&installed.to_string()).unwrap(), installed);
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(installed) = Installed::read(Path::new(FILE), &bytes) {
            prop_assert_eq!(read(&installed.to_string()).unwrap(), installed);
        }
    }
}
