//! What is installed, beside what is there: the image path and the file of the definition.

use super::{Drift, Facts, Finding, Image};
use crate::lint::Severity;
use crate::platform::Platform;

pub(super) fn image(facts: &Facts) -> Vec<Finding> {
    let Image::Broken { reason, meant } = &facts.image else { return Vec::new() };
    let path = facts.config.image_path.as_str();
    let help = match meant {
        Some(meant) => {
            format!("quote it: svc sc config {} binPath= \"\\\"{}\\\" …\"", facts.name, meant.display())
        }
        None if facts.host.is_some() => {
            "put svc back where it was, or run svc update DEF with the svc that shall host it".to_owned()
        }
        None => format!("svc sc config {} binPath= … names another program", facts.name),
    };
    vec![Finding::new(Severity::Error, "image", reason.clone()).at(path).help(help)]
}

/// Windows tries a path with blanks that nobody quoted from its first word on, so that another program can be put there.
pub(super) fn unquoted(facts: &Facts) -> Vec<Finding> {
    let path = facts.config.image_path.as_str().trim_start();
    let Some(program) = facts.config.image_path.unquoted_program() else { return Vec::new() };
    if facts.platform != Platform::Windows || !program.contains('\\') {
        return Vec::new();
    }
    let first = program.split(' ').next().unwrap_or_default();
    let message =
        format!("its image path has blanks and is not quoted, so {first}.exe would be run if it were there");
    let rest = &path[program.len()..];
    let help = format!("svc sc config {} binPath= \"\\\"{program}\\\"{rest}\"", facts.name);
    vec![Finding::new(Severity::Warning, "image-unquoted", message).at(path).help(help)]
}

pub(super) fn other_build(facts: &Facts) -> Vec<Finding> {
    let Image::OtherBuild(path) = &facts.image else { return Vec::new() };
    let message = "it is hosted by another build of svc than this one";
    let help = "svc update DEF with the svc that shall host it, then svc restart";
    vec![Finding::new(Severity::Hint, "other-build", message).at(path.display().to_string()).help(help)]
}

pub(super) fn drift(facts: &Facts) -> Vec<Finding> {
    let found = |severity, rule, message: String, path: &std::path::Path| {
        Finding::new(severity, rule, message).at(path.display().to_string())
    };
    let one = match &facts.drift {
        Drift::None => return Vec::new(),
        Drift::Gone(path) => {
            let message = "the file that it was installed from isn't there any more".to_owned();
            let help = format!("svc export {} prints what is installed", facts.name);
            found(Severity::Hint, "definition-gone", message, path).help(help)
        }
        Drift::Undefined(path) => {
            let message = "the file that it was installed from doesn't define it any more".to_owned();
            let help = format!("svc remove {}, or svc apply --prune, if it shall go", facts.name);
            found(Severity::Warning, "drift", message, path).help(help)
        }
        Drift::Wrong(path, first) => {
            let message = format!("the file that it was installed from has mistakes: {first}");
            let help = format!("svc lint {}", path.display());
            found(Severity::Warning, "drift", message, path).help(help)
        }
        Drift::Fields(path, lines) => {
            let count =
                if lines.len() == 1 { "1 field".to_owned() } else { format!("{} fields", lines.len()) };
            let message = format!("the file that it was installed from says otherwise now, in {count}");
            let help =
                format!("svc update {} takes it over, then svc restart {}", path.display(), facts.name);
            found(Severity::Warning, "drift", message, path).help(help).noting(lines)
        }
    };
    vec![one]
}
