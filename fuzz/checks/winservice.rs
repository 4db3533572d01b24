//! Any bytes are a service script or a list of what is wrong with them, and any script has a debug copy.

use svckit_recipe::Platform;
use svckit_recipe::winservice::{debug_copy, read, script};

pub(crate) fn check(data: &[u8]) {
    let copy = String::from_utf8(debug_copy(data, "app-script.py")).expect("Python reads it as UTF-8");
    assert!(!copy.contains('\0'), "Python refuses it");
    let read_script = match read("/folder/winservice.py", data) {
        Ok(read) => read,
        Err(diagnostics) => {
            assert!(diagnostics.iter().count() > 0, "a refusal says why");
            for diagnostic in diagnostics.iter() {
                assert!(!diagnostic.message.is_empty());
                assert!(diagnostic.to_string().contains("winservice.py"));
            }
            return;
        }
    };
    let again = read("/folder/winservice.py", script(&read_script.variables).as_bytes());
    assert_eq!(again.expect("what is written can be read").variables, read_script.variables);
    for platform in [Platform::Unix, Platform::Windows] {
        let Ok(definition) = read_script.clone().definition(platform) else { continue };
        let service = &definition.services[0];
        assert_eq!(service.name.as_str(), read_script.variables.service_name);
        let hosted = service.hosted().expect("a script is run by a host");
        assert!(hosted.program.command.contains(&read_script.variables.script));
    }
}
