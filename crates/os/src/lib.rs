//! svckit os.
