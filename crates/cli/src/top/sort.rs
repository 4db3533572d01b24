//! In which order services are shown.

use std::cmp::Ordering;

use crate::top::model::Row;

/// A column of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Column {
    Name,
    State,
    Ready,
    Cpu,
    Memory,
    Restarts,
    Retry,
    Pid,
    Detail,
}

impl Column {
    /// From left to right.
    pub(crate) const ALL: [Self; 9] = [
        Self::Name,
        Self::State,
        Self::Ready,
        Self::Cpu,
        Self::Memory,
        Self::Restarts,
        Self::Retry,
        Self::Pid,
        Self::Detail,
    ];

    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Name => "NAME",
            Self::State => "STATE",
            Self::Ready => "READY",
            Self::Cpu => "CPU%",
            Self::Memory => "MEMORY",
            Self::Restarts => "RESTARTS",
            Self::Retry => "RETRY",
            Self::Pid => "PID",
            Self::Detail => "DETAIL",
        }
    }
}

/// By which column, and which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) column: Column,
    pub(crate) is_reversed: bool,
}

impl Default for Order {
    fn default() -> Self {
        Self { column: Column::Name, is_reversed: false }
    }
}

impl Order {
    /// The next column to the right, or with `back` to the left, begun anew behind the last. Details have no order.
    pub(crate) fn move_on(&mut self, back: bool) {
        let count = Column::ALL.len() - 1;
        let at = Column::ALL.iter().position(|column| *column == self.column).unwrap_or(0);
        let step = if back { count - 1 } else { 1 };
        *self = Self { column: Column::ALL[(at + step) % count], is_reversed: false };
    }

    /// Of numbers the largest come first; what is alike is in the order of the names, in which it came.
    pub(crate) fn compare(self, a: &Row, b: &Row) -> Ordering {
        let order = match self.column {
            Column::Name | Column::Detail => Ordering::Equal,
            Column::State => a.report.status.state.0.cmp(&b.report.status.state.0).reverse(),
            Column::Ready => b.is_ready().cmp(&a.is_ready()),
            Column::Cpu => b.cpu.unwrap_or(-1.0).total_cmp(&a.cpu.unwrap_or(-1.0)),
            Column::Memory => b.memory().cmp(&a.memory()),
            Column::Restarts => b.restarts().cmp(&a.restarts()),
            // Who has none comes last.
            Column::Retry => {
                a.retry_at().map_or(u64::MAX, |at| at.0).cmp(&b.retry_at().map_or(u64::MAX, |at| at.0))
            }
            Column::Pid => a.report.pid().unwrap_or(u32::MAX).cmp(&b.report.pid().unwrap_or(u32::MAX)),
        };
        if self.is_reversed { order.reverse() } else { order }
    }
}
