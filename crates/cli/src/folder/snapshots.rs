//! The particles at the saved times: the table `snapshots.csv`, or `snapshots.part` for very many particles,
//! which becomes `snapshots.npz` when the run ends.
//!
//! `snapshots.part` has a record for each saved time: the step (u64), the time (f64), and the particles row
//! by row in the precision of the run, all with the lowest byte first.

use std::io;

use nalgebra::DMatrix;
use rieszflow_numerics::Real;

/// The particles at one saved time.
pub(crate) struct Snapshot {
    pub(crate) step: u64,
    pub(crate) time: f64,
    pub(crate) particles: DMatrix<f64>,
}

/// How snapshots are collected while the run goes on.
#[derive(Clone, Copy, Debug)]
pub(crate) enum SnapshotFormat {
    /// A table.
    Csv,
    /// Records of N particles in ℝᵈ, in single or double precision.
    Records {
        count: usize,
        dim: usize,
        is_single: bool,
    },
}

/// The bytes of a record.
pub(crate) fn record(snapshot: &Snapshot, is_single: bool) -> Vec<u8> {
    let mut bytes = snapshot.step.to_le_bytes().to_vec();
    bytes.extend(snapshot.time.to_le_bytes());
    for row in snapshot.particles.row_iter() {
        for &x in &row {
            if is_single {
                bytes.extend((x as f32).to_le_bytes());
            } else {
                bytes.extend(x.to_le_bytes());
            }
        }
    }
    bytes
}

/// The snapshots of a `snapshots.part`.
///
/// # Errors
/// If it cannot be read, or ends inside a record.
pub(crate) fn read_records(
    mut reader: impl io::Read,
    (count, dim, is_single): (usize, usize, bool),
) -> io::Result<Vec<Snapshot>> {
    let mut snapshots = Vec::new();
    let size = if is_single { 4 } else { 8 };
    let mut head = [0; 16];
    let mut numbers = vec![0; count * dim * size];
    while reader.read(&mut head[..1])? == 1 {
        reader.read_exact(&mut head[1..])?;
        reader.read_exact(&mut numbers)?;
        let (step, time) = head.split_at(8);
        let numbers = numbers.chunks_exact(size).map(|bytes| {
            if is_single {
                f64::from(f32::from_le_slice(bytes))
            } else {
                f64::from_le_slice(bytes)
            }
        });
        snapshots.push(Snapshot {
            step: u64::from_le_bytes(step.try_into().expect("eight bytes")),
            time: f64::from_le_slice(time),
            particles: DMatrix::from_row_iterator(count, dim, numbers),
        });
    }
    Ok(snapshots)
}

/// The names of d coordinates, x0, x1, ….
pub(crate) fn coordinate_names(dim: usize) -> impl Iterator<Item = String> {
    (0..dim).map(|k| format!("x{k}"))
}

/// The snapshots of a `snapshots.csv`.
///
/// # Errors
/// If it cannot be read, or a row does not fit the one before; the message names its line.
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

    #[test]
    fn records_are_read_back() {
        let snapshot = |step| Snapshot {
            step,
            time: 0.1 * step as f64,
            particles: DMatrix::from_fn(3, 2, |i, k| (step as f64 + i as f64) / (k + 3) as f64),
        };
        for is_single in [false, true] {
            let bytes: Vec<u8> = [0, 5]
                .into_iter()
                .flat_map(|s| record(&snapshot(s), is_single))
                .collect();
            let found = read_records(&bytes[..], (3, 2, is_single)).expect("two records");
            assert_eq!(found.len(), 2);
            for (found, step) in found.iter().zip([0, 5]) {
                let expected = snapshot(step);
                assert_eq!((found.step, found.time), (expected.step, expected.time));
                let error = (&found.particles - expected.particles).amax();
                assert!(error <= if is_single { 2e-7 } else { 0.0 }, "{error:e}");
            }
            assert!(read_records(&bytes[..bytes.len() - 1], (3, 2, is_single)).is_err());
        }
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
