//! Two whole servers on this machine.

use model::ProvisioningInput;
use server::{
    actor::Actor,
    config::Config,
    start::{Running, StartError, start},
};
use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};
use tempfile::TempDir;

pub(crate) const PASSWORD: &str = "correct horse battery";
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn console() -> Actor {
    Actor { login: "console".to_owned(), peer: None }
}

pub(crate) fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

pub(crate) async fn first(data: &Path) -> Running {
    start(Config { admin_password: Some(PASSWORD.to_owned()), ..Config::on_loopback(data) }).await.unwrap()
}

/// A join string whose bearer is confirmed as soon as it asks.
pub(crate) async fn join_string(active: &Running) -> String {
    confirm_newcomers(active);
    active.service().create_join_string(&console()).await.unwrap()
}

/// Confirms everybody who asks to join, as long as the server runs.
pub(crate) fn confirm_newcomers(active: &Running) {
    let service = Arc::downgrade(active.service());
    tokio::spawn(async move {
        while let Some(service) = service.upgrade() {
            for newcomer in service.list_newcomers() {
                // Another of these tasks may have been faster.
                let _ = service.confirm_newcomer(&console(), &newcomer.fingerprint).await;
            }
            drop(service);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
}

pub(crate) async fn second(data: &Path, string: &str) -> Result<Running, StartError> {
    start(Config { join: Some(string.to_owned()), ..Config::on_loopback(data) }).await
}

/// Both servers and their folders; keep the folders as long as the servers.
pub(crate) struct Pair {
    pub(crate) one: Running,
    pub(crate) two: Running,
    pub(crate) one_data: TempDir,
    pub(crate) two_data: TempDir,
}

impl Pair {
    pub(crate) async fn start() -> Self {
        let (one_data, two_data) = (folder(), folder());
        let one = first(one_data.path()).await;
        let string = join_string(&one).await;
        let two = second(two_data.path(), &string).await.unwrap();
        Self { one, two, one_data, two_data }
    }
}

/// Waits until `there` says so.
pub(crate) async fn until(what: &str, mut there: impl AsyncFnMut() -> bool) -> Duration {
    let begun = Instant::now();
    while !there().await {
        assert!(begun.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    begun.elapsed()
}

/// Makes a change in the database: a provisioning string, and its id.
pub(crate) async fn change(active: &Running) -> String {
    let input = ProvisioningInput { uses: 1, expires_in_seconds: 600, addresses: Vec::new() };
    active.service().create_provisioning_string(&console(), input).await.unwrap().id
}

pub(crate) async fn has(server: &Running, id: &str) -> bool {
    server.service().list_provisioning_strings().await.unwrap().iter().any(|string| string.id == id)
}
