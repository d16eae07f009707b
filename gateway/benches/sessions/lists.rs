//! The server lists of a run, known to both sides: what is pushed, and the bytes that answer it.

use crate::Failure;
use bytes::{Bytes, BytesMut};
use gateway::wire::{
    DeviceId, DeviceInfo, Entries, FrameCodec, Hello, IpConfig, Message, PROTOCOL_VERSION, SerialConfig, ServerList,
};
use tokio_util::codec::Encoder as _;

/// The list that every device starts with.
pub(crate) fn committed() -> Result<ServerList, Failure> {
    list(1, None)
}

/// The list of the nth push, from 1.
pub(crate) fn pushed(nth: u64) -> Result<ServerList, Failure> {
    let committed = committed()?;
    list(1 + nth, Some(&committed))
}

fn list(number: u64, base: Option<&ServerList>) -> Result<ServerList, Failure> {
    let names: Vec<String> = (1..=8).map(|n| format!("server-{n}.of-a-site-with-long-names.example")).collect();
    let entries = names.iter().zip(1..).map(|(name, priority)| (priority, name.as_str(), 51213));
    let entries = Entries::parse(entries).map_err(|errors| format!("{errors:?}"))?;
    Ok(ServerList::new(1, number, base.map(|list| list.version().hash), entries))
}

/// A message as it travels.
pub(crate) fn frame(message: Message) -> Result<Bytes, Failure> {
    let mut bytes = BytesMut::new();
    FrameCodec.encode(message, &mut bytes)?;
    Ok(bytes.freeze())
}

/// A device's first frame.
pub(crate) fn hello(device: u32, committed: &ServerList) -> Result<Bytes, Failure> {
    let dialled = committed.entries().iter().next().ok_or("an empty list")?.clone();
    frame(Message::Hello(Hello {
        protocol_version: PROTOCOL_VERSION,
        capabilities: 0,
        info: DeviceInfo {
            device_id: DeviceId(device),
            device_type: 3,
            product_name: "BioLite Net".into(),
            firmware_version: "2.3.4".into(),
            kernel_version: "1.2.0".into(),
            hardware_version: "1.0.0".into(),
            ip_config: IpConfig { ip_addr: "192.0.2.77".into(), port: 51_211, ..IpConfig::default() },
            serial_config: SerialConfig { rs485_mode: 0, baud_rate: 115_200 },
        },
        boot_id: 1,
        connection_sequence: 0,
        dialled,
        committed: committed.version(),
        trial: None,
        rollback: None,
        epoch: None,
        move_failure: None,
        starts: Vec::new(),
        ring: None,
    }))
}

/// What a device answers to a push: that it holds the list, and that it will not try it.
#[derive(Clone, Debug)]
pub(crate) struct Answers {
    pub(crate) staged: Bytes,
    pub(crate) refused: Bytes,
}

impl Answers {
    pub(crate) fn to(list: &ServerList) -> Result<Self, Failure> {
        let version = list.version();
        let refused = Message::StageRefused { version, text: "a benchmark tries no lists".into() };
        Ok(Self { staged: frame(Message::ListStaged(version))?, refused: frame(refused)? })
    }
}
