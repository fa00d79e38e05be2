//! Scenario files: what they may say, how they are read, and what is wrong with them.

mod check;
mod error;
mod expect;
mod file;
mod labels;
mod matrix;
mod network;
mod quantity;
mod read;
mod schema;
mod step;
mod tamper;
mod when;

pub use check::{parse_rule, segments, server_reference};
pub use error::{Problem, ScenarioError, nearest};
pub use expect::{
    CandidateType, CandidateTypes, ChannelSeen, Connected, ConsentLost, Delivered, DeliveryOrder,
    DtlsContinuity, Expect, Never, Path, Range, Relay, Resumed, State,
};
pub use file::{
    CandidateOrder, Dtls, Family, File, Ice, Main, OneOrMore, Oracle, Peer, Policy, Role, Sctp,
    Signalling,
};
pub use network::{
    Behaviour, Corruption, Exhaustion, Fault, FaultKind, FilterScope, Firewall, Hairpin, Jitter,
    Kill, Lifetime, Link, LinkState, Loss, Nat, Net, OnFiltered, PacketOrder, Policing, Pooling,
    PortPolicy, Ports, Rate, Refresh, Reorder, ReplyBinding, Server, ServerKind, TcpBehaviour,
    Transport, TurnMethod, Unsolicited, V6,
};
pub use quantity::{BitRate, PerSecond, Share, Time};
pub use read::{Scenario, Variant, read};
pub use schema::json_schema;
pub use step::{
    Block, BlockedProtocol, Channel, CloseChannel, LinkChange, Move, Reboot, Send, Step, Stream,
    main_channel,
};
pub use tamper::{Edit, Hex, Inject, TamperLayer, Tampering};
pub use when::{Anchor, When};
