//! Data channels: keys of the contract, ids of str0m, and messages its buffer had no room for.

use std::collections::VecDeque;

use rtcspec_adapter_embed::{ChannelKey, Outcome, Refusal};
use rtcspec_control::{ChannelInit, Payload};
use str0m::Rtc;
use str0m::channel::{ChannelConfig, ChannelId, Reliability};

/// A channel of ours or of the other side.
#[derive(Clone, Debug)]
struct Entry {
    key: ChannelKey,
    /// `None` until an offer names it to str0m.
    id: Option<ChannelId>,
    open: bool,
}

/// Every channel of a connection, and what waits to be written.
#[derive(Debug, Default)]
pub(crate) struct Channels {
    entries: Vec<Entry>,
    made: usize,
    waiting: VecDeque<(ChannelId, bool, Vec<u8>)>,
}

impl Channels {
    /// A new channel of ours.
    pub(crate) fn create(&mut self) -> ChannelKey {
        self.insert(None)
    }

    fn insert(&mut self, id: Option<ChannelId>) -> ChannelKey {
        let key = ChannelKey(self.made);
        self.made += 1;
        self.entries.push(Entry { key, id, open: false });
        key
    }

    /// str0m calls this channel `id` from now on.
    pub(crate) fn named(&mut self, key: ChannelKey, id: ChannelId) {
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.key == key) {
            entry.id = Some(id);
        }
    }

    pub(crate) fn id(&self, key: ChannelKey) -> Option<ChannelId> {
        self.entries.iter().find(|entry| entry.key == key).and_then(|entry| entry.id)
    }

    pub(crate) fn key(&self, id: ChannelId) -> Option<ChannelKey> {
        self.entries.iter().find(|entry| entry.id == Some(id)).map(|entry| entry.key)
    }

    /// str0m says it is open: its key, and whether the other side made it.
    pub(crate) fn opened(&mut self, id: ChannelId) -> (ChannelKey, bool) {
        let known = self.key(id);
        let key = known.unwrap_or_else(|| self.insert(Some(id)));
        for entry in self.entries.iter_mut().filter(|entry| entry.key == key) {
            entry.open = true;
        }
        (key, known.is_none())
    }

    /// str0m says it is closed; its id may mean another channel later.
    pub(crate) fn closed(&mut self, id: ChannelId) -> Option<ChannelKey> {
        let key = self.key(id)?;
        self.entries.retain(|entry| entry.key != key);
        self.waiting.retain(|(waiting, ..)| *waiting != id);
        Some(key)
    }

    /// The association is gone, and with it every channel.
    pub(crate) fn close_all(&mut self) -> Vec<ChannelKey> {
        self.waiting.clear();
        self.entries.drain(..).filter(|entry| entry.open).map(|entry| entry.key).collect()
    }

    /// `send`: W3C lets an application hand over more than the stack buffers, so the rest waits
    /// here as it would in any str0m application.
    pub(crate) fn send(
        &mut self,
        rtc: &mut Rtc,
        key: ChannelKey,
        payload: &Payload,
    ) -> Outcome<()> {
        let id = self.id(key).ok_or_else(|| Refusal::state("the channel is not open"))?;
        if rtc.channel(id).is_none() {
            return Err(Refusal::state("the channel is not open"));
        }
        let binary = matches!(payload, Payload::Binary(_));
        self.waiting.push_back((id, binary, payload.bytes().to_vec()));
        self.flush(rtc).map_err(|error| Refusal::error("OperationError", error))
    }

    /// Writes what fits, in the order it was given.
    pub(crate) fn flush(&mut self, rtc: &mut Rtc) -> Result<(), str0m::RtcError> {
        while let Some((id, binary, data)) = self.waiting.front() {
            let written = match rtc.channel(*id) {
                Some(mut channel) => channel.write(*binary, data),
                None => Ok(true),
            };
            match written {
                Ok(false) => break,
                Ok(true) => drop(self.waiting.pop_front()),
                Err(error) => {
                    self.waiting.pop_front();
                    return Err(error);
                }
            }
        }
        Ok(())
    }
}

/// str0m's words for the options of a channel.
pub(crate) fn channel_config(label: &str, init: &ChannelInit) -> Outcome<ChannelConfig> {
    let reliability = match (init.max_retransmits, init.max_packet_life_time) {
        (None, None) => Reliability::Reliable,
        (Some(retransmits), None) => Reliability::MaxRetransmits { retransmits },
        (None, Some(lifetime)) => Reliability::MaxPacketLifetime { lifetime },
        (Some(_), Some(_)) => {
            return Err(Refusal::error("TypeError", "maxRetransmits and maxPacketLifeTime"));
        }
    };
    let negotiated = match (init.negotiated, init.id) {
        (true, None) => return Err(Refusal::error("TypeError", "negotiated without an id")),
        (true, id) => id,
        (false, _) => None,
    };
    Ok(ChannelConfig {
        label: label.to_owned(),
        ordered: init.ordered,
        reliability,
        negotiated,
        protocol: init.protocol.clone(),
    })
}

/// The options of a channel as str0m tells them.
pub(crate) fn channel_told(config: &ChannelConfig, sid: Option<u16>) -> ChannelInit {
    let (max_retransmits, max_packet_life_time) = match config.reliability {
        Reliability::Reliable => (None, None),
        Reliability::MaxRetransmits { retransmits } => (Some(retransmits), None),
        Reliability::MaxPacketLifetime { lifetime } => (None, Some(lifetime)),
    };
    ChannelInit {
        ordered: config.ordered,
        max_retransmits,
        max_packet_life_time,
        protocol: config.protocol.clone(),
        negotiated: config.negotiated.is_some(),
        id: sid,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_survive_the_way_through_the_words_of_str0m() {
        for (max_retransmits, max_packet_life_time) in
            [(None, None), (Some(0), None), (None, Some(9))]
        {
            let init = ChannelInit {
                ordered: false,
                max_retransmits,
                max_packet_life_time,
                protocol: "p".into(),
                negotiated: true,
                id: Some(7),
            };
            let config = channel_config("l", &init).expect("valid");
            assert_eq!(channel_told(&config, Some(7)), init);
        }
    }

    #[test]
    fn both_limits_are_a_type_error() {
        let init = ChannelInit {
            max_retransmits: Some(1),
            max_packet_life_time: Some(1),
            ..ChannelInit::default()
        };
        assert!(matches!(channel_config("", &init), Err(Refusal::Error { name: "TypeError", .. })));
    }
}
