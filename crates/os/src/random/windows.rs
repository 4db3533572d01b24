use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

/// A random number from 0 to 1. It spreads restarts; nothing secret comes from it.
pub fn unit() -> f64 {
    // Each has keys of its own, which the standard library takes from the system's generator once for every thread.
    let roll = RandomState::new().hash_one(0u8);
    f64::from((roll >> 32) as u32) / f64::from(u32::MAX)
}
