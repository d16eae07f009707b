//! Connections that are dead, slow or rubbish cost the others nothing.

use crate::installation::{Installation, quick};
use crate::memory_directory::World;
use crate::raw_device::{RawDevice, hello};
use gateway::server::Settings;
use gateway::tls::{Clock, Trust, client_config, server_name};
use gateway::wire::{ALPN, DeviceId, ServerList};
use proptest::prelude::*;
use rustls::ClientConnection;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

/// Long enough for a slow machine; what is tested is that it does not take for ever.
const SOON: Duration = Duration::from_secs(20);

/// A connection that will never become a session, held open.
#[derive(Clone, Copy, Debug)]
enum Zombie {
    /// Dialled, never spoke.
    Silent,
    /// Stopped in the middle of its first TLS message.
    HalfHello,
    /// Heard the server's part of the handshake and stopped.
    HalfHandshake,
    /// Speaks something else.
    Garbage([u8; 8]),
    /// Shook hands and fell silent.
    Speechless,
    /// Registered as a device and fell silent, as after a power cut.
    Dead(u32),
}

/// What keeps a zombie's socket open.
#[expect(dead_code, reason = "held, not read")]
enum Corpse {
    Socket(TcpStream),
    Session(Box<RawDevice>),
}

fn zombie() -> impl Strategy<Value = Zombie> {
    prop_oneof![
        3 => Just(Zombie::Silent),
        1 => Just(Zombie::HalfHello),
        1 => Just(Zombie::HalfHandshake),
        1 => any::<[u8; 8]>().prop_map(Zombie::Garbage),
        1 => Just(Zombie::Speechless),
        1 => (1u32..4).prop_map(Zombie::Dead),
    ]
}

/// The first bytes of a TLS client.
fn client_hello(world: &World) -> Vec<u8> {
    let config =
        client_config(Trust::Fingerprint(world.authority.fingerprint()), None, Clock::system(), &[ALPN]).unwrap();
    let mut client = ClientConnection::new(config, server_name()).unwrap();
    let mut bytes = Vec::new();
    client.write_tls(&mut bytes).unwrap();
    bytes
}

async fn rise(zombie: Zombie, installation: &Installation) -> Corpse {
    let hello_bytes = client_hello(&installation.world);
    let says: &[u8] = match &zombie {
        Zombie::Silent => &[],
        Zombie::HalfHello => &hello_bytes[..hello_bytes.len() / 2],
        Zombie::HalfHandshake => &hello_bytes,
        Zombie::Garbage(bytes) => bytes,
        Zombie::Speechless => {
            return Corpse::Session(Box::new(
                RawDevice::dial(&installation.world, installation.address, None).await.unwrap(),
            ));
        }
        Zombie::Dead(device) => {
            let list = ServerList::new(1, 1, None, installation.entries());
            let hello = hello(DeviceId(*device), &list);
            return Corpse::Session(Box::new(
                RawDevice::register(&installation.world, installation.address, hello).await.0,
            ));
        }
    };
    let mut stream = TcpStream::connect(installation.address).await.unwrap();
    // Rubbish may have been shown out before its last byte.
    let _ = stream.write_all(says).await;
    Corpse::Socket(stream)
}

async fn registers(world: &World, address: SocketAddr, device: u32, list: &ServerList) -> RawDevice {
    let registering = RawDevice::register(world, address, hello(DeviceId(device), list));
    timeout(SOON, registering).await.expect("it is not kept out").0
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, max_shrink_iters: 0, ..ProptestConfig::default() })]

    #[test]
    fn zombies_never_keep_a_device_out(zombies in prop::collection::vec(zombie(), 20..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let installation = Installation::start(Settings { handshakes_max: 8, ..quick() }).await;
            let list = ServerList::new(1, 1, None, installation.entries());
            let mut corpses = Vec::new();
            for zombie in zombies {
                corpses.push(rise(zombie, &installation).await);
            }
            for device in 1..4 {
                let mut device = registers(&installation.world, installation.address, device, &list).await;
                assert!(device.is_alive().await);
                corpses.push(Corpse::Session(Box::new(device)));
            }
            assert_eq!(installation.handle.connected(), 3, "a device has one session");
            drop(corpses);
        });
    }
}

#[tokio::test]
async fn slow_handshakes_do_not_stop_the_others() {
    let settings = Settings { handshakes_max: 4, handshake_timeout: Duration::from_secs(30), ..quick() };
    let installation = Installation::start(settings).await;
    let list = ServerList::new(1, 1, None, installation.entries());
    let bytes = client_hello(&installation.world);
    let mut slow = Vec::new();
    for _ in 0..40 {
        let (mut stream, bytes) = (TcpStream::connect(installation.address).await.unwrap(), bytes.clone());
        slow.push(tokio::spawn(async move {
            for byte in bytes {
                stream.write_all(&[byte]).await.unwrap();
                sleep(Duration::from_millis(500)).await;
            }
        }));
    }
    for device in 1..=10 {
        registers(&installation.world, installation.address, device, &list).await;
    }
    assert!(slow.iter().all(|task| !task.is_finished()), "they were still at it");
    slow.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn rubbish_on_500_connections_leaves_the_others_untouched() {
    let installation = Installation::start(quick()).await;
    let list = ServerList::new(1, 1, None, installation.entries());
    let mut device = registers(&installation.world, installation.address, 1, &list).await;
    for round in 0u8..10 {
        let rubbish = (0u8..50).map(|number| {
            let address = installation.address;
            tokio::spawn(async move {
                let mut stream = TcpStream::connect(address).await.unwrap();
                let bytes: Vec<u8> = (0..2000u32).map(|n| (n as u8).wrapping_mul(number | 1) ^ round).collect();
                // The server may have closed before the last byte.
                let _ = stream.write_all(&bytes).await;
            })
        });
        for sent in rubbish.collect::<Vec<_>>() {
            sent.await.unwrap();
        }
        assert!(device.is_alive().await, "round {round}");
    }
    registers(&installation.world, installation.address, 2, &list).await;
    assert!(device.is_alive().await);
    assert!(installation.world.with(|state| state.devices[&DeviceId(1)].ended.is_empty()));
}
