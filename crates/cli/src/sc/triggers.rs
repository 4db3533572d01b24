//! The triggers of `triggerinfo`: `start/domainjoin`, `start/portopen/80;TCP`.

use svckit_core::trigger::{MAX_TRIGGERS, Trigger, TriggerTextError};

use super::words::Words;
use super::wrong::Wrong;

/// How triggers are written.
pub(super) const USAGE: &str = "NAME delete | ACTION/EVENT…: start/device/CLASS/ID… start/networkon stop/networkoff start/domainjoin \
    stop/domainleave start/portopen/PORT;PROTOCOL;PROGRAM;SERVICE stop/portclose/… start/machinepolicy start/userpolicy \
    start/rpcinterface/UUID start/namedpipe/NAME start/tcp/[ADDRESS:]PORT start|stop/custom/PROVIDER/HEX start|stop/strcustom/PROVIDER/TEXT \
    start|stop/lvlcustom/PROVIDER/LEVEL start|stop/kwanycustom|kwallcustom/PROVIDER/KEYWORDS";

/// Reads all triggers, which take the place of those before; `delete` alone: none.
pub(super) fn read(words: &mut Words<'_>) -> Result<Vec<Trigger>, Wrong> {
    let first = words.required("a trigger, or delete,")?;
    if first.eq_ignore_ascii_case("delete") {
        words.end()?;
        return Ok(Vec::new());
    }
    let rest = words.all();
    let all = std::iter::once(first).chain(rest.iter().map(String::as_str));
    let triggers: Vec<_> = all
        .map(|text| {
            text.parse()
                .map_err(|error: TriggerTextError| words.misuse(format!("the trigger {text:?}: {error}")))
        })
        .collect::<Result<_, _>>()?;
    if triggers.len() > MAX_TRIGGERS {
        return Err(Wrong::usage(format!("a service has at most {MAX_TRIGGERS} triggers")));
    }
    Ok(triggers)
}
