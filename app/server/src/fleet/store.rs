//! Records of devices, their lists and their events.

pub(crate) mod devices;
pub(crate) mod drills;
pub(crate) mod event_news;
pub(crate) mod event_rows;
pub(crate) mod events;
pub(crate) mod learned;
pub(crate) mod outages;
pub(crate) mod outcomes;
pub(crate) mod probes;
pub(crate) mod provisioning;
pub(crate) mod pushes;
pub(crate) mod renewals;
pub(crate) mod revision_history;
pub(crate) mod revisions;
pub(crate) mod rollouts;
pub(crate) mod sighting_changes;
pub(crate) mod sightings;
pub(crate) mod waiting;

pub use devices::{DeviceEdit, DeviceRecord, Known, Named};
pub use event_news::{EventGap, EventNews, ReplacedRing};
pub use event_rows::{EventFilter, EventMark, EventRow};
pub use events::{EventArrival, EventPlace};
pub use learned::{Learned, LearnedDevice};
pub use outcomes::{Outcome, OutcomeState};
pub use provisioning::ProvisioningRecord;
pub use pushes::{PushMove, PushMoved};
pub use renewals::{Renewable, RenewalRecord};
pub use revision_history::PastRevision;
pub use revisions::Revision;
pub use rollouts::{Begun, ChosenDevice, MemberPush, RolloutMember, RolloutMove, RolloutRecord};
pub use sighting_changes::{SightingChange, SightingChanged};
pub use sightings::{Presence, ReportedList, Sighting};
pub use waiting::{Acceptance, WaitingRecord, WaitingState};
