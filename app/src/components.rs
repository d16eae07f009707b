//! What pages are made of. A component is given everything it shows and never fetches.

pub mod alert;
pub mod card;
pub mod confirm;
pub mod copy_field;
pub mod decision;
pub mod device_table;
pub mod event_table;
pub mod field;
pub mod icon;
pub mod loaded;
pub mod navigation;
pub mod pager;
pub mod push_progress;
pub mod revision_list;
pub mod rollout_devices;
pub mod rollout_status;
pub mod server_table;
pub mod status;
pub mod tree;
pub mod unserved;
pub mod when;
