//! Hears from the kernel that this machine goes on from an image that holds its memory: the hypervisor gave it another generation (the
//! VM Generation ID of Hyper-V, QEMU, VMware and Firecracker; Linux tells of it since 6.10). Without that, a server that is
//! woken so remembers a role that is no longer its own, and no start of it would show.

use crate::Service;
use rustix::{
    io::Errno,
    net::{
        AddressFamily, RecvFlags, SocketFlags, SocketType, bind,
        netlink::{KOBJECT_UEVENT, SocketAddrNetlink},
        recvfrom, socket_with,
    },
};
use std::{io, os::fd::OwnedFd, sync::Arc, time::Duration};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// The group to which the kernel itself tells its events.
const KERNEL_EVENTS: u32 = 1;
/// The kernel's own port.
const KERNEL: u32 = 0;
/// Longer than any event.
const EVENT_BYTES: usize = 8192;
/// Between looks at what it has told.
const PAUSE: Duration = Duration::from_millis(500);

/// Until `stop`: a new generation of the machine is a new start of this server. A lone server then waits `alone_for` at most for its
/// devices.
pub(crate) async fn watch(service: Arc<Service>, alone_for: Duration, stop: CancellationToken) {
    let events = match listen() {
        Ok(events) => events,
        Err(error) => {
            tracing::info!(%error, "the kernel does not tell this server when its machine goes on from an image");
            return;
        }
    };
    while stop.run_until_cancelled(sleep(PAUSE)).await.is_some() {
        match hear(&events) {
            Ok(false) => {}
            Ok(true) => {
                if let Err(fault) = service.go_on_from_image(alone_for).await {
                    tracing::error!(%fault, "this server could not begin anew after its machine went on from an image");
                }
            }
            Err(error) => {
                tracing::warn!(%error, "the kernel tells this server of no image any more");
                return;
            }
        }
    }
}

fn listen() -> io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, Some(KOBJECT_UEVENT))?;
    bind(&socket, &SocketAddrNetlink::new(0, KERNEL_EVENTS))?;
    Ok(socket)
}

/// Whether the event that counts is among those that the kernel has told since the last time.
fn hear(events: &OwnedFd) -> io::Result<bool> {
    let mut heard = false;
    loop {
        let mut event = [0; EVENT_BYTES];
        let (length, from) = match recvfrom(events, &mut event, RecvFlags::empty()) {
            Ok((length, _, from)) => (length, from),
            Err(Errno::AGAIN) => return Ok(heard),
            // More came than was read.
            Err(Errno::INTR | Errno::NOBUFS) => continue,
            Err(error) => return Err(error.into()),
        };
        let from = from.and_then(|from| SocketAddrNetlink::try_from(from).ok());
        heard |= from.is_some_and(|from| from.pid() == KERNEL) && is_new_generation(&event[..length]);
    }
}

/// `change@<device>`, then the event's variables, each with a zero at its end.
fn is_new_generation(event: &[u8]) -> bool {
    event.split(|byte| *byte == 0).any(|variable| variable == b"NEW_VMGENID=1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_event_of_a_new_generation_counts() {
        let event = |last: &str| {
            format!("change@/devices/LNXSYSTM:00/QEMUVGID:00\0ACTION=change\0SUBSYSTEM=acpi\0{last}\0SEQNUM=7\0")
        };
        assert!(is_new_generation(event("NEW_VMGENID=1").as_bytes()));
        for other in ["", "NEW_VMGENID=0", "OLD=NEW_VMGENID=1", "NEW_VMGENID=11"] {
            assert!(!is_new_generation(event(other).as_bytes()), "{other}");
        }
        assert!(!is_new_generation(b""));
    }

    #[test]
    fn the_kernels_events_can_be_listened_to() {
        let events = listen().unwrap();
        assert!(!hear(&events).unwrap());
    }
}
