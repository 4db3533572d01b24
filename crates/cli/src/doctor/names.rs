//! Names of hosts at which services say that they are ready: whether they have addresses.

use std::net::IpAddr;

use svckit_recipe::doctor::Finding;
use svckit_recipe::lint::Severity;

use super::Patient;
use super::census::Census;
use super::show::Section;
use crate::app::App;
use crate::failure::Failure;
use crate::resolve::{LIMIT, Lookup};
use svckit_core::sort;

/// What is found, if something is.
pub(super) fn look(app: &App, census: &Census, patients: &[Patient]) -> Result<Option<Section>, Failure> {
    let asked = patients.iter().filter_map(|patient| {
        let installed = census.of(&patient.name).and_then(|(one, _)| one.definition.as_ref());
        let installed = installed.and_then(|host| host.ready.as_ref()?.when.address());
        let tcp = patient.ready.clone().or(installed)?;
        let host = host(&tcp)?.to_owned();
        Some((&patient.name, tcp, host))
    });
    let asked: Vec<_> = asked.collect();
    let mut hosts: Vec<String> = asked.iter().map(|(.., host)| host.clone()).collect();
    sort::by(&mut hosts, Ord::cmp);
    hosts.dedup();
    let found =
        (app.surroundings.resolve)(&hosts).map_err(|error| Failure::io("cannot look names up", error))?;
    let finding = |(name, tcp, host): &(&_, String, String)| {
        let message = match &found[hosts.binary_search(host).ok()?] {
            Lookup::Found => return None,
            Lookup::Nothing(why) => format!("{host:?} has no address: {why}"),
            Lookup::Late => format!("whether {host:?} has an address is not told within {LIMIT:?}"),
        };
        let help =
            "write an address of this machine, such as tcp = \"127.0.0.1:PORT\", or make the name known";
        Some(Finding::new(Severity::Error, "ready-name", message).at(tcp.clone()).help(help).of(name))
    };
    let findings: Vec<_> = asked.iter().filter_map(finding).collect();
    Ok((!findings.is_empty()).then(|| Section::new("names in ready", findings)))
}

/// The host of an address, if it is a name.
fn host(tcp: &str) -> Option<&str> {
    let (host, _) = tcp.rsplit_once(':')?;
    let is_number = host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
    (!is_number).then_some(host)
}
