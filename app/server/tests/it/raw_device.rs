//! A device that says exactly what a test tells it to, over real TCP and TLS.

use crate::gateway_server::{GatewayServer, Member, admin};
use bytes::BytesMut;
use gateway::{
    enrolment::{channel_binding, proof_of},
    provisioning::ProvisioningString,
    tls::{Clock, Trust, client_config, server_name},
    wire::{
        ALPN, DeviceId, DeviceInfo, Enrol, EntryProbe, Epoch, FrameCodec, Hello, IpConfig, Message, PROTOCOL_VERSION,
        ProbeAnswer, Registered, Role, SerialConfig, ServerEntry, ServerList,
    },
};
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::{net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tokio_util::codec::{Decoder as _, Encoder as _};

const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct RawDevice {
    stream: TlsStream<TcpStream>,
    incoming: BytesMut,
}

impl GatewayServer {
    /// Lets a device wait, accepts it, and hands over what it was given on the very connection it waited on.
    pub(crate) async fn accept(&self, device: u32) -> Member {
        let (key, string) = (new_key(), self.string().await);
        let mut waiting = RawDevice::enrol(self, device, &key, &string).await;
        assert!(matches!(waiting.hear().await, Some(Message::EnrolWaiting { .. })));
        self.service.accept_waiting_by_device_id(&admin(), device).await.unwrap();
        let Some(Message::Enrolled(enrolled)) = waiting.hear().await else { panic!("not enrolled") };
        Member { key, enrolled }
    }
}

impl RawDevice {
    async fn dial(server: &GatewayServer, identity: Option<(CertificateDer<'static>, PrivateKeyDer<'static>)>) -> Self {
        let der = server.authority().certificate_der().clone();
        let trust = Trust::Authority { der, installation_id: "site".to_owned() };
        let config = client_config(trust, identity, Clock::system(), &[ALPN]).unwrap();
        let stream = TcpStream::connect(server.address).await.unwrap();
        let stream = TlsConnector::from(config).connect(server_name(), stream).await.unwrap();
        Self { stream, incoming: BytesMut::new() }
    }

    /// Dials without a certificate and asks to belong.
    pub(crate) async fn enrol(server: &GatewayServer, device: u32, key: &KeyPair, string: &ProvisioningString) -> Self {
        let mut dialled = Self::dial(server, None).await;
        let request = CertificateParams::default().serialize_request(key).unwrap().der().to_vec();
        let binding = channel_binding(dialled.stream.get_ref().1).unwrap();
        let enrol = Enrol {
            protocol_version: PROTOCOL_VERSION,
            info: info(device),
            provisioning_id: string.id.clone(),
            proof: proof_of(&string.secret, &binding, &request).to_vec(),
            certificate_request: request,
        };
        dialled.say(Message::Enrol(enrol)).await;
        dialled
    }

    /// Dials with the device's certificate and says hello.
    pub(crate) async fn greet(server: &GatewayServer, member: &Member, hello: Hello) -> Self {
        let certificate = CertificateDer::from(member.enrolled.certificate.clone());
        let key = PrivateKeyDer::try_from(member.key.serialize_der()).unwrap();
        let mut dialled = Self::dial(server, Some((certificate, key))).await;
        dialled.say(Message::Hello(hello)).await;
        dialled
    }

    /// Dials and is registered.
    pub(crate) async fn register(server: &GatewayServer, member: &Member, hello: Hello) -> (Self, Registered) {
        let mut device = Self::greet(server, member, hello).await;
        match device.hear().await {
            Some(Message::Registered(registered)) => (device, registered),
            other => panic!("not registered: {other:?}"),
        }
    }

    pub(crate) async fn say(&mut self, message: Message) {
        let mut bytes = BytesMut::new();
        FrameCodec.encode(message, &mut bytes).unwrap();
        self.stream.write_all(&bytes).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    /// The next message; `None` once the server has closed.
    pub(crate) async fn hear(&mut self) -> Option<Message> {
        let next = async {
            loop {
                if let Some(message) = FrameCodec.decode(&mut self.incoming).unwrap() {
                    return Some(message);
                }
                if self.stream.read_buf(&mut self.incoming).await.unwrap() == 0 {
                    return None;
                }
            }
        };
        timeout(PATIENCE, next).await.expect("the server says something")
    }

    /// Takes the next list to the point where the device leaves to try it.
    pub(crate) async fn take_list(mut self) -> ServerList {
        let Some(Message::StageList(list)) = self.hear().await else { panic!("no list") };
        self.say(Message::ListStaged(list.version())).await;
        let Some(Message::ProbeList { request, entries }) = self.hear().await else { panic!("no probe") };
        // What it says of them it need not have tried.
        let rows = entries.iter().map(passed).collect();
        self.say(Message::ProbeTable { request, rows }).await;
        let Some(Message::StartTrial { version, .. }) = self.hear().await else { panic!("no trial") };
        assert_eq!(version, list.version());
        self.say(Message::TrialStarted(version)).await;
        while self.hear().await.is_some() {}
        list
    }

    /// Keeps the list on trial once the server says so.
    pub(crate) async fn keep_list(&mut self, list: &ServerList) {
        assert_eq!(self.hear().await, Some(Message::ConfirmTrial(list.version())));
        self.say(Message::ListCommitted(list.version())).await;
    }

    pub(crate) async fn is_alive(&mut self) -> bool {
        self.say(Message::Ping { nonce: 99 }).await;
        self.hear().await == Some(Message::Pong { nonce: 99 })
    }
}

fn passed(entry: &ServerEntry) -> EntryProbe {
    let answer = ProbeAnswer {
        installation_id: "site".to_owned(),
        server_id: "one".to_owned(),
        server_name: "One".to_owned(),
        role: Role::Active,
        epoch: Epoch { number: 1, server_id: "one".to_owned(), seal: Vec::new() },
    };
    let (resolved, time) = (Some("127.0.0.1".to_owned()), Some(1));
    EntryProbe { entry: entry.clone(), resolved, tcp_ms: time, tls_ms: time, answer_ms: time, outcome: Ok(answer) }
}

pub(crate) fn new_key() -> KeyPair {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap()
}

/// The hello of a device that keeps `committed` and dialled `address` with priority 1.
pub(crate) fn hello(device: u32, address: SocketAddr, committed: &ServerList) -> Hello {
    Hello {
        protocol_version: PROTOCOL_VERSION,
        capabilities: 0,
        info: info(device),
        boot_id: 1,
        connection_sequence: 0,
        dialled: ServerEntry { priority: 1, address: gateway::wire::Address::Ip(address.ip()), port: address.port() },
        committed: committed.version(),
        trial: None,
        rollback: None,
        epoch: None,
        move_failure: None,
        starts: Vec::new(),
        ring: None,
    }
}

/// What a device says of itself.
pub(crate) fn info(device: u32) -> DeviceInfo {
    DeviceInfo {
        device_id: DeviceId(device),
        device_type: 3,
        product_name: "BioLite Net".to_owned(),
        firmware_version: "2.3.4".to_owned(),
        kernel_version: "1.2.0".to_owned(),
        hardware_version: "1.0.0".to_owned(),
        ip_config: IpConfig { ip_addr: "192.0.2.77".to_owned(), port: 51_211, ..IpConfig::default() },
        serial_config: SerialConfig { rs485_mode: 0, baud_rate: 115_200 },
    }
}
