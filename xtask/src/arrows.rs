//! Which crate may use which.

use crate::{Outcome, metadata};

/// The arrows of the architecture; a crate that is not here may use none of the others.
const ARROWS: &[(&str, &[&str])] = &[
    ("svckit-core", &[]),
    ("svckit-scmr", &["svckit-core"]),
    ("svckit-os", &["svckit-core"]),
    ("svckit-recipe", &["svckit-core"]),
    ("svckit-host", &["svckit-os", "svckit-core"]),
    ("svckit-engine", &["svckit-host", "svckit-scmr", "svckit-os", "svckit-core"]),
    ("svckit-manager", &["svckit-scmr", "svckit-os", "svckit-core"]),
    ("svckit", &["svckit-manager", "svckit-recipe", "svckit-host", "svckit-engine", "svckit-core"]),
    ("svckit-testkit", &["svckit-os", "svckit-core"]),
    ("xtask", &["svckit-manager", "svckit-testkit", "svckit-scmr", "svckit-core"]),
];

/// What the model's crates may not touch: without I/O, clock and system they can be used and tested anywhere.
const PURE: &[&str] = &["svckit-core", "svckit-scmr", "svckit-recipe"];

/// Crates that mean I/O, threads or the system.
const IMPURE: &[&str] = &["libc", "rustix", "nix", "tokio", "mio", "rusqlite", "windows-sys", "tempfile"];

/// Fails on any arrow that is not in the list. What only tests need (dev-dependencies) doesn't count.
pub(crate) fn check() -> Outcome {
    let packages = metadata::packages()?;
    let members: Vec<_> = packages.iter().filter(|package| package.is_member).collect();
    let mut wrong = Vec::new();
    for package in &members {
        let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == package.name) else {
            wrong.push(format!("{} is in no arrow", package.name));
            continue;
        };
        for needed in &package.needs {
            let is_ours = members.iter().any(|member| member.name == *needed);
            if is_ours && !allowed.contains(&needed.as_str()) {
                wrong.push(format!("{} → {needed}", package.name));
            }
            if PURE.contains(&package.name.as_str()) && IMPURE.contains(&needed.as_str()) {
                wrong.push(format!("{} → {needed}, which does I/O", package.name));
            }
        }
    }
    if !wrong.is_empty() {
        return Err(format!("arrows that the architecture doesn't have:\n  {}", wrong.join("\n  ")));
    }
    println!("arrows: {} crates, every one as the architecture has it", members.len());
    Ok(())
}
