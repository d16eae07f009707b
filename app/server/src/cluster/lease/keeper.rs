//! Holds the lease while this server is active, takes it when it is free, and gives it back when this server must not be
//! active any more.

use super::{Holder, Lease, SILENCE, SharedFile, Taken, run_hook};
use crate::Service;
use model::Role;
use std::{
    io,
    net::{IpAddr, UdpSocket},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::time::{MissedTickBehavior, timeout};
use tokio_util::sync::CancellationToken;

/// Between looks at the lease.
const TICK: Duration = Duration::from_secs(1);
/// A disk that takes no sign of life for this long has lost the holder.
const DISK_LIMIT: Duration = Duration::from_secs(10);
/// A holder without its floating address for this long gives the lease back.
const ADDRESS_LIMIT: Duration = Duration::from_secs(10);
/// How long whoever gave the lease back leaves it to the other server.
const REST: Duration = Duration::from_secs(30);
/// How long a role hook may take.
const HOOK_LIMIT: Duration = Duration::from_secs(60);

/// The lease of this server, held or not.
#[derive(Debug)]
pub(crate) struct Keeper {
    shared: SharedFile,
    lease: Mutex<Option<Lease>>,
    /// Until then the lease is left to the other server.
    rests_until: Mutex<Option<Instant>>,
}

/// What is known of whoever holds the lease.
#[derive(Default)]
struct Watch {
    last: Option<(Holder, Instant)>,
    /// The disk is not here, and that was said.
    missed: bool,
    /// The floating address was here, and went at this time.
    address: Address,
}

#[derive(Default)]
enum Address {
    #[default]
    NeverHere,
    Here,
    GoneSince(Instant),
}

impl Keeper {
    pub(crate) fn new(shared: SharedFile) -> Self {
        Self { shared, lease: Mutex::default(), rests_until: Mutex::default() }
    }

    /// The database that the lease is on.
    pub(crate) fn shared(&self) -> &SharedFile {
        &self.shared
    }

    pub(crate) fn is_held(&self) -> bool {
        lock(&self.lease).is_some()
    }

    /// Takes the lease if it is free; if not, says who has it.
    pub(crate) fn try_take(&self, id: &str, name: &str) -> io::Result<Result<(), Option<Holder>>> {
        let mut lease = lock(&self.lease);
        if lease.is_some() {
            return Ok(Ok(()));
        }
        Ok(match self.shared.try_take(id, name)? {
            Taken::Locked(taken) => {
                *lease = Some(taken);
                Ok(())
            }
            Taken::Held(holder) => Err(holder),
        })
    }

    /// Gives the lease back, once nothing has the database open any more, and leaves it to the other server for a while.
    pub(crate) fn release(&self) {
        *lock(&self.rests_until) = Some(Instant::now() + REST);
        self.hand_back();
    }

    /// Gives the lease back, to take it again as soon as possible.
    pub(crate) fn hand_back(&self) {
        if let Some(lease) = lock(&self.lease).take() {
            lease.release();
        }
    }

    /// Whether the lease is left to the other server, which has not taken it yet.
    fn rests(&self, own_id: &str) -> bool {
        let mut until = lock(&self.rests_until);
        if self.shared.holder().is_some_and(|holder| holder.server_id != own_id) {
            *until = None;
        }
        until.is_some_and(|until| Instant::now() < until)
    }

    /// Gives a sign of life; an error means that this server has the database no longer.
    async fn beat(self: &Arc<Self>) -> io::Result<()> {
        let keeper = self.clone();
        let beat = tokio::task::spawn_blocking(move || {
            let mut lease = lock(&keeper.lease);
            let Some(lease) = lease.as_mut() else { return Err(io::Error::other("the lease is not held")) };
            if !lease.is_at(&keeper.shared.lease_file())? {
                return Err(io::Error::other("another server took the lease"));
            }
            lease.beat()
        });
        match timeout(DISK_LIMIT, beat).await {
            Ok(beat) => beat.map_err(io::Error::other)?,
            Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "the disk does not take a sign of life")),
        }
    }

    fn take_from_the_fenced(&self, id: &str, name: &str) -> io::Result<()> {
        *lock(&self.lease) = Some(self.shared.take_from_the_fenced(id, name)?);
        Ok(())
    }
}

impl Watch {
    /// Whether the holder has been silent for long enough to be fenced.
    fn is_silent(&mut self, holder: Option<Holder>, now: Instant) -> bool {
        let Some(holder) = holder else { return false };
        match &self.last {
            Some((last, since)) if *last == holder => now.duration_since(*since) >= SILENCE,
            Some(_) | None => {
                self.last = Some((holder, now));
                false
            }
        }
    }

    /// Whether the floating address was here and has been gone for too long.
    fn has_lost(&mut self, here: bool, now: Instant) -> bool {
        self.address = match self.address {
            _ if here => Address::Here,
            Address::NeverHere => Address::NeverHere,
            Address::Here => Address::GoneSince(now),
            Address::GoneSince(since) => Address::GoneSince(since),
        };
        matches!(self.address, Address::GoneSince(since) if now.duration_since(since) >= ADDRESS_LIMIT)
    }
}

/// Keeps, takes and gives back the lease until `stop`, and tells the role hook.
pub(crate) async fn keep(service: Arc<Service>, keeper: Arc<Keeper>, stop: CancellationToken) {
    let hooks = tell_roles(service.clone(), keeper.shared.role_hook.clone(), stop.clone());
    let leases = async {
        let mut watch = Watch::default();
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while stop.run_until_cancelled(tick.tick()).await.is_some() {
            if keeper.is_held() && service.role() == Role::Active {
                hold(&service, &keeper, &mut watch).await;
            } else if keeper.is_held() {
                // Somebody made another server active: the file is theirs.
                service.leave_shared_database("another server is active").await;
            } else if !keeper.rests(&service.identity().server_id) {
                watch.address = Address::NeverHere;
                seek(&service, &keeper, &mut watch).await;
            }
        }
    };
    tokio::join!(hooks, leases);
}

async fn hold(service: &Arc<Service>, keeper: &Arc<Keeper>, watch: &mut Watch) {
    if let Err(error) = keeper.beat().await {
        tracing::error!(%error, "the shared database is lost");
        service.leave_shared_database("its disk was lost").await;
        return;
    }
    let Some(address) = keeper.shared.floating_ip else { return };
    if watch.has_lost(is_here(address), Instant::now()) {
        tracing::error!(%address, "the floating address has gone to another machine");
        service.leave_shared_database("the floating address went to the other server").await;
    }
}

async fn seek(service: &Arc<Service>, keeper: &Arc<Keeper>, watch: &mut Watch) {
    let identity = service.identity();
    if !keeper.shared.is_here() {
        if !std::mem::replace(&mut watch.missed, true) {
            let database = keeper.shared.database.display();
            tracing::info!(%database, "the shared database is not here: this server waits until its disk is mounted");
        }
        return;
    }
    watch.missed = false;
    match keeper.try_take(&identity.server_id, &identity.server_name) {
        Ok(Ok(())) => {}
        Ok(Err(holder)) => {
            let silent = watch.is_silent(holder.clone(), Instant::now());
            if !silent || !keeper.shared.fence(holder.as_ref()).await {
                return;
            }
            if let Err(error) = keeper.take_from_the_fenced(&identity.server_id, &identity.server_name) {
                tracing::error!(%error, "the lease of the server that was fenced cannot be taken");
                return;
            }
        }
        Err(error) => {
            tracing::error!(%error, "the lease on the shared database cannot be tried");
            return;
        }
    }
    if let Err(fault) = service.take_shared_database().await {
        tracing::error!(%fault, "the lease was free, and the shared database cannot be used");
        keeper.release();
    }
}

/// Runs the role hook after each change.
async fn tell_roles(service: Arc<Service>, hook: Option<String>, stop: CancellationToken) {
    let Some(hook) = hook else { return };
    let mut roles = service.watch_role();
    let mut told = None;
    loop {
        let (role, epoch) = {
            let now = roles.borrow_and_update();
            (now.role, now.epoch.number)
        };
        if told != Some(role) {
            told = Some(role);
            let words = [("BIOSTAR_ROLE", role.word()), ("BIOSTAR_EPOCH", &epoch.to_string())];
            if let Err(error) = run_hook(&hook, &words, HOOK_LIMIT).await {
                tracing::error!(error, role = role.word(), "the role hook failed");
            }
        }
        match stop.run_until_cancelled(roles.changed()).await {
            Some(Ok(())) => {}
            Some(Err(_)) | None => return,
        }
    }
}

/// Whether this machine has the address now.
fn is_here(address: IpAddr) -> bool {
    UdpSocket::bind((address, 0)).is_ok()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holder(beat: u64) -> Holder {
        Holder { server_id: "one".to_owned(), server_name: "One".to_owned(), beat, at_unix_s: 0 }
    }

    #[test]
    fn a_holder_is_silent_when_it_beats_no_more() {
        let mut watch = Watch::default();
        let begun = Instant::now();
        let at = |seconds| begun + Duration::from_secs(seconds);
        assert!(!watch.is_silent(None, at(0)));
        assert!(!watch.is_silent(Some(holder(1)), at(0)));
        assert!(!watch.is_silent(Some(holder(1)), at(14)));
        assert!(!watch.is_silent(Some(holder(2)), at(15)));
        assert!(!watch.is_silent(Some(holder(2)), at(29)));
        assert!(watch.is_silent(Some(holder(2)), at(30)));
    }

    #[test]
    fn an_address_must_have_been_here_to_be_lost() {
        let mut watch = Watch::default();
        let begun = Instant::now();
        let at = |seconds| begun + Duration::from_secs(seconds);
        assert!(!watch.has_lost(false, at(0)));
        assert!(!watch.has_lost(false, at(60)));
        assert!(!watch.has_lost(true, at(61)));
        assert!(!watch.has_lost(false, at(62)));
        assert!(!watch.has_lost(false, at(71)));
        assert!(watch.has_lost(false, at(72)));
        assert!(!watch.has_lost(true, at(73)));
        assert!(!watch.has_lost(false, at(74)));
    }

    #[test]
    fn this_machine_knows_its_addresses() {
        assert!(is_here([127, 0, 0, 1].into()));
        assert!(!is_here([192, 0, 2, 1].into()));
    }
}
