//! That every dependency may be used by a project under MIT or Apache-2.0.

use crate::{Outcome, metadata};

/// Licences whose terms a user of ours keeps by keeping ours.
const ACCEPTED: &[&str] = &[
    "MIT",
    "MIT-0",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-1-Clause",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Zlib",
    "0BSD",
    "BSL-1.0",
    "CC0-1.0",
    "Unicode-3.0",
    "Unlicense",
];

/// Fails if a dependency has no licence, or none that is accepted.
pub(crate) fn check() -> Outcome {
    let packages = metadata::packages()?;
    let mut wrong = Vec::new();
    let mut seen = std::collections::BTreeMap::new();
    for package in packages.iter().filter(|package| !package.is_member) {
        let licence = package.licence.as_deref().unwrap_or("none");
        *seen.entry(licence).or_insert(0) += 1;
        if !is_accepted(licence) {
            wrong.push(format!("{} {}: {licence}", package.name, package.version));
        }
    }
    for licence in ["LICENSE-MIT", "LICENSE-APACHE"] {
        if !crate::shell::root().join(licence).is_file() {
            wrong.push(format!("{licence} is missing"));
        }
    }
    if !wrong.is_empty() {
        return Err(format!("licences that are not accepted:\n  {}", wrong.join("\n  ")));
    }
    println!("licences: {} packages under {} licences, all accepted", seen.values().sum::<i32>(), seen.len());
    Ok(())
}

/// Whether an SPDX expression can be met with accepted licences only.
fn is_accepted(expression: &str) -> bool {
    let expression = expression.replace('/', " OR ");
    let words: Vec<&str> = expression.split_whitespace().collect();
    let mut tokens = Vec::new();
    for word in words {
        let inner = word.trim_start_matches('(');
        tokens.extend(std::iter::repeat_n("(", word.len() - inner.len()));
        let bare = inner.trim_end_matches(')');
        tokens.push(bare);
        tokens.extend(std::iter::repeat_n(")", inner.len() - bare.len()));
    }
    let mut rest = tokens.as_slice();
    any(&mut rest) && rest.is_empty()
}

fn any(tokens: &mut &[&str]) -> bool {
    let mut holds = all(tokens);
    while let ["OR", rest @ ..] = *tokens {
        *tokens = rest;
        holds |= all(tokens);
    }
    holds
}

fn all(tokens: &mut &[&str]) -> bool {
    let mut holds = one(tokens);
    while let ["AND", rest @ ..] = *tokens {
        *tokens = rest;
        holds &= one(tokens);
    }
    holds
}

fn one(tokens: &mut &[&str]) -> bool {
    match *tokens {
        ["(", rest @ ..] => {
            *tokens = rest;
            let holds = any(tokens);
            match *tokens {
                [")", rest @ ..] => {
                    *tokens = rest;
                    holds
                }
                _ => false,
            }
        }
        [name, "WITH", exception, rest @ ..] => {
            *tokens = rest;
            ACCEPTED.contains(name) || ACCEPTED.contains(&format!("{name} WITH {exception}").as_str())
        }
        [name, rest @ ..] => {
            *tokens = rest;
            ACCEPTED.contains(name)
        }
        [] => false,
    }
}

#[cfg(test)]
mod tests {
    use super::is_accepted;

    #[test]
    fn a_choice_needs_one_good_licence_and_a_sum_needs_all() {
        assert!(is_accepted("MIT OR GPL-3.0-only"));
        assert!(is_accepted("(MIT OR Apache-2.0) AND Unicode-3.0"));
        assert!(is_accepted("MIT/Apache-2.0"));
        assert!(is_accepted("Apache-2.0 WITH LLVM-exception OR GPL-2.0"));
        assert!(!is_accepted("MIT AND GPL-3.0-only"));
        assert!(!is_accepted("(GPL-2.0 OR LGPL-2.1) AND MIT"));
        assert!(!is_accepted("none") && !is_accepted("") && !is_accepted("(MIT"));
    }
}
