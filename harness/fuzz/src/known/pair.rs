//! Two SCTP associations without a network between them, and whoever writes in one's name.

use std::time::Duration;

use rtcspec_peer::rng::Rng;
use rtcspec_peer::sctp::{Association, Config, Event, Message, Reliability, State};
use rtcspec_wire::sctp::{
    Checksum, Chunk, Packet, Ppid, StreamId, Tsn, VerificationTag, set_checksum,
};

/// The first TSN of either side.
pub(super) const TSN: u32 = 1000;

/// Both sides, and all that was sent.
pub(super) struct Pair {
    pub(super) sides: [Association; 2],
    pub(super) now: Duration,
    /// The tags of both, as far as somebody has used them.
    tags: [VerificationTag; 2],
    sent: Vec<(usize, Packet)>,
    events: Vec<(usize, Event)>,
}

/// Options of rows that say nothing else.
pub(super) fn config() -> Config {
    Config { interleaving: false, initial_tsn: Some(Tsn(TSN)), ..Config::default() }
}

impl Pair {
    /// Two that have not begun.
    pub(super) fn new(config: &Config) -> Self {
        let side = |seed| Association::new(config.clone(), Rng::new(seed));
        Self {
            sides: [side(1), side(2)],
            now: Duration::ZERO,
            tags: [VerificationTag::ZERO; 2],
            sent: Vec::new(),
            events: Vec::new(),
        }
    }

    /// Two that are connected, with nothing told of it.
    pub(super) fn connected(config: &Config) -> Self {
        let mut pair = Self::new(config);
        pair.sides[0].connect(pair.now);
        pair.settle();
        pair.forget();
        pair
    }

    /// Forgets what was sent and told.
    pub(super) fn forget(&mut self) {
        self.events.clear();
        self.sent.clear();
    }

    /// The packets that a side has ready.
    pub(super) fn take(&mut self, who: usize) -> Vec<Packet> {
        std::iter::from_fn(|| self.sides[who].poll_transmit()).collect()
    }

    /// Gives a side bytes.
    pub(super) fn give(&mut self, who: usize, bytes: &[u8]) {
        self.sides[who].receive(self.now, bytes);
    }

    /// Carries packets until there are none.
    pub(super) fn settle(&mut self) {
        loop {
            let mut is_silent = true;
            for who in [0, 1] {
                for packet in self.take(who) {
                    is_silent = false;
                    let bytes = bytes(&packet);
                    if packet.verification_tag != VerificationTag::ZERO {
                        self.tags[1 - who] = packet.verification_tag;
                    }
                    self.sent.push((who, packet));
                    self.give(1 - who, &bytes);
                }
                let told = std::iter::from_fn(|| self.sides[who].poll_event());
                self.events.extend(told.map(|event| (who, event)));
            }
            if is_silent {
                return;
            }
        }
    }

    /// Lets time pass.
    pub(super) fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            self.settle();
            let wakes = self.sides.iter().filter_map(Association::wake);
            let Some(next) = wakes.min().filter(|next| *next <= end) else { break };
            self.now = self.now.max(next);
            let now = self.now;
            self.sides.iter_mut().for_each(|side| side.advance(now));
        }
        self.now = end;
    }

    /// Sends a message of the first side.
    pub(super) fn send(&mut self, stream: u16, data: Vec<u8>) {
        let sent = self.sides[0].send(
            self.now,
            StreamId(stream),
            Ppid::BINARY,
            data,
            Reliability::RELIABLE,
        );
        debug_assert!(sent.is_ok(), "{sent:?}");
        self.settle();
    }

    /// Chunks to the second side, in the first's name.
    pub(super) fn forge(&mut self, chunks: Vec<Chunk>) {
        let packet = packet(self.tags[1], chunks);
        self.give(1, &bytes(&packet));
        self.settle();
    }

    /// Chunks as bytes, which no value can be.
    pub(super) fn forge_raw(&mut self, chunks: &[u8]) {
        let mut bytes = bytes(&packet(self.tags[1], Vec::new()));
        bytes.extend_from_slice(chunks);
        set_checksum(&mut bytes, Checksum::Crc32c);
        self.give(1, &bytes);
        self.settle();
    }

    /// What a side said and told, and its state if it is not established.
    pub(super) fn told(&self, who: usize) -> String {
        let packets = self.sent.iter().filter(|(from, _)| *from == who);
        let mut words: Vec<String> = packets.map(|(_, packet)| in_words(packet)).collect();
        if words.is_empty() {
            words.push("silence".to_owned());
        }
        words.extend(self.events.iter().filter(|(of, _)| *of == who).map(|(_, event)| tell(event)));
        let state = self.sides[who].state();
        if state != State::Established {
            words.push(format!("{state:?}"));
        }
        words.join(", ")
    }
}

/// A packet on the ports of both.
pub(super) fn packet(verification_tag: VerificationTag, chunks: Vec<Chunk>) -> Packet {
    Packet { source_port: 5000, destination_port: 5000, verification_tag, chunks }
}

/// Its bytes.
pub(super) fn bytes(packet: &Packet) -> Vec<u8> {
    packet.encode(Checksum::Crc32c).expect("chunks of a test fit their length fields")
}

/// A packet by its chunks; of a SACK what it acknowledges, of an ABORT or ERROR why.
pub(super) fn in_words(packet: &Packet) -> String {
    let words = packet.chunks.iter().map(|chunk| match chunk {
        Chunk::Sack(sack) if sack.gap_blocks.is_empty() => {
            format!("SACK {}", sack.cumulative_tsn_ack)
        }
        Chunk::Sack(sack) => {
            let gaps = sack.gap_blocks.iter().map(|gap| format!(" +{}-{}", gap.start, gap.end));
            format!("SACK {}{}", sack.cumulative_tsn_ack, gaps.collect::<String>())
        }
        Chunk::Abort(abort) => format!("ABORT {:?}", abort.causes),
        Chunk::Error(error) => format!("ERROR {:?}", error.causes),
        Chunk::CookieEcho(echo) => format!("COOKIE-ECHO of {} bytes", echo.cookie.len()),
        other => other.chunk_type().to_string(),
    });
    words.collect::<Vec<_>>().join(" + ")
}

fn tell(event: &Event) -> String {
    match event {
        Event::Message(Message { data, .. }) if data.len() > 20 => {
            format!("a message of {} bytes", data.len())
        }
        Event::Message(Message { data, .. }) => {
            format!("message {:?}", String::from_utf8_lossy(data))
        }
        Event::Connected => "connected".to_owned(),
        other => format!("{other:?}"),
    }
}
