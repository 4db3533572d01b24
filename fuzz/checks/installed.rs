//! Any bytes are a record of installed parts, which comes back when it is written, or a refusal that says where.

use std::path::Path;

use svckit_recipe::parts::Installed;

pub(crate) fn check(data: &[u8]) {
    let file = Path::new("/folder/.installed.cfg");
    match Installed::read(file, data) {
        Ok(installed) => {
            let again = Installed::read(file, installed.to_string().as_bytes());
            assert_eq!(again.expect("what is written can be read"), installed);
        }
        Err(diagnostics) => {
            assert!(diagnostics.iter().count() > 0, "a refusal says why");
            assert!(
                diagnostics.iter().all(|diagnostic| diagnostic.place.is_some() && diagnostic.help.is_some())
            );
        }
    }
}
