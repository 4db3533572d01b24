//! What is shown, and what becomes of it when a key is pressed or news come: a function of both, without terminal, connection or clock.

use std::collections::{BTreeMap, HashSet};

use svckit_core::name::{ServiceName, fold};
use svckit_core::native::{Event, Overview, ServiceUsage, ServiceView};
use svckit_core::sort;
use svckit_core::status::ServiceState;
use svckit_core::time::WallTime;

use crate::report::{ServiceReport, is_trouble};
use crate::top::lines::Lines;
use crate::top::sort::Order;

mod keys;
#[cfg(test)]
mod tests;

/// How many events are kept of a service.
pub(crate) const MOST_EVENTS: usize = 500;

/// A service in its line.
pub(crate) struct Row {
    pub(crate) service: ServiceName,
    pub(crate) report: ServiceReport,
    pub(crate) usage: Option<ServiceUsage>,
    /// Percent of one processor, since the sample before.
    pub(crate) cpu: Option<f64>,
}

/// Whether somebody answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Link {
    Up,
    /// Why not.
    Lost(String),
}

/// What is done to a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    Start,
    Stop,
    Restart,
}

/// What the keyboard is for at the moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Prompt {
    /// Moving about, and orders.
    None,
    /// The text of the filter.
    Filter,
    /// Yes or no.
    Confirm(Deed, ServiceName),
    /// Nothing: the keys are being read about.
    Help,
}

/// What is shown of the selected service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pane {
    Details,
    Logs,
    Events,
}

/// A line for the person at the terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) text: String,
    pub(crate) is_error: bool,
}

/// What is to be done in the world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Errand {
    Quit,
    Do(Deed, ServiceName),
}

/// Everything that is shown.
pub(crate) struct Model {
    pub(crate) target: String,
    /// Folded names of the only services that are shown; absent: all.
    only: Option<HashSet<String>>,
    pub(crate) is_read_only: bool,
    rows: BTreeMap<String, Row>,
    pub(crate) link: Link,
    /// The folded name of the selected service.
    selected: Option<String>,
    pub(crate) filter: String,
    pub(crate) order: Order,
    pub(crate) prompt: Prompt,
    pub(crate) pane: Option<Pane>,
    pub(crate) lines: Lines,
    pub(crate) events: Vec<Event>,
    pub(crate) said: Option<Said>,
    /// How many lines the table has.
    pub(crate) page: usize,
    /// When the last sample was taken.
    sampled_at: Option<u64>,
}

impl Row {
    fn new(view: ServiceView) -> Self {
        let ServiceView { service, display_name, status, host } = view;
        let report = ServiceReport { name: service.to_string(), display_name, status, host };
        Self { service, report, usage: None, cpu: None }
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.report.host.as_ref().is_some_and(|host| host.state.ready)
    }

    pub(crate) fn restarts(&self) -> u32 {
        self.report.host.as_ref().map_or(0, |host| host.state.restarts)
    }

    pub(crate) fn retry_at(&self) -> Option<WallTime> {
        self.report.host.as_ref().and_then(|host| host.state.next_retry_at)
    }

    pub(crate) fn memory(&self) -> Option<u64> {
        self.usage.as_ref()?.program.map(|usage| usage.memory)
    }

    pub(crate) fn is_active(&self) -> bool {
        self.report.status.state != ServiceState::STOPPED
    }

    /// Takes a sample; `elapsed` is the time since the one before, in milliseconds.
    fn sample(&mut self, usage: Option<ServiceUsage>, elapsed: Option<u64>) {
        let total = |usage: &Option<ServiceUsage>| usage.as_ref()?.program.map(|usage| usage.cpu);
        self.cpu = match (total(&self.usage), total(&usage), elapsed) {
            // Less than before is that of another program.
            (Some(before), Some(now), Some(elapsed)) if now >= before && elapsed > 0 => {
                Some((now - before).as_secs_f64() * 100_000.0 / elapsed as f64)
            }
            _ => None,
        };
        self.usage = usage;
    }
}

impl Model {
    /// Nothing is known yet; `only` are the services to be shown, all if there are none.
    pub(crate) fn new(target: String, only: &[ServiceName], is_read_only: bool) -> Self {
        Self {
            target,
            only: (!only.is_empty()).then(|| only.iter().map(ServiceName::folded).collect()),
            is_read_only,
            rows: BTreeMap::new(),
            link: Link::Up,
            selected: None,
            filter: String::new(),
            order: Order::default(),
            prompt: Prompt::None,
            pane: None,
            lines: Lines::default(),
            events: Vec::new(),
            said: None,
            page: 10,
            sampled_at: None,
        }
    }

    /// Somebody answers, and this is news.
    pub(crate) fn overview(&mut self, overview: Overview) {
        if let Link::Lost(_) = std::mem::replace(&mut self.link, Link::Up) {
            self.say("the service control manager is back");
        }
        let mut before = if overview.complete { std::mem::take(&mut self.rows) } else { BTreeMap::new() };
        for name in overview.gone {
            self.rows.remove(&name.folded());
        }
        for view in overview.services {
            let key = view.service.folded();
            if self.only.as_ref().is_some_and(|only| !only.contains(&key)) {
                continue;
            }
            let known = before.remove(&key).or_else(|| self.rows.remove(&key));
            let mut row = Row::new(view);
            if let Some(known) = known.filter(|_| row.is_active()) {
                (row.usage, row.cpu) = (known.usage, known.cpu);
            }
            self.rows.insert(key, row);
        }
    }

    /// Nobody answers any more.
    pub(crate) fn lost(&mut self, why: String) {
        self.link = Link::Lost(why);
        self.sampled_at = None;
        for row in self.rows.values_mut() {
            row.sample(None, None);
        }
    }

    /// What services use; `at` is when that was so, in milliseconds.
    pub(crate) fn usage(&mut self, at: u64, all: Vec<ServiceUsage>) {
        let elapsed = self.sampled_at.and_then(|before| at.checked_sub(before));
        self.sampled_at = Some(at);
        let mut all = sort::map(all.into_iter().map(|usage| (usage.service.folded(), usage)));
        for (key, row) in &mut self.rows {
            row.sample(all.remove(key), elapsed);
        }
    }

    /// What services use can't be told; why.
    pub(crate) fn no_usage(&mut self, why: &str) {
        self.sampled_at = None;
        for row in self.rows.values_mut() {
            row.sample(None, None);
        }
        if self.link == Link::Up {
            self.complain(why);
        }
    }

    /// More events of the selected service.
    pub(crate) fn happened(&mut self, events: Vec<Event>) {
        self.events.extend(events);
        let surplus = self.events.len().saturating_sub(MOST_EVENTS);
        self.events.drain(..surplus);
    }

    pub(crate) fn say(&mut self, text: impl Into<String>) {
        self.said = Some(Said { text: text.into(), is_error: false });
    }

    pub(crate) fn complain(&mut self, text: impl Into<String>) {
        self.said = Some(Said { text: text.into(), is_error: true });
    }

    /// Whether something changes with the time alone: use of the machine, or a time to wait.
    pub(crate) fn needs_clock(&self) -> bool {
        self.link == Link::Up && self.rows.values().any(Row::is_active)
    }

    /// Every service that is not left out from the beginning.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Row> {
        self.rows.values()
    }

    /// The services that the filter leaves, in order.
    pub(crate) fn shown(&self) -> Vec<&Row> {
        let wanted = fold(&self.filter);
        let matches = |(key, row): &(&String, &Row)| {
            key.contains(&wanted) || fold(&row.report.display_name).contains(&wanted)
        };
        let mut shown: Vec<&Row> = self.rows.iter().filter(matches).map(|(_, row)| row).collect();
        sort::by(&mut shown, |a, b| self.order.compare(a, b));
        shown
    }

    /// Which of the shown is selected: the first, if the one that was is not there.
    pub(crate) fn selected(&self, shown: &[&Row]) -> Option<usize> {
        let known = self.selected.as_ref();
        let found = known.and_then(|key| shown.iter().position(|row| row.service.folded() == *key));
        found.or(if shown.is_empty() { None } else { Some(0) })
    }

    /// The selected service.
    pub(crate) fn selected_service(&self) -> Option<ServiceName> {
        let shown = self.shown();
        self.selected(&shown).map(|at| shown[at].service.clone())
    }

    /// What has to be followed for the pane: the logs or the events of a service.
    pub(crate) fn following(&self) -> Option<(ServiceName, Pane)> {
        let pane = self.pane.filter(|pane| *pane != Pane::Details)?;
        (self.link == Link::Up).then_some((self.selected_service()?, pane))
    }

    /// What follows comes from another service, or is of another kind.
    pub(crate) fn forget_followed(&mut self) {
        self.lines = Lines::default();
        self.events.clear();
    }
}

impl Row {
    /// Whether something is not as it should be.
    pub(crate) fn is_trouble(&self) -> bool {
        is_trouble(&self.report)
    }
}
