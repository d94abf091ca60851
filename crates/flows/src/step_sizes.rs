//! Step sizes τ that may change along the flow, and the time grid they give.

use std::fmt;
use std::str::FromStr;

use crate::Error;

/// The size τ of time steps: one number, or a new one from given flow times on.
///
/// As text, `0.5,5:1,25:2` is 0.5 at first, 1 from t = 5 on, and 2 from t = 25 on.
///
/// ```
/// use rieszflow_flows::StepSizes;
///
/// let tau: StepSizes = "0.5,5:1,25:2".parse()?;
/// assert_eq!((tau.at(0.0), tau.at(4.5), tau.at(5.0), tau.at(1e3)), (0.5, 0.5, 1.0, 2.0));
/// assert_eq!(StepSizes::from(0.05).to_string(), "0.05");
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct StepSizes {
    first: f64,
    /// (t, τ): from flow time t on the size is τ; times increase.
    changes: Vec<(f64, f64)>,
}

impl StepSizes {
    /// τ of a step that starts at flow time `time`.
    pub fn at(&self, time: f64) -> f64 {
        // A start that rounding keeps a little below the change counts as reaching it.
        let reached = |&&(from, tau): &&(f64, f64)| from <= time + RESOLUTION * tau;
        let last = self.changes.iter().take_while(reached).last();
        last.map_or(self.first, |&(_, tau)| tau)
    }

    /// Sizes that double from `first` until they would exceed `most`, and the flow time after `count` steps of
    /// them.
    ///
    /// ```
    /// use rieszflow_flows::StepSizes;
    ///
    /// let (tau, time) = StepSizes::doubling(1.0, 4.0, 5);
    /// assert_eq!((tau.to_string().as_str(), time), ("1,1:2,3:4", 15.0));
    /// ```
    pub fn doubling(first: f64, most: f64, count: u64) -> (Self, f64) {
        let mut sizes = Self::from(first);
        let (mut size, mut time) = (first, 0.0);
        for step in 1..=count {
            time = decimal(time + size);
            if step < count && 2.0 * size <= most * (1.0 + RESOLUTION) {
                size *= 2.0;
                sizes.changes.push((time, size));
            }
        }
        (sizes, time)
    }

    /// All sizes, the first one first.
    pub fn sizes(&self) -> impl Iterator<Item = f64> {
        std::iter::once(self.first).chain(self.changes.iter().map(|&(_, tau)| tau))
    }
}

impl From<f64> for StepSizes {
    fn from(tau: f64) -> Self {
        Self {
            first: tau,
            changes: Vec::new(),
        }
    }
}

impl fmt::Display for StepSizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.first)?;
        self.changes
            .iter()
            .try_for_each(|(time, tau)| write!(f, ",{time}:{tau}"))
    }
}

impl FromStr for StepSizes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || {
            format!(
                "expected a number such as 0.05, or sizes with the flow times they apply from, in \
                 order, such as 0.5,5:1,25:2, not '{text}'"
            )
        };
        let number = |text: &str| text.trim().parse::<f64>().map_err(|_| expected());
        let mut parts = text.split(',');
        let mut sizes = Self::from(number(parts.next().unwrap_or_default())?);
        let mut last = 0.0;
        for part in parts {
            let (time, tau) = part.split_once(':').ok_or_else(expected)?;
            let (time, tau) = (number(time)?, number(tau)?);
            if !(time > last && time.is_finite()) {
                return Err(expected());
            }
            last = time;
            sizes.changes.push((time, tau));
        }
        Ok(sizes)
    }
}

/// Grid points closer than this part of τ to one another are one.
const RESOLUTION: f64 = 1e-9;

/// One step of a time grid.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TimeStep {
    /// τ_n, its size.
    pub tau: f64,
    /// t_n, the flow time at its end.
    pub end: f64,
}

/// The steps from flow time 0 to `time`: first the given `initial` sizes, then sizes `tau`, the last
/// one shortened if need be.
///
/// After initial steps the grid returns to the multiples of τ. Where τ changes, multiples of the
/// new τ are counted from there.
///
/// ```
/// use rieszflow_flows::time_grid;
///
/// let grid = time_grid(&[0.01], 0.1, 0.25)?;
/// let ends: Vec<f64> = grid.iter().map(|step| step.end).collect();
/// assert_eq!(ends, [0.01, 0.1, 0.2, 0.25]);
/// # Ok::<(), rieszflow_flows::Error>(())
/// ```
///
/// # Errors
/// [`Error::TimeStep`] if a size is not positive and finite; a `time` that is not is refused alike.
pub fn time_grid(
    initial: &[f64],
    tau: impl Into<StepSizes>,
    time: f64,
) -> Result<Vec<TimeStep>, Error> {
    let sizes = tau.into();
    for size in initial.iter().copied().chain(sizes.sizes()).chain([time]) {
        if !(size > 0.0 && size.is_finite()) {
            return Err(Error::TimeStep(size));
        }
    }
    let mut grid = Vec::new();
    let mut now = 0.0;
    let mut push = |tau: f64, end: f64, now: &mut f64| {
        grid.push(TimeStep { tau, end });
        *now = end;
    };
    for &size in initial {
        if now + size < time {
            let end = now + size;
            push(size, end, &mut now);
        }
    }
    let mut tau = sizes.at(now);
    let mut origin = 0.0;
    let mut multiple = 1 + ((now + RESOLUTION * tau) / tau) as u64;
    while now < time - RESOLUTION * tau {
        if sizes.at(now) != tau {
            (tau, origin, multiple) = (sizes.at(now), now, 1);
        }
        let resolution = RESOLUTION * tau;
        let next = origin + multiple as f64 * tau;
        // A decimal step size has decimal multiples.
        let next = decimal(next);
        let end = if next > time - resolution { time } else { next };
        let whole = (end - now - tau).abs() <= resolution;
        push(if whole { tau } else { end - now }, end, &mut now);
        multiple += 1;
    }
    Ok(grid)
}

/// A flow time to twelve decimals.
fn decimal(time: f64) -> f64 {
    (time * 1e12).round() / 1e12
}

/// The first step of the grid whose end reaches flow time `time`, counted from 1; 0 for the start.
///
/// ```
/// use rieszflow_flows::{step_reaching, time_grid};
///
/// let grid = time_grid(&[], 0.1, 0.25)?;
/// assert_eq!([0.0, 0.1, 0.15, 0.25].map(|time| step_reaching(time, &grid)), [0, 1, 2, 3]);
/// # Ok::<(), rieszflow_flows::Error>(())
/// ```
pub fn step_reaching(time: f64, grid: &[TimeStep]) -> u64 {
    let before = |step: &&TimeStep| step.end < time - RESOLUTION * step.tau;
    if time <= 0.0 {
        0
    } else {
        grid.iter().take_while(before).count() as u64 + 1
    }
}
