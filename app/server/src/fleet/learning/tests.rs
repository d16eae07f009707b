//! Which devices are learned, on a real store.

use super::*;
use crate::fixture::{FIRST, Room, admin, info};

#[tokio::test]
async fn a_device_is_learned_once_and_not_by_a_revoked_certificate() {
    let room = Room::active().await;
    let list = room.device(FIRST).await.list;
    room.service.remove_device(&admin(), FIRST).await.unwrap();
    let adopt = async |genuine| room.service.adopt_device(FIRST, &info(FIRST), &list, genuine).await.unwrap();
    let state = async || room.service.find_servers(FIRST).await.ok().and_then(|servers| servers.push);
    adopt(true).await;
    assert_eq!(state().await, None, "it has shown no certificate");

    room.service.certificates_shown.note(FIRST, "0a1b", 2_000_000_000);
    adopt(false).await;
    let push = state().await.unwrap();
    assert_eq!((push.state, push.reason.as_deref()), (PushState::Drifted, Some(FOREIGN)));
    adopt(true).await;
    assert_eq!(state().await, Some(push), "it is there already");
    let device = room.service.find_device(FIRST).await.unwrap();
    assert_eq!((device.info, device.servers.hash), (info(FIRST), list.version().hash.to_string()));

    room.service.remove_device(&admin(), FIRST).await.unwrap();
    room.service.certificates_shown.note(FIRST, "0a1b", 2_000_000_000);
    adopt(true).await;
    assert_eq!(state().await, None, "its certificate was revoked");
}
