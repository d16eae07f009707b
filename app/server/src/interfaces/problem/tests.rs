//! What an integrator reads, and that the administrator's list of problems names every code.

use super::*;
use model::{DeviceObstacle, ListRule, Rule, StorageTrouble};
use std::{collections::BTreeSet, fs, path::PathBuf};

#[test]
fn a_problem_tells_its_code_and_its_parameters() {
    let body = Problem::from(Fault::Conflict { revision: 7, by: "eva".to_owned() }).body();
    let expected = json!({
        "type": "/problems/conflict",
        "code": "conflict",
        "title": "Conflict",
        "status": 412,
        "detail": body["detail"],
        "revision": 7,
        "by": "eva",
    });
    assert_eq!(body, expected);
    assert!(body["detail"].as_str().unwrap().starts_with("eva saved revision 7"));

    let body = Problem::from(Fault::NotActive { active: "BioStar Server #1".to_owned() }).body();
    assert_eq!((&body["type"], &body["code"]), (&json!("/problems/not-active"), &json!("not-active")));
    assert_eq!((&body["title"], &body["active"]), (&json!("Not active"), &json!("BioStar Server #1")));
}

#[test]
fn a_field_that_broke_a_rule_tells_which() {
    let body = Problem::from(Fault::field("entries[0].port", ListRule::Port)).body();
    let message = "a port is a number from 1 to 65535, for example 51213";
    assert_eq!(body["errors"], json!([{ "field": "entries[0].port", "code": "port", "message": message }]));
    assert_eq!(body["detail"], message);
}

#[test]
fn each_reason_is_a_code_and_no_parameter() {
    let keys = |fault: Fault| -> Vec<String> {
        let body = Problem::from(fault).body();
        let own = ["type", "code", "title", "status", "detail"];
        body.as_object().unwrap().keys().filter(|key| !own.contains(&key.as_str())).cloned().collect()
    };
    let running = Fault::from(DeviceObstacle::DrillRunning);
    assert_eq!((running.code(), running.status()), ("drill-running", 409));
    assert_eq!(keys(running), Vec::<String>::new());
    assert_eq!(
        keys(DeviceObstacle::RollbackRunning { rollout: 1, rolled_back_by: 2 }.into()),
        ["rolled_back_by", "rollout"]
    );
    assert_eq!(keys(StorageTrouble::DiskFull.into()), Vec::<String>::new());
    assert_eq!(keys(Missing::Device { device: 7 }.into()), ["device", "what"]);
}

#[test]
fn who_tries_too_often_is_told_when_to_come_back() {
    let response = Problem::from(Fault::TooManyAttempts { retry_after_s: 42 }).into_response();
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(response.headers()[header::RETRY_AFTER], "42");
}

fn document() -> String {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/problems.md");
    fs::read_to_string(file).unwrap()
}

/// Codes in backquotes at the beginnings of lines.
fn named<'a>(text: &'a str, before: &str) -> Vec<&'a str> {
    text.lines().filter_map(|line| line.strip_prefix(before)?.split('`').next()).collect()
}

#[test]
fn every_problem_is_documented_and_no_other() {
    let text = document();
    let sections = named(&text, "### `");
    let unique: BTreeSet<_> = sections.iter().copied().collect();
    assert_eq!(unique.len(), sections.len(), "a code has two sections");
    assert_eq!(unique, Fault::codes().into_iter().collect(), "docs/problems.md has a section for each code");
    for section in text.split("### `").skip(1) {
        let words = section.split("\n#").next().unwrap_or_default().lines().skip(1);
        assert!(words.map(str::len).sum::<usize>() > 40, "what does it mean, and what is to be done? {section}");
    }
}

#[test]
fn every_rule_is_documented_and_no_other() {
    let text = document();
    let rows = named(&text, "| `");
    let unique: BTreeSet<_> = rows.iter().copied().collect();
    assert_eq!(unique.len(), rows.len(), "a rule stands twice");
    assert_eq!(unique, Rule::codes().into_iter().collect(), "the table of docs/problems.md has a row for each rule");
}
