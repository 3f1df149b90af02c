//! Numbers of bytes for people.

/// Writes a number of bytes in the largest binary unit that leaves at least 1.
///
/// `1536` is `1.5 KiB`.
pub(crate) fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let power = (bytes.ilog2() / 10).min(5);
    let amount = bytes as f64 / f64::from(2_u32).powi(10 * power as i32);
    format!("{amount:.1} {}", UNITS[power as usize - 1])
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_unit_is_the_largest_that_fits() {
        let shown = [0, 1023, 1024, 1536, 5 << 20, 3 << 30, 7 << 40, u64::MAX].map(super::bytes);
        let expected =
            ["0 B", "1023 B", "1.0 KiB", "1.5 KiB", "5.0 MiB", "3.0 GiB", "7.0 TiB", "16384.0 PiB"];
        assert_eq!(shown, expected);
    }
}
