//! The packets of a capture as other kinds of captures have them, to be damaged too.

use rtcspec_capture::read::{Item, Record, Records};

/// Packets of a little-endian classic file, as records that `write` makes of each.
fn rewritten(
    file: &[u8],
    link: u32,
    mut write: impl FnMut(&Record<'_>, &mut dyn FnMut(&[u8])),
) -> Vec<u8> {
    let mut records = Records::new(file).expect("a capture");
    let mut out = Vec::new();
    for word in [0xa1b2_c3d4, 0x0004_0002, 0, 0, 1 << 18, link] {
        out.extend_from_slice(&u32::to_le_bytes(word));
    }
    while let Some(item) = records.next_item() {
        let Item::Packet(record) = item else { continue };
        let micros = record.nanos / 1000;
        write(&record, &mut |frame| {
            let length = frame.len() as u32;
            let head = [(micros / 1_000_000) as u32, (micros % 1_000_000) as u32, length, length];
            head.iter().for_each(|word| out.extend_from_slice(&word.to_le_bytes()));
            out.extend_from_slice(frame);
        });
    }
    out
}

/// As `tcpdump -i any` on a router sees them: twice, and beyond it with another source.
pub(crate) fn as_any(file: &[u8]) -> Vec<u8> {
    rewritten(file, 276, |record, write| {
        let (Some(kind), Some(packet)) = (record.bytes.get(12..14), record.bytes.get(14..)) else {
            return;
        };
        for (index, leaves) in [(2, 0), (3, 4)] {
            let head = [0, 0, 0, 0, 0, index, 0, 1, leaves, 6, 0, 0, 0, 0, 0, 0, 0, 0];
            let mut frame = [kind, &head, packet].concat();
            if let (3, Some(source)) = (index, frame.get_mut(20 + 12..20 + 16))
                && source[3] == 10
            {
                source.copy_from_slice(&[198, 18, 0, 1]);
            }
            write(&frame);
        }
    })
}

/// What their UDP carries on TCP, each datagram behind its length (RFC 4571).
pub(crate) fn as_streams(file: &[u8]) -> Vec<u8> {
    let mut sequences = std::collections::BTreeMap::new();
    rewritten(file, 101, |record, write| {
        let Some(packet) = record.bytes.get(14..).filter(|packet| packet.len() > 28) else {
            return;
        };
        if packet[0] != 0x45 || packet[9] != 17 {
            return;
        }
        let payload = &packet[28..];
        let framed = [&(payload.len() as u16).to_be_bytes(), payload].concat();
        let sequence: &mut u32 = sequences.entry(packet[12..24].to_vec()).or_insert(1);
        let mut out = packet[..20].to_vec();
        out[9] = 6;
        out[2..4].copy_from_slice(&(40 + framed.len() as u16).to_be_bytes());
        out.extend_from_slice(&packet[20..24]);
        out.extend_from_slice(&sequence.to_be_bytes());
        out.extend_from_slice(&[0, 0, 0, 0, 0x50, 0x18, 1, 0, 0, 0, 0, 0]);
        out.extend_from_slice(&framed);
        *sequence = sequence.wrapping_add(framed.len() as u32);
        write(&out);
    })
}

/// Their payloads as lines of a log of SCTP packets, which most of them are not.
pub(crate) fn as_log(file: &[u8]) -> Vec<u8> {
    let mut records = Records::new(file).expect("a capture");
    let mut out = Vec::new();
    while let Some(item) = records.next_item() {
        let Item::Packet(record) = item else { continue };
        let Some(payload) = record.bytes.get(42..) else { continue };
        let seconds = record.number % 60;
        out.extend_from_slice(format!("O 12:00:{seconds:02}.000 0000 13 88 13 88").as_bytes());
        for byte in payload.iter().take(600) {
            out.extend_from_slice(format!(" {byte:02x}").as_bytes());
        }
        out.extend_from_slice(b" # SCTP_PACKET x\n");
    }
    out
}
