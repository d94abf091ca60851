//! One axis of a plot: its range, its scale, and where its ticks go.

/// How values are laid out along an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AxisScale {
    /// Equal distances for equal differences.
    Linear,
    /// Equal distances for equal ratios; values that are not positive have no place.
    Log,
}

/// Larger values are treated as infinite: their differences might be.
const HUGE: f64 = 1e100;

/// A labelled tick.
pub(super) struct Tick {
    pub value: f64,
    pub label: String,
}

#[derive(Clone, Copy)]
pub(super) struct Axis {
    scale: AxisScale,
    min: f64,
    max: f64,
}

impl Axis {
    /// A linear axis over exactly this range.
    pub(super) fn over(min: f64, max: f64) -> Self {
        let scale = AxisScale::Linear;
        Self { scale, min, max }
    }

    /// An axis with a little room around those values that have a place on it.
    pub(super) fn around(values: impl Iterator<Item = f64>, scale: AxisScale) -> Self {
        let shown =
            values.filter(|&v| is_drawable(v) && (scale == AxisScale::Linear || v > 1.0 / HUGE));
        let unit = shown.map(|v| to_unit(v, scale));
        let (min, max) = extent(unit).unwrap_or((0.0, 1.0));
        let room = 0.05 * (max - min);
        let (min, max) = widened(min - room, max + room);
        Self {
            scale,
            min: from_unit(min, scale),
            max: from_unit(max, scale),
        }
    }

    /// Where `value` lies between the axis's ends, 0 to 1 inside; `None` if it has no place.
    pub(super) fn fraction(&self, value: f64) -> Option<f64> {
        let [min, max, at] = [self.min, self.max, value].map(|v| to_unit(v, self.scale));
        let fraction = (at - min) / (max - min);
        fraction.is_finite().then_some(fraction)
    }

    pub(super) fn span(&self) -> f64 {
        self.max - self.min
    }

    /// About `count` labelled ticks; on a linear axis the step depends on span/count alone, unless
    /// only one tick would be left.
    pub(super) fn ticks(&self, count: f64) -> Vec<Tick> {
        match self.scale {
            AxisScale::Linear => {
                let ticks = linear_ticks(self.min, self.max, count);
                if ticks.len() > 1 {
                    ticks
                } else {
                    linear_ticks(self.min, self.max, 2.0 * count)
                }
            }
            AxisScale::Log => log_ticks(self.min, self.max, count),
        }
    }

    /// Values that get a short mark without a label: on a log axis the multiples of each decade.
    pub(super) fn minor_ticks(&self) -> Vec<f64> {
        let decades = self.max.log10() - self.min.log10();
        if self.scale == AxisScale::Linear || decades > 9.0 {
            return Vec::new();
        }
        multiples_in_decades(
            self.min,
            self.max,
            &[2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0],
        )
    }
}

/// Whether a value can be given a place; NaN cannot.
pub(super) fn is_drawable(value: f64) -> bool {
    value.abs() < HUGE
}

/// Smallest and largest of the values.
pub(super) fn extent(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values.fold(None, |extent, v| {
        let (min, max) = extent.unwrap_or((v, v));
        Some((v.min(min), v.max(max)))
    })
}

/// The range itself, or one around it if it is too narrow to be resolved.
pub(super) fn widened(min: f64, max: f64) -> (f64, f64) {
    let size = min.abs().max(max.abs());
    if max - min > 1e-9 * size {
        return (min, max);
    }
    let half = if size > 0.0 { 0.25 * size } else { 0.5 };
    (min - half, max + half)
}

fn to_unit(value: f64, scale: AxisScale) -> f64 {
    match scale {
        AxisScale::Linear => value,
        AxisScale::Log => value.log10(),
    }
}

fn from_unit(value: f64, scale: AxisScale) -> f64 {
    match scale {
        AxisScale::Linear => value,
        AxisScale::Log => 10_f64.powf(value),
    }
}

fn linear_ticks(min: f64, max: f64, count: f64) -> Vec<Tick> {
    let raw = (max - min) / count.max(1.0);
    let power = 10_f64.powf(raw.log10().floor());
    // A few ticks more than asked for look better than half as many.
    let factor = [1.0, 2.0, 5.0]
        .into_iter()
        .find(|f| f * power >= 0.85 * raw);
    let step = factor.unwrap_or(10.0) * power;
    let places = -step.log10().floor() as i32;
    let size = min.abs().max(max.abs());
    let first = (min / step - 1e-9).ceil();
    let last = (max / step + 1e-9).floor();
    (0..=(last - first) as usize)
        .map(|k| (first + k as f64) * step)
        .map(|value| Tick {
            value,
            label: linear_label(value, size, places),
        })
        .collect()
}

/// `value` to `places` digits after the point; in powers of ten where `size`, the largest value on
/// the axis, would make that long.
fn linear_label(value: f64, size: f64, places: i32) -> String {
    if (1e-3..1e5).contains(&size) {
        let digits = places.clamp(0, 12) as usize;
        return signed(&format!("{value:.digits$}"));
    }
    let exponent = size.log10().floor() as i32;
    let digits = (places + exponent).clamp(0, 12) as usize;
    let mantissa = signed(&format!("{:.digits$}", value / 10_f64.powi(exponent)));
    if mantissa.chars().all(|c| "0.".contains(c)) {
        return "0".to_owned();
    }
    format!("{mantissa}×{}", power_of_ten(exponent))
}

/// With a proper minus sign, and none on zero.
fn signed(number: &str) -> String {
    match number.strip_prefix('-') {
        Some(zero) if zero.chars().all(|c| "0.".contains(c)) => zero.to_owned(),
        Some(digits) => format!("−{digits}"),
        None => number.to_owned(),
    }
}

fn log_ticks(min: f64, max: f64, count: f64) -> Vec<Tick> {
    let decades = multiples_in_decades(min, max, &[1.0]);
    if decades.len() >= 2 {
        let every = (0.75 * decades.len() as f64 / count.max(2.0)).ceil() as i32;
        let even = |v: &f64| exponent_of(*v) % every == 0;
        return labelled(decades.into_iter().filter(even));
    }
    let multiples = multiples_in_decades(min, max, &[1.0, 2.0, 5.0]);
    if multiples.len() >= 2 {
        return labelled(multiples.into_iter());
    }
    linear_ticks(min, max, count)
}

/// All m·10ⁿ in the range, in order.
fn multiples_in_decades(min: f64, max: f64, multiples: &[f64]) -> Vec<f64> {
    let exponents = min.log10().floor() as i32..=max.log10().floor() as i32;
    exponents
        .flat_map(|n| multiples.iter().map(move |m| m * 10_f64.powi(n)))
        .filter(|v| (min..=max).contains(v))
        .collect()
}

fn labelled(values: impl Iterator<Item = f64>) -> Vec<Tick> {
    values
        .map(|value| Tick {
            value,
            label: log_label(value),
        })
        .collect()
}

fn log_label(value: f64) -> String {
    let exponent = exponent_of(value);
    let multiple = (value / 10_f64.powi(exponent)).round();
    let power = power_of_ten(exponent);
    if multiple <= 1.0 {
        power
    } else {
        format!("{multiple}×{power}")
    }
}

/// The n of m·10ⁿ, 1 ≤ m < 10; nudged, since log10 may fall just short of n for 10ⁿ.
fn exponent_of(value: f64) -> i32 {
    (value.log10() + 1e-9).floor() as i32
}

fn power_of_ten(exponent: i32) -> String {
    let raised = |c| match c {
        '-' => Some('⁻'),
        '1' => Some('¹'),
        '2' => Some('²'),
        '3' => Some('³'),
        '0' | '4'..='9' => char::from_u32(u32::from('⁰') + u32::from(c) - u32::from('0')),
        _ => None,
    };
    let digits: String = exponent.to_string().chars().filter_map(raised).collect();
    format!("10{digits}")
}
