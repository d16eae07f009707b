//! What a device says it is.

/// A device's serial number as printed on its sticker; never 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceId(pub u32);

impl std::fmt::Display for DeviceId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// What a device is and how its network is set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceInfo {
    /// Serial number.
    pub device_id: DeviceId,
    /// 0x03 is a BioLite Net.
    pub device_type: u32,
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
    /// Serial port settings.
    pub serial_config: SerialConfig,
}

/// A device's TCP/IP settings as it reports them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IpConfig {
    /// Addresses come from DHCP.
    pub use_dhcp: bool,
    /// The device's address.
    pub ip_addr: String,
    /// Its mask.
    pub subnet_mask: String,
    /// Its router.
    pub gateway: String,
    /// The port it listens on, 51211 by default.
    pub port: u16,
    /// Its name server, empty if none.
    pub dns_server: String,
    /// Bytes.
    pub mtu_size: u32,
    /// 100BASE-T rather than 10BASE-T.
    pub base_band_100: bool,
}

/// A device's serial port as it reports it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SerialConfig {
    /// 0 default, 1 master, 2 slave.
    pub rs485_mode: u32,
    /// Bits per second.
    pub baud_rate: u32,
}
