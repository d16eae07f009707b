//! The history of a device's server list, and going back in it.

use super::{
    server_lists::{Content, entries_of},
    store::{DeviceEdit, PastRevision, Revision},
};
use crate::{
    Service,
    actor::Actor,
    paging::{limit_of, place_of},
};
use model::{DeviceServers, Fault, Missing, Page, RevisionEntry, RevisionPush, RevisionQuery, changes_between};
use serde_json::json;

/// Rows of a page if the question does not say, and the most.
const LIMIT: (u32, u32) = (10, 100);

impl Service {
    /// A page of a device's revisions, newest first.
    ///
    /// # Errors
    ///
    /// No such device, a bad limit or cursor, or the store fails.
    pub async fn list_revisions(&self, device: u32, query: RevisionQuery) -> Result<Page<RevisionEntry>, Fault> {
        let limit = limit_of(query.limit, LIMIT)?;
        let before = place_of(query.cursor.as_deref())?;
        if self.store.find_device(device).await?.is_none() {
            return Err(Missing::Device { device }.into());
        }
        let mut past = self.store.list_revisions(device, before, limit + 1).await?;
        let total = self.store.count_revisions(device).await?;
        // The one after the last is there to compare with.
        let more = past.len() > limit;
        let mut items = Vec::with_capacity(limit);
        for index in 0..past.len().min(limit) {
            items.push(self.entry_of(&past[index], past.get(index + 1)).await?);
        }
        past.truncate(limit);
        let next_cursor = past.last().filter(|_| more).map(|last| last.revision.number.to_string());
        Ok(Page { items, next_cursor, total })
    }

    /// Makes the entries of an earlier revision the wanted list, as a new revision on top of `base_revision`.
    ///
    /// # Errors
    ///
    /// Not active, no such device or revision, somebody else was first, or the store fails.
    pub async fn restore_revision(
        &self,
        actor: &Actor,
        device: u32,
        base_revision: u64,
        number: u64,
    ) -> Result<DeviceServers, Fault> {
        self.require_active().await?;
        let standing = self.standing_of(device).await?;
        let former = self.store.find_revision(device, number).await?;
        let former = former.ok_or_else(|| no_such(device, number))?;
        standing.require_revision(base_revision)?;
        let (list, mut audit) = self.new_list(actor, &standing, content_of(&former)?).await?;
        audit.action = "device.servers.restore";
        if let Some(after) = &mut audit.after {
            after["restored"] = json!(number);
        }
        self.edit_device(actor, DeviceEdit { device, name: None, list: Some(list), audit: vec![audit] }).await?;
        self.find_servers(device).await
    }

    async fn entry_of(&self, past: &PastRevision, older: Option<&PastRevision>) -> Result<RevisionEntry, Fault> {
        let revision = &past.revision;
        let before = older.map(|older| &older.revision);
        let mut push = past.push.clone();
        // A standby's copy lags behind what it saw itself.
        if let Some(push) = push.as_mut().filter(|push| !push.state.is_final())
            && let Some(seen) = self.store.find_outcome(revision.device, &revision.hash).await?
        {
            *push = RevisionPush {
                state: seen.state.into(),
                reason: seen.reason,
                failures: seen.failures,
                updated_at: seen.seen_at,
            };
        }
        Ok(RevisionEntry {
            number: revision.number,
            changes: changes_between(before.map_or(&[], |before| &before.entries), &revision.entries),
            settings_changed: before.is_some_and(|before| before.settings != revision.settings),
            entries: revision.entries.clone(),
            settings: revision.settings.clone(),
            hash: revision.hash.clone(),
            source: revision.source,
            rollout: past.rollout,
            by: revision.created_by.clone(),
            at: revision.created_at.clone(),
            push,
        })
    }
}

/// A revision again, with the settings it had.
pub(crate) fn content_of(revision: &Revision) -> Result<Content, Fault> {
    Ok(Content { entries: entries_of(&revision.entries)?, settings: Some(revision.settings.clone()) })
}

fn no_such(device: u32, number: u64) -> Fault {
    Missing::Revision { device, revision: number }.into()
}
