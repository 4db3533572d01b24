//! Any text is a definition or a list of what is wrong with it, with places that are in the text; a definition is written as one that is read as the same.

use std::path::Path;

use svckit_core::image_path::ImagePath;
use svckit_recipe::toml::{parse, write};
use svckit_recipe::{Platform, ServiceDefinition};

pub(crate) fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    for platform in [Platform::Unix, Platform::Windows] {
        check_for(text, platform);
    }
}

fn check_for(text: &str, platform: Platform) {
    match parse("/folder/service.toml", text, platform) {
        Err(diagnostics) => {
            let lines = text.split('\n').count();
            assert!(diagnostics.iter().count() > 0, "a refusal says why");
            for diagnostic in diagnostics.iter() {
                assert!(!diagnostic.message.is_empty());
                if let Some(place) = &diagnostic.place {
                    assert!((1..=lines).contains(&place.line), "line {} of {lines}", place.line);
                    assert!(place.column >= 1 && place.length >= 1);
                }
                assert!(diagnostic.to_string().contains("service.toml"));
            }
        }
        Ok(definition) => {
            for service in &definition.services {
                let image = ImagePath::new("svc host run").expect("it is one");
                assert_eq!(service.new_service(image, None).name, service.name);
                assert_eq!(service.config2().len(), 10);
                let host = service.host(Path::new("/state/logs/x.log"), Path::new("/folder/service.toml"));
                assert_eq!(host.is_none(), service.binary_path().is_some(), "a host, or none");
                let Some(host) = host else { continue };
                assert!(!host.program.command.is_empty(), "there is something to run");
                let json = serde_json::to_vec(&host).expect("a definition can be stored");
                let read = serde_json::from_slice::<svckit_core::definition::HostDefinition>(&json);
                assert_eq!(read.expect("what was stored can be read"), host);
            }
            for finding in svckit_recipe::lint::lint(&definition, platform) {
                assert!(finding.diagnostic.place.is_some(), "{} is somewhere", finding.rule);
            }
            is_written(&definition.services, platform);
        }
    }
}

/// Writing proves itself that what it writes is read as the same; what was read can always be written, and in one way only.
fn is_written(services: &[ServiceDefinition], platform: Platform) {
    if !Path::new("/folder").is_absolute() {
        return;
    }
    let text = write(services, platform).expect("what was read can be written");
    let again = parse("/folder/service.toml", text.as_str(), platform).expect("what was written can be read");
    assert_eq!(write(&again.services, platform).as_deref(), Ok(text.as_str()));
}
