//! The table `snapshots.csv`: the particles at the saved times.

use std::io;

use nalgebra::DMatrix;

/// The particles at one saved time.
pub(crate) struct Snapshot {
    pub(crate) step: u64,
    pub(crate) time: f64,
    pub(crate) particles: DMatrix<f64>,
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
