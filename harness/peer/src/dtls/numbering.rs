//! Sequence numbers of records in the clear.
//!
//! dimpl 0.9 sends a flight of epoch 0 again under the record numbers it had. RFC 6347 §4.2.2 and
//! RFC 9147 §5.2 want a new record for a message that is sent again, and a receiver that looks for
//! replays drops the old one. Records in the clear are authenticated by nothing, so their numbers
//! can be mended on the way out.

use rtcspec_wire::dtls::{HandshakeType, PlaintextRecord, Record, Records};

/// Numbers the plaintext records of one direction.
#[derive(Debug, Default)]
pub(super) struct Numbering {
    next: u64,
}

impl Numbering {
    /// The number after all that were used.
    pub(super) const fn next(&self) -> u64 {
        self.next
    }

    /// Gives each plaintext record of a datagram a number that was not used yet; those that have
    /// one keep it.
    pub(super) fn apply(&mut self, datagram: &mut [u8]) {
        const SEQUENCE: usize = 5;
        let mut at = 0;
        for (length, number) in self.numbers(datagram) {
            if let Some(number) = number
                && let Some(field) = datagram.get_mut(at + SEQUENCE..at + SEQUENCE + 6)
            {
                field.copy_from_slice(&number.to_be_bytes()[2..]);
            }
            at += length;
        }
    }

    /// The length of each record of the old form, and its new number if it is to have one.
    fn numbers(&mut self, datagram: &[u8]) -> Vec<(usize, Option<u64>)> {
        let mut numbers = Vec::new();
        for record in Records::new(datagram) {
            let Record::Plaintext(record) = record else { break };
            let length = PlaintextRecord::HEADER_LENGTH + record.cid.len() + record.content.len();
            numbers.push((length, self.number(&record)));
        }
        numbers
    }

    fn number(&mut self, record: &PlaintextRecord<'_>) -> Option<u64> {
        // RFC 6347 §4.2.1: a HelloVerifyRequest has the number of the ClientHello it answers.
        let verify = |fragment: rtcspec_wire::dtls::HandshakeFragment<'_>| {
            fragment.msg_type == HandshakeType::HELLO_VERIFY_REQUEST
        };
        if record.is_encrypted() || record.handshake().flatten().next().is_some_and(verify) {
            return None;
        }
        let number = record.sequence_number.max(self.next);
        self.next = number + 1;
        Some(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(content_type: u8, epoch: u8, number: u8, content: &[u8]) -> Vec<u8> {
        let length = u8::try_from(content.len()).unwrap();
        let mut bytes = vec![content_type, 0xfe, 0xfd, 0, epoch, 0, 0, 0, 0, 0, number, 0, length];
        bytes.extend_from_slice(content);
        bytes
    }

    fn numbers(datagram: &[u8]) -> Vec<u64> {
        let number = |record| match record {
            Record::Plaintext(record) => record.sequence_number,
            _ => u64::MAX,
        };
        Records::new(datagram).map(number).collect()
    }

    #[test]
    fn what_is_sent_again_has_numbers_of_its_own_and_the_rest_keeps_them() {
        let mut numbering = Numbering::default();
        let flight = [record(22, 0, 4, &[1; 20]), record(20, 0, 5, &[1]), record(22, 1, 0, &[9])];
        let mut first = flight.concat();
        numbering.apply(&mut first);
        assert_eq!(first, flight.concat());
        let mut again = flight.concat();
        numbering.apply(&mut again);
        assert_eq!(numbers(&again), [6, 7, 0]);
        assert_eq!(numbering.next(), 8);
    }

    #[test]
    fn hello_verify_request_keeps_the_number_of_the_hello() {
        let request = [&[3, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 3][..], &[0xfe, 0xff, 0]].concat();
        let mut numbering = Numbering::default();
        for _ in 0..2 {
            let mut datagram = record(22, 0, 1, &request);
            numbering.apply(&mut datagram);
            assert_eq!(numbers(&datagram), [1]);
        }
        assert_eq!(numbering.next(), 0);
    }

    #[test]
    fn what_is_no_record_stays_as_it_is() {
        for bytes in [&[][..], &[22, 0xfe], &[0x2f, 0, 0], &[7; 40]] {
            let mut datagram = bytes.to_vec();
            Numbering::default().apply(&mut datagram);
            assert_eq!(datagram, bytes);
        }
    }
}
