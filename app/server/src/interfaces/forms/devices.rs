//! The Device Setting page.

use super::{Post, fields::Fields};
use axum::{extract::Path, response::Response};
use model::{Device, DeviceServers, DeviceSettingInput, Fault, Move, MoveInput, Typed};
use model::{Missing, paths};

pub(super) async fn save(Path(id): Path<String>, post: Post, fields: Fields) -> Response {
    let input = match fields.device_setting() {
        Ok(input) => input,
        Err(fault) => return post.refuse(fault, Typed::Nothing).await,
    };
    let outcome = saved(&post, &id, input.clone()).await;
    post.finish(outcome, Typed::DeviceSetting { input }, &page_of(&id)).await
}

pub(super) async fn cancel_push(Path(id): Path<String>, post: Post) -> Response {
    let outcome = cancelled(&post, &id).await;
    post.finish(outcome, Typed::Nothing, &page_of(&id)).await
}

pub(super) async fn probe(Path(id): Path<String>, post: Post) -> Response {
    let outcome = match device_id(&id) {
        Ok(device) => post.state.service.probe_servers(device, None).await,
        Err(fault) => Err(fault),
    };
    post.finish(outcome, Typed::Nothing, &page_of(&id)).await
}

pub(super) async fn move_device(Path(id): Path<String>, post: Post, fields: Fields) -> Response {
    let outcome = moved(&post, &id, fields.move_input()).await;
    post.finish(outcome, Typed::Nothing, &page_of(&id)).await
}

async fn moved(post: &Post, id: &str, input: MoveInput) -> Result<Move, Fault> {
    post.state.service.move_device(&post.session()?.actor, device_id(id)?, input).await
}

pub(super) async fn remove(Path(id): Path<String>, post: Post) -> Response {
    let outcome = removed(&post, &id).await;
    post.finish(outcome, Typed::Nothing, paths::DEVICES).await
}

async fn removed(post: &Post, id: &str) -> Result<(), Fault> {
    post.state.service.remove_device(&post.session()?.actor, device_id(id)?).await
}

pub(super) async fn restore(Path((id, number)): Path<(String, String)>, post: Post, fields: Fields) -> Response {
    let outcome = restored(&post, &id, &number, &fields).await;
    post.finish(outcome, Typed::Nothing, &page_of(&id)).await
}

async fn saved(post: &Post, id: &str, input: DeviceSettingInput) -> Result<Device, Fault> {
    post.state.service.save_device_setting(&post.session()?.actor, device_id(id)?, input).await
}

async fn cancelled(post: &Post, id: &str) -> Result<DeviceServers, Fault> {
    post.state.service.cancel_push(&post.session()?.actor, device_id(id)?).await
}

async fn restored(post: &Post, id: &str, number: &str, fields: &Fields) -> Result<DeviceServers, Fault> {
    let actor = &post.session()?.actor;
    let base = fields.text("revision").parse().map_err(|_| Fault::RevisionRequired)?;
    let device = device_id(id)?;
    let revision = number.parse().map_err(|_| Missing::RevisionText { device, text: number.to_owned() })?;
    post.state.service.restore_revision(actor, device, base, revision).await
}

/// A Device ID in a path; another text is a device that is not there.
fn device_id(text: &str) -> Result<u32, Fault> {
    text.parse().map_err(|_| Missing::DeviceText { text: text.to_owned() }.into())
}

fn page_of(id: &str) -> String {
    device_id(id).map_or_else(|_| paths::DEVICES.to_owned(), paths::device)
}
