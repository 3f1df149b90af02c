//! Numbers of bytes, times and rates, for people.

use std::time::Duration;

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

/// Writes a number for each second: `0`, `0.5`, `12`, `3.4 k`, `2.1 M`.
pub(crate) fn rate(rate: f64) -> String {
    match rate {
        _ if rate <= 0.0 => "0".to_owned(),
        ..10.0 => format!("{rate:.1}"),
        ..1e3 => format!("{rate:.0}"),
        ..1e6 => format!("{:.1} k", rate / 1e3),
        _ => format!("{:.1} M", rate / 1e6),
    }
}

/// Writes a short time: `35 ns`, `2.4 µs`, `1.2 ms`.
pub(crate) fn short_time(time: Duration) -> String {
    match time.as_nanos() {
        nanos @ 0..1000 => format!("{nanos} ns"),
        nanos @ 1000..1_000_000 => format!("{:.1} µs", nanos as f64 / 1e3),
        nanos => format!("{:.1} ms", nanos as f64 / 1e6),
    }
}

/// Writes a time in two of its units at most: `4.2 s`, `3 min 5 s`, `2 h 0 min`, `3 d 4 h`.
pub(crate) fn time(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{:.1} s", time.as_millis() as f64 / 1000.0),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds / 3600 % 24),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    #[test]
    fn a_short_time_has_a_unit_that_fits() {
        let shown = [0, 35, 2400, 1_200_000].map(|nanos| super::short_time(Duration::from_nanos(nanos)));
        assert_eq!(shown, ["0 ns", "35 ns", "2.4 µs", "1.2 ms"]);
    }

    #[test]
    fn a_rate_is_short() {
        let shown = [0.0, 0.04, 0.5, 12.3, 3400.0, 2_100_000.0].map(super::rate);
        assert_eq!(shown, ["0", "0.0", "0.5", "12", "3.4 k", "2.1 M"]);
    }

    #[test]
    fn a_time_is_told_in_its_largest_units() {
        let shown = [0, 4249, 60_000, 185_000, 7_200_000, 273_600_000]
            .map(|millis| super::time(Duration::from_millis(millis)));
        assert_eq!(shown, ["0.0 s", "4.2 s", "1 min 0 s", "3 min 5 s", "2 h 0 min", "3 d 4 h"]);
    }

    #[test]
    fn the_unit_is_the_largest_that_fits() {
        let shown = [0, 1023, 1024, 1536, 5 << 20, 3 << 30, 7 << 40, u64::MAX].map(super::bytes);
        let expected =
            ["0 B", "1023 B", "1.0 KiB", "1.5 KiB", "5.0 MiB", "3.0 GiB", "7.0 TiB", "16384.0 PiB"];
        assert_eq!(shown, expected);
    }
}
