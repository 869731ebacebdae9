//! Rows as CSV: one line a row, nested fields with dotted names.
//!
//! All fields of all rows, known or not, are columns, in the order in which they first appear;
//! histograms stay in `rows.jsonl`, since no table wants them.

use serde_json::Value;

use crate::row::Row;

/// The field that is left out.
const HISTOGRAM: &str = "histogram";

/// The rows as a CSV file.
pub fn render(rows: &[Row]) -> String {
    let lines: Vec<Vec<(String, String)>> = rows
        .iter()
        .map(|row| {
            let mut fields = Vec::new();
            let value = serde_json::to_value(row).expect("a row is plain data");
            flatten("", &value, &mut fields);
            fields.retain(|(name, _)| name != HISTOGRAM);
            fields
        })
        .collect();
    let mut columns: Vec<&str> = Vec::new();
    for (name, _) in lines.iter().flatten() {
        if !columns.contains(&name.as_str()) {
            columns.push(name);
        }
    }
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    let mut write = |fields: Vec<&str>| {
        if !fields.is_empty() {
            writer
                .write_record(fields)
                .expect("memory takes every write");
        }
    };
    write(columns.clone());
    for line in &lines {
        let field = |column: &&str| {
            let found = line.iter().find(|(name, _)| name == column);
            found.map_or("", |(_, value)| value.as_str())
        };
        write(columns.iter().map(field).collect());
    }
    let bytes = writer.into_inner().expect("memory takes every write");
    String::from_utf8(bytes).expect("made of strings")
}

fn flatten(name: &str, value: &Value, out: &mut Vec<(String, String)>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                let name = if name.is_empty() {
                    key.clone()
                } else {
                    format!("{name}.{key}")
                };
                flatten(&name, value, out);
            }
        }
        Value::Null => out.push((name.into(), String::new())),
        Value::String(text) => out.push((name.into(), text.clone())),
        other => out.push((name.into(), other.to_string())),
    }
}
