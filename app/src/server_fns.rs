//! How a page reaches the server: called directly while the server renders, over HTTP from the browser.
//!
//! Each is a door to the rules in `service` and nothing more. A [`Fault`] crosses the wire as it is, so that the page can
//! tell a wrong port from a full disk.

pub mod devices;
#[cfg(feature = "ssr")]
mod door;
pub mod events;
pub mod overview;
pub mod provisioning;
pub mod rollouts;
pub mod servers;
pub mod waiting_devices;

use crate::model::Fault;
use leptos::server_fn::{
    codec::JsonEncoding,
    error::{FromServerFnError, ServerFnErrorErr},
};

impl FromServerFnError for Fault {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        match error {
            ServerFnErrorErr::Request(_) => Self::WrongState {
                reason: "The server does not answer. Nothing was changed as far as this page knows; try again."
                    .to_owned(),
            },
            ServerFnErrorErr::Args(reason) | ServerFnErrorErr::MissingArg(reason) => Self::Malformed { reason },
            ServerFnErrorErr::Registration(_)
            | ServerFnErrorErr::UnsupportedRequestMethod(_)
            | ServerFnErrorErr::ServerError(_)
            | ServerFnErrorErr::MiddlewareError(_)
            | ServerFnErrorErr::Deserialization(_)
            | ServerFnErrorErr::Serialization(_)
            | ServerFnErrorErr::Response(_) => Self::Internal,
        }
    }
}
