//! `svc completions` and `svc man`, made from the command line's own description, and `svc schema`, made from that of the definition file.

use std::path::Path;

use clap::CommandFactory;

use crate::app::App;
use crate::args::Cli;
use crate::failure::Failure;

pub(crate) fn completions(app: &mut App, shell: clap_complete::Shell) -> Result<(), Failure> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "svc", &mut text);
    app.ui.out().write_all(&text)?;
    Ok(())
}

/// What `cargo xtask docs` made of the keys of the definition file.
pub(crate) const SCHEMA: &str = include_str!("../../../../docs/reference/definition.schema.json");

pub(crate) fn schema(app: &mut App) -> Result<(), Failure> {
    app.ui.out().write_all(SCHEMA.as_bytes())?;
    Ok(())
}

/// The page of `svc` on standard output, or every page in a folder.
pub(crate) fn man(app: &mut App, directory: Option<&Path>) -> Result<(), Failure> {
    let Some(directory) = directory else {
        let mut text = Vec::new();
        clap_mangen::Man::new(Cli::command()).render(&mut text)?;
        app.ui.out().write_all(&text)?;
        return Ok(());
    };
    let written =
        std::fs::create_dir_all(directory).and_then(|()| clap_mangen::generate_to(Cli::command(), directory));
    written.map_err(|error| {
        Failure::io(format!("cannot write manual pages into {}", directory.display()), error)
    })?;
    app.ui.say(format!("wrote manual pages into {}", directory.display()))
}
