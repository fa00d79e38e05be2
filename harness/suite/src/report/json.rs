//! The JSON report and its schema.

use schemars::generate::SchemaSettings;

use super::Report;

/// The report as JSON, pretty-printed, ending in a newline.
///
/// # Errors
/// A message when it cannot be written.
pub fn json(report: &Report) -> Result<String, String> {
    let text = serde_json::to_string_pretty(report);
    text.map(|text| text + "\n").map_err(|error| format!("write the JSON report: {error}"))
}

/// The JSON Schema of the report, generated from the types that are written.
#[must_use]
pub fn json_schema() -> serde_json::Value {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let mut schema = settings.into_generator().into_root_schema_for::<Report>();
    schema.insert("title".to_owned(), "rtcspec report, version 1".into());
    schema.to_value()
}
