//! Real PostgreSQL servers, which may die at any time, and follow one another.

use crate::pair::folder;
use sqlx::{Connection as _, PgConnection};
use std::{
    ffi::OsStr,
    path::Path,
    process::{Child, Command},
    time::Duration,
};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

/// Making a cluster and recovering one take their time on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A PostgreSQL server of this test's own. It ends with the test.
pub(crate) struct Cluster {
    folder: TempDir,
    server: Child,
}

impl Cluster {
    /// With an empty database.
    pub(crate) async fn start() -> Self {
        let folder = folder();
        let server = serve(folder.path());
        let mut cluster = Self { folder, server };
        let mut connection = cluster.connect().await;
        sqlx::raw_sql("create database portal").execute(&mut connection).await.unwrap();
        cluster
    }

    /// That follows `primary`, with a slot of this name.
    pub(crate) async fn replica_of(primary: &Self, name: &str) -> Self {
        let folder = folder();
        let (from, to) = (primary.folder.path(), folder.path());
        script(&["replicate".as_ref(), from.as_os_str(), to.as_os_str(), name.as_ref()]);
        let server = serve(to);
        let mut cluster = Self { folder, server };
        cluster.connect().await.close().await.unwrap();
        cluster
    }

    /// Makes a killed primary a replica of the one that took over.
    pub(crate) async fn follow(&mut self, primary: &Self, name: &str) {
        let (own, source) = (self.folder.path(), primary.folder.path());
        script(&["rewind".as_ref(), own.as_os_str(), source.as_os_str(), name.as_ref()]);
        self.restart().await;
    }

    pub(crate) fn address(&self, database: &str) -> String {
        format!("postgres://portal@localhost/{database}?host={}", self.folder.path().display())
    }

    /// Waits until it answers; one that could not start yet is started again.
    pub(crate) async fn connect(&mut self) -> PgConnection {
        let begun = Instant::now();
        loop {
            match PgConnection::connect(&self.address("postgres")).await {
                Ok(connection) => return connection,
                Err(error) => assert!(begun.elapsed() < PATIENCE, "PostgreSQL does not answer: {error}"),
            }
            if self.server.try_wait().unwrap().is_some() {
                assert!(
                    self.folder.path().join("cluster/PG_VERSION").exists(),
                    "CANNOT RUN HERE: PostgreSQL cannot be made; see `.make/tools.sh postgres`"
                );
                self.server = serve(self.folder.path());
            }
            sleep(Duration::from_millis(100)).await;
        }
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.server.kill().unwrap();
        self.server.wait().unwrap();
    }

    pub(crate) async fn restart(&mut self) {
        self.server = serve(self.folder.path());
        self.connect().await.close().await.unwrap();
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../.make/postgres.sh");

fn script(arguments: &[&OsStr]) {
    let done = Command::new(SCRIPT).args(arguments).status().unwrap();
    assert!(done.success(), "{arguments:?}");
}

fn serve(folder: &Path) -> Child {
    Command::new(SCRIPT).arg("serve").arg(folder).spawn().unwrap()
}
