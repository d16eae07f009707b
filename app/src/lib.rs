//! One server of the installation: the browser's half and the server's half of the portal.

pub mod model;
#[cfg(feature = "ssr")]
pub mod server;
