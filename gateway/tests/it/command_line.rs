//! The `bln` program as an administrator meets it: what it refuses, in which words, with which exit code.

use std::process::{Command, Output};

fn bln(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_bln")).args(arguments).env_remove("BLN_PROVISIONING").output().unwrap()
}

/// The exit code and what stood on standard error.
fn refusal(arguments: &[&str]) -> (Option<i32>, String) {
    let output = bln(arguments);
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn a_new_device_needs_its_serial_number() {
    let folder = tempfile::tempdir().unwrap();
    let (code, said) = refusal(&["run", "--state", folder.path().to_str().unwrap()]);
    assert_eq!((code, said.as_str()), (Some(1), "bln: a new device needs its serial number: --id N\n"));
}

#[test]
fn a_folder_belongs_to_one_device() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("serial-number"), "547846001\n").unwrap();
    let (code, said) = refusal(&["run", "--state", folder.path().to_str().unwrap(), "--id", "5"]);
    assert_eq!(code, Some(1));
    assert!(said.ends_with("belongs to device 547846001, not 5\n"), "{said}");
}

#[test]
fn a_damaged_provisioning_string_is_named() {
    let (code, said) = refusal(&["fleet", "-n", "1", "--state", "/nonexistent", "--provision", "BLN1-AAAA"]);
    assert_eq!(code, Some(2));
    assert!(said.contains("the provisioning string is damaged or incomplete; copy it again"), "{said}");
}

#[test]
fn a_fleet_that_does_not_run_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("fleet.sock");
    let (code, said) = refusal(&["ctl", "--control", socket.to_str().unwrap(), "list"]);
    assert_eq!(code, Some(1));
    assert!(said.starts_with("bln: no fleet answers on "), "{said}");
}

#[test]
fn a_fault_needs_a_device() {
    for verb in ["cut-power", "event"] {
        let (code, said) = refusal(&["ctl", "--control", "/nonexistent", verb]);
        assert_eq!(code, Some(2));
        assert!(said.contains("<DEVICE_ID>"), "{said}");
    }
}
