use std::fmt;

use crate::Ns;
use crate::nat::{
    Exhaustion, FilterScope, Filtering, Hairpin, Mapping, OnFiltered, Params, Pooling, PortPolicy,
    Ports, Refresh, ReplyBinding, Translation, Unsolicited,
};

/// What was seen of a box. `None` throughout: it could not be told, because packets that would
/// have shown it did not come back or because the behaviour has no effect on such a box.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Class {
    /// RFC 5780 §4.3, with nobody else behind the box.
    pub mapping: Option<Mapping>,
    /// The same after a neighbour has sent from the same port: a box that answers differently now
    /// is not deterministic (RFC 4787 REQ-11).
    pub crowded: Option<Mapping>,
    /// RFC 5780 §4.4.
    pub filtering: Option<Filtering>,
    /// Whether a host's mappings share what their filters remember.
    pub filter_scope: Option<FilterScope>,
    /// Whether packets that come in choose the mapping of their answers.
    pub reply_binding: Option<ReplyBinding>,
    /// External ports (RFC 4787 §4.2).
    pub ports: PortUse,
    /// External addresses one host was seen with.
    pub addresses: usize,
    /// RFC 4787 §6. `Some(None)` says that nothing arrived; a filter may be why.
    pub hairpin: Option<Hairpin>,
    /// Life of an idle UDP mapping that was answered, in whole seconds.
    pub lifetime: Option<Ns>,
    /// Life of one that was not.
    pub unreplied: Option<Ns>,
    /// What restarts that life.
    pub refresh: Option<Refresh>,
}

/// How external ports relate to internal ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortUse {
    /// They are the same.
    Preserved(Collision),
    /// Each is the last one plus a step.
    Counted {
        /// The step.
        step: u16,
    },
    /// Neither.
    Scattered {
        /// They lie so near to each other that they come from one block.
        block: bool,
        /// Odd ones are mapped to odd ones, even ones to even ones (RFC 4787 REQ-4).
        parity: bool,
    },
    /// Too few packets came back to tell.
    Untold,
}

/// What a host gets whose port is that of a neighbour's mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Collision {
    /// Another port.
    Other,
    /// The same port, as long as the remote differs (RFC 4787 REQ-3 forbids it).
    Shared,
    /// The same port; the neighbour loses it.
    Taken,
    /// No mapping.
    Refused,
    /// The two have different external addresses.
    Unseen,
}

impl fmt::Display for Collision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Other | Self::Unseen => "preserves ports",
            Self::Shared => "preserves ports and shares them between hosts",
            Self::Taken => "preserves ports and takes them from whoever has them",
            Self::Refused => "preserves ports or gives none",
        })
    }
}

impl fmt::Display for PortUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Preserved(collision) => collision.fmt(f),
            Self::Counted { step } => write!(f, "counts ports by {step}"),
            Self::Scattered { block, parity } => {
                f.write_str(if *block { "ports from a block" } else { "random ports" })?;
                f.write_str(if *parity { " with parity kept" } else { "" })
            }
            Self::Untold => f.write_str("ports could not be told"),
        }
    }
}

/// One line, as verdicts show it.
impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNTOLD: &str = "could not be told";
        write!(f, "mapping {}", self.mapping.map_or(UNTOLD, Mapping::word))?;
        if let Some(crowded) = self.crowded.filter(|crowded| Some(*crowded) != self.mapping) {
            write!(f, " ({crowded} when ports collide)")?;
        }
        write!(f, ", filtering {}", self.filtering.map_or(UNTOLD, Filtering::word))?;
        if self.filter_scope == Some(FilterScope::Endpoint) {
            f.write_str(" by host")?;
        }
        match self.reply_binding {
            Some(ReplyBinding::First) => f.write_str(", first packet binds answers")?,
            Some(ReplyBinding::Latest) => f.write_str(", latest packet binds answers")?,
            Some(ReplyBinding::None) | None => {}
        }
        write!(f, ", {}", self.ports)?;
        if self.addresses > 1 {
            write!(f, ", a host has {} addresses", self.addresses)?;
        }
        f.write_str(match self.hairpin {
            Some(Hairpin::External) => ", hairpins",
            Some(Hairpin::Internal) => ", hairpins with internal sources",
            Some(Hairpin::None) => ", nothing hairpinned",
            None => "",
        })?;
        let seconds = |span: Ns| span.0 / 1_000_000_000;
        match (self.lifetime, self.refresh) {
            (Some(life), Some(refresh)) => {
                write!(f, ", {} s refreshed {}", seconds(life), refreshed(refresh))?;
            }
            _ => f.write_str(", no end of mappings seen")?,
        }
        match self.unreplied.filter(|life| Some(*life) != self.lifetime) {
            Some(life) => write!(f, ", {} s unreplied", seconds(life)),
            None => Ok(()),
        }
    }
}

fn refreshed(refresh: Refresh) -> &'static str {
    match refresh {
        Refresh::Outbound => "from inside",
        Refresh::Inbound => "from outside",
        Refresh::Both => "from both sides",
        Refresh::None => "by nothing",
    }
}

impl Class {
    /// How the measurement differs from what a box of these parameters must show, one difference
    /// each; empty if it does not. What could not be told of a box whose limits or whose manners
    /// towards filtered packets get in the way is no difference.
    pub fn disagreements(&self, params: &Params) -> Vec<String> {
        let mut all = Vec::new();
        let mut compare = |what: &str, configured: String, measured: Option<String>, due: bool| {
            let excused = is_tight(params) || measured.is_none() && !due;
            if measured.as_ref() != Some(&configured) && !excused {
                let measured = measured.unwrap_or_else(|| "untold".to_owned());
                all.push(format!("{what}: configured {configured}, measured {measured}"));
            }
        };
        let drops = params.ports.policy == PortPolicy::PreserveOrDrop && keeps_ports(params);
        let mapping = looks_like(params);
        let told = !drops || mapping == Mapping::EndpointIndependent && !evicts(params);
        compare("mapping", mapping.to_string(), self.mapping.map(|seen| seen.to_string()), told);
        if params.addresses == 1 && params.translation == Translation::Ports && !drops {
            let crowded = when_crowded(params).to_string();
            let seen = self.crowded.map(|seen| seen.to_string());
            compare("mapping when ports collide", crowded, seen, true);
        }
        let filtering = params.filtering.to_string();
        compare("filtering", filtering, self.filtering.map(|seen| seen.to_string()), true);
        let scope = params.filter_scope.to_string();
        compare("filter-scope", scope, self.filter_scope.map(|seen| seen.to_string()), false);
        let binding = params.reply_binding.to_string();
        compare("reply-binding", binding, self.reply_binding.map(|seen| seen.to_string()), false);
        all.extend(self.port_disagreement(params));
        all.extend(self.hairpin_disagreement(params));
        all.extend(self.lifetime_disagreements(params));
        all
    }

    fn port_disagreement(&self, params: &Params) -> Option<String> {
        let fits = match (params.ports.policy, self.ports) {
            // Limits that are soon reached decide what is given; few ports can look like anything.
            _ if is_tight(params) => true,
            (_, PortUse::Preserved(Collision::Unseen)) if keeps_ports(params) => true,
            (PortPolicy::Preserve, PortUse::Preserved(collision)) => collision == Collision::Other,
            (PortPolicy::PreserveOrDrop, PortUse::Preserved(collision)) => {
                collision == Collision::Refused || collision == Collision::Taken && evicts(params)
            }
            (PortPolicy::PreserveOverload, PortUse::Preserved(collision)) => {
                // Who has one mapping for all has nothing that would tell two hosts apart.
                let shares = params.mapping != Mapping::EndpointIndependent;
                collision == if shares { Collision::Shared } else { Collision::Other }
            }
            (PortPolicy::PreserveOverride, PortUse::Preserved(collision)) => {
                collision == Collision::Taken
            }
            (PortPolicy::Sequential { delta }, PortUse::Counted { step }) => step == delta,
            // Skipping ports of the wrong parity, wrapping round, or a count for each address is no
            // even step.
            (PortPolicy::Sequential { delta }, PortUse::Scattered { .. }) => {
                let wraps = count(&params.ports) / usize::from(delta.max(1)) < MEASURED;
                params.ports.parity || is_pooled(params) || wraps
            }
            (PortPolicy::Random | PortPolicy::Block { .. }, PortUse::Scattered { parity, .. }) => {
                parity || !params.ports.parity
            }
            _ => false,
        };
        let pooled = params.translation == Translation::Ports && is_pooled(params);
        let addresses = self.addresses > 1;
        if !fits {
            let policy = params.ports.policy;
            return Some(format!("ports: configured {policy:?}, measured {}", self.ports));
        }
        (addresses && !pooled || pooled && !addresses && !is_tight(params)).then(|| {
            format!("pooling: configured {}, measured {} addresses", params.pooling, self.addresses)
        })
    }

    fn hairpin_disagreement(&self, params: &Params) -> Option<String> {
        let open = params.filtering == Filtering::EndpointIndependent;
        let steady = params.mapping == Mapping::EndpointIndependent;
        // The filter of the one must know where the packets of the other come from.
        let shown = match params.hairpin {
            Hairpin::None => true,
            // One of the two has the other's port, or both have one, or another one than they were
            // seen with.
            _ if params.ports.policy == PortPolicy::PreserveOverride => false,
            _ if params.ports.policy == PortPolicy::PreserveOverload && !steady => false,
            Hairpin::External if params.changes_on_conflict => open,
            Hairpin::Internal => open,
            // Where the neighbour's packet came first, its endpoints are taken.
            Hairpin::External if params.unsolicited == Unsolicited::Reserve => open,
            Hairpin::External => open || steady || params.translation == Translation::OneToOne,
        };
        let punished = params.on_filtered != OnFiltered::Nothing && !open;
        let seen = self.hairpin?;
        let fits = seen == params.hairpin
            || seen == Hairpin::None && (!shown || punished || is_tight(params));
        (!fits).then(|| format!("hairpin: configured {}, measured {seen}", params.hairpin))
    }

    fn lifetime_disagreements(&self, params: &Params) -> Vec<String> {
        let times = params.lifetimes;
        let open = params.filtering == Filtering::EndpointIndependent;
        let filter = times.filter.filter(|_| !open).unwrap_or(Ns::NEVER);
        let never_ends = params.translation == Translation::OneToOne && open;
        let whole = |life: Ns| {
            let life = life.min(filter);
            let seconds = life.0.div_ceil(1_000_000_000);
            (!never_ends && seconds <= 86_400).then_some(Ns::secs(seconds))
        };
        let mut all = Vec::new();
        let mut compare = |what: &str, configured: Option<Ns>, measured: Option<Ns>| {
            if configured != measured && !(measured.is_none() && is_tight(params)) {
                let word = |life: Option<Ns>| {
                    life.map_or("no end".to_owned(), |life| format!("{} s", life.0 / 1_000_000_000))
                };
                let (configured, measured) = (word(configured), word(measured));
                all.push(format!("{what}: configured {configured}, measured {measured}"));
            }
        };
        compare("lifetime", whole(times.udp), self.lifetime);
        compare("lifetime unreplied", whole(times.unreplied.unwrap_or(times.udp)), self.unreplied);
        if let Some(refresh) = self.refresh.filter(|refresh| *refresh != params.refresh) {
            all.push(format!("refresh: configured {}, measured {refresh}", params.refresh));
        }
        all
    }
}

/// Ports that are enough to measure anything.
const MEASURED: usize = 64;

/// Whether external ports are the internal ones while nobody else has them.
fn keeps_ports(params: &Params) -> bool {
    params.translation == Translation::OneToOne
        || matches!(
            params.ports.policy,
            PortPolicy::Preserve
                | PortPolicy::PreserveOrDrop
                | PortPolicy::PreserveOverload
                | PortPolicy::PreserveOverride
        )
}

/// The mapping behaviour as one host alone sees it: where every mapping has the internal port,
/// mappings cannot be told apart.
fn looks_like(params: &Params) -> Mapping {
    let same =
        matches!(params.ports.policy, PortPolicy::PreserveOverload | PortPolicy::PreserveOverride)
            || evicts(params);
    match params.translation {
        Translation::OneToOne => Mapping::EndpointIndependent,
        Translation::Ports if same && !is_pooled(params) => Mapping::EndpointIndependent,
        // A host's own first mapping takes the port from its second.
        Translation::Ports
            if params.changes_on_conflict
                && params.ports.policy == PortPolicy::Preserve
                && params.mapping != Mapping::EndpointIndependent =>
        {
            Mapping::AddressAndPortDependent
        }
        Translation::Ports => params.mapping,
    }
}

/// Whether a mapping takes the port that it cannot have otherwise from the one before.
fn evicts(params: &Params) -> bool {
    params.ports.policy == PortPolicy::PreserveOrDrop
        && params.exhaustion == Exhaustion::EvictOldest
}

/// The same when a neighbour has the port already.
fn when_crowded(params: &Params) -> Mapping {
    match params.ports.policy {
        PortPolicy::PreserveOverride => Mapping::EndpointIndependent,
        PortPolicy::Preserve if params.changes_on_conflict => Mapping::AddressAndPortDependent,
        _ => params.mapping,
    }
}

/// Whether mappings of one host have several addresses.
fn is_pooled(params: &Params) -> bool {
    params.addresses > 1 && params.pooling != Pooling::Paired
}

/// Whether the box has so few ports that random ones repeat.
fn is_small(params: &Params) -> bool {
    match params.ports.policy {
        // One block is for one host.
        PortPolicy::Block { size } => {
            usize::from(size) < MEASURED || count(&params.ports) / usize::from(size) < 4
        }
        _ => count(&params.ports) < MEASURED,
    }
}

/// Ports that a box has.
fn count(ports: &Ports) -> usize {
    usize::from(ports.range.end().saturating_sub(*ports.range.start())) + 1
}

/// Whether the box has less than the measurements ask for.
fn is_tight(params: &Params) -> bool {
    let few = |limit: Option<u32>| limit.is_some_and(|most| most < 24);
    let limits = &params.limits;
    few(limits.per_subscriber)
        || few(limits.mappings)
        || few(limits.new_per_second)
        || is_small(params)
}
