//! Numbers as people read them.

/// The shortest digits that give `value` back, without hundreds of zeros: 0.05, 1e-300, inf.
///
/// ```
/// use rieszflow_cli::numbers::plain;
///
/// assert_eq!([0.05, 2.0, 1e-300, -0.0].map(plain), ["0.05", "2", "1e-300", "0"]);
/// ```
pub fn plain(value: f64) -> String {
    if value == 0.0 {
        "0".to_owned()
    } else if (1e-4..1e7).contains(&value.abs()) {
        value.to_string()
    } else {
        format!("{value:e}")
    }
}

/// `value` with at most `digits` significant digits.
///
/// ```
/// use rieszflow_cli::numbers::rounded;
///
/// assert_eq!(rounded(0.1 + 0.2, 4), "0.3");
/// assert_eq!(rounded(1.23456e-8, 4), "1.235e-8");
/// ```
pub fn rounded(value: f64, digits: usize) -> String {
    let scientific = format!("{value:.*e}", digits.saturating_sub(1));
    scientific.parse().map_or(scientific, plain)
}

/// A number of seconds in a unit that suits it.
///
/// ```
/// use rieszflow_cli::numbers::duration;
///
/// assert_eq!([7.31, 150.0, 9000.0].map(duration), ["7.3 s", "2.5 min", "2.5 h"]);
/// ```
pub fn duration(seconds: f64) -> String {
    let (amount, unit) = match seconds {
        ..120.0 => (seconds, "s"),
        ..7200.0 => (seconds / 60.0, "min"),
        _ => (seconds / 3600.0, "h"),
    };
    format!("{} {unit}", rounded(amount, 2))
}

/// A number of bytes in a unit that suits it.
///
/// ```
/// assert_eq!(rieszflow_cli::numbers::bytes(25.24e9), "25.2 GB");
/// ```
pub fn bytes(count: f64) -> String {
    const UNITS: [&str; 7] = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];
    let thousands = (count.max(1.0).log10() / 3.0) as usize;
    let power = thousands.min(UNITS.len() - 1);
    let amount = count / 1000_f64.powf(power as f64);
    format!("{} {}", rounded(amount, 3), UNITS[power])
}
