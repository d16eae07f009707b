//! The configuration file: the options of `portal run` as keys. What it says ranks below an option and an environment
//! variable, and above the default.

use clap::{
    Arg, ArgAction, Command,
    builder::Resettable,
    error::{ContextKind, ContextValue, ErrorKind},
};
use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
};
use toml::de::{DeTable, DeValue};

/// Read if nothing else is named, and it is there.
pub(super) const DEFAULT_FILE: &str = "/etc/biostar/portal.toml";
const OPTION: &str = "--config";
const VARIABLE: &str = "PORTAL_CONFIG";

/// Why the configuration file is refused.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConfigFileError {
    /// It cannot be read.
    #[error("the configuration file {0} cannot be read: {1}")]
    Unreadable(PathBuf, #[source] io::Error),
    /// A line of it says nothing that could be meant.
    #[error("{}:{line}: {what}", file.display())]
    Line {
        /// Which file.
        file: PathBuf,
        /// Counts from 1.
        line: usize,
        /// What is wrong, and what would be right.
        what: String,
    },
}

/// The command line with the defaults that the configuration file gives. Nothing is read for words that only ask for
/// help or about the configuration itself.
pub(super) fn layered(command: Command, words: &[OsString]) -> Result<Command, ConfigFileError> {
    if !needs_file(words) {
        return Ok(command);
    }
    let named =
        named_in(words).or_else(|| std::env::var_os(VARIABLE).filter(|name| !name.is_empty()).map(PathBuf::from));
    let (file, must_exist) = named.map_or((PathBuf::from(DEFAULT_FILE), false), |file| (file, true));
    let text = match fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound && !must_exist => return Ok(command),
        Err(error) => return Err(ConfigFileError::Unreadable(file, error)),
    };
    let values = read(&command, &file, &text)?;
    Ok(with_defaults(command, &values))
}

/// The options that are keys of the file: those of `portal run` that are shown and have an environment variable.
pub(super) fn keys(command: &Command) -> Vec<&Arg> {
    let run = command.find_subcommand("run");
    let options = run.into_iter().flat_map(Command::get_arguments);
    options.filter(|option| is_key(option)).collect()
}

fn is_key(option: &Arg) -> bool {
    option.get_env().is_some_and(|variable| variable != VARIABLE) && !option.is_hide_set()
}

fn needs_file(words: &[OsString]) -> bool {
    let mut words = words.iter().skip(1).filter_map(|word| word.to_str());
    let verb = words.next();
    !matches!(verb, None | Some("config" | "help"))
        && words.chain(verb).all(|word| !matches!(word, "-h" | "--help" | "-V" | "--version"))
}

fn named_in(words: &[OsString]) -> Option<PathBuf> {
    let mut words = words.iter().take_while(|word| *word != "--");
    while let Some(word) = words.next() {
        if word == OPTION {
            return words.next().map(PathBuf::from);
        }
        if let Some(file) = word.to_str().and_then(|word| word.strip_prefix("--config=")) {
            return Some(PathBuf::from(file));
        }
    }
    None
}

/// Each key's value as text that its option takes.
fn read(command: &Command, file: &Path, text: &str) -> Result<BTreeMap<String, String>, ConfigFileError> {
    let at = |offset: usize, what: String| {
        let line = 1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count();
        ConfigFileError::Line { file: file.to_owned(), line, what }
    };
    let table = DeTable::parse(text)
        .map_err(|error| at(error.span().map_or(0, |span| span.start), error.message().to_owned()))?;
    let keys = keys(command);
    let mut values = BTreeMap::new();
    for (key, value) in table.get_ref() {
        let refused = |what: String| at(key.span().start, what);
        let name = key.get_ref().as_ref();
        let option =
            keys.iter().find(|option| option.get_long() == Some(name)).ok_or_else(|| refused(unknown(name, &keys)))?;
        let value = value_of(option, value.get_ref()).map_err(refused)?;
        try_value(command, name, &value, option).map_err(refused)?;
        values.insert(name.to_owned(), value);
    }
    Ok(values)
}

fn unknown(name: &str, keys: &[&Arg]) -> String {
    let names = keys.iter().filter_map(|option| option.get_long()).collect::<Vec<_>>().join(", ");
    format!("unknown key {name:?}; the keys are: {names}")
}

fn value_of(option: &Arg, value: &DeValue<'_>) -> Result<String, String> {
    let name = option.get_long().unwrap_or_default();
    let is_flag = matches!(option.get_action(), ArgAction::SetTrue);
    match value {
        DeValue::Boolean(value) if is_flag => Ok(value.to_string()),
        DeValue::String(value) if !is_flag => Ok(value.to_string()),
        DeValue::Integer(value) if !is_flag && value.radix() == 10 => Ok(value.as_str().to_owned()),
        DeValue::String(_)
        | DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_)
        | DeValue::Array(_)
        | DeValue::Table(_) => Err(format!(
            "{name} is {}",
            if is_flag { "true or false" } else { "one text in quotes, or a whole number" }
        )),
    }
}

/// Lets the option itself say whether it would take the value.
fn try_value(command: &Command, name: &str, value: &str, option: &Arg) -> Result<(), String> {
    if matches!(option.get_action(), ArgAction::SetTrue) {
        return Ok(());
    }
    let Some(run) = command.find_subcommand("run") else { return Ok(()) };
    let run = run.clone().no_binary_name(true).mut_args(|argument| argument.env(Resettable::Reset).required(false));
    let Err(error) = run.try_get_matches_from([format!("--{name}={value}")]) else { return Ok(()) };
    let possible = match error.get(ContextKind::ValidValue) {
        Some(ContextValue::Strings(names)) if !names.is_empty() => format!("; possible values: {}", names.join(", ")),
        _ => String::new(),
    };
    if !matches!(error.kind(), ErrorKind::InvalidValue | ErrorKind::ValueValidation) {
        return Ok(());
    }
    let why = std::error::Error::source(&error).map(|why| format!(": {why}")).unwrap_or_default();
    Err(format!("{name} cannot be {value:?}{why}{possible}"))
}

/// Gives every option of that name and variable, on whichever verb, the file's value as its default.
fn with_defaults(command: Command, values: &BTreeMap<String, String>) -> Command {
    let command = command.mut_args(|option| {
        let value = option.get_long().and_then(|name| values.get(name));
        match value.cloned() {
            Some(value) if is_key(&option) => option.required(false).default_value(value),
            _ => option,
        }
    });
    command.mut_subcommands(|verb| with_defaults(verb, values))
}

#[cfg(test)]
mod tests;
