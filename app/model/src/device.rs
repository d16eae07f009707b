//! A device as the portal shows it.

use super::{Connection, DeviceServers};
use serde::{Deserialize, Serialize};

/// Is a device on any server of the installation?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceStatus {
    /// It holds a registered session.
    Connected,
    /// It holds none that anybody knows of.
    Disconnected,
}

/// A device in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceSummary {
    /// Device ID: the serial number on the sticker.
    pub id: u32,
    /// The name operators gave it.
    pub name: String,
    /// For example `BioLite Net`.
    pub device_type: String,
    /// The address it reported.
    pub ip_address: String,
    /// The firmware it reported.
    pub firmware_version: String,
    /// On a server or not.
    pub status: DeviceStatus,
    /// Which server, while connected.
    pub connected: Option<Connection>,
    /// When it was last heard of; `None` if never.
    pub last_seen: Option<String>,
    /// State of the newest push, if there was one.
    pub push: Option<super::PushState>,
}

/// A device with all its settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// Device ID: the serial number on the sticker.
    pub id: u32,
    /// The name operators gave it, at most 48 characters.
    pub name: String,
    /// On a server or not.
    pub status: DeviceStatus,
    /// When it was last heard of; `None` if never.
    pub last_seen: Option<String>,
    /// What it reported of itself.
    pub info: DeviceInfo,
    /// What is wrong with the device itself, for people.
    pub alarm: Option<String>,
    /// Its servers.
    pub servers: DeviceServers,
}

/// What a device reports of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceInfo {
    /// 0x03 is a BioLite Net.
    pub device_type: u32,
    /// The type's name.
    pub device_type_name: String,
    /// Marketing name.
    pub product_name: String,
    /// Firmware version.
    pub firmware_version: String,
    /// Kernel version.
    pub kernel_version: String,
    /// Hardware version.
    pub hardware_version: String,
    /// TCP/IP settings.
    pub ip_config: IpConfig,
    /// Serial port.
    pub serial_config: SerialConfig,
}

/// TCP/IP settings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IpConfig {
    /// Addresses come from DHCP.
    pub use_dhcp: bool,
    /// The device's address.
    pub ip_addr: String,
    /// Its mask.
    pub subnet_mask: String,
    /// Its router.
    pub gateway: String,
    /// The port it listens on.
    pub port: u16,
    /// Its name server, empty if none.
    pub dns_server: String,
    /// Bytes.
    pub mtu_size: u32,
    /// 100BASE-T rather than 10BASE-T.
    pub base_band_100: bool,
}

/// The serial port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SerialConfig {
    /// 0 default, 1 master, 2 slave.
    pub rs485_mode: u32,
    /// Bits per second.
    pub baud_rate: u32,
}

/// A device that asked to belong and that nobody has accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingDevice {
    /// SHA-256 of its public key: compare it with what the device shows before accepting.
    pub id: String,
    /// The Device ID it claims.
    pub device_id: u32,
    /// For example `BioLite Net`.
    pub device_type: String,
    /// The product it claims to be.
    pub product_name: String,
    /// Where it connects from.
    pub peer: String,
    /// The provisioning string it used.
    pub provisioning_id: String,
    /// When it first asked.
    pub first_seen: String,
    /// When it was last here.
    pub last_seen: String,
    /// A device with this Device ID already belongs to the installation; accepting replaces its certificate.
    pub replaces: bool,
}
