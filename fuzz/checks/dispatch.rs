//! Any frame of the dispatcher protocol is refused, or comes back as it was when it is written again.

use serde_json::{from_slice, to_vec};
use svckit_core::dispatch::{FromProcess, ToProcess};

pub(crate) fn check(data: &[u8]) {
    if let Ok(message) = from_slice::<ToProcess>(data) {
        let written = to_vec(&message).expect("a message can be written");
        assert_eq!(from_slice::<ToProcess>(&written).expect("and read"), message);
    }
    if let Ok(message) = from_slice::<FromProcess>(data) {
        let written = to_vec(&message).expect("a message can be written");
        assert_eq!(from_slice::<FromProcess>(&written).expect("and read"), message);
    }
}
