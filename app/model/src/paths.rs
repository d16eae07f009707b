//! The portal's addresses.

use crate::{DeviceQuery, DeviceStatus, EventQuery, RolloutDeviceState, RolloutVerb, Selector};

/// The sign-in page.
pub const SIGN_IN: &str = "/login";
/// Where the sign-out button posts.
pub const SIGN_OUT: &str = "/logout";
/// The page that asks for a new password.
pub const PASSWORD: &str = "/password";
/// The device list.
pub const DEVICES: &str = "/devices";
/// Devices that wait to be accepted.
pub const WAITING_DEVICES: &str = "/waiting-devices";
/// Provisioning strings.
pub const PROVISIONING: &str = "/provisioning";
/// What devices logged.
pub const EVENTS: &str = "/events";
/// The servers of the installation.
pub const SERVERS: &str = "/servers";
/// Where the changes that only this server had are said to be dealt with.
pub const SETTLE_DIVERGENT_CHANGES: &str = "/servers/divergent-changes/settle";

/// One server list for many devices.
pub const ROLLOUTS: &str = "/rollouts";
/// The batch edit, which begins a rollout.
pub const NEW_ROLLOUT: &str = "/rollouts/new";

/// The certificate of the installation's authority, as a file.
pub const AUTHORITY: &str = "/authority.pem";

/// The sign-in page, leading back to `next` afterwards.
#[must_use]
pub fn sign_in_then(next: &str) -> String {
    format!("{SIGN_IN}?next={}", escaped(next))
}

/// A device's settings.
#[must_use]
pub fn device(id: u32) -> String {
    format!("{DEVICES}/{id}")
}

/// Where the test of a device's servers is posted to.
#[must_use]
pub fn probe_device(id: u32) -> String {
    format!("{DEVICES}/{id}/probe")
}

/// Where a device's move is posted to.
#[must_use]
pub fn move_device(id: u32) -> String {
    format!("{DEVICES}/{id}/move")
}

/// Where a device's removal is posted to.
#[must_use]
pub fn remove_device(id: u32) -> String {
    format!("{DEVICES}/{id}/remove")
}

/// Where a server is told to drain its devices.
#[must_use]
pub fn drain(server: &str) -> String {
    format!("{SERVERS}/{}/drain", escaped(server))
}

/// Where a server is told to take devices again.
#[must_use]
pub fn end_drain(server: &str) -> String {
    format!("{SERVERS}/{}/end-drain", escaped(server))
}

/// Where a server is made active.
#[must_use]
pub fn promote(server: &str) -> String {
    format!("{SERVERS}/{}/promote", escaped(server))
}

/// Where it is said whether a standby takes over by itself.
pub const AUTOMATIC_PROMOTION: &str = "/servers/automatic-promotion/set";

/// Where a server that does not come back is removed.
#[must_use]
pub fn remove_server(server: &str) -> String {
    format!("{SERVERS}/{}/remove", escaped(server))
}

/// Where a copy for the other server is asked for.
#[must_use]
pub fn copy_now(server: &str) -> String {
    format!("{SERVERS}/{}/copy", escaped(server))
}

/// Where a failover to that server is practised.
#[must_use]
pub fn begin_drill(server: &str) -> String {
    format!("{SERVERS}/{}/drill", escaped(server))
}

/// The report of a drill.
#[must_use]
pub fn drill(id: &str) -> String {
    format!("/drills/{}", escaped(id))
}

/// Where a drill is stopped.
#[must_use]
pub fn stop_drill(id: &str) -> String {
    format!("{}/stop", drill(id))
}

/// Where a server that was active becomes standby.
#[must_use]
pub fn rejoin(server: &str) -> String {
    format!("{SERVERS}/{}/rejoin", escaped(server))
}

/// Where a pending push is withdrawn.
#[must_use]
pub fn cancel_push(id: u32) -> String {
    format!("{DEVICES}/{id}/cancel-push")
}

/// Where an earlier revision of a device's servers is restored.
#[must_use]
pub fn restore(id: u32, number: u64) -> String {
    format!("{DEVICES}/{id}/restore/{number}")
}

/// A device's settings with the history from before this revision.
#[must_use]
pub fn history(id: u32, cursor: &str) -> String {
    format!("{DEVICES}/{id}?history={}#history", escaped(cursor))
}

/// The batch edit of these devices.
#[must_use]
pub fn new_rollout(selector: &Selector) -> String {
    match selector {
        Selector::All { .. } => format!("{NEW_ROLLOUT}?all=true"),
        Selector::Devices { devices } => {
            let ids: Vec<_> = devices.iter().map(u32::to_string).collect();
            format!("{NEW_ROLLOUT}?devices={}", ids.join(","))
        }
        Selector::Query { query } => format!("{NEW_ROLLOUT}?q={}", escaped(query)),
    }
}

/// One page of the list of rollouts. `page` counts from 1 and is only for people.
#[must_use]
pub fn rollouts(cursor: Option<&str>, page: u64) -> String {
    match cursor {
        Some(cursor) => format!("{ROLLOUTS}?cursor={}&page={page}", escaped(cursor)),
        None => ROLLOUTS.to_owned(),
    }
}

/// A rollout.
#[must_use]
pub fn rollout(id: u64) -> String {
    format!("{ROLLOUTS}/{id}")
}

/// One page of a rollout's devices in this state. `page` counts from 1 and is only for people.
#[must_use]
pub fn rollout_devices(id: u64, state: Option<RolloutDeviceState>, cursor: Option<&str>, page: u64) -> String {
    let mut pairs = Vec::new();
    if let Some(state) = state {
        pairs.push(format!("state={}", state.name()));
    }
    if let Some(cursor) = cursor {
        pairs.push(format!("cursor={}&page={page}", escaped(cursor)));
    }
    let path = rollout(id);
    if pairs.is_empty() { path } else { format!("{path}?{}", pairs.join("&")) }
}

/// Where something is done to a rollout.
#[must_use]
pub fn act_on_rollout(id: u64, verb: RolloutVerb) -> String {
    format!("{ROLLOUTS}/{id}/{}", verb.name())
}

/// Where a waiting device is accepted.
#[must_use]
pub fn accept(waiting_id: &str) -> String {
    format!("{WAITING_DEVICES}/{}/accept", escaped(waiting_id))
}

/// Where a waiting device is rejected.
#[must_use]
pub fn reject(waiting_id: &str) -> String {
    format!("{WAITING_DEVICES}/{}/reject", escaped(waiting_id))
}

/// Where a server that asks to join is let in.
#[must_use]
pub fn confirm_newcomer(fingerprint: &str) -> String {
    format!("{SERVERS}/newcomers/{}/confirm", escaped(fingerprint))
}

/// Where a server that asks to join is sent away.
#[must_use]
pub fn reject_newcomer(fingerprint: &str) -> String {
    format!("{SERVERS}/newcomers/{}/reject", escaped(fingerprint))
}

/// One page of the device list. `page` counts from 1 and is only for people.
#[must_use]
pub fn devices(query: &DeviceQuery, page: u64) -> String {
    let mut pairs = Vec::new();
    if let Some(q) = query.q.as_deref().filter(|q| !q.is_empty()) {
        pairs.push(format!("q={}", escaped(q)));
    }
    match query.status {
        Some(DeviceStatus::Connected) => pairs.push("status=connected".to_owned()),
        Some(DeviceStatus::Disconnected) => pairs.push("status=disconnected".to_owned()),
        None => {}
    }
    if let Some(limit) = query.limit {
        pairs.push(format!("limit={limit}"));
    }
    if let Some(cursor) = &query.cursor {
        pairs.push(format!("cursor={}&page={page}", escaped(cursor)));
    }
    if pairs.is_empty() { DEVICES.to_owned() } else { format!("{DEVICES}?{}", pairs.join("&")) }
}

/// The same page of the device list with every device on it chosen.
#[must_use]
pub fn devices_chosen(query: &DeviceQuery, page: u64) -> String {
    let path = devices(query, page);
    let joint = if path.contains('?') { '&' } else { '?' };
    format!("{path}{joint}choose=shown")
}

/// One page of the list of events. `page` counts from 1 and is only for people.
#[must_use]
pub fn events(query: &EventQuery, page: u64) -> String {
    let mut pairs = Vec::new();
    if let Some(device) = query.device {
        pairs.push(format!("device={device}"));
    }
    if let Some(code) = query.code {
        pairs.push(format!("code={code}"));
    }
    if let Some(since) = query.since.as_deref().filter(|since| !since.is_empty()) {
        pairs.push(format!("since={}", escaped(since)));
    }
    if let Some(limit) = query.limit {
        pairs.push(format!("limit={limit}"));
    }
    if let Some(cursor) = &query.cursor {
        pairs.push(format!("cursor={}&page={page}", escaped(cursor)));
    }
    if pairs.is_empty() { EVENTS.to_owned() } else { format!("{EVENTS}?{}", pairs.join("&")) }
}

/// Percent-encodes everything that is not unreserved.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ => {
                out.push('%');
                out.push(hexadecimal(byte >> 4));
                out.push(hexadecimal(byte & 15));
            }
        }
    }
    out
}

fn hexadecimal(digit: u8) -> char {
    char::from(if digit < 10 { b'0' + digit } else { b'A' + digit - 10 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_what_the_routes_expect() {
        let query = DeviceQuery { q: Some("a&b ü".into()), limit: Some(20), ..DeviceQuery::default() };
        assert_eq!(devices(&query, 1), "/devices?q=a%26b%20%C3%BC&limit=20");
        let second = DeviceQuery { cursor: Some("x/1".into()), ..DeviceQuery::default() };
        assert_eq!(devices(&second, 2), "/devices?cursor=x%2F1&page=2");
        assert_eq!(devices(&DeviceQuery::default(), 1), "/devices");
        let of_one =
            EventQuery { device: Some(7), since: Some("2026-01-01T00:00:00Z".into()), ..EventQuery::default() };
        assert_eq!(events(&of_one, 1), "/events?device=7&since=2026-01-01T00%3A00%3A00Z");
        assert_eq!(events(&EventQuery::default(), 1), "/events");
        assert_eq!(sign_in_then("/devices/7?a=1"), "/login?next=%2Fdevices%2F7%3Fa%3D1");
        assert_eq!(cancel_push(7), "/devices/7/cancel-push");
        assert_eq!(restore(7, 2), "/devices/7/restore/2");
        assert_eq!(new_rollout(&Selector::Devices { devices: vec![7, 8] }), "/rollouts/new?devices=7,8");
        assert_eq!(new_rollout(&Selector::Query { query: "a b".into() }), "/rollouts/new?q=a%20b");
        let failed = Some(RolloutDeviceState::Failed);
        assert_eq!(rollout_devices(3, failed, Some("49"), 2), "/rollouts/3?state=failed&cursor=49&page=2");
        assert_eq!(act_on_rollout(3, RolloutVerb::Abort), "/rollouts/3/abort");
        assert_eq!(accept("ab"), "/waiting-devices/ab/accept");
    }
}
