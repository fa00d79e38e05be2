//! Builds capture files of every format, byte by byte.
#![allow(dead_code, reason = "each test file needs another part")]

/// Byte order of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Little,
    Big,
}

impl Order {
    pub(crate) fn u16(self, number: u16) -> [u8; 2] {
        if self == Self::Little { number.to_le_bytes() } else { number.to_be_bytes() }
    }

    pub(crate) fn u32(self, number: u32) -> [u8; 4] {
        if self == Self::Little { number.to_le_bytes() } else { number.to_be_bytes() }
    }

    pub(crate) fn u64(self, number: u64) -> [u8; 8] {
        if self == Self::Little { number.to_le_bytes() } else { number.to_be_bytes() }
    }
}

/// The header of a classic file.
pub(crate) fn pcap(order: Order, nanoseconds: bool, link: u32) -> Vec<u8> {
    let magic = if nanoseconds { 0xa1b2_3c4d } else { 0xa1b2_c3d4 };
    let mut file = order.u32(magic).to_vec();
    file.extend(order.u16(2));
    file.extend(order.u16(4));
    file.extend([0; 8]);
    file.extend(order.u32(262_144));
    file.extend(order.u32(link));
    file
}

/// A record of a classic file; `fraction` is in the file's unit.
pub(crate) fn record(
    order: Order,
    seconds: u32,
    fraction: u32,
    packet: &[u8],
    length: usize,
) -> Vec<u8> {
    let mut bytes = order.u32(seconds).to_vec();
    bytes.extend(order.u32(fraction));
    bytes.extend(order.u32(packet.len() as u32));
    bytes.extend(order.u32(length as u32));
    bytes.extend_from_slice(packet);
    bytes
}

/// A block of a pcapng file.
pub(crate) fn block(order: Order, kind: u32, body: &[u8]) -> Vec<u8> {
    let padded = body.len().next_multiple_of(4);
    let length = order.u32(padded as u32 + 12);
    let mut bytes = order.u32(kind).to_vec();
    bytes.extend(length);
    bytes.extend_from_slice(body);
    bytes.resize(8 + padded, 0);
    bytes.extend(length);
    bytes
}

pub(crate) fn option(order: Order, code: u16, value: &[u8]) -> Vec<u8> {
    let mut bytes = order.u16(code).to_vec();
    bytes.extend(order.u16(value.len() as u16));
    bytes.extend_from_slice(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

pub(crate) fn section(order: Order) -> Vec<u8> {
    let mut body = order.u32(0x1a2b_3c4d).to_vec();
    body.extend(order.u16(1));
    body.extend(order.u16(0));
    body.extend([0xff; 8]);
    block(order, 0x0a0d_0d0a, &body)
}

pub(crate) fn interface(order: Order, link: u16, snap_length: u32, options: &[Vec<u8>]) -> Vec<u8> {
    let mut body = order.u16(link).to_vec();
    body.extend([0; 2]);
    body.extend(order.u32(snap_length));
    body.extend(options.concat());
    block(order, 1, &body)
}

pub(crate) fn enhanced(
    order: Order,
    interface: u32,
    ticks: u64,
    packet: &[u8],
    comment: &str,
) -> Vec<u8> {
    let mut body = order.u32(interface).to_vec();
    body.extend(order.u32((ticks >> 32) as u32));
    body.extend(order.u32(ticks as u32));
    body.extend(order.u32(packet.len() as u32));
    body.extend(order.u32(packet.len() as u32));
    body.extend_from_slice(packet);
    body.resize(body.len().next_multiple_of(4), 0);
    if !comment.is_empty() {
        body.extend(option(order, 1, comment.as_bytes()));
        body.extend(option(order, 0, &[]));
    }
    block(order, 6, &body)
}

pub(crate) fn simple(order: Order, packet: &[u8], length: usize) -> Vec<u8> {
    block(order, 3, &[&order.u32(length as u32)[..], packet].concat())
}

pub(crate) fn obsolete(order: Order, interface: u16, ticks: u64, packet: &[u8]) -> Vec<u8> {
    let mut body = order.u16(interface).to_vec();
    body.extend(order.u16(7));
    body.extend(order.u32((ticks >> 32) as u32));
    body.extend(order.u32(ticks as u32));
    body.extend(order.u32(packet.len() as u32));
    body.extend(order.u32(packet.len() as u32));
    body.extend_from_slice(packet);
    block(order, 2, &body)
}

pub(crate) fn secrets(order: Order, kind: u32, text: &str) -> Vec<u8> {
    let mut body = order.u32(kind).to_vec();
    body.extend(order.u32(text.len() as u32));
    body.extend_from_slice(text.as_bytes());
    block(order, 10, &body)
}

/// UDP from 1111 to 2222.
pub(crate) fn udp(payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x04, 0x57, 0x08, 0xae];
    bytes.extend((payload.len() as u16 + 8).to_be_bytes());
    bytes.extend([0, 0]);
    bytes.extend_from_slice(payload);
    bytes
}

/// TCP from 1111 to 2222, or back.
pub(crate) fn tcp(
    back: bool,
    sequence: u32,
    acknowledged: u32,
    flags: u8,
    payload: &[u8],
) -> Vec<u8> {
    let mut bytes = vec![0x04, 0x57, 0x08, 0xae];
    if back {
        bytes.rotate_left(2);
    }
    bytes.extend(sequence.to_be_bytes());
    bytes.extend(acknowledged.to_be_bytes());
    bytes.extend([0x60, flags, 1, 0, 0, 0, 0, 0, 2, 4, 5, 0xb4]);
    bytes.extend_from_slice(payload);
    bytes
}

/// IPv4 from 10.0.0.1 to 10.0.0.2, or back. `place` is the field of flags and offset.
pub(crate) fn ipv4(back: bool, protocol: u8, place: u16, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x45, 0];
    bytes.extend((payload.len() as u16 + 20).to_be_bytes());
    bytes.extend([0, 77]);
    bytes.extend(place.to_be_bytes());
    bytes.extend([64, protocol, 0, 0]);
    let (low, high) = ([10, 0, 0, 1], [10, 0, 0, 2]);
    bytes.extend(if back { [high, low].concat() } else { [low, high].concat() });
    bytes.extend_from_slice(payload);
    bytes
}

/// IPv6 from `fd00::1` to `fd00::2`.
pub(crate) fn ipv6(next: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x60, 0, 0, 0];
    bytes.extend((payload.len() as u16).to_be_bytes());
    bytes.extend([next, 64]);
    for last in [1, 2] {
        let mut address = [0; 16];
        (address[0], address[15]) = (0xfd, last);
        bytes.extend(address);
    }
    bytes.extend_from_slice(payload);
    bytes
}

pub(crate) fn ethernet(kind: &[u8], packet: &[u8]) -> Vec<u8> {
    [&[0x02; 12][..], kind, packet].concat()
}
