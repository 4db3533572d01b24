//! svckit manager.
