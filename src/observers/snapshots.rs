//! `snapshots.csv`, `snapshots.npz` and `final.csv`: the particles at the saved times.

use std::cell::RefCell;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use nalgebra::DMatrix;
use rieszflow_autodiff::Real;
use rieszflow_flows::scheme::StepReport;
use rieszflow_flows::{Observer, ObserverError, Outcome, State, TimeStep};

use super::widen;
use crate::config::SaveAt;
use crate::files::npz::{Array, write_npz};
use crate::files::replace;

/// The particles at one saved time.
pub(crate) struct Snapshot {
    pub(crate) step: u64,
    pub(crate) time: f64,
    pub(crate) particles: DMatrix<f64>,
}

/// The saved times so far, shared with the observer that draws them.
pub(crate) type Saved = Rc<RefCell<Vec<Snapshot>>>;

/// Saves the particles at the start, at the chosen times, and at the end.
pub(crate) struct Snapshots {
    folder: PathBuf,
    chosen: Vec<u64>,
    writer: csv::Writer<File>,
    saved: Saved,
}

impl Snapshots {
    pub(crate) fn create(
        folder: &Path,
        save_at: &SaveAt,
        grid: &[TimeStep],
        saved: Saved,
    ) -> csv::Result<Self> {
        Ok(Self {
            folder: folder.to_owned(),
            chosen: chosen_steps(save_at, grid),
            writer: csv::Writer::from_path(folder.join("snapshots.csv"))?,
            saved,
        })
    }

    fn save<T: Real>(&mut self, state: &State<T>) -> csv::Result<()> {
        let particles = widen(&state.particles);
        for (index, particle) in particles.row_iter().enumerate() {
            let head = [
                state.step.to_string(),
                state.time.to_string(),
                index.to_string(),
            ];
            let coordinates = particle.iter().map(f64::to_string);
            self.writer
                .write_record(head.into_iter().chain(coordinates))?;
        }
        self.writer.flush()?;
        self.saved.borrow_mut().push(Snapshot {
            step: state.step,
            time: state.time,
            particles,
        });
        Ok(())
    }
}

/// The steps to save: the start, the last, and for each chosen time the first step that reaches it.
pub(crate) fn chosen_steps(save_at: &SaveAt, grid: &[TimeStep]) -> Vec<u64> {
    let last = grid.len() as u64;
    let mut steps: Vec<u64> = match save_at {
        SaveAt::Every(every) => (0..=last).step_by(*every as usize).collect(),
        SaveAt::Times(times) => {
            let reaching = |time: &f64| {
                let before = |step: &&TimeStep| step.end < time - 1e-9 * step.tau;
                if *time <= 0.0 {
                    0
                } else {
                    grid.iter().take_while(before).count() as u64 + 1
                }
            };
            times.iter().map(reaching).collect()
        }
    };
    steps.extend([0, last]);
    steps.sort_unstable();
    steps.dedup();
    steps
}

fn coordinate_names(dim: usize) -> impl Iterator<Item = String> {
    (0..dim).map(|k| format!("x{k}"))
}

impl<T: Real> Observer<T> for Snapshots {
    fn start(&mut self, state: &State<T>) -> Result<(), ObserverError> {
        let head = ["step", "time", "particle"].map(str::to_owned);
        let names = coordinate_names(state.particles.ncols());
        self.writer.write_record(head.into_iter().chain(names))?;
        Ok(self.save(state)?)
    }

    fn step(&mut self, state: &State<T>, _: &StepReport) -> Result<(), ObserverError> {
        if self.chosen.binary_search(&state.step).is_ok() {
            self.save(state)?;
        }
        Ok(())
    }

    fn finish(&mut self, state: &State<T>, _: &Outcome) -> Result<(), ObserverError> {
        // A diverged flow ends before its last step; what it reached is saved all the same.
        let already = self.saved.borrow().last().map(|s| s.step) == Some(state.step);
        if !already {
            self.save(state)?;
        }
        write_final(&self.folder.join("final.csv"), &widen(&state.particles))?;
        write_archive(&self.folder.join("snapshots.npz"), &self.saved.borrow())?;
        Ok(())
    }
}

fn write_final(path: &Path, particles: &DMatrix<f64>) -> Result<(), ObserverError> {
    replace(path, |file| {
        let mut writer = csv::Writer::from_writer(file);
        writer.write_record(coordinate_names(particles.ncols()))?;
        for particle in particles.row_iter() {
            writer.write_record(particle.iter().map(f64::to_string))?;
        }
        writer.flush()
    })
    .map_err(|error| format!("cannot write {}: {error}", path.display()).into())
}

/// `times` (S) and `particles` (S×N×d).
fn write_archive(path: &Path, saved: &[Snapshot]) -> std::io::Result<()> {
    let times: Vec<f64> = saved.iter().map(|s| s.time).collect();
    let (count, dim) = saved[0].particles.shape();
    let rows = saved.iter().flat_map(|s| s.particles.row_iter());
    let particles: Vec<f64> = rows
        .flat_map(|row| row.iter().copied().collect::<Vec<_>>())
        .collect();
    write_npz(
        path,
        &[
            Array {
                name: "times",
                shape: vec![times.len()],
                data: &times,
            },
            Array {
                name: "particles",
                shape: vec![saved.len(), count, dim],
                data: &particles,
            },
        ],
    )
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
}
