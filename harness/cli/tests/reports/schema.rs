//! As much of JSON Schema 2020-12 as the schemas use; a keyword beyond that is an error, so that
//! nothing in a schema goes unchecked.

use serde_json::{Map, Value};

use crate::pattern;

/// Everything in `value` that the schema does not allow, with its place.
pub(crate) fn violations(schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    check(schema, schema, value, "", &mut found);
    found
}

fn check(root: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    let Some(schema) = schema.as_object() else {
        if *schema == Value::Bool(false) {
            found.push(format!("{at}: not allowed"));
        }
        return;
    };
    for (keyword, rule) in schema {
        let mut fail = |what: &str| found.push(format!("{at}: {what} {rule}"));
        match keyword.as_str() {
            "$schema" | "$defs" | "title" | "description" | "format" | "default" => {}
            "$ref" => {
                let name = rule.as_str().and_then(|path| path.strip_prefix('#'));
                let target = root.pointer(name.expect("references stay in the schema"));
                check(root, target.expect("what is referred to is there"), value, at, found);
            }
            "type" => {
                let allowed = rule.as_array().cloned().unwrap_or_else(|| vec![rule.clone()]);
                if !allowed.iter().any(|kind| is_a(value, kind)) {
                    fail("no");
                }
            }
            "const" if value == rule => {}
            "enum" if rule.as_array().is_some_and(|words| words.contains(value)) => {}
            "const" | "enum" => fail("none of"),
            "minimum" if !value.is_number() || value.as_f64() >= rule.as_f64() => {}
            "maximum" if !value.is_number() || value.as_f64() <= rule.as_f64() => {}
            "minimum" | "maximum" => fail("beyond"),
            "pattern" => {
                let pattern = rule.as_str().expect("a pattern is a text");
                if value.as_str().is_some_and(|text| !pattern::matches(pattern, text)) {
                    fail("does not match");
                }
            }
            "anyOf" | "oneOf" => {
                let fitting = |choice: &&Value| {
                    let mut wrong = Vec::new();
                    check(root, choice, value, at, &mut wrong);
                    wrong.is_empty()
                };
                if rule.as_array().expect("choices").iter().filter(fitting).count() != 1 {
                    fail("not one of");
                }
            }
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    check(root, rule, item, &format!("{at}/{index}"), found);
                }
            }
            "properties" | "additionalProperties" | "required" => {
                if let Some(object) = value.as_object() {
                    members(root, schema, (keyword, rule), object, at, found);
                }
            }
            other => panic!("the schema has `{other}`, which this check does not know"),
        }
    }
}

fn members(
    root: &Value,
    schema: &Map<String, Value>,
    (keyword, rule): (&str, &Value),
    object: &Map<String, Value>,
    at: &str,
    found: &mut Vec<String>,
) {
    let known = |name: &str| schema.get("properties").is_some_and(|p| p.get(name).is_some());
    match keyword {
        "required" => {
            let names = rule.as_array().into_iter().flatten().filter_map(Value::as_str);
            for name in names.filter(|name| !object.contains_key(*name)) {
                found.push(format!("{at}: no `{name}`"));
            }
        }
        "properties" => {
            for (name, rule) in rule.as_object().into_iter().flatten() {
                if let Some(value) = object.get(name) {
                    check(root, rule, value, &format!("{at}/{name}"), found);
                }
            }
        }
        _ => {
            for (name, value) in object.iter().filter(|(name, _)| !known(name)) {
                check(root, rule, value, &format!("{at}/{name}"), found);
            }
        }
    }
}

fn is_a(value: &Value, kind: &Value) -> bool {
    match kind.as_str().expect("a type is a word") {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("the schema has the type `{other}`, which is none"),
    }
}
