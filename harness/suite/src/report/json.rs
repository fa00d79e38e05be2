//! The JSON report.

use super::Report;

/// The report as JSON, pretty-printed, ending in a newline.
///
/// # Errors
/// A message when it cannot be written.
pub fn json(report: &Report) -> Result<String, String> {
    let text = serde_json::to_string_pretty(report);
    text.map(|text| text + "\n").map_err(|error| format!("write the JSON report: {error}"))
}

/// The JSON Schema of the report; kept by hand beside the types and tested against them.
#[must_use]
pub fn json_schema() -> &'static str {
    include_str!("report-1.schema.json")
}
