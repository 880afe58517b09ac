//! Figures as a person reads them: numbers, and tables of them.

/// Bytes as gibibytes.
pub(super) fn gib(bytes: u64) -> f64 {
    mib(bytes) / 1024.0
}

/// Bytes as mebibytes, to a thousandth.
pub(super) fn mib(bytes: u64) -> f64 {
    ratio(bytes, 1024 * 1024)
}

/// A quotient of two counts, to about nine digits.
pub(super) fn ratio(count: u64, by: u64) -> f64 {
    std::time::Duration::from_nanos(count).as_secs_f64()
        / std::time::Duration::from_nanos(by.max(1)).as_secs_f64()
}

/// Microseconds as milliseconds, to a hundredth.
pub(super) fn milliseconds(microseconds: u64) -> String {
    format!("{:.2}", ratio(microseconds, 1_000))
}

/// A whole number with commas.
pub(super) fn whole(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The middle one; of an even number, the lower of the two in the middle.
pub(super) fn median(all: impl Iterator<Item = f64>) -> f64 {
    let mut all: Vec<f64> = all.collect();
    all.sort_unstable_by(f64::total_cmp);
    let middle = all.len().saturating_sub(1) / 2;
    all.get(middle).copied().unwrap_or(0.0)
}

/// Rows under a heading: the first column to the left, numbers to the right.
pub(super) fn table(heading: &[&str], rows: Vec<Vec<String>>) -> String {
    let heading = heading.iter().map(|&name| name.to_owned()).collect();
    let mut all: Vec<Vec<String>> = vec![heading];
    all.extend(rows);
    let columns = all.first().map_or(0, Vec::len);
    let width = |column: usize| {
        let cells = all.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in &all {
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let cell = match column {
                0 => format!("{cell:<width$}"),
                _ => format!("  {cell:>width$}"),
            };
            text.push_str(&cell);
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_under_each_other() {
        let rows = vec![vec!["a".to_owned(), "1,000".to_owned()]];
        assert_eq!(table(&["what", "n"], rows), "what      n\na     1,000\n");
    }

    #[test]
    fn a_median_is_one_of_the_figures() {
        assert_eq!(median([3.0, 1.0, 2.0].into_iter()), 2.0);
        assert_eq!(median([4.0, 1.0, 3.0, 2.0].into_iter()), 2.0);
        assert_eq!(median([].into_iter()), 0.0);
    }

    #[test]
    fn large_numbers_have_commas() {
        assert_eq!(whole(7.4), "7");
        assert_eq!(whole(999.6), "1,000");
        assert_eq!(whole(1_234_567.0), "1,234,567");
    }

    #[test]
    fn a_ratio_is_a_quotient() {
        assert!((ratio(3, 2) - 1.5).abs() < 1e-9);
        assert!((mib(1_572_864) - 1.5).abs() < 1e-9);
    }
}
