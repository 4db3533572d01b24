//! Writing the documents that are generated.

use crate::{Outcome, shell};

/// Has the test write the files that it compares otherwise: it knows the keys of the definition file.
pub(crate) fn write() -> Outcome {
    let mut test = shell::cargo();
    test.args(["test", "--package", "svckit-recipe", "--lib", "--quiet", "--"]);
    test.args(["--exact", "toml::reference::tests::the_files_are_what_the_table_says"]);
    shell::run(test.env("SVCKIT_WRITE_DOCS", "1"))
}
