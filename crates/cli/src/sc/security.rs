//! Security descriptors: `sdshow` and `sdset`.

use serde_json::{Value, json};
use svckit_core::access::{ManagerAccess, ServiceAccess};
use svckit_core::error::Result as Outcome;
use svckit_core::rights;
use svckit_core::security::{Ace, AceType, SecurityDescriptor, SecurityInformation};
use svckit_core::win32::Win32Error;

use super::Session;
use super::answer::Answer;
use super::wrong::Wrong;

/// What stands for the service control manager in place of a service's name.
const MANAGER: &str = "scmanager";

/// Reads what `sdset` is given.
pub(super) fn read(text: &str) -> Result<SecurityDescriptor, Wrong> {
    const CALL: &str = "ConvertStringSecurityDescriptorToSecurityDescriptor";
    let wrong = |reason: String| Wrong::refused(CALL, Win32Error::INVALID_PARAMETER, reason);
    let new: SecurityDescriptor =
        text.parse().map_err(|error| wrong(format!("{text:?} is no security descriptor: {error}")))?;
    if new.parts() == SecurityInformation::empty() {
        return Err(wrong(
            "a security descriptor without a part changes nothing; D: is a list that allows nothing".into(),
        ));
    }
    Ok(new)
}

impl Session<'_> {
    /// The access list, and the audit list for those who may see it.
    pub(super) fn show_security(&mut self, name: String, rights: bool) -> Result<Answer, Wrong> {
        let lists = SecurityInformation::DACL | SecurityInformation::SACL | SecurityInformation::LABEL;
        let descriptor = match self.security(&name, lists) {
            Err(wrong) if is_about_audit(&wrong) => {
                self.security(&name, SecurityInformation::DACL | SecurityInformation::LABEL)
            }
            other => other,
        }?;
        Ok(Answer::Security { name, descriptor: Box::new(descriptor), rights })
    }

    pub(super) fn set_security(&mut self, name: String, new: &SecurityDescriptor) -> Result<Answer, Wrong> {
        const CALL: &str = "SetServiceObjectSecurity";
        let parts = new.parts();
        let access = rights::for_security_change(parts)
            .map_err(|code| Wrong::refused(CALL, code, "there is nothing to set"))?;
        let set = if is_manager(&name) {
            self.manager(ManagerAccess(access))?.set_security(parts, new)
        } else {
            self.open(&name, ServiceAccess(access))?.set_security(parts, new)
        };
        set.map_err(|error| Wrong::call(CALL, error).service(&name))?;
        Ok(Answer::Done { call: CALL, name })
    }

    fn security(&mut self, name: &str, parts: SecurityInformation) -> Result<SecurityDescriptor, Wrong> {
        const CALL: &str = "QueryServiceObjectSecurity";
        let access = rights::for_security_query(parts)
            .map_err(|code| Wrong::refused(CALL, code, "there is nothing to show"))?;
        let found: Outcome<SecurityDescriptor> = if is_manager(name) {
            self.manager(ManagerAccess(access))?.security(parts)
        } else {
            self.open(name, ServiceAccess(access))?.security(parts)
        };
        found.map_err(|error| Wrong::call(CALL, error).service(name))
    }
}

/// Whether it was refused to who may not see what is recorded.
fn is_about_audit(wrong: &Wrong) -> bool {
    matches!(wrong.code(), Win32Error::PRIVILEGE_NOT_HELD | Win32Error::ACCESS_DENIED)
}

fn is_manager(name: &str) -> bool {
    name.eq_ignore_ascii_case(MANAGER)
}

/// What sc prints; with `rights` each entry of the access list in words as well.
pub(super) fn text(name: &str, descriptor: &SecurityDescriptor, rights: bool) -> String {
    let mut text = format!("\n{descriptor}\n");
    if rights {
        for ace in descriptor.dacl.aces() {
            let (kind, who) = (kind(ace), ace.sid().map_or_else(String::new, ToString::to_string));
            text.push_str(&format!("\n{kind} {who}\n"));
            text.extend(names(name, ace).iter().map(|right| format!("\t{right}\n")));
        }
    }
    text
}

pub(super) fn json(name: &str, descriptor: &SecurityDescriptor) -> Value {
    let entry = |ace: &Ace| {
        json!({
            "type": kind(ace),
            "sid": ace.sid().map(ToString::to_string),
            "rights": names(name, ace),
            "sddl": ace.to_string(),
        })
    };
    let access: Vec<Value> = descriptor.dacl.aces().iter().map(entry).collect();
    json!({ "name": name, "security": descriptor.to_string(), "access": access })
}

/// The kind of an entry; that of one that is neither of the usual two as a number.
fn kind(ace: &Ace) -> String {
    match ace.kind() {
        AceType::ALLOWED => "ALLOW".to_owned(),
        AceType::DENIED => "DENY".to_owned(),
        AceType(other) => format!("{other:#x}"),
    }
}

/// The rights that an entry is about.
fn names(name: &str, ace: &Ace) -> Vec<String> {
    let mask = ace.mask().unwrap_or(0);
    if is_manager(name) { ManagerAccess(mask).names() } else { ServiceAccess(mask).names() }
}
