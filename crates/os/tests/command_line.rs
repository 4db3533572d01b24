//! Command lines made by `svckit_core::command_line`, taken apart by the system, by programs and by `cmd.exe`.

#![cfg(windows)]
#![allow(clippy::unwrap_used, reason = "tests")]
#![allow(unsafe_code, reason = "the system's own splitting is what is compared with")]

use std::os::windows::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::{env, fs};

use proptest::prelude::*;
use svckit_core::command_line::{self, batch, join};
use windows_sys::Win32::Foundation::LocalFree;
use windows_sys::Win32::UI::Shell::CommandLineToArgvW;

/// The file that this program writes its words to, when it is started for that.
const WORDS_TO: &str = "SVCKIT_TEST_WORDS_TO";

/// Set by whoever runs this under Wine; with `all` what is not for Wine runs too.
const UNDER_WINE: &str = "SVCKIT_WINE";

/// Not a test but what the others start.
#[test]
fn writes_its_words() {
    if let Some(file) = env::var_os(WORDS_TO) {
        let words: Vec<String> = env::args().skip_while(|word| word != "--").skip(1).collect();
        fs::write(file, words.join("\0")).unwrap();
    }
}

fn this_program() -> String {
    env::current_exe().unwrap().into_os_string().into_string().unwrap()
}

/// Runs a program with exactly this command line; the words that arrived at the end.
fn arrived(program: &str, line: &str, folder: &Path) -> Vec<String> {
    let file = folder.join("words");
    let rest = line.strip_prefix(&format!("\"{program}\" ")).unwrap();
    let output = Command::new(program).raw_arg(rest).env(WORDS_TO, &file).output().unwrap();
    assert!(output.status.success(), "{line}: {output:?}");
    let words = fs::read_to_string(&file).unwrap();
    fs::remove_file(&file).unwrap();
    words.split('\0').map(str::to_owned).collect()
}

#[test]
fn a_program_gets_the_words() {
    let folder = tempfile::tempdir().unwrap();
    let program = this_program();
    let words =
        ["", " a ", r#"a "b" c"#, r"C:\data dir\", r#"\\\"x\"#, "%PATH%", "é\u{1f600}\n^&|", "a=b,c;d"];
    let all = [&["--exact", "writes_its_words", "--"], &words[..]].concat();
    assert_eq!(arrived(&program, &join(&program, &all).unwrap(), folder.path()), words);
}

/// A script that starts this program with the arguments that it got.
fn script(folder: &Path) -> String {
    let script = folder.join("pass on & (on).cmd");
    let text = format!("@\"{}\" --exact writes_its_words -- %*\r\n", this_program());
    fs::write(&script, text).unwrap();
    script.into_os_string().into_string().unwrap()
}

/// Those of the words that a batch file gets differently.
fn lost_on_the_way(sent: &[&str]) -> Vec<(String, Vec<String>)> {
    let folder = tempfile::tempdir().unwrap();
    let script = script(folder.path());
    let processor = format!(r"{}\System32\cmd.exe", env::var("SystemRoot").unwrap());
    let arrived = sent.iter().map(|word| {
        let line = batch(&processor, &script, &[word, "last"]).unwrap();
        let words = arrived(&processor, &line, folder.path());
        (*word, (line, words))
    });
    arrived.filter(|(word, (_, words))| *words != [word, "last"]).map(|(_, lost)| lost).collect()
}

#[test]
fn a_batch_file_gets_the_words() {
    let lost = lost_on_the_way(&[
        "a",
        "",
        "a b",
        "a&calc",
        "a|b>c<d",
        "(a)",
        "^a^",
        "!PATH!",
        "a=b",
        "a,b;c",
        r"C:\data dir\",
        r"C:\data\",
        "a\"b",
        "a\"&calc&\"",
        "\"",
        r#"\"\\""#,
        "é\u{1f600}",
        "a\tb",
        "/c",
        "*",
        "a\u{a0}b",
    ]);
    assert!(lost.is_empty(), "{lost:#?}");
}

#[test]
fn a_batch_file_gets_percent_signs() {
    if env::var(UNDER_WINE).is_ok_and(|wine| wine != "all") {
        // In Wine 8, that is. Windows takes two percent signs for one inside of scripts only.
        println!(
            "not under Wine: its cmd.exe takes %% for one percent sign at the prompt too, and dies of %1 there"
        );
        return;
    }
    let lost =
        lost_on_the_way(&["100%", "%PATH%", "%cd%", "%cd:~,%", "%%", "%%PATH%%", "%1", "%*", "%\"&calc"]);
    assert!(lost.is_empty(), "{lost:#?}");
}

/// The words of a command line by
/// [`CommandLineToArgvW`](https://learn.microsoft.com/en-us/windows/win32/api/shellapi/nf-shellapi-commandlinetoargvw).
fn system_words(line: &str) -> Vec<String> {
    let wide: Vec<u16> = line.encode_utf16().chain([0]).collect();
    let mut count = 0;
    // SAFETY: the line ends with NUL and lives during the call, which writes one number and returns memory that it allocates for the caller.
    let words = unsafe { CommandLineToArgvW(wide.as_ptr(), &raw mut count) };
    assert!(!words.is_null(), "{}", std::io::Error::last_os_error());
    let text = |start: *const u16| {
        // SAFETY: every unit up to the first NUL belongs to the string.
        let units = unsafe {
            let length = (0..).take_while(|index| *start.add(*index) != 0).count();
            std::slice::from_raw_parts(start, length)
        };
        String::from_utf16(units).unwrap()
    };
    // SAFETY: so many pointers are there, each to a string that ends with NUL, in memory that is ours until it is given back below; what is made here is a copy.
    let pointers = unsafe { std::slice::from_raw_parts(words, usize::try_from(count).unwrap()) };
    let copied = pointers.iter().map(|word| text(*word)).collect();
    // SAFETY: the memory is ours, of the allocator that this gives it back to, and nobody uses it after this.
    unsafe { LocalFree(words.cast()) };
    copied
}

#[test]
fn the_system_knows_quotes_and_backslashes() {
    assert_eq!(system_words(r#""C:\my app\run" "a \"b\"" é "#), [r"C:\my app\run", r#"a "b""#, "é"]);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_system_splits_what_was_joined(
        program in "[^\"\0]{1,12}",
        rest in prop::collection::vec("[ a\"\\\\\t\n\u{e9}]{0,8}|[^\0]{0,8}", 0..6),
    ) {
        let line = join(&program, &rest).unwrap();
        let words = system_words(&line);
        prop_assert_eq!(&words[0], &program);
        prop_assert_eq!(&words[1..], rest);
        prop_assert_eq!(command_line::split(&line), words);
    }
}
