//! `portal config`: the configuration file and its documentation, both made from the options themselves.

use super::{
    Arguments as CommandLine, CliError,
    config_file::{DEFAULT_FILE, keys},
    say,
};
use clap::{Arg, ArgAction, CommandFactory as _};
use std::fmt::Write as _;

#[derive(clap::Args)]
#[group(required = true, multiple = false)]
pub(super) struct Arguments {
    /// Print a configuration file with every key, its meaning and its default
    #[arg(long)]
    print_default: bool,
    /// Print the documentation of all keys, as in docs/configuration.md
    #[arg(long)]
    print_reference: bool,
}

pub(super) fn perform(arguments: &Arguments) -> Result<(), CliError> {
    let command = CommandLine::command();
    let keys = keys(&command);
    let text = if arguments.print_default { default_file(&keys) } else { reference(&keys) };
    say(text.trim_end())
}

/// A file that changes nothing until a line of it is uncommented.
fn default_file(keys: &[&Arg]) -> String {
    let mut text = format!(
        "# How this server is run: {DEFAULT_FILE}, or the file that --config or PORTAL_CONFIG names.\n\
         # Each key is an option of `portal run`; an option on the command line and an environment variable rank above it.\n"
    );
    for key in keys {
        text.push('\n');
        for line in wrapped(&help_of(key)) {
            let _ = writeln!(text, "# {line}");
        }
        let _ = writeln!(text, "#{} = {}", name_of(key), example_of(key));
    }
    text
}

fn reference(keys: &[&Arg]) -> String {
    let mut text = format!(
        "# Configuration\n\n\
         Made by `portal config --print-reference`; a test compares.\n\n\
         A server is run with options of `portal run`, environment variables, and a configuration file in TOML, in this order:\n\
         what comes first counts. The file is the one that `--config` or `PORTAL_CONFIG` names, else `{DEFAULT_FILE}` if it\n\
         is there. Its keys are the options without their dashes in front. A key that does not exist, and a value that its\n\
         option would not take, are refused with their line. `portal config --print-default` prints a file to begin with, and\n\
         `portal check` says whether a server would run well with what is set.\n\n\
         The other verbs (`portal devices`, `portal provision`, ...) take `data` from the same places.\n\n\
         | key and option | environment | default | what it is |\n|---|---|---|---|\n"
    );
    for key in keys {
        let variable = key.get_env().unwrap_or_default().to_string_lossy();
        let default = default_of(key).map_or_else(|| "none".to_owned(), |value| format!("`{value}`"));
        let _ = writeln!(text, "| `{}` | `{variable}` | {default} | {} |", name_of(key), help_of(key));
    }
    text += "\nIn the environment alone: `PORTAL_ADMIN_PASSWORD`, the first operator's password at the first start, and `RUST_LOG`,\n\
             which counts while `log` says nothing. Secrets are better not in files that others read: the configuration file\n\
             holds one only if you write `join` into it, which is good once and for 15 minutes.\n";
    text
}

fn name_of(key: &Arg) -> &str {
    key.get_long().unwrap_or_default()
}

fn help_of(key: &Arg) -> String {
    let help = key.get_help().map(ToString::to_string).unwrap_or_default();
    help.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn default_of(key: &Arg) -> Option<String> {
    if matches!(key.get_action(), ArgAction::SetTrue) {
        return Some("false".to_owned());
    }
    key.get_default_values().first().map(|value| value.to_string_lossy().into_owned())
}

/// The default as TOML, or what kind of value belongs there.
fn example_of(key: &Arg) -> String {
    match default_of(key) {
        Some(value) if value == "false" || value.parse::<u64>().is_ok() => value,
        Some(value) => format!("\"{value}\""),
        None => {
            let kind = key.get_value_names().and_then(|names| names.first()).map(ToString::to_string);
            format!("\"{}\"", kind.unwrap_or_default())
        }
    }
}

/// Lines of at most 100 characters.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        if lines.last().is_some_and(|line| line.len() + word.len() > 98) {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, path::Path};

    #[test]
    fn the_documentation_is_current() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
        let command = CommandLine::command();
        let stored = fs::read_to_string(file).unwrap_or_default();
        let way_out = "write it anew: portal config --print-reference > docs/configuration.md";
        assert!(stored == reference(&keys(&command)), "docs/configuration.md is out of date; {way_out}");
    }

    #[test]
    fn the_default_file_names_every_key_and_sets_none() {
        let command = CommandLine::command();
        let text = default_file(&keys(&command));
        assert!(text.lines().all(|line| line.is_empty() || line.starts_with('#')), "{text}");
        for key in ["data", "http", "gateway", "peers", "metrics", "advertise", "log", "log-format", "capacity"] {
            assert!(text.contains(&format!("\n#{key} = ")), "{key}\n{text}");
        }
    }
}
