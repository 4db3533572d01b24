//! Services that svckit did not make.

use svckit_core::image_path::ImagePath;

use super::{TWO, WEB, World};
use crate::failure::Status;

/// A service `web` of somebody else's.
fn world() -> World {
    let world = World::new();
    world.file("service.toml", WEB);
    world.svc("install FILE");
    {
        let mut contents = world.scm.contents();
        let web = contents.services.get_mut("web").unwrap();
        web.definition = None;
        web.config.image_path = ImagePath::new(r"C:\nssm\nssm.exe").unwrap();
    }
    world.journal();
    world
}

#[test]
fn a_definition_that_means_one_changes_nothing() {
    let world = world();
    for line in ["install FILE", "update FILE", "up FILE", "down FILE", "remove FILE", "remove FILE --stop"] {
        let ran = world.svc(line);
        assert_eq!(ran.status, Status::Usage as u8, "{line}: {}", ran.err);
        assert_eq!(
            ran.err,
            "error: a service \"web\" is there that svckit did not make, and it is left alone: it runs C:\\nssm\\nssm.exe\n\
             hint: choose another name in the file; what has to go can be removed by name: svc remove web\n",
            "{line}"
        );
    }
    assert_eq!(world.journal(), Vec::<String>::new());
}

#[test]
fn one_that_is_named_itself_is_removed() {
    let world = world();
    let ran = world.svc("remove FILE WEB");
    assert_eq!((ran.status, ran.err.as_str(), ran.out.as_str()), (0, "", "removed web\n"));
    assert!(world.scm.contents().services.is_empty());
}

#[test]
fn what_was_installed_beside_one_is_taken_back() {
    let world = world();
    world.file("service.toml", TWO);
    let ran = world.svc("up FILE");
    assert_eq!(ran.status, Status::Usage as u8);
    assert_eq!(ran.out, "installed db\ntook db back\n");
    assert_eq!(world.scm.contents().services.keys().collect::<Vec<_>>(), ["web"]);
}

#[test]
fn one_of_ours_stays_ours_when_half_of_it_was_changed() {
    for half in 0..2 {
        let world = World::new();
        world.file("service.toml", WEB);
        world.svc("install FILE");
        {
            let mut contents = world.scm.contents();
            let web = contents.services.get_mut("web").unwrap();
            match half {
                0 => web.definition = None,
                _ => web.config.image_path = ImagePath::new("something else").unwrap(),
            }
        }
        assert_eq!(world.svc("update FILE").status, 0);
        let contents = world.scm.contents();
        let web = &contents.services["web"];
        assert!(web.definition.is_some() && web.config.image_path.as_str().ends_with(" host run"));
    }
}

#[test]
fn names_that_differ_in_case_are_one_service() {
    let world = World::new();
    world.file("service.toml", WEB);
    world.svc("install FILE");
    world.file("service.toml", &WEB.replace("service.web", "service.WEB"));
    assert_eq!(world.svc("install FILE").status, Status::AlreadySo as u8);
    assert_eq!(world.svc("start Web wEB").out, "web: RUNNING, pid 101\n");
    assert_eq!(world.scm.contents().services.len(), 1);
}
