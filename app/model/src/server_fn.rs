//! A [`Fault`] crosses the wire of a server function as it is, so that the page can tell a wrong port from a full disk.

use crate::{Fault, Malformed, ServerObstacle};
use server_fn::{
    codec::JsonEncoding,
    error::{FromServerFnError, ServerFnErrorErr},
};

impl FromServerFnError for Fault {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        match error {
            ServerFnErrorErr::Request(_) => ServerObstacle::NoAnswer.into(),
            ServerFnErrorErr::Args(because) | ServerFnErrorErr::MissingArg(because) => {
                Malformed::Arguments { because }.into()
            }
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
