//! What an operator can ask of a connected device: how its servers look from where it is, and to go to another.

use super::{
    failures::rows_of,
    server_lists::{Blank, entries_of, model_entry, parse_entries},
    standing::Standing,
};
use crate::{
    Service,
    actor::Actor,
    changes::Change,
    cluster::peer_requests::{Order, PeerRequest},
    names::device_name_of,
};
use gateway::{
    server::OrderError,
    wire::{self, Address, AddressError, DeviceId},
};
use model::{
    Connection, DeviceObstacle, EntryInput, Fault, ListRule, MAX_ENTRIES, Malformed, Move, MoveInput, MoveState,
    ProbeRow, ProbeTable, ServerEntry, ServerObstacle,
};
use serde_json::json;
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// The longest stay that can be ordered, in seconds: a week.
const MAX_TTL_S: u32 = 7 * 24 * 3600;

/// The last move of each device that was ordered here, since this server's start.
#[derive(Default)]
pub(crate) struct Moves(Mutex<HashMap<u32, Move>>);

impl Moves {
    fn lock(&self) -> MutexGuard<'_, HashMap<u32, Move>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Service {
    /// Lets a device try servers from its own network: the given ones, or its wanted list.
    ///
    /// # Errors
    ///
    /// No such device, bad fields, the device is not connected here or does not answer, or the store fails.
    pub async fn probe_servers(&self, device: u32, entries: Option<Vec<EntryInput>>) -> Result<ProbeTable, Fault> {
        let standing = self.standing_of(device).await?;
        let entries = match entries {
            Some(rows) => parse_entries(&rows, Blank::Skipped).map_err(|errors| Fault::Invalid { errors })?,
            None => entries_of(&standing.wanted.entries)?,
        };
        debug_assert!(entries.len() <= MAX_ENTRIES);
        let connected = self.servers_of(&standing).connected;
        let order = Order::Probe { entries: entries.iter().map(model_entry).collect() };
        let rows = self.have_carried_out(device, connected.as_ref(), order).await?;
        self.keep_probe(device, rows).await
    }

    /// Takes down what a device found.
    pub async fn keep_probe(&self, device: u32, rows: Vec<ProbeRow>) -> Result<ProbeTable, Fault> {
        let table = ProbeTable { at: self.clock.now_text(), rows };
        self.store.put_probe(device, &table).await?;
        self.changed(Change::Device { id: device });
        Ok(table)
    }

    /// Sends a device to another server of its list. It leaves only for one that would register it, and comes back by
    /// itself if that fails.
    ///
    /// # Errors
    ///
    /// No such device, bad fields, the device is not connected here, stays for a reason that it gives, or the store
    /// fails.
    pub async fn move_device(&self, actor: &Actor, device: u32, input: MoveInput) -> Result<Move, Fault> {
        if input.ttl_seconds.is_some_and(|ttl| !(1..=MAX_TTL_S).contains(&ttl)) {
            return Err(Fault::field("ttl_seconds", ListRule::Stay { most: MAX_TTL_S }));
        }
        let standing = self.standing_of(device).await?;
        let to = entry_at(&self.entries_it_may_have(&standing).await?, &input)?;
        let connected = self.servers_of(&standing).connected;
        let order = Order::Move { to: model_entry(&to), ttl_seconds: input.ttl_seconds.unwrap_or(0) };
        self.have_carried_out(device, connected.as_ref(), order).await?;
        let ordered = Move {
            address: to.address.to_string(),
            port: to.port,
            ttl_seconds: input.ttl_seconds,
            by: actor.login.clone(),
            at: self.clock.now_text(),
            state: MoveState::Leaving,
            reason: None,
        };
        self.moves.lock().insert(device, ordered.clone());
        self.record_move(actor, device, connected.as_ref(), &ordered).await?;
        self.changed(Change::Device { id: device });
        Ok(ordered)
    }

    /// The servers of its list as the device said, and of the list that the database saw it keep: where several servers share
    /// a database, what one of them heard of the device comes later than what it wrote. The device has the last word.
    async fn entries_it_may_have(&self, standing: &Standing) -> Result<Vec<wire::ServerEntry>, Fault> {
        let kept = standing.kept.as_ref().unwrap_or(&standing.wanted);
        let mut entries: Vec<_> = entries_of(&kept.entries)?.iter().cloned().collect();
        let committed = standing.device.committed_revision.filter(|number| *number > kept.number);
        if let Some(number) = committed
            && let Some(newer) = self.store.find_revision(standing.device.id, number).await?
        {
            entries.extend(entries_of(&newer.entries)?.iter().cloned());
        }
        Ok(entries)
    }

    /// A device came back from where it was sent.
    pub(crate) fn note_move_failure(&self, device: u32, to: &ServerEntry, reason: &str) {
        if let Some(ordered) = self.moves.lock().get_mut(&device)
            && to.is_at(&ordered.address, ordered.port)
        {
            ordered.state = MoveState::Failed;
            ordered.reason = Some(reason.to_owned());
        }
    }

    /// The last move of a device, as far as this server knows.
    pub(crate) fn move_of(&self, device: u32, connected: Option<&Connection>) -> Option<Move> {
        let ordered = self.moves.lock().get(&device).cloned()?;
        let there = connected.is_some_and(|at| at.is_at(&ordered.address, ordered.port));
        let arrived = there && ordered.state == MoveState::Leaving;
        Some(if arrived { Move { state: MoveState::Arrived, ..ordered } } else { ordered })
    }

    /// Has the server that holds the device's session carry an order out. A move answers no rows.
    async fn have_carried_out(
        &self,
        device: u32,
        connected: Option<&Connection>,
        order: Order,
    ) -> Result<Vec<ProbeRow>, Fault> {
        let Some(connection) = connected else { return Err(DeviceObstacle::DeviceNotConnected.into()) };
        if connection.server == self.identity.server_id {
            return self.carry_out(device, order).await;
        }
        let server = connection.server.clone();
        let answered = self.run_peer_request(|reply| PeerRequest::Order { server, device, order, reply }).await;
        let server = &connection.server_name;
        answered.map_err(|because| DeviceObstacle::OrderFailed { server: server.clone(), because }.into())
    }

    /// Carries an order out on a device that is connected here, for this server or another one.
    ///
    /// # Errors
    ///
    /// An entry that is none, or the device is not connected here, does not answer, or says no.
    pub(crate) async fn carry_out(&self, device: u32, order: Order) -> Result<Vec<ProbeRow>, Fault> {
        let gateway = self.gateway.get().ok_or(ServerObstacle::GatewayNotListening)?;
        match order {
            Order::Probe { entries } => {
                let rows = gateway.probe(DeviceId(device), entries_of(&entries)?).await.map_err(refused)?;
                Ok(rows_of(&rows))
            }
            Order::Move { to, ttl_seconds } => {
                let entries = entries_of(&[to])?;
                let to = entries.iter().next().cloned().ok_or(Malformed::OrderWithoutServer)?;
                gateway.move_to(DeviceId(device), to, ttl_seconds).await.map_err(refused)?;
                Ok(Vec::new())
            }
        }
    }

    async fn record_move(
        &self,
        actor: &Actor,
        device: u32,
        from: Option<&Connection>,
        ordered: &Move,
    ) -> Result<(), Fault> {
        let before = from.map(|from| json!({ "address": from.address, "port": from.port }));
        let after = json!({ "address": ordered.address, "port": ordered.port, "ttl_seconds": ordered.ttl_seconds });
        tracing::info!(
            device,
            operator = actor.login,
            to = ordered.address,
            port = ordered.port,
            "device sent to another server"
        );
        let entry = self.audit(actor, "device.move", device_name_of(device), before, Some(after));
        self.record_act(&entry).await
    }
}

/// The entry that was meant, however its address was written.
fn entry_at(entries: &[wire::ServerEntry], input: &MoveInput) -> Result<wire::ServerEntry, Fault> {
    let address: Address = input
        .address
        .trim()
        .parse()
        .map_err(|error: AddressError| Fault::field("address", ListRule::Address { because: error.to_string() }))?;
    let meant = |entry: &&wire::ServerEntry| entry.port == input.port && entry.address.same_host(&address);
    let missing = || Fault::field("address", ListRule::NotListed);
    entries.iter().find(meant).cloned().ok_or_else(missing)
}

fn refused(error: OrderError) -> Fault {
    let obstacle = match error {
        OrderError::NotConnected => DeviceObstacle::DeviceLost,
        OrderError::NotUnderstood => DeviceObstacle::FirmwareTooOld,
        OrderError::NoAnswer => DeviceObstacle::DeviceSilent,
        OrderError::Refused(because) => DeviceObstacle::DeviceRefused { because },
    };
    obstacle.into()
}
