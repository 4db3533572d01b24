//! svckit scmr.
