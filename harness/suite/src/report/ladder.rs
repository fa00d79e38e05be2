//! A ladder diagram as SVG: columns are places, time runs down, arrows slope with latency.

use std::fmt::Write as _;
use std::time::Duration;

use crate::verdict::{Ladder, Rung};

const COLUMN: u32 = 230;
const MARGIN: u32 = 90;
const ROW: u32 = 18;
const TOP: u32 = 34;

/// The diagram, or an empty string when nothing was sent.
///
/// Time is not drawn to scale: each event gets a row, so that a burst stays readable and thirty
/// silent seconds take no room; the run time stands at the left.
pub(super) fn svg(ladder: &Ladder) -> String {
    if ladder.head.is_empty() {
        return String::new();
    }
    let columns = columns(ladder);
    let mut body = String::new();
    let mut y = TOP;
    part(&mut body, &ladder.head, &columns, &mut y);
    if ladder.omitted > 0 {
        let omitted = ladder.omitted;
        let _ = writeln!(
            body,
            "<text class=\"more\" x=\"{MARGIN}\" y=\"{}\" dx=\"8\">… {omitted} packets …</text>",
            y + ROW
        );
        y += ROW * 2;
        part(&mut body, &ladder.tail, &columns, &mut y);
    }
    let width = MARGIN * 2 + COLUMN * u32::try_from(columns.len().saturating_sub(1)).unwrap_or(0);
    let mut svg = format!(
        "<svg class=\"ladder\" viewBox=\"0 0 {width} {y}\" width=\"{width}\" height=\"{y}\" \
         role=\"img\" aria-label=\"ladder diagram\">\n<text class=\"time\" x=\"4\" \
         y=\"14\">ms</text>\n"
    );
    for (index, name) in columns.iter().enumerate() {
        let (x, name) = (column_x(index), escape(name));
        let _ = writeln!(svg, "<text class=\"place\" x=\"{x}\" y=\"14\">{name}</text>");
        let _ = writeln!(svg, "<line class=\"rail\" x1=\"{x}\" y1=\"20\" x2=\"{x}\" y2=\"{y}\"/>");
    }
    svg.push_str(&body);
    svg.push_str("</svg>\n");
    svg
}

/// Draws rungs from `y` on and moves it below them.
fn part(svg: &mut String, rungs: &[Rung], columns: &[String], y: &mut u32) {
    let rows = rows(rungs);
    let mut clock = String::new();
    for (index, rung) in rungs.iter().enumerate() {
        arrow(svg, [rows[index * 2], rows[index * 2 + 1]], rung, columns, *y, &mut clock);
    }
    let height = rows.iter().flatten().max().map_or(0, |row| row + 1);
    *y += ROW * u32::try_from(height).unwrap_or(u32::MAX / ROW / 4);
}

/// Peers stand at the edges, servers between them.
fn columns(ladder: &Ladder) -> Vec<String> {
    let mut columns: Vec<String> = Vec::new();
    let rungs = ladder.head.iter().chain(&ladder.tail);
    for name in rungs.flat_map(|rung| [&rung.from, &rung.to]) {
        if !columns.contains(name) {
            columns.push(name.clone());
        }
    }
    columns.sort_by_key(|name| match name.as_str() {
        "A" => 0,
        "B" => 2,
        _ => 1,
    });
    columns
}

/// The row of each rung's departure and arrival, in turn: events in the order of their times.
fn rows(rungs: &[Rung]) -> Vec<Option<usize>> {
    let mut events: Vec<(Duration, usize)> = Vec::new();
    for (index, rung) in rungs.iter().enumerate() {
        events.push((rung.sent, index * 2));
        events.extend(rung.arrived.map(|arrived| (arrived, index * 2 + 1)));
    }
    events.sort_unstable();
    let mut rows = vec![None; rungs.len() * 2];
    for (row, (_, event)) in events.into_iter().enumerate() {
        rows[event] = Some(row);
    }
    rows
}

fn column_x(index: usize) -> u32 {
    MARGIN + COLUMN * u32::try_from(index).unwrap_or(0)
}

fn arrow(
    svg: &mut String,
    [departure, arrival]: [Option<usize>; 2],
    rung: &Rung,
    columns: &[String],
    top: u32,
    clock: &mut String,
) {
    let row_y = |row: usize| top + ROW * u32::try_from(row).unwrap_or(0);
    let place = |name: &str| columns.iter().position(|other| other == name).map_or(0, column_x);
    let (x1, y1) = (place(&rung.from), row_y(departure.unwrap_or(0)));
    let rightward = place(&rung.to) >= x1;
    let (x2, y2) = match arrival {
        Some(row) => (place(&rung.to), row_y(row)),
        None => (u32::midpoint(x1, place(&rung.to)), y1 + ROW / 2),
    };
    let class = if rung.lost.is_some() { "lost" } else { "sent" };
    svg.push_str("<g>\n");
    let time = format!("{:.1}", rung.sent.as_secs_f64() * 1e3);
    if *clock != time {
        let _ = writeln!(svg, "<text class=\"time\" x=\"4\" y=\"{}\">{time}</text>", y1 + 4);
        *clock = time;
    }
    let _ =
        writeln!(svg, "<line class=\"{class}\" x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\"/>");
    let tip = if rightward { x2.saturating_sub(7) } else { x2 + 7 };
    let (above, below) = (y2.saturating_sub(4), y2 + 4);
    let _ =
        writeln!(svg, "<path class=\"{class}\" d=\"M{x2},{y2} L{tip},{above} L{tip},{below} Z\"/>");
    let label = match &rung.lost {
        Some(reason) => format!("{} ✗ {reason}", rung.label),
        None => rung.label.clone(),
    };
    // At the sender's end, where no other arrow begins.
    let (x, anchor) = if rightward { (x1 + 8, "start") } else { (x1.saturating_sub(8), "end") };
    let _ = writeln!(
        svg,
        "<text class=\"label {class} {anchor}\" x=\"{x}\" y=\"{}\">{}</text></g>",
        y1.saturating_sub(2),
        escape(&label)
    );
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rung(sent: u64, arrived: Option<u64>, label: &str) -> Rung {
        Rung {
            sent: Duration::from_millis(sent),
            arrived: arrived.map(Duration::from_millis),
            from: "A".into(),
            to: if label == "to server" { "turn<1>".into() } else { "B".into() },
            label: label.into(),
            lost: arrived.is_none().then(|| "filtered".into()),
        }
    }

    #[test]
    fn servers_stand_between_the_peers_and_names_are_escaped() {
        let rungs = [rung(0, Some(5), "check"), rung(1, Some(9), "to server")];
        let svg = svg(&Ladder::of(rungs.into_iter(), 9, 9));
        let places = ["A</text>", "turn&lt;1&gt;</text>", "B</text>"].map(|name| svg.find(name));
        assert!(places.is_sorted() && places.iter().all(Option::is_some), "{svg}");
    }

    #[test]
    fn what_was_lost_is_marked_with_the_reason() {
        let svg = svg(&Ladder::of([rung(0, None, "check")].into_iter(), 9, 9));
        assert!(svg.contains("check ✗ filtered"), "{svg}");
    }

    #[test]
    fn a_long_ladder_shows_its_beginning_and_its_end() {
        let rungs = (0..50).map(|n| rung(n, Some(n + 5), &format!("n{n}.")));
        let ladder = Ladder::of(rungs.collect::<Vec<_>>().into_iter(), 4, 3);
        assert_eq!((ladder.head.len(), ladder.omitted, ladder.tail.len()), (4, 43, 3));
        let svg = svg(&ladder);
        assert!(svg.contains("… 43 packets …") && svg.contains("n3.") && svg.contains("n47."));
        assert!(!svg.contains("n4.") && !svg.contains("n46."));
    }
}
