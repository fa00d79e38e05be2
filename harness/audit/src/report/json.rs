//! JSON; part of the stable surface.

use serde_json::json as value;

use super::Report;

/// The report as JSON, indented.
#[must_use]
pub fn json(report: &Report) -> String {
    let body = value!({
        "schema": 1,
        "rtcspec": env!("CARGO_PKG_VERSION"),
        "files": report.files,
    });
    format!("{body:#}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{ConnectionReport, FileReport, Reported};
    use crate::rule::Level;

    #[test]
    fn levels_and_sides_are_letters() {
        let finding = Reported {
            rule: "stun.header",
            level: Level::Violation,
            who: Some(rtcspec_trace::Party::B),
            at_us: 5,
            frames: vec![3],
            times: 1,
            expected: String::new(),
            seen: String::new(),
            cite: String::new(),
            url: String::new(),
            advice: "",
        };
        let connection = ConnectionReport { findings: vec![finding], ..Default::default() };
        let file = FileReport { connections: vec![connection], ..Default::default() };
        let text = json(&Report { files: vec![file] });
        let read: serde_json::Value = serde_json::from_str(&text).unwrap();
        let first = &read["files"][0]["connections"][0]["findings"][0];
        assert_eq!((first["level"].as_str(), first["who"].as_str()), (Some("V"), Some("B")));
    }
}
