//! Services whose program is a service itself, so that nobody hosts it.

use serde_json::{Value, json};
use svckit_core::config::Config2Level;
use svckit_core::image_path::ImagePath;
use svckit_core::kind::ServiceType;
use svckit_core::secret::Secret;
use svckit_core::win32::Win32Error;
use svckit_recipe::Platform;

use super::{WEB, World};
use crate::failure::Status;

const SHOP: &str =
    "[service.shop]\nbinary-path = '\"C:\\Program Files\\Shop\\shop.exe\" -x'\ndescription = 'The shop'\n";

/// Another Windows, where nothing but the service API is.
fn windows() -> World {
    let world = World { is_elsewhere: true, ..World::new() };
    world.scm.contents().has_no_native = true;
    world.scm.contents().has_no_configurations = true;
    world.file("service.toml", SHOP);
    world
}

/// A service control manager of svckit.
fn own() -> World {
    let world = World::new();
    world.scm.contents().directory = Some(world.folder.path().join("state"));
    world.file("service.toml", SHOP);
    world
}

fn image(world: &World) -> String {
    world.scm.contents().services["shop"].config.image_path.to_string()
}

fn set_image(world: &World, image: &str) {
    world.scm.contents().services.get_mut("shop").unwrap().config.image_path = ImagePath::new(image).unwrap();
}

#[test]
fn another_windows_is_brought_in_line_once() {
    for world in [windows(), own()] {
        let ran = world.svc("plan FILE");
        assert_eq!((ran.status, ran.err.as_str()), (Status::Different as u8, ""));
        assert_eq!(
            ran.out,
            "+ shop\n    description: \"The shop\"\n    image_path: \"\\\"C:\\\\Program Files\\\\Shop\\\\shop.exe\\\" -x\"\n\
             1 new, 0 changed, 0 removed, 0 unchanged\n  1. install shop\n"
        );
        let ran = world.svc("apply FILE");
        assert_eq!((ran.status, ran.err.as_str(), ran.out.as_str()), (0, "", "installed shop\n"));
        assert_eq!(image(&world), "\"C:\\Program Files\\Shop\\shop.exe\" -x");
        assert!(world.scm.contents().services["shop"].definition.is_none());
        world.journal();
        for line in ["plan FILE", "diff FILE", "apply FILE", "update FILE"] {
            let ran = world.svc(line);
            assert_eq!((ran.status, ran.err.as_str()), (0, ""), "{line}: {}", ran.out);
        }
        assert_eq!(world.svc("install FILE").status, Status::AlreadySo as u8);
        assert_eq!(world.journal(), Vec::<String>::new());
    }
}

#[test]
fn up_starts_it_and_shows_what_is_known() {
    for world in [windows(), own()] {
        let ran = world.svc("up FILE");
        assert_eq!((ran.status, ran.err.as_str()), (0, ""));
        assert_eq!(ran.out, "installed shop\nNAME  STATE    PID\nshop  RUNNING  100\n");
        world.journal();
        let ran = world.svc("up FILE");
        assert!(
            ran.out.starts_with("everything is as the file says and runs; nothing to do\n"),
            "{}",
            ran.out
        );
        assert_eq!(world.journal(), Vec::<String>::new());

        world.file("service.toml", &SHOP.replace("-x", "-y"));
        let ran = world.svc("up FILE");
        assert!(ran.out.starts_with("updated shop: the image path\nrestarting shop\n"), "{}", ran.out);
        assert_eq!(world.journal(), ["config shop", "stop shop", "start shop"]);
        for line in ["stop FILE", "start FILE", "restart FILE", "status FILE", "show FILE", "wait FILE"] {
            let ran = world.svc(line);
            assert_eq!((ran.status, ran.err.as_str()), (0, ""), "{line}");
        }
        let ran = world.svc("down FILE");
        assert_eq!((ran.status, ran.out.as_str()), (0, "stopped and removed shop\n"));
        assert_eq!(world.svc("down FILE").out, "shop is not installed; nothing to do\n");
    }
}

#[test]
fn another_folder_is_a_change_and_who_runs_is_restarted() {
    for world in [windows(), own()] {
        world.svc("up FILE");
        world.file(
            "service.toml",
            "[service.shop]\nbinary-path = 'D:\\shop-2\\SHOP.EXE'\ndescription = 'The shop'\n",
        );
        let ran = world.svc("plan FILE");
        assert_eq!(
            ran.out,
            "~ shop\n    image_path: \"\\\"C:\\\\Program Files\\\\Shop\\\\shop.exe\\\" -x\" -> \"D:\\\\shop-2\\\\SHOP.EXE\"\n\
             0 new, 1 changed, 0 removed, 0 unchanged\n  1. update shop\n  2. stop shop\n  3. start shop\n"
        );
        assert_eq!(world.svc("apply FILE").status, 0);
        assert_eq!(image(&world), "D:\\shop-2\\SHOP.EXE");
        assert_eq!(world.svc("remove FILE --stop").out, "removed shop\n");
    }
}

#[test]
fn one_that_does_not_start_is_as_before_again() {
    for world in [windows(), own()] {
        world.svc("up FILE");
        world.scm.contents().services.get_mut("shop").unwrap().fails_with =
            Some((Win32Error::PROCESS_ABORTED, 0));
        world.file("service.toml", &SHOP.replace("-x", "-y"));
        let ran = world.svc("up FILE");
        assert_eq!(ran.status, Status::ServiceFailed as u8);
        assert!(ran.err.contains("shop doesn't run as the file says; it is as before again"), "{}", ran.err);
        assert!(image(&world).ends_with(" -x"));
    }
}

#[test]
fn what_windows_tells_in_place_of_a_variable_is_no_change() {
    let world = windows();
    world.file("service.toml", "[service.shop]\nbinary-path = '%SystemRoot%\\shop.exe'\n");
    world.svc("up FILE");
    assert_eq!(image(&world), "%SystemRoot%\\shop.exe");
    set_image(&world, "C:\\Windows\\shop.exe");
    world.journal();
    for line in ["plan FILE", "apply FILE", "up FILE"] {
        assert_eq!(world.svc(line).status, 0, "{line}");
    }
    world.file("service.toml", "[service.shop]\nbinary-path = '%SystemRoot%\\shop.exe'\ndescription = 'x'\n");
    let ran = world.svc("plan FILE");
    assert!(ran.out.ends_with("  1. update shop\n") && !ran.out.contains("image_path"), "{}", ran.out);
    assert_eq!(world.svc("up FILE").status, 0);
    assert_eq!(world.journal(), ["config2-1 shop"]);
}

#[test]
fn one_that_runs_another_program_is_somebody_elses() {
    for world in [windows(), own()] {
        world.svc("install FILE");
        set_image(&world, "C:\\nssm\\nssm.exe");
        world.journal();
        for line in
            ["install FILE", "update FILE", "up FILE", "down FILE", "remove FILE", "plan FILE", "apply FILE"]
        {
            let ran = world.svc(line);
            assert_eq!(ran.status, Status::Usage as u8, "{line}: {}", ran.err);
            assert_eq!(
                ran.err,
                "error: a service \"shop\" is there that runs another program than \"C:\\Program Files\\Shop\\shop.exe\" -x, and it is left alone: \
                 it runs C:\\nssm\\nssm.exe\n\
                 hint: choose another name in the file; svc sc config shop binPath= … has it run another program, svc remove shop removes it\n",
                "{line}"
            );
        }
        assert_eq!(world.journal(), Vec::<String>::new());
        assert_eq!(world.svc("remove shop").status, 0);
    }
}

#[test]
fn a_driver_is_none_of_them() {
    let world = windows();
    world.svc("install FILE");
    world.scm.contents().services.get_mut("shop").unwrap().config.service_type = ServiceType::KERNEL_DRIVER;
    assert_eq!(world.svc("update FILE").status, Status::Usage as u8);
}

#[test]
fn a_host_gives_way_where_it_can() {
    let world = own();
    world.file("service.toml", &WEB.replace("web", "shop"));
    world.svc("up FILE");
    world.journal();
    world.file("service.toml", &SHOP.replace("The shop", "The web"));
    let ran = world.svc("plan FILE");
    for line in ["    definition.program.command: [", "    image_path: \"", "  2. stop shop\n"] {
        assert!(ran.out.contains(line), "{}", ran.out);
    }
    let ran = world.svc("apply FILE");
    assert_eq!(
        ran.out,
        "updated shop: the image path, the description, the program and its policy\nstopped shop\nstarted shop\n"
    );
    assert!(world.scm.contents().services["shop"].definition.is_none());
    // Back again it is somebody else's: nothing tells who made it.
    world.file("service.toml", &WEB.replace("web", "shop"));
    assert_eq!(world.svc("plan FILE").status, Status::Usage as u8);

    let world = windows();
    world.svc("install FILE");
    set_image(&world, "C:\\svc.exe host run shop");
    for line in ["plan FILE", "apply FILE", "update FILE", "up FILE"] {
        let ran = world.svc(line);
        assert_eq!(ran.status, Status::Usage as u8);
        assert_eq!(
            ran.err,
            "error: svckit hosts service \"shop\" on that machine, and what its host was given can't be taken away from afar\n\
             hint: run svc there, or remove it first: svc remove shop\n"
        );
    }
    assert_eq!(world.svc("down FILE").status, 0);
}

#[test]
fn none_belongs_to_a_file() {
    let world = own();
    let two = format!("{SHOP}{}", WEB.replace("sh -c true", "sh"));
    world.file("service.toml", &two);
    world.svc("apply FILE");
    world.file("service.toml", &WEB.replace("web", "other"));
    let ran = world.svc("apply --prune FILE");
    assert_eq!((ran.status, ran.out.as_str()), (0, "removed web\ninstalled other\n"));
    assert!(world.scm.contents().services.contains_key("shop"));
}

#[test]
fn accounts_are_those_of_windows() {
    let world = windows();
    world.file("service.toml", &format!("{SHOP}account = 'LocalService'\n"));
    assert_eq!(world.svc("apply FILE").status, 0);
    let account = world.scm.contents().services["shop"].config.account.clone();
    assert_eq!(account.as_deref(), Some("NT AUTHORITY\\LocalService"));
    assert_eq!(world.svc("plan FILE").status, 0);
    world.file("service.toml", &format!("{SHOP}account = 'ann'\n"));
    world.journal();
    let ran = world.svc("apply FILE");
    assert!(ran.err.starts_with("error: the password of .\\ann is needed for shop\n"), "{}", ran.err);
    assert_eq!(world.journal(), Vec::<String>::new());
}

#[cfg(unix)]
#[test]
fn a_password_is_set_with_the_account_and_when_that_is_asked_for() {
    use std::os::unix::fs::PermissionsExt;
    let world = World { platform: Platform::Windows, ..own() };
    let path = world.file("pw", "hunter2\n");
    let mode = |mode: u32| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    world.file("service.toml", &format!("{SHOP}account = 'ann'\npassword = {{ file = 'pw' }}\n"));
    let passwords = || std::mem::take(&mut world.scm.contents().passwords);
    let set = [Some(Secret::from("hunter2"))];
    mode(0o644);
    for line in ["apply FILE", "lint FILE"] {
        let ran = world.svc(line);
        assert_eq!(ran.status, Status::Usage as u8, "{line}");
        assert!(ran.err.contains("everybody may read or change it"), "{}", ran.err);
    }
    mode(0o600);
    assert_eq!(world.svc("apply FILE").status, 0);
    assert_eq!(passwords(), set);
    for line in ["apply FILE", "update FILE", "up FILE"] {
        assert_eq!(world.svc(line).status, 0, "{line}");
    }
    assert_eq!(passwords(), []);
    assert_eq!(world.svc("apply FILE --renew-password").status, 0);
    assert_eq!(passwords(), set);
}

#[test]
fn secrets_on_a_command_line_are_not_shown_in_plans() {
    let world = own();
    world.svc("install FILE");
    world.file("service.toml", &SHOP.replace("-x", "--password hunter2"));
    for line in ["plan FILE", "diff FILE --json"] {
        let out = world.svc(line).out;
        assert!(out.contains("--password ***") && !out.contains("hunter2"), "{out}");
    }
}

#[test]
fn what_is_installed_can_be_had_as_a_definition_by_name() {
    for world in [windows(), own()] {
        world.svc("install FILE");
        let ran = world.svc("export SHOP");
        assert_eq!((ran.status, ran.err.as_str()), (0, ""));
        assert_eq!(
            ran.out,
            "[service.shop]\nbinary-path = '\"C:\\Program Files\\Shop\\shop.exe\" -x'\ndescription = \"The shop\"\n"
        );
        let ran = world.svc("export");
        assert_eq!(
            (ran.status, ran.err.as_str(), ran.out.as_str()),
            (0, "warning: what svckit does not host is left out unless it is named: shop\n", "")
        );
        world.scm.contents().services.get_mut("shop").unwrap().config.service_type = ServiceType(0x110);
        let ran = world.svc("export shop");
        assert_eq!((ran.status, ran.out.as_str()), (Status::Failure as u8, ""));
        assert_eq!(
            ran.err,
            "error: cannot export service \"shop\": a definition can't say that its type is WIN32_OWN_PROCESS|INTERACTIVE_PROCESS (50 ERROR_NOT_SUPPORTED)\n\
             hint: svc show shop shows its configuration\n"
        );
    }
    let world = windows();
    world.svc("install FILE");
    set_image(&world, "C:\\svc.exe host run shop");
    let ran = world.svc("export shop");
    assert!(ran.err.contains("what its host runs isn't known here"), "{}", ran.err);
    assert!(ran.err.ends_with("hint: svckit hosts it: run svc export on that machine\n"), "{}", ran.err);
}

#[test]
fn what_only_hosts_do_is_told_not_to_be_there() {
    let world = own();
    world.svc("up FILE");
    assert_eq!(world.svc("wait FILE --state ready").status, 0);
    let ran = world.svc("env FILE");
    assert!(ran.status != 0 && ran.err.contains("its program is a service itself"), "{}", ran.err);
    let ran = world.svc("lint FILE");
    assert_eq!((ran.status, ran.err.as_str()), (0, ""));
    let ran = world.svc("doctor FILE");
    assert!(!ran.err.contains("panicked") && ran.out.contains("shop: RUNNING"), "{}{}", ran.out, ran.err);
    let shown: Value = serde_json::from_str(&world.svc("show FILE --json").out).unwrap();
    assert_eq!((&shown["definition"], shown.get("host")), (&Value::Null, None));
}

#[test]
fn dsc_brings_it_about_and_takes_it_away() {
    let mut world = own();
    let definition = json!({ "binary-path": "C:\\shop.exe --token abc", "recovery": { "actions": [{ "restart": "5s" }] } });
    let mut run = |operation: &str, more: Value| {
        let mut instance = json!({ "name": "shop", "definition": definition.clone() });
        instance.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        world.input = instance.to_string();
        let ran = world.svc(&format!("dsc {operation}"));
        assert_eq!((ran.status, ran.err.as_str()), (0, ""), "{operation}");
        ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<Value>>()
    };
    assert_eq!(run("set", json!({ "state": "running" }))[1], json!(["_exist", "state", "definition"]));
    let lines = run("test", json!({ "state": "running" }));
    assert_eq!(lines[1], json!([]));
    assert_eq!(lines[0]["definition"]["binary-path"], "C:\\shop.exe --token ***");
    assert_eq!(run("set", json!({ "_exist": false }))[0], json!({ "name": "shop", "_exist": false }));
    assert!(!world.scm.contents().services.contains_key("shop"));
}

#[test]
fn an_optional_setting_that_another_windows_does_not_have_is_left_out() {
    let world = windows();
    world.svc("install FILE");
    world.scm.contents().services.get_mut("shop").unwrap().optional.remove(&Config2Level::PRESHUTDOWN);
    assert_eq!(world.svc("plan FILE").status, 0);
}
