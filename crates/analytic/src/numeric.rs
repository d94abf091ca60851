//! A monotone root by bisection, and a scalar autonomous differential equation by extrapolation.

use std::cell::Cell;

/// Rows of the extrapolation table; the last one has order 16.
const ROWS: usize = 8;

/// Error of one step that is accepted, relative to the position and the way travelled.
const TOLERANCE: f64 = 4e-15;

/// Computes the first point where an increasing function is ≥ 0, to the last digit, by bisection;
/// `high` if there is none between the two.
pub(crate) fn bisect(f: impl Fn(f64) -> f64, mut low: f64, mut high: f64) -> f64 {
    loop {
        let middle = low + 0.5 * (high - low);
        if !(low < middle && middle < high) {
            return high;
        }
        if f(middle) < 0.0 {
            low = middle;
        } else {
            high = middle;
        }
    }
}

/// Computes x(time) for x' = velocity(x), x(0) = start, by the method of Gragg, Bulirsch and Stoer
/// with step control.
///
/// Solutions never pass a zero of the velocity, so a step with a trial point beyond one is refused,
/// however small its estimated error: where the velocity is flat on both sides, as in the tails of
/// a law, the estimate can miss everything between. Steps shorter than 1e-8·time are accepted as
/// they are, so that a velocity with kinks ends too.
pub(crate) fn flow(velocity: impl Fn(f64) -> f64, start: f64, time: f64) -> f64 {
    let (mut x, mut elapsed, mut step) = (start, 0.0, time);
    while elapsed < time {
        step = step.min(time - elapsed);
        let speed = velocity(x);
        let allowed = TOLERANCE * (x.abs() + (step * speed).abs());
        let passed_zero = Cell::new(false);
        let checked_velocity = |trial: f64| {
            let there = velocity(trial);
            let opposite = there * speed < 0.0 && (step * there).abs() > allowed;
            passed_zero.set(passed_zero.get() || opposite);
            there
        };
        let (next, error) = extrapolated_step(&checked_velocity, x, step);
        let growth = if passed_zero.get() {
            0.2
        } else {
            (0.8 * (allowed / error.max(f64::MIN_POSITIVE)).powf(1.0 / 15.0)).clamp(0.2, 4.0)
        };
        if error <= allowed && !passed_zero.get() || step <= 1e-8 * time {
            (x, elapsed) = (next, elapsed + step);
        }
        step *= growth;
    }
    x
}

/// One step of the midpoint rule with 2, 4, …, 16 substeps, extrapolated in their squared width
/// (Aitken-Neville), and the last correction as its error.
fn extrapolated_step(velocity: &impl Fn(f64) -> f64, x: f64, step: f64) -> (f64, f64) {
    let mut table = [[0.0; ROWS]; ROWS];
    for k in 0..ROWS {
        table[k][0] = midpoint_rule(velocity, x, step, 2 * (k + 1));
        for j in 1..=k {
            let ratio = (k + 1) as f64 / (k + 1 - j) as f64;
            let correction = (table[k][j - 1] - table[k - 1][j - 1]) / (ratio * ratio - 1.0);
            table[k][j] = table[k][j - 1] + correction;
        }
    }
    let [.., before, last] = table[ROWS - 1];
    (last, (last - before).abs())
}

/// The explicit midpoint (leapfrog) rule with an even number of substeps and Gragg's smoothing at
/// the end, whose error is a series in their squared width.
fn midpoint_rule(velocity: &impl Fn(f64) -> f64, x: f64, step: f64, count: usize) -> f64 {
    let width = step / count as f64;
    let (mut before, mut now) = (x, x + width * velocity(x));
    for _ in 1..count {
        (before, now) = (now, before + 2.0 * width * velocity(now));
    }
    0.5 * (now + before + width * velocity(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integrates_known_flows() {
        for time in [1e-3, 0.7, 5.0, 40.0] {
            // x' = 1 − x
            let got = flow(|x| 1.0 - x, 3.0, time);
            let exact = 1.0 + 2.0 * (-time).exp();
            assert!(
                (got / exact - 1.0).abs() < 1e-13,
                "{time}: {got} instead of {exact}"
            );
            // x' = 1/(2x)
            let got = flow(|x| 0.5 / x, 1.0, time);
            let exact = (1.0 + time).sqrt();
            assert!(
                (got / exact - 1.0).abs() < 1e-13,
                "{time}: {got} instead of {exact}"
            );
        }
        assert_eq!(flow(|_| 7.0, 3.0, 0.0), 3.0);
    }

    #[test]
    fn a_kink_costs_digits_but_ends() {
        // x' = −2·min(max(x, 0), 1) from 2: arrives at 1 after ½.
        let got = flow(|x| -2.0 * x.clamp(0.0, 1.0), 2.0, 1.5);
        assert!((got - (-2.0_f64).exp()).abs() < 1e-9, "{got}");
    }

    #[test]
    fn flat_velocities_do_not_hide_a_zero_between() {
        let got = flow(|x| (0.9472 - 10.0 * x).clamp(-0.0528, 0.9472), 0.0, 6.0);
        assert!((got - 0.09472).abs() < 1e-14, "{got}");
        let got = flow(|x| 0.9 - 1.0 / (1.0 + (-50.0 * x).exp()), -30.0, 100.0);
        assert!((got - 9.0_f64.ln() / 50.0).abs() < 1e-14, "{got}");
    }

    #[test]
    fn bisection_reaches_the_last_digit() {
        assert_eq!(bisect(|x| x * x - 2.0, 0.0, 2.0), 2.0_f64.sqrt());
        assert_eq!(bisect(|x| x - 0.5, 0.0, 1.0), 0.5);
        assert_eq!(bisect(|_| -1.0, 0.0, 1.0), 1.0);
    }
}
