//! How often events may start a service.

use std::collections::VecDeque;
use std::time::Duration;

use crate::time::Tick;

/// So many starts …
const STARTS: usize = 5;
/// … in this time are too many: what is started so often doesn't take the connection that it was started for.
const SPAN: Duration = Duration::from_secs(10);

/// The last starts of a service by connections.
#[derive(Debug, Clone, Default)]
pub struct Pace {
    starts: VecDeque<Tick>,
}

impl Pace {
    /// Counts a start; whether it may be, or is one too many.
    pub fn admit(&mut self, now: Tick) -> bool {
        self.starts.retain(|start| now.since(*start) < SPAN);
        if self.starts.len() >= STARTS {
            return false;
        }
        self.starts.push_back(now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_starts_at_once_are_admitted_and_more_when_time_has_passed() {
        let begin = Tick::default() + Duration::from_secs(100);
        let mut pace = Pace::default();
        assert!((0..STARTS).all(|n| pace.admit(begin + Duration::from_secs(n as u64))));
        assert!(!pace.admit(begin + (SPAN - Duration::from_millis(1))));
        assert!(pace.admit(begin + SPAN));
        assert!(!pace.admit(begin + SPAN), "the second of them is not old enough");
    }
}
