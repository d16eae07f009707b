//! The port for devices without TLS.

use crate::{
    device::{DEVICE, QuickDevice, rows},
    failover::quick,
    pair::{console, folder},
    raw_device::{hello, info},
};
use futures::{SinkExt as _, StreamExt as _};
use gateway::wire::{
    Enrol, Epoch, Event, EventUpload, FrameCodec, Hello, ListHash, Message, PROTOCOL_VERSION, Reason, RingId, RingSpan,
    ServerStart,
};
use model::DeviceStatus;
use server::{
    config::{Config, PlainPort},
    start::{Running, start},
};
use std::{collections::BTreeSet, net::SocketAddr, path::Path, time::Duration};
use tokio::{net::TcpStream, time::timeout};
use tokio_util::codec::Framed;

const RING: RingId = RingId([7; 16]);

/// A reader that says its frames in the clear.
struct Reader(Framed<TcpStream, FrameCodec>);

impl Reader {
    async fn says(at: SocketAddr, first: Message) -> Self {
        let mut reader = Self(Framed::new(TcpStream::connect(at).await.unwrap(), FrameCodec));
        reader.say(first).await;
        reader
    }

    async fn say(&mut self, message: Message) {
        self.0.send(message).await.unwrap();
    }

    /// The next message but pings.
    async fn hear(&mut self) -> Option<Message> {
        let next = async {
            loop {
                match self.0.next().await {
                    Some(Ok(Message::Ping { .. })) => {}
                    other => return other.map(Result::unwrap),
                }
            }
        };
        timeout(Duration::from_secs(20), next).await.expect("the server says something")
    }

    async fn sent_away_with(mut self) -> String {
        let Some(Message::Goodbye(goodbye)) = self.hear().await else { panic!("let in") };
        assert_eq!(goodbye.reason, Reason::NotEnrolled);
        assert_eq!(self.hear().await, None);
        goodbye.text
    }
}

async fn with_plain_port(data: &Path) -> (Running, SocketAddr) {
    let plain = PlainPort { address: ([127, 0, 0, 1], 0).into(), devices: BTreeSet::from([DEVICE, DEVICE + 1]) };
    let one = start(Config { plain: Some(plain), ..quick(data) }).await.unwrap();
    let at = one.plain_addr.unwrap();
    (one, at)
}

fn enrol(device: u32) -> Message {
    let (protocol_version, info) = (PROTOCOL_VERSION, info(device));
    let (provisioning_id, proof, certificate_request) = (String::new(), Vec::new(), Vec::new());
    Message::Enrol(Enrol { protocol_version, info, provisioning_id, proof, certificate_request })
}

#[tokio::test]
async fn a_device_without_tls_is_served_and_not_trusted_about_servers() {
    let data = folder();
    let (one, at) = with_plain_port(data.path()).await;
    let banners = one.service().banners().await;
    assert!(banners.iter().any(|banner| banner.text.contains("plain device port")), "{banners:?}");

    let mut reader = Reader::says(at, enrol(DEVICE)).await;
    assert!(matches!(reader.hear().await, Some(Message::EnrolWaiting { .. })));
    drop(reader);
    let mut reader = Reader::says(at, enrol(DEVICE)).await;
    assert!(matches!(reader.hear().await, Some(Message::EnrolWaiting { .. })));
    assert_eq!(one.service().list_waiting().await.unwrap().len(), 1, "it is the same one that asks again");
    one.service().accept_waiting_by_device_id(&console(), DEVICE).await.unwrap();
    let Some(Message::Enrolled(enrolled)) = reader.hear().await else { panic!("not accepted") };
    let first = &enrolled.list.entries().as_slice()[0];
    assert_eq!((first.address.to_string(), first.port), (at.ip().to_string(), at.port()), "it comes back to this port");

    // What it says of epochs and of starts would stop the server, were it believed.
    let forged = Epoch { number: 99, server_id: "zz".to_owned(), seal: vec![1; 88] };
    let starts =
        vec![ServerStart { server_id: one.service().identity().server_id.clone(), number: 99, token: vec![0; 40] }];
    let ring = Some(RingSpan { ring: RING, oldest: 1, newest: 1, replaces: None });
    let greeting = Hello { epoch: Some(forged.clone()), starts, ring, ..hello(DEVICE, at, &enrolled.list) };
    let mut reader = Reader::says(at, Message::Hello(greeting)).await;
    let Some(Message::Registered(registered)) = reader.hear().await else { panic!("not registered") };
    assert_eq!(registered.event_watermark, 0);
    let device = one.service().find_device(DEVICE).await.unwrap();
    assert_eq!(device.status, DeviceStatus::Connected);
    assert_eq!(one.service().known_epoch().number, 1);

    let event = Event { time_unix_ms: 1_790_000_000_000, code: 4864, user_id: "1".to_owned(), detail: String::new() };
    reader.say(Message::Upload(EventUpload::Events { ring: RING, first_id: 1, events: vec![event] })).await;
    assert_eq!(reader.hear().await, Some(Message::EventsStored { ring: RING, watermark: 1 }));
    reader.say(Message::RenewCertificate { request: vec![1] }).await;
    assert_eq!(reader.hear().await, Some(Message::Unsupported { message: 40 }));
    reader.say(Message::EpochAnswer { request: 5, epoch: Some(forged) }).await;

    // An edit reaches it like any other device.
    one.service().replace_servers(&console(), DEVICE, 1, rows(&[at, one.gateway_addr])).await.unwrap();
    let Some(Message::StageList(staged)) = reader.hear().await else { panic!("no list") };
    assert_ne!(staged.version().hash, ListHash([0; 32]));

    one.service().remove_device(&console(), DEVICE).await.unwrap();
    while reader.hear().await.is_some() {}
    let again = Reader::says(at, Message::Hello(hello(DEVICE, at, &enrolled.list))).await;
    assert!(again.sent_away_with().await.contains("has to enrol"));
    let mut reader = Reader::says(at, enrol(DEVICE)).await;
    assert!(matches!(reader.hear().await, Some(Message::EnrolWaiting { .. })), "an operator decides anew");
    one.stop().await;
}

#[tokio::test]
async fn nobody_else_comes_through_that_port() {
    let data = folder();
    let (one, at) = with_plain_port(data.path()).await;
    let _door = QuickDevice::numbered(&one, DEVICE + 7).await;
    assert!(Reader::says(at, enrol(DEVICE + 7)).await.sent_away_with().await.contains("plain-devices"));
    let mut odd = Reader::says(at, Message::Ping { nonce: 1 }).await;
    assert!(matches!(odd.hear().await, Some(Message::Goodbye(_))));
    let not_yet = Message::Probe { protocol_version: PROTOCOL_VERSION, device: gateway::wire::DeviceId(DEVICE + 1) };
    assert!(Reader::says(at, not_yet).await.sent_away_with().await.contains("has to enrol"));
    one.stop().await;
    assert!(TcpStream::connect(at).await.is_err(), "it is shut with the server");
}
