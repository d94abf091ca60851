//! An append-only file that can be reopened at the length a checkpoint has recorded.

use std::fs::{File, OpenOptions};
use std::io::{self, Error, ErrorKind, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// An append-only file, which grows by rows or tensors during a run.
#[derive(Debug)]
pub struct AppendLog {
    file: File,
    path: PathBuf,
    len: u64,
}

impl AppendLog {
    /// A new, empty file.
    ///
    /// # Errors
    /// What the operating system reports.
    pub fn create(path: &Path) -> io::Result<Self> {
        let file = File::create(path)?;
        let path = path.to_owned();
        Ok(Self { file, path, len: 0 })
    }

    /// Opens the file and cuts off what was appended after the first `len` bytes.
    ///
    /// # Errors
    /// If the file is shorter, or what the operating system reports.
    pub fn reopen(path: &Path, len: u64) -> io::Result<Self> {
        let mut file = OpenOptions::new().read(true).write(true).open(path)?;
        let found = file.metadata()?.len();
        if found < len {
            let message = format!(
                "{}: {len} bytes were written before the checkpoint, and {found} are there",
                path.display()
            );
            return Err(Error::new(ErrorKind::UnexpectedEof, message));
        }
        file.set_len(len)?;
        file.seek(SeekFrom::End(0))?;
        let path = path.to_owned();
        Ok(Self { file, path, len })
    }

    /// Whether the file is empty.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Appends, in one write.
    ///
    /// # Errors
    /// What the operating system reports.
    pub fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let written = self.file.write_all(bytes);
        written.map_err(|error| self.named(&error))?;
        self.len += bytes.len() as u64;
        Ok(())
    }

    /// Appends rows of a CSV table, in one write.
    ///
    /// # Errors
    /// What the operating system reports.
    pub fn append_rows<R, F>(&mut self, rows: impl IntoIterator<Item = R>) -> io::Result<()>
    where
        R: IntoIterator<Item = F>,
        F: AsRef<[u8]>,
    {
        let mut writer = csv::Writer::from_writer(Vec::new());
        for row in rows {
            writer.write_record(row)?;
        }
        let bytes = writer
            .into_inner()
            .map_err(csv::IntoInnerError::into_error)?;
        self.append(&bytes)
    }

    /// Flushes the file to the disk; its length in bytes.
    ///
    /// # Errors
    /// What the operating system reports.
    pub fn sync(&mut self) -> io::Result<u64> {
        let synced = self.file.sync_data();
        synced.map_err(|error| self.named(&error))?;
        Ok(self.len)
    }

    /// The error with the file's name.
    fn named(&self, error: &Error) -> Error {
        Error::new(error.kind(), format!("{}: {error}", self.path.display()))
    }
}
