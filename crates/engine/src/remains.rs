//! Ending what processes that are gone left behind: on a thread of its own, since it looks at every process of the system.

use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Duration;

use svckit_os::{clock, tree};
use tokio::sync::mpsc::UnboundedSender;

use crate::actor::Input;

/// How long processes may take to end by force before they are left to themselves.
const LIMIT: Duration = Duration::from_secs(10);

struct Order {
    instance: String,
    programs: Vec<u32>,
}

/// The thread, made when it is needed first.
pub(crate) struct Remains {
    inputs: UnboundedSender<Input>,
    orders: Option<Sender<Order>>,
}

impl Remains {
    pub(crate) fn new(inputs: UnboundedSender<Input>) -> Self {
        Self { inputs, orders: None }
    }

    /// Ends what is left of an instance; then [`Input::RemainsEnded`].
    pub(crate) fn end(&mut self, instance: String, programs: Vec<u32>) {
        let orders = self.orders.get_or_insert_with(|| start(self.inputs.clone()));
        if let Err(lost) = orders.send(Order { instance, programs }) {
            tracing::error!("what is left of process {} can't be ended", lost.0.instance);
            let _ = self.inputs.send(Input::RemainsEnded { instance: lost.0.instance, ended: 0 });
        }
    }
}

fn start(inputs: UnboundedSender<Input>) -> Sender<Order> {
    let (sender, orders) = channel::<Order>();
    thread::spawn(move || {
        for Order { instance, programs } in orders {
            let ended = end(&instance, &programs);
            if inputs.send(Input::RemainsEnded { instance, ended }).is_err() {
                return;
            }
        }
    });
    sender
}

fn end(instance: &str, programs: &[u32]) -> usize {
    match tree::end_leftovers(instance, programs, clock::now().tick + LIMIT) {
        Ok(Ok(ended)) => ended,
        Ok(Err(left)) => {
            let pids: Vec<u32> = left.iter().map(|leftover| leftover.pid).collect();
            tracing::error!("processes {pids:?} of {instance} could not be ended");
            0
        }
        Err(error) => {
            tracing::error!("what is left of process {instance} can't be found: {error}");
            0
        }
    }
}
