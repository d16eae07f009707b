//! What a page can ask of the server that it comes from.

use crate::{
    AutomaticPromotion, Decision, Device, DeviceQuery, DeviceServers, DeviceSettingInput, DeviceSummary,
    DivergentChange, Draining, Drill, EpochBegin, Event, EventQuery, Evidence, Fault, Move, MoveInput, Newcomer,
    Outage, Overview, Page, ProbeTable, ProvisioningInput, ProvisioningString, RevisionEntry, RevisionQuery, Rollout,
    RolloutDevice, RolloutDeviceQuery, RolloutInput, RolloutPreview, RolloutQuery, RolloutVerb, Selector, Server,
    WaitingDevice,
};
use async_trait::async_trait;
use std::sync::Arc;

/// Everything that pages ask and tell, in the name of the operator who is signed in. The server implements it; pages find it
/// in their context. Each answers with a [`Fault`] for the same reasons as the REST API.
#[async_trait]
#[expect(missing_docs, reason = "the server function of the same name says what each one is for")]
pub trait Operations: Send + Sync {
    async fn find_overview(&self) -> Result<Overview, Fault>;

    async fn list_devices(&self, query: DeviceQuery) -> Result<Page<DeviceSummary>, Fault>;
    async fn find_device(&self, id: u32) -> Result<Device, Fault>;
    async fn save_device_setting(&self, id: u32, input: DeviceSettingInput) -> Result<Device, Fault>;
    async fn cancel_push(&self, id: u32) -> Result<DeviceServers, Fault>;
    async fn probe_servers(&self, id: u32) -> Result<ProbeTable, Fault>;
    async fn remove_device(&self, id: u32) -> Result<(), Fault>;
    async fn move_device(&self, id: u32, input: MoveInput) -> Result<Move, Fault>;
    async fn list_revisions(&self, id: u32, query: RevisionQuery) -> Result<Page<RevisionEntry>, Fault>;
    async fn restore_revision(&self, id: u32, base: u64, number: u64) -> Result<DeviceServers, Fault>;
    async fn list_waiting_devices(&self) -> Result<Vec<WaitingDevice>, Fault>;
    async fn decide_on_waiting_device(&self, id: String, decision: Decision) -> Result<(), Fault>;
    async fn list_provisioning_strings(&self) -> Result<Vec<ProvisioningString>, Fault>;
    async fn create_provisioning_string(&self, input: ProvisioningInput) -> Result<ProvisioningString, Fault>;
    async fn list_events(&self, query: EventQuery) -> Result<Page<Event>, Fault>;

    async fn preview_rollout(&self, selector: Selector) -> Result<RolloutPreview, Fault>;
    async fn create_rollout(&self, input: RolloutInput) -> Result<Rollout, Fault>;
    async fn list_rollouts(&self, query: RolloutQuery) -> Result<Page<Rollout>, Fault>;
    async fn find_rollout(&self, id: u64) -> Result<Rollout, Fault>;
    async fn list_rollout_devices(&self, id: u64, query: RolloutDeviceQuery) -> Result<Page<RolloutDevice>, Fault>;
    async fn act_on_rollout(&self, id: u64, verb: RolloutVerb) -> Result<Rollout, Fault>;

    async fn list_servers(&self) -> Result<Vec<Server>, Fault>;
    async fn list_newcomers(&self) -> Result<Vec<Newcomer>, Fault>;
    async fn decide_on_newcomer(&self, id: String, decision: Decision) -> Result<(), Fault>;
    async fn drain_server(&self, id: String, away: bool) -> Result<Draining, Fault>;
    async fn find_automatic_promotion(&self) -> Result<AutomaticPromotion, Fault>;
    async fn set_automatic_promotion(&self, enabled: bool) -> Result<AutomaticPromotion, Fault>;
    async fn remove_server(&self, id: String) -> Result<Vec<Server>, Fault>;
    async fn list_drills(&self) -> Result<Vec<Drill>, Fault>;
    async fn find_drill(&self, id: String) -> Result<Drill, Fault>;
    async fn stop_drill(&self, id: String) -> Result<Drill, Fault>;
    async fn find_evidence(&self) -> Result<Evidence, Fault>;
    async fn rejoin_server(&self, id: String) -> Result<Vec<Server>, Fault>;
    async fn list_epochs(&self) -> Result<Vec<EpochBegin>, Fault>;
    async fn list_outages(&self) -> Result<Vec<Outage>, Fault>;
    async fn list_divergent_changes(&self) -> Result<Vec<DivergentChange>, Fault>;
    async fn settle_divergent_changes(&self) -> Result<(), Fault>;
}

/// What the server says of whoever asks for a page: what they can ask, or why they cannot. It is among the extensions of the
/// request.
#[derive(Clone)]
pub struct Admission(pub Result<Arc<dyn Operations>, Fault>);
