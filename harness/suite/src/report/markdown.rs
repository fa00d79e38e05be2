//! A matrix as Markdown, for a file people read in a repository.

use std::fmt::Write as _;

use super::{Cell, Grid, Report};
use crate::verdict::{RunResult, Standing};

/// Versions, grids, and what is behind every cell that is not as the oracle says.
#[must_use]
pub fn markdown(report: &Report) -> String {
    let mut text = String::from(
        "# Who gets through to whom\n\n\
         Rows offer, columns answer. `D` direct, `R` relayed, `X` no connection, each as seen on the \
         wire; `-` an implementation cannot do what the cell asks; `!` the cell is not as it should \
         be, what it should be behind it where the path differs.\n\n\
         | implementation | version |\n|---|---|\n",
    );
    for participant in &report.participants {
        let _ = writeln!(text, "| {} | {} |", participant.name, participant.version);
    }
    for shown in &report.grids {
        text.push_str(&grid(shown));
    }
    let known = report.results.iter().filter(|result| !result.verdict.is_fine());
    let mut known = known.peekable();
    if known.peek().is_some() {
        text.push_str("\n## What is behind the cells that are not as they should be\n");
    }
    for result in known {
        text.push_str(&behind(result));
    }
    text
}

fn grid(grid: &Grid) -> String {
    let mut text = format!("\n## {}\n\n| |", grid.title);
    for name in &grid.columns {
        let _ = write!(text, " {name} |");
    }
    let _ = write!(text, "\n|---|{}\n", "---|".repeat(grid.columns.len()));
    for (name, row) in grid.rows.iter().zip(&grid.cells) {
        let cells: Vec<String> = row.iter().map(cell).collect();
        let _ = writeln!(text, "| **{name}** | {} |", cells.join(" | "));
    }
    text
}

fn cell(cell: &Cell) -> String {
    match (cell.agrees, cell.seen == cell.oracle) {
        (true, _) => cell.seen.clone(),
        (false, true) => format!("{} !", cell.seen),
        (false, false) => format!("{} !{}", cell.seen, cell.oracle),
    }
}

fn behind(result: &RunResult) -> String {
    let peers = result.peers.join(", ");
    let standing = match result.standing {
        Standing::Xfail => "known",
        _ => "new",
    };
    let mut text = format!("\n- `{}` ({peers}): {}, {standing}.", result.id, result.verdict);
    if let Some(reason) = &result.reason {
        let _ = write!(text, " {reason}");
    }
    for finding in result.findings.iter().filter(|finding| !finding.verdict.is_fine()) {
        let _ = write!(
            text,
            "\n  - {}: expected {}, seen {}",
            finding.requirement, finding.expected, finding.actual
        );
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Participant;

    #[test]
    fn a_matrix_in_markdown_has_versions_and_marks_what_differs() {
        let cell = |seen: &str, agrees| Cell {
            seen: seen.to_owned(),
            oracle: "D".to_owned(),
            agrees,
            ..Cell::default()
        };
        let names = vec!["open".to_owned(), "symmetric".to_owned()];
        let grid = Grid {
            title: "a offers to b".to_owned(),
            offerer: "a".to_owned(),
            answerer: "b".to_owned(),
            rows: names.clone(),
            columns: names,
            cells: vec![
                vec![cell("D", true), cell("D", false)],
                vec![cell("R", false), cell("-", true)],
            ],
        };
        let participant =
            Participant { name: "a".to_owned(), version: "1.2".to_owned(), features: Vec::new() };
        let report = Report::new(None, vec![participant], Vec::new(), vec![grid], Vec::new());
        let text = markdown(&report);
        let wanted = "## a offers to b\n\n| | open | symmetric |\n|---|---|---|\n\
                      | **open** | D | D ! |\n| **symmetric** | R !D | - |\n";
        assert!(text.contains("| a | 1.2 |\n") && text.ends_with(wanted), "{text}");
    }
}
