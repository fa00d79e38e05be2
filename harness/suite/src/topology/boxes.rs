//! Parameters of boxes and links: from the words of a file to the engine's types.

use rtcspec_net::fabric::Protocol;
use rtcspec_net::firewall::{self, Action, Kill, KillAfter, Rule};
use rtcspec_net::link::{self, Direction};
use rtcspec_net::nat::{self, presets};
use rtcspec_net::{Ns, link as net_link};

use crate::scenario::{
    Behaviour, BlockedProtocol, Corruption, Exhaustion, FilterScope, Firewall, Hairpin, Link,
    LinkState, Loss, Nat, OnFiltered, PacketOrder, Policing, Pooling, PortPolicy, Ports, Refresh,
    ReplyBinding, Share, TcpBehaviour, Time, Unsolicited, V6, parse_rule,
};

/// A NAT's parameters: its preset, then what the file overrides.
#[must_use]
pub fn nat_params(section: &Nat) -> nat::Params {
    let preset = section.preset.as_ref().and_then(|name| presets::find(name.get_ref()));
    let mut params = preset.map_or_else(nat::Params::default, presets::Preset::params);
    if let Some(mapping) = section.mapping {
        params.mapping = mapping_of(mapping);
    }
    if let Some(filtering) = section.filtering {
        params.filtering = filtering_of(filtering);
    }
    if let Some(scope) = section.filter_scope {
        params.filter_scope = match scope {
            FilterScope::Mapping => nat::FilterScope::Mapping,
            FilterScope::Endpoint => nat::FilterScope::Endpoint,
        };
    }
    if let Some(binding) = section.reply_binding {
        params.reply_binding = match binding {
            ReplyBinding::None => nat::ReplyBinding::None,
            ReplyBinding::First => nat::ReplyBinding::First,
            ReplyBinding::Latest => nat::ReplyBinding::Latest,
        };
    }
    if let Some(ports) = &section.ports {
        nat_ports(ports, &mut params.ports);
    }
    rare_nat_params(section, &mut params);
    nat_limits(section, &mut params);
    params
}

fn nat_ports(ports: &Ports, params: &mut nat::Ports) {
    params.policy = match ports.policy {
        PortPolicy::Preserve => nat::PortPolicy::Preserve,
        PortPolicy::PreserveOrDrop => nat::PortPolicy::PreserveOrDrop,
        PortPolicy::PreserveOverload => nat::PortPolicy::PreserveOverload,
        PortPolicy::PreserveOverride => nat::PortPolicy::PreserveOverride,
        PortPolicy::Sequential => nat::PortPolicy::Sequential { delta: ports.step.unwrap_or(1) },
        PortPolicy::Random => nat::PortPolicy::Random,
        // A block without a size was refused when the file was read.
        PortPolicy::Block => nat::PortPolicy::Block { size: ports.block.unwrap_or(1) },
    };
    if let Some((low, high)) = ports.range {
        params.range = low..=high;
    }
    params.parity = ports.parity.unwrap_or(params.parity);
    params.hold_down = ports.hold_down.map_or(params.hold_down, ns);
}

fn nat_limits(section: &Nat, params: &mut nat::Params) {
    let limits = &mut params.limits;
    limits.per_subscriber = section.subscriber_limit.or(limits.per_subscriber);
    limits.mappings = section.mapping_limit.or(limits.mappings);
    limits.new_per_second = section.new_per_second.or(limits.new_per_second);
    if let Some(exhaustion) = section.exhaustion {
        params.exhaustion = match exhaustion {
            Exhaustion::Drop => nat::Exhaustion::Drop,
            Exhaustion::Reject => nat::Exhaustion::Reject,
            Exhaustion::EvictOldest => nat::Exhaustion::EvictOldest,
        };
    }
    params.refresh_by_filtered = section.refresh_by_filtered.unwrap_or(params.refresh_by_filtered);
    params.changes_on_conflict = section.changes_on_conflict.unwrap_or(params.changes_on_conflict);
    if let Some(TcpBehaviour { mapping, filtering }) = section.tcp {
        let (mapping, filtering) = (mapping_of(mapping), filtering_of(filtering));
        params.tcp = Some(nat::TcpBehavior { mapping, filtering });
    }
    if let Some(v6) = section.ipv6 {
        params.v6 = match v6 {
            V6::Drop => nat::V6::Drop,
            V6::Forward => nat::V6::Forward,
            V6::EndpointIndependent => nat::V6::Firewall(nat::Filtering::EndpointIndependent),
            V6::AddressDependent => nat::V6::Firewall(nat::Filtering::AddressDependent),
            V6::AddressAndPortDependent => {
                nat::V6::Firewall(nat::Filtering::AddressAndPortDependent)
            }
        };
    }
}

fn rare_nat_params(section: &Nat, params: &mut nat::Params) {
    if let Some(addresses) = section.addresses {
        params.addresses = usize::from(addresses);
    }
    if let Some(pooling) = section.pooling {
        params.pooling = match pooling {
            Pooling::Paired => nat::Pooling::Paired,
            Pooling::Arbitrary => nat::Pooling::Arbitrary,
            Pooling::RoundRobin => nat::Pooling::RoundRobin,
        };
    }
    if let Some(hairpin) = section.hairpin {
        params.hairpin = match hairpin {
            Hairpin::None => nat::Hairpin::None,
            Hairpin::Internal => nat::Hairpin::Internal,
            Hairpin::External => nat::Hairpin::External,
        };
    }
    if let Some(lifetime) = &section.lifetime {
        params.lifetimes.udp = lifetime.udp.map_or(params.lifetimes.udp, ns);
        params.lifetimes.unreplied = lifetime.unreplied.map(ns).or(params.lifetimes.unreplied);
        params.lifetimes.filter = lifetime.filter.map(ns).or(params.lifetimes.filter);
        params.lifetimes.tcp = lifetime.tcp.map_or(params.lifetimes.tcp, ns);
        let transitory = &mut params.lifetimes.tcp_transitory;
        *transitory = lifetime.tcp_transitory.map_or(*transitory, ns);
    }
    if let Some(refresh) = section.refresh {
        params.refresh = match refresh {
            Refresh::Outbound => nat::Refresh::Outbound,
            Refresh::Inbound => nat::Refresh::Inbound,
            Refresh::Both => nat::Refresh::Both,
            Refresh::None => nat::Refresh::None,
        };
    }
    if let Some(unsolicited) = section.unsolicited {
        params.unsolicited = match unsolicited {
            Unsolicited::Drop => nat::Unsolicited::Drop,
            Unsolicited::Reject => nat::Unsolicited::Reject,
            Unsolicited::Reserve => nat::Unsolicited::Reserve,
        };
    }
    if let Some(on_filtered) = section.on_filtered {
        params.on_filtered = match on_filtered {
            OnFiltered::Nothing => nat::OnFiltered::Nothing,
            OnFiltered::KillMapping => nat::OnFiltered::KillMapping,
            OnFiltered::BlockSource => nat::OnFiltered::BlockSource,
        };
    }
}

/// A firewall's parameters.
#[must_use]
pub fn firewall_params(section: &Firewall) -> firewall::Params {
    let mut params = firewall::Params {
        default_out: section.default_out.map_or(Action::Allow, action),
        default_in: section.default_in.map_or(Action::Allow, action),
        stateful: section.filtering.map(filtering_of),
        ..firewall::Params::default()
    };
    let mut rules = |texts: &[toml::Spanned<String>], direction, action| {
        for text in texts {
            // Rules were checked when the file was read.
            if let Ok((protocol, port)) = parse_rule(text.get_ref()) {
                let rule = Rule::new(direction, action).protocol(protocol_of(protocol));
                params.rules.push(port.map_or(rule.clone(), |port| rule.remote_port(port)));
            }
        }
    };
    rules(&section.deny_out, Direction::Out, Action::Drop);
    rules(&section.deny_in, Direction::In, Action::Drop);
    rules(&section.allow_out, Direction::Out, Action::Allow);
    rules(&section.allow_in, Direction::In, Action::Allow);
    if let Some(after) = section.kill_after {
        params.kill.push(Kill { protocol: None, after: KillAfter::Time(ns(after)) });
    }
    for kill in &section.kill {
        let protocol = kill.protocol.map(protocol_of);
        let after = match kill.packets {
            Some(packets) => KillAfter::Packets(packets),
            // A rule with neither was refused when the file was checked.
            None => KillAfter::Time(kill.after.map_or(Ns::ZERO, ns)),
        };
        params.kill.push(Kill { protocol, after });
    }
    params
}

/// A link's parameters, outwards and inwards, on top of what it was before.
#[must_use]
pub fn link_params(section: &Link, before: [link::Params; 2]) -> [link::Params; 2] {
    let [out, inwards] = before.map(|params| one_direction(section, params));
    let Some(rate) = section.rate else { return [out, inwards] };
    let with = |params: link::Params, bits: u64| link::Params {
        rate: Some(net_link::Rate { bits_per_second: bits, queue: ns(rate.queue) }),
        ..params
    };
    [with(out, rate.up.0), with(inwards, rate.down.0)]
}

fn one_direction(section: &Link, mut params: link::Params) -> link::Params {
    if let Some(delay) = section.delay {
        params.latency = ns(delay);
    }
    if let Some(jitter) = section.jitter {
        let keep_order = jitter.order == PacketOrder::Kept;
        params.jitter = Some(net_link::Jitter { up_to: ns(jitter.up_to), keep_order });
    }
    if let Some(loss) = &section.loss {
        params.loss = loss_of(loss);
    }
    if let Some(share) = section.duplicate {
        params.duplicate = probability(share);
    }
    if let Some(reorder) = section.reorder {
        let probability = probability(reorder.share);
        params.reorder = Some(net_link::Reorder { probability, by: ns(reorder.by) });
    }
    if let Some(share) = section.corrupt {
        params.corrupt = Some(net_link::Corruption {
            probability: probability(share),
            kind: match section.corruption {
                Some(Corruption::Truncate) => net_link::CorruptionKind::Truncate,
                Some(Corruption::Byte) => net_link::CorruptionKind::Byte,
                Some(Corruption::Bit) | None => net_link::CorruptionKind::Bit,
            },
            repair: true,
        });
    }
    if let Some(bytes) = section.mtu {
        let icmp = section.mtu_icmp.unwrap_or(false);
        params.mtu = Some(net_link::Mtu { bytes, icmp });
    }
    if let Some(state) = section.state {
        params.up = state == LinkState::Up;
    }
    params
}

fn loss_of(loss: &Loss) -> net_link::Loss {
    match loss {
        Loss::Uniform(share) => net_link::Loss::Uniform { probability: probability(*share) },
        Loss::GilbertElliott { good_to_bad, bad_to_good, in_good, in_bad } => {
            net_link::Loss::GilbertElliott {
                good_to_bad: probability(*good_to_bad),
                bad_to_good: probability(*bad_to_good),
                in_good: probability(*in_good),
                in_bad: probability(*in_bad),
            }
        }
        Loss::Every(n) => net_link::Loss::EveryNth(u64::from(*n)),
        Loss::Packets(numbers) => {
            net_link::Loss::Listed(numbers.iter().copied().map(u64::from).collect())
        }
    }
}

fn probability(share: Share) -> f64 {
    f64::from(share.0) / 1e6
}

fn ns(time: Time) -> Ns {
    Ns::from(time.0)
}

fn mapping_of(behaviour: Behaviour) -> nat::Mapping {
    match behaviour {
        Behaviour::EndpointIndependent => nat::Mapping::EndpointIndependent,
        Behaviour::AddressDependent => nat::Mapping::AddressDependent,
        Behaviour::AddressAndPortDependent => nat::Mapping::AddressAndPortDependent,
    }
}

fn filtering_of(behaviour: Behaviour) -> nat::Filtering {
    match behaviour {
        Behaviour::EndpointIndependent => nat::Filtering::EndpointIndependent,
        Behaviour::AddressDependent => nat::Filtering::AddressDependent,
        Behaviour::AddressAndPortDependent => nat::Filtering::AddressAndPortDependent,
    }
}

fn action(policing: Policing) -> Action {
    match policing {
        Policing::Allow => Action::Allow,
        Policing::Drop => Action::Drop,
        Policing::Reject => Action::Reject,
    }
}

/// The engine's word for a protocol.
#[must_use]
pub(super) fn protocol_of(protocol: BlockedProtocol) -> Protocol {
    match protocol {
        BlockedProtocol::Udp => Protocol::Udp,
        BlockedProtocol::Tcp => Protocol::Tcp,
    }
}
