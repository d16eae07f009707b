//! Several portals that write one database: each tells the others what it has changed, so that devices and pages hear of it at
//! once wherever they are connected.

use crate::{Service, changes::Change, db::StoreError};
use gateway::wire::DeviceId;
use model::Role;
use serde::{Deserialize, Serialize};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    time::sleep,
};
use tokio_util::sync::CancellationToken;

/// Changes that come this close together are told at once.
const GATHER: Duration = Duration::from_millis(20);
/// PostgreSQL passes on messages of less than 8,000 bytes.
const TEXT_MAX: usize = 7_900;
/// After the database server did not answer, or while it is a replica.
const RETRY: Duration = Duration::from_secs(1);

/// What one portal tells the others.
#[derive(Debug, Serialize, Deserialize)]
struct Told {
    /// Its server's id.
    from: String,
    changes: Vec<Change>,
}

/// Tells and hears until `stop`. Does nothing where the database is a file.
pub(crate) async fn run(service: Arc<Service>, stop: CancellationToken) {
    if !service.store.is_on_a_server() {
        return;
    }
    let both = async { tokio::join!(tell(&service), hear(&service)) };
    stop.run_until_cancelled(both).await;
}

async fn tell(service: &Service) {
    let mut own = service.own_changes();
    while let Some(changes) = gather(&mut own).await {
        if service.role() != Role::Active {
            continue;
        }
        let from = service.identity().server_id.clone();
        if let Err(error) = service.store.tell_portals(&text_of(from, changes)).await {
            // Whoever listens hears of its own broken connection, and looks at everything anew.
            tracing::warn!(error = &error as &dyn std::error::Error, "other portals could not be told of a change");
        }
    }
}

/// The next changes, each once; `None` when there will be none.
async fn gather(own: &mut Receiver<Change>) -> Option<Vec<Change>> {
    let mut changes = match own.recv().await {
        Ok(change) => vec![change],
        Err(RecvError::Lagged(_)) => vec![Change::Database],
        Err(RecvError::Closed) => return None,
    };
    sleep(GATHER).await;
    loop {
        match own.try_recv() {
            Ok(change) if changes.contains(&change) => {}
            Ok(change) => changes.push(change),
            Err(tokio::sync::broadcast::error::TryRecvError::Lagged(_)) => changes.push(Change::Database),
            Err(_) => return Some(changes),
        }
    }
}

/// What does not fit is told as a change of everything.
fn text_of(from: String, changes: Vec<Change>) -> String {
    let short = Told { from: from.clone(), changes: vec![Change::Database, Change::Rollout, Change::Event] };
    let text = serde_json::to_string(&Told { from, changes }).unwrap_or_default();
    if text.len() <= TEXT_MAX { text } else { serde_json::to_string(&short).unwrap_or_default() }
}

async fn hear(service: &Service) {
    let mut failing = false;
    loop {
        // On a replica nobody can listen, and nobody tells.
        if service.role() == Role::Active {
            let Err(error) = listen(service).await;
            if !failing {
                tracing::warn!(error = &error as &dyn std::error::Error, "what other portals change is not heard");
            }
            failing = true;
        } else {
            failing = false;
        }
        sleep(RETRY).await;
    }
}

async fn listen(service: &Service) -> Result<std::convert::Infallible, StoreError> {
    let Some(mut listener) = service.store.hear_portals().await? else { std::future::pending().await };
    // Whatever was told before this moment was not heard.
    service.hear_portal(&[Change::Database]);
    loop {
        match listener.try_recv().await? {
            Some(told) => match serde_json::from_str::<Told>(told.payload()) {
                Ok(told) if told.from == service.identity().server_id => {}
                Ok(told) => service.hear_portal(&told.changes),
                Err(error) => tracing::warn!(%error, "a message that no portal writes"),
            },
            // The connection was lost, and is there again.
            None => service.hear_portal(&[Change::Database]),
        }
    }
}

impl Service {
    /// Another portal has changed the database.
    fn hear_portal(&self, changes: &[Change]) {
        for change in changes {
            self.changes().send(change.clone());
            let Some(gateway) = self.gateway.get() else { continue };
            match change {
                Change::Device { id } => gateway.wake(DeviceId(*id)),
                Change::Database => gateway.wake_all(),
                Change::WaitingDevice | Change::Event | Change::Rollout | Change::Server => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_always_fits() {
        let many = (0..2_000).map(|id| Change::Device { id }).collect();
        let text = text_of("s1".to_owned(), many);
        assert!(text.len() <= TEXT_MAX);
        let told: Told = serde_json::from_str(&text).unwrap();
        assert!(told.changes.contains(&Change::Database));
        let text = text_of("s1".to_owned(), vec![Change::Device { id: 7 }]);
        let told: Told = serde_json::from_str(&text).unwrap();
        assert_eq!((told.from.as_str(), told.changes), ("s1", vec![Change::Device { id: 7 }]));
    }

    #[tokio::test]
    async fn changes_that_come_together_are_told_once() {
        let (sender, mut own) = tokio::sync::broadcast::channel(4);
        for id in [1, 2, 1] {
            sender.send(Change::Device { id }).unwrap();
        }
        assert_eq!(gather(&mut own).await, Some(vec![Change::Device { id: 1 }, Change::Device { id: 2 }]));
        for id in 0..9 {
            sender.send(Change::Device { id }).unwrap();
        }
        assert!(gather(&mut own).await.unwrap().contains(&Change::Database), "some were missed");
        drop(sender);
        assert_eq!(gather(&mut own).await, None);
    }
}
