//! A device's servers: what is wanted, what the device keeps, and edits of the wanted list.

use super::{
    connection_settings::{model_settings, parse_settings, settings_of},
    standing::Standing,
    store::{DeviceEdit, PushMove, PushMoved, Revision},
};
use crate::{Service, actor::Actor, changes::Change, db::AuditEntry, names::device_name_of};
use gateway::wire::{DeviceId, Entries, EntriesError, EntryField, ListHash, ServerList};
use model::{
    ConnectionSettings, DeviceObstacle, DeviceServers, EntryInput, Fault, FieldError, ListRule, MAX_ENTRIES, PushState,
    RevisionSource, ServerEntry, SettingsInput,
};
use serde_json::json;

impl Service {
    /// A device's servers.
    ///
    /// # Errors
    ///
    /// No such device, or the store fails.
    pub async fn find_servers(&self, device: u32) -> Result<DeviceServers, Fault> {
        let standing = self.standing_of(device).await?;
        Ok(self.servers_of(&standing))
    }

    /// Makes these entries, and settings, the device's wanted list, as a new revision on top of `base_revision`. An equal list makes a
    /// revision too.
    ///
    /// # Errors
    ///
    /// Not active, no such device, bad fields, somebody else was first, or the store fails.
    pub async fn replace_servers(
        &self,
        actor: &Actor,
        device: u32,
        base_revision: u64,
        input: impl Into<ListInput>,
    ) -> Result<DeviceServers, Fault> {
        let ListInput { entries, settings } = input.into();
        self.require_active().await?;
        let standing = self.standing_of(device).await?;
        let content = parse_content(&standing.wanted.settings, &entries, Blank::Refused, settings.as_ref())
            .map_err(|errors| Fault::Invalid { errors })?;
        standing.require_revision(base_revision)?;
        let (list, audit) = self.new_list(actor, &standing, content).await?;
        self.edit_device(actor, DeviceEdit { device, name: None, list: Some(list), audit: vec![audit] }).await?;
        self.find_servers(device).await
    }

    /// Takes back an edit that has not reached the device: the list it keeps becomes the wanted one again, as a new
    /// revision.
    ///
    /// # Errors
    ///
    /// Not active, no such device, nothing pending, or the store fails.
    pub async fn cancel_push(&self, actor: &Actor, device: u32) -> Result<DeviceServers, Fault> {
        self.require_active().await?;
        let standing = self.standing_of(device).await?;
        let wanted = standing.device.wanted_revision;
        let pending = standing.push.as_ref().is_some_and(|p| p.state == PushState::Pending && p.revision == wanted);
        if !pending {
            return Err(too_late_to_cancel(standing.push.as_ref().map(|p| p.state)).into());
        }
        let returned = self.returning(&standing, &actor.login).await?;
        let audit = self.list_audit(actor, "device.servers.cancel", &standing, &returned);
        let step = PushMove {
            device,
            wanted,
            revision: wanted,
            from: Some(PushState::Pending),
            to: Some(PushMoved {
                state: PushState::Superseded,
                reason: Some(format!("cancelled by {}", actor.login)),
                failures: Vec::new(),
            }),
            committed: None,
            wanted_push: None,
            wanted_reason: None,
            returns: Some((returned, audit)),
            at: self.clock.now_text(),
        };
        if !self.store.move_push(&step).await? {
            return Err(DeviceObstacle::NothingToCancel.into());
        }
        self.list_changed(device);
        self.find_servers(device).await
    }

    /// Carries an edit out, and tells whoever lost against somebody else.
    pub(crate) async fn edit_device(&self, actor: &Actor, edit: DeviceEdit) -> Result<(), Fault> {
        let device = edit.device;
        if !self.store.edit_device(&edit).await? {
            let standing = self.standing_of(device).await?;
            return Err(standing.conflict());
        }
        let revision = edit.list.as_ref().map(|(revision, _)| revision.number);
        tracing::info!(device, revision, operator = actor.login, "device edited");
        self.list_changed(device);
        Ok(())
    }

    /// The next revision with those entries, the state its push starts in, and its audit row.
    pub(crate) async fn new_list(
        &self,
        actor: &Actor,
        standing: &Standing,
        content: impl Into<Content>,
    ) -> Result<((Revision, PushState), AuditEntry), Fault> {
        let Content { entries, settings } = content.into();
        let settings = settings.unwrap_or_else(|| standing.wanted.settings.clone());
        let revision = self.next_revision(standing, (entries, settings), RevisionSource::Edit, &actor.login).await?;
        // A device that keeps these very servers has nothing to fetch.
        let in_flight = standing
            .push
            .as_ref()
            .is_some_and(|push| matches!(push.state, PushState::Staged | PushState::Probed | PushState::Trial));
        let state = match &standing.kept {
            Some(kept) if kept.content() == revision.content() && !in_flight => PushState::Committed,
            Some(_) | None => PushState::Pending,
        };
        let audit = self.list_audit(actor, "device.servers.replace", standing, &revision);
        Ok(((revision, state), audit))
    }

    /// The list the device keeps, as the next revision.
    pub(crate) async fn returning(&self, standing: &Standing, by: &str) -> Result<Revision, Fault> {
        let kept = standing.kept.as_ref().unwrap_or(&standing.wanted);
        let entries = entries_of(&kept.entries)?;
        self.next_revision(standing, (entries, kept.settings.clone()), RevisionSource::Return, by).await
    }

    pub(crate) async fn next_revision(
        &self,
        standing: &Standing,
        (entries, settings): (Entries, ConnectionSettings),
        source: RevisionSource,
        by: &str,
    ) -> Result<Revision, Fault> {
        let base = standing.wanted.hash.parse::<ListHash>().map_err(|_| unreadable(&standing.wanted))?;
        // Also newer than what the device says it has, should that be from elsewhere.
        let number = standing.device.wanted_revision.max(standing.reported_number()) + 1;
        let list =
            ServerList::new(self.epoch().await?, number, Some(base), entries).with_settings(settings_of(&settings)?);
        Ok(self.revision_of(standing.device.id, &list, source, by))
    }

    /// A server list as the database keeps it.
    pub(crate) fn revision_of(&self, device: u32, list: &ServerList, source: RevisionSource, by: &str) -> Revision {
        Revision {
            device,
            number: list.version().number,
            epoch: list.version().epoch,
            base_hash: list.base().map(|hash| hash.to_string()),
            hash: list.version().hash.to_string(),
            entries: list.entries().iter().map(model_entry).collect(),
            settings: model_settings(list.settings()),
            source,
            created_by: by.to_owned(),
            created_at: self.clock.now_text(),
        }
    }

    pub(crate) fn list_audit(
        &self,
        actor: &Actor,
        action: &'static str,
        standing: &Standing,
        after: &Revision,
    ) -> AuditEntry {
        let told = |revision: &Revision| {
            let mut told = json!({ "revision": revision.number, "entries": revision.entries });
            if standing.wanted.settings != after.settings {
                told["settings"] = json!(revision.settings);
            }
            told
        };
        let (before, after_value) = (told(&standing.wanted), told(after));
        self.audit(actor, action, device_name_of(after.device), Some(before), Some(after_value))
    }

    /// The epoch that new revisions are written in.
    pub(crate) async fn epoch(&self) -> Result<u64, Fault> {
        Ok(self.active_epoch().await?.0)
    }

    /// The database's epoch, and the server that was made active with it.
    pub async fn active_epoch(&self) -> Result<(u64, String), Fault> {
        let installation = self.store.find_installation().await?;
        Ok(installation
            .map_or_else(|| (1, self.identity.server_id.clone()), |found| (found.epoch, found.active_server)))
    }

    /// Tells open pages, the copy and the device's session.
    pub(crate) fn list_changed(&self, device: u32) {
        self.changed(Change::Device { id: device });
        self.changed(Change::Database);
        if let Some(gateway) = self.gateway.get() {
            gateway.wake(DeviceId(device));
        }
    }
}

/// A list as somebody sends it.
#[derive(Clone, Debug, Default)]
pub struct ListInput {
    /// As typed.
    pub entries: Vec<EntryInput>,
    /// As typed; `None` leaves them as they are.
    pub settings: Option<SettingsInput>,
}

impl From<Vec<EntryInput>> for ListInput {
    fn from(entries: Vec<EntryInput>) -> Self {
        Self { entries, settings: None }
    }
}

/// What an edit asks for.
pub(crate) struct Content {
    pub(crate) entries: Entries,
    /// `None` leaves them as they are wanted.
    pub(crate) settings: Option<ConnectionSettings>,
}

impl From<Entries> for Content {
    fn from(entries: Entries) -> Self {
        Self { entries, settings: None }
    }
}

/// Entries and settings as typed; all errors of both together.
pub(crate) fn parse_content(
    current: &ConnectionSettings,
    rows: &[EntryInput],
    blank: Blank,
    settings: Option<&SettingsInput>,
) -> Result<Content, Vec<FieldError>> {
    let settings = settings.map(|input| parse_settings(current, input)).transpose();
    match (parse_entries(rows, blank), settings) {
        (Ok(entries), Ok(settings)) => Ok(Content { entries, settings }),
        (Ok(_), Err(errors)) | (Err(errors), Ok(_)) => Err(errors),
        (Err(errors), Err(more)) => Err(errors.into_iter().chain(more).collect()),
    }
}

/// What an empty row of the table means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Blank {
    /// Nothing: forms have more rows than entries.
    Skipped,
    /// A mistake.
    Refused,
}

/// Rows as typed, as a server list; errors are at the rows' places as sent.
pub(crate) fn parse_entries(rows: &[EntryInput], blank: Blank) -> Result<Entries, Vec<FieldError>> {
    let rows: Vec<(usize, &EntryInput)> =
        rows.iter().enumerate().filter(|(_, row)| blank == Blank::Refused || !row.is_blank()).collect();
    // 0 is neither a priority nor a port.
    let number = |text: &str| text.trim().parse::<i64>().unwrap_or(0);
    let raw = rows.iter().map(|(_, row)| (number(&row.priority), row.address.trim(), number(&row.port)));
    Entries::parse(raw).map_err(|errors| {
        let at = |index: usize| rows.get(index).map_or(index, |(sent, _)| *sent);
        errors.iter().map(|error| field_error(error, at)).collect()
    })
}

fn field_error(error: &EntriesError, at: impl Fn(usize) -> usize) -> FieldError {
    let field = match error.place() {
        None => "entries".to_owned(),
        Some((index, EntryField::Priority)) => format!("entries[{}].priority", at(index)),
        Some((index, EntryField::Address)) => format!("entries[{}].address", at(index)),
        Some((index, EntryField::Port)) => format!("entries[{}].port", at(index)),
    };
    FieldError::new(field, rule_of(error, at))
}

/// The rule that entries broke. One that names another entry counts the rows that the operator sees.
pub(crate) fn rule_of(error: &EntriesError, at: impl Fn(usize) -> usize) -> ListRule {
    match error {
        EntriesError::Empty => ListRule::NoEntry,
        EntriesError::TooMany(given) => ListRule::TooManyEntries { most: MAX_ENTRIES, given: *given },
        EntriesError::Address(_, error) => ListRule::Address { because: error.to_string() },
        EntriesError::Port(_) => ListRule::Port,
        EntriesError::Priority(_) => ListRule::Priority,
        EntriesError::DuplicatePriority { first, priority, .. } => {
            ListRule::PriorityTaken { row: at(*first) + 1, priority: *priority }
        }
        EntriesError::DuplicateServer { first, .. } => ListRule::ServerTaken { row: at(*first) + 1 },
    }
}

/// Entries from the database as the wire wants them.
pub(crate) fn entries_of(entries: &[ServerEntry]) -> Result<Entries, Fault> {
    debug_assert!(entries.len() <= MAX_ENTRIES);
    Entries::parse(entries.iter().map(|e| (i64::from(e.priority), e.address.as_str(), i64::from(e.port)))).map_err(
        |errors| {
            tracing::error!(?errors, "the database holds a server list that breaks its rules");
            Fault::Internal
        },
    )
}

/// A revision of the database as the wire wants it.
pub(crate) fn list_of(revision: &Revision) -> Result<ServerList, Fault> {
    let base = revision.base_hash.as_deref().map(str::parse).transpose().map_err(|_| unreadable(revision))?;
    let list = ServerList::new(revision.epoch, revision.number, base, entries_of(&revision.entries)?)
        .with_settings(settings_of(&revision.settings)?);
    if list.version().hash.to_string() == revision.hash { Ok(list) } else { Err(unreadable(revision)) }
}

/// An entry of the wire as pages show it.
pub(crate) fn model_entry(entry: &gateway::wire::ServerEntry) -> ServerEntry {
    ServerEntry { address: entry.address.to_string(), port: entry.port, priority: entry.priority }
}

fn unreadable(revision: &Revision) -> Fault {
    tracing::error!(device = revision.device, revision = revision.number, "the database holds a damaged server list");
    Fault::Internal
}

fn too_late_to_cancel(state: Option<PushState>) -> DeviceObstacle {
    match state {
        Some(PushState::Staged | PushState::Probed | PushState::Trial) => DeviceObstacle::TooLateToCancel,
        Some(
            PushState::Pending
            | PushState::Committed
            | PushState::RolledBack
            | PushState::Superseded
            | PushState::Drifted
            | PushState::Conflict,
        )
        | None => DeviceObstacle::NothingToCancel,
    }
}

#[cfg(test)]
mod tests;
