//! Values that browser and server share: what a page shows, what a form sends, what can go wrong.
//!
//! [`paths`] is the only place where the portal's addresses are made; [`Operations`] is what pages can ask of their server.
//! The values are also the bodies of the REST API, so their field names are part of its contract. Times are RFC 3339 in UTC.

mod account;
mod automatic_promotion;
mod connection;
mod connection_settings;
mod device;
mod drill;
mod event;
mod fault;
mod fingerprint;
mod form;
mod operations;
mod outage;
mod overview;
mod page;
pub mod paths;
mod probe;
mod replication;
mod revision;
mod rollout;
mod server;
#[cfg(feature = "server-fn")]
mod server_fn;
mod server_list;
mod sign_in;

pub use account::{Operator, ProvisioningInput, ProvisioningString, SignInInput};
pub use automatic_promotion::{AutomaticPromotion, AutomaticPromotionInput, SAVED_ALONE};
pub use connection::Connection;
pub use connection_settings::{ConnectionSettings, DayWindow, Failback, NumberSetting, SettingsInput};
pub use device::{Device, DeviceInfo, DeviceStatus, DeviceSummary, IpConfig, SerialConfig, WaitingDevice};
pub use drill::{Drill, DrillDevice, DrillForm, DrillInput, DrillState, DrillStep, in_seconds};
pub use event::{Event, EventQuery};
pub use fault::{
    AccountRule, ChoiceRule, DeviceObstacle, Fault, FieldError, ListRule, Malformed, Missing, Rule, ServerObstacle,
    StorageTrouble, WrongState,
};
pub use fingerprint::grouped;
pub use form::{Decision, FormAnswer, ProvisioningForm, Typed};
pub use operations::{Admission, Operations};
pub use outage::Outage;
pub use overview::Overview;
pub use page::{DeviceQuery, Page};
pub use probe::{Move, MoveInput, MoveState, ProbeRow, ProbeTable, ProbedServer};
pub use replication::{ReplicaSeen, Replication, ReplicationPart, SlotSeen, size_in_words};
pub use revision::{EntryChange, RevisionEntry, RevisionPush, RevisionQuery, RevisionSource, changes_between};
pub use rollout::{
    PreviewDevice, Rollout, RolloutCounts, RolloutDevice, RolloutDeviceQuery, RolloutDeviceState, RolloutInput,
    RolloutPreview, RolloutQuery, RolloutState, RolloutVerb, Selector, Wave,
};
pub use server::{
    Banner, CopyFacts, DivergentChange, Draining, EpochBegin, Evidence, Newcomer, OtherServer, PeerState,
    PromotionInput, Quiesced, RestoreTest, Role, Server,
};
pub use server_list::{
    DEFAULT_PORT, DeviceServers, DeviceSettingInput, EntryFailure, EntryInput, ListVersion, MAX_ENTRIES, Push,
    PushState, ServerEntry,
};
pub use sign_in::{SignInAttempt, SignInQuery};
