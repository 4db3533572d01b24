use std::path::PathBuf;

use super::output::collecting;
use super::*;
use crate::ui::Detail;

fn machines(names: &[&str]) -> Machines {
    let mut list: Vec<_> = names.iter().map(|name| format!("embedded:/none/{name}")).collect();
    // One alone is no list; named twice it is a list of one.
    list.push(list[0].clone());
    Machines::read(&list.join(",")).unwrap().unwrap()
}

fn told(index: usize, status: u32, out: &str, err: &str) -> Told {
    let (mut ui, collected) = collecting(Ui::silent().look());
    write!(ui.out(), "{out}").unwrap();
    write!(ui.err(), "{err}").unwrap();
    Told { index, status, is_left_out: false, collected: collected.take() }
}

fn tally(statuses: &[u32]) -> (u8, String) {
    let names: Vec<_> = ('a'..).take(statuses.len()).map(String::from).collect();
    let machines = machines(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let mut tally = Tally::default();
    // They come in any order.
    for (index, status) in statuses.iter().enumerate().rev() {
        tally.count(&told(index, *status, "", ""));
    }
    (tally.status(), tally.line(&machines).replace("embedded:/none/", ""))
}

#[test]
fn the_exit_status_tells_whether_all_some_or_none_failed() {
    for (statuses, status, line) in [
        (&[0, 0][..], 0, "2 machines: 2 done"),
        (&[0], 0, "1 machine: 1 done"),
        (&[0, 11, 0], 11, "3 machines: 2 done, 1 different"),
        (&[8, 8], 8, "2 machines: 0 done, 2 failed: a (8), b (8)"),
        (&[8, 4], 13, "2 machines: 0 done, 2 failed: a (8), b (4)"),
        (&[3, 0, 3], 13, "3 machines: 1 done, 2 failed: a (3), c (3)"),
        (&[11, 4], 13, "2 machines: 0 done, 1 different, 1 failed: b (4)"),
        // sc answers with codes that are no exit statuses of Unix.
        (&[1060, 1060], 1, "2 machines: 0 done, 2 failed: a (1060), b (1060)"),
    ] {
        assert_eq!(tally(statuses), (status, line.to_owned()), "{statuses:?}");
    }
}

#[test]
fn who_was_not_asked_is_told_apart_from_who_failed() {
    let machines = machines(&["a", "b", "c", "d"]);
    let mut tally = Tally::default();
    for (index, status, is_left_out) in [(3, 4, true), (0, 4, false), (1, 4, true)] {
        tally.count(&Told { is_left_out, ..told(index, status, "", "") });
    }
    assert_eq!((tally.status(), tally.told()), (4, 3));
    let line = |tally: &Tally| tally.line(&machines).replace("embedded:/none/", "");
    assert_eq!(line(&tally), "4 machines: 0 done, 1 failed: a (4), 2 not tried: b, d");
    tally.count(&told(2, 0, "", ""));
    assert_eq!(tally.status(), 13);
}

/// What is printed about machines, on both streams.
fn printed(json: bool, all: &[Told]) -> (String, String) {
    let (mut ui, streams) =
        collecting(Ui::captured(Box::new(io::sink()), Box::new(io::sink()), json, None).look());
    let machines = machines(&["a", "long"]);
    let mut printer = Printer::new(&mut ui, &machines);
    let mut tally = Tally::default();
    for told in all {
        tally.count(told);
        printer.print(&machines, told).unwrap();
    }
    printer.finish(&tally, &machines).unwrap();
    let (out, err) = streams.take().texts();
    (out.replace("/none", ""), err.replace("/none", ""))
}

#[test]
fn every_line_begins_with_its_machine() {
    let all = [told(1, 0, "NAME\nweb\n\nno end", ""), told(0, 3, "", "error: no\n")];
    let (out, err) = printed(false, &all);
    assert_eq!(out, "embedded:/long: NAME\nembedded:/long: web\nembedded:/long:\nembedded:/long: no end\n");
    assert_eq!(err, "embedded:/a:    error: no\n2 machines: 1 done, 1 failed: embedded:/a (3)\n");
}

#[test]
fn as_json_there_is_a_line_for_each_machine_and_one_for_all() {
    let all = [
        told(1, 0, "[{\"name\":\"web\"}]\n5 \"text\"\n", ""),
        told(0, 3, "", "{\"error\":{\"code\":1060}}\n"),
    ];
    let (out, err) = printed(true, &all);
    let lines: Vec<serde_json::Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["target"], "embedded:/long");
    assert_eq!(lines[0]["results"], serde_json::json!([[{ "name": "web" }]]));
    assert_eq!(lines[0]["output"], serde_json::json!(["5 \"text\""]));
    assert_eq!(lines[1]["exit_status"], 3);
    assert_eq!(lines[1]["errors"][0]["error"]["code"], 1060);
    let summary = serde_json::json!({
        "machines": 2, "done": 1, "different": 0, "failed": ["embedded:/a"], "not_tried": [],
        "exit_status": 13,
    });
    assert_eq!(lines[2]["summary"], summary);
    assert_eq!((lines.len(), err.as_str()), (3, ""));
}

#[test]
fn quiet_says_nothing_of_how_it_went() {
    let look = Ui::silent().look();
    let (mut ui, streams) = collecting(look);
    assert_eq!(ui.detail, Detail::Quiet);
    Printer::new(&mut ui, &machines(&["a"])).finish(&Tally::default(), &machines(&["a"])).unwrap();
    assert_eq!(streams.take().texts(), (String::new(), String::new()));
}

fn failure(text: &str) -> String {
    Machines::read(text).err().map(|failure| failure.line()).unwrap_or_default()
}

#[test]
fn one_is_no_list_and_a_directory_may_have_a_comma() {
    let folder = tempfile::tempdir().unwrap();
    let with_comma = folder.path().join("a,b");
    std::fs::create_dir(&with_comma).unwrap();
    for text in ["windows", "db1", r"\\db1", "embedded:/a", &format!("embedded:{}", with_comma.display())] {
        assert!(Machines::read(text).unwrap().is_none(), "{text}");
    }
}

#[test]
fn lists_and_files_are_put_together_and_each_machine_is_there_once() {
    let folder = tempfile::tempdir().unwrap();
    let file: PathBuf = folder.path().join("hosts.txt");
    std::fs::write(&file, "[web]\nweb[1:2]\n[db]\ndb\nWEB2\n").unwrap();
    let file = file.display();
    let names = |text: String| {
        let machines = Machines::read(&text).unwrap().unwrap();
        machines.all().iter().map(|machine| machine.name.clone()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(names(format!(r"\\gate, @{file}")), "gate web1 web2 db");
    assert_eq!(names(format!("@{file}#DB")), "db WEB2");
    assert_eq!(names(format!("@{file}#w*,db")), "web1 web2 db");
}

#[test]
fn what_is_wrong_with_a_list_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        format!("@{}", path.display())
    };
    let (list, empty, wrong) =
        (write("list", "[web]\na\n"), write("empty", "# none\n"), write("wrong", "a\nb/c\n\n d e\n"));
    assert!(failure("a,,b").contains("empty name"), "{}", failure("a,,b"));
    assert!(failure("a,b c").contains("\"b c\" is not the name of a machine"), "{}", failure("a,b c"));
    assert!(failure("@").contains("names no file"));
    assert!(failure("@/no/such").contains("cannot read the machines in /no/such: "));
    assert!(failure(&empty).contains("there is no machine in "));
    let said = failure(&format!("{list}#db"));
    assert!(said.contains("called like \"db\"") && said.contains("its groups are web"), "{said}");
    let said = failure(&wrong);
    assert!(said.contains("wrong:2:1: ") && said.contains("wrong:4:2: "), "{said}");
}
