//! What must hold.

use super::{model::Edit, world::World};
use std::{collections::BTreeSet, time::Duration};

/// What is on record counts at once, though not in the same moment.
const SOON: Duration = Duration::from_secs(2);

impl World {
    /// One site answers in each epoch: that of the server that was made active. Nobody does after the role was given away, and
    /// nobody does on a database that other hands have promoted. No portal goes back to an earlier epoch.
    pub(super) fn check(&self) {
        let mut last: Vec<Option<Edit>> = self.portals.iter().map(|_| None).collect();
        for edit in self.answered() {
            let before = last[edit.portal].replace(edit.clone());
            let earlier = before.as_ref().filter(|before| before.epoch > edit.epoch && edit.epoch.is_some());
            assert!(earlier.is_none(), "answered in an earlier epoch than before: {earlier:?} {edit:?}");
            assert!(edit.idle.is_none_or(|idle| idle < SOON), "answered by a portal that is not active: {edit:?}");
            let Some(epoch) = &edit.epoch else { continue };
            assert_eq!(self.site_of(&epoch.server_id), edit.site, "answered in an epoch of the other site: {edit:?}");
            let late = self.model.handed.iter().find(|given| given.epoch == *epoch && edit.begun > given.answered);
            assert!(late.is_none(), "answered in an epoch that was given away: {edit:?} {late:?}");
            let foreign = self.model.by_hand.iter().find(|promoted| {
                promoted.site == edit.site && edit.begun > promoted.since && epoch.number <= promoted.epoch
            });
            assert!(foreign.is_none(), "answered on a database that other hands promoted: {edit:?} {foreign:?}");
        }
    }

    /// All that the portals of a site list as its own alone.
    pub(super) async fn listed_at(&self, site: usize) -> BTreeSet<String> {
        let mut listed = BTreeSet::new();
        for portal in self.up_at(site) {
            listed.append(&mut self.portals[portal].divergent().await.0);
        }
        listed
    }

    pub(super) async fn overwritten_at(&self, site: usize) -> Vec<usize> {
        let mut overwritten = Vec::new();
        for portal in self.up_at(site) {
            if self.portals[portal].divergent().await.1 {
                overwritten.push(portal);
            }
        }
        overwritten
    }

    /// What the site that comes back had answered is at the other one, or on a list; what is new on a list is not at the other.
    pub(super) async fn check_lists(&mut self, old: usize, new: usize, before: &BTreeSet<String>) {
        let answered = self.answered();
        let listed = self.listed_at(old).await;
        let held = self.homes[new].strings().await;
        let missing: Vec<&Edit> = answered.iter().filter(|edit| edit.site == old && !held.contains(&edit.id)).collect();
        let lost: Vec<_> = missing.iter().filter(|edit| !self.is_listed(edit, &listed)).collect();
        assert!(lost.is_empty(), "{} of {} are on no list: {lost:#?}", lost.len(), missing.len());
        let wrong: Vec<_> = listed.difference(before).filter(|id| held.contains(*id)).collect();
        assert!(wrong.is_empty(), "listed as what site {old} alone has, and at site {new}: {wrong:?}");
        let text = format!("{} edits of site {old} are not at site {new}, and listed", missing.len());
        self.tell(text);
        self.model.listed.extend(listed);
    }

    /// An earlier list may be at a portal that does not run now.
    fn is_listed(&self, edit: &Edit, listed: &BTreeSet<String>) -> bool {
        listed.contains(&edit.id) || self.model.listed.contains(&edit.id)
    }
}
