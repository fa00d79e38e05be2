//! A NAT's parameters in the words of scenario files.

use std::fmt;

use super::params::{
    Filtering, Lifetimes, Limits, Params, Pooling, PortPolicy, Ports, Translation, V6,
};
use crate::Ns;

impl PortPolicy {
    /// The word scenario files use.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Preserve => "preserve",
            Self::PreserveOrDrop => "preserve-or-drop",
            Self::PreserveOverload => "preserve-overload",
            Self::PreserveOverride => "preserve-override",
            Self::Sequential { .. } => "sequential",
            Self::Random => "random",
            Self::Block { .. } => "block",
        }
    }
}

impl Params {
    /// Every parameter by its key in scenario files, with its value as it is written there.
    pub fn words(&self) -> Vec<(&'static str, String)> {
        let mut all = vec![
            ("mapping", self.mapping.to_string()),
            ("filtering", self.filtering.to_string()),
            ("filter-scope", self.filter_scope.to_string()),
            ("reply-binding", self.reply_binding.to_string()),
            ("translation", self.translation.to_string()),
            ("ports", ports(&self.ports)),
            ("addresses", self.addresses.to_string()),
            ("pooling", self.pooling.to_string()),
            ("hairpin", self.hairpin.to_string()),
            ("lifetime", lifetimes(&self.lifetimes)),
            ("refresh", self.refresh.to_string()),
            ("refresh-by-filtered", self.refresh_by_filtered.to_string()),
            ("unsolicited", self.unsolicited.to_string()),
            ("on-filtered", self.on_filtered.to_string()),
            ("changes-on-conflict", self.changes_on_conflict.to_string()),
            ("limits", limits(&self.limits)),
            ("exhaustion", self.exhaustion.to_string()),
            ("ipv6", v6(self.v6).to_owned()),
        ];
        if let Some(tcp) = self.tcp {
            all.push(("tcp", format!("mapping {}, filtering {}", tcp.mapping, tcp.filtering)));
        }
        if !self.forwards.is_empty() {
            all.push(("forwards", self.forwards.len().to_string()));
        }
        all
    }
}

/// What a reader of a list wants to know: mapping, filtering, ports, lifetimes, and whatever is
/// unusual.
impl fmt::Display for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const ALWAYS: [&str; 5] = ["mapping", "filtering", "ports", "hairpin", "lifetime"];
        let usual = Self::default().words();
        let told = self.words().into_iter().filter(|(key, value)| {
            let is_usual = usual.iter().any(|(other, usual)| other == key && usual == value);
            let beside_the_point = self.translation == Translation::OneToOne && *key == "ports";
            let alone = *key == "pooling" && self.addresses == 1 && self.pooling == Pooling::Paired;
            (ALWAYS.contains(key) || !is_usual) && !beside_the_point && !alone
        });
        let parts: Vec<String> = told.map(|(key, value)| format!("{key} {value}")).collect();
        f.write_str(&parts.join(", "))
    }
}

fn ports(ports: &Ports) -> String {
    let mut text = ports.policy.word().to_owned();
    match ports.policy {
        PortPolicy::Sequential { delta } => text.push_str(&format!(" by {delta}")),
        PortPolicy::Block { size } => text.push_str(&format!(" of {size}")),
        _ => {}
    }
    text.push_str(&format!(" ({} to {}", ports.range.start(), ports.range.end()));
    text.push_str(if ports.parity { ", parity kept" } else { "" });
    if ports.hold_down > Ns::ZERO {
        text.push_str(&format!(", {} hold-down", seconds(ports.hold_down)));
    }
    text + ")"
}

fn lifetimes(times: &Lifetimes) -> String {
    let mut text = format!("udp {}", seconds(times.udp));
    let more = [("unreplied", times.unreplied), ("filter", times.filter)];
    for (word, life) in more {
        text.push_str(&life.map_or_else(String::new, |life| format!(" {word} {}", seconds(life))));
    }
    text + &format!(" tcp {} transitory {}", seconds(times.tcp), seconds(times.tcp_transitory))
}

fn limits(limits: &Limits) -> String {
    let all = [
        ("per subscriber", limits.per_subscriber),
        ("in all", limits.mappings),
        ("new per second", limits.new_per_second),
    ];
    let set: Vec<String> =
        all.iter().filter_map(|(word, most)| Some(format!("{} {word}", (*most)?))).collect();
    if set.is_empty() { "none".to_owned() } else { set.join(" ") }
}

fn v6(v6: V6) -> &'static str {
    match v6 {
        V6::Drop => "drop",
        V6::Forward => "forward",
        V6::Firewall(Filtering::EndpointIndependent) => "endpoint-independent",
        V6::Firewall(Filtering::AddressDependent) => "address-dependent",
        V6::Firewall(Filtering::AddressAndPortDependent) => "address-and-port-dependent",
    }
}

fn seconds(span: Ns) -> String {
    match span.0 % 1_000_000_000 {
        0 => format!("{}s", span.0 / 1_000_000_000),
        _ => format!("{}ms", span.0 / 1_000_000),
    }
}

#[cfg(test)]
mod tests {
    use super::super::presets;
    use super::*;

    #[test]
    fn a_list_tells_what_is_unusual() {
        let words = |name: &str| presets::find(name).expect("a preset").params().to_string();
        assert_eq!(
            words("home"),
            "mapping endpoint-independent, filtering address-and-port-dependent, ports preserve \
             (1024 to 65535), hairpin none, lifetime udp 300s tcp 7440s transitory 240s"
        );
        assert_eq!(
            words("cgn"),
            "mapping endpoint-independent, filtering endpoint-independent, ports block of 256 \
             (1024 to 65535, 120s hold-down), hairpin external, lifetime udp 300s tcp 7440s \
             transitory 240s, limits 1024 per subscriber"
        );
        assert!(words("linux-open-input").contains("unsolicited reserve"));
    }

    #[test]
    fn every_parameter_has_its_key_once() {
        let words = Params::default().words();
        let keys: std::collections::BTreeSet<&str> = words.iter().map(|(key, _)| *key).collect();
        assert_eq!(keys.len(), words.len());
    }
}
