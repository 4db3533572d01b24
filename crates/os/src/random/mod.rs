//! Randomness.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub use unix::{fill, unit};
#[cfg(windows)]
pub use windows::unit;

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
