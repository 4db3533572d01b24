//! The model of services and every policy of svckit, without I/O.
//!
//! Nothing in this crate opens a file, reads a clock or starts a process: a policy is a function of a state, an event and a
//! time, and what it decides is carried out by `svckit-host` and `svckit-engine`. Values that come from a wire or from Windows
//! are open newtypes over integers with named constants, so that an unknown value survives and prints as hexadecimal.

#![forbid(unsafe_code)]

mod open;

pub mod access;
pub mod backend;
pub mod base64;
pub mod calendar;
pub mod call;
pub mod command_line;
pub mod config;
pub mod control;
pub mod definition;
pub mod dispatch;
pub mod error;
pub mod executable;
pub mod failure;
pub mod health;
pub mod hook;
pub mod image_path;
pub mod kerberos;
pub mod kind;
pub mod ladder;
pub mod lifecycle;
pub mod limits;
pub mod lockout;
pub mod log;
pub mod millis;
pub mod name;
pub mod native;
pub mod notify;
pub mod number_keys;
pub mod order;
pub mod pattern;
pub mod probe;
pub mod ready;
pub mod reason;
pub mod record;
pub mod recovery;
pub mod restart;
pub mod rights;
pub mod schedule;
pub mod secret;
pub mod security;
pub mod sid;
pub mod signal;
pub mod sort;
pub mod space;
pub mod status;
pub mod system_event;
pub mod target;
pub mod time;
pub mod timetable;
pub mod tree;
pub mod trial;
pub mod trigger;
pub mod units;
pub mod usage;
pub mod wait;
pub mod win32;

pub use error::{Error, Result};
pub use win32::Win32Error;
