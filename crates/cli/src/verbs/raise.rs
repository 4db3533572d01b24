//! `svc raise`: an event of a provider, which starts and stops the services that have triggers for it.

use serde_json::json;
use svckit_core::native::{Reply, Request};
use svckit_core::trigger::{Raised, TriggerData};

use crate::app::App;
use crate::args::Raise;
use crate::failure::Failure;

pub(crate) fn run(app: &mut App, arguments: &Raise) -> Result<(), Failure> {
    const OPERATION: &str = "raise event";
    let Raise { provider, text, hex, level, keywords } = arguments;
    let data = match (text, hex) {
        (Some(text), _) => TriggerData::strings(&[text]).data,
        (None, Some(hex)) => hex.0.clone(),
        (None, None) => Vec::new(),
    };
    let raised = Raised { provider: *provider, data, level: *level, keywords: *keywords };
    let Reply::Raised { started, stopped } = app.native(OPERATION, None, Request::Raise(raised))? else {
        return Err(app.unexpected(OPERATION).into());
    };
    if app.ui.json {
        return app.ui.print_json(&json!({ "started": started, "stopped": stopped }));
    }
    for name in &started {
        app.ui.say(format!("{name} is being started"))?;
    }
    for name in &stopped {
        app.ui.say(format!("{name} is being stopped"))?;
    }
    if started.is_empty() && stopped.is_empty() {
        app.ui.say("no service had to be started or stopped")?;
    }
    Ok(())
}
