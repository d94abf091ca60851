//! The folder `checkpoint/` with the two latest checkpoints of a run.

use std::fs::{self, File};
use std::io::{self, BufReader, ErrorKind};
use std::path::{Path, PathBuf};

use rieszflow_flows::State;
use rieszflow_numerics::Real;

use super::super::replace;
use super::{Checkpoint, CheckpointError, RunRecord, RunShape, decode, encode};

/// So many checkpoints are kept: if the latest is damaged there is one before it.
const KEPT: usize = 2;

/// A folder of checkpoints; each is named after its time step and iteration.
#[derive(Clone, Debug)]
pub struct CheckpointStore(PathBuf);

/// What a folder of checkpoints has to offer.
#[derive(Debug)]
pub struct LoadedCheckpoint<T> {
    /// The latest checkpoint that is whole.
    pub checkpoint: Option<Checkpoint<T>>,
    /// Later ones that had to be refused.
    pub refused: Vec<(PathBuf, CheckpointError)>,
}

impl CheckpointStore {
    /// The checkpoints in `folder`, which need not exist yet.
    pub fn new(folder: PathBuf) -> Self {
        Self(folder)
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a checkpoint, and removes all but the latest two once it is safe on the disk.
    ///
    /// # Errors
    /// What the operating system reports; the checkpoints that were there are then still there.
    pub fn save<T: Real>(
        &self,
        state: &State<T>,
        record: &RunRecord,
        fingerprint: u64,
    ) -> io::Result<()> {
        let place = (state.step, state.inner().done());
        let path = self.0.join(name(place));
        replace(&path, |file| encode(file, state, record, fingerprint))?;
        // A run that was resumed from an older checkpoint makes the later ones again.
        let (later, kept): (Vec<_>, Vec<_>) =
            self.places()?.into_iter().partition(|&other| other > place);
        let outdated = kept.into_iter().skip(KEPT).chain(later);
        outdated
            .map(|place| self.0.join(name(place)))
            .try_for_each(fs::remove_file)
    }

    /// Reads the latest checkpoint that is whole and that `accept` finds no fault with.
    ///
    /// # Errors
    /// If the folder cannot be read. That it does not exist is no error: there is no checkpoint.
    pub fn load<T: Real>(
        &self,
        shape: &RunShape,
        accept: impl Fn(&Checkpoint<T>) -> Result<(), CheckpointError>,
    ) -> io::Result<LoadedCheckpoint<T>> {
        let mut refused = Vec::new();
        for place in self.places()? {
            let path = self.0.join(name(place));
            let read = read(&path, shape).and_then(|found| accept(&found).map(|()| found));
            match read {
                Ok(checkpoint) => {
                    return Ok(LoadedCheckpoint {
                        checkpoint: Some(checkpoint),
                        refused,
                    });
                }
                Err(error) => refused.push((path, error)),
            }
        }
        Ok(LoadedCheckpoint {
            checkpoint: None,
            refused,
        })
    }

    /// Removes the folder with all it holds.
    ///
    /// # Errors
    /// What the operating system reports. That it does not exist is no error.
    pub fn remove(&self) -> io::Result<()> {
        match fs::remove_dir_all(&self.0) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Time step and iteration of the checkpoints that are there, the latest first.
    fn places(&self) -> io::Result<Vec<(u64, u64)>> {
        let entries = match fs::read_dir(&self.0) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut places = Vec::new();
        for entry in entries {
            places.extend(entry?.file_name().to_str().and_then(place));
        }
        places.sort_unstable_by(|a, b| b.cmp(a));
        Ok(places)
    }
}

pub(super) fn name((step, iteration): (u64, u64)) -> String {
    format!("step-{step:08}-iteration-{iteration:010}.ckpt")
}

/// The inverse of [`name`].
fn place(text: &str) -> Option<(u64, u64)> {
    let inner = text.strip_prefix("step-")?.strip_suffix(".ckpt")?;
    let (step, iteration) = inner.split_once("-iteration-")?;
    let place = (step.parse().ok()?, iteration.parse().ok()?);
    (name(place) == text).then_some(place)
}

fn read<T: Real>(path: &Path, shape: &RunShape) -> Result<Checkpoint<T>, CheckpointError> {
    let file = File::open(path)?;
    let len = file.metadata()?.len();
    decode(BufReader::new(file), len, shape)
}
