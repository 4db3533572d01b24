//! What only this machine can tell: is the folder there, can the program be run, are the dependencies installed?

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use svckit_core::access::ManagerAccess;
use svckit_core::definition::{PasswordSource, SecretSource};
use svckit_core::name::{Dependency, ServiceName};
use svckit_core::win32::Win32Error;
use svckit_host::program::{self, ProgramError};
use svckit_recipe::lint::{Finding, Severity};
use svckit_recipe::winservice::Problem;
use svckit_recipe::{Definition, Diagnostic, Diagnostics, Hosted, Platform, ServiceDefinition};

use crate::app::App;
use crate::builtin::{self, Deed, are_others_let};
use crate::failure::{Failure, plain};

/// Completes a definition with what the machine knows: each program's path. Everything that is wrong is told, at its place in the file.
pub(crate) fn on_this_machine(definition: &mut Definition) -> Result<(), Failure> {
    let wrong = complete(definition).into_iter().map(|finding| finding.diagnostic).collect();
    Diagnostics::new(wrong).map_or(Ok(()), |wrong| Err(wrong.into()))
}

/// The same for services that are to be installed. Of another machine nothing is known: what isn't there is told by its host when the service starts.
pub(crate) fn where_it_runs(app: &App, definition: &mut Definition) -> Result<(), Failure> {
    if app.surroundings.is_elsewhere { Ok(()) } else { on_this_machine(definition) }
}

/// The same as on this machine, with the rule that says so of each thing that is wrong.
pub(crate) fn complete(definition: &mut Definition) -> Vec<Finding> {
    let mut wrong = Vec::new();
    for index in 0..definition.services.len() {
        let service = &definition.services[index];
        let mut tell = |rule, diagnostic| {
            let service = Some(service.name.clone());
            wrong.push(Finding { severity: Severity::Error, rule, service, diagnostic });
        };
        password(definition, service).into_iter().for_each(|one| tell("secret", one));
        // Nothing is looked up of what the service control manager starts by itself.
        let Some(hosted) = service.hosted() else { continue };
        directory(definition, service, hosted).into_iter().for_each(|one| tell("directory", one));
        environment_files(definition, service, hosted)
            .into_iter()
            .for_each(|one| tell("environment-file", one));
        secrets(definition, service, hosted).into_iter().for_each(|one| tell("secret", one));
        if let Some(missing) = script(definition, service, hosted) {
            // Without it nothing more is to be known of the program.
            tell("script", missing);
            continue;
        }
        match find_program(hosted) {
            Ok(path) => {
                if let Some(hosted) = definition.services[index].hosted_mut() {
                    hosted.program.command[0] = path;
                }
            }
            Err(error) => {
                let help = program_help(service, hosted, &error);
                tell("program", definition.diagnostic(service.places.run, error.to_string(), help));
            }
        }
    }
    wrong
}

/// The path of the program as text.
fn find_program(hosted: &Hosted) -> Result<String, ProgramError> {
    let found = program::find(&hosted.program.command[0], &search_path(hosted))?;
    found.into_os_string().into_string().map_err(|path| ProgramError::Missing(path.into()))
}

/// The folders that a program is looked for in: the `PATH` of the definition, else that of this process.
pub(crate) fn search_path(hosted: &Hosted) -> OsString {
    let is_path = |name: &str| builtin::PLATFORM.is_same_variable(name, "PATH");
    let set = hosted.program.environment.iter().find(|(name, _)| is_path(name));
    let search = set.map(|(_, value)| OsString::from(value));
    search.or_else(|| std::env::var_os("PATH")).unwrap_or_default()
}

fn program_help(service: &ServiceDefinition, hosted: &Hosted, error: &ProgramError) -> Option<String> {
    if let (ProgramError::Missing(_), Some(whole)) = (error, unquoted(hosted)) {
        return Some(format!("for {} write it as one string of the list, or quoted", whole.display()));
    }
    if service.places.script.is_some_and(|(word, _)| word > 0) {
        let help = "what runs the script is executable in [buildout] of a part, PYTHON in a service script";
        return Some(help.to_owned());
    }
    Some(match error {
        ProgramError::Missing(path) => {
            let folder = path.parent().unwrap_or(Path::new("/"));
            if folder.is_dir() {
                "a path in \"run\" is relative to \"directory\"".to_owned()
            } else {
                format!("the folder {} isn't there either", folder.display())
            }
        }
        ProgramError::NotFound(name) if hosted.program.directory.join(name).is_file() => {
            format!("for the file in its directory write \"./{name}\"")
        }
        ProgramError::NotFound(_) => "install it, or give its path".to_owned(),
        ProgramError::Folder(_) => "\"run\" is the program and its arguments".to_owned(),
        ProgramError::NotExecutable(_) if builtin::PLATFORM == Platform::Windows => {
            "name the program that interprets it first".to_owned()
        }
        ProgramError::NotExecutable(path) => {
            format!("chmod +x {}, or name the program that interprets it first", path.display())
        }
    })
}

/// The program that is there if what was taken for its first arguments is part of its path.
pub(crate) fn unquoted(hosted: &Hosted) -> Option<PathBuf> {
    let command = &hosted.program.command;
    if !command[0].contains(std::path::is_separator) {
        return None;
    }
    let longer = (2..=command.len()).map(|words| PathBuf::from(command[..words].join(" ")));
    longer.into_iter().find(|path| program::check(path).is_ok())
}

/// The file that the program runs, which a part or a service script names.
fn script(definition: &Definition, service: &ServiceDefinition, hosted: &Hosted) -> Option<Diagnostic> {
    let (word, span) = service.places.script?;
    let file = hosted.program.command.get(word)?;
    if Path::new(file).is_file() {
        return None;
    }
    let Problem { message, help, .. } = Problem::missing_script(file, builtin::PLATFORM);
    Some(definition.diagnostic(span, message, help))
}

fn directory(definition: &Definition, service: &ServiceDefinition, hosted: &Hosted) -> Option<Diagnostic> {
    let directory = &hosted.program.directory;
    let message = match std::fs::metadata(directory) {
        Ok(metadata) if metadata.is_dir() => return None,
        Ok(_) => format!("{} is not a folder", directory.display()),
        Err(error) => format!("cannot use the directory {}: {}", directory.display(), plain(&error)),
    };
    let span = service.places.directory.unwrap_or(service.places.name);
    // That of a part or a service script never is.
    let is_relative = service.places.script.is_none();
    let help = is_relative.then(|| "it is relative to the folder of the definition".to_owned());
    Some(definition.diagnostic(span, message, help))
}

fn environment_files(
    definition: &Definition,
    service: &ServiceDefinition,
    hosted: &Hosted,
) -> Vec<Diagnostic> {
    let files = hosted.program.environment_files.iter().zip(&service.places.environment_files);
    files
        .filter_map(|(file, span)| {
            let error = std::fs::File::open(file).err()?;
            let message = format!("cannot read the environment file {}: {}", file.display(), plain(&error));
            Some(definition.diagnostic(*span, message, None))
        })
        .collect()
}

/// Secrets that the host would refuse, or not find.
fn secrets(definition: &Definition, service: &ServiceDefinition, hosted: &Hosted) -> Vec<Diagnostic> {
    let wrong = |(name, SecretSource::File(file)): (&String, &SecretSource)| {
        let shown = file.display();
        let (problem, help) = match std::fs::metadata(file) {
            Err(error) => (plain(&error), None),
            Ok(metadata) if !metadata.is_file() => ("it is no file".to_owned(), None),
            Ok(_) if are_others_in(file) => {
                ("everybody may read or change it".to_owned(), Some(format!("chmod o= {shown}")))
            }
            Ok(_) => return None,
        };
        let span = service.places.environment.get(name).copied().unwrap_or(service.places.name);
        Some(definition.diagnostic(span, format!("cannot use the secret in {shown}: {problem}"), help))
    };
    hosted.program.secrets.iter().filter_map(wrong).collect()
}

/// A password that others may see. It is read when it is needed, and may be away else.
fn password(definition: &Definition, service: &ServiceDefinition) -> Option<Diagnostic> {
    let Some(PasswordSource::File(file)) = &service.password else { return None };
    if !are_others_in(file) {
        return None;
    }
    let message = format!("cannot use the password in {}: everybody may read or change it", file.display());
    let span = service.places.password.unwrap_or(service.places.name);
    Some(definition.diagnostic(span, message, Some(format!("chmod o= {}", file.display()))))
}

/// Whether everybody may read or change a file.
pub(crate) fn are_others_in(file: &Path) -> bool {
    [Deed::Read, Deed::Write].into_iter().any(|deed| are_others_let(deed, file))
}

/// Every dependency is in the file or installed; if not, what Windows would answer at the start (1075) is told now.
pub(crate) fn dependencies(app: &mut App, definition: &Definition) -> Result<(), Failure> {
    let wrong = unknown_dependencies(definition, |name| {
        Ok(definition.service(name).is_some() || is_installed(app, name)?)
    })?;
    Diagnostics::new(wrong).map_or(Ok(()), |wrong| Err(wrong.into()))
}

/// Whether a service is there. Its display name is told to everybody, also to who may not read the service.
pub(crate) fn is_installed(app: &mut App, name: &ServiceName) -> Result<bool, Failure> {
    match app.manager(ManagerAccess::CONNECT)?.display_name(name.as_str()) {
        Ok(_) => Ok(true),
        Err(error) if error.code == Win32Error::SERVICE_DOES_NOT_EXIST => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// The dependencies on services that nobody knows, each at its place.
pub(crate) fn unknown_dependencies(
    definition: &Definition,
    mut is_known: impl FnMut(&ServiceName) -> Result<bool, Failure>,
) -> Result<Vec<Diagnostic>, Failure> {
    let mut wrong = Vec::new();
    for service in &definition.services {
        for (dependency, span) in service.dependencies.iter().zip(&service.places.dependencies) {
            let Dependency::Service(name) = dependency else { continue };
            if !is_known(name)? {
                let message = format!("dependency {:?} is neither in this file nor installed", name.as_str());
                let help = "install it first, or remove it from depends-on".to_owned();
                wrong.push(definition.diagnostic(*span, message, Some(help)));
            }
        }
    }
    Ok(wrong)
}
