//! Sessions that begin and end, many in one transaction.

use super::{
    Sighting, Store, StoreError, Transaction, begin,
    columns::count,
    sightings::{next_version, upsert},
    sql,
};

/// What happens to a session of this server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SightingChange {
    /// It begins. Its sequence becomes more than the device and any sighting of it say.
    Open(Box<Sighting>),
    /// It is over.
    End {
        /// Which device's.
        device: u32,
        /// Which.
        session: u64,
        /// When it ended.
        at: String,
        /// Why it ended.
        reason: String,
    },
}

/// What came of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SightingChanged {
    /// The session has this sequence.
    Opened(u64),
    /// The session's end is on record.
    Ended,
    /// A newer session has taken its place.
    Replaced,
}

impl Store {
    /// Makes all changes, in this order, or none.
    ///
    /// # Errors
    ///
    /// When the journal cannot be written.
    pub async fn change_sightings(
        &self,
        server_id: &str,
        changes: &[SightingChange],
    ) -> Result<Vec<SightingChanged>, StoreError> {
        let mut transaction = begin(self.journal()).await?;
        let mut version = next_version(&mut transaction, server_id).await?;
        let mut done = Vec::with_capacity(changes.len());
        for change in changes {
            done.push(match change {
                SightingChange::Open(sighting) => open(&mut transaction, sighting, version).await?,
                SightingChange::End { device, session, at, reason } => {
                    end(&mut transaction, (server_id, *device, *session), (at, reason), version).await?
                }
            });
            version += 1;
        }
        transaction.commit().await?;
        Ok(done)
    }
}

async fn open(transaction: &mut Transaction, sighting: &Sighting, version: u64) -> Result<SightingChanged, StoreError> {
    let known: Option<i64> = sql::query_scalar("select max(connection_sequence) from sightings where device_id = $1")
        .bind(sighting.device_id)
        .fetch_one(&mut *transaction)
        .await?;
    let known = known.and_then(|known| u64::try_from(known).ok()).unwrap_or(0);
    let connection_sequence = sighting.connection_sequence.max(known).saturating_add(1);
    upsert(transaction, &Sighting { connection_sequence, version, ..sighting.clone() }).await?;
    Ok(SightingChanged::Opened(connection_sequence))
}

async fn end(
    transaction: &mut Transaction,
    (server_id, device, session): (&str, u32, u64),
    (at, reason): (&str, &str),
    version: u64,
) -> Result<SightingChanged, StoreError> {
    let ended = sql::query(
        "update sightings set ended_at = $1, end_reason = $2, version = $3
         where server_id = $4 and device_id = $5 and session_id = $6 and ended_at is null",
    )
    .bind(at)
    .bind(reason)
    .bind(count(version))
    .bind(server_id)
    .bind(device)
    .bind(count(session))
    .execute(transaction)
    .await?;
    Ok(if ended.rows_affected() > 0 { SightingChanged::Ended } else { SightingChanged::Replaced })
}
