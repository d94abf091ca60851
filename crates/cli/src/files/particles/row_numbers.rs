//! Columns that number the rows instead of placing particles.

/// What is known of every column after the rows so far.
pub(super) struct RowNumbers(Vec<Column>);

/// The numbers of one column.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    count: usize,
    first: f64,
    last: f64,
    whole: bool,
    consecutive: bool,
}

impl RowNumbers {
    pub(super) fn new(columns: usize) -> Self {
        let column = Column {
            count: 0,
            first: 0.0,
            last: 0.0,
            whole: true,
            consecutive: true,
        };
        Self(vec![column; columns])
    }

    /// The next number of a column.
    pub(super) fn push(&mut self, column: usize, number: f64) {
        let column = &mut self.0[column];
        if column.count == 0 {
            column.first = number;
        } else {
            column.consecutive &= number == column.last + 1.0;
        }
        column.whole &= number.fract() == 0.0;
        column.last = number;
        column.count += 1;
    }

    pub(super) fn columns(&self) -> &[Column] {
        &self.0
    }
}

impl Column {
    /// Whether all numbers are whole.
    pub(super) fn is_whole(&self) -> bool {
        self.whole
    }

    /// Whether they are whole and each is by one larger than the one before.
    pub(super) fn is_consecutive(&self) -> bool {
        self.whole && self.consecutive && self.count > 1
    }

    /// Whether they count at least three rows from 0 or 1.
    pub(super) fn counts(&self) -> bool {
        self.is_consecutive() && self.count > 2 && (self.first == 0.0 || self.first == 1.0)
    }
}
