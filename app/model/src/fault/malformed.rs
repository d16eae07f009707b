//! Requests that cannot be read.

use serde::{Deserialize, Serialize};

/// What is wrong with a request that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "flaw", rename_all = "kebab-case")]
pub enum Malformed {
    /// The question behind the path.
    Query {
        /// The parser's words.
        because: String,
    },
    /// The arguments of a page's call.
    Arguments {
        /// The parser's words.
        because: String,
    },
    /// The `If-Match` header.
    IfMatch,
    /// The body is of another kind than JSON.
    ContentType,
    /// The body ended early.
    BodyCutOff,
    /// The body is not JSON.
    NotJson {
        /// The parser's words.
        because: String,
    },
    /// The body is JSON, and no object.
    NotAnObject,
    /// A form that does not say for which devices it is.
    FormWithoutDevices,
    /// An order that names no server.
    OrderWithoutServer,
    /// Another server uses the id of this one.
    OwnServerId,
}
