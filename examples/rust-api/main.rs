//! What the Rust API does with a service that is there: describes it, has it started with the system, and starts it anew.
//!
//! ```console
//! $ cargo run -p svckit-testkit --example rust-api -- embedded:/home/ann/.local/state/svckit web
//! ```

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "it is a program for the console")]

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use svckit_core::config::Config2Change;
use svckit_core::kind::{ServiceType, StartType};
use svckit_core::wait::Limits;
use svckit_manager::Target;
use svckit_manager::entity::ServiceManager;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [target, name] = arguments.as_slice() else {
        return Err("two arguments are needed: a service control manager and a service".into());
    };
    let manager = ServiceManager::connect(&Target::parse(target, Path::new("."))?)?;
    let mut service = manager.service(name)?;

    service.set(StartType::AUTO_START);
    service.set(Config2Change::Description(Some("Looked after by a program".to_owned())));
    println!("changed: {}", service.save(None)?.changed.join(", "));

    // A minute for each of stop and start, whatever progress there is.
    let minute = Duration::from_secs(60);
    service.set_limits(Limits { total: Some(minute), patience: minute });
    println!("{name} is {} again", service.restart(&[])?.state);
    println!("its security identifier is {}", service.sid());

    for found in manager.statuses(ServiceType::WIN32)? {
        println!("{}: {}", found.name, found.status.state);
    }
    Ok(())
}
