//! Which device was seen on which server, and what it said of itself: the newest session on each.

use crate::db::{
    Store, StoreError, Transaction, begin,
    columns::{count, from_json, number, to_json},
    sql,
};
use model::DeviceInfo;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashMap};
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};

/// Sessions that ended within this time before the last one ended with it.
const LAST_MOMENTS: Duration = Duration::minutes(1);

/// The newest session of a device on a server. Also what servers tell each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sighting {
    /// On which server.
    pub server_id: String,
    /// Which device.
    pub device_id: u32,
    /// Unique on its server, also over restarts.
    pub session_id: u64,
    /// Random for each start of the device, hexadecimal.
    pub boot_id: String,
    /// Orders the sessions of a device over all servers.
    pub connection_sequence: u64,
    /// When it was registered.
    pub since: String,
    /// When it ended; `None` while it lives.
    pub ended_at: Option<String>,
    /// Why it ended.
    pub end_reason: Option<String>,
    /// Where the connection came from.
    pub peer: String,
    /// The address it dialled.
    pub address: String,
    /// The port it dialled.
    pub port: u16,
    /// The priority of the entry it dialled.
    pub priority: u8,
    /// The list it keeps.
    pub committed: ReportedList,
    /// What it said of itself.
    pub info: DeviceInfo,
    /// Counts changes on the server that saw it.
    pub version: u64,
}

/// A list as a device names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportedList {
    /// The epoch it was written in.
    pub epoch: u64,
    /// Its revision.
    pub number: u64,
    /// 64 hexadecimal digits.
    pub hash: String,
}

/// Whether a server holds a device, and since when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presence {
    /// Which server.
    pub server_id: String,
    /// Which device.
    pub device_id: u32,
    /// When its newest session there began.
    pub since: String,
    /// When that ended; `None` while it lives.
    pub ended_at: Option<String>,
    /// Orders the sessions of a device over all servers.
    pub connection_sequence: u64,
}

#[derive(sqlx::FromRow)]
struct Row {
    server_id: String,
    device_id: i64,
    session_id: i64,
    boot_id: String,
    connection_sequence: i64,
    since: String,
    ended_at: Option<String>,
    end_reason: Option<String>,
    peer: String,
    address: String,
    port: i64,
    priority: i64,
    committed_epoch: i64,
    committed_number: i64,
    committed_hash: String,
    info: String,
    version: i64,
}

impl TryFrom<Row> for Sighting {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let record = format!("sightings {}/{}", row.server_id, row.device_id);
        Ok(Self {
            device_id: number(&record, row.device_id)?,
            session_id: number(&record, row.session_id)?,
            boot_id: row.boot_id,
            connection_sequence: number(&record, row.connection_sequence)?,
            since: row.since,
            ended_at: row.ended_at,
            end_reason: row.end_reason,
            peer: row.peer,
            address: row.address,
            port: number(&record, row.port)?,
            priority: number(&record, row.priority)?,
            committed: ReportedList {
                epoch: number(&record, row.committed_epoch)?,
                number: number(&record, row.committed_number)?,
                hash: row.committed_hash,
            },
            info: from_json(&record, &row.info)?,
            version: number(&record, row.version)?,
            server_id: row.server_id,
        })
    }
}

impl Store {
    /// Everything known of every device, on all servers.
    pub async fn list_sightings(&self) -> Result<Vec<Sighting>, StoreError> {
        sightings(sql::query_as("select * from sightings").fetch_all(self.local()).await?)
    }

    /// Where every device is or was, on all servers.
    pub async fn list_presences(&self) -> Result<Vec<Presence>, StoreError> {
        let rows: Vec<(String, i64, String, Option<String>, i64)> =
            sql::query_as("select server_id, device_id, since, ended_at, connection_sequence from sightings")
                .fetch_all(self.local())
                .await?;
        let presence = |(server_id, device, since, ended_at, sequence)| {
            let connection_sequence = number("sightings", sequence)?;
            Ok(Presence { server_id, device_id: number("sightings", device)?, since, ended_at, connection_sequence })
        };
        rows.into_iter().map(presence).collect()
    }

    /// How many devices each of these servers holds: the newest session of a device that lives counts.
    pub async fn count_seats(&self, servers: &[&str]) -> Result<HashMap<String, u64>, StoreError> {
        let mut query = sql::Builder::new(
            "select server_id, count(*) from (
                 select server_id, row_number() over
                     (partition by device_id order by connection_sequence desc, since desc) as place
                 from sightings where ended_at is null and server_id in (",
        );
        query.push_list(servers.iter().copied()).push(")) as living where place = 1 group by server_id");
        let rows: Vec<(String, i64)> = query.build_as().fetch_all(self.local()).await?;
        rows.into_iter().map(|(server, devices)| Ok((server, number("sightings", devices)?))).collect()
    }

    /// Everything known of these devices, on all servers.
    pub async fn list_sightings_of_devices(&self, devices: &[u32]) -> Result<Vec<Sighting>, StoreError> {
        let mut query = sql::Builder::new("select * from sightings where device_id in (");
        query.push_list(devices).push(")");
        sightings(query.build_as().fetch_all(self.local()).await?)
    }

    /// Everything known of one device, on all servers.
    pub async fn list_sightings_of(&self, device: u32) -> Result<Vec<Sighting>, StoreError> {
        let rows = sql::query_as("select * from sightings where device_id = $1").bind(device);
        sightings(rows.fetch_all(self.local()).await?)
    }

    /// The devices whose sessions with `server_id` were open when it ended, or ended as the last ones with it.
    pub async fn list_last_connected(&self, server_id: &str) -> Result<BTreeSet<u32>, StoreError> {
        let rows: Vec<(i64, Option<String>)> =
            sql::query_as("select device_id, ended_at from sightings where server_id = $1")
                .bind(server_id)
                .fetch_all(self.local())
                .await?;
        let open = rows.iter().any(|(_, ended_at)| ended_at.is_none());
        let newest = rows.iter().filter_map(|(_, ended_at)| ended_at.as_deref()).max().and_then(parse_time);
        let since = newest.filter(|_| !open).map(|newest| newest - LAST_MOMENTS);
        let last = |ended_at: &Option<String>| match (ended_at, since) {
            (None, _) => true,
            (Some(at), Some(since)) => parse_time(at).is_some_and(|at| at >= since),
            (Some(_), None) => false,
        };
        let devices = rows.iter().filter(|(_, ended_at)| last(ended_at));
        devices.map(|(device, _)| number("sightings", *device)).collect()
    }

    /// What `server_id` saw after its change `version`, oldest change first.
    pub async fn list_sightings_since(&self, server_id: &str, version: u64) -> Result<Vec<Sighting>, StoreError> {
        let rows = sql::query_as("select * from sightings where server_id = $1 and version > $2 order by version")
            .bind(server_id)
            .bind(count(version));
        sightings(rows.fetch_all(self.local()).await?)
    }

    /// Ends every session of the server that is still open: it has stopped without saying so.
    pub async fn end_all_sightings(&self, server_id: &str, at: &str, reason: &str) -> Result<(), StoreError> {
        sql::query(
            "update sightings set ended_at = $1, end_reason = $2,
             version = (select max(version) + 1 from sightings where server_id = $3)
             where server_id = $3 and ended_at is null",
        )
        .bind(at)
        .bind(reason)
        .bind(server_id)
        .execute(self.local())
        .await?;
        Ok(())
    }

    /// Records what the device of a session keeps now.
    pub async fn note_committed(
        &self,
        server_id: &str,
        device: u32,
        session: u64,
        list: &ReportedList,
    ) -> Result<(), StoreError> {
        sql::query(
            "update sightings set committed_epoch = $1, committed_number = $2, committed_hash = $3,
             version = (select max(version) + 1 from sightings where server_id = $4)
             where server_id = $4 and device_id = $5 and session_id = $6",
        )
        .bind(count(list.epoch))
        .bind(count(list.number))
        .bind(&list.hash)
        .bind(server_id)
        .bind(device)
        .bind(count(session))
        .execute(self.local())
        .await?;
        Ok(())
    }

    /// Another server has this server's sightings up to `version`. If those here are older, because the local database is an old
    /// one, they count on from there: what changes now has to be told.
    pub async fn go_on_after_sightings(&self, server_id: &str, version: u64) -> Result<(), StoreError> {
        sql::query(
            "update sightings set version = version + ($2 - (select max(version) from sightings where server_id = $1))
             where server_id = $1 and (select max(version) from sightings where server_id = $1) < $2",
        )
        .bind(server_id)
        .bind(count(version))
        .execute(self.local())
        .await?;
        Ok(())
    }

    /// Takes over what another server saw, version numbers included.
    pub async fn store_peer_sightings(&self, server_id: &str, rows: &[Sighting]) -> Result<(), StoreError> {
        let mut transaction = begin(self.local()).await?;
        for row in rows {
            upsert(&mut transaction, &Sighting { server_id: server_id.to_owned(), ..row.clone() }).await?;
        }
        transaction.commit().await?;
        Ok(())
    }
}

fn parse_time(at: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(at, &Rfc3339).ok()
}

fn sightings(rows: Vec<Row>) -> Result<Vec<Sighting>, StoreError> {
    rows.into_iter().map(Sighting::try_from).collect()
}

/// The number of this server's next change.
pub(crate) async fn next_version(connection: &mut Transaction, server_id: &str) -> Result<u64, StoreError> {
    let newest: Option<i64> = sql::query_scalar("select max(version) from sightings where server_id = $1")
        .bind(server_id)
        .fetch_one(connection)
        .await?;
    number("sightings", newest.unwrap_or(0) + 1)
}

/// Writes a sighting in the place of the one before.
pub(crate) async fn upsert(connection: &mut Transaction, row: &Sighting) -> Result<(), StoreError> {
    sql::query(
        "insert into sightings (server_id, device_id, session_id, boot_id, connection_sequence, since, ended_at,
         end_reason, peer, address, port, priority, committed_epoch, committed_number, committed_hash, info, version)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
         on conflict (server_id, device_id) do update set session_id = excluded.session_id,
         boot_id = excluded.boot_id, connection_sequence = excluded.connection_sequence, since = excluded.since,
         ended_at = excluded.ended_at, end_reason = excluded.end_reason, peer = excluded.peer,
         address = excluded.address, port = excluded.port, priority = excluded.priority,
         committed_epoch = excluded.committed_epoch, committed_number = excluded.committed_number,
         committed_hash = excluded.committed_hash, info = excluded.info, version = excluded.version",
    )
    .bind(&row.server_id)
    .bind(row.device_id)
    .bind(count(row.session_id))
    .bind(&row.boot_id)
    .bind(count(row.connection_sequence))
    .bind(&row.since)
    .bind(&row.ended_at)
    .bind(&row.end_reason)
    .bind(&row.peer)
    .bind(&row.address)
    .bind(row.port)
    .bind(row.priority)
    .bind(count(row.committed.epoch))
    .bind(count(row.committed.number))
    .bind(&row.committed.hash)
    .bind(to_json("sightings", &row.info)?)
    .bind(count(row.version))
    .execute(connection)
    .await?;
    Ok(())
}
