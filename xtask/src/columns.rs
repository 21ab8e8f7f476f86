//! Rows of text with their columns aligned. It must not know what is in them.

/// Columns as wide as their widest cell; those in `right` hold figures, and are aligned to the right.
pub(crate) fn aligned<const N: usize>(rows: &[[String; N]], right: &[usize]) -> String {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(widths).enumerate();
        let cells = cells.map(|(column, (cell, width))| {
            if right.contains(&column) {
                format!("{cell:>width$}")
            } else {
                format!("{cell:<width$}")
            }
        });
        let line = cells.collect::<Vec<_>>().join("  ");
        text += &format!("{}\n", line.trim_end());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_stand_to_the_right_and_no_line_ends_in_blanks() {
        let rows = [["a", "1", ""], ["bcd", "23", "x"]].map(|row| row.map(str::to_owned));
        assert_eq!(aligned(&rows, &[1]), "a     1\nbcd  23  x\n");
    }
}
