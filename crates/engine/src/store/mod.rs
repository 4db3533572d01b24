//! What outlives the service control manager: `svc.db`, the services (durable), and `run.db`, what is running and what happened (outlives
//! the process, not the machine).

mod database;
mod run;
mod services;

pub(crate) use run::{Due, InstanceRow, Run, RunStore, Session, Work};
pub(crate) use services::{Extra, Record, ServiceStore};
