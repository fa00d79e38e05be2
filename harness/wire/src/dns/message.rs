//! Questions for addresses and answers with addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{DnsError, HEADER, IN, LONGEST, Name, RecordType, RecordView, Section, TOP_BIT, View};

/// QR: a response.
pub(super) const RESPONSE: u16 = 0x8000;
/// AA: an authoritative one.
const AUTHORITATIVE: u16 = 0x0400;

/// A query or a response of multicast DNS that is about addresses (RFC 6762 §18).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// 0, or what a simple querier chose (RFC 6762 §18.1, §6.7).
    pub id: u16,
    /// Whether it answers.
    pub response: bool,
    /// What is asked. RFC 6762 §6, §6.7: in a response, only what a simple querier asked.
    pub questions: Vec<Question>,
    /// The answers; in a query, those that are known (RFC 6762 §7.1).
    pub answers: Vec<Record>,
}

/// A question for records of class IN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Whose records.
    pub name: Name,
    /// Of which type.
    pub kind: RecordType,
    /// RFC 6762 §5.4: the response may come by unicast.
    pub unicast: bool,
}

/// An address of a name, of class IN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Whose address.
    pub name: Name,
    /// RFC 6762 §10.2: there are no others; what is known from before is to be forgotten.
    pub flush: bool,
    /// How many seconds it may be kept.
    pub ttl: u32,
    /// The address.
    pub data: Data,
}

/// What a record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Data {
    /// RFC 1035 §3.4.1.
    A(Ipv4Addr),
    /// RFC 3596 §2.2.
    Aaaa(Ipv6Addr),
}

impl Message {
    /// A query.
    #[must_use]
    pub const fn query(id: u16, questions: Vec<Question>) -> Self {
        Self { id, response: false, questions, answers: Vec::new() }
    }

    /// A response to everybody, or to a querier that asked for one by unicast.
    #[must_use]
    pub const fn response(answers: Vec<Record>) -> Self {
        Self { id: 0, response: true, questions: Vec::new(), answers }
    }

    /// Reads a message.
    ///
    /// # Errors
    /// The first [`DnsError`]; a [`View`] shows the rest.
    pub fn parse(bytes: &[u8]) -> Result<Self, DnsError> {
        let view = View::new(bytes);
        let short = DnsError::Short(bytes.len());
        let (id, flags) = view.id().zip(view.flags()).ok_or(short)?;
        // RFC 6762 §18.2 to §18.11: a query has no bit set, a response QR and AA.
        let response = match flags {
            0 => false,
            flags if flags == RESPONSE | AUTHORITATIVE => true,
            flags => return Err(DnsError::Flags(flags)),
        };
        let [_, _, authorities, additionals] = view.counts().ok_or(short)?;
        if authorities != 0 || additionals != 0 {
            return Err(DnsError::Section(authorities.saturating_add(additionals)));
        }
        view.check()?;
        let questions = view.questions().map(|question| {
            let question = question?;
            Ok(Question {
                name: question.name.to_name()?,
                kind: question.kind,
                unicast: top_bit(question.class)?,
            })
        });
        Ok(Self {
            id,
            response,
            questions: questions.collect::<Result<_, DnsError>>()?,
            answers: view.records().map(|record| record?.to_record()).collect::<Result<_, _>>()?,
        })
    }

    /// The bytes to send. A name that came before is a pointer (RFC 6762 §18.14).
    ///
    /// # Errors
    /// [`DnsError::TooLong`].
    pub fn to_bytes(&self) -> Result<Vec<u8>, DnsError> {
        let flags = if self.response { RESPONSE | AUTHORITATIVE } else { 0 };
        // What does not fit into a count does not fit into a message either.
        let count = |length: usize| u16::try_from(length).unwrap_or(u16::MAX);
        let counts = [count(self.questions.len()), count(self.answers.len()), 0, 0];
        let mut bytes = Vec::with_capacity(2 * HEADER);
        bytes.extend([self.id, flags].into_iter().chain(counts).flat_map(u16::to_be_bytes));
        let mut known = Vec::new();
        for question in &self.questions {
            question.name.write(&mut bytes, &mut known);
            bytes.extend(question.kind.0.to_be_bytes());
            bytes.extend(class(question.unicast).to_be_bytes());
        }
        for record in &self.answers {
            record.name.write(&mut bytes, &mut known);
            record.write(&mut bytes);
        }
        match bytes.len() {
            length if length > LONGEST => Err(DnsError::TooLong(length)),
            _ => Ok(bytes),
        }
    }
}

impl Record {
    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.data.kind().0.to_be_bytes());
        bytes.extend(class(self.flush).to_be_bytes());
        bytes.extend(self.ttl.to_be_bytes());
        match self.data {
            Data::A(address) => {
                bytes.extend(4_u16.to_be_bytes());
                bytes.extend(address.octets());
            }
            Data::Aaaa(address) => {
                bytes.extend(16_u16.to_be_bytes());
                bytes.extend(address.octets());
            }
        }
    }
}

impl RecordView<'_> {
    /// The record, if it is a valid one with an address.
    ///
    /// # Errors
    /// The first [`DnsError`].
    pub fn to_record(&self) -> Result<Record, DnsError> {
        if self.section != Section::Answer {
            return Err(DnsError::Section(1));
        }
        let length = || DnsError::Address(self.data.len());
        let data = match self.kind {
            RecordType::A => <[u8; 4]>::try_from(self.data).map(|ip| Data::A(ip.into())),
            RecordType::AAAA => <[u8; 16]>::try_from(self.data).map(|ip| Data::Aaaa(ip.into())),
            other => return Err(DnsError::Type(other)),
        };
        Ok(Record {
            name: self.name.to_name()?,
            flush: top_bit(self.class)?,
            ttl: self.ttl,
            data: data.map_err(|_| length())?,
        })
    }
}

impl Data {
    /// The type of its record.
    #[must_use]
    pub const fn kind(self) -> RecordType {
        match self {
            Self::A(_) => RecordType::A,
            Self::Aaaa(_) => RecordType::AAAA,
        }
    }

    /// The address.
    #[must_use]
    pub const fn ip(self) -> IpAddr {
        match self {
            Self::A(ip) => IpAddr::V4(ip),
            Self::Aaaa(ip) => IpAddr::V6(ip),
        }
    }
}

impl From<IpAddr> for Data {
    fn from(ip: IpAddr) -> Self {
        match ip {
            IpAddr::V4(ip) => Self::A(ip),
            IpAddr::V6(ip) => Self::Aaaa(ip),
        }
    }
}

const fn class(top_bit: bool) -> u16 {
    if top_bit { IN | TOP_BIT } else { IN }
}

/// The top bit of class IN.
fn top_bit(class: u16) -> Result<bool, DnsError> {
    match class & !TOP_BIT {
        IN => Ok(class & TOP_BIT != 0),
        other => Err(DnsError::Class(other)),
    }
}
