//! The JSON Schema of scenario files, for editors.

/// The schema, generated from the types that read the files.
#[must_use]
pub fn json_schema() -> serde_json::Value {
    let mut schema = schemars::schema_for!(super::file::File);
    schema.insert("title".to_owned(), "rtcspec scenario, version 1".into());
    schema.to_value()
}
