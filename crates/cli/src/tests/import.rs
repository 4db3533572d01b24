//! What other tools' files become.

use serde_json::Value;

use super::World;
use crate::failure::Status;

const UNIT: &str =
    "[Unit]\nDescription=The shop\n[Service]\nExecStart=/bin/sh -c 'exec sleep 9'\nUMask=022\n";

/// `svc import` with the path of a file in the world's folder in place of `UNIT` and of another in place of `OUT`.
fn import(world: &World, name: &str, rest: &str) -> super::Ran {
    let path = |name: &str| world.folder.path().join(name).to_str().unwrap().to_owned();
    world.svc(&format!("import {} {}", path(name), rest.replace("OUT", &path("out.toml"))))
}

#[test]
fn a_unit_is_printed_as_a_definition_with_what_is_not_mapped() {
    let world = World::new();
    let file = world.file("shop.service", UNIT);
    let ran = import(&world, "shop.service", "");
    assert_eq!(ran.status, 0, "{}", ran.err);
    assert!(
        ran.out.starts_with("[service.shop]\nrun = [\"/bin/sh\", \"-c\", \"exec sleep 9\"]\n"),
        "{}",
        ran.out
    );
    assert!(ran.out.contains("description = \"The shop\"\n"), "{}", ran.out);
    let place = format!(
        "warning: UMask is not mapped\n --> {}:5:1\n5 | UMask=022\n  | ^^^^^\nhint: ",
        file.display()
    );
    assert!(ran.err.starts_with(&place), "{}", ran.err);
    world.file("service.toml", &ran.out);
    let installed = world.svc("install FILE");
    assert_eq!(installed.status, 0, "{}", installed.err);
}

#[test]
fn a_file_is_written_once_unless_it_is_forced() {
    let world = World::new();
    world.file("shop.service", UNIT);
    let printed = import(&world, "shop.service", "").out;
    let ran = import(&world, "shop.service", "-o OUT");
    assert!(ran.out.starts_with("wrote 1 service to ") && ran.status == 0, "{}{}", ran.out, ran.err);
    let out = world.folder.path().join("out.toml");
    assert_eq!(std::fs::read_to_string(&out).unwrap(), printed);
    std::fs::write(&out, "mine").unwrap();
    let ran = import(&world, "shop.service", "-o OUT");
    assert_eq!(ran.status, Status::Usage as u8);
    assert!(ran.err.contains("is there already\nhint: --force"), "{}", ran.err);
    assert_eq!(std::fs::read_to_string(&out).unwrap(), "mine");
    assert_eq!(import(&world, "shop.service", "-o OUT --force").status, 0);
    assert_eq!(std::fs::read_to_string(&out).unwrap(), printed);
    let names = std::fs::read_dir(world.folder.path()).unwrap().count();
    assert_eq!(names, 2, "nothing else is left");
}

#[test]
fn what_can_not_be_understood_writes_nothing() {
    let world = World::new();
    world.file("shop.service", "[Service]\nExecStart=/bin/x 'a\nRestart=perhaps\n");
    let ran = import(&world, "shop.service", "-o OUT");
    assert_eq!((ran.status, ran.out.as_str()), (Status::Usage as u8, ""));
    assert!(ran.err.contains("shop.service:2:11") && ran.err.contains("is never closed"), "{}", ran.err);
    assert!(!world.folder.path().join("out.toml").exists());
    world.file("notes.txt", "hello\n");
    let ran = import(&world, "notes.txt", "");
    assert!(
        ran.err.contains("it is not clear which tool's file this is") && ran.err.contains("--from"),
        "{}",
        ran.err
    );
    let ran = import(&world, "notes.txt", "--from supervisord");
    assert!(ran.err.contains("notes.txt:1:1"), "{}", ran.err);
}

#[test]
fn json_has_the_text_and_the_remarks() {
    let world = World::new();
    world.file("shop.service", UNIT);
    let ran = import(&world, "shop.service", "--json");
    assert_eq!((ran.status, ran.err.as_str()), (0, ""));
    let told: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((&told["from"], &told["file"]), (&"systemd".into(), &Value::Null));
    assert!(told["toml"].as_str().unwrap().starts_with("[service.shop]\n"));
    assert_eq!(told["remarks"][0]["line"], 5);
}
