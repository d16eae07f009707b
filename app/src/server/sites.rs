//! What the servers of an installation tell one another: who joins, who is connected where, and the book's copies.

mod board;

pub use board::{PeerBoard, ServerFacts};
