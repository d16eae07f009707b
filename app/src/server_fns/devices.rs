//! Devices, their settings and pushes.

use leptos::{prelude::*, server_fn::codec::Json};
use model::{
    Device, DeviceQuery, DeviceServers, DeviceSettingInput, DeviceSummary, Fault, Move, MoveInput, Page, ProbeTable,
    RevisionEntry, RevisionQuery,
};

/// One page of the device list.
///
/// # Errors
///
/// A sign-in fault, a bad query, or what the store says.
#[server(prefix = "/api/fn", endpoint = "list-devices", input = Json)]
pub async fn list_devices(
    /// Which.
    query: DeviceQuery,
) -> Result<Page<DeviceSummary>, Fault> {
    super::ask::answer(|operations| async move { operations.list_devices(query).await }).await
}

/// A device with all its settings.
///
/// # Errors
///
/// [`Fault::NotFound`], a sign-in fault, or what the store says.
#[server(prefix = "/api/fn", endpoint = "find-device", input = Json)]
pub async fn find_device(
    /// Device ID.
    id: u32,
) -> Result<Device, Fault> {
    super::ask::answer(|operations| async move { operations.find_device(id).await }).await
}

/// Saves name and server list together.
///
/// # Errors
///
/// [`Fault::Invalid`] with the fields, [`Fault::Conflict`], [`Fault::NotActive`], or what the store says.
#[server(prefix = "/api/fn", endpoint = "save-device-setting", input = Json)]
pub async fn save_device_setting(
    /// Device ID.
    id: u32,
    /// What was typed, and what it is based on.
    input: DeviceSettingInput,
) -> Result<Device, Fault> {
    super::ask::answer(|operations| async move { operations.save_device_setting(id, input).await }).await
}

/// Withdraws a push that the device has not received.
///
/// # Errors
///
/// [`Fault::WrongState`] if it is under way, [`Fault::NotActive`], or what the store says.
#[server(prefix = "/api/fn", endpoint = "cancel-push", input = Json)]
pub async fn cancel_push(
    /// Device ID.
    id: u32,
) -> Result<DeviceServers, Fault> {
    super::ask::answer(|operations| async move { operations.cancel_push(id).await }).await
}

/// Lets a device try every server of its wanted list from its own network.
///
/// # Errors
///
/// [`Fault::WrongState`] if it is not connected here or does not answer, or what the store says.
#[server(prefix = "/api/fn", endpoint = "probe-servers", input = Json)]
pub async fn probe_servers(
    /// Device ID.
    id: u32,
) -> Result<ProbeTable, Fault> {
    super::ask::answer(|operations| async move { operations.probe_servers(id).await }).await
}

/// Takes a device out of the installation and revokes its certificates.
///
/// # Errors
///
/// [`Fault::NotFound`], [`Fault::NotActive`], or what the store says.
#[server(prefix = "/api/fn", endpoint = "remove-device", input = Json)]
pub async fn remove_device(
    /// Device ID.
    id: u32,
) -> Result<(), Fault> {
    super::ask::answer(|operations| async move { operations.remove_device(id).await }).await
}

/// Sends a device to another server of its list.
///
/// # Errors
///
/// [`Fault::WrongState`] if it is not connected here or stays, bad fields, or what the store says.
#[server(prefix = "/api/fn", endpoint = "move-device", input = Json)]
pub async fn move_device(
    /// Device ID.
    id: u32,
    /// Where to, and for how long.
    input: MoveInput,
) -> Result<Move, Fault> {
    super::ask::answer(|operations| async move { operations.move_device(id, input).await }).await
}

/// One page of the history of a device's server list, newest first.
///
/// # Errors
///
/// [`Fault::NotFound`], a sign-in fault, a bad query, or what the store says.
#[server(prefix = "/api/fn", endpoint = "list-revisions", input = Json)]
pub async fn list_revisions(
    /// Device ID.
    id: u32,
    /// Which.
    query: RevisionQuery,
) -> Result<Page<RevisionEntry>, Fault> {
    super::ask::answer(|operations| async move { operations.list_revisions(id, query).await }).await
}

/// Makes an earlier revision's entries the wanted list again.
///
/// # Errors
///
/// [`Fault::Conflict`], [`Fault::NotFound`], [`Fault::NotActive`], or what the store says.
#[server(prefix = "/api/fn", endpoint = "restore-revision", input = Json)]
pub async fn restore_revision(
    /// Device ID.
    id: u32,
    /// The revision that the operator saw as the newest.
    base: u64,
    /// The one to restore.
    number: u64,
) -> Result<DeviceServers, Fault> {
    super::ask::answer(|operations| async move { operations.restore_revision(id, base, number).await }).await
}
