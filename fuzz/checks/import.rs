//! Any bytes are services that can be written as a definition, or a list of what is wrong with them, whatever tool they are said to be of.

use svckit_recipe::import::{Kind, read};
use svckit_recipe::{Diagnostic, Platform, toml};

pub(crate) fn check(data: &[u8]) {
    for (word, kind) in Kind::NAMED {
        for platform in [Platform::Unix, Platform::Windows] {
            match read(format!("/folder/{word}.service"), data, Some(*kind), platform) {
                Ok(import) => {
                    assert!(!import.services.is_empty(), "no service is a mistake");
                    import.remarks.iter().for_each(is_told);
                    // Of what is written it is proved there that it is read as the same.
                    let _ = toml::write(&import.services, platform);
                }
                Err(wrong) => wrong.iter().for_each(is_told),
            }
        }
    }
    let _ = read("/folder/file", data, None, Platform::Unix);
}

fn is_told(one: &Diagnostic) {
    assert!(!one.message.is_empty() && one.to_string().starts_with("/folder/"));
}
