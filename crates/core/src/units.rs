//! Sizes as people write them.

/// The units, and how many bytes each is.
pub const SIZES: &[(&str, u64)] = &[
    ("B", 1),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
];

/// A size as people write it, in the unit that makes the smallest number.
///
/// ```
/// use svckit_core::units::written_size;
/// assert_eq!(written_size(10_000_000), "10MB");
/// assert_eq!(written_size(1 << 20), "1MiB");
/// ```
pub fn written_size(size: u64) -> String {
    if size == 0 { "0B".to_owned() } else { written(SIZES, size) }
}

/// A value in the unit that makes the smallest number.
pub fn written(units: &[(&str, u64)], value: u64) -> String {
    let whole = units.iter().filter(|(_, scale)| value.is_multiple_of(*scale));
    let shortest = whole.min_by_key(|(_, scale)| value / scale);
    shortest.map_or_else(|| value.to_string(), |(unit, scale)| format!("{}{unit}", value / scale))
}
