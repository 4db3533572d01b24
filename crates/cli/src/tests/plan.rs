//! `svc plan`, `svc apply` and `svc diff`.

use serde_json::Value;
use svckit_core::image_path::ImagePath;
use svckit_core::status::ServiceState;
use svckit_core::win32::Win32Error;

use super::{Ran, TWO, WEB, World};
use crate::failure::Status;

const DIFFERENT: u8 = Status::Different as u8;

/// A world whose state directory is the folder `state`.
fn world() -> World {
    let world = World::new();
    world.scm.contents().directory = Some(world.folder.path().join("state"));
    world
}

fn state(world: &World, service: &str) -> ServiceState {
    world.scm.contents().services[service].status.state
}

/// Whether there is a record of restarts that were not done.
fn record(world: &World) -> Option<String> {
    std::fs::read_to_string(world.folder.path().join("state/apply.jsonl")).ok()
}

fn leave_record(world: &World, text: &str) {
    std::fs::create_dir_all(world.folder.path().join("state")).unwrap();
    world.file("state/apply.jsonl", text);
}

#[track_caller]
fn idle(ran: &Ran) {
    assert_eq!((ran.status, ran.err.as_str()), (0, ""));
    assert_eq!(ran.out, "everything is as the definitions say; nothing to do\n");
}

#[test]
fn what_is_new_is_told_and_then_installed() {
    let world = world();
    world.file("service.toml", TWO);
    let ran = world.svc("plan FILE");
    assert_eq!((ran.status, ran.err.as_str()), (DIFFERENT, ""));
    let lines: Vec<&str> = ran.out.lines().filter(|line| !line.starts_with("    ")).collect();
    assert_eq!(
        lines,
        ["+ db", "+ web", "2 new, 0 changed, 0 removed, 0 unchanged", "  1. install db", "  2. install web"]
    );
    assert!(ran.out.contains("\n    dependencies: [\"db\"]\n"), "{}", ran.out);
    assert!(!ran.out.contains("error_control"), "what is as for every service is left out: {}", ran.out);
    assert_eq!(world.journal(), [""; 0], "nothing is done");
    let ran = world.svc("apply FILE");
    assert_eq!((ran.status, ran.out.as_str()), (0, "installed db\ninstalled web\n"));
    assert_eq!(state(&world, "web"), ServiceState::STOPPED, "nobody asked for a start");
    world.journal();
    idle(&world.svc("apply FILE"));
    assert_eq!(world.journal(), [""; 0]);
    for verb in ["plan", "diff"] {
        let ran = world.svc(&format!("{verb} FILE"));
        assert_eq!((ran.status, ran.out.as_str()), (0, "0 new, 0 changed, 0 removed, 2 unchanged\n"));
    }
}

#[test]
fn a_difference_is_told_field_by_field() {
    let world = world();
    world.file("service.toml", WEB);
    world.svc("up FILE");
    world.file("service.toml", "[service.web]\nrun = 'sh -c false'\nrestart.delay = '1s'\nstart = 'auto'\n");
    let ran = world.svc("diff FILE");
    let program =
        world.scm.contents().services["web"].definition.as_ref().unwrap().program.command[0].clone();
    let expected = format!(
        "~ web\n    definition.program.command: [\"{program}\",\"-c\",\"true\"] -> [\"{program}\",\"-c\",\"false\"]\n    \
         definition.restart.delay_ms: 5000 -> 1000\n    description: \"The web\" -> none\n    \
         start_type: \"DEMAND_START\" -> \"AUTO_START\"\n0 new, 1 changed, 0 removed, 0 unchanged\n"
    );
    assert_eq!((ran.status, ran.out, ran.err.as_str()), (DIFFERENT, expected, ""));
    let told: Value = serde_json::from_str(&world.svc("diff FILE --json").out).unwrap();
    assert_eq!((&told[0]["service"], &told[0]["change"]), (&"web".into(), &"changed".into()));
    assert_eq!(told[0]["fields"][1]["field"], "definition.restart.delay_ms");
    assert_eq!((&told[0]["fields"][1]["old"], &told[0]["fields"][1]["new"]), (&5000.into(), &1000.into()));
}

#[test]
fn who_ran_is_restarted_and_who_did_not_is_not() {
    let world = world();
    let text = |program: &str| {
        format!(
            "[service.web]\nrun = 'sh'\ndepends-on = ['db']\n[service.db]\nrun = 'sh -c {program}'\n\
             [service.idle]\nrun = 'sh -c {program}'\ndepends-on = ['db']\n"
        )
    };
    world.file("service.toml", &text("1"));
    world.svc("up FILE");
    world.svc("stop idle");
    world.journal();
    world.file("service.toml", &text("2"));
    let plan: Value = serde_json::from_str(&world.svc("plan FILE --json").out).unwrap();
    let steps: Vec<_> = plan["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| format!("{} {}", step["step"], step["service"]))
        .collect();
    let ran = world.svc("apply FILE");
    assert_eq!((ran.status, ran.err.as_str()), (0, ""));
    assert_eq!(world.journal(), ["define db", "define idle", "stop web", "stop db", "start db", "start web"]);
    assert_eq!(steps.len(), 6);
    assert_eq!(steps[2], "\"stop\" \"web\"");
    assert_eq!(state(&world, "idle"), ServiceState::STOPPED);
    assert_eq!(record(&world), None);
    idle(&world.svc("apply FILE"));
}

#[test]
fn a_change_that_no_program_sees_restarts_nobody() {
    let world = world();
    world.file("service.toml", WEB);
    world.svc("up FILE");
    world.journal();
    world.file("service.toml", &WEB.replace("The web", "Another"));
    world.svc("apply FILE");
    assert_eq!(world.journal(), ["config2-1 web"]);
}

#[test]
fn pruning_removes_what_came_from_these_files_and_nothing_else() {
    let world = world();
    world.file("other.toml", "[service.other]\nrun = 'sh'\n");
    let other = world.folder.path().join("other.toml");
    world.svc(&format!("up {}", other.display()));
    world.file("service.toml", TWO);
    world.svc("up FILE");
    world.journal();
    world.file("service.toml", "[service.shop]\nrun = 'sh'\n");
    assert!(world.svc("plan FILE").out.contains("1 new, 0 changed, 0 removed"), "only when asked");
    let ran = world.svc("plan FILE --prune");
    assert_eq!(ran.status, DIFFERENT);
    assert!(ran.out.contains("- db\n- web\n1 new, 0 changed, 2 removed, 0 unchanged\n"), "{}", ran.out);
    let ran = world.svc("apply FILE --prune");
    assert_eq!((ran.status, ran.err.as_str()), (0, ""));
    assert_eq!(
        world.journal(),
        ["stop web", "stop db", "delete web", "delete db", "create shop", "config2-1 shop"]
            .into_iter()
            .chain([
                "config2-2 shop",
                "config2-3 shop",
                "config2-4 shop",
                "config2-5 shop",
                "config2-6 shop",
                "config2-7 shop",
                "config2-8 shop",
                "define shop"
            ])
            .collect::<Vec<_>>()
    );
    assert_eq!(world.scm.contents().services.keys().collect::<Vec<_>>(), ["other", "shop"]);
    idle(&world.svc("apply FILE --prune"));
}

#[test]
fn a_file_by_another_name_owns_the_same() {
    let world = world();
    let text = "[service.web]\nrun = 'sh'\ndirectory = '/'\n[service.db]\nrun = 'sh'\ndirectory = '/'\n";
    world.file("service.toml", text);
    world.svc("install FILE");
    let folder = world.folder.path();
    let around = folder.join("..").join(folder.file_name().unwrap()).join("service.toml");
    idle(&world.svc(&format!("apply {}", around.display())));
    world.file("service.toml", "[service.db]\nrun = 'sh'\ndirectory = '/'\n");
    let ran = world.svc(&format!("apply --prune {}", around.display()));
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("removed web\n", ""));
}

#[test]
fn what_others_need_is_not_pruned() {
    let world = world();
    world.file("service.toml", "[service.db]\nrun = 'sh'\n[service.rest]\nrun = 'sh'\n");
    world.svc("install FILE");
    let user = world.file("user.toml", "[service.user]\nrun = 'sh'\ndepends-on = ['db']\n");
    world.svc(&format!("install {}", user.display()));
    world.journal();
    world.file("service.toml", "[service.rest]\nrun = 'sh'\n");
    let ran = world.svc("apply FILE --prune");
    assert_eq!(ran.status, Status::Usage as u8);
    assert_eq!(ran.err, "error: service \"db\" can't be removed: service \"user\" depends on it\n");
    let ran = world.svc(&format!("apply FILE {} --prune", user.display()));
    assert!(
        ran.err.contains("neither in this file nor installed") && ran.err.contains("user.toml:3:15"),
        "{}",
        ran.err
    );
    assert_eq!(world.journal(), [""; 0]);
    assert_eq!(world.svc("apply FILE --wait 0").status, Status::Usage as u8);
    let ran = world.svc("plan --prune buildout.cfg#web");
    assert!(ran.err.contains("whole files"), "{}", ran.err);
}

#[test]
fn several_files_are_one_goal() {
    let world = world();
    world.file("service.toml", "[service.web]\nrun = 'sh'\ndepends-on = ['db']\n");
    let db = world.file("db.toml", "[service.db]\nrun = 'sh'\n");
    let ran = world.svc(&format!("apply FILE {}", db.display()));
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("installed db\ninstalled web\n", ""));
    let twice = world.file("twice.toml", "[service.ok]\nrun = 'sh'\n[service.DB]\nrun = 'sh'\n");
    let ran = world.svc(&format!("apply {} {}", db.display(), twice.display()));
    assert_eq!(ran.status, Status::Usage as u8);
    let said = format!("service \"DB\" is defined in {} already", db.display());
    assert!(ran.err.contains(&said) && ran.err.contains("twice.toml:3:"), "{}", ran.err);
    world.file("db.toml", "[service.db]\nrun = 'sh'\ndepends-on = ['web']\n");
    let ran = world.svc(&format!("plan FILE {}", db.display()));
    assert_eq!(ran.status, Status::Usage as u8);
    assert!(
        ran.err.contains("circle: db -> web -> db") || ran.err.contains("circle: web -> db -> web"),
        "{}",
        ran.err
    );
}

#[test]
fn a_dependency_that_may_not_be_read_is_there() {
    for has_no_configurations in [false, true] {
        let world = world();
        world.file("service.toml", "[service.db]\nrun = 'sh'\n");
        world.svc("install FILE");
        {
            let mut contents = world.scm.contents();
            contents.has_no_configurations = has_no_configurations;
            contents.unreadable.insert("db".to_owned());
        }
        world.file("service.toml", "[service.web]\nrun = 'sh'\ndepends-on = ['DB']\n");
        let ran = world.svc("apply FILE");
        assert_eq!((ran.out.as_str(), ran.err.as_str()), ("installed web\n", ""));
        idle(&world.svc("apply FILE"));
        world.scm.contents().services.remove("db");
        let ran = world.svc("plan FILE");
        assert_eq!(ran.status, Status::Usage as u8);
        assert!(ran.err.contains("dependency \"DB\" is neither in this file nor installed"), "{}", ran.err);
    }
}

#[test]
fn after_a_failure_nothing_is_left_stopped() {
    let world = world();
    let text = |program: &str| {
        format!("[service.a]\nrun = 'sh -c {program}'\n[service.b]\nrun = 'sh -c {program}'\n")
    };
    world.file("service.toml", &text("1"));
    world.svc("up FILE");
    world.file("service.toml", &text("2"));
    world.journal();
    world.scm.contents().sabotage = Some(("define b".to_owned(), Win32Error::ACCESS_DENIED));
    let ran = world.svc("apply FILE");
    assert_eq!(ran.status, Status::AccessDenied as u8);
    assert!(ran.err.contains("sabotaged define b"), "{}", ran.err);
    assert_eq!(world.journal(), ["define a", "define b"], "nobody was stopped");
    assert!(record(&world).is_some(), "a is still to be restarted");
    // As it can't be done, the stop of the second is refused too: the first is back all the same.
    world.scm.contents().sabotage = Some(("stop a".to_owned(), Win32Error::ACCESS_DENIED));
    let ran = world.svc("apply FILE --json --jobs 1");
    assert_eq!(ran.status, Status::AccessDenied as u8);
    assert_eq!(world.journal(), ["define b", "stop b", "stop a", "start b"]);
    let done: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(done[1], serde_json::json!({ "step": "stop", "service": "b" }));
    world.scm.contents().sabotage = None;
    let ran = world.svc("apply FILE");
    assert_eq!((ran.status, ran.out.as_str()), (0, "stopped a\nstarted a\n"));
    idle(&world.svc("apply FILE"));
}

#[test]
fn what_a_killed_run_stopped_is_started() {
    let world = world();
    world.file("service.toml", TWO);
    world.svc("install FILE");
    // The last line was being written.
    leave_record(
        &world,
        "{\"restart\":\"db\"}\n{\"restart\":\"web\"}\n{\"restarted\":\"db\"}\n{\"restarted\":\"we",
    );
    let ran = world.svc("plan FILE");
    assert_eq!(ran.status, DIFFERENT);
    assert!(
        ran.out.ends_with("an earlier svc apply did not come to restart web\n  1. start web\n"),
        "{}",
        ran.out
    );
    let ran = world.svc("apply FILE");
    assert_eq!((ran.status, ran.out.as_str()), (0, "started web\n"));
    assert_eq!(record(&world), None);
    leave_record(&world, "{\"restart\":\"gone\"}\n");
    idle(&world.svc("apply FILE"));
    assert_eq!(record(&world), None);
    leave_record(&world, "rubbish\n");
    let ran = world.svc("apply FILE");
    assert_eq!(ran.status, Status::Failure as u8);
    assert!(ran.err.contains("apply.jsonl:1"), "{}", ran.err);
}

#[test]
fn no_secret_is_shown() {
    let world = world();
    let text = |secret: &str| {
        format!(
            "[service.web]\nrun = ['sh', '--token', '{secret}']\nenvironment = {{ DB_PASSWORD = '{secret}', PORT = '80' }}\n"
        )
    };
    world.file("service.toml", &text("hunter1"));
    let mut all = String::new();
    for line in ["plan FILE", "plan FILE --json", "apply FILE -v"] {
        let ran = world.svc(line);
        all.push_str(&(ran.out + &ran.err));
    }
    world.file("service.toml", &text("hunter2"));
    let ran = world.svc("diff FILE");
    assert!(ran.out.contains("DB_PASSWORD: \"***\" -> \"***\" (secrets are not shown)"), "{}", ran.out);
    all.push_str(&ran.out);
    for line in ["diff FILE --json", "plan FILE", "apply FILE --json"] {
        let ran = world.svc(line);
        all.push_str(&(ran.out + &ran.err));
    }
    assert!(!all.contains("hunter"), "{all}");
    assert!(all.contains("PORT: \"80\""), "{all}");
}

#[test]
fn strangers_are_left_alone_before_anything_is_done() {
    let world = world();
    world.file("service.toml", TWO);
    world.svc("install FILE");
    {
        let mut contents = world.scm.contents();
        let web = contents.services.get_mut("web").unwrap();
        web.definition = None;
        web.config.image_path = ImagePath::new("/usr/bin/web").unwrap();
    }
    world.journal();
    world.file("service.toml", &format!("{TWO}[service.new]\nrun = 'sh'\n"));
    let ran = world.svc("apply FILE");
    assert_eq!(ran.status, Status::Usage as u8);
    assert!(ran.err.contains("svckit did not make"), "{}", ran.err);
    assert_eq!(world.journal(), [""; 0]);
}

#[test]
fn without_one_answer_for_all_each_is_asked() {
    let world = world();
    world.file("service.toml", TWO);
    world.svc("up FILE");
    world.scm.contents().has_no_configurations = true;
    idle(&world.svc("apply FILE"));
    world.file("service.toml", "[service.db]\nrun = 'sh -c 2'\n");
    let ran = world.svc("apply FILE --prune");
    assert_eq!((ran.status, ran.err.as_str()), (0, ""));
    assert_eq!(
        ran.out,
        "stopped web\nremoved web\nupdated db: the program and its policy\nstopped db\nstarted db\n"
    );
}

#[test]
fn who_may_do_what_is_part_of_a_definition() {
    let world = world();
    let secured = |security: &str| {
        world.file("service.toml", &format!("{WEB}\n[service.web.windows]\nsecurity = '{security}'\n"));
    };
    world.file("service.toml", WEB);
    world.svc("up FILE");
    world.journal();
    secured("D:(A;;GA;;;BA)(A;;LC;;;S-1-5-21-1-2-3-1001)");
    let list = "D:(A;;CCDCLCSWRPWPDTLOCRSDRCWDWO;;;BA)(A;;LC;;;S-1-5-21-1-2-3-1001)";
    let ran = world.svc("diff FILE");
    assert_eq!(ran.status, DIFFERENT, "{}", ran.err);
    assert!(ran.out.contains(&format!("security: none -> \"O:SYG:SY{list}S:")), "{}", ran.out);
    let ran = world.svc("apply FILE");
    assert_eq!((ran.status, ran.err.as_str()), (0, ""));
    assert!(ran.out.contains("the security descriptor"), "{}", ran.out);
    assert_eq!(world.journal(), ["security web"], "nothing is restarted for it");
    idle(&world.svc("apply FILE"));
    let shown: Value = serde_json::from_str(&world.svc("--json show web").out).unwrap();
    assert_eq!(shown["security"], format!("O:SYG:SY{list}"));
    let exported = world.svc("export web");
    assert!(
        exported.out.contains(&format!("security = '{list}'"))
            || exported.out.contains(&format!("security = \"{list}\"")),
        "{}",
        exported.out
    );
    world.file("service.toml", WEB);
    idle(&world.svc("apply FILE"));
    secured("D:(A;;GAXX;;;BA)");
    let ran = world.svc("plan FILE");
    assert!(
        ran.err.contains("this is no security descriptor: character 7: \"XX\" is no right"),
        "{}",
        ran.err
    );
}

#[test]
fn after_a_failure_no_more_are_stopped_and_what_was_stopped_is_started() {
    let world = world();
    let define = |option: &str| {
        let one = |name: &str| format!("[service.{name}]\nrun = 'sh {option}'\n");
        world.file("service.toml", &["a", "b", "c"].map(one).concat());
    };
    define("-e");
    world.svc("up FILE");
    define("-u");
    world.journal();
    world.scm.contents().sabotage = Some(("stop b".to_owned(), Win32Error::ACCESS_DENIED));
    let plan = world.svc("plan FILE").out;
    let ran = world.svc("apply FILE --jobs 1");
    assert_eq!(ran.status, Status::AccessDenied as u8, "{}", ran.err);
    let stops: Vec<_> = world.journal().into_iter().filter(|line| !line.starts_with("define")).collect();
    let first = stops[0].strip_prefix("stop ").unwrap().to_owned();
    match first.as_str() {
        "b" => assert_eq!(stops, ["stop b"], "{plan}"),
        first => assert_eq!(stops, [format!("stop {first}"), "stop b".to_owned(), format!("start {first}")]),
    }
    assert!(ran.err.matches("error: ").count() == 1 && record(&world).is_some(), "{}", ran.err);
}
