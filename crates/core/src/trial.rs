//! Whether a password may be tried on one more machine.
//!
//! Machines may share the account: each that is told a wrong password counts, and after a few the account is locked. So the first machine is asked alone; once one has let in who comes, the others are asked
//! together, and the first refusal stops whoever wasn't asked yet. Who was let in by a machine may go there again, whatever others say.

use std::collections::BTreeSet;

/// What is known of a user and a password.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trial {
    opinion: Opinion,
    /// Who let in.
    let_in: BTreeSet<String>,
    /// Who was not asked because of a refusal.
    left_out: BTreeSet<String>,
}

/// What machines have said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
enum Opinion {
    /// None of them anything.
    #[default]
    Unknown,
    /// One is being asked, on so many connections.
    Asking { machine: String, connections: usize },
    /// One let in who came.
    Good,
    /// One did not.
    Refused { machine: String },
}

/// What somebody who comes with the password is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    /// Try it.
    Go,
    /// Wait for what this machine says.
    Wait(String),
    /// Leave it: this machine let nobody in with it.
    Leave(String),
}

/// What came of a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The password is right there.
    LetIn,
    /// It isn't, or the account may not come.
    Refused,
    /// Nothing was said of it.
    Nothing,
}

impl Trial {
    /// Whether the password may be tried on a machine now. After `Go` an outcome has to follow.
    pub fn ask(&mut self, machine: &str) -> Turn {
        if self.let_in.contains(machine) {
            return Turn::Go;
        }
        match &mut self.opinion {
            Opinion::Unknown => {
                self.opinion = Opinion::Asking { machine: machine.to_owned(), connections: 1 };
                Turn::Go
            }
            Opinion::Asking { machine: asked, connections } if asked == machine => {
                *connections += 1;
                Turn::Go
            }
            Opinion::Asking { machine: asked, .. } => Turn::Wait(asked.clone()),
            Opinion::Good => Turn::Go,
            Opinion::Refused { machine: by } => {
                let by = by.clone();
                self.left_out.insert(machine.to_owned());
                Turn::Leave(by)
            }
        }
    }

    /// Takes note of what came of a try; whoever waits has to ask again.
    pub fn told(&mut self, machine: &str, outcome: Outcome) {
        match outcome {
            Outcome::LetIn => {
                self.let_in.insert(machine.to_owned());
                if !matches!(self.opinion, Opinion::Refused { .. }) {
                    self.opinion = Opinion::Good;
                }
            }
            Outcome::Refused => {
                self.let_in.remove(machine);
                if !matches!(self.opinion, Opinion::Refused { .. }) {
                    self.opinion = Opinion::Refused { machine: machine.to_owned() };
                }
            }
            Outcome::Nothing => match &mut self.opinion {
                Opinion::Asking { machine: asked, connections } if asked == machine => {
                    *connections -= 1;
                    if *connections == 0 {
                        self.opinion = Opinion::Unknown;
                    }
                }
                _ => {}
            },
        }
    }

    /// Nobody waits any longer for what a machine says. If it says something after all, that counts.
    pub fn give_up(&mut self, machine: &str) {
        if matches!(&self.opinion, Opinion::Asking { machine: asked, .. } if asked == machine) {
            self.opinion = Opinion::Unknown;
        }
    }

    /// Whether a machine was not asked because another refused.
    pub fn is_left_out(&self, machine: &str) -> bool {
        self.left_out.contains(machine)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(machine: &str) -> Turn {
        Turn::Wait(machine.to_owned())
    }

    #[test]
    fn the_first_machine_is_asked_alone_and_all_others_together_after_it() {
        let mut trial = Trial::default();
        assert_eq!(trial.ask("a"), Turn::Go);
        assert_eq!((trial.ask("b"), trial.ask("c")), (wait("a"), wait("a")));
        trial.told("a", Outcome::LetIn);
        assert_eq!((trial.ask("b"), trial.ask("c")), (Turn::Go, Turn::Go));
    }

    #[test]
    fn a_refusal_stops_who_was_not_asked_yet() {
        let mut trial = Trial::default();
        assert_eq!((trial.ask("a"), trial.ask("b")), (Turn::Go, wait("a")));
        trial.told("a", Outcome::Refused);
        assert_eq!(trial.ask("b"), Turn::Leave("a".to_owned()));
        // Also there: it is the same password.
        assert_eq!(trial.ask("a"), Turn::Leave("a".to_owned()));
        assert!(trial.is_left_out("b") && !trial.is_left_out("c"));
    }

    #[test]
    fn a_later_refusal_stops_too_but_not_who_was_let_in() {
        let mut trial = Trial::default();
        assert_eq!(trial.ask("a"), Turn::Go);
        trial.told("a", Outcome::LetIn);
        assert_eq!((trial.ask("b"), trial.ask("c")), (Turn::Go, Turn::Go));
        trial.told("b", Outcome::Refused);
        // That one was under way.
        trial.told("c", Outcome::LetIn);
        assert_eq!((trial.ask("a"), trial.ask("c")), (Turn::Go, Turn::Go));
        assert_eq!(trial.ask("d"), Turn::Leave("b".to_owned()));
        // The account was locked meanwhile; whose word stops the others stays the same.
        trial.told("a", Outcome::Refused);
        assert_eq!(trial.ask("a"), Turn::Leave("b".to_owned()));
    }

    #[test]
    fn a_machine_that_says_nothing_leaves_the_question_to_the_next() {
        let mut trial = Trial::default();
        assert_eq!((trial.ask("a"), trial.ask("a"), trial.ask("b")), (Turn::Go, Turn::Go, wait("a")));
        trial.told("a", Outcome::Nothing);
        assert_eq!(trial.ask("b"), wait("a"), "one of its connections is still open");
        trial.told("a", Outcome::Nothing);
        assert_eq!((trial.ask("b"), trial.ask("a")), (Turn::Go, wait("b")));
        trial.told("b", Outcome::LetIn);
        trial.told("a", Outcome::Nothing);
        assert_eq!(trial.ask("c"), Turn::Go);
    }

    #[test]
    fn what_a_machine_says_that_was_given_up_counts_all_the_same() {
        let mut trial = Trial::default();
        assert_eq!((trial.ask("a"), trial.ask("b")), (Turn::Go, wait("a")));
        trial.give_up("b");
        assert_eq!(trial.ask("b"), wait("a"), "it is another that is asked");
        trial.give_up("a");
        assert_eq!((trial.ask("b"), trial.ask("c")), (Turn::Go, wait("b")));
        trial.told("a", Outcome::Nothing);
        assert_eq!(trial.ask("c"), wait("b"));
        trial.told("a", Outcome::Refused);
        assert_eq!(trial.ask("c"), Turn::Leave("a".to_owned()));
    }
}
