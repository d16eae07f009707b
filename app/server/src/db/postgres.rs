//! The database server under a database: whether it is the primary or a replica, how far a replica is behind, and its promotion.

use super::{
    Database, Home, Store, StoreError, begin,
    columns::number,
    database::{Transaction, begin_on_any_line},
};
use model::{ReplicaSeen, Replication, ReplicationPart, SlotSeen};
use sqlx::{
    PgPool, Row as _,
    postgres::{PgListener, PgPoolOptions},
};
use std::time::{Duration, Instant};

/// How long a replica may take to become a primary.
const PROMOTION_LIMIT_S: i32 = 60;
/// How long a look may wait for the server.
const LOOK_LIMIT: Duration = Duration::from_secs(3);
const PAUSE: Duration = Duration::from_millis(50);
/// On which portals tell one another what they changed.
const CHANNEL: &str = "biostar2";
/// PostgreSQL's position in its log, as one number of bytes.
const POSITION: &str = "select case when pg_is_in_recovery()
    then coalesce(pg_last_wal_replay_lsn(), '0/0') - '0/0'::pg_lsn
    else pg_current_wal_lsn() - '0/0'::pg_lsn end::bigint";
/// Which line of history the server is on. Only a primary knows its own for sure.
const TIMELINE: &str = "select case when pg_is_in_recovery()
    then (select received_tli from pg_stat_wal_receiver union all select timeline_id from pg_control_checkpoint() limit 1)
    else ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int end::bigint";
/// Says on which cluster and line of history the database may be written: here and now.
const NAME_LINE: &str = "insert into cluster (\"only\", system_id, timeline)
    select 1, (select system_identifier::text from pg_control_system()),
        ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int
    on conflict (\"only\") do update set system_id = excluded.system_id, timeline = excluded.timeline";

impl Store {
    /// Whether the database is on a database server.
    pub(crate) fn is_on_a_server(&self) -> bool {
        matches!(self.home, Home::Server(_))
    }

    /// What the database server says of itself; `None` if the database is a file. What this program's database user may not
    /// see is missing.
    ///
    /// # Errors
    ///
    /// It does not answer within 3 seconds.
    pub async fn look_at_cluster(&self) -> Result<Option<Replication>, StoreError> {
        let Database::Postgres(pool) = self.database() else { return Ok(None) };
        let look = tokio::time::timeout(LOOK_LIMIT, look(&pool)).await;
        Ok(Some(look.unwrap_or(Err(sqlx::Error::PoolTimedOut))?))
    }

    /// Waits until the replica here holds everything up to `position`. Does nothing where the database is a file.
    ///
    /// # Errors
    ///
    /// It does not within `limit`.
    pub(crate) async fn await_position(&self, position: u64, limit: Duration) -> Result<(), StoreError> {
        let Database::Postgres(pool) = self.database() else { return Ok(()) };
        let begun = Instant::now();
        loop {
            let here: i64 = sqlx::query_scalar(POSITION).fetch_one(&pool).await?;
            if number::<u64>("log position", here)? >= position {
                return Ok(());
            }
            if begun.elapsed() >= limit {
                return Err(StoreError::inconsistent("replica", "it did not receive all that the other server wrote"));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// No server writes the database on this database server from now on; whoever writes is finished first. Does nothing where
    /// it is a file.
    ///
    /// # Errors
    ///
    /// The server does not answer, or is a replica.
    pub(crate) async fn leave_line(&self) -> Result<(), StoreError> {
        let mut transaction = begin(&self.database()).await?;
        if let Transaction::Postgres(turn) = &mut transaction {
            sqlx::query("update cluster set timeline = 0").execute(&mut **turn).await?;
        }
        Ok(transaction.commit().await?)
    }

    /// Takes back what [`leave_line`](Self::leave_line) did.
    ///
    /// # Errors
    ///
    /// The server does not answer.
    pub(crate) async fn retake_line(&self) -> Result<(), StoreError> {
        let mut transaction = begin_on_any_line(&self.database()).await?;
        name_line(&mut transaction).await?;
        Ok(transaction.commit().await?)
    }

    /// Tells the other portals that work on this database; `text` has at most 7,999 bytes.
    ///
    /// # Errors
    ///
    /// The server does not answer, or is a replica.
    pub(crate) async fn tell_portals(&self, text: &str) -> Result<(), StoreError> {
        let Database::Postgres(pool) = self.database() else { return Ok(()) };
        sqlx::query("select pg_notify($1, $2)").bind(CHANNEL).bind(text).execute(&pool).await?;
        Ok(())
    }

    /// Hears what other portals tell, on a connection of its own; `None` where the database is a file. A replica cannot be
    /// listened to.
    ///
    /// # Errors
    ///
    /// The server does not answer, or is a replica.
    pub(crate) async fn hear_portals(&self) -> Result<Option<PgListener>, StoreError> {
        let Home::Server(server) = &self.home else { return Ok(None) };
        let options = server.as_ref().clone().application_name("biostar2 listener");
        let pool = PgPoolOptions::new().max_connections(1).acquire_timeout(LOOK_LIMIT).connect_lazy_with(options);
        let mut listener = PgListener::connect_with(&pool).await?;
        listener.listen(CHANNEL).await?;
        Ok(Some(listener))
    }

    /// Position in the log up to which the database here is whole; `None` if it is a file.
    ///
    /// # Errors
    ///
    /// The server does not answer.
    pub(crate) async fn position(&self) -> Result<Option<u64>, StoreError> {
        let Database::Postgres(pool) = self.database() else { return Ok(None) };
        let here: i64 = sqlx::query_scalar(POSITION).fetch_one(&pool).await?;
        Ok(Some(number("log position", here)?))
    }
}

/// Makes the database server a primary, unless it is one.
pub(crate) async fn promote(database: &Database) -> Result<(), StoreError> {
    let Database::Postgres(pool) = database else { return Ok(()) };
    let replica: bool = sqlx::query_scalar("select pg_is_in_recovery()").fetch_one(pool).await?;
    if !replica {
        return Ok(());
    }
    tracing::warn!("the replica on this server's database server is being promoted");
    let promoted: bool =
        sqlx::query_scalar("select pg_promote(true, $1)").bind(PROMOTION_LIMIT_S).fetch_one(pool).await?;
    if promoted { Ok(()) } else { Err(StoreError::inconsistent("replica", "its promotion did not end in time")) }
}

/// From now on the database is written on this cluster and line of history, and on no other.
pub(crate) async fn name_line(transaction: &mut Transaction) -> Result<(), sqlx::Error> {
    match transaction {
        Transaction::Sqlite(_) => Ok(()),
        Transaction::Postgres(turn) => sqlx::query(NAME_LINE).execute(&mut **turn).await.map(drop),
    }
}

async fn look(pool: &PgPool) -> Result<Replication, sqlx::Error> {
    let replica: bool = sqlx::query_scalar("select pg_is_in_recovery()").fetch_one(pool).await?;
    let position: i64 = sqlx::query_scalar(POSITION).fetch_one(pool).await?;
    let timeline: Option<i64> = sqlx::query_scalar(TIMELINE).fetch_one(pool).await?;
    let common = Replication {
        part: if replica { ReplicationPart::Replica } else { ReplicationPart::Primary },
        position: position.unsigned_abs(),
        timeline: timeline.map(i64::unsigned_abs),
        ..Replication::default()
    };
    if replica { look_at_replica(pool, common).await } else { look_at_primary(pool, common).await }
}

async fn look_at_replica(pool: &PgPool, common: Replication) -> Result<Replication, sqlx::Error> {
    let receiver: Option<String> = sqlx::query_scalar("select status from pg_stat_wal_receiver where pid is not null")
        .fetch_optional(pool)
        .await?
        .flatten();
    let last: Option<i64> =
        sqlx::query_scalar("select (extract(epoch from now() - pg_last_xact_replay_timestamp()) * 1000)::bigint")
            .fetch_one(pool)
            .await?;
    // Before it ever replayed a change nothing is known of its age.
    Ok(Replication {
        receiving: receiver.as_deref() == Some("streaming"),
        last_change_ms: last.map(i64::unsigned_abs),
        ..common
    })
}

async fn look_at_primary(pool: &PgPool, common: Replication) -> Result<Replication, sqlx::Error> {
    let rows = sqlx::query(
        "select coalesce(application_name, '') as name, coalesce(state, '') as state, coalesce(sync_state, '') as sync,
            (pg_current_wal_lsn() - replay_lsn)::bigint as behind
         from pg_stat_replication where pid is not null order by application_name",
    );
    let replicas = rows.fetch_all(pool).await?.into_iter().map(|row| {
        Ok(ReplicaSeen {
            name: row.try_get("name")?,
            state: row.try_get("state")?,
            sync: row.try_get("sync")?,
            lag_bytes: row.try_get::<Option<i64>, _>("behind")?.map(|behind| behind.max(0).unsigned_abs()),
        })
    });
    let replicas: Result<Vec<ReplicaSeen>, sqlx::Error> = replicas.collect();
    let rows = sqlx::query(
        "select slot_name::text as name, active, coalesce(wal_status, '') as log,
            (pg_current_wal_lsn() - restart_lsn)::bigint as kept
         from pg_replication_slots where slot_type = 'physical' order by slot_name",
    );
    let slots = rows.fetch_all(pool).await?.into_iter().map(|row| {
        Ok(SlotSeen {
            name: row.try_get("name")?,
            active: row.try_get("active")?,
            log: row.try_get("log")?,
            kept_bytes: row.try_get::<Option<i64>, _>("kept")?.map(|kept| kept.max(0).unsigned_abs()),
        })
    });
    let slots: Result<Vec<SlotSeen>, sqlx::Error> = slots.collect();
    let named: Option<bool> =
        match sqlx::query_scalar("select to_regclass('cluster') is not null").fetch_one(pool).await? {
            true => sqlx::query_scalar(super::database::LINE_STANDS).fetch_optional(pool).await?,
            false => None,
        };
    let epoch: Option<(i64, String)> = match named {
        Some(_) => sqlx::query_as("select epoch, active_server from installation").fetch_optional(pool).await?,
        None => None,
    };
    let (epoch, active_server) = epoch.map(|(number, server)| (number.unsigned_abs(), server)).unzip();
    let (replicas, slots, other_line) = (replicas?, slots?, named == Some(false));
    Ok(Replication { replicas, slots, other_line, epoch, active_server, ..common })
}
