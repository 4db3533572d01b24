//! What the Windows executable carries beside its code: the texts of its events for the event viewer, its version, and its manifest.

use std::io;
use std::path::{Path, PathBuf};

/// The events of hosts have numbers in this range; their texts are all alike, so room is left for more.
const EVENTS: std::ops::RangeInclusive<u32> = 1..=255;

/// An event comes with the service's name and one sentence about it; the viewer shows the sentence.
const TEXT: &str = "%2\r\n";

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var_os("CARGO_CFG_WINDOWS").is_none() {
        return Ok(());
    }
    if std::env::var_os("CARGO_CFG_TARGET_ENV").is_some_and(|environment| environment == "gnu") {
        // Sections begin at whole pages in the file too: then they are mapped and shared, also by Wine, which would copy others into each process.
        println!("cargo::rustc-link-arg-bins=-Wl,--file-alignment,4096");
    }
    let folder = std::env::var_os("OUT_DIR").map(PathBuf::from).ok_or(io::ErrorKind::NotFound)?;
    std::fs::write(folder.join("messages.bin"), message_table())?;
    std::fs::write(folder.join("svc.manifest"), MANIFEST)?;
    let script = folder.join("svc.rc");
    std::fs::write(&script, resources(&folder)?)?;
    // Without a resource compiler the executable works; the event viewer then shows the sentences under a remark of its own.
    embed_resource::compile(&script, embed_resource::NONE).manifest_optional().map_err(io::Error::other)
}

/// The form of a message table (`MESSAGE_RESOURCE_DATA`): blocks of consecutive numbers, each with where its entries begin; an entry is its length, a
/// flag for UTF-16, and the text up to a multiple of four bytes.
fn message_table() -> Vec<u8> {
    let mut text: Vec<u8> = TEXT.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect();
    text.resize(text.len().next_multiple_of(4), 0);
    let header = 4 + 12;
    let length = u16::try_from(4 + text.len()).unwrap_or(u16::MAX);
    let mut table = Vec::new();
    for number in [1, *EVENTS.start(), *EVENTS.end(), header] {
        table.extend(number.to_le_bytes());
    }
    for _ in EVENTS {
        table.extend(length.to_le_bytes());
        table.extend(1u16.to_le_bytes());
        table.extend(&text);
    }
    table
}

fn resources(folder: &Path) -> io::Result<String> {
    let part = |name: &str| std::env::var(name).map_err(io::Error::other);
    let [major, minor, patch] =
        ["CARGO_PKG_VERSION_MAJOR", "CARGO_PKG_VERSION_MINOR", "CARGO_PKG_VERSION_PATCH"].map(part);
    let (version, about) = (part("CARGO_PKG_VERSION")?, part("CARGO_PKG_DESCRIPTION")?);
    let numbers = format!("{},{},{},0", major?, minor?, patch?);
    let file = |name: &str| folder.join(name).display().to_string().replace('\\', "\\\\");
    Ok(format!(
        r#"1 11 "{messages}"
1 24 "{manifest}"
1 VERSIONINFO
FILEVERSION {numbers}
PRODUCTVERSION {numbers}
FILEOS 0x40004
FILETYPE 1
BEGIN
  BLOCK "StringFileInfo"
  BEGIN
    BLOCK "040904B0"
    BEGIN
      VALUE "FileDescription", "{about}"
      VALUE "FileVersion", "{version}"
      VALUE "InternalName", "svc"
      VALUE "OriginalFilename", "svc.exe"
      VALUE "ProductName", "svckit"
      VALUE "ProductVersion", "{version}"
    END
  END
  BLOCK "VarFileInfo"
  BEGIN
    VALUE "Translation", 0x0409, 0x04B0
  END
END
"#,
        messages = file("messages.bin"),
        manifest = file("svc.manifest"),
    ))
}

/// Paths may be longer than 260 characters, and nobody is asked for more rights than they have.
const MANIFEST: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<assembly xmlns="urn:schemas-microsoft-com:asm.v1" manifestVersion="1.0">
  <trustInfo xmlns="urn:schemas-microsoft-com:asm.v3">
    <security>
      <requestedPrivileges>
        <requestedExecutionLevel level="asInvoker" uiAccess="false"/>
      </requestedPrivileges>
    </security>
  </trustInfo>
  <application xmlns="urn:schemas-microsoft-com:asm.v3">
    <windowsSettings>
      <longPathAware xmlns="http://schemas.microsoft.com/SMI/2016/WindowsSettings">true</longPathAware>
    </windowsSettings>
  </application>
  <compatibility xmlns="urn:schemas-microsoft-com:compatibility.v1">
    <application>
      <supportedOS Id="{8e0f7a12-bfb3-4fe8-b9a5-48fd50a15a9a}"/>
    </application>
  </compatibility>
</assembly>
"#;
