//! Sessions that begin and end, many in one transaction.

use super::{
    Sighting,
    sightings::{next_version, upsert},
};
use crate::db::{Store, StoreError, Transaction, begin, columns::count, sql};

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
    pub async fn change_sightings(
        &self,
        server_id: &str,
        changes: &[SightingChange],
    ) -> Result<Vec<SightingChanged>, StoreError> {
        let mut transaction = begin(self.local()).await?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::store::ReportedList;
    use SightingChanged::{Ended, Opened, Replaced};
    use model::{DeviceInfo, IpConfig, SerialConfig};

    fn opens(device: u32, session: u64) -> SightingChange {
        SightingChange::Open(Box::new(Sighting {
            server_id: "one".to_owned(),
            device_id: device,
            session_id: session,
            boot_id: "0".to_owned(),
            connection_sequence: 3,
            since: "2026-10-01T00:00:00.000Z".to_owned(),
            ended_at: None,
            end_reason: None,
            peer: "198.51.100.7:40000".to_owned(),
            address: "192.0.2.1".to_owned(),
            port: 51213,
            priority: 1,
            committed: ReportedList { epoch: 1, number: 1, hash: "ab".repeat(32) },
            info: info(),
            version: 0,
        }))
    }

    fn info() -> DeviceInfo {
        DeviceInfo {
            device_type: 3,
            device_type_name: "BioLite Net".to_owned(),
            product_name: "BioLite Net".to_owned(),
            firmware_version: "2.3.2".to_owned(),
            kernel_version: "1.0.0".to_owned(),
            hardware_version: "1.0.0".to_owned(),
            ip_config: IpConfig::default(),
            serial_config: SerialConfig::default(),
        }
    }

    fn ends(device: u32, session: u64) -> SightingChange {
        let (at, reason) = ("2026-10-01T00:00:09.000Z".to_owned(), "timed out".to_owned());
        SightingChange::End { device, session, at, reason }
    }

    /// Device, session and whether it lives, in the order of their changes.
    async fn seen(store: &Store) -> Vec<(u32, u64, bool)> {
        let seen = store.list_sightings_since("one", 0).await.unwrap();
        seen.into_iter().map(|row| (row.device_id, row.session_id, row.ended_at.is_none())).collect()
    }

    #[tokio::test]
    async fn a_mixed_batch_is_done_in_its_order() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).await.unwrap();
        let batch = [opens(1, 10), opens(2, 20), ends(1, 10), opens(2, 21), ends(2, 20), opens(3, 30), ends(4, 40)];
        let done = store.change_sightings("one", &batch).await.unwrap();
        assert_eq!(done, [Opened(4), Opened(4), Ended, Opened(5), Replaced, Opened(4), Replaced]);
        assert_eq!(seen(&store).await, [(1, 10, false), (2, 21, true), (3, 30, true)]);
        let versions = store.list_sightings_since("one", 0).await.unwrap().into_iter().map(|row| row.version);
        let versions: Vec<u64> = versions.collect();
        assert!(versions.is_sorted_by(|a, b| a < b), "each is news of its own: {versions:?}");
        assert_eq!(store.change_sightings("one", &[ends(1, 10)]).await.unwrap(), [Replaced], "it has ended already");
    }

    #[tokio::test]
    async fn of_a_batch_that_fails_nothing_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).await.unwrap();
        store.change_sightings("one", &[opens(1, 10)]).await.unwrap();
        sql::query(
            "create trigger no_third before insert on sightings when new.device_id = 3
             begin select raise(abort, 'no'); end",
        )
        .execute(store.local())
        .await
        .unwrap();
        let batch = [ends(1, 10), opens(2, 20), opens(3, 30), opens(4, 40)];
        assert!(store.change_sightings("one", &batch).await.is_err());
        assert_eq!(seen(&store).await, [(1, 10, true)]);
        sql::query("drop trigger no_third").execute(store.local()).await.unwrap();
        assert_eq!(store.change_sightings("one", &batch).await.unwrap(), [Ended, Opened(4), Opened(4), Opened(4)]);
        assert_eq!(seen(&store).await, [(1, 10, false), (2, 20, true), (3, 30, true), (4, 40, true)]);
    }

    #[tokio::test]
    async fn a_device_counts_where_its_newest_living_session_is() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).await.unwrap();
        let of = |device, sequence, since: &str, ended: bool| {
            let SightingChange::Open(sighting) = opens(device, 1) else { unreachable!() };
            let ended_at = ended.then(|| "2026-10-01T00:01:00.000Z".to_owned());
            Sighting {
                connection_sequence: sequence,
                since: format!("2026-10-01T00:00:{since}.000Z"),
                ended_at,
                ..*sighting
            }
        };
        let one = [of(1, 5, "01", false), of(2, 5, "01", false), of(3, 5, "01", false), of(4, 7, "01", true)];
        let two = [of(1, 6, "02", false), of(2, 4, "02", false), of(3, 5, "02", false), of(4, 6, "00", false)];
        let three = [of(1, 9, "03", false)];
        for (server, rows) in [("one", &one[..]), ("two", &two[..]), ("three", &three[..])] {
            store.store_peer_sightings(server, rows).await.unwrap();
        }
        let seats = async |servers: &[&str]| {
            let mut seats: Vec<_> = store.count_seats(servers).await.unwrap().into_iter().collect();
            seats.sort();
            seats
        };
        assert_eq!(seats(&["one", "two"]).await, [("one".to_owned(), 1), ("two".to_owned(), 3)]);
        assert_eq!(seats(&["one"]).await, [("one".to_owned(), 3)], "of the others nobody knows");
        let all = seats(&["one", "two", "three"]).await;
        assert_eq!(all, [("one".to_owned(), 1), ("three".to_owned(), 1), ("two".to_owned(), 2)]);
    }
}
