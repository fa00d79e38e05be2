//! DNS messages: header, names with their pointers, entries and their counts.

use rtcspec_wire::dns::{Data, HEADER, Message, Name, Question, Record, RecordType};

use super::Source;

/// Types with their class, flags, and names with pointers.
#[must_use]
pub fn dictionary() -> Vec<Vec<u8>> {
    let tokens: [&[u8]; 12] = [
        b"\x84\x00",
        b"\x05local\x00",
        b"\xc0\x0c",
        b"\x00\x01\x00\x01",
        b"\x00\x01\x80\x01",
        b"\x00\x1c\x00\x01",
        b"\x00\x1c\x80\x01",
        b"\x00\xff\x00\x01",
        b"\x00\x0c\x00\x01",
        b"\x00\x00\x00\x78\x00\x04",
        b"\x00\x00\x00\x78\x00\x10",
        b"\x00\x10",
    ];
    tokens.map(<[u8]>::to_vec).to_vec()
}

/// A message that can be read is changed and written again; of others the header, a name, or an
/// entry more.
pub fn change(data: &mut Vec<u8>, source: &mut Source<'_>) {
    if data.len() < HEADER {
        data.resize(HEADER, 0);
    }
    match source.rng.u8(..8) {
        0 => header(data, source),
        1 | 2 => name(data, source),
        3 => entry(data, source),
        4 => super::bytes::mutate(data, source),
        _ => match Message::parse(data) {
            Ok(mut message) => {
                value(&mut message, source);
                if let Ok(bytes) = message.to_bytes() {
                    *data = bytes;
                }
            }
            Err(_) => name(data, source),
        },
    }
}

/// Flags, identifier, or a count.
fn header(data: &mut [u8], source: &mut Source<'_>) {
    let at = 2 * source.below(HEADER / 2);
    let now = u16::from_be_bytes([data[at], data[at + 1]]);
    let new = match at {
        2 => source.pick(&[0, 0x8400, 0x8000, 0x8580, 0x0100, 0x0200, 0x7800, 0x8403]),
        _ => source.number(u64::from(now)) as u16,
    };
    data[at..at + 2].copy_from_slice(&new.to_be_bytes());
}

/// A label or a pointer over whatever is there, or put in.
fn name(data: &mut Vec<u8>, source: &mut Source<'_>) {
    let at = HEADER + source.below((data.len() - HEADER).max(1));
    let at = at.min(data.len());
    let to = source.below(data.len()) as u16;
    let piece = match source.rng.u8(..5) {
        0 => vec![source.pick(&[0, 1, 63, 64, 0x80, 0xbf])],
        1 => b"\x05local\x00".to_vec(),
        2 => vec![1, source.rng.u8(..)],
        3 => (0xc000 | at as u16).to_be_bytes().to_vec(),
        _ => (0xc000 | to).to_be_bytes().to_vec(),
    };
    let over = if source.one_in(2) { at } else { (at + piece.len()).min(data.len()) };
    data.splice(at..over, piece);
}

/// A record at the end, and counted: with the name of the first, or the root.
fn entry(data: &mut Vec<u8>, source: &mut Source<'_>) {
    let section = source.pick(&[6, 6, 6, 6, 8, 10]);
    data.extend_from_slice(source.pick(&[&b"\xc0\x0c"[..], b"\0", b"\x01a\xc0\x0c"]));
    data.extend(source.pick(&[1_u16, 1, 28, 28, 12, 255]).to_be_bytes());
    data.extend(source.pick(&[1_u16, 0x8001, 0x8001, 3]).to_be_bytes());
    data.extend(source.number(120).to_be_bytes()[4..].iter());
    let length = source.pick(&[4_u8, 4, 16, 16, 0, 5, 15]);
    data.extend([0, length]);
    data.extend((0..length).map(|_| source.rng.u8(..)));
    count(data, section, 1);
}

/// More entries of a section.
fn count(data: &mut [u8], at: usize, more: u16) {
    let now = u16::from_be_bytes([data[at], data[at + 1]]);
    data[at..at + 2].copy_from_slice(&now.wrapping_add(more).to_be_bytes());
}

/// One thing that a valid message says.
fn value(message: &mut Message, source: &mut Source<'_>) {
    let known = message.questions.iter().map(|it| &it.name);
    let known: Vec<Name> =
        known.chain(message.answers.iter().map(|it| &it.name)).cloned().collect();
    let which = source.below(known.len());
    let name = known.get(which).cloned().and_then(|name| varied(name, source));
    let Some(name) = name.or_else(|| "a.local".parse().ok()) else { return };
    match source.rng.u8(..6) {
        0 => message.response = !message.response,
        1 => message.id = source.number(u64::from(message.id)) as u16,
        2 => {
            let kind = source.pick(&[RecordType::A, RecordType::AAAA, RecordType::ANY]);
            message.questions.push(Question { name, kind, unicast: source.one_in(2) });
        }
        3 if !message.questions.is_empty() => {
            message.questions.remove(source.below(message.questions.len()));
        }
        4 if !message.answers.is_empty() => {
            message.answers.remove(source.below(message.answers.len()));
        }
        _ => {
            let data = if source.one_in(2) {
                Data::A(source.rng.u32(..).into())
            } else {
                Data::Aaaa(source.rng.u128(..).into())
            };
            let ttl = source.number(120) as u32;
            message.answers.push(Record { name, flush: source.one_in(2), ttl, data });
        }
    }
}

/// The name, or it with a label before it, or without its first, or in capitals.
fn varied(name: Name, source: &mut Source<'_>) -> Option<Name> {
    let text = name.to_string();
    match source.rng.u8(..5) {
        0 => format!("x{}.{text}", source.rng.u8(..)).parse().ok(),
        1 => text.split_once('.')?.1.parse().ok(),
        2 => text.to_ascii_uppercase().parse().ok(),
        3 => format!("{}.{text}", "long".repeat(15)).parse().ok(),
        _ => Some(name),
    }
}
