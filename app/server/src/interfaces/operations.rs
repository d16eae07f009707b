//! What pages ask of this server, in the name of whoever is signed in.

use super::{auth, auth::Session};
use crate::{Service, actor::Actor};
use async_trait::async_trait;
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use model::{
    Admission, AutomaticPromotion, Decision, Device, DeviceQuery, DeviceServers, DeviceSettingInput, DeviceSummary,
    DivergentChange, Draining, Drill, EpochBegin, Event, EventQuery, Evidence, Fault, Move, MoveInput, Newcomer,
    Operations, Outage, Overview, Page, ProbeTable, ProvisioningInput, ProvisioningString, RevisionEntry,
    RevisionQuery, Rollout, RolloutDevice, RolloutDeviceQuery, RolloutInput, RolloutPreview, RolloutQuery, RolloutVerb,
    Selector, Server, WaitingDevice,
};
use std::sync::Arc;

/// The drills that the page of the servers lists.
const DRILLS_SHOWN: u32 = 10;

/// One operator's request.
struct OperatorRequest {
    service: Arc<Service>,
    session: Session,
}

/// Gives pages and server functions what they ask for.
pub(crate) async fn admit(State(service): State<Arc<Service>>, mut request: Request, next: Next) -> Response {
    let session = auth::session_of(request.extensions()).cloned();
    let operations = session.map(|session| Arc::new(OperatorRequest { service, session }) as Arc<dyn Operations>);
    request.extensions_mut().insert(Admission(operations));
    next.run(request).await
}

impl OperatorRequest {
    fn actor(&self) -> &Actor {
        &self.session.actor
    }
}

#[async_trait]
impl Operations for OperatorRequest {
    async fn find_overview(&self) -> Result<Overview, Fault> {
        let one = DeviceQuery { limit: Some(1), ..DeviceQuery::default() };
        Ok(Overview {
            operator: self.session.operator.clone(),
            server_name: self.service.identity().server_name.clone(),
            role: self.service.role(),
            banners: self.service.banners().await,
            devices: self.service.list_devices(one).await?.total,
            waiting_devices: self.service.list_waiting().await?.len() as u64,
        })
    }

    async fn list_devices(&self, query: DeviceQuery) -> Result<Page<DeviceSummary>, Fault> {
        self.service.list_devices(query).await
    }

    async fn find_device(&self, id: u32) -> Result<Device, Fault> {
        self.service.find_device(id).await
    }

    async fn save_device_setting(&self, id: u32, input: DeviceSettingInput) -> Result<Device, Fault> {
        self.service.save_device_setting(self.actor(), id, input).await
    }

    async fn cancel_push(&self, id: u32) -> Result<DeviceServers, Fault> {
        self.service.cancel_push(self.actor(), id).await
    }

    async fn probe_servers(&self, id: u32) -> Result<ProbeTable, Fault> {
        self.service.probe_servers(id, None).await
    }

    async fn remove_device(&self, id: u32) -> Result<(), Fault> {
        self.service.remove_device(self.actor(), id).await
    }

    async fn move_device(&self, id: u32, input: MoveInput) -> Result<Move, Fault> {
        self.service.move_device(self.actor(), id, input).await
    }

    async fn list_revisions(&self, id: u32, query: RevisionQuery) -> Result<Page<RevisionEntry>, Fault> {
        self.service.list_revisions(id, query).await
    }

    async fn restore_revision(&self, id: u32, base: u64, number: u64) -> Result<DeviceServers, Fault> {
        self.service.restore_revision(self.actor(), id, base, number).await
    }

    async fn list_waiting_devices(&self) -> Result<Vec<WaitingDevice>, Fault> {
        self.service.list_waiting().await
    }

    async fn decide_on_waiting_device(&self, id: String, decision: Decision) -> Result<(), Fault> {
        match decision {
            Decision::Accept => self.service.accept_waiting(self.actor(), &id).await.map(|_| ()),
            Decision::Reject => self.service.reject_waiting(self.actor(), &id).await,
        }
    }

    async fn list_provisioning_strings(&self) -> Result<Vec<ProvisioningString>, Fault> {
        self.service.list_provisioning_strings().await
    }

    async fn create_provisioning_string(&self, input: ProvisioningInput) -> Result<ProvisioningString, Fault> {
        self.service.create_provisioning_string(self.actor(), input).await
    }

    async fn list_events(&self, query: EventQuery) -> Result<Page<Event>, Fault> {
        self.service.list_events(query).await
    }

    async fn preview_rollout(&self, selector: Selector) -> Result<RolloutPreview, Fault> {
        self.service.preview_rollout(selector).await
    }

    async fn create_rollout(&self, input: RolloutInput) -> Result<Rollout, Fault> {
        self.service.create_rollout(self.actor(), input, true).await
    }

    async fn list_rollouts(&self, query: RolloutQuery) -> Result<Page<Rollout>, Fault> {
        self.service.list_rollouts(query).await
    }

    async fn find_rollout(&self, id: u64) -> Result<Rollout, Fault> {
        self.service.find_rollout(id).await
    }

    async fn list_rollout_devices(&self, id: u64, query: RolloutDeviceQuery) -> Result<Page<RolloutDevice>, Fault> {
        self.service.list_rollout_devices(id, query).await
    }

    async fn act_on_rollout(&self, id: u64, verb: RolloutVerb) -> Result<Rollout, Fault> {
        self.service.act_on_rollout(self.actor(), id, verb).await
    }

    async fn list_servers(&self) -> Result<Vec<Server>, Fault> {
        self.service.list_servers().await
    }

    async fn list_newcomers(&self) -> Result<Vec<Newcomer>, Fault> {
        Ok(self.service.list_newcomers())
    }

    async fn decide_on_newcomer(&self, id: String, decision: Decision) -> Result<(), Fault> {
        match decision {
            Decision::Accept => self.service.confirm_newcomer(self.actor(), &id).await,
            Decision::Reject => self.service.reject_newcomer(self.actor(), &id).await,
        }
    }

    async fn drain_server(&self, id: String, away: bool) -> Result<Draining, Fault> {
        match away {
            true => self.service.drain(self.actor(), &id).await,
            false => self.service.end_drain(self.actor(), &id).await,
        }
    }

    async fn find_automatic_promotion(&self) -> Result<AutomaticPromotion, Fault> {
        self.service.automatic_promotion().await
    }

    async fn set_automatic_promotion(&self, enabled: bool) -> Result<AutomaticPromotion, Fault> {
        self.service.set_automatic_promotion(self.actor(), enabled).await
    }

    async fn remove_server(&self, id: String) -> Result<Vec<Server>, Fault> {
        self.service.remove_server(self.actor(), &id).await
    }

    async fn list_drills(&self) -> Result<Vec<Drill>, Fault> {
        self.service.list_drills(Some(DRILLS_SHOWN)).await
    }

    async fn find_drill(&self, id: String) -> Result<Drill, Fault> {
        self.service.find_drill(&id).await
    }

    async fn stop_drill(&self, id: String) -> Result<Drill, Fault> {
        self.service.stop_drill(self.actor(), &id).await
    }

    async fn find_evidence(&self) -> Result<Evidence, Fault> {
        self.service.promotion_evidence(&self.service.identity().server_id).await
    }

    async fn rejoin_server(&self, id: String) -> Result<Vec<Server>, Fault> {
        self.service.rejoin(self.actor(), &id).await
    }

    async fn list_epochs(&self) -> Result<Vec<EpochBegin>, Fault> {
        self.service.list_epochs().await
    }

    async fn list_outages(&self) -> Result<Vec<Outage>, Fault> {
        self.service.list_outages().await
    }

    async fn list_divergent_changes(&self) -> Result<Vec<DivergentChange>, Fault> {
        self.service.list_divergent_changes().await
    }

    async fn settle_divergent_changes(&self) -> Result<(), Fault> {
        self.service.settle_divergent_changes(self.actor()).await
    }
}
