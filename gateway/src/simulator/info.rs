//! What a simulated BioLite Net says of itself.

use crate::wire::{DeviceId, DeviceInfo, IpConfig, SerialConfig};

/// The first device of a fleet unless told otherwise.
pub const FIRST_DEVICE: DeviceId = DeviceId(547_846_001);

const BIOLITE_NET: u32 = 0x03;

/// A BioLite Net of the given serial number. Its network settings follow from the number, so they are the same at
/// every start: addresses from 192.168.10.2 upwards, 200 devices a subnet.
#[must_use]
pub fn biolite_net(device_id: DeviceId) -> DeviceInfo {
    let place = device_id.0.wrapping_sub(FIRST_DEVICE.0);
    let subnet = 10 + place / 200 % 240;
    DeviceInfo {
        device_id,
        device_type: BIOLITE_NET,
        product_name: "BioLite Net".to_owned(),
        firmware_version: "2.3.5".to_owned(),
        kernel_version: "2.6.20".to_owned(),
        hardware_version: "1.1.0".to_owned(),
        ip_config: IpConfig {
            use_dhcp: false,
            ip_addr: format!("192.168.{subnet}.{}", 2 + place % 200),
            subnet_mask: "255.255.255.0".to_owned(),
            gateway: format!("192.168.{subnet}.1"),
            port: 51211,
            dns_server: String::new(),
            mtu_size: 1460,
            base_band_100: true,
        },
        serial_config: SerialConfig { rs485_mode: 0, baud_rate: 115_200 },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_of_a_fleet_have_addresses_of_their_own() {
        let addresses: std::collections::HashSet<_> =
            (0..10_000).map(|n| biolite_net(DeviceId(FIRST_DEVICE.0 + n)).ip_config.ip_addr).collect();
        assert_eq!(addresses.len(), 10_000);
        assert!(addresses.iter().all(|address| address.parse::<std::net::Ipv4Addr>().is_ok()));
    }
}
