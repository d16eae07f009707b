//! The port for devices without TLS, in closed lab networks; shut unless it is asked for.
//!
//! Whoever reaches it can say that it is any of the devices that are named for it, so nothing is believed there but what such a
//! device may say of itself: behind this listener each of them is spoken for on the ordinary device port, over TLS and with a
//! certificate of this server's making. It is accepted under *Waiting Device* like any other. An epoch, or a start of a server, that is
//! said here counts for nothing, and nobody is asked for one.

use crate::{Service, actor::Actor};
use futures::{SinkExt as _, StreamExt as _};
use gateway::{
    authority::ServerKey,
    enrolment::{channel_binding, proof_of},
    provisioning::ProvisioningString,
    tls::{self, Clock, Trust},
    wire::{ALPN, DeviceId, Enrol, FrameCodec, FrameError, Goodbye, Message, Reason},
};
use model::{Fault, ProvisioningInput};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Mutex, Semaphore},
    time::{sleep, timeout},
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tokio_util::{codec::Framed, sync::CancellationToken};

/// A lab has no more.
const CONNECTIONS: usize = 64;
/// How long a reader may keep silent before its first word.
const FIRST_WORD: Duration = Duration::from_secs(5);
/// A reader that takes nothing for so long is gone.
const WRITE_LIMIT: Duration = Duration::from_secs(10);
/// An operator decides within this time.
const STRING_LIFE_S: u64 = 7 * 24 * 3600;
/// After this time a device that asks anew has another string.
const STRING_KEPT: Duration = Duration::from_secs(24 * 3600);
/// It may be removed, and enrol again.
const STRING_USES: u32 = 100;
/// Pause after a failed accept: asking at once gains nothing.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// The number of `RenewCertificate` in a frame.
const RENEW_CERTIFICATE: u32 = 40;

type Plain = Framed<TcpStream, FrameCodec>;
type Inner = Framed<TlsStream<TcpStream>, FrameCodec>;

/// The listener, and which devices may use it.
pub(crate) struct PlainListener {
    service: Arc<Service>,
    /// Where the ordinary device port is.
    gateway: SocketAddr,
    /// `address:port` of this one, as devices are told.
    endpoint: String,
    /// Device IDs.
    devices: BTreeSet<u32>,
    /// What each that waits to be accepted is spoken for with.
    newcomers: Mutex<BTreeMap<u32, Newcomer>>,
}

impl PlainListener {
    /// For these Device IDs; they are told that this port is `endpoint`, `address:port`. The ordinary one is `gateway`.
    pub(crate) fn new(service: Arc<Service>, gateway: SocketAddr, endpoint: String, devices: BTreeSet<u32>) -> Self {
        Self { service, gateway, endpoint, devices, newcomers: Mutex::default() }
    }
}

/// A device that has no key, and the one that stands in for it.
#[derive(Clone)]
struct Newcomer {
    request: Vec<u8>,
    string: ProvisioningString,
    /// The string is good no longer than this.
    epoch: u64,
    made: Instant,
}

/// Why a connection was not spoken for.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("it is not a device that is named in plain-devices")]
    Stranger,
    #[error("device {0} does not belong to the installation; it has to enrol")]
    NotMember(u32),
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error("it cannot be spoken for: {0}")]
    Inside(String),
}

impl Refused {
    fn inside(error: impl std::fmt::Display) -> Self {
        Self::Inside(error.to_string())
    }
}

impl PlainListener {
    /// Lets them in until `stop`.
    pub(crate) async fn serve(self, listener: TcpListener, stop: CancellationToken) {
        let (speaker, places) = (Arc::new(self), Arc::new(Semaphore::new(CONNECTIONS)));
        loop {
            let next = async { (places.clone().acquire_owned().await, listener.accept().await) };
            match stop.run_until_cancelled(next).await {
                None => return,
                Some((Ok(place), Ok((stream, peer)))) => {
                    let (speaker, stop) = (speaker.clone(), stop.clone());
                    tokio::spawn(async move {
                        match stop.run_until_cancelled(speaker.speak_for(stream)).await {
                            Some(Ok(())) | None => tracing::info!(%peer, "a connection to the plain port ended"),
                            Some(Err(refused)) => tracing::warn!(%peer, %refused, "the plain port sent somebody away"),
                        }
                        drop(place);
                    });
                }
                Some((_, Err(error))) => {
                    tracing::warn!(%error, "a connection to the plain port could not be accepted");
                    sleep(ACCEPT_PAUSE).await;
                }
                Some((Err(_), Ok(_))) => return,
            }
        }
    }

    async fn speak_for(&self, stream: TcpStream) -> Result<(), Refused> {
        stream.set_nodelay(true).map_err(FrameError::Io)?;
        let mut outside = Framed::new(stream, FrameCodec);
        match self.admit(&mut outside).await {
            Ok((first, mut inside)) => pass_on(first, &mut outside, &mut inside).await,
            Err(refused) => {
                let text = refused.to_string();
                let goodbye = Goodbye { reason: Reason::NotEnrolled, text, reconnect_spread_s: 0 };
                // Whoever has gone already does not hear it.
                let _ = say(&mut outside, Message::Goodbye(goodbye)).await;
                Err(refused)
            }
        }
    }

    /// What is said first for the device, and the line on which it is spoken for.
    async fn admit(&self, outside: &mut Plain) -> Result<(Message, Inner), Refused> {
        let first = timeout(FIRST_WORD, outside.next()).await.ok().flatten().ok_or(Refused::Stranger)??;
        let named = device_of(&first).filter(|device| self.devices.contains(&device.0));
        let device = named.ok_or(Refused::Stranger)?;
        if let Message::Enrol(enrol) = first {
            return self.enrol(enrol).await;
        }
        match self.service.find_servers(device.0).await {
            Ok(_) => {}
            Err(Fault::NotFound(_)) => return Err(Refused::NotMember(device.0)),
            Err(fault) => return Err(Refused::inside(fault)),
        }
        let key = ServerKey::generate().map_err(Refused::inside)?;
        let request = key.request().map_err(Refused::inside)?;
        let authority = self.service.keys.authority();
        let issued = authority.issue_device(&request, device, self.service.clock.now()).map_err(Refused::inside)?;
        let key = PrivateKeyDer::from_pem_slice(key.pem().as_bytes()).map_err(Refused::inside)?;
        let inside = self.dial(Some((CertificateDer::from(issued.der), key))).await.map_err(Refused::inside)?;
        Ok((first, inside))
    }

    /// Asks for it to be let in, with what this server has for it.
    async fn enrol(&self, enrol: Enrol) -> Result<(Message, Inner), Refused> {
        let Newcomer { request, string, .. } = self.newcomer(enrol.info.device_id.0).await?;
        let inside = self.dial(None).await.map_err(Refused::inside)?;
        let binding = channel_binding(inside.get_ref().get_ref().1).map_err(Refused::inside)?;
        let proof = proof_of(&string.secret, &binding, &request).to_vec();
        let first = Enrol { provisioning_id: string.id, proof, certificate_request: request, ..enrol };
        Ok((Message::Enrol(first), inside))
    }

    /// The same each time it asks, so that an operator sees it once.
    async fn newcomer(&self, device: u32) -> Result<Newcomer, Refused> {
        let mut newcomers = self.newcomers.lock().await;
        let epoch = self.service.known_epoch().number;
        let known = newcomers.get(&device);
        if let Some(known) = known.filter(|known| known.epoch == epoch && known.made.elapsed() < STRING_KEPT) {
            return Ok(known.clone());
        }
        let input = ProvisioningInput {
            uses: STRING_USES,
            expires_in_seconds: STRING_LIFE_S,
            addresses: vec![self.endpoint.clone()],
        };
        let made = self.service.create_provisioning_string(&Actor::system(), input).await.map_err(Refused::inside)?;
        let string = made.string.unwrap_or_default().parse().map_err(Refused::inside)?;
        let request = match known {
            Some(known) => known.request.clone(),
            None => ServerKey::generate().and_then(|key| key.request()).map_err(Refused::inside)?,
        };
        let newcomer = Newcomer { request, string, epoch, made: Instant::now() };
        newcomers.insert(device, newcomer.clone());
        Ok(newcomer)
    }

    async fn dial(&self, identity: Option<(CertificateDer<'static>, PrivateKeyDer<'static>)>) -> io::Result<Inner> {
        let der = self.service.keys.authority().certificate_der().clone();
        let trust = Trust::Authority { der, installation_id: self.service.identity().installation_id.clone() };
        let config = tls::client_config(trust, identity, Clock::system(), &[ALPN]).map_err(io::Error::other)?;
        let stream = TcpStream::connect(reachable(self.gateway)).await?;
        stream.set_nodelay(true)?;
        Ok(Framed::new(TlsConnector::from(config).connect(tls::server_name(), stream).await?, FrameCodec))
    }
}

/// Where a listener on all addresses is reached from this machine.
fn reachable(listens: SocketAddr) -> SocketAddr {
    let ip = match listens {
        SocketAddr::V4(at) if at.ip().is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        SocketAddr::V6(at) if at.ip().is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        SocketAddr::V4(_) | SocketAddr::V6(_) => listens.ip(),
    };
    SocketAddr::new(ip, listens.port())
}

/// Until either side ends.
async fn pass_on(first: Message, outside: &mut Plain, inside: &mut Inner) -> Result<(), Refused> {
    inside.send(unproven(first)).await?;
    loop {
        tokio::select! {
            said = outside.next() => match said.transpose()? {
                None => return Ok(()),
                Some(Message::RenewCertificate { .. }) => say(outside, Message::Unsupported { message: RENEW_CERTIFICATE }).await?,
                Some(Message::EpochAnswer { .. }) => {}
                Some(message) => inside.send(unproven(message)).await?,
            },
            said = inside.next() => match said.transpose()? {
                None => return Ok(()),
                // An answer that this is not understood would be taken for one about the list.
                Some(Message::AskEpoch { .. }) => {}
                Some(message) => say(outside, message).await?,
            },
        }
    }
}

async fn say(outside: &mut Plain, message: Message) -> Result<(), FrameError> {
    timeout(WRITE_LIMIT, outside.send(message))
        .await
        .unwrap_or_else(|_| Err(FrameError::Io(io::ErrorKind::TimedOut.into())))
}

/// What a device says, without what it says of servers.
fn unproven(mut message: Message) -> Message {
    if let Message::Hello(hello) = &mut message {
        (hello.epoch, hello.starts) = (None, Vec::new());
    }
    message
}

/// Who says this, if it is a first word.
fn device_of(first: &Message) -> Option<DeviceId> {
    if let Message::Hello(hello) = first {
        Some(hello.info.device_id)
    } else if let Message::Enrol(enrol) = first {
        Some(enrol.info.device_id)
    } else if let Message::Probe { device, .. } = first {
        Some(*device)
    } else {
        None
    }
}
