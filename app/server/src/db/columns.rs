//! Columns that hold more than SQL knows: JSON, names of states, counts.

use super::StoreError;
use serde::{Serialize, de::DeserializeOwned};

/// A value as its JSON column holds it.
pub(crate) fn to_json<T: Serialize>(record: &str, value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::inconsistent(record, error))
}

/// A JSON column as its value.
pub(crate) fn from_json<T: DeserializeOwned>(record: &str, text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::inconsistent(record, error))
}

/// The name of a state as its column holds it: the variant's name in the JSON contract.
pub(crate) fn to_name<T: Serialize>(record: &str, value: T) -> Result<String, StoreError> {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => Ok(name),
        Ok(other) => Err(StoreError::inconsistent(record, format!("{other} is no name"))),
        Err(error) => Err(StoreError::inconsistent(record, error)),
    }
}

/// A state by the name in its column.
pub(crate) fn from_name<T: DeserializeOwned>(record: &str, name: &str) -> Result<T, StoreError> {
    serde_json::from_value(serde_json::Value::String(name.to_owned()))
        .map_err(|error| StoreError::inconsistent(record, error))
}

/// A count as both databases hold it; what a hostile device sends beyond that is cut off.
pub(crate) fn count(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// A column as the number it must be.
pub(crate) fn number<T: TryFrom<i64>>(record: &str, value: i64) -> Result<T, StoreError> {
    T::try_from(value).map_err(|_| StoreError::inconsistent(record, format!("{value} is out of range")))
}
