//! A real device is asked how its servers look from where it is, and sent from one to another.

use crate::installation::{Installation, entries, quick};
use crate::memory_directory::World;
use crate::raw_device::DEVICE;
use crate::running::{Running, committed, enrolled, impatient};
use gateway::device::Config;
use gateway::server::{OrderError, Progress};
use gateway::wire::{DeviceId, DeviceSettings, Entries, Epoch, Failback, FailureKind, Role, ServerEntry, ServerList};
use std::time::Duration;
use tempfile::TempDir;

/// Two servers, and the device on the first, with both on its list.
async fn pair(folder: &TempDir) -> (Installation, Installation, Running) {
    let first = Installation::start(quick()).await;
    let second = Installation::start_in(&first.world, "server-2", Role::Active, quick()).await;
    let mut device = enrolled(&first, folder).await;
    let list = first.world.want(DEVICE, entries(&[first.address, second.address]));
    first.handle.wake(DEVICE);
    committed(&first.world, &list).await;
    device.until_on(first.address).await;
    (first, second, device)
}

fn entry_of(installation: &Installation) -> ServerEntry {
    installation.entries().as_slice()[0].clone()
}

#[tokio::test]
async fn a_device_tells_how_every_entry_looks_from_where_it_is() {
    let folder = TempDir::new().unwrap();
    let (first, second, device) = pair(&folder).await;
    let foreign = Installation::start_in(&World::new("another"), "server-1", Role::Active, quick()).await;
    let port = |installation: &Installation| i64::from(installation.address.port());
    let asked = Entries::parse([
        (1, "127.0.0.1", port(&first)),
        (2, "localhost", port(&second)),
        (3, "127.0.0.1", port(&foreign)),
        (4, "127.0.0.1", 9),
        (5, "nobody.invalid", 51_213),
    ]);
    let rows = first.handle.probe(DEVICE, asked.unwrap()).await.unwrap();
    let outcomes: Vec<_> = rows
        .iter()
        .map(|row| row.outcome.as_ref().map(|answer| answer.server_id.as_str()).map_err(|(kind, _)| *kind))
        .collect();
    let kinds = [FailureKind::ForeignInstallation, FailureKind::Refused, FailureKind::NameNotFound].map(Err);
    assert_eq!(outcomes[..2], [Ok("server-1"), Ok("server-2")]);
    assert_eq!(outcomes[2..], kinds);
    assert!(rows[..2].iter().all(|row| row.tcp_ms.is_some() && row.tls_ms.is_some() && row.answer_ms.is_some()));
    assert!(rows[0].resolved.as_deref() == Some("127.0.0.1") && rows[4].resolved.is_none());
    assert!(rows[3].tcp_ms.is_none() && rows[2].tcp_ms.is_some() && rows[2].tls_ms.is_none());
    let sessions = first.world.with(|state| state.devices[&DEVICE].ended.len());
    assert_eq!((first.handle.connected(), second.handle.connected(), sessions), (1, 0, 1), "a probe is no session");
    device.stop().await;
}

#[tokio::test]
async fn a_revoked_device_would_not_be_registered() {
    let folder = TempDir::new().unwrap();
    let (first, second, device) = pair(&folder).await;
    first.world.with(|state| state.devices.get_mut(&DEVICE).unwrap().revoked = true);
    let rows = first.handle.probe(DEVICE, second.entries()).await.unwrap();
    assert!(matches!(&rows[0].outcome, Err((FailureKind::NotAdmitted, text)) if text.contains("revoked")), "{rows:?}");
    device.stop().await;
}

#[tokio::test]
async fn a_device_goes_where_it_is_sent_and_back() {
    let folder = TempDir::new().unwrap();
    let (first, second, mut device) = pair(&folder).await;
    assert_eq!(first.handle.move_to(DEVICE, entry_of(&second), 0).await, Ok(()));
    device.until_on(second.address).await;
    assert_eq!(second.handle.move_to(DEVICE, entry_of(&first), 60).await, Ok(()));
    device.until_on(first.address).await;
    let elsewhere = entries(&["127.0.0.1:9".parse().unwrap()]).as_slice()[0].clone();
    let refused = first.handle.move_to(DEVICE, elsewhere, 0).await;
    assert_eq!(refused, Err(OrderError::Refused("that server is not on the device's list".into())));
    assert_eq!(first.handle.move_to(DeviceId(9), entry_of(&second), 0).await, Err(OrderError::NotConnected));
    let address = second.address;
    second.stop().await;
    let gone = entries(&[address]).as_slice()[0].clone();
    let Err(OrderError::Refused(why)) = first.handle.move_to(DEVICE, gone, 0).await else { panic!("it left") };
    assert!(why.starts_with("the device cannot register there"), "{why}");
    device.stop().await;
}

#[tokio::test]
async fn a_list_of_which_nothing_works_is_stopped_before_its_trial() {
    let installation = Installation::start(quick()).await;
    let folder = TempDir::new().unwrap();
    let device = enrolled(&installation, &folder).await;
    let list = installation.world.want(DEVICE, entries(&["127.0.0.1:9".parse().unwrap()]));
    installation.handle.wake(DEVICE);
    let stopped = |progress: &Progress| {
        let Progress::Unproven(version, rows) = progress else { return false };
        *version == list.version() && matches!(rows[0].outcome, Err((FailureKind::Refused, _)))
    };
    installation.world.until("the stop", |state| state.devices[&DEVICE].progress.iter().any(stopped)).await;
    let row =
        installation.world.with(|state| (state.devices[&DEVICE].hellos.len(), state.devices[&DEVICE].ended.len()));
    assert_eq!(row, (1, 0), "the device has left its session");
    device.stop().await;
}

#[tokio::test]
async fn settings_travel_with_the_list_and_survive_a_restart() {
    let folder = TempDir::new().unwrap();
    let (first, _second, device) = pair(&folder).await;
    let settings = DeviceSettings { failback: Failback::Sticky, backoff_max_s: 5, ..DeviceSettings::default() };
    let before = first.world.with(|state| state.devices[&DEVICE].wanted.clone().unwrap());
    let base = Some(before.version().hash);
    let list = ServerList::new(1, before.version().number + 1, base, before.entries().clone()).with_settings(settings);
    first.world.with(|state| state.devices.get_mut(&DEVICE).unwrap().wanted = Some(list.clone()));
    first.handle.wake(DEVICE);
    committed(&first.world, &list).await;
    device.cut_power().await;
    let mut device = Running::start(folder.path(), None);
    device.until_on(first.address).await;
    let hello = first.world.with(|state| state.devices[&DEVICE].hellos.last().cloned().unwrap());
    assert_eq!(hello.committed, list.version());
    device.stop().await;
}

#[tokio::test]
async fn an_epoch_that_nobody_sealed_sends_no_device_anywhere() {
    let folder = TempDir::new().unwrap();
    let (first, second, mut device) = pair(&folder).await;
    let forged = Epoch { seal: vec![7; 88], ..first.world.epoch(9, "server-2") };
    second.directory.become_role(Role::Active, forged.clone());
    let rows = first.handle.probe(DEVICE, second.entries()).await.unwrap();
    assert!(matches!(&rows[0].outcome, Err((FailureKind::ForeignInstallation, text)) if text.contains("seal")));
    // Told so in the middle of a session, the device leaves for where it is told the truth.
    first.directory.become_role(Role::Active, forged);
    second.directory.become_role(Role::Active, first.world.epoch(2, "server-2"));
    first.handle.wake_all();
    device.until_on(second.address).await;
    let seen = first.world.with(|state| state.devices[&DEVICE].hellos.last().unwrap().epoch.clone());
    assert_ne!(seen.map(|epoch| epoch.number), Some(9));
    device.stop().await;
}

#[tokio::test]
async fn devices_follow_the_active_role() {
    let folder = TempDir::new().unwrap();
    let (first, second, mut device) = pair(&folder).await;
    let epoch = second.directory.world.epoch(2, "server-2");
    second.directory.become_role(Role::Active, epoch.clone());
    first.directory.become_role(Role::Standby, epoch);
    first.handle.wake_all();
    device.until_on(second.address).await;
    device.stop().await;
}

#[tokio::test]
async fn a_device_goes_back_to_a_better_server_after_the_hold_down() {
    let folder = TempDir::new().unwrap();
    let (first, second, device) = pair(&folder).await;
    device.stop().await;
    let ms = Duration::from_millis;
    let config = Config { hold_down: ms(600), probe_interval: ms(150), failback_spread: ms(100), ..impatient() };
    first.world.with(|state| state.turn_away_at = Some("server-1".into()));
    let mut device = Running::start_with(folder.path(), None, config);
    device.until_on(second.address).await;
    first.world.with(|state| state.turn_away_at = None);
    device.until_on(first.address).await;
    device.stop().await;
}
