//! A device that says exactly what a test tells it to, over real TCP and TLS.

use crate::installation::{Credentials, device_credentials};
use crate::memory_directory::World;
use bytes::BytesMut;
use gateway::enrolment::channel_binding;
use gateway::tls::{Clock, TlsFailure, Trust, client_config, failure_of, server_name};
use gateway::wire::{
    ALPN, DeviceId, DeviceInfo, FrameCodec, Goodbye, Hello, IpConfig, ListVersion, Message, PROTOCOL_VERSION, Reason,
    Registered, SerialConfig, ServerEntry, ServerList,
};
use rustls::{ClientConfig, HandshakeKind};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use time::OffsetDateTime;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::codec::{Decoder as _, Encoder as _};

const PATIENCE: Duration = Duration::from_secs(10);
pub(crate) const DEVICE: DeviceId = DeviceId(547_846_001);

pub(crate) struct RawDevice {
    stream: TlsStream<TcpStream>,
    incoming: BytesMut,
}

impl RawDevice {
    /// Dials a server of this installation, with a certificate or without.
    pub(crate) async fn dial(
        world: &World,
        address: SocketAddr,
        identity: Option<Credentials>,
    ) -> Result<Self, TlsFailure> {
        let der = world.authority.certificate_der().clone();
        let trust = Trust::Authority { der, installation_id: world.authority.installation_id().to_owned() };
        Self::dial_trusting(trust, address, identity, &[ALPN]).await
    }

    pub(crate) async fn dial_trusting(
        trust: Trust,
        address: SocketAddr,
        identity: Option<Credentials>,
        alpn: &[&[u8]],
    ) -> Result<Self, TlsFailure> {
        Self::dial_with(client_config(trust, identity, Clock::system(), alpn).unwrap(), address).await
    }

    /// Dials with a configuration that may remember earlier sessions.
    pub(crate) async fn dial_with(config: Arc<ClientConfig>, address: SocketAddr) -> Result<Self, TlsFailure> {
        let stream = TcpStream::connect(address).await.unwrap();
        match TlsConnector::from(config).connect(server_name(), stream).await {
            Ok(stream) => Ok(Self { stream, incoming: BytesMut::new() }),
            Err(error) => Err(failure_of(&error).unwrap()),
        }
    }

    /// Dials with a certificate of its own, fresh.
    pub(crate) async fn dial_as(world: &World, address: SocketAddr, device: DeviceId) -> Self {
        let identity = device_credentials(&world.authority, device, OffsetDateTime::now_utc());
        Self::dial(world, address, Some(identity)).await.unwrap()
    }

    /// Whether the TLS session is a new one.
    pub(crate) fn handshake_kind(&self) -> Option<HandshakeKind> {
        self.stream.get_ref().1.handshake_kind()
    }

    /// Dials and registers.
    pub(crate) async fn register(world: &World, address: SocketAddr, hello: Hello) -> (Self, Registered) {
        let mut device = Self::dial_as(world, address, hello.info.device_id).await;
        device.say(Message::Hello(hello)).await;
        match device.hear().await {
            Some(Message::Registered(registered)) => (device, registered),
            other => panic!("not registered: {other:?}"),
        }
    }

    pub(crate) fn channel_binding(&self) -> [u8; 32] {
        channel_binding(self.stream.get_ref().1).unwrap()
    }

    pub(crate) async fn say(&mut self, message: Message) {
        let mut bytes = BytesMut::new();
        FrameCodec.encode(message, &mut bytes).unwrap();
        self.say_bytes(&bytes).await.unwrap();
    }

    pub(crate) async fn say_bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await
    }

    /// The next message; `None` once the server has closed in good order.
    pub(crate) async fn hear(&mut self) -> Option<Message> {
        timeout(PATIENCE, self.next()).await.expect("the server says something").expect("the connection holds")
    }

    /// The next message or what the connection failed with.
    pub(crate) async fn next(&mut self) -> io::Result<Option<Message>> {
        loop {
            if let Some(message) = FrameCodec.decode(&mut self.incoming).unwrap() {
                return Ok(Some(message));
            }
            if self.stream.read_buf(&mut self.incoming).await? == 0 {
                return Ok(None);
            }
        }
    }

    /// The server's last word.
    pub(crate) async fn goodbye(&mut self) -> Goodbye {
        let Some(Message::Goodbye(goodbye)) = self.hear().await else { panic!("no goodbye") };
        assert_eq!(self.hear().await, None);
        goodbye
    }

    pub(crate) async fn is_alive(&mut self) -> bool {
        self.say(Message::Ping { nonce: 99 }).await;
        self.hear().await == Some(Message::Pong { nonce: 99 })
    }

    /// Ends only the sending half, in the middle of whatever was sent.
    pub(crate) async fn hang_up(&mut self) {
        self.stream.shutdown().await.unwrap();
    }
}

pub(crate) fn info(device: DeviceId) -> DeviceInfo {
    DeviceInfo {
        device_id: device,
        device_type: 3,
        product_name: "BioLite Net".into(),
        firmware_version: "2.3.4".into(),
        kernel_version: "1.2.0".into(),
        hardware_version: "1.0.0".into(),
        ip_config: IpConfig { ip_addr: "192.0.2.77".into(), port: 51_211, ..IpConfig::default() },
        serial_config: SerialConfig { rs485_mode: 0, baud_rate: 115_200 },
    }
}

/// The hello of a device that holds this list and dialled its first entry.
pub(crate) fn hello(device: DeviceId, committed: &ServerList) -> Hello {
    Hello {
        protocol_version: PROTOCOL_VERSION,
        capabilities: 0,
        info: info(device),
        boot_id: 1,
        connection_sequence: 0,
        dialled: first(committed),
        committed: committed.version(),
        trial: None,
        rollback: None,
        epoch: None,
        move_failure: None,
        starts: Vec::new(),
        ring: None,
    }
}

pub(crate) fn on_trial(device: DeviceId, committed: &ServerList, trial: &ServerList) -> Hello {
    let trial_version: ListVersion = trial.version();
    Hello { dialled: first(trial), trial: Some(trial_version), ..hello(device, committed) }
}

fn first(list: &ServerList) -> ServerEntry {
    list.entries().as_slice()[0].clone()
}

pub(crate) fn assert_says(goodbye: &Goodbye, reason: Reason) {
    assert_eq!(goodbye.reason, reason, "{goodbye:?}");
    assert!(!goodbye.text.is_empty());
}
