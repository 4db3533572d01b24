//! Writing the documents that are generated.

use crate::{Outcome, shell};

/// Has the tests write the files that they compare otherwise: they know the keys of the definition file, and the operations of the resource of DSC.
pub(crate) fn write() -> Outcome {
    let mut keys = shell::cargo();
    keys.args(["test", "--package", "svckit-recipe", "--lib", "--quiet", "--"]);
    keys.args(["--exact", "toml::reference::tests::the_files_are_what_the_table_says"]);
    shell::run(keys.env("SVCKIT_WRITE_DOCS", "1"))?;
    let mut manifest = shell::cargo();
    manifest.args(["test", "--package", "svckit", "--bin", "svc", "--quiet", "--"]);
    manifest.args(["--exact", "dsc::manifest::tests::the_manifest_is_that_of_the_integration"]);
    shell::run(manifest.env("SVCKIT_WRITE_DOCS", "1"))
}
