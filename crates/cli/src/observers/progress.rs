//! Progress: a bar on a terminal, a plain line per time step elsewhere.

use std::io::{IsTerminal, Write, stdout};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use rieszflow_flows::scheme::{Iteration, StepReport};
use rieszflow_flows::{Observer, ObserverError, Outcome, State};
use rieszflow_numerics::Real;

use super::Table;
use crate::numbers::{plain, rounded};

/// Parts of a time step that the bar counts.
const PARTS: u64 = 1000;

/// The time between two lines inside a time step, where there is no bar.
const BETWEEN_LINES: Duration = Duration::from_secs(10);

/// Shows flow time, step, loss, discrepancy and the time left.
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    table: Table,
    steps: u64,
    time: f64,
    now: (u64, f64),
    loss: Option<f64>,
    /// When the last line was printed.
    last_line: Instant,
}

impl Progress {
    /// For a flow of `steps` time steps to flow time `time`.
    pub(crate) fn new(steps: u64, time: f64, table: Table) -> Self {
        let bar = stdout().is_terminal().then(|| {
            let bar = ProgressBar::new(steps * PARTS);
            let style = "{bar:14.cyan/dim}  {eta:>4} left  {wide_msg}";
            bar.set_style(ProgressStyle::with_template(style).expect("a valid template"));
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        Self {
            bar,
            table,
            steps,
            time,
            now: (0, 0.0),
            loss: None,
            last_line: Instant::now(),
        }
    }

    /// "t 0.6/1.2  step 12/24  loss -1.23e-2  D² 2.46e-5", each in its place in every line.
    fn describe(&self) -> String {
        let (step, time) = self.now;
        let (end, steps) = (plain(self.time), self.steps.to_string());
        let place = format!(
            "{:width$}  step {step:>digits$}/{steps}",
            format!("t {}/{end}", rounded(time, 4)),
            width = "t 0.1234/".len() + end.len(),
            digits = steps.len()
        );
        // Adding 0 takes the sign from a loss of −0.
        let loss = self.loss.map(|loss| format!("loss {:>8.2e}", loss + 0.0));
        let table = self.table.borrow();
        let discrepancy = table.last().map(|row| match row.discrepancy {
            Some(discrepancy) => format!("D² {discrepancy:.2e}"),
            None => format!("F {:.2e}", row.functional),
        });
        let parts: Vec<String> = [Some(place), loss, discrepancy]
            .into_iter()
            .flatten()
            .collect();
        parts.join("  ")
    }

    fn print(&mut self, line: &str) {
        // A closed pipe does not stop the flow.
        let _ = writeln!(stdout(), "{line}");
        self.last_line = Instant::now();
    }
}

/// The training loss, if this is an iteration of the training.
fn loss(iteration: Iteration) -> Option<f64> {
    Some(iteration.loss).filter(|loss| !loss.is_nan())
}

impl<T: Real> Observer<T> for Progress {
    fn start(&mut self, state: &State<T>) -> Result<(), ObserverError> {
        self.now = (state.step, state.time);
        if let Some(bar) = &self.bar {
            bar.set_position(state.step * PARTS);
            bar.set_message(self.describe());
        }
        Ok(())
    }

    fn iteration(&mut self, _: &State<T>, iteration: Iteration) -> Result<(), ObserverError> {
        let Some(bar) = &self.bar else {
            if self.last_line.elapsed() >= BETWEEN_LINES {
                self.loss = loss(iteration);
                let (index, count) = (iteration.index + 1, iteration.count);
                self.print(&format!("{}  iteration {index}/{count}", self.describe()));
            }
            return Ok(());
        };
        if iteration
            .index
            .is_multiple_of(iteration.count.div_ceil(100))
        {
            self.loss = loss(iteration);
            bar.set_position(self.now.0 * PARTS + PARTS * iteration.index / iteration.count);
            bar.set_message(self.describe());
        }
        Ok(())
    }

    fn step(&mut self, state: &State<T>, report: &StepReport) -> Result<(), ObserverError> {
        self.now = (state.step, state.time);
        self.loss = report.loss;
        match &self.bar {
            Some(bar) => {
                bar.set_position(state.step * PARTS);
                bar.set_message(self.describe());
            }
            None => self.print(&self.describe()),
        }
        Ok(())
    }

    fn finish(&mut self, _: &State<T>, _: &Outcome) -> Result<(), ObserverError> {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        Ok(())
    }
}
