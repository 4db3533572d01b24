//! svckit host.
