//! What `cargo metadata` knows of the workspace.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde_json::Value;

use crate::{Outcome, shell};

/// A package, of the workspace or one that it depends on.
#[derive(Debug)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) licence: Option<String>,
    pub(crate) folder: PathBuf,
    /// The roots of its library, programs and build script.
    pub(crate) roots: Vec<PathBuf>,
    pub(crate) is_member: bool,
    /// The packages that it needs to be built, by name.
    pub(crate) needs: BTreeSet<String>,
}

/// Every package that the workspace is built or tested from.
pub(crate) fn packages() -> Outcome<Vec<Package>> {
    let json = shell::output(shell::cargo().args(["metadata", "--format-version=1", "--locked"]))?;
    let metadata: Value = serde_json::from_str(&json).map_err(|error| format!("cargo metadata: {error}"))?;
    let members: BTreeSet<&str> = list(&metadata["workspace_members"]).filter_map(Value::as_str).collect();
    let names: BTreeMap<&str, &str> =
        list(&metadata["packages"]).map(|package| (text(&package["id"]), text(&package["name"]))).collect();
    let mut needs: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for node in list(&metadata["resolve"]["nodes"]) {
        let needed = list(&node["deps"])
            .filter(|dependency| list(&dependency["dep_kinds"]).any(|kind| kind["kind"] != "dev"))
            .filter_map(|dependency| names.get(text(&dependency["pkg"])))
            .map(|name| (*name).to_owned());
        needs.insert(text(&node["id"]), needed.collect());
    }
    Ok(list(&metadata["packages"])
        .filter(|package| needs.contains_key(text(&package["id"])))
        .map(|package| Package {
            name: text(&package["name"]).to_owned(),
            version: text(&package["version"]).to_owned(),
            licence: package["license"].as_str().map(str::to_owned),
            folder: PathBuf::from(text(&package["manifest_path"])).with_file_name(""),
            roots: list(&package["targets"])
                .filter(|target| list(&target["kind"]).any(|kind| kind == "lib" || kind == "bin"))
                .map(|target| PathBuf::from(text(&target["src_path"])))
                .collect(),
            is_member: members.contains(text(&package["id"])),
            needs: needs.get(text(&package["id"])).cloned().unwrap_or_default(),
        })
        .collect())
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
