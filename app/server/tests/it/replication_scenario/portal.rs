//! A portal, and whoever edits there.

use super::model::{Edit, Record};
use crate::{failover::Process, shared_file_scenario::console_within};
use http::{Method, StatusCode};
use model::Role;
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::time::sleep;

/// Whoever stands still answers nobody.
const PATIENCE: Duration = Duration::from_secs(2);
/// A replica may take its time to receive all, and to become a primary.
const LONG_PATIENCE: Duration = Duration::from_secs(60);
const RECORD: &str = "role.json";
/// Between two edits of one writer.
const BREATH: Duration = Duration::from_millis(50);

pub(super) struct Portal {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) site: usize,
    pub(super) data: TempDir,
    /// Where the others reach it.
    pub(super) peers: String,
    pub(super) process: Option<Process>,
    pub(super) frozen: bool,
}

impl Portal {
    /// It answers.
    pub(super) fn is_up(&self) -> bool {
        self.process.is_some() && !self.frozen
    }

    pub(super) fn record(&self) -> Record {
        record_at(self.data.path()).expect("a role is on record")
    }

    pub(super) async fn ask(&self, method: Method, path: &str, body: &Value) -> Option<(StatusCode, Value)> {
        console_within(LONG_PATIENCE, self.data.path(), method, path, body).await
    }

    /// The strings that it shows.
    pub(super) async fn shown(&self) -> Option<BTreeSet<String>> {
        let (status, strings) = self.ask(Method::GET, "/provisioning", &Value::Null).await?;
        let ids = strings.as_array()?.iter().map(|string| string["id"].as_str().unwrap().to_owned());
        status.is_success().then(|| ids.collect())
    }

    /// The strings that it says its site alone has made, and whether its database was overwritten without a list.
    pub(super) async fn divergent(&self) -> (BTreeSet<String>, bool) {
        let answer = self.ask(Method::GET, "/servers/divergent-changes", &Value::Null).await;
        let (status, writes) = answer.expect("the list is answered");
        assert_eq!(status, StatusCode::OK, "{writes}");
        let writes = writes.as_array().unwrap();
        let made = |write: &Value| Some(write["subject"].as_str()?.strip_prefix("provisioning string ")?.to_owned());
        let overwritten = writes.iter().any(|write| write["action"] == "database.overwritten");
        (writes.iter().filter_map(made).collect(), overwritten)
    }
}

fn record_at(data: &Path) -> Option<Record> {
    serde_json::from_slice(&fs::read(data.join(RECORD)).ok()?).ok()
}

fn age_of(file: &Path) -> Option<Duration> {
    fs::metadata(file).ok()?.modified().ok()?.elapsed().ok()
}

/// Somebody who tries to edit at one portal, as long as it exists.
pub(super) async fn write(portal: usize, site: usize, data: PathBuf, edits: Arc<Mutex<Vec<Edit>>>) {
    loop {
        let Some(before) = record_at(&data) else { return };
        let idle = if before.role == Role::Active { None } else { age_of(&data.join(RECORD)) };
        let begun = Instant::now();
        let string = json!({ "uses": 3, "expires_in_seconds": 86400 });
        let answer = console_within(PATIENCE, &data, Method::POST, "/provisioning", &string).await;
        if let Some((status, made)) = answer
            && status.is_success()
        {
            let same = record_at(&data).as_ref() == Some(&before);
            let idle = idle.filter(|_| same);
            let epoch = (same && before.role == Role::Active).then_some(before.epoch);
            let id = made["id"].as_str().unwrap().to_owned();
            edits.lock().unwrap().push(Edit { begun, portal, site, epoch, idle, id });
        }
        sleep(BREATH).await;
    }
}
