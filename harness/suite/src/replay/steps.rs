//! From what applications did to the steps of a scenario, each after what it answers.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rtcspec_trace::Party;

use super::scenario::{name, quoted, span};
use super::story::{Act, Deed, Opened, Story, index};
use crate::scenario::main_channel;

/// Steps, and what must come of them.
#[derive(Debug, Default)]
pub(super) struct Steps {
    /// The channel `connect` opens, if the offerer opened one.
    pub(super) main: Option<Opened>,
    /// `[[do]]` sections.
    pub(super) text: String,
    /// `[[expect]]` sections.
    pub(super) expect: String,
    /// What could not be taken over.
    pub(super) notes: Vec<String>,
    /// From the opening of the main channel to the last step.
    pub(super) lasts: Duration,
}

/// Steps of a story.
pub(super) fn steps(story: &Story) -> Steps {
    let mut maker = Maker::new(story);
    for deed in &story.deeds {
        maker.deed(deed);
    }
    maker.finish()
}

/// A point in time of the capture, and its words in a scenario.
#[derive(Clone, Debug)]
struct Anchor {
    at: Duration,
    words: String,
}

struct Maker {
    steps: Steps,
    /// When the main channel was open.
    opened: Duration,
    main_stream: Option<(Party, u16)>,
    /// Labels by stream.
    labels: BTreeMap<u16, String>,
    /// The last step of each party.
    own: [Option<Anchor>; 2],
    /// The delivery of the last message of each party.
    sent: [Option<Anchor>; 2],
    /// Messages by receiver and channel.
    delivered: BTreeMap<(usize, String), u32>,
    unordered: BTreeSet<String>,
    closed: Vec<(Party, String)>,
    used: BTreeSet<String>,
    number: u32,
}

impl Maker {
    fn new(story: &Story) -> Self {
        let main = story.deeds.iter().find_map(|deed| match &deed.act {
            Act::Open(opened) if deed.by == Party::A => Some((deed, opened)),
            _ => None,
        });
        let opened = main.map(|(deed, main)| {
            let acknowledged = story.deeds.iter().find(|other| {
                other.at >= deed.at && other.act == Act::Acknowledge { stream: main.stream }
            });
            acknowledged.map_or(deed.at, |other| other.at)
        });
        let first = story.deeds.first().map(|deed| deed.at);
        let steps = Steps { main: main.map(|(_, main)| main.clone()), ..Steps::default() };
        Self {
            steps,
            opened: opened.or(story.associated).or(first).unwrap_or_default(),
            main_stream: main.map(|(deed, main)| (deed.by, main.stream)),
            labels: BTreeMap::new(),
            own: [None, None],
            sent: [None, None],
            delivered: BTreeMap::new(),
            unordered: BTreeSet::new(),
            closed: Vec::new(),
            used: BTreeSet::new(),
            number: 0,
        }
    }

    fn deed(&mut self, deed: &Deed) {
        self.steps.lasts = self.steps.lasts.max(deed.at.saturating_sub(self.opened));
        match &deed.act {
            Act::Open(opened) => self.open(deed, opened),
            Act::Acknowledge { .. } => {}
            Act::Send { stream, text, bytes, length } => {
                self.send(deed, *stream, *text, bytes, *length);
            }
            Act::Close { stream } => self.close(deed, *stream),
            Act::End => {
                let step = format!("close = {}\n", quoted(name(deed.by)));
                self.step(deed, "end", &step, true);
            }
        }
    }

    fn open(&mut self, deed: &Deed, opened: &Opened) {
        let is_main = self.main_stream == Some((deed.by, opened.stream));
        self.labels.insert(opened.stream, opened.label.clone());
        if !self.used.insert(opened.label.clone()) {
            self.steps.notes.push(format!(
                "several channels have the label {}: what is sent goes to the newest",
                quoted(&opened.label)
            ));
        }
        if !opened.ordered || opened.max_retransmits.or(opened.max_packet_life_time).is_some() {
            self.unordered.insert(opened.label.clone());
        }
        if is_main {
            // A later channel on this stream is another one.
            self.main_stream = None;
            return;
        }
        let from = quoted(name(deed.by));
        let step = format!("channel = {{ from = {from}, {} }}\n", options(opened, ", "));
        self.step(deed, "open", &step, false);
    }

    /// The label of a stream; one that nobody opened by DCEP was negotiated.
    fn label(&mut self, deed: &Deed, stream: u16) -> String {
        if let Some(label) = self.labels.get(&stream) {
            return label.clone();
        }
        let label = format!("stream {stream}");
        self.labels.insert(stream, label.clone());
        self.used.insert(label.clone());
        let from = quoted(name(deed.by));
        let step = format!(
            "channel = {{ from = {from}, label = {}, negotiated = {stream} }}\n",
            quoted(&label)
        );
        self.step(deed, "open", &step, false);
        label
    }

    fn send(&mut self, deed: &Deed, stream: u16, text: bool, bytes: &[u8], length: u64) {
        let label = self.label(deed, stream);
        let content = match std::str::from_utf8(bytes) {
            _ if length > bytes.len() as u64 => {
                self.steps.notes.push(format!(
                    "frame {}: a message of {length} bytes was too long to be kept; other bytes \
                     are sent in its place",
                    deed.number
                ));
                format!("size = {length}")
            }
            Ok(string) if text => format!("text = {}", quoted(string)),
            _ if bytes.is_empty() => "size = 0".to_owned(),
            found => {
                if text && found.is_err() {
                    self.steps.notes.push(format!(
                        "frame {}: a string that is not UTF-8 is sent as bytes",
                        deed.number
                    ));
                }
                format!("base64 = {}", quoted(&STANDARD.encode(bytes)))
            }
        };
        let (from, channel) = (quoted(name(deed.by)), quoted(&label));
        let step = format!("send  = {{ from = {from}, channel = {channel}, {content} }}\n");
        let step = self.step(deed, "send", &step, false);
        self.sent[index(deed.by)] =
            Some(Anchor { at: deed.at, words: format!("{step} delivered") });
        *self.delivered.entry((index(deed.by.other()), label)).or_default() += 1;
    }

    fn close(&mut self, deed: &Deed, stream: u16) {
        let label = self.label(deed, stream);
        let step = format!(
            "close-channel = {{ from = {}, label = {} }}\n",
            quoted(name(deed.by)),
            quoted(&label)
        );
        self.step(deed, "close", &step, true);
        self.labels.remove(&stream);
        self.closed.push((deed.by.other(), label));
    }

    /// Writes a step; one that `waits` comes after the sender's own messages have arrived.
    fn step(&mut self, deed: &Deed, kind: &str, verb: &str, waits: bool) -> String {
        self.number += 1;
        let step = format!("{kind}-{}", self.number);
        let open = Anchor { at: self.opened, words: "open".to_owned() };
        let me = index(deed.by);
        let known = [
            Some(&open).filter(|open| open.at <= deed.at),
            self.own[me].as_ref(),
            self.sent[me].as_ref().filter(|_| waits),
            self.sent[index(deed.by.other())].as_ref(),
        ];
        // Of anchors at one time, the later in this list says more.
        let anchor = known.into_iter().flatten().max_by_key(|anchor| anchor.at);
        let after = match anchor {
            Some(anchor) => {
                let pause = deed.at.saturating_sub(anchor.at);
                let words = if pause.is_zero() {
                    anchor.words.clone()
                } else {
                    format!("{} + {}", anchor.words, span(pause))
                };
                format!("after = {}\n", quoted(&words))
            }
            // It was there before the connection was.
            None if kind == "open" => String::new(),
            None => "after = \"open\"\n".to_owned(),
        };
        let _ = write!(self.steps.text, "\n[[do]]\nname  = {}\n{after}{verb}", quoted(&step));
        self.own[me] = Some(Anchor { at: deed.at.max(self.opened), words: step.clone() });
        step
    }

    fn finish(mut self) -> Steps {
        for ((to, label), count) in &self.delivered {
            let to = quoted(name(if *to == 0 { Party::A } else { Party::B }));
            let order = if self.unordered.contains(label) { ", order = \"any\"" } else { "" };
            let _ = write!(
                self.steps.expect,
                "\n[[expect]]\ndelivered = {{ to = {to}, channel = {}, messages = {count}{order} }}\n",
                quoted(label)
            );
        }
        for (peer, label) in &self.closed {
            let _ = write!(
                self.steps.expect,
                "\n[[expect]]\nchannel = {{ peer = {}, label = {}, closed = {{ min = 1 }} }}\n",
                quoted(name(*peer)),
                quoted(label)
            );
        }
        if self.steps.main.is_none() && !self.steps.text.is_empty() {
            let main = quoted(&main_channel());
            self.steps.notes.push(format!("the offerer opened no channel; {main} stands in"));
        }
        self.steps
    }
}

/// What there is to say of a channel beyond the defaults.
pub(super) fn options(opened: &Opened, between: &str) -> String {
    let mut options = vec![format!("label = {}", quoted(&opened.label))];
    if !opened.protocol.is_empty() {
        options.push(format!("protocol = {}", quoted(&opened.protocol)));
    }
    options.extend((!opened.ordered).then(|| "ordered = false".to_owned()));
    options.extend(opened.max_retransmits.map(|most| format!("max-retransmits = {most}")));
    options
        .extend(opened.max_packet_life_time.map(|most| format!("max-packet-life-time = {most}")));
    options.join(between)
}
