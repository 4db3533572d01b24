//! Randomness.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod macos;

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

#[cfg(target_os = "linux")]
pub use linux::fill;
#[cfg(target_os = "macos")]
pub use macos::fill;

/// A random number from 0 to 1. It spreads restarts; nothing secret comes from it. There is one at any time, also before the system has collected chance enough for keys.
pub fn unit() -> f64 {
    // Each has keys of its own, which the standard library takes from the system's generator once for every thread, without waiting for it.
    let roll = RandomState::new().hash_one(0u8);
    f64::from((roll >> 32) as u32) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    #[cfg(unix)]
    #[test]
    fn every_byte_is_filled() {
        let mut seen = [0u8; 64];
        for _ in 0..64 {
            let mut bytes = [0; 64];
            super::fill(&mut bytes).unwrap();
            seen.iter_mut().zip(bytes).for_each(|(seen, byte)| *seen |= byte);
        }
        assert!(seen.iter().all(|seen| *seen != 0));
    }

    #[test]
    fn differs_and_stays_in_range() {
        let rolls: Vec<f64> = (0..16).map(|_| super::unit()).collect();
        assert!(rolls.iter().all(|roll| (0.0..=1.0).contains(roll)));
        assert!(rolls.iter().any(|roll| *roll != rolls[0]));
    }
}
