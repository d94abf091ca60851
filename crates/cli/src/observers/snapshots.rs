//! `snapshots.csv`: the particles at the saved times.

use std::io;

use nalgebra::DMatrix;
use rieszflow_flows::scheme::StepReport;
use rieszflow_flows::{Observer, ObserverError, Outcome, State, TimeStep};
use rieszflow_numerics::Real;

use super::SharedJournal;
use crate::config::SaveAt;

/// The particles at one saved time.
pub(crate) struct Snapshot {
    pub(crate) step: u64,
    pub(crate) time: f64,
    pub(crate) particles: DMatrix<f64>,
}

/// Saves the particles at the start, at the chosen times, and at the end.
pub(crate) struct Snapshots {
    chosen: Vec<u64>,
    journal: SharedJournal,
    /// The step that was saved last.
    last: Option<u64>,
}

impl Snapshots {
    /// For a flow whose steps `chosen` are saved, in order, and that is new or goes on after `done`
    /// of its time steps.
    pub(crate) fn new(chosen: Vec<u64>, journal: SharedJournal, done: u64) -> Self {
        let is_new = journal.borrow().is_empty();
        let saved = chosen.iter().rev().find(|&&step| step <= done).copied();
        Self {
            chosen,
            journal,
            last: saved.filter(|_| !is_new),
        }
    }

    fn save<T: Real>(&mut self, state: &State<T>) -> io::Result<()> {
        let particles = &state.particles;
        let rows = particles.row_iter().enumerate().map(|(index, particle)| {
            let head = [
                state.step.to_string(),
                state.time.to_string(),
                index.to_string(),
            ];
            let coordinates: Vec<String> =
                particle.iter().map(|x| x.into_f64().to_string()).collect();
            head.into_iter().chain(coordinates)
        });
        self.journal.borrow_mut().append_rows(rows)?;
        self.last = Some(state.step);
        Ok(())
    }
}

/// The steps to save: the start, the last, and for each chosen time the first step that reaches it.
pub(crate) fn chosen_steps(save_at: &SaveAt, grid: &[TimeStep]) -> Vec<u64> {
    let last = grid.len() as u64;
    let mut steps: Vec<u64> = match save_at {
        SaveAt::Every(every) => (0..=last).step_by(*every as usize).collect(),
        SaveAt::Times(times) => times
            .iter()
            .map(|&time| step_reaching(time, grid))
            .collect(),
    };
    steps.extend([0, last]);
    steps.sort_unstable();
    steps.dedup();
    steps
}

/// The first step whose end reaches flow time `time`, counted from 1; 0 for the start.
pub(crate) fn step_reaching(time: f64, grid: &[TimeStep]) -> u64 {
    let before = |step: &&TimeStep| step.end < time - 1e-9 * step.tau;
    if time <= 0.0 {
        0
    } else {
        grid.iter().take_while(before).count() as u64 + 1
    }
}

/// The names of d coordinates, x0, x1, ….
pub(crate) fn coordinate_names(dim: usize) -> impl Iterator<Item = String> {
    (0..dim).map(|k| format!("x{k}"))
}

impl<T: Real> Observer<T> for Snapshots {
    fn start(&mut self, state: &State<T>) -> Result<(), ObserverError> {
        if self.last.is_none() {
            let head = ["step", "time", "particle"].map(str::to_owned);
            let names = coordinate_names(state.particles.ncols());
            let mut journal = self.journal.borrow_mut();
            journal.append_rows([head.into_iter().chain(names)])?;
            drop(journal);
            self.save(state)?;
        }
        Ok(())
    }

    fn step(&mut self, state: &State<T>, _: &StepReport) -> Result<(), ObserverError> {
        if self.chosen.binary_search(&state.step).is_ok() {
            self.save(state)?;
        }
        Ok(())
    }

    fn finish(&mut self, state: &State<T>, outcome: &Outcome) -> Result<(), ObserverError> {
        // A diverged flow ends before its last step; what it reached is saved all the same.
        let diverged = matches!(outcome, Outcome::Diverged { .. });
        if diverged && self.last != Some(state.step) {
            self.save(state)?;
        }
        Ok(())
    }
}

/// The snapshots of a `snapshots.csv`.
///
/// # Errors
/// If it cannot be read, or a row does not fit the one before; the message tells its line.
pub(crate) fn read_snapshots(reader: impl io::Read) -> io::Result<Vec<Snapshot>> {
    let mut reader = csv::Reader::from_reader(reader);
    let dim = reader.headers()?.len().saturating_sub(3);
    let mut times: Vec<(u64, f64)> = Vec::new();
    let mut coordinates: Vec<Vec<f64>> = Vec::new();
    for record in reader.records() {
        let record = record?;
        let line = record.position().map_or(0, csv::Position::line);
        let wrong = || io::Error::other(format!("line {line}: expected a particle of a snapshot"));
        let step = record[0].parse().map_err(|_| wrong())?;
        let numbers: Result<Vec<f64>, _> = record.iter().skip(1).map(str::parse).collect();
        let numbers = numbers.map_err(|_| wrong())?;
        if numbers.len() != dim + 2 {
            return Err(wrong());
        }
        if times.last().is_none_or(|last| last.0 != step) {
            times.push((step, numbers[0]));
            coordinates.push(Vec::new());
        }
        let last = coordinates.len() - 1;
        coordinates[last].extend(&numbers[2..]);
    }
    let snapshots = times.into_iter().zip(coordinates);
    Ok(snapshots
        .map(|((step, time), coordinates)| Snapshot {
            step,
            time,
            particles: DMatrix::from_row_slice(coordinates.len() / dim.max(1), dim, &coordinates),
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rieszflow_flows::time_grid;

    #[test]
    fn the_first_and_last_step_are_always_chosen() {
        let grid = time_grid(&[], 0.1, 1.0).expect("a grid");
        assert_eq!(chosen_steps(&SaveAt::Every(4), &grid), [0, 4, 8, 10]);
        let times = SaveAt::Times(vec![0.3, 0.35, 1.0]);
        assert_eq!(chosen_steps(&times, &grid), [0, 3, 4, 10]);
    }

    #[test]
    fn snapshots_are_read_back_and_rows_that_do_not_fit_are_named() {
        let text = "step,time,particle,x0,x1\n0,0,0,1,2\n0,0,1,3,4\n2,0.5,0,5,6\n2,0.5,1,7,8\n";
        let snapshots = read_snapshots(text.as_bytes()).expect("snapshots");
        let steps: Vec<(u64, f64)> = snapshots.iter().map(|s| (s.step, s.time)).collect();
        assert_eq!(steps, [(0, 0.0), (2, 0.5)]);
        let second = DMatrix::from_row_slice(2, 2, &[5.0, 6.0, 7.0, 8.0]);
        assert_eq!(snapshots[1].particles, second);
        let broken = read_snapshots("step,time,particle,x0\n0,0,0,1\n0,0,1,y\n".as_bytes());
        let message = broken.err().expect("a wrong row").to_string();
        assert!(message.contains("line 3"), "{message}");
    }
}
