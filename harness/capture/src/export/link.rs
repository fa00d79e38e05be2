//! Link layers: hardware addresses replaced, and ARP.

use std::net::{IpAddr, Ipv4Addr};

use super::addresses::Addresses;
use super::draft::{Draft, Walk};
use super::noise::Noise;

const ARP: u16 = 0x0806;

/// What is before the packet of a frame, which `packet` is: types and tags stay.
pub(super) fn header(noise: &Noise, draft: &mut Draft<'_>, link: u16, frame: &[u8], packet: usize) {
    let head = &frame[..packet.min(frame.len())];
    draft.keep(head);
    // Where hardware addresses are, and how many bytes of them count.
    let addresses: &[(usize, usize)] = match link {
        1 => &[(0, 6), (6, 6)],
        113 => &[(6, usize::from(*head.get(5).unwrap_or(&8)))],
        276 => &[(12, usize::from(*head.get(11).unwrap_or(&8)))],
        _ => &[],
    };
    for (at, length) in addresses {
        let end = at + if *length == 6 { 6 } else { 8 };
        if let Some(address) = head.get(*at..end.min(head.len())) {
            draft.put(address, &hardware(noise, address));
        }
    }
}

/// A frame whose packet is not IP: ARP keeps its form, anything else is noise. Whether it was ARP.
pub(super) fn other<'a>(
    noise: &Noise,
    addresses: &mut Addresses,
    draft: &mut Draft<'a>,
    kind: u16,
    packet: &'a [u8],
) -> bool {
    kind == ARP && arp(noise, addresses, &mut Walk::new(draft, packet)).is_some()
}

/// RFC 826: Ethernet and IPv4.
fn arp(noise: &Noise, addresses: &mut Addresses, walk: &mut Walk<'_, '_>) -> Option<()> {
    let head = walk.keep(8)?;
    if head[..6] != [0, 1, 8, 0, 6, 4] {
        return None;
    }
    for _ in 0..2 {
        let address = walk.take(6)?;
        walk.draft.put(address, &hardware(noise, address));
        let address = walk.take(4)?;
        let octets: [u8; 4] = address.try_into().ok()?;
        if let IpAddr::V4(other) = addresses.get(Ipv4Addr::from(octets).into()) {
            walk.draft.put(address, &other.octets());
        }
    }
    walk.draft.keep_zeros(walk.rest());
    Some(())
}

/// A hardware address in the place of another: whether it is of a group and who allots it stays;
/// broadcast, nobody's and those that IP multicast maps to stay (RFC 1112 §6.4, RFC 2464 §7).
pub(super) fn hardware(noise: &Noise, address: &[u8]) -> Vec<u8> {
    let nobody = address.iter().all(|byte| *byte == 0) || address.iter().all(|byte| *byte == 0xff);
    match address {
        [0x01, 0x00, 0x5e, ..] => return address.to_vec(),
        // The end of a unicast address.
        [0x33, 0x33, 0xff, rest @ ..] => {
            return [&address[..3], &noise.bytes("hardware", rest)].concat();
        }
        [0x33, 0x33, ..] => return address.to_vec(),
        _ if nobody => return address.to_vec(),
        _ => {}
    }
    let (used, fill) = address.split_at(address.len().min(6));
    let mut other = noise.bytes("hardware", used);
    other[0] = other[0] & !3 | used[0] & 3;
    // Cooked captures have room for eight bytes.
    let fill = if fill.iter().all(|byte| *byte == 0) {
        fill.to_vec()
    } else {
        noise.bytes("hardware", fill)
    };
    [other, fill].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hardware_addresses_go_and_groups_stay() {
        let noise = Noise::new([7; 32], 0);
        let of = |address: &[u8]| hardware(&noise, address);
        let host = [0x3c, 0x22, 0xfb, 1, 2, 3];
        let other = of(&host);
        assert!(other != host && other[0] & 3 == 0 && other.len() == 6);
        assert_eq!(of(&[0x3e, 0x22, 0xfb, 1, 2, 3])[0] & 3, 2);
        assert_eq!(of(&[&host[..], &[0, 0]].concat())[..6], other[..]);
        for group in [[0xff; 6], [0; 6], [1, 0, 0x5e, 0, 0, 0xfb], [0x33, 0x33, 0, 0, 0, 1]] {
            assert_eq!(of(&group), group);
        }
        let solicited = of(&[0x33, 0x33, 0xff, 1, 2, 3]);
        assert!(solicited[..3] == [0x33, 0x33, 0xff] && solicited[3..] != [1, 2, 3]);
    }

    #[test]
    fn arp_asks_for_others() {
        let noise = Noise::new([7; 32], 0);
        let mut addresses = Addresses::new(noise.clone());
        let packet = [
            &[0, 1, 8, 0, 6, 4, 0, 1, 0x3c, 0x22, 0xfb, 1, 2, 3, 10, 1, 2, 3][..],
            &[0, 0, 0, 0, 0, 0, 10, 1, 2, 9, 0, 0],
        ]
        .concat();
        let mut run = || {
            let mut draft = Draft::new(&noise, &packet);
            other(&noise, &mut addresses, &mut draft, ARP, &packet);
            let out = draft.finish();
            addresses.assign();
            out
        };
        run();
        let out = run();
        assert_eq!((&out[..8], &out[18..24], &out[28..]), (&packet[..8], &[0; 6][..], &[0, 0][..]));
        assert_eq!(out[14..17], out[24..27], "neighbours");
        assert_ne!(out[14..18], packet[14..18]);
        assert_ne!(out[8..14], packet[8..14]);
    }
}
