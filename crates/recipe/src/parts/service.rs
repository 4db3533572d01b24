//! A part as a service of svckit's own host: it needs no script to be generated, and so no run before it.

use crate::buildout::Configuration;
use crate::definition::Definition;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::platform::Platform;
use crate::winservice::{self, RECIPE, Spans};

use super::wanted::Wanted;

/// The parts of a configuration that are services.
///
/// # Errors
/// If the parts or the recipe of one can't be told.
pub fn services(configuration: &Configuration) -> Result<Vec<String>, Diagnostic> {
    let mut services = Vec::new();
    for part in configuration.parts()? {
        let recipe = configuration.value(&part, "recipe")?;
        if recipe.is_some_and(|recipe| recipe.trim() == RECIPE) {
            services.push(part);
        }
    }
    Ok(services)
}

/// The service that a part describes, whether it is installed as a part or not. What its script is is not looked at: that it is there is a matter of the machine.
///
/// # Errors
/// Everything that is wrong with the part, and what the platform has no service for.
pub fn service(
    configuration: &Configuration,
    part: &str,
    platform: Platform,
) -> Result<Definition, Diagnostics> {
    let wanted = Wanted::of(configuration, &[part.to_owned()], platform)?;
    let Some(chosen) = wanted.parts.first() else {
        return Err(configuration
            .diagnostic("buildout", "parts", format!("there is no part {part:?}"), None)
            .into());
    };
    let outcome = winservice::plan(&chosen.recipe_options(&wanted), |_| true).map_err(|problem| {
        configuration.diagnostic(part, problem.option.unwrap_or("recipe"), problem.message, problem.help)
    })?;
    let span = |section: &str, option| configuration.span(section, option).unwrap_or_default();
    let is_written =
        |option: &&str| configuration.options(part).is_some_and(|mut all| all.any(|one| one == *option));
    let script = ["runzope", "runscript"].into_iter().find(is_written).unwrap_or("recipe");
    let spans = Spans {
        python: span("buildout", "executable"),
        script: span(part, script),
        parameters: span(part, "parameters"),
        service_name: span(part, "serviceName"),
        service_display_name: span(part, "name"),
        service_description: span(part, "description"),
        instance_home: span("buildout", "directory"),
    };
    winservice::definition(&outcome.native_variables(), configuration.source(), &spans, platform)
}
