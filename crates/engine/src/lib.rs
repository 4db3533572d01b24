//! svckit engine.
