use crate::Ns;

/// One way or the other through a link or firewall.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// Away from the host or from the inside of the NAT it belongs to.
    Out,
    /// Towards it.
    In,
}

impl Direction {
    /// Both, out first.
    pub const ALL: [Self; 2] = [Self::Out, Self::In];

    /// The other one.
    #[must_use]
    pub const fn reverse(self) -> Self {
        match self {
            Self::Out => Self::In,
            Self::In => Self::Out,
        }
    }

    /// `out` or `in`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Out => "out",
            Self::In => "in",
        }
    }
}

/// Extra delay, uniformly distributed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Jitter {
    /// At most this much.
    pub up_to: Ns,
    /// Whether packets still leave in the order they came in.
    pub keep_order: bool,
}

/// Which packets are lost. Packets are counted from 1 in each direction.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Loss {
    /// None.
    #[default]
    None,
    /// Each with this probability.
    Uniform {
        /// 0 to 1.
        probability: f64,
    },
    /// Two states (Gilbert 1960, Elliott 1963); the first packet finds the good one.
    GilbertElliott {
        /// Probability, before each packet, of leaving the good state.
        good_to_bad: f64,
        /// Probability, before each packet, of leaving the bad state.
        bad_to_good: f64,
        /// Probability of loss in the good state.
        in_good: f64,
        /// Probability of loss in the bad state.
        in_bad: f64,
    },
    /// Each packet whose number is a multiple of this; 0 loses none.
    EveryNth(u64),
    /// The packets of these numbers.
    Listed(Vec<u64>),
}

/// Some packets are held back so that later ones overtake them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reorder {
    /// How likely a packet is held back, 0 to 1.
    pub probability: f64,
    /// For how long.
    pub by: Ns,
}

/// What corruption does to the bytes behind the transport header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CorruptionKind {
    /// One bit changes.
    Bit,
    /// One byte changes.
    Byte,
    /// The end is missing.
    Truncate,
}

/// Some packets are damaged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Corruption {
    /// How likely, 0 to 1.
    pub probability: f64,
    /// How.
    pub kind: CorruptionKind,
    /// Whether lengths and checksums are made right again, so that the damage reaches the receiver.
    pub repair: bool,
}

/// How fast a link sends and how much may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Bits of IP packets per second; 0 counts as 1.
    pub bits_per_second: u64,
    /// A packet that would wait longer than this is dropped at the tail.
    pub queue: Ns,
}

/// The largest packet that passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mtu {
    /// Bytes of IP packet.
    pub bytes: u16,
    /// Whether the sender of a larger one learns of it by ICMP; no: a black hole.
    pub icmp: bool,
}

/// One direction of a link.
#[derive(Clone, Debug, PartialEq)]
pub struct Params {
    /// Time every packet takes.
    pub latency: Ns,
    /// Time some packets take longer.
    pub jitter: Option<Jitter>,
    /// Packets that vanish.
    pub loss: Loss,
    /// How likely a packet arrives twice, 0 to 1.
    pub duplicate: f64,
    /// Packets held back.
    pub reorder: Option<Reorder>,
    /// Packets damaged.
    pub corrupt: Option<Corruption>,
    /// Speed; none: infinite.
    pub rate: Option<Rate>,
    /// Largest packet; none: any.
    pub mtu: Option<Mtu>,
    /// Whether anything passes at all.
    pub up: bool,
}

impl Default for Params {
    /// A wire that changes nothing and takes no time.
    fn default() -> Self {
        Self {
            latency: Ns::ZERO,
            jitter: None,
            loss: Loss::None,
            duplicate: 0.0,
            reorder: None,
            corrupt: None,
            rate: None,
            mtu: None,
            up: true,
        }
    }
}

impl Params {
    /// A wire that only takes time.
    pub fn latency(latency: Ns) -> Self {
        Self { latency, ..Self::default() }
    }
}
