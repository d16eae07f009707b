//! Hears from the kernel that this machine goes on from an image that holds its memory: the hypervisor gave it another generation (the
//! VM Generation ID of Hyper-V, QEMU, VMware and Firecracker; Linux tells of it since 6.10). Without that, a server that is
//! woken so remembers a role that is no longer its own, and no start of it would show.

use super::service::Service;
use rustix::net::{
    AddressFamily, RecvFlags, SocketFlags, SocketType, bind,
    netlink::{KOBJECT_UEVENT, SocketAddrNetlink},
    recvfrom, socket_with,
};
use std::{io, os::fd::OwnedFd, sync::Arc, time::Duration};
use tokio::io::{Interest, unix::AsyncFd};
use tokio_util::sync::CancellationToken;

/// The group to which the kernel itself tells its events.
const KERNEL_EVENTS: u32 = 1;
/// The kernel's own port.
const KERNEL: u32 = 0;
/// Longer than any event.
const EVENT_BYTES: usize = 8192;

/// Until `stop`: a new generation of the machine is a new start of this server. A lone server then waits `alone_for` at most for its
/// devices.
pub(super) async fn watch(service: Arc<Service>, alone_for: Duration, stop: CancellationToken) {
    let events = match listen() {
        Ok(events) => events,
        Err(error) => {
            tracing::info!(%error, "the kernel does not tell this server when its machine goes on from an image");
            return;
        }
    };
    while let Some(heard) = stop.run_until_cancelled(next(&events)).await {
        let outcome = match heard {
            Ok(true) => service.go_on_from_image(alone_for).await,
            // More came than was read: what is missed may be the one that counts.
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::NOBUFS.raw_os_error()) => continue,
            Ok(false) => continue,
            Err(error) => {
                tracing::warn!(%error, "the kernel tells this server of no image any more");
                return;
            }
        };
        if let Err(fault) = outcome {
            tracing::error!(%fault, "this server could not begin anew after its machine went on from an image");
        }
    }
}

fn listen() -> io::Result<AsyncFd<OwnedFd>> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, Some(KOBJECT_UEVENT))?;
    bind(&socket, &SocketAddrNetlink::new(0, KERNEL_EVENTS))?;
    Ok(AsyncFd::register_with_interest(socket, Interest::READABLE)?)
}

/// Whether the kernel's next event is the one that counts.
async fn next(events: &AsyncFd<OwnedFd>) -> io::Result<bool> {
    let receive = |socket: &OwnedFd| {
        let mut event = [0; EVENT_BYTES];
        let (length, _, from) = recvfrom(socket, &mut event, RecvFlags::empty())?;
        let kernel =
            from.and_then(|from| SocketAddrNetlink::try_from(from).ok()).is_some_and(|from| from.pid() == KERNEL);
        Ok(kernel && is_new_generation(&event[..length]))
    };
    events.async_io(Interest::READABLE, receive).await
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

    #[tokio::test]
    async fn the_kernels_events_can_be_listened_to() {
        assert!(listen().is_ok());
    }
}
