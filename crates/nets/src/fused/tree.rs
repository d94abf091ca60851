//! The parts of a batch: a power of two of them, made by halving, and added up in pairs.

use std::ops::Range;

/// Where a batch is cut in two, at a full vector.
pub(super) fn half(rows: usize) -> usize {
    (rows / 2).next_multiple_of(16)
}

/// Those of `own` in the first half of the parts, and those in the second half, counted from its start.
pub(super) fn halves(parts: usize, own: &Range<usize>) -> (Range<usize>, Range<usize>) {
    let half = parts / 2;
    let first = own.start.min(half)..own.end.min(half);
    let second = own.start.max(half) - half..own.end.max(half) - half;
    (first, second)
}

/// The first row of part `index` of `parts` that a batch of `rows` is cut into; of part `parts`, `rows`.
pub(super) fn first_row(parts: usize, rows: usize, index: usize) -> usize {
    if index == 0 || index == parts {
        return if index == 0 { 0 } else { rows };
    }
    let (cut, middle) = (half(rows), parts / 2);
    if index <= middle {
        first_row(middle, cut, index)
    } else {
        cut + first_row(middle, rows - cut, index - middle)
    }
}

/// The largest pairs, pairs of pairs and so on whose parts are all in `own`, in order, as ranges of
/// parts.
pub(super) fn subtrees(parts: usize, own: &Range<usize>) -> Vec<Range<usize>> {
    if own.len() == parts {
        return vec![own.clone()];
    }
    if own.is_empty() {
        return Vec::new();
    }
    let (first, second) = halves(parts, own);
    let shift = |range: Range<usize>| range.start + parts / 2..range.end + parts / 2;
    let mut found = subtrees(parts / 2, &first);
    found.extend(subtrees(parts / 2, &second).into_iter().map(shift));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subtrees_cover_a_share_with_few_sums() {
        let ends = |parts, own| {
            let found = subtrees(parts, &own).into_iter();
            found
                .map(|range| (range.start, range.end))
                .collect::<Vec<_>>()
        };
        assert_eq!(ends(16, 0..16), [(0, 16)]);
        assert_eq!(ends(16, 5..10), [(5, 6), (6, 8), (8, 10)]);
        assert_eq!(ends(2, 1..2), [(1, 2)]);
        assert!(subtrees(8, &(3..3)).is_empty());
    }

    #[test]
    fn rows_of_parts_are_those_of_halving() {
        let starts = [0, 1, 2, 3, 4].map(|index| first_row(4, 1000, index));
        // 500 becomes 512; its half is 256, that of the other 488 is 244, which becomes 256.
        assert_eq!(starts, [0, 256, 512, 768, 1000]);
    }
}
