//! `[[do]]`: what happens in a run, and when.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rtcspec_control::Feature;
use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

use super::network::Link;
use super::quantity::{PerSecond, Time};
use super::tamper::Inject;

/// One step: when, and exactly one verb.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Step {
    /// Name, for later steps and expectations to refer to.
    #[schemars(with = "Option<String>")]
    pub name: Option<Spanned<String>>,
    /// Run time.
    pub at: Option<Time>,
    /// `connected`, `open`, the name of a step, `<name> delivered` for a `send` step whose
    /// messages have all arrived, each optionally `+ 5s`.
    #[schemars(with = "Option<String>")]
    pub after: Option<Spanned<String>>,
    /// Only in runs of the matrix with these values.
    #[serde(rename = "if")]
    #[schemars(with = "std::collections::BTreeMap<String, serde_json::Value>")]
    pub condition: std::collections::BTreeMap<String, toml::Value>,

    /// The first peer offers, the second answers.
    #[schemars(with = "Option<Vec<String>>")]
    pub connect: Option<Vec<Spanned<String>>>,
    /// Both peers offer at the same moment.
    #[schemars(with = "Option<Vec<String>>")]
    pub glare: Option<Vec<Spanned<String>>>,
    /// A peer offers and takes it back before it is answered.
    #[schemars(with = "Option<String>")]
    pub rollback: Option<Spanned<String>>,
    /// A peer offers again with new ICE credentials.
    #[schemars(with = "Option<String>")]
    pub restart: Option<Spanned<String>>,
    /// A peer opens one more data channel.
    pub channel: Option<Channel>,
    /// Messages on a channel.
    pub send: Option<Send>,
    /// A steady stream of messages until the end or `for`.
    pub stream: Option<Stream>,
    /// A peer closes a channel.
    pub close_channel: Option<CloseChannel>,
    /// A peer closes its connection.
    #[schemars(with = "Option<String>")]
    pub close: Option<Spanned<String>>,
    /// A peer's interface moves to another segment.
    #[serde(rename = "move")]
    pub moving: Option<Move>,
    /// A NAT loses its state.
    pub reboot: Option<Reboot>,
    /// A NAT gets another external address and loses its state.
    #[schemars(with = "Option<String>")]
    pub renumber: Option<Spanned<String>>,
    /// Every mapping of a NAT expires now.
    #[schemars(with = "Option<String>")]
    pub expire: Option<Spanned<String>>,
    /// A link changes.
    pub link: Option<LinkChange>,
    /// A firewall stops letting a protocol pass: `{ firewall = "office", protocol = "udp" }`.
    pub block: Option<Block>,
    /// And lets it pass again.
    pub unblock: Option<Block>,
    /// A hostile peer sends something that nothing asked for.
    pub inject: Option<Inject>,
}

/// A new data channel (W3C `createDataChannel`).
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Channel {
    /// Who opens it.
    #[schemars(with = "String")]
    pub from: Spanned<String>,
    /// Label.
    pub label: String,
    /// Subprotocol.
    #[serde(default)]
    pub protocol: String,
    /// In-order delivery.
    #[serde(default = "yes")]
    pub ordered: bool,
    /// Most retransmissions.
    #[serde(default)]
    pub max_retransmits: Option<u16>,
    /// Lifetime in milliseconds.
    #[serde(default)]
    pub max_packet_life_time: Option<u16>,
    /// Both peers create it with this id and no DCEP.
    #[serde(default)]
    pub negotiated: Option<u16>,
    /// This many channels; their labels get a number.
    #[serde(default = "one")]
    pub count: u32,
}

fn yes() -> bool {
    true
}

fn one() -> u32 {
    1
}

/// Messages on a channel.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Send {
    /// Sender.
    #[schemars(with = "String")]
    pub from: Spanned<String>,
    /// Channel; the one `connect` opens unless said otherwise.
    #[serde(default = "main_channel")]
    pub channel: String,
    /// How many.
    #[serde(default = "one")]
    pub messages: u32,
    /// Bytes of each; 0 is the empty message.
    #[serde(default)]
    pub size: u32,
    /// Time between two; all at once unless said otherwise.
    #[serde(default)]
    pub every: Option<Time>,
    /// Send this string instead of bytes.
    #[serde(default)]
    pub text: Option<String>,
    /// Send these bytes (RFC 4648 §4) instead of made-up ones.
    #[serde(default)]
    pub base64: Option<String>,
}

impl Send {
    /// The bytes of `base64`, if the message has them.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn bytes(&self) -> Result<Option<Vec<u8>>, base64::DecodeError> {
        self.base64.as_ref().map(|text| STANDARD.decode(text)).transpose()
    }
}

/// Label of the channel that `connect` opens.
#[must_use]
pub fn main_channel() -> String {
    "main".to_owned()
}

/// A steady stream of numbered messages.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Stream {
    /// Its name; it gets a channel of that label.
    pub name: String,
    /// Sender.
    #[schemars(with = "String")]
    pub from: Spanned<String>,
    /// Messages per second.
    pub rate: PerSecond,
    /// Bytes of each.
    pub size: u32,
    /// In-order delivery.
    #[serde(default = "yes")]
    pub ordered: bool,
    /// Retransmission without end.
    #[serde(default = "yes")]
    pub reliable: bool,
    /// How long; to the end of the run unless said otherwise.
    #[serde(default, rename = "for")]
    pub duration: Option<Time>,
}

/// Closing a channel.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CloseChannel {
    /// Who closes it.
    #[schemars(with = "String")]
    pub from: Spanned<String>,
    /// Its label.
    #[serde(default = "main_channel")]
    pub label: String,
}

/// Moving a peer.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Move {
    /// Who moves.
    #[schemars(with = "String")]
    pub peer: Spanned<String>,
    /// Segment it moves to.
    #[schemars(with = "String")]
    pub to: Spanned<String>,
    /// Time without any network in between.
    #[serde(default)]
    pub gap: Time,
}

/// Rebooting a NAT.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Reboot {
    /// Which.
    #[schemars(with = "String")]
    pub nat: Spanned<String>,
    /// Time during which it forwards nothing.
    #[serde(default)]
    pub down: Time,
}

/// Changing a link.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LinkChange {
    /// Which.
    #[schemars(with = "String")]
    pub of: Spanned<String>,
    /// What it is from now on; keys left out stay as they are.
    pub to: Link,
}

/// Blocking a protocol.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Block {
    /// Which firewall or NAT box.
    #[schemars(with = "String")]
    pub at: Spanned<String>,
    /// `udp` or `tcp`.
    pub protocol: BlockedProtocol,
}

/// A protocol that can be blocked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum BlockedProtocol {
    /// UDP.
    Udp,
    /// TCP.
    Tcp,
}

impl Step {
    /// The verbs of the step, by their keys in the file.
    #[must_use]
    pub fn verbs(&self) -> Vec<&'static str> {
        let given = [
            ("connect", self.connect.is_some()),
            ("glare", self.glare.is_some()),
            ("rollback", self.rollback.is_some()),
            ("restart", self.restart.is_some()),
            ("channel", self.channel.is_some()),
            ("send", self.send.is_some()),
            ("stream", self.stream.is_some()),
            ("close-channel", self.close_channel.is_some()),
            ("close", self.close.is_some()),
            ("move", self.moving.is_some()),
            ("reboot", self.reboot.is_some()),
            ("renumber", self.renumber.is_some()),
            ("expire", self.expire.is_some()),
            ("link", self.link.is_some()),
            ("block", self.block.is_some()),
            ("unblock", self.unblock.is_some()),
            ("inject", self.inject.is_some()),
        ];
        given.into_iter().filter(|(_, is)| *is).map(|(verb, _)| verb).collect()
    }

    /// Features the step asks of the peers it names.
    #[must_use]
    pub fn needs(&self) -> Vec<Feature> {
        let mut needs = Vec::new();
        if self.restart.is_some() {
            needs.push(Feature::Restart);
        }
        if self.rollback.is_some() || self.glare.is_some() {
            needs.push(Feature::Rollback);
        }
        if self.moving.is_some() {
            needs.push(Feature::NetworkChange);
        }
        if let Some(channel) = &self.channel {
            if !channel.ordered {
                needs.push(Feature::Unordered);
            }
            if channel.max_retransmits.or(channel.max_packet_life_time).is_some() {
                needs.push(Feature::PrSctp);
            }
            if channel.negotiated.is_some() {
                needs.push(Feature::Negotiated);
            }
        }
        if let Some(stream) = &self.stream {
            if !stream.ordered {
                needs.push(Feature::Unordered);
            }
            if !stream.reliable {
                needs.push(Feature::PrSctp);
            }
        }
        needs
    }
}
