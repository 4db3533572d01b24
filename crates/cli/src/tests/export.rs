//! What is installed, as a definition.

use serde_json::Value;
use svckit_core::config::{Config2, Config2Level};
use svckit_core::image_path::ImagePath;
use svckit_core::kind::StartType;
use svckit_recipe::Platform;

use super::{TWO, WEB, World};
use crate::failure::Status;

/// A service with something of everything that the fake keeps.
const ALL: &str = r#"
[service.web]
run = ["sh", "-c", "exec sleep 1000"]
display-name = "Web"
description = "The web"
start = "delayed"
depends-on = ["db"]
environment = { PORT = "80", GREETING = 'say "hi"' }
process = "share"
[service.web.restart]
when = "always"
delay = "1500ms"
exit-codes = { 3 = "fail" }
[service.web.stop]
ladder = [{ "signal:INT" = "5s" }]
[service.web.ready]
tcp = "127.0.0.1:80"
[service.web.log]
rotate = { size = "1MiB" }
[service.web.controls]
pause = "signal:TSTP"
continue = "signal:CONT"
[service.web.recovery]
actions = [{ restart = "5s" }]
reset-period = "1h"
[service.web.windows]
preshutdown = "1m"
privileges = ["SeBackupPrivilege"]
[service.db]
run = "sh"
account = "db"
"#;

/// The services without where they came from.
fn installed(world: &World) -> Vec<String> {
    let contents = world.scm.contents();
    let one = |(name, record): (&String, &crate::fake::Record)| {
        let mut definition = record.definition.clone().unwrap();
        definition.source = None;
        format!("{name} {:?} {:?} {definition:?}", record.config, record.optional)
    };
    contents.services.iter().map(one).collect()
}

#[test]
fn what_is_exported_makes_the_same_services() {
    let world = World::new();
    world.file("service.toml", ALL);
    world.svc("install FILE");
    let exported = world.svc("export");
    assert_eq!((exported.status, exported.err.as_str()), (0, ""));
    let before = installed(&world);
    world.svc("down FILE");
    world.file("service.toml", &exported.out);
    assert_eq!(world.svc("install FILE").status, 0);
    assert_eq!(installed(&world), before);
    assert_eq!(world.svc("export").out, exported.out);
    assert!(world.svc("update FILE").out.contains("web is as the file says"), "{}", exported.out);
}

#[test]
fn what_is_as_for_every_service_is_left_out() {
    let world = World::new();
    world.file("service.toml", WEB);
    world.svc("install FILE");
    let ran = world.svc("export web");
    let folder = world.folder.path().to_str().unwrap();
    let program =
        world.scm.contents().services["web"].definition.as_ref().unwrap().program.command[0].clone();
    let expected = format!(
        "[service.web]\nrun = [{program:?}, \"-c\", \"true\"]\ndirectory = {folder:?}\ndescription = \"The web\"\n"
    );
    assert_eq!((ran.out, ran.err, ran.status), (expected, String::new(), 0));
}

#[test]
fn named_services_come_in_the_order_of_their_names() {
    let world = World::new();
    world.file("service.toml", TWO);
    world.svc("install FILE");
    let order = |line: &str| {
        let ran = world.svc(line);
        ran.out.lines().filter(|line| line.starts_with('[')).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(order("export WEB"), ["[service.web]"]);
    assert_eq!(order("export web db"), ["[service.web]", "[service.db]"]);
    assert_eq!(order("export"), ["[service.db]", "[service.web]"]);
    assert_eq!(order("export FILE"), ["[service.db]", "[service.web]"]);
    let ran = world.svc("export db --json");
    let told: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(told[0]["name"], "db");
    assert!(told[0]["toml"].as_str().unwrap().starts_with("[service.db]\nrun = ["));
}

#[test]
fn a_secret_is_written_only_when_that_is_asked_for() {
    let world = World::new();
    let secret = "[service.web]\nrun = 'sh'\nenvironment = { DB_PASSWORD = 'hunter2', PORT = '80' }\n";
    world.file("service.toml", secret);
    world.svc("install FILE");
    let ran = world.svc("export web");
    assert_eq!((ran.status, ran.out.as_str()), (Status::Usage as u8, ""));
    assert_eq!(
        ran.err,
        "error: cannot export service \"web\": variables seem to hold secrets: DB_PASSWORD\n\
         hint: --with-secrets writes them as they are; as NAME = { file = \"…\" } they would be in no definition\n"
    );
    let ran = world.svc("export web --with-secrets");
    assert!(ran.out.contains("environment = { DB_PASSWORD = \"hunter2\", PORT = \"80\" }\n"), "{}", ran.out);
}

#[test]
fn what_can_not_be_exported_is_told_and_the_rest_is_exported() {
    let world = World::new();
    world.file("service.toml", &format!("{TWO}[service.boot]\nrun = 'sh'\n"));
    world.svc("install FILE");
    {
        let mut contents = world.scm.contents();
        let db = contents.services.get_mut("db").unwrap();
        db.definition = None;
        db.config.image_path = ImagePath::new("/usr/bin/db").unwrap();
        contents.services.get_mut("boot").unwrap().config.start_type = StartType::BOOT_START;
    }
    let ran = world.svc("export");
    assert_eq!(
        ran.err,
        "warning: what svckit does not host is left out unless it is named: db\n\
         error: cannot export service \"boot\": a definition can't say that its start type is BOOT_START\n"
    );
    assert!(ran.out.starts_with("[service.web]\n") && !ran.out.contains("service.db"), "{}", ran.out);
    assert_eq!(ran.status, Status::Failure as u8);
    assert_eq!(world.svc("export nobody").status, Status::NoSuchService as u8);
}

#[test]
fn an_optional_setting_that_the_scm_does_not_have_is_no_reason_not_to() {
    let world = World::new();
    world.file("service.toml", WEB);
    world.svc("install FILE");
    {
        let mut contents = world.scm.contents();
        let web = contents.services.get_mut("web").unwrap();
        web.optional.remove(&Config2Level::PRESHUTDOWN);
        web.optional.insert(Config2Level::PREFERRED_NODE, Config2::PreferredNode(None));
    }
    assert_eq!(world.svc("export web").status, 0);
}

#[test]
fn on_windows_a_password_is_missed() {
    let world = World { platform: Platform::Windows, ..World::new() };
    world.file("service.toml", WEB);
    world.svc("install FILE");
    let set = |account: &str| {
        world.scm.contents().services.get_mut("web").unwrap().config.account = Some(account.to_owned());
    };
    set(r"NT AUTHORITY\LocalService");
    assert_eq!(world.svc("export web").err, "");
    set(r".\ann");
    let ran = world.svc("export web");
    assert_eq!(
        ran.err,
        "warning: web: the password of .\\ann is not part of the definition; --password-stdin takes it\n"
    );
    assert!(ran.out.contains("account = '.\\ann'\n"), "{}", ran.out);
}
