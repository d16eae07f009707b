//! `peers.json`: where the other servers answered last, for the next start.

use super::peer_board::ServerFacts;
use crate::durable;
use std::{io, path::Path};

const FILE: &str = "peers.json";

/// Writes down where the other servers of the installation answer.
pub fn remember_servers(data_folder: &Path, servers: &[ServerFacts]) -> io::Result<()> {
    durable::write(&data_folder.join(FILE), &serde_json::to_vec_pretty(servers)?)
}

/// Whether another server is known from an earlier run.
#[must_use]
pub fn knows_others(data_folder: &Path) -> bool {
    !load(data_folder).is_empty()
}

/// What was written down. A file that cannot be read is as good as none: the other side dials too.
pub(crate) fn load(data_folder: &Path) -> Vec<ServerFacts> {
    let file = data_folder.join(FILE);
    let read = std::fs::read(&file).and_then(|text| Ok(serde_json::from_slice(&text)?));
    match read {
        Ok(servers) => servers,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => {
            tracing::warn!(file = %file.display(), %error, "the other servers' addresses cannot be read");
            Vec::new()
        }
    }
}
