//! What becomes of the processes that a program has started.

use serde::{Deserialize, Serialize};

use crate::restart::Ended;

/// What becomes of them when the program ends or is ended.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TreePolicy {
    /// They end with it.
    #[default]
    Kill,
    /// Those that run a program of one of these names (or that look so: [`crate::pattern`]) go on, with what they have started.
    Leave(Vec<String>),
    /// The program may be a launcher: when it ends well and something of it stays, that is the program from then on.
    Follow,
}

impl TreePolicy {
    /// Whether all of them end with it.
    pub fn is_kill(&self) -> bool {
        *self == Self::Kill
    }

    /// The names of those that go on.
    pub fn left(&self) -> &[String] {
        match self {
            Self::Leave(names) => names,
            Self::Kill | Self::Follow => &[],
        }
    }

    /// Whether what stays of a program that ended so is to be followed.
    pub fn follows(&self, how: Ended) -> bool {
        *self == Self::Follow && how == Ended::Code(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_ends_well_is_followed() {
        let follows = |how| TreePolicy::Follow.follows(how);
        assert!(follows(Ended::Code(0)) && !follows(Ended::Code(1)) && !follows(Ended::Signal(9)));
        assert!(!TreePolicy::Kill.follows(Ended::Code(0)));
        assert!(!TreePolicy::Leave(Vec::new()).follows(Ended::Code(0)));
    }

    #[test]
    fn policies_are_stored_by_name() {
        for (policy, text) in [
            (TreePolicy::Kill, r#""kill""#),
            (TreePolicy::Leave(vec!["updater".to_owned()]), r#"{"leave":["updater"]}"#),
            (TreePolicy::Follow, r#""follow""#),
        ] {
            assert_eq!(serde_json::to_string(&policy).unwrap(), text);
            assert_eq!(serde_json::from_str::<TreePolicy>(text).unwrap(), policy);
        }
    }
}
