//! Rollouts: one server list for many devices, in waves that stop by themselves when devices fail.
//!
//! Nothing is remembered between two looks: which devices were chosen and what each was given stands in the database, what
//! became of it in the devices' pushes. [`plan`] decides, [`drive`] carries out.

mod contact;
mod drive;
mod moves;
mod plan;
mod rollback;
mod selection;
#[cfg(test)]
mod tests;

use super::{
    server_lists::{Blank, model_entry, parse_entries},
    store::{ChosenDevice, RolloutMember, RolloutRecord},
};
use crate::{
    Service,
    actor::Actor,
    changes::Change,
    db::AuditEntry,
    paging,
    paging::{limit_of, place_of},
};
use model::{
    Fault, FieldError, Missing, Page, Rollout, RolloutCounts, RolloutDevice, RolloutDeviceQuery, RolloutDeviceState,
    RolloutInput, RolloutPreview, RolloutQuery, RolloutState, Selector, Wave,
};
use serde_json::json;

/// Rollouts of a page if the question does not say, and the most.
const ROLLOUTS_LIMIT: (u32, u32) = (20, 100);
/// Devices that a preview names.
const PREVIEWED: usize = 200;

/// A rollout with all its devices, as it is at one moment.
struct Course {
    record: RolloutRecord,
    members: Vec<RolloutMember>,
    /// One for each member.
    states: Vec<RolloutDeviceState>,
}

impl Course {
    fn position(&self) -> plan::Position<'_> {
        plan::Position { state: self.record.state, forgiven: self.record.forgiven, devices: &self.states }
    }

    fn rollout(self, rolled_back_by: Option<u64>) -> Rollout {
        let waves = plan::waves(self.states.len());
        let mut begin = 0;
        let mut shown = Vec::with_capacity(waves.len());
        for (reach, number) in waves.into_iter().zip(1..) {
            let counts = self.states.get(begin..reach).unwrap_or_default().iter().copied().collect();
            shown.push(Wave { number, counts });
            begin = reach;
        }
        let RolloutRecord { id, selector, entries, rolls_back, state, reason, forgiven, .. } = self.record;
        Rollout {
            id,
            state,
            reason,
            selector,
            entries,
            rolls_back,
            rolled_back_by,
            failure_limit: plan::failure_limit(self.states.len()),
            forgiven,
            counts: self.states.into_iter().collect::<RolloutCounts>(),
            waves: shown,
            created_by: self.record.created_by,
            created_at: self.record.created_at,
            moved_by: self.record.moved_by,
            updated_at: self.record.updated_at,
            ended_at: self.record.ended_at,
        }
    }
}

impl Service {
    /// Begins a rollout. Blank rows are refused, or skipped where they come from a form.
    ///
    /// # Errors
    ///
    /// Not active, bad fields, no such devices, or the store fails.
    pub async fn create_rollout(&self, actor: &Actor, input: RolloutInput, form: bool) -> Result<Rollout, Fault> {
        self.require_active().await?;
        let mut errors: Vec<FieldError> = Vec::new();
        let blank = if form { Blank::Skipped } else { Blank::Refused };
        let entries = parse_entries(&input.entries, blank).map_err(|bad| errors.extend(bad)).ok();
        let chosen = match self.select(&input.selector).await {
            Err(Fault::Invalid { errors: bad }) => {
                errors.extend(bad);
                None
            }
            chosen => Some(chosen?),
        };
        let (Some(entries), Some(chosen)) = (entries, chosen) else { return Err(Fault::Invalid { errors }) };
        let record = RolloutRecord {
            selector: Some(input.selector),
            entries: Some(entries.iter().map(model_entry).collect()),
            ..self.new_record(actor)
        };
        let devices: Vec<_> = chosen.iter().map(|device| ChosenDevice { device: device.id, undoes: None }).collect();
        self.put_on_record(actor, record, devices).await
    }

    /// What a rollout to these devices would do; makes nothing.
    ///
    /// # Errors
    ///
    /// No such devices, or the store fails.
    pub async fn preview_rollout(&self, selector: Selector) -> Result<RolloutPreview, Fault> {
        let chosen = self.select(&selector).await?;
        let mut waves = plan::waves(chosen.len());
        for later in (1..waves.len()).rev() {
            waves[later] -= waves[later - 1];
        }
        let entries = match chosen.first() {
            Some(first) => self.find_servers(first.id).await?.entries,
            None => Vec::new(),
        };
        Ok(RolloutPreview {
            selector,
            total: chosen.len() as u64,
            waves: waves.into_iter().map(|devices| devices as u64).collect(),
            failure_limit: plan::failure_limit(chosen.len()),
            devices: chosen.into_iter().take(PREVIEWED).collect(),
            entries,
        })
    }

    /// A page of rollouts, newest first.
    ///
    /// # Errors
    ///
    /// A bad limit or cursor, or the store fails.
    pub async fn list_rollouts(&self, query: RolloutQuery) -> Result<Page<Rollout>, Fault> {
        let limit = limit_of(query.limit, ROLLOUTS_LIMIT)?;
        let before = place_of(query.cursor.as_deref())?;
        let mut records = self.store.list_rollouts(before, limit + 1).await?;
        let more = records.len() > limit;
        records.truncate(limit);
        let next_cursor = records.last().filter(|_| more).map(|record| record.id.to_string());
        let rollbacks = self.store.list_rollbacks().await?;
        let contacts = self.contacts().await?;
        let mut items = Vec::with_capacity(records.len());
        for record in records {
            let rolled_back_by = rollbacks.get(&record.id).copied();
            items.push(self.course_of(record, &contacts).await?.rollout(rolled_back_by));
        }
        Ok(Page { items, next_cursor, total: self.store.count_rollouts().await? })
    }

    /// One rollout.
    ///
    /// # Errors
    ///
    /// No such rollout, or the store fails.
    pub async fn find_rollout(&self, id: u64) -> Result<Rollout, Fault> {
        let course = self.course(id).await?;
        let rolled_back_by = self.store.list_rollbacks().await?.get(&id).copied();
        Ok(course.rollout(rolled_back_by))
    }

    /// A page of a rollout's devices, in the order in which they are begun.
    ///
    /// # Errors
    ///
    /// No such rollout, a bad limit or cursor, or the store fails.
    pub async fn list_rollout_devices(&self, id: u64, query: RolloutDeviceQuery) -> Result<Page<RolloutDevice>, Fault> {
        let limit = limit_of(query.limit, paging::USUAL)?;
        let after = place_of(query.cursor.as_deref())?;
        let Course { members, states, .. } = self.course(id).await?;
        let waves = plan::waves(states.len());
        let wanted = |state: RolloutDeviceState| query.state.is_none_or(|only| only == state);
        let total = states.iter().filter(|state| wanted(**state)).count() as u64;
        let mut rows = (0_u64..)
            .zip(members.into_iter().zip(states))
            .filter(|(place, (_, state))| wanted(*state) && after.is_none_or(|after| *place > after));
        let mut items = Vec::new();
        let mut last = 0;
        for (place, (member, state)) in rows.by_ref().take(limit) {
            let wave = plan::wave_of(&waves, usize::try_from(place).unwrap_or(usize::MAX));
            items.push(shown(member, state, wave));
            last = place;
        }
        let next_cursor = rows.next().map(|_| last.to_string());
        Ok(Page { items, next_cursor, total })
    }

    async fn course(&self, id: u64) -> Result<Course, Fault> {
        let record = self.store.find_rollout(id).await?.ok_or_else(|| no_such(id))?;
        let contacts = self.contacts().await?;
        self.course_of(record, &contacts).await
    }

    async fn course_of(&self, record: RolloutRecord, contacts: &contact::Contacts) -> Result<Course, Fault> {
        let members = self.store.list_rollout_members(record.id).await?;
        let states = members.iter().map(|member| plan::state_of(member, contacts.of(member.device))).collect();
        Ok(Course { record, members, states })
    }

    /// A rollout that begins now, without what it is about.
    fn new_record(&self, actor: &Actor) -> RolloutRecord {
        let now = self.clock.now_text();
        RolloutRecord {
            id: 0,
            selector: None,
            entries: None,
            rolls_back: None,
            state: RolloutState::Running,
            reason: None,
            forgiven: 0,
            moved_by: actor.login.clone(),
            created_by: actor.login.clone(),
            created_at: now.clone(),
            updated_at: now,
            ended_at: None,
        }
    }

    async fn put_on_record(
        &self,
        actor: &Actor,
        record: RolloutRecord,
        devices: Vec<ChosenDevice>,
    ) -> Result<Rollout, Fault> {
        let after = json!({
            "devices": devices.len(),
            "selector": record.selector,
            "entries": record.entries,
            "rolls_back": record.rolls_back,
        });
        let audit = |id| self.audit(actor, "rollout.create", name_of(id), None, Some(after));
        let id = self.store.insert_rollout(&record, &devices, audit).await?;
        tracing::info!(rollout = id, devices = devices.len(), operator = actor.login, "rollout begun");
        self.rollouts_changed();
        self.find_rollout(id).await
    }

    /// Tells open pages, the copy and the driver.
    fn rollouts_changed(&self) {
        self.changed(Change::Rollout);
        self.changed(Change::Database);
    }

    fn move_audit(&self, actor: &Actor, action: &'static str, course: &Course, to: RolloutState) -> AuditEntry {
        let counts: RolloutCounts = course.states.iter().copied().collect();
        let (before, after) = (json!({ "state": course.record.state }), json!({ "state": to, "counts": counts }));
        self.audit(actor, action, name_of(course.record.id), Some(before), Some(after))
    }
}

fn shown(member: RolloutMember, state: RolloutDeviceState, wave: u64) -> RolloutDevice {
    let RolloutMember { device, begun_at, revision, note, name, push, .. } = member;
    let push_state = push.as_ref().map(|push| push.state);
    let (reason, failures, moved_at) = match push {
        Some(push) => (push.reason, push.failures, Some(push.updated_at)),
        None => (None, Vec::new(), None),
    };
    RolloutDevice {
        device,
        name: name.unwrap_or_else(|| crate::names::device_name_of(device)),
        wave,
        state,
        revision,
        push: push_state,
        reason: note.or(reason),
        failures,
        updated_at: moved_at.or(begun_at),
    }
}

/// How the audit trail calls a rollout.
fn name_of(id: u64) -> String {
    format!("rollout {id}")
}

fn no_such(id: u64) -> Fault {
    Missing::Rollout { rollout: id }.into()
}
