//! RTP packets: the fixed header's fields, sources, elements of the extension, padding.

use rtcspec_wire::rtp::View;

use super::Source;
use super::elements::{Shape, opaque};

/// Bytes before sources and extension.
const FIXED: usize = 12;

/// One change of a packet.
pub fn mutate(data: &mut Vec<u8>, source: &mut Source<'_>) {
    super::mostly(data, source, |data, source| {
        data.resize(data.len().max(FIXED), 0x80);
        match source.rng.u8(..8) {
            0 => fixed(data, source),
            1 => sources(data, source),
            2 => padding(data, source),
            3 => extension_again(data, source),
            4..7 => elements(data, source),
            _ => {
                let mut rest = data.split_off(FIXED);
                super::bytes::mutate(&mut rest, source);
                data.extend_from_slice(&rest);
            }
        }
    });
}

fn fixed(data: &mut [u8], source: &mut Source<'_>) {
    let at = source.pick(&[0, 0, 0, 1, 2, 3, 4, 8, 11]);
    data[at] =
        if source.rng.bool() { data[at] ^ 1 << source.rng.u8(..8) } else { source.rng.u8(..) };
}

/// A source more or less, with the count right but for one time in four.
fn sources(data: &mut Vec<u8>, source: &mut Source<'_>) {
    let count = data[0] & 0x0f;
    let wanted = if source.rng.bool() { count + 1 } else { count.saturating_sub(1) } & 0x0f;
    if !source.one_in(4) {
        if wanted > count {
            data.splice(FIXED..FIXED, [0xde, 0xad, source.rng.u8(..), wanted]);
        } else if wanted < count {
            let end = data.len().min(FIXED + 4);
            data.drain(FIXED..end);
        }
    }
    data[0] = data[0] & 0xf0 | wanted;
}

/// The padding bit, and a count of all sizes.
fn padding(data: &mut Vec<u8>, source: &mut Source<'_>) {
    data[0] |= 0x20;
    let count = source.number(4) as u8;
    if source.rng.bool() {
        data.resize(data.len() + usize::from(count.clamp(1, 32)) - 1, 0);
        data.push(count);
    } else if let Some(last) = data.last_mut() {
        *last = count;
    }
}

/// Where the extension's header is, and where its data ends.
fn place(data: &[u8]) -> Option<(usize, usize)> {
    let start = FIXED + 4 * usize::from(data.first()? & 0x0f);
    let words = data.get(start + 2..start + 4)?;
    let end = start + 4 + 4 * usize::from(u16::from_be_bytes([words[0], words[1]]));
    (data[0] & 0x10 != 0).then_some((start, end.min(data.len())))
}

/// Changes the elements of the extension, fills it to whole words, and counts them.
fn elements(data: &mut Vec<u8>, source: &mut Source<'_>) {
    let Some((start, end)) = place(data) else { return extension_again(data, source) };
    let mut inner = data[start + 4..end].to_vec();
    let two = data[start] == 0x10;
    if two && source.rng.bool() {
        Shape::STEP.mutate(&mut inner, source, opaque);
    } else if source.one_in(3) {
        let at = source.below(inner.len() + 1);
        inner.splice(
            at..at,
            source.pick(&[&[0][..], &[0, 0, 0, 0], &[0xf0], &[0x10, 7], &[5, 0]]).iter().copied(),
        );
    } else {
        super::bytes::mutate(&mut inner, source);
    }
    inner.truncate(1024);
    inner.resize(inner.len().next_multiple_of(4), 0);
    let words = (inner.len() / 4) as u16;
    data.splice(start + 4..end, inner);
    let told = if source.one_in(8) { source.number(words.into()) as u16 } else { words };
    data[start + 2..start + 4].copy_from_slice(&told.to_be_bytes());
}

/// Another form of extension, or one where there was none.
fn extension_again(data: &mut Vec<u8>, source: &mut Source<'_>) {
    let profile: [u8; 2] = source.pick(&[[0xbe, 0xde], [0x10, 0x00], [0x10, 0x05], [0x12, 0x34]]);
    if let Some((start, _)) = place(data) {
        data[start..start + 2].copy_from_slice(&profile);
        return;
    }
    let start = (FIXED + 4 * usize::from(data[0] & 0x0f)).min(data.len());
    let body: &[u8] = if profile[0] == 0x10 {
        &[1, 1, 0xaa, 2, 2, 1, 2, 0]
    } else {
        &[0x10, 0xaa, 0x21, 1, 2, 0, 0, 0]
    };
    data[0] |= 0x10;
    data.splice(start..start, [&profile[..], &[0, 2], body].concat());
}

/// Profiles of extensions.
#[must_use]
pub fn dictionary() -> Vec<Vec<u8>> {
    vec![vec![0xbe, 0xde], vec![0x10, 0], vec![0x10, 0x0f]]
}

/// True where a packet has an extension of elements.
#[must_use]
pub fn has_elements(data: &[u8]) -> bool {
    use rtcspec_wire::rtp::Form;
    let form = View::new(data).extension().map(|extension| extension.form());
    form.is_some_and(|form| !matches!(form, Form::Other(_)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mutate::Rng;

    #[test]
    fn every_profile_of_the_dictionary_is_one_of_elements() {
        for token in dictionary() {
            let packet = [&[0x90, 96, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3], &token[..], &[0, 0]].concat();
            assert!(has_elements(&packet), "{token:02x?}");
        }
    }

    #[test]
    fn most_changes_leave_a_packet() {
        let packet = b"\x90\x60\x00\x01\x00\x00\x00\x02\x00\x00\x00\x03\xbe\xde\x00\x01\x10\xaa\x00\x00payload";
        let mut valid = 0;
        for seed in 0..2_000 {
            let mut data = packet.to_vec();
            let rng = Rng::with_seed(seed);
            mutate(&mut data, &mut Source { rng, donor: packet, dictionary: &[], most: 4096 });
            valid += usize::from(View::new(&data).check().is_ok());
        }
        assert!((1_000..2_000).contains(&valid), "{valid}");
    }
}
