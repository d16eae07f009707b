//! What a file may say, and what it then counts for.

use super::*;
use crate::cli::Arguments;
use clap::CommandFactory as _;

fn refused(text: &str) -> String {
    read(&Arguments::command(), Path::new("portal.toml"), text).unwrap_err().to_string()
}

fn words(line: &str) -> Vec<OsString> {
    line.split(' ').map(OsString::from).collect()
}

/// What `portal run` would be started with, under `line` and a file with `text`.
fn value(text: &str, line: &str, id: &str) -> Option<String> {
    // The environment of whoever runs the tests must not count.
    let command = Arguments::command();
    let values = read(&command, Path::new("portal.toml"), text).unwrap();
    let command = with_defaults(command, &values);
    let command = command.mut_subcommand("run", |run| run.mut_args(|option| option.env(Resettable::Reset)));
    let matches = command.try_get_matches_from(words(line)).unwrap();
    let (_, run) = matches.subcommand().unwrap();
    run.get_raw(id).map(|mut values| values.next().unwrap().to_str().unwrap().to_owned())
}

#[test]
fn an_option_outranks_the_file_and_the_file_the_default() {
    let text = "http = \"127.0.0.1:1\"\ndata = \"/srv/biostar\"\ncapacity = 7";
    assert_eq!(value("", "portal run --data d", "http").as_deref(), Some("127.0.0.1:3000"));
    assert_eq!(value(text, "portal run", "http").as_deref(), Some("127.0.0.1:1"));
    assert_eq!(value(text, "portal run --http 127.0.0.1:2", "http").as_deref(), Some("127.0.0.1:2"));
    assert_eq!(value(text, "portal run", "data").as_deref(), Some("/srv/biostar"));
    assert_eq!(value(text, "portal run", "capacity").as_deref(), Some("7"));
    assert_eq!(value("https = true", "portal run --data d", "https").as_deref(), Some("true"));
    assert_eq!(value(text, "portal devices", "data").as_deref(), Some("/srv/biostar"));
}

#[test]
fn what_cannot_be_meant_is_refused_with_its_line() {
    assert!(
        refused("http = \"127.0.0.1:1\"\n\nhtp = \"x\"")
            .starts_with("portal.toml:3: unknown key \"htp\"; the keys are: data, ")
    );
    let error = refused("# a comment\nhttp = \"nowhere\"");
    assert!(error.starts_with("portal.toml:2: http cannot be \"nowhere\": "), "{error}");
    let error = refused("capacity = 0");
    assert!(error.starts_with("portal.toml:1: capacity cannot be \"0\": "), "{error}");
    assert_eq!(refused("https = \"yes\""), "portal.toml:1: https is true or false");
    assert_eq!(refused("name = true"), "portal.toml:1: name is one text in quotes, or a whole number");
    let error = refused("log-format = \"xml\"");
    assert!(error.contains("text, json"), "{error}");
    assert!(refused("name = ").starts_with("portal.toml:1: "));
    assert!(refused("config = \"other.toml\"").contains("unknown key"));
}

#[test]
fn the_named_config_file_is_read_where_a_command_needs_it() {
    assert_eq!(named_in(&words("portal run --config a.toml")), Some(PathBuf::from("a.toml")));
    assert_eq!(named_in(&words("portal run --config=b.toml --data d")), Some(PathBuf::from("b.toml")));
    assert_eq!(named_in(&words("portal accept -- --config=b.toml")), None);
    assert!(needs_file(&words("portal run --data d")));
    assert!(!needs_file(&words("portal run --help")));
    assert!(!needs_file(&words("portal config --print-default")));
    let missing = layered(Arguments::command(), &words("portal run --config /nowhere/portal.toml"));
    assert!(matches!(missing, Err(ConfigFileError::Unreadable(..))));
}
