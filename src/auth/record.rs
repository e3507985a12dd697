//! Records of the store, as JSON: one way to write and to read all kinds of them.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::auth::problem::Problem;
use crate::store::Record;

/// What is put into the store.
pub(super) fn written(value: &impl Serialize) -> Result<Vec<u8>, Problem> {
    serde_json::to_vec(value).map_err(|error| Problem::unavailable(error.to_string()))
}

/// What cannot be read decides nothing: whoever it is about is refused. `what` is for the log, with its article.
pub(super) fn read<T: DeserializeOwned>(record: &Record, what: &str) -> Result<T, Problem> {
    serde_json::from_slice(&record.value)
        .map_err(|error| Problem::unavailable(format!("the record of {what} cannot be read: {error}")))
}
