//! Practising a failover: chosen devices go to another server for a while and come back, and what happened is kept.

mod run;

use super::device_search::Found;
use crate::{Service, actor::Actor, changes::Change, paging::limit_of};
use model::{
    ChoiceRule, DeviceObstacle, DeviceQuery, Drill, DrillDevice, DrillInput, DrillState, DrillStep, Fault, FieldError,
    Missing,
};
use serde_json::json;
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio_util::sync::CancellationToken;

/// The limit if none is given, in seconds.
const USUAL_LIMIT_S: u32 = 600;
/// Drills of a list if the question does not say, and the most.
const DRILLS_LIMIT: (u32, u32) = (20, 100);

/// The drill that runs on this server, and how it is stopped.
#[derive(Debug, Default)]
pub(crate) struct Drills(Mutex<Option<(String, CancellationToken)>>);

impl Drills {
    fn lock(&self) -> MutexGuard<'_, Option<(String, CancellationToken)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Service {
    /// Begins a drill: each chosen device looks whether the other server would register it, and goes there. None leaves
    /// for a server that would not.
    ///
    /// # Errors
    ///
    /// Not active, one runs already, bad fields, the other server does not answer, or the store fails.
    pub async fn begin_drill(self: &Arc<Self>, actor: &Actor, input: DrillInput) -> Result<Drill, Fault> {
        self.require_active().await?;
        let drill = self.new_drill(actor, input).await?;
        let stop = CancellationToken::new();
        {
            let mut running = self.drills.lock();
            if running.is_some() {
                return Err(DeviceObstacle::DrillRunning.into());
            }
            *running = Some((drill.id.clone(), stop.clone()));
        }
        let after = json!({ "to": drill.to, "devices": drill.devices.len(), "limit_seconds": drill.limit_seconds });
        let audit = self.audit(actor, "drill.begin", format!("drill {}", drill.id), None, Some(after));
        if let Err(error) = self.store.put_drill(&drill, Some(&audit)).await {
            *self.drills.lock() = None;
            return Err(error.into());
        }
        tracing::warn!(drill = drill.id, by = actor.login, devices = drill.devices.len(), "a drill begins");
        self.changed(Change::Server);
        let service = self.clone();
        let begun = drill.clone();
        tokio::spawn(async move {
            run::run(&service, begun, stop).await;
            *service.drills.lock() = None;
            service.changed(Change::Server);
        });
        Ok(drill)
    }

    async fn new_drill(&self, actor: &Actor, input: DrillInput) -> Result<Drill, Fault> {
        let mut errors = Vec::new();
        let limit_seconds = input.limit_seconds.unwrap_or(USUAL_LIMIT_S);
        if !(10..=3600).contains(&limit_seconds) {
            errors.push(FieldError::new("limit_seconds", ChoiceRule::DrillLimit));
        }
        let to = self.peers.peers().into_iter().find(|peer| peer.facts.id == input.to);
        match &to {
            None => errors.push(FieldError::new("to", ChoiceRule::DrillServer)),
            Some(peer) if !peer.reachable => {
                let server = peer.facts.name.clone();
                errors.push(FieldError::new("to", ChoiceRule::ServerSilent { server }));
            }
            Some(_) => {}
        }
        let devices = match self.chosen_for_drill(input.devices, input.q).await? {
            Ok(devices) => devices,
            Err(error) => {
                errors.push(error);
                Vec::new()
            }
        };
        let (Some(to), true) = (to, errors.is_empty()) else { return Err(Fault::Invalid { errors }) };
        Ok(Drill {
            id: hex::encode(rand::random::<[u8; 6]>()),
            server: self.identity.server_id.clone(),
            from_name: self.identity.server_name.clone(),
            to: to.facts.id,
            to_name: to.facts.name,
            state: DrillState::Running,
            begun_at: self.clock.now_text(),
            begun_by: actor.login.clone(),
            ended_at: None,
            limit_seconds,
            devices,
        })
    }

    async fn chosen_for_drill(
        &self,
        ids: Option<Vec<u32>>,
        q: Option<String>,
    ) -> Result<Result<Vec<DrillDevice>, FieldError>, Fault> {
        let chosen: Option<BTreeSet<u32>> = ids.map(|ids| ids.into_iter().collect());
        let q = q.map(|q| q.trim().to_owned()).filter(|q| !q.is_empty());
        if chosen.is_some() && q.is_some() {
            return Ok(Err(FieldError::new("q", ChoiceRule::IdsOrText)));
        }
        let nothing = match &q {
            Some(q) => ChoiceRule::NothingFound { q: q.clone() },
            None => ChoiceRule::DrillDevices,
        };
        let found = self.search_devices(&DeviceQuery { q, ..DeviceQuery::default() }).await?;
        let meant = |found: &Found| chosen.as_ref().is_none_or(|chosen| chosen.contains(&found.id));
        let devices: Vec<DrillDevice> = found.into_iter().filter(meant).map(new_device).collect();
        let missing = chosen.is_some_and(|chosen| chosen.len() != devices.len());
        Ok(if devices.is_empty() || missing { Err(FieldError::new("devices", nothing)) } else { Ok(devices) })
    }

    /// Calls the devices of a drill back.
    ///
    /// # Errors
    ///
    /// No such drill, or it does not run on this server.
    pub async fn stop_drill(&self, actor: &Actor, id: &str) -> Result<Drill, Fault> {
        let drill = self.find_drill(id).await?;
        match &*self.drills.lock() {
            Some((running, stop)) if running == id => {
                tracing::warn!(drill = id, by = actor.login, "a drill is stopped");
                stop.cancel();
            }
            Some(_) | None => {
                return Err(DeviceObstacle::DrillNotRunning.into());
            }
        }
        Ok(drill)
    }

    /// The newest drills, newest first.
    ///
    /// # Errors
    ///
    /// A bad limit, or the store fails.
    pub async fn list_drills(&self, limit: Option<u32>) -> Result<Vec<Drill>, Fault> {
        let limit = u32::try_from(limit_of(limit, DRILLS_LIMIT)?).unwrap_or(DRILLS_LIMIT.1);
        let drills = self.store.list_drills(limit).await?;
        Ok(drills.into_iter().map(|drill| self.as_it_is(drill)).collect())
    }

    /// A drill with its report.
    ///
    /// # Errors
    ///
    /// No such drill, or the store fails.
    pub async fn find_drill(&self, id: &str) -> Result<Drill, Fault> {
        let found = self.store.find_drill(id).await?;
        found.map(|drill| self.as_it_is(drill)).ok_or_else(|| Missing::Drill { drill: id.to_owned() }.into())
    }

    /// A drill of this server that nobody runs any more was cut off by the end of the server.
    fn as_it_is(&self, drill: Drill) -> Drill {
        let runs = matches!(&*self.drills.lock(), Some((running, _)) if *running == drill.id);
        if runs || drill.state.is_final() || drill.server != self.identity.server_id {
            return drill;
        }
        Drill { state: DrillState::CutOff, ..drill }
    }
}

fn new_device(Found { id, name, .. }: Found) -> DrillDevice {
    DrillDevice {
        id,
        name,
        step: DrillStep::Waiting,
        lost_at: None,
        found_at: None,
        without_server_ms: None,
        back_at: None,
        events: 0,
        events_lost: 0,
        reason: None,
    }
}
