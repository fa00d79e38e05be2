//! Capture files: blocks of pcapng and records of pcap moved about, their lengths repaired.

use super::Source;

/// What begins a pcapng file, whatever its byte order.
const PCAPNG: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];
/// Bytes before the first record of a pcap file.
const FILE_HEADER: usize = 24;

/// One change of a file.
pub fn mutate(data: &mut Vec<u8>, source: &mut Source<'_>) {
    super::mostly(data, source, |data, source| {
        if data.starts_with(&PCAPNG) {
            blocks(data, source);
        } else if data.len() > FILE_HEADER && !data.is_ascii() {
            records(data, source);
        } else {
            super::text::lines(data, source);
        }
    });
}

/// Cuts a file into blocks, in little-endian order, with both lengths of each.
fn split(mut data: &[u8]) -> Vec<Vec<u8>> {
    let mut row = Vec::new();
    while !data.is_empty() {
        let length =
            data.get(4..8).and_then(|length| length.try_into().ok()).map(u32::from_le_bytes);
        let length = (length.unwrap_or(12) as usize).max(12).next_multiple_of(4).min(data.len());
        row.push(data[..length].to_vec());
        data = &data[length..];
    }
    row
}

fn blocks(data: &mut Vec<u8>, source: &mut Source<'_>) {
    let mut row = split(data);
    let at = source.below(row.len());
    match source.rng.u8(..8) {
        0 => {
            let again = vec![row[at].clone(); source.pick(&[1, 1, 3])];
            row.splice(at..at, again);
        }
        1 => drop(row.remove(at)),
        2 => {
            let block = row.remove(at);
            row.insert(source.below(row.len() + 1), block);
        }
        3 => row.extend(split(source.donor).into_iter().skip(source.below(4)).take(2)),
        4 => {
            let kind: u32 = source.pick(&[1, 2, 3, 4, 5, 6, 10, 0x0bad, 0x0a0d_0d0a]);
            // The last may have been cut shorter than its type.
            let told = row[at].len().min(4);
            row[at][..told].copy_from_slice(&kind.to_le_bytes()[..told]);
        }
        _ => body(&mut row[at], source),
    }
    *data = row.concat();
}

/// Changes a block's body; both lengths are made right, but for one time in six.
fn body(block: &mut Vec<u8>, source: &mut Source<'_>) {
    if block.len() < 12 {
        return super::bytes::mutate(block, source);
    }
    let mut body = block[8..block.len() - 4].to_vec();
    if source.rng.bool() && body.len() >= 20 {
        let at = source.pick(&[0, 4, 8, 12, 16]);
        let number = source.number(body.len() as u64) as u32;
        body[at..at + 4].copy_from_slice(&number.to_le_bytes());
    } else {
        super::bytes::mutate(&mut body, source);
    }
    body.resize(body.len().next_multiple_of(4), 0);
    let truth = body.len() as u32 + 12;
    let told = if source.one_in(6) { source.number(truth.into()) as u32 } else { truth };
    block.truncate(4);
    block.extend_from_slice(&told.to_le_bytes());
    block.extend_from_slice(&body);
    block.extend_from_slice(&truth.to_le_bytes());
}

/// The same for the records of a pcap file.
fn records(data: &mut Vec<u8>, source: &mut Source<'_>) {
    let mut rest = data.split_off(FILE_HEADER);
    let mut row: Vec<Vec<u8>> = Vec::new();
    while !rest.is_empty() {
        let length = rest.get(8..12).and_then(|length| length.try_into().ok());
        let length = length.map_or(16, |length| u32::from_le_bytes(length) as usize);
        row.push(rest.drain(..length.saturating_add(16).min(rest.len())).collect());
    }
    let at = source.below(row.len());
    match source.rng.u8(..6) {
        _ if row.is_empty() => super::bytes::mutate(data, source),
        0 => row.insert(at, row[at].clone()),
        1 => drop(row.remove(at)),
        2 => super::bytes::mutate(data, source),
        _ => {
            let record = &mut row[at];
            let head: Vec<u8> = record.drain(..record.len().min(16)).collect();
            super::bytes::mutate(record, source);
            let mut head = head;
            if head.len() == 16 {
                let truth = record.len() as u32;
                let told =
                    if source.one_in(6) { source.number(truth.into()) as u32 } else { truth };
                head[8..12].copy_from_slice(&told.to_le_bytes());
            }
            record.splice(0..0, head);
        }
    }
    data.extend(row.concat());
}

/// Magic numbers of files and types of blocks.
#[must_use]
pub fn dictionary() -> Vec<Vec<u8>> {
    let numbers: [u32; 8] = [0xa1b2_c3d4, 0xa1b2_3c4d, 0x1a2b_3c4d, 0x544c_534b, 1, 3, 6, 10];
    let both = numbers.iter().flat_map(|number| [number.to_le_bytes(), number.to_be_bytes()]);
    both.map(|bytes| bytes.to_vec()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mutate::Rng;

    #[test]
    fn blocks_put_together_are_the_file_and_changes_never_panic() {
        let file: Vec<u8> =
            [&PCAPNG[..], &[28, 0, 0, 0], &[7; 16], &[28, 0, 0, 0], &[6, 0, 0, 0, 12]].concat();
        assert_eq!(split(&file).len(), 2);
        assert_eq!(split(&file).concat(), file);
        for seed in 0..5_000 {
            let mut data = file[..seed as usize % (file.len() + 1)].to_vec();
            let rng = Rng::with_seed(seed);
            mutate(&mut data, &mut Source { rng, donor: &file, dictionary: &[], most: 4096 });
        }
    }
}
