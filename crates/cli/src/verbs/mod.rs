//! What `svc` can do, a module for each family of verbs.

pub(crate) mod buildout;
pub(crate) mod control;
pub(crate) mod debug;
pub(crate) mod down;
pub(crate) mod env;
pub(crate) mod events;
pub(crate) mod export;
pub(crate) mod generate;
pub(crate) mod host;
pub(crate) mod import;
pub(crate) mod install;
pub(crate) mod lint;
pub(crate) mod logs;
pub(crate) mod plan;
pub(crate) mod raise;
pub(crate) mod scm;
pub(crate) mod show;
pub(crate) mod status;
pub(crate) mod up;
