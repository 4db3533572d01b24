//! Configurations.

/// A configuration; the first file is read.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) files: Vec<(&'static str, &'static str)>,
    pub(crate) overrides: Vec<&'static str>,
}

/// One file, which need not say anything of `[buildout]`.
fn one(name: &'static str, text: &'static str) -> Case {
    several(name, &[("buildout.cfg", text)])
}

fn several(name: &'static str, files: &[(&'static str, &'static str)]) -> Case {
    Case { name, files: files.to_vec(), overrides: vec!["buildout:parts+="] }
}

/// With options of the command line.
fn given(name: &'static str, overrides: &[&'static str], files: &[(&'static str, &'static str)]) -> Case {
    Case { overrides: overrides.to_vec(), ..several(name, files) }
}

/// Those that mean the same to both.
pub(crate) fn same() -> Vec<Case> {
    [
        values(),
        comments(),
        operators(),
        extends(),
        macros(),
        conditions(),
        substitution(),
        buildout(),
        overrides(),
        refused(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn values() -> Vec<Case> {
    vec![
        one("no section", ""),
        one("an empty section", "[a]\n"),
        one("simple options", "[a]\nx = 1\ny=2\nz =3\n"),
        one("white space around", "[a]\nx   =    1  \t \ny\t=\t2\n"),
        one("white space within", "[a]\nx = 1  2\t3\n"),
        one("an empty value", "[a]\nx =\ny = \n"),
        one("names of all kinds", "[a-b.c_d]\nx.y-z_1 = 1\nUPPER = 2\n/path/x = 3\n"),
        one("values with signs", "[a]\nx = a=b:c;d#e[f]{g}<h>'i'\"j\"\\k\n"),
        one("the last line has no end", "[a]\nx = 1"),
        one("lines of an option", "[a]\nx = 1\n  2\n    3\n\t4\n"),
        one("a block", "[a]\nx =\n  1\n  2\n"),
        one("a block with depths", "[a]\nx =\n    1\n      2\n    3\n"),
        one("a block whose first line is the deepest", "[a]\nx =\n      1\n  2\n    3\n"),
        one("a block with empty lines", "[a]\nx =\n\n  1\n\n\n  2\n\n\ny = 3\n"),
        one("lines of an option with empty ones", "[a]\nx = 1\n\n  2\n\n  3\n\ny = 4\n"),
        one("a block of tabs", "[a]\nx =\n\t1\n\t\t2\n"),
        one("a block of tabs and spaces", "[a]\nx =\n  \t1\n  2\n"),
        one("a block with nothing in common", "[a]\nx =\n\t1\n  2\n"),
        one("white space at the ends of lines", "[a]\nx =\n  1  \n  2\t\ny = 3  \n  4  \n"),
        one("indented things that look like more", "[a]\nx =\n  y = 1\n  [b]\n  # c\n  ; d\ny = 5\n"),
        one("a line of white space in a block", "[a]\nx =\n  1\n     \n  2\n"),
        one("a block of nothing", "[a]\nx =\n   \n\n  \ny = 1\n"),
        one("a section twice", "[a]\nx = 1\ny = 2\n[b]\n[a]\ny = 3\nz = 4\n"),
        one("an option twice", "[a]\nx = 1\nx = 2\n  3\n"),
        one("carriage returns", "[a]\r\nx = 1\r\n  2\r\ny =\r\n\r\n  3\r\n    4\r\n"),
        one("carriage returns alone", "[a]\rx = 1\r  2\ry = 3\r"),
        one("other spaces", "[a]\nx =\u{a0}1\u{a0}\n\u{a0}2\ny = \u{2003}3\u{3000}\n"),
        one("control characters", "[a]\nx = 1\u{1c}\n\u{1f}2\ny = \u{0}\u{1}\u{7f}\nz =\u{b}4\u{c}\n"),
        one("separators that end no line", "[a]\nx = 1\u{85}2\u{2028}3\u{2029}4\u{b}5\n"),
        one(
            "letters of all kinds",
            "[\u{e4}\u{f6}]\n\u{fc}ber = na\u{ef}ve \u{65e5}\u{672c} \u{1f600} e\u{301}\n",
        ),
        one("brackets and spaces in a header", "[ a ]\nx = 1\n[\tb\t]  \ny = 2\n"),
        one("lines before the first section", "\n   \n# x\n[a]\nx = 1\n"),
        one("an empty line after a header", "[a]\n\n   \nx = 1\n"),
    ]
}

fn comments() -> Vec<Case> {
    vec![
        one("comments", "# a\n; b\n[a]\n# c\nx = 1\n; d\ny = 2\n#\n"),
        one("comments amid a value", "[a]\nx = 1\n# c\n  2\n; d\n  3\n"),
        one("comments amid a block", "[a]\nx =\n  1\n# c\n  2\n\n#d\n\n  3\n"),
        one("comments behind a header", "[a] # b\nx = 1\n[b] ; c ] [\ny = 2\n[c]# d\n[d];e\n"),
        one("comments behind a value are none", "[a]\nx = 1 # b\ny = 2 ; c\n"),
        one("a comment before a block", "[a]\nx =\n# c\n  1\n"),
    ]
}

fn operators() -> Vec<Case> {
    const BASE: (&str, &str) =
        ("base.cfg", "[buildout]\nparts =\n[a]\nx = 1\n  2\n  3\ny =\nz =\n  1\n  2\n");
    let over = |name, text| several(name, &[("buildout.cfg", text), BASE]);
    vec![
        over("adding", "[buildout]\nextends = base.cfg\n[a]\nx += 4\n"),
        over("adding lines", "[buildout]\nextends = base.cfg\n[a]\nx +=\n  4\n  5\nz += 3\n  4\n"),
        over("adding to an empty value", "[buildout]\nextends = base.cfg\n[a]\ny += 1\n"),
        over("adding to what is not there", "[buildout]\nextends = base.cfg\n[a]\nw += 1\n"),
        over("adding nothing", "[buildout]\nextends = base.cfg\n[a]\nx +=\n"),
        over("removing", "[buildout]\nextends = base.cfg\n[a]\nx -= 2\n"),
        over("removing lines", "[buildout]\nextends = base.cfg\n[a]\nx -=\n  1\n  3\n  5\n"),
        over("removing everything", "[buildout]\nextends = base.cfg\n[a]\nx -= 1\n  2\n  3\n"),
        over("removing from what is not there", "[buildout]\nextends = base.cfg\n[a]\nw -= 1\n[b]\nx -= 1\n"),
        over("removing a part of a line", "[buildout]\nextends = base.cfg\n[a]\nx -= 1 2\n"),
        over("adding and removing", "[buildout]\nextends = base.cfg\n[a]\nx -= 1\nx += 4\n  1\n"),
        over("adding in a new section", "[buildout]\nextends = base.cfg\n[b]\nx += 1\ny +=\n  1\n  2\n"),
        over("operators without spaces", "[buildout]\nextends = base.cfg\n[a]\nx+=4\nz-=1\n"),
        over("operators with many spaces", "[buildout]\nextends = base.cfg\n[a]\nx   +=   4\nz  -=\t1\n"),
        over("setting over", "[buildout]\nextends = base.cfg\n[a]\nx = 9\nw = 8\n"),
        over("setting after adding", "[buildout]\nextends = base.cfg\n[a]\nx += 9\nx = 8\n"),
        one("adding in one file", "[a]\nx = 1\nx += 2\n"),
        one("adding twice in one file", "[a]\nx = 1\nx += 2\nx += 3\n  4\n"),
        one("adding before setting", "[a]\nx += 1\nx = 2\n"),
        one("adding blocks twice in one file", "[a]\nx +=\n  1\n  2\nx +=\n  3\n  4\n"),
        one("adding a block and a line", "[a]\nx +=\n  1\n  2\nx += 3\n"),
        one("adding a line and a block", "[a]\nx += 1\nx +=\n    2\n    3\n\ny = 4\n"),
        one("adding nothing and then something", "[a]\nx = 0\nx +=\nx += 1\n"),
        one("removing in one file", "[a]\nx = 1\n  2\nx -= 1\n"),
        one("removing without a value", "[a]\nx -= 1\n"),
        one("adding and removing in one file", "[a]\nx -= 2\nx += 2\n  3\nx = 1\nx += 2\n  3\nx -= 1\n"),
        one("adding in a section that is gone on with", "[a]\nx = 1\n[b]\n[a]\nx += 2\n"),
    ]
}

fn extends() -> Vec<Case> {
    vec![
        several(
            "one file",
            &[("buildout.cfg", "[buildout]\nextends = base.cfg\n"), ("base.cfg", "[a]\nx = 1\n")],
        ),
        several(
            "several files, the last one first",
            &[
                ("buildout.cfg", "[buildout]\nextends = 1.cfg\n  2.cfg 3.cfg\n[a]\nw = 0\n"),
                ("1.cfg", "[a]\nw = 1\nx = 1\ny = 1\nz = 1\n"),
                ("2.cfg", "[a]\nx = 2\ny = 2\n"),
                ("3.cfg", "[a]\ny = 3\n"),
            ],
        ),
        several(
            "in a chain",
            &[
                ("buildout.cfg", "[buildout]\nextends = 1.cfg\n[a]\nx += 0\n"),
                ("1.cfg", "[buildout]\nextends = 2.cfg\n[a]\nx += 1\ny = 1\n"),
                ("2.cfg", "[a]\nx = 2\ny = 2\nz = 2\n"),
            ],
        ),
        several(
            "relative to the file that says it",
            &[
                ("buildout.cfg", "[buildout]\nextends = one/base.cfg\n"),
                ("one/base.cfg", "[buildout]\nextends = two/base.cfg ./near.cfg\n[a]\nx = 1\n"),
                ("one/near.cfg", "[a]\ny = 1\n"),
                ("one/two/base.cfg", "[a]\nz = 1\n"),
            ],
        ),
        several(
            "the same file twice",
            &[
                ("buildout.cfg", "[buildout]\nextends = 1.cfg 2.cfg\n"),
                ("1.cfg", "[buildout]\nextends = base.cfg\n[a]\nx += 1\n"),
                ("2.cfg", "[buildout]\nextends = base.cfg\n[a]\nx += 2\n"),
                ("base.cfg", "[a]\nx = 0\n"),
            ],
        ),
        several(
            "adding over siblings",
            &[
                ("buildout.cfg", "[buildout]\nextends = 1.cfg 2.cfg\n[a]\nx += 0\n"),
                ("1.cfg", "[a]\nx += 1\n"),
                ("2.cfg", "[a]\nx += 2\nx -= 1\n"),
            ],
        ),
        several("no file", &[("buildout.cfg", "[buildout]\nextends =\n[a]\nx = 1\n")]),
        several(
            "files that may be missing",
            &[
                (
                    "buildout.cfg",
                    "[buildout]\nextends = 1.cfg\noptional-extends = 2.cfg missing.cfg\n[a]\nx = 0\n",
                ),
                ("1.cfg", "[a]\ny = 1\nz = 1\n"),
                ("2.cfg", "[a]\nx = 2\ny = 2\n"),
            ],
        ),
        several(
            "parts of several files",
            &[
                ("buildout.cfg", "[buildout]\nextends = 1.cfg\nparts += b\n[b]\nrecipe = r\n"),
                ("1.cfg", "[buildout]\nparts = a\n[a]\nrecipe = r\n"),
            ],
        ),
        several(
            "defaults are not added to",
            &[("buildout.cfg", "[buildout]\nfind-links += x\nallow-hosts += y\n")],
        ),
        several(
            "what a file far away refers to",
            &[
                ("buildout.cfg", "[buildout]\nextends = base.cfg\n[settings]\nport = 8080\n"),
                ("base.cfg", "[settings]\nport = 80\n[a]\nx = ${settings:port}\n"),
            ],
        ),
    ]
}

fn macros() -> Vec<Case> {
    vec![
        one("a macro", "[m]\nx = 1\ny = 2\n[a]\n<= m\ny = 3\nz = 4\n"),
        one("a macro with spaces", "[m]\nx = 1\n[a]\n<   =   m\n[b]\n<=m\n"),
        one("several macros", "[m]\nx = 1\ny = 1\n[n]\ny = 2\nz = 2\n[a]\n<= m\n   n\n"),
        one("a block of macros", "[m]\nx = 1\n[n]\ny = 2\n[a]\n<=\n  m\n\n  n\nz = 3\n"),
        one("a macro of a macro", "[m]\nx = 1\n[n]\n<= m\ny = 2\n[a]\n<= n\nz = 3\n"),
        one("a macro used twice", "[m]\nx = 1\ny = ${:x}\n[a]\n<= m\n[b]\n<= m\nx = 2\n"),
        one("a macro that stands below", "[a]\n<= m\n[m]\nx = 1\n"),
        one("adding to a macro", "[m]\nx = 1\n[a]\n<= m\nx += 2\n"),
        one("removing from a macro", "[m]\nx = 1\n  2\n[a]\n<= m\nx -= 1\n"),
        one("adding to what the macro has not", "[m]\n[a]\n<= m\nx += 2\ny -= 1\n"),
        one("adding to a macro of a macro", "[m]\nx = 1\n[n]\n<= m\nx += 2\n[a]\n<= n\nx += 3\n"),
        one("setting and adding over a macro", "[m]\nx = 1\n[a]\n<= m\nx = 2\nx += 3\n"),
        one("the name of the section", "[m]\nx = ${:_buildout_section_name_}\n[a]\n<= m\n[b]\n<= m\n"),
        one("the name of another section", "[a]\nx = 1\n[b]\ny = ${a:_buildout_section_name_}\n"),
        one("a name of its own", "[a]\n_buildout_section_name_ = x\ny = ${:_buildout_section_name_}\n"),
        one("a macro over [buildout]", "[a]\n<= buildout\nx = 1\n"),
        one("a macro in [buildout]", "[buildout]\n<= a\n[a]\nx = 1\n"),
        several(
            "a macro of another file",
            &[
                ("buildout.cfg", "[buildout]\nextends = base.cfg\n[m]\ny = 3\n[a]\nz += 1\n"),
                ("base.cfg", "[m]\nx = 1\ny = 2\nz = 0\n[a]\n<= m\nx += 4\n"),
            ],
        ),
        several(
            "a macro over a section of another file",
            &[
                ("buildout.cfg", "[buildout]\nextends = base.cfg\n[a]\n<= m\nx += 2\n"),
                ("base.cfg", "[m]\nx = 1\ny = 1\n[a]\nx = 9\n"),
            ],
        ),
        one("a part with a macro", "[buildout]\nparts = a\n[m]\nrecipe = r\n[a]\n<= m\nx = 1\n"),
        one(
            "parts needed with =>",
            "[buildout]\nparts = a\n[b]\nrecipe = r\n[c]\nx = 1\n[a]\n=> b c\nrecipe = r\n",
        ),
        one(
            "parts needed over lines",
            "[buildout]\nparts = a\n[b]\nrecipe = r\n[c]\nrecipe = r\n[a]\n=>\n  c\n  b\nrecipe = r\n",
        ),
    ]
}

fn conditions() -> Vec<Case> {
    vec![
        one("true and false", "[a]\nx = 0\n[a:True]\nx = 1\n[a:False]\nx = 2\ny = 3\n  4\n[b]\nz = 5\n"),
        one(
            "systems",
            "[z]\n[a:linux]\nx = 1\n[b:windows]\nx = 1\n[c:macosx]\nx = 1\n[d:posix]\nx = 1\n[e:cygwin or solaris]\nx = 1\n",
        ),
        one("not", "[z]\n[a:not windows]\nx = 1\n[b:not not linux]\nx = 1\n[c: not linux]\n"),
        one(
            "and and or",
            "[z]\n[a: linux and windows]\n[b:linux or windows]\n[c:windows and linux or linux]\n[d:linux or linux and windows]\n",
        ),
        one("parentheses", "[z]\n[a: (linux or windows) and not (windows)]\nx = 1\n"),
        one(
            "markers",
            "[z]\n[a: sys_platform == 'linux']\nx = 1\n[b: sys_platform == \"win32\"]\nx = 1\n[c: os_name == 'posix' and platform_system == 'Linux']\n",
        ),
        one(
            "a text in another",
            "[z]\n[a: 'lin' in sys_platform]\n[b: 'win' in sys_platform]\n[c: 'win' not in sys_platform]\n",
        ),
        one(
            "expressions of Python",
            "[z]\n[a: sys.platform == 'linux']\nx = 1\n[b: sys.platform.startswith('win')]\nx = 1\n[c:sys.platform.startswith('li')]\n",
        ),
        one(
            "versions of Python",
            "[z]\n[a: python_version >= '3']\n[b: python_version < '3.0']\n[c: python_version > '3.9']\n[d: python_version == '2.*']\n[e: python_version != '3.*']\n",
        ),
        one(
            "names of versions",
            "[z]\n[a:python3]\nx = 1\n[b:python2]\nx = 1\n[c:python27]\nx = 1\n[d: python2 or python3]\n",
        ),
        one("words", "[z]\n[a:bits64 or bits32]\n[b:little_endian or big_endian]\n[c: bits64 and bits32]\n"),
        one(
            "a condition with a comment",
            "[z]\n[a:linux] # x\nx = 1\n[b:windows] ; y\nx = 1\n[c : linux ]\n",
        ),
        one(
            "signs of comments in a condition",
            "[z]\n[a: 'a\\x23b' == 'a\\x23b' and linux]\n[b: sys_platform == '\\x3b']\n[c: 'a\\x3bb' != 'ab' and linux]\n",
        ),
        one(
            "a section that goes on with conditions",
            "[a]\nx = 1\n[a:linux]\nx += 2\n[a:windows]\nx += 3\n[a:linux]\nx += 4\n",
        ),
        one("a colon and nothing", "[a:]\nx = 1\n"),
        one("a condition on [buildout]", "[a]\n[buildout:linux]\nx = 1\n[buildout:windows]\nx = 2\n"),
        several(
            "a condition in another file",
            &[
                ("buildout.cfg", "[buildout]\nextends = base.cfg\n[a:linux]\nx += 2\n"),
                ("base.cfg", "[a]\nx = 0\n[a:windows]\nx = 1\n"),
            ],
        ),
        one("comparisons of true and false", "[z]\n[a: (linux) == (posix)]\n[b: linux != posix]\n"),
    ]
}

fn substitution() -> Vec<Case> {
    vec![
        one("another section", "[a]\nx = 1\n[b]\ny = ${a:x}\n"),
        one("this section", "[a]\nx = 1\ny = ${:x}${:x}-${a:x}\n"),
        one("several in a value", "[a]\nx = 1\ny = 2\n[b]\nz = <${a:x}> ${a:y}, ${a:x}\n  ${a:y}\n"),
        one("a chain", "[a]\nx = ${b:x}\n[b]\nx = ${c:x}!\n[c]\nx = ${:y}?\ny = 1\n"),
        one("sections that need each other", "[a]\nx = ${b:x}\ny = 1\n[b]\nx = 2\ny = ${a:y}\nz = ${a:x}\n"),
        one("a value of lines", "[a]\nx =\n  1\n  2\n[b]\ny = ${a:x}\n  3\nz =\n    ${a:x}\n    4\n"),
        one("an empty value in another", "[a]\nx =\ny = [${:x}]\n"),
        one("two dollars", "[a]\nx = $${b:c}\ny = $$\nz = ${:x} ${:y} $$${:y}\n"),
        one("dollars that mean nothing", "[a]\nx = $ $a {b} $() ${b:c\ny = 1}\n"),
        one("three and four dollars", "[a]\nw = 1\nx = $$${:w}\ny = $$$${:w}\nz = $$$$${:w}\n"),
        one("a reference that is cut by two dollars", "[a]\nx = ${a$$b}\n"),
        one("names with dots and dashes", "[a.b-c]\nx.y-z = 1\n[d]\ny = ${a.b-c:x.y-z}\n"),
        one("an indented reference", "[a]\nx =\n  ${:y}\n    ${:y}\ny = 1\n"),
        one(
            "options of [buildout]",
            "[a]\nx = ${buildout:directory}/x\ny = ${buildout:bin-directory}\nz = ${buildout:parts-directory} ${buildout:develop-eggs-directory} ${buildout:log-level}\n",
        ),
        one("[buildout] refers to others", "[buildout]\nx = ${a:x}\n[a]\nx = 1\n"),
        one("a reference in what is added", "[a]\nx = 1\nx += ${:y}\ny = 2\n"),
        one("removal is before substitution", "[a]\nx = ${:y}\n  2\nx -= 1\ny = 1\n"),
        one("letters of all kinds in values", "[a]\nx = \u{e4} \u{1f600}\ny = ${:x}\u{f6}\n"),
        one(
            "parts come after those that they refer to",
            "[buildout]\nparts = c a\n[a]\nrecipe = r\n[b]\nrecipe = r\nx = 1\n[c]\nrecipe = r\nx = ${b:x}\n",
        ),
        one(
            "parts that refer to each other",
            "[buildout]\nparts = a\n[a]\nrecipe = r\nx = ${b:x}\n[b]\nrecipe = r\nx = 1\ny = ${a:z}\n[a]\nz = ${c:x}\n[c]\nrecipe = r\nx = 1\n",
        ),
        one("a part twice", "[buildout]\nparts = a b a\n[a]\nrecipe = r\n[b]\nrecipe = r\n"),
        one("the recipe of a part refers", "[buildout]\nparts = a\n[a]\nrecipe = ${b:r}\n[b]\nr = r:s\n"),
        one("what nobody needs is no part", "[buildout]\nparts =\n[a]\nrecipe = r\n"),
        one(
            "[buildout] needs a part",
            "[buildout]\nparts = b\nx = ${a:x}\n[a]\nrecipe = r\nx = 1\n[b]\nrecipe = r\n",
        ),
    ]
}

fn buildout() -> Vec<Case> {
    vec![
        one(
            "directories",
            "[buildout]\nbin-directory = scripts\nparts-directory = ./p\ndevelop-eggs-directory = d/e\n[a]\nx = ${buildout:bin-directory}\n",
        ),
        one(
            "absolute directories",
            "[buildout]\nbin-directory = /opt/bin\n[a]\nx = ${buildout:bin-directory}\n",
        ),
        one("directories that refer", "[buildout]\nname = x\nbin-directory = ${:name}/bin\n"),
        one("installed", "[buildout]\ninstalled = var/installed.cfg\n"),
        one("nothing is installed", "[buildout]\ninstalled =\n"),
        one("eggs", "[buildout]\neggs-directory = cache/../eggs2\n"),
        one("eggs without a version", "[buildout]\neggs-directory-version =\n"),
        several(
            "eggs beside the file that says it",
            &[
                ("buildout.cfg", "[buildout]\nextends = base/x.cfg\n"),
                ("base/x.cfg", "[buildout]\neggs-directory = eggs\nbin-directory = scripts\n"),
            ],
        ),
        several("a file in a folder", &[("conf/dev.cfg", "[buildout]\nx = ${:directory}\n")]),
        one("versions", "[buildout]\n[versions]\nzope = 5.8\n"),
        one("versions in another section", "[buildout]\nversions = pinned\n[pinned]\nzope = 5.8\n"),
        one(
            "options that nobody knows",
            "[buildout]\nunknown = 1\nsocket-timeout = 5\nindex = https://example.org/simple\n",
        ),
    ]
}

fn overrides() -> Vec<Case> {
    const FILE: (&str, &str) = (
        "buildout.cfg",
        "[buildout]\nparts = a\n[a]\nrecipe = r\nx = 1\n  2\ny = ${:x}\n[m]\nz = 1\n[b]\n<= m\n",
    );
    vec![
        given("set on the command line", &["a:x=3"], &[FILE]),
        given("a new option and a new section", &["a:w=3", "new:x=${a:x}"], &[FILE]),
        given("no section is named", &["parts=", "unknown=1"], &[FILE]),
        given("add on the command line", &["a:x+=3"], &[FILE]),
        given("add with a space", &["a:x += 3"], &[FILE]),
        given("remove on the command line", &["a:x-=1"], &[FILE]),
        given("spaces around", &[" a : x = 3 4 "], &[FILE]),
        given("a value with signs", &["a:x=b=c:d"], &[FILE]),
        given("an empty value on the command line", &["a:x="], &[FILE]),
        given("a directory on the command line", &["buildout:bin-directory=scripts"], &[FILE]),
        given("into a macro", &["m:z=2", "b:y=3"], &[FILE]),
        given("into a section with a macro", &["b:z+=2"], &[FILE]),
        given("several on the command line", &["a:x=5", "b:x=6", "a:w=7"], &[FILE]),
        given(
            "extends on the command line",
            &["buildout:extends=more.cfg", "a:v=${:w}"],
            &[FILE, ("more.cfg", "[a]\nx += 3\nw = 4\n")],
        ),
    ]
}

fn refused() -> Vec<Case> {
    vec![
        one("no section before an option", "x = 1\n[a]\n"),
        one("an indented header", "  [a]\nx = 1\n"),
        one("an indented first option", "[a]\n  x = 1\n"),
        one("a line that is nothing", "[a]\nx = 1\nnothing\ny = 2\n"),
        one("a colon for an equals sign", "[a]\nx: 1\n"),
        one("a name of two words", "[a]\nx y = 1\n"),
        one("a header of two words", "[a b]\nx = 1\n"),
        one("a header that is not closed", "[a\nx = 1\n"),
        one("a header with something behind", "[a] b\nx = 1\n"),
        one("a header without a name", "[]\nx = 1\n"),
        one("braces in a name", "[a]\nx{y} = 1\n"),
        one("an unknown section", "[a]\nx = ${b:y}\n"),
        one("an unknown option", "[a]\nx = ${a:y}\n"),
        one("an unknown option of this section", "[a]\nx = ${:y}\n"),
        one("an option of itself", "[a]\nx = ${:x}\n"),
        one("a circle", "[a]\nx = ${b:x}\n[b]\nx = ${c:x}\n[c]\nx = ${a:x}\n"),
        one("no colon", "[a]\nx = ${b}\n"),
        one("two colons", "[a]\nx = ${a:b:c}\n"),
        one("nothing in braces", "[a]\nx = ${}\n"),
        one("no option", "[a]\nx = ${a:}\n"),
        one("bad characters in a section", "[a]\nx = ${a/b:c}\n"),
        one("bad characters in an option", "[a]\nx = ${a:b/c}\n"),
        one("letters of all kinds in a reference", "[\u{e4}]\nx = 1\n[b]\ny = ${\u{e4}:x}\n"),
        one("a reference over lines", "[a]\nx = ${a:\n  y}\ny = 1\n"),
        one("a space in a reference", "[a]\ny = 1\nx = ${a: y}\n"),
        one("an unknown macro", "[a]\n<= m\n"),
        one("a macro of itself", "[a]\n<= a\nx = 1\n"),
        one("a circle of macros", "[a]\n<= b\n[b]\n<= c\n[c]\n<= a\n"),
        several("a missing file", &[("buildout.cfg", "[buildout]\nextends = missing.cfg\n")]),
        several("a file of itself", &[("buildout.cfg", "[buildout]\nextends = buildout.cfg\n")]),
        several(
            "a circle of files",
            &[
                ("buildout.cfg", "[buildout]\nextends = 1.cfg\n"),
                ("1.cfg", "[buildout]\nextends = buildout.cfg\n"),
            ],
        ),
        one("extended-by", "[buildout]\nextended-by = x.cfg\n"),
        one("an unknown part", "[buildout]\nparts = a\n"),
        one("a part without a recipe", "[buildout]\nparts = a\n[a]\nx = 1\n"),
        one("an unknown section behind =>", "[buildout]\nparts =\n[a]\n=> b\n"),
        one("an unknown name in a condition", "[z]\n[a: lnux]\nx = 1\n"),
        one("a condition that is none", "[z]\n[a: ==]\nx = 1\n"),
        one("an empty condition", "[z]\n[a: ]\nx = 1\n"),
        one("a text that is not closed in a condition", "[z]\n[a: 'x]\nx = 1\n"),
        given("no parts", &[], &[("buildout.cfg", "[a]\nx = 1\n")]),
        given(
            "an unknown option on the command line",
            &["buildout:parts=", "a:x=${a:y}"],
            &[("buildout.cfg", "[a]\n")],
        ),
        several(
            "a broken file that is extended",
            &[("buildout.cfg", "[buildout]\nextends = 1.cfg\n"), ("1.cfg", "x = 1\n")],
        ),
    ]
}

/// Those of `docs/deviations.md`.
pub(crate) fn different() -> Vec<Case> {
    vec![
        one("a mark of the byte order", "\u{feff}[a]\nx = 1\n"),
        one("an operator without a space in a new section", "[a]\nxy+=1\n"),
        one("a tab before an operator", "[a]\nx = 1\nx\t+= 2\n"),
        one("a part with an empty recipe", "[buildout]\nparts = a\n[a]\nrecipe =\n"),
        one("a mistake where a condition doesn't hold", "[z]\nx = 1\n[a:windows]\n  y\n"),
        several(
            "a file that may be missing is in a folder",
            &[
                ("buildout.cfg", "[buildout]\nextends = one/base.cfg\n"),
                ("one/base.cfg", "[buildout]\noptional-extends = two.cfg\n"),
                ("one/two.cfg", "[a]\nx = 1\n"),
            ],
        ),
        one("lines of an option where a condition doesn't hold", "[a]\n[b:windows]\nx = 1\n  2\n"),
        one("a file that begins with a condition that doesn't hold", "[a:windows]\nx = 1\n"),
        one("what is made by a substitution is not substituted", "[a]\nx = ${:y}{a:z}\ny = $\nz = 1\n"),
        one("extends is added to", "[buildout]\nextends += missing.cfg\n"),
        given(
            "an option twice on the command line",
            &["buildout:parts=", "a:x=2", "a:x=1"],
            &[("buildout.cfg", "[a]\n")],
        ),
        given(
            "adding twice on the command line",
            &["buildout:parts=", "a:x+=2", "a:x+=1"],
            &[("buildout.cfg", "[a]\nx = 0\n")],
        ),
        one("a relative directory", "[buildout]\ndirectory = .\n"),
        one("an expression of Python", "[z]\n[a: 1 + 1 == 2]\nx = 1\n"),
        one("a value that must be true or false", "[buildout]\noffline = perhaps\n"),
    ]
}
