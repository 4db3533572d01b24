//! Where the password of a service's account is.

use svckit_core::definition::PasswordSource;
use toml::de::DeValue;

use super::section::{Entry, Section};
use crate::definition::Places;

const EXAMPLE: &str =
    "write password = { file = \"…\" }, { environment = \"NAME\" } or { credential = \"NAME\" }";

/// Reads `password`, which is never the password itself.
pub(super) fn read(section: &mut Section<'_>, places: &mut Places) -> Option<PasswordSource> {
    let entry = section.entry("password")?;
    if matches!(entry.value.get_ref(), DeValue::String(_)) {
        let help = format!("{EXAMPLE}, or leave it out and give it to: svc install --password-stdin");
        section.reader.report(entry.key.span(), "a password does not belong into a file", Some(help));
        return None;
    }
    places.password = Some(entry.key.span().into());
    if section.span("account").is_none() {
        let help = Some("write account = \"…\", or leave it out".to_owned());
        section.reader.report(entry.key.span(), "it says where a password is, but not whose", help);
    }
    source(section, entry)
}

fn source(section: &Section<'_>, entry: Entry<'_>) -> Option<PasswordSource> {
    let path = format!("{}.password", section.path());
    let mut table = Section::of(section.reader, path, entry, EXAMPLE)?;
    let said = ["file", "environment", "credential"].map(|key| table.span(key).is_some());
    let file = table.string("file", "/etc/shop/account-password");
    let variable = table.string("environment", "SHOP_PASSWORD");
    let credential = table.string("credential", "shop");
    let has_more = table.finish();
    let report = |message| {
        section.reader.report(entry.key.span(), message, Some(EXAMPLE.to_owned()));
        None
    };
    match (said.iter().filter(|said| **said).count(), file, variable, credential) {
        (1, Some((text, span)), _, _) if !text.is_empty() => {
            Some(PasswordSource::File(section.reader.absolute(text, span)))
        }
        (1, _, Some((name, _)), _) if !name.is_empty() && !name.contains(['=', '\0']) => {
            Some(PasswordSource::Environment(name.to_owned()))
        }
        (1, _, _, Some((name, _))) if !name.is_empty() && !name.contains('\0') => {
            Some(PasswordSource::Credential(name.to_owned()))
        }
        // What is wrong was told.
        (1, None, None, None) => None,
        (0, ..) if has_more => None,
        (2.., ..) => report("it says more than one place where the password is"),
        _ => report("it does not say where the password is"),
    }
}
