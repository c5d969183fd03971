// SPDX-License-Identifier: GPL-2.0

//! `/proc/PID/fdinfo/FD` of a DRM device: what the client's memory comes to, as its driver counts it.

use super::{decimal, lines, text};

/// What a driver says of one client.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Client {
    /// The driver's name.
    pub driver: String,
    /// Where the device sits; not all have such a place.
    pub device: String,
    /// The number of the client, the same for all descriptors of one open file.
    pub id: u64,
    /// Memory, by region.
    pub regions: Vec<Region>,
}

/// A kind of memory of a client, in bytes.
#[derive(Debug, Default, PartialEq, Eq, Clone, serde::Serialize)]
pub struct Region {
    /// `system`, `vram0` and so on.
    pub name: String,
    /// All of it.
    pub total: u64,
    /// Of this, what other clients or dma-bufs share.
    pub shared: u64,
    /// Of this, what has pages now.
    pub resident: u64,
}

/// The client, if the driver tells of one.
pub fn client(all: &[u8]) -> Option<Client> {
    let mut client = Client::default();
    let mut id = None;
    for line in lines(all) {
        let Some(rest) = line.strip_prefix(b"drm-") else {
            continue;
        };
        let Some(colon) = memchr::memchr(b':', rest) else {
            continue;
        };
        let (key, value) = (&rest[..colon], rest[colon + 1..].trim_ascii());
        match key {
            b"driver" => client.driver = text(value),
            b"pdev" => client.device = text(value),
            b"client-id" => id = decimal(value),
            _ => region(&mut client.regions, key, value),
        }
    }
    client.id = id?;
    (!client.driver.is_empty()).then_some(client)
}

fn region(regions: &mut Vec<Region>, key: &[u8], value: &[u8]) {
    type Field = fn(&mut Region) -> &mut u64;
    const KINDS: [(&[u8], Field); 4] = [
        (b"total-", |region| &mut region.total),
        // what "total" was called before
        (b"memory-", |region| &mut region.total),
        (b"shared-", |region| &mut region.shared),
        (b"resident-", |region| &mut region.resident),
    ];
    for (prefix, field) in KINDS {
        let Some(name) = key.strip_prefix(prefix) else {
            continue;
        };
        let (Some(bytes), name) = (bytes(value), text(name)) else {
            return;
        };
        if !regions.iter().any(|region| region.name == name) {
            regions.push(Region {
                name: name.clone(),
                ..Region::default()
            });
        }
        if let Some(region) = regions.iter_mut().find(|region| region.name == name) {
            let known = field(region);
            *known = bytes.max(*known);
        }
        return;
    }
}

fn bytes(value: &[u8]) -> Option<u64> {
    let end = memchr::memchr(b' ', value).unwrap_or(value.len());
    let shift = match value[end..].trim_ascii() {
        b"" => 0,
        b"KiB" => 10,
        b"MiB" => 20,
        b"GiB" => 30,
        _ => return None,
    };
    decimal(&value[..end])?.checked_mul(1 << shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_and_units() {
        let found = client(
            b"pos:\t0\nflags:\t02100002\nmnt_id:\t25\nino:\t433\ndrm-driver:\ti915\ndrm-client-id:\t37\n\
              drm-pdev:\t0000:00:02.0\ndrm-total-system0:\t2048 KiB\ndrm-shared-system0:\t1 MiB\n\
              drm-resident-system0:\t512\ndrm-engine-render:\t9 ns\ndrm-memory-vram:\t3 KiB\n",
        )
        .unwrap();
        assert_eq!(
            (found.driver.as_str(), found.device.as_str(), found.id),
            ("i915", "0000:00:02.0", 37)
        );
        let region = |name: &str, total, shared, resident| Region {
            name: name.into(),
            total,
            shared,
            resident,
        };
        assert_eq!(
            found.regions,
            [
                region("system0", 2 << 20, 1 << 20, 512),
                region("vram", 3072, 0, 0)
            ]
        );
    }

    #[test]
    fn others_are_none() {
        assert_eq!(client(b"pos:\t0\n"), None);
        assert_eq!(client(b"drm-driver:\tx\n"), None);
        assert_eq!(client(b"drm-client-id:\t1\n"), None);
        assert_eq!(
            client(b"drm-driver:\tx\ndrm-client-id:\t1\ndrm-total-a:\t99999999999999999 GiB\n")
                .unwrap()
                .regions,
            []
        );
    }
}
