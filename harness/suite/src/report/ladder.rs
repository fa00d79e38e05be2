//! A ladder diagram as SVG: columns are places, time runs down, arrows slope with latency.

use std::fmt::Write as _;
use std::time::Duration;

use crate::verdict::Rung;

const COLUMN: u32 = 230;
const MARGIN: u32 = 90;
const ROW: u32 = 18;
const MOST_RUNGS: usize = 120;

/// The diagram, or an empty string when nothing was sent.
///
/// Time is not drawn to scale: each event gets a row, so that a burst stays readable and thirty
/// silent seconds take no room; the run time stands at the left.
pub(super) fn svg(rungs: &[Rung]) -> String {
    if rungs.is_empty() {
        return String::new();
    }
    let shown = &rungs[..rungs.len().min(MOST_RUNGS)];
    let columns = columns(shown);
    let rows = rows(shown);
    let width = MARGIN * 2 + COLUMN * u32::try_from(columns.len().saturating_sub(1)).unwrap_or(0);
    let height = ROW * (u32::try_from(rows.len()).unwrap_or(u32::MAX / ROW - 8) + 4);
    let mut svg = format!(
        "<svg class=\"ladder\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         height=\"{height}\" role=\"img\" aria-label=\"ladder diagram\">\n"
    );
    for (index, name) in columns.iter().enumerate() {
        let x = column_x(index);
        let _ = writeln!(svg, "<text class=\"place\" x=\"{x}\" y=\"14\">{}</text>", escape(name));
        let _ =
            writeln!(svg, "<line class=\"rail\" x1=\"{x}\" y1=\"20\" x2=\"{x}\" y2=\"{height}\"/>");
    }
    for (index, rung) in shown.iter().enumerate() {
        arrow(&mut svg, index, rung, &columns, &rows);
    }
    if shown.len() < rungs.len() {
        let y = height - 6;
        let left = rungs.len() - shown.len();
        let _ =
            writeln!(svg, "<text class=\"more\" x=\"4\" y=\"{y}\">and {left} more packets</text>");
    }
    svg.push_str("</svg>\n");
    svg
}

fn columns(rungs: &[Rung]) -> Vec<String> {
    let mut columns: Vec<String> = Vec::new();
    for name in rungs.iter().flat_map(|rung| [&rung.from, &rung.to]) {
        if !columns.contains(name) {
            columns.push(name.clone());
        }
    }
    // Servers stand between the peers.
    if columns.len() > 2 {
        let second = columns.iter().rposition(|name| name.len() == 1).unwrap_or(columns.len() - 1);
        let peer = columns.remove(second.max(1));
        columns.push(peer);
    }
    columns
}

fn rows(rungs: &[Rung]) -> Vec<(Duration, usize)> {
    let mut events: Vec<(Duration, usize)> = Vec::new();
    for (index, rung) in rungs.iter().enumerate() {
        events.push((rung.sent, index * 2));
        if let Some(arrived) = rung.arrived {
            events.push((arrived, index * 2 + 1));
        }
    }
    events.sort();
    events
}

fn column_x(index: usize) -> u32 {
    MARGIN + COLUMN * u32::try_from(index).unwrap_or(0)
}

fn row_y(rows: &[(Duration, usize)], event: usize) -> u32 {
    let row = rows.iter().position(|(_, other)| *other == event).unwrap_or(0);
    30 + ROW * u32::try_from(row).unwrap_or(0)
}

fn arrow(
    svg: &mut String,
    index: usize,
    rung: &Rung,
    columns: &[String],
    rows: &[(Duration, usize)],
) {
    let place = |name: &str| columns.iter().position(|other| other == name).map_or(0, column_x);
    let (x1, y1) = (place(&rung.from), row_y(rows, index * 2));
    let mut x2 = place(&rung.to);
    let y2 = match rung.arrived {
        Some(_) => row_y(rows, index * 2 + 1),
        None => {
            x2 = u32::midpoint(x1, x2);
            y1 + ROW / 2
        }
    };
    let class = if rung.lost.is_some() { "lost" } else { "sent" };
    let millis = rung.sent.as_secs_f64() * 1e3;
    svg.push_str("<g>\n");
    let _ = writeln!(svg, "<text class=\"time\" x=\"4\" y=\"{y1}\">{millis:.1}</text>");
    let _ =
        writeln!(svg, "<line class=\"{class}\" x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\"/>");
    let tip = if x2 >= x1 { x2.saturating_sub(6) } else { x2 + 6 };
    let _ = writeln!(
        svg,
        "<path class=\"{class}\" d=\"M{x2},{y2} L{tip},{} L{tip},{}\"/>",
        y2.saturating_sub(4),
        y2 + 4
    );
    let label = match &rung.lost {
        Some(reason) => format!("{} ✗ {reason}", rung.label),
        None => rung.label.clone(),
    };
    let (x, y) = (u32::midpoint(x1, place(&rung.to)), y1.saturating_sub(3));
    let _ = writeln!(
        svg,
        "<text class=\"label {class}\" x=\"{x}\" y=\"{y}\">{}</text></g>",
        escape(&label)
    );
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
