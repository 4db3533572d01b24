//! The one place that reads clocks.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub use unix::now;
#[cfg(windows)]
pub use windows::now;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_go_forward_and_agree_with_the_standard_library() {
        let first = now();
        let second = now();
        assert!(second.tick >= first.tick);
        #[expect(clippy::disallowed_methods, reason = "the clock is what is tested")]
        let wall = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        assert!(wall.as_millis().abs_diff(u128::from(first.wall.0)) < 60_000);
    }
}
