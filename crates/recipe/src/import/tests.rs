//! What the formats have in common, and each by its keywords.

mod nssm;
mod procrun;
mod shawl;
mod supervisord;
mod systemd;
mod winsw;

use std::path::Path;

use super::{Import, Kind, read};
use crate::definition::ServiceDefinition;
use crate::platform::Platform;
use crate::toml;

fn import(file: &str, text: &str) -> Import {
    let import = read(file, text.as_bytes(), None, Platform::Unix);
    let import = import.unwrap_or_else(|wrong| panic!("{wrong}\n{text}"));
    // Paths of Unix are no absolute ones elsewhere.
    if Path::new("/").is_absolute() {
        comes_back(&import.services);
    }
    import
}

/// What is written is read as the same; that is proved by the writing too.
fn comes_back(services: &[ServiceDefinition]) {
    let text = toml::write(services, Platform::Unix).unwrap();
    let again = toml::parse("/x/service.toml", text, Platform::Unix).unwrap();
    assert_eq!(
        toml::write(&again.services, Platform::Unix).unwrap(),
        toml::write(services, Platform::Unix).unwrap()
    );
}

/// The remarks as `LINE:COLUMN: MESSAGE`.
fn told(import: &Import) -> Vec<String> {
    let place = |one: &crate::Diagnostic| {
        one.place.as_ref().map(|place| format!("{}:{}: ", place.line, place.column))
    };
    import.remarks.iter().map(|one| place(one).unwrap_or_default() + &one.message).collect()
}

/// The mistakes of a file, as the remarks are told.
fn wrong(file: &str, text: &str) -> Vec<String> {
    let wrong = read(file, text.as_bytes(), None, Platform::Unix).expect_err(text);
    let place = |one: &crate::Diagnostic| {
        one.place.as_ref().map(|place| format!("{}:{}: ", place.line, place.column))
    };
    wrong.iter().map(|one| place(one).unwrap_or_default() + &one.message).collect()
}

#[test]
fn kinds_are_known_by_name_or_by_what_is_said() {
    let kind = |file: &str, text: &str| Kind::of(Path::new(file), text);
    assert_eq!(kind("a.service", ""), Some(Kind::Systemd));
    assert_eq!(kind("a.txt", "# x\n[Unit]\n[Service]\n"), Some(Kind::Systemd));
    assert_eq!(kind("supervisord.conf", ""), Some(Kind::Supervisord));
    assert_eq!(kind("shop.conf", "\n[program:shop]\n"), Some(Kind::Supervisord));
    assert_eq!(kind("winservice.py", ""), Some(Kind::Winservice));
    assert_eq!(kind("a.reg", "REGEDIT4\n"), Some(Kind::Nssm));
    assert_eq!(kind("a.bat", "\"C:\\x y\\nssm.exe\" set a AppExit 1 Exit\n"), Some(Kind::Nssm));
    assert_eq!(kind("a.bat", "C:\\shawl.exe run -- x\n"), Some(Kind::Shawl));
    assert_eq!(kind("a.bat", "C:\\x\\shop.exe //IS//shop --Startup=auto\n"), Some(Kind::Procrun));
    assert_eq!(kind("a.bat", "tomcat9 update shop ++JvmOptions -Da\n"), Some(Kind::Procrun));
    assert_eq!(kind("a.bat", "apt install shop --yes\n"), None);
    assert_eq!(kind("a.xml", "<!-- x -->\n<service>\n"), Some(Kind::Winsw));
    assert_eq!(kind("a.yml", "id: a\nexecutable: b\n"), Some(Kind::Winsw));
    assert_eq!(kind("a.yml", "services:\n  executable: b\n"), None);
    assert_eq!(kind("a.xml", "<project>\n"), None);
    assert_eq!(kind("a.txt", "[service.shop]\n"), None);
    for (word, kind) in Kind::NAMED {
        assert_eq!(Kind::NAMED.iter().filter(|(other, named)| other == word || named == kind).count(), 1);
    }
}

#[test]
fn any_encoding_of_an_editor_is_read() {
    let text = "[Service]\r\nExecStart=/bin/b\u{fc}ro\r\n";
    let utf16: Vec<u8> = "\u{feff}"
        .chars()
        .chain(text.chars())
        .collect::<String>()
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    for bytes in [text.as_bytes(), &utf16] {
        let import = read("/x/a.service", bytes, None, Platform::Unix).unwrap();
        assert_eq!(import.services[0].hosted().unwrap().program.command, ["/bin/b\u{fc}ro"]);
    }
    let wrong =
        read("/x/a.service", b"[Service]\nExecStart=/bin/b\xfcro\n", None, Platform::Unix).unwrap_err();
    assert!(wrong.to_string().contains("not UTF-8"), "{wrong}");
}

#[test]
fn a_service_script_is_read_as_it_is_elsewhere() {
    let variables = crate::winservice::Variables {
        script: "/site/bin/app".to_owned(),
        service_name: "shop".to_owned(),
        instance_home: "/site".to_owned(),
        ..Default::default()
    };
    let import = import("/site/winservice.py", &crate::winservice::script(&variables));
    assert_eq!(import.kind, Kind::Winservice);
    assert_eq!(import.services[0].hosted().unwrap().program.command, ["/site/bin/app"]);
}

#[test]
fn paths_of_another_system_are_refused_where_they_are() {
    assert_eq!(
        wrong("/x/a.service", "[Service]\nExecStart=/bin/a\nWorkingDirectory=C:\\shop\n"),
        [r#"3:18: "C:\\shop" is a path of Windows, and this is not Windows"#]
    );
    let told = read("/x/a.service", b"[Service]\nExecStart=/bin/a\n", None, Platform::Windows).unwrap_err();
    assert!(told.to_string().contains("is not a path of Windows"), "{told}");
}

#[test]
fn a_secret_is_told() {
    let import =
        import("/x/a.service", "[Service]\nExecStart=/bin/a\nEnvironment=DB_PASSWORD=hunter2 PORT=80\n");
    assert_eq!(
        told(&import),
        ["3:13: the variable DB_PASSWORD seems to hold a secret, and everybody can read it in a definition"]
    );
}
