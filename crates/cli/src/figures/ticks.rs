//! The ticks of an axis: where they go and what is written beside them.

use super::axis_scale::AxisScale;

/// A labelled tick.
pub(super) struct Tick {
    pub value: f64,
    pub label: String,
}

/// The labelled ticks of an axis. Each stands for the value label × 10ᵏ + offset.
pub(super) struct Ticks {
    pub marks: Vec<Tick>,
    /// The factor 10ᵏ and the offset, such as `×10⁻⁵ + 1`, to be written once; empty without them.
    pub note: String,
}

/// Most characters of a label, its decimal point not counted, for which there is room.
const LONGEST_LABEL: usize = 4;

/// About `count` labelled ticks from `min` to `max`; at least two, if they are close enough for
/// that. The distance of linear ticks depends on (max − min)/count alone.
pub(super) fn ticks(min: f64, max: f64, scale: AxisScale, count: f64) -> Ticks {
    match scale {
        AxisScale::Linear => {
            let ticks = linear_ticks(min, max, count);
            if ticks.marks.len() > 1 {
                ticks
            } else {
                linear_ticks(min, max, 2.0 * count)
            }
        }
        AxisScale::Log => log_ticks(min, max, count),
    }
}

/// Values that get a short mark without a label: on a log scale the multiples of each decade.
pub(super) fn minor_ticks(min: f64, max: f64, scale: AxisScale) -> Vec<f64> {
    let decades = max.log10() - min.log10();
    if scale == AxisScale::Linear || decades > 9.0 {
        return Vec::new();
    }
    multiples_in_decades(min, max, &[2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0])
}

/// Labels without a factor or an offset if those are short, else with what makes them short.
fn linear_ticks(min: f64, max: f64, count: f64) -> Ticks {
    let step = round_step((max - min) / count.max(1.0));
    let near = Offset::near(min, max);
    let forms = [
        (Offset::ZERO, false),
        (Offset::ZERO, true),
        (near, false),
        (near, true),
    ];
    let ticks = forms.map(|(offset, scientific)| {
        let remainders = multiples(step, min - offset.value(), max - offset.value());
        labelled(&remainders, step, offset, scientific)
    });
    let [first, rest @ ..] = ticks;
    rest.into_iter().fold(first, |ticks, next| {
        if ticks.marks.iter().all(|tick| is_short(&tick.label)) {
            ticks
        } else {
            next
        }
    })
}

/// The least of 1, 2 and 5 times a power of ten that is about `distance` or more.
fn round_step(distance: f64) -> f64 {
    let power = 10_f64.powf(distance.log10().floor());
    // A few ticks more than asked for look better than half as many.
    let factor = [1.0, 2.0, 5.0]
        .into_iter()
        .find(|f| f * power >= 0.85 * distance);
    factor.unwrap_or(10.0) * power
}

/// The multiples of `step` from `min` to `max`.
fn multiples(step: f64, min: f64, max: f64) -> Vec<f64> {
    let first = (min / step - 1e-9).ceil();
    let last = (max / step + 1e-9).floor();
    let count = (last - first) as usize;
    (0..=count).map(|k| (first + k as f64) * step).collect()
}

/// Ticks at offset + remainder, the labels in multiples of a power of ten if `scientific`.
fn labelled(remainders: &[f64], step: f64, offset: Offset, scientific: bool) -> Ticks {
    let largest = remainders
        .iter()
        .fold(0.0, |size: f64, v| size.max(v.abs()));
    let exponent = if scientific { exponent_of(largest) } else { 0 };
    let digits = (exponent - exponent_of(step)).clamp(0, 17) as usize;
    let marks = remainders.iter().map(|&remainder| Tick {
        value: offset.value() + remainder,
        label: signed(remainder / 10_f64.powi(exponent), digits),
    });
    let factor = match exponent {
        0 => String::new(),
        _ => format!("×{}", power_of_ten(exponent)),
    };
    Ticks {
        marks: marks.collect(),
        note: offset.after(factor),
    }
}

fn is_short(label: &str) -> bool {
    label.chars().filter(|&c| c != '.').count() <= LONGEST_LABEL
}

/// What all labels of an axis leave out: count × 10ᵉ.
#[derive(Clone, Copy)]
struct Offset {
    count: f64,
    exponent: i32,
}

impl Offset {
    const ZERO: Self = Self {
        count: 0.0,
        exponent: 0,
    };

    /// The multiple of a power of ten at least as large as max − min, and so of any step between
    /// ticks, that is closest to the middle.
    fn near(min: f64, max: f64) -> Self {
        let exponent = (max - min).log10().ceil().clamp(-300.0, 300.0) as i32;
        let count = (f64::midpoint(min, max) / 10_f64.powi(exponent) - 0.5).ceil();
        Self { count, exponent }
    }

    fn value(self) -> f64 {
        if self.exponent < 0 {
            self.count / 10_f64.powi(-self.exponent)
        } else {
            self.count * 10_f64.powi(self.exponent)
        }
    }

    /// The note with this offset behind a factor, which may be empty.
    fn after(self, factor: String) -> String {
        if self.count == 0.0 {
            return factor;
        }
        let sign = if self.count < 0.0 { '−' } else { '+' };
        let offset = self.size();
        if factor.is_empty() {
            format!("{sign}{offset}")
        } else {
            format!("{factor} {sign} {offset}")
        }
    }

    /// The offset without its sign, with all its digits.
    fn size(self) -> String {
        let value = self.value().abs();
        let decimals = (-self.exponent).max(0) as usize;
        let plain = without_trailing_zeros(&format!("{value:.decimals$}"));
        if plain.len() <= 6 {
            return plain;
        }
        let leading = exponent_of(value);
        let decimals = (leading - self.exponent).max(0) as usize;
        let mantissa = format!("{:.decimals$}", value / 10_f64.powi(leading));
        let mantissa = without_trailing_zeros(&mantissa);
        format!("{mantissa}×{}", power_of_ten(leading))
    }
}

/// The number without the zeros that end its decimals.
fn without_trailing_zeros(number: &str) -> String {
    if number.contains('.') {
        number
            .trim_end_matches('0')
            .trim_end_matches('.')
            .to_owned()
    } else {
        number.to_owned()
    }
}

/// A number with a proper minus sign, and none on zero.
fn signed(value: f64, digits: usize) -> String {
    let number = format!("{value:.digits$}");
    match number.strip_prefix('-') {
        Some(zero) if zero.chars().all(|c| "0.".contains(c)) => zero.to_owned(),
        Some(digits) => format!("−{digits}"),
        None => number,
    }
}

fn log_ticks(min: f64, max: f64, count: f64) -> Ticks {
    let decades = multiples_in_decades(min, max, &[1.0]);
    if decades.len() >= 2 {
        let every = (0.75 * decades.len() as f64 / count.max(2.0)).ceil() as i32;
        let even = |v: &f64| exponent_of(*v) % every == 0;
        return log_labelled(decades.into_iter().filter(even));
    }
    let multiples = multiples_in_decades(min, max, &[1.0, 2.0, 5.0]);
    if multiples.len() >= 2 {
        return log_labelled(multiples.into_iter());
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

fn log_labelled(values: impl Iterator<Item = f64>) -> Ticks {
    let marks = values.map(|value| Tick {
        value,
        label: log_label(value),
    });
    Ticks {
        marks: marks.collect(),
        note: String::new(),
    }
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

/// The n of m·10ⁿ, 1 ≤ m < 10; nudged, since log10 may fall just short of n for 10ⁿ. 0 for 0.
fn exponent_of(value: f64) -> i32 {
    if value > 0.0 {
        ((value.log10() + 1e-9).floor() as i32).max(-300)
    } else {
        0
    }
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The labels of about five ticks, and the note.
    fn linear(min: f64, max: f64) -> (String, String) {
        let ticks = ticks(min, max, AxisScale::Linear, 5.0);
        let labels: Vec<String> = ticks.marks.into_iter().map(|tick| tick.label).collect();
        (labels.join(" "), ticks.note)
    }

    #[test]
    fn labels_are_short_and_what_they_leave_out_is_noted() {
        let cases = [
            (0.0, 1.0, "0.0 0.2 0.4 0.6 0.8 1.0", ""),
            (-1.1, 1.1, "−1.0 −0.5 0.0 0.5 1.0", ""),
            (0.0, 48.0, "0 10 20 30 40", ""),
            (1000.0, 1010.0, "1000 1002 1004 1006 1008 1010", ""),
            (0.0, 48_000.0, "0 1 2 3 4", "×10⁴"),
            (-20_000.0, 20_000.0, "−2 −1 0 1 2", "×10⁴"),
            (0.001_15, 0.001_85, "1.2 1.4 1.6 1.8", "×10⁻³"),
            (0.0, 2.5e-9, "0.0 0.5 1.0 1.5 2.0 2.5", "×10⁻⁹"),
            (5e6 - 11.0, 5e6 + 11.0, "−10 −5 0 5 10", "+5×10⁶"),
            (-5e6 - 11.0, -5e6 + 11.0, "−10 −5 0 5 10", "−5×10⁶"),
            (10_000.0, 10_010.0, "0 2 4 6 8 10", "+10000"),
            (1.0 - 1e-5, 1.0 + 1e-5, "−1.0 −0.5 0.0 0.5 1.0", "×10⁻⁵ + 1"),
            (0.9999, 1.0001, "−1.0 −0.5 0.0 0.5 1.0", "×10⁻⁴ + 1"),
            (4_512_345.0, 4_512_346.4, "−5.0 −4.5 −4.0", "+4.51235×10⁶"),
            (123.45, 123.451, "0.0 0.2 0.4 0.6 0.8 1.0", "×10⁻³ + 123.45"),
            (1e15, 1e15 + 1e7, "0.0 0.2 0.4 0.6 0.8 1.0", "×10⁷ + 1×10¹⁵"),
        ];
        for (min, max, labels, note) in cases {
            let expected = (labels.to_owned(), note.to_owned());
            assert_eq!(linear(min, max), expected, "{min} to {max}");
        }
    }

    #[test]
    fn log_labels_are_powers_or_multiples_of_them() {
        let labels = |min, max| {
            let ticks = ticks(min, max, AxisScale::Log, 4.0);
            assert_eq!(ticks.note, "");
            let labels: Vec<String> = ticks.marks.into_iter().map(|tick| tick.label).collect();
            labels.join(" ")
        };
        assert_eq!(labels(0.05, 200.0), "10⁻¹ 10⁰ 10¹ 10²");
        assert_eq!(labels(1e-9, 1e9), "10⁻⁸ 10⁻⁴ 10⁰ 10⁴ 10⁸");
        assert_eq!(labels(0.15, 0.6), "2×10⁻¹ 5×10⁻¹");
        let narrow = ticks(5e6 - 11.0, 5e6 + 11.0, AxisScale::Log, 5.0);
        assert_eq!(narrow.note, "+5×10⁶");
    }

    /// The number that a label or a note spells.
    fn number(text: &str) -> f64 {
        let ascii = text.replace('−', "-").replace(' ', "");
        let (mantissa, exponent) = ascii.split_once("×10").unwrap_or((&ascii, "⁰"));
        let exponent: String = exponent
            .chars()
            .map(|c| match c {
                '⁻' => '-',
                '¹' => '1',
                '²' => '2',
                '³' => '3',
                raised => char::from(b'0' + (u32::from(raised) - u32::from('⁰')) as u8),
            })
            .collect();
        format!("{mantissa}e{exponent}").parse().expect(text)
    }

    /// Factor and offset of a note.
    fn parse(note: &str) -> (f64, f64) {
        match note.strip_prefix('×') {
            _ if note.is_empty() => (1.0, 0.0),
            None => (1.0, number(note)),
            Some(rest) => match rest.split_once(' ') {
                None => (number(&format!("1×{rest}")), 0.0),
                Some((factor, offset)) => (number(&format!("1×{factor}")), number(offset)),
            },
        }
    }

    proptest! {
        #[test]
        fn labels_and_note_give_the_value(
            centre in -10_f64..10.0, size in -12_i32..12, width in -7_f64..2.0
        ) {
            let centre = centre * 10_f64.powi(size);
            let half = 10_f64.powi(size) * 10_f64.powf(width);
            let (min, max) = (centre - half, centre + half);
            let ticks = ticks(min, max, AxisScale::Linear, 5.0);
            let (factor, offset) = parse(&ticks.note);
            prop_assert!(ticks.marks.len() >= 2);
            for tick in &ticks.marks {
                let spelt = offset + factor * number(&tick.label);
                prop_assert!((spelt - tick.value).abs() < 1e-3 * half, "{} {}", tick.label, ticks.note);
                prop_assert!(tick.value > min - 1e-6 * half && tick.value < max + 1e-6 * half);
                prop_assert!(is_short(&tick.label), "{} {}", tick.label, ticks.note);
            }
            let mut labels: Vec<&str> = ticks.marks.iter().map(|t| t.label.as_str()).collect();
            labels.dedup();
            prop_assert_eq!(labels.len(), ticks.marks.len(), "equal labels");
        }
    }
}
