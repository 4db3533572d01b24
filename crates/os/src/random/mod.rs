//! Randomness.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub use unix::unit;
#[cfg(windows)]
pub use windows::unit;

#[cfg(test)]
mod tests {
    #[test]
    fn differs_and_stays_in_range() {
        let rolls: Vec<f64> = (0..16).map(|_| super::unit()).collect();
        assert!(rolls.iter().all(|roll| (0.0..=1.0).contains(roll)));
        assert!(rolls.iter().any(|roll| *roll != rolls[0]));
    }
}
