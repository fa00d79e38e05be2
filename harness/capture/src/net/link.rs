//! What is below IP: link layers by their number (<https://www.tcpdump.org/linktypes.html>).

/// VLAN tags in one frame; more are not followed.
const MAX_TAGS: usize = 4;

const ETHERTYPE_IPV4: u16 = 0x0800;
const ETHERTYPE_IPV6: u16 = 0x86dd;
/// IEEE 802.1Q, 802.1ad, and the number used for stacked tags before the latter.
const ETHERTYPE_TAGS: [u16; 3] = [0x8100, 0x88a8, 0x9100];

/// The packet type of cooked captures for what this machine sends.
const SENT_BY_US: u8 = 4;

/// What a link-layer frame carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carried<'a> {
    /// A packet that begins with an IP header.
    Ip(&'a [u8]),
    /// A packet that begins with an SCTP common header.
    Sctp(&'a [u8]),
    /// Something else, by its `EtherType`, or by its length where IEEE 802.3 has one.
    Other(u16),
    /// Nobody knows: the link type is none of ours.
    UnknownLink,
    /// Its header is not whole.
    Short,
}

/// Takes the link layer off.
#[inline]
pub(crate) fn carried(link: u16, frame: &[u8]) -> Carried<'_> {
    match link {
        1 => typed(frame, 12),
        // LINKTYPE_RAW, and DLT_RAW as two kinds of BSD number it.
        101 | 12 | 14 | 228 | 229 => Carried::Ip(frame),
        113 => typed(frame, 14),
        276 => sll2(frame),
        0 | 108 => family(link, frame),
        248 => Carried::Sctp(frame),
        _ => Carried::UnknownLink,
    }
}

/// Where a cooked capture of all interfaces saw a frame: the interface's index, which version 1
/// does not have, and whether the frame left
/// (<https://www.tcpdump.org/linktypes/LINKTYPE_LINUX_SLL2.html>).
pub(crate) fn seen_at(link: u16, frame: &[u8]) -> (u32, Option<bool>) {
    match (link, frame) {
        (113, [a, b, ..]) => (0, Some([*a, *b] == [0, SENT_BY_US])),
        (276, [_, _, _, _, a, b, c, d, _, _, kind, ..]) => {
            (u32::from_be_bytes([*a, *b, *c, *d]), Some(*kind == SENT_BY_US))
        }
        _ => (0, None),
    }
}

/// A header with an `EtherType` at its end, perhaps followed by VLAN tags.
fn typed(frame: &[u8], mut at: usize) -> Carried<'_> {
    for _ in 0..=MAX_TAGS {
        let Some(&[high, low]) = frame.get(at..at + 2) else { return Carried::Short };
        let kind = u16::from_be_bytes([high, low]);
        at += 2;
        if !ETHERTYPE_TAGS.contains(&kind) {
            return by_type(kind, &frame[at..]);
        }
        // The tag's own two bytes, then the next EtherType.
        at += 2;
    }
    Carried::Other(ETHERTYPE_TAGS[0])
}

fn by_type(kind: u16, packet: &[u8]) -> Carried<'_> {
    match kind {
        ETHERTYPE_IPV4 | ETHERTYPE_IPV6 => Carried::Ip(packet),
        other => Carried::Other(other),
    }
}

/// Linux cooked capture v2: the `EtherType` comes first.
fn sll2(frame: &[u8]) -> Carried<'_> {
    let (Some(&[high, low, ..]), Some(packet)) = (frame.first_chunk::<20>(), frame.get(20..))
    else {
        return Carried::Short;
    };
    match u16::from_be_bytes([high, low]) {
        tag if ETHERTYPE_TAGS.contains(&tag) => typed(packet, 2),
        kind => by_type(kind, packet),
    }
}

/// BSD loopback: a protocol family, in network order or, in NULL, in that of who captured.
fn family(link: u16, frame: &[u8]) -> Carried<'_> {
    let (Some(family), Some(packet)) = (frame.first_chunk::<4>(), frame.get(4..)) else {
        return Carried::Short;
    };
    let big = u32::from_be_bytes(*family);
    let number = if link == 0 && big > 0xffff { big.swap_bytes() } else { big };
    match number {
        // AF_INET everywhere; AF_INET6 of Linux, NetBSD, FreeBSD, Darwin and Windows.
        2 | 10 | 24 | 28 | 30 | 23 => Carried::Ip(packet),
        other => Carried::Other(other as u16),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACKET: &[u8] = &[0x45, 1, 2, 3];

    fn with(head: &[u8]) -> Vec<u8> {
        [head, PACKET].concat()
    }

    #[test]
    fn every_link_type_gives_its_packet() {
        let ethernet = with(&[&[0; 12][..], &[8, 0]].concat());
        let tagged = with(&[&[0; 12][..], &[0x81, 0, 0, 5, 8, 0]].concat());
        let double = with(&[&[0; 12][..], &[0x88, 0xa8, 0, 5, 0x81, 0, 0, 6, 0x86, 0xdd]].concat());
        let cooked = with(&[&[0; 14][..], &[8, 0]].concat());
        let cooked_tagged = with(&[&[0; 14][..], &[0x81, 0, 0, 1, 8, 0]].concat());
        let cooked2 = with(&[&[8, 0][..], &[0; 18]].concat());
        let cooked2_tagged = with(&[&[0x81, 0][..], &[0; 18], &[0, 7, 8, 0]].concat());
        for (link, frame) in [
            (1, ethernet),
            (1, tagged),
            (1, double),
            (113, cooked),
            (113, cooked_tagged),
            (276, cooked2),
            (276, cooked2_tagged),
            (0, with(&[2, 0, 0, 0])),
            (0, with(&[0, 0, 0, 2])),
            (0, with(&[30, 0, 0, 0])),
            (108, with(&[0, 0, 0, 24])),
        ] {
            assert_eq!(carried(link, &frame), Carried::Ip(PACKET), "{link} {frame:?}");
        }
        for link in [101, 12, 14, 228, 229] {
            assert_eq!(carried(link, PACKET), Carried::Ip(PACKET));
        }
        assert_eq!(carried(248, PACKET), Carried::Sctp(PACKET));
    }

    #[test]
    fn cooked_frames_say_where_they_were_seen() {
        let cooked2 = [&[8, 0, 0, 0, 0, 0, 0, 7, 0, 1, 4][..], &[0; 9]].concat();
        assert_eq!(seen_at(276, &cooked2), (7, Some(true)));
        assert_eq!(seen_at(113, &[&[0, 4][..], &[0; 14]].concat()), (0, Some(true)));
        assert_eq!(seen_at(113, &[0; 16]), (0, Some(false)));
        assert_eq!((seen_at(276, &[0; 10]), seen_at(1, &cooked2)), ((0, None), (0, None)));
    }

    #[test]
    fn other_frames_say_what_they_are() {
        let arp = with(&[&[0; 12][..], &[8, 6]].concat());
        assert_eq!(carried(1, &arp), Carried::Other(0x0806));
        assert_eq!(carried(1, &[0; 13]), Carried::Short);
        assert_eq!(carried(276, &[0; 19]), Carried::Short);
        assert_eq!(carried(0, &[7, 0, 0, 0]), Carried::Other(7));
        assert_eq!(carried(105, PACKET), Carried::UnknownLink);
        let tags = [&[0; 12][..], &[0x81, 0, 0, 1].repeat(9)].concat();
        assert_eq!(carried(1, &tags), Carried::Other(0x8100));
    }
}
