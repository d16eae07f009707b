//! The documents beside the code: each names what is measured, and nothing else.

use super::*;
use std::{collections::BTreeSet, fmt::Write as _, fs, path::PathBuf};

fn document(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name)
}

fn table() -> String {
    let mut table = "| metric | kind | labels | what it is |\n|---|---|---|---|\n".to_owned();
    for Described { name, kind, labels, help } in Metrics::default().described() {
        let labels = labels.split(", ").filter(|label| !label.is_empty()).map(|label| format!("`{label}`"));
        let labels = labels.collect::<Vec<_>>().join(", ");
        let _ = writeln!(table, "| `{name}` | {kind} | {labels} | {help} |");
    }
    table
}

#[test]
fn every_metric_is_documented_and_no_other() {
    let text = fs::read_to_string(document("metrics.md")).unwrap_or_default();
    let stored: String = text.split_inclusive('\n').filter(|line| line.starts_with('|')).collect();
    assert!(stored == table(), "the table of docs/metrics.md is out of date; it should be:\n{}", table());
}

/// Names as PromQL finds them.
fn names() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for Described { name, kind, .. } in Metrics::default().described() {
        if *kind == "histogram" {
            names.extend(["_bucket", "_sum", "_count"].map(|part| format!("{name}{part}")));
        } else {
            names.insert(name.clone());
        }
    }
    names
}

fn queries(value: &serde_json::Value, found: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(fields) => {
            for (name, field) in fields {
                match field.as_str() {
                    Some(query) if name == "expr" => found.push(query.to_owned()),
                    _ => queries(field, found),
                }
            }
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| queries(item, found)),
        serde_json::Value::Null
        | serde_json::Value::Bool(_)
        | serde_json::Value::Number(_)
        | serde_json::Value::String(_) => {}
    }
}

#[test]
fn the_dashboard_and_the_alarms_ask_for_what_is_measured() {
    let dashboard: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(document("grafana.json")).unwrap()).unwrap();
    let mut asked = Vec::new();
    queries(&dashboard, &mut asked);
    assert!(asked.len() > 10, "{asked:?}");
    let alarms = fs::read_to_string(document("alarms.yml")).unwrap();
    let before = asked.len();
    asked.extend(alarms.lines().filter_map(|line| line.trim().strip_prefix("expr: ")).map(str::to_owned));
    assert!(asked.len() > before);
    let known = names();
    for query in &asked {
        let words = query.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        let metrics: Vec<_> =
            words.filter(|word| word.starts_with("biostar_") || word.starts_with("process_")).collect();
        assert!(!metrics.is_empty() || query.contains("up{"), "{query}");
        for metric in metrics {
            assert!(known.contains(metric), "{metric} of `{query}` is not measured");
        }
    }
}

#[test]
fn every_alarm_has_a_page_in_the_runbook() {
    let alarms = fs::read_to_string(document("alarms.yml")).unwrap();
    let runbook = fs::read_to_string(document("operations.md")).unwrap();
    let anchor = |heading: &str| heading.to_lowercase().replace(' ', "-");
    let headings: BTreeSet<_> = runbook.lines().filter_map(|line| line.strip_prefix("### ")).map(anchor).collect();
    let named = alarms.lines().filter_map(|line| line.split_once("operations.md#")?.1.strip_suffix('"'));
    let named: BTreeSet<_> = named.map(str::to_owned).collect();
    assert_eq!(named, headings);
}

#[test]
fn names_follow_the_conventions() {
    for Described { name, kind, help, .. } in Metrics::default().described() {
        assert!(name.starts_with("biostar_") || name.starts_with("process_"), "{name}");
        assert_eq!(*kind == "counter", name.ends_with("_total"), "{name}");
        assert!(!help.ends_with('.') && !help.contains('|'), "{name}: {help}");
    }
}

#[test]
fn the_process_measures_itself() {
    let mut to = Registered::default();
    let process = ProcessMetrics::new(&mut to);
    process.look();
    let text = to.text();
    let value = |name: &str| -> f64 {
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("{name} ")));
        line.unwrap_or_else(|| panic!("no {name} in {text}")).parse().unwrap()
    };
    assert!(value("process_resident_memory_bytes") > 1e6);
    assert!(value("process_virtual_memory_bytes") >= value("process_resident_memory_bytes"));
    assert!(value("process_open_fds") >= 3.0 && value("process_max_fds") >= value("process_open_fds"));
    let now = OffsetDateTime::now_utc().unix_timestamp() as f64;
    assert!((now - value("process_start_time_seconds")).abs() < 24.0 * 3600.0);
}
