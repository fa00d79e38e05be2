//! Classes of devices by name.

use super::params::{
    Exhaustion, Filtering, Hairpin, Lifetimes, Limits, Mapping, Params, PortPolicy, Ports, Refresh,
    ReplyBinding, Translation, Unsolicited, V6,
};
use crate::Ns;

/// A class of devices.
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    /// Its name in scenario files.
    pub name: &'static str,
    /// What it is, in one line.
    pub about: &'static str,
    make: fn() -> Params,
}

impl Preset {
    /// Its parameters.
    pub fn params(&self) -> Params {
        (self.make)()
    }
}

/// The preset of that name.
pub fn find(name: &str) -> Option<&'static Preset> {
    ALL.iter().find(|preset| preset.name == name)
}

/// Every preset. `linux`, `linux-open-input` and `openwrt-fullcone` follow what the Linux kernel
/// does; the others describe the class and are not calibrated against one product.
pub const ALL: &[Preset] = &[
    Preset {
        name: "full-cone",
        about: "EIM/EIF: one mapping, open to all (RFC 3489's full cone)",
        make: || Params::new(Mapping::EndpointIndependent, Filtering::EndpointIndependent),
    },
    Preset {
        name: "restricted-cone",
        about: "EIM/ADF: one mapping, open to addresses that were sent to",
        make: || Params::new(Mapping::EndpointIndependent, Filtering::AddressDependent),
    },
    Preset {
        name: "port-restricted-cone",
        about: "EIM/APDF: one mapping, open to addresses and ports that were sent to",
        make: || Params::new(Mapping::EndpointIndependent, Filtering::AddressAndPortDependent),
    },
    Preset {
        name: "symmetric",
        about: "APDM/APDF with random ports: a new mapping for each remote endpoint",
        make: symmetric,
    },
    Preset {
        name: "symmetric-sequential",
        about: "APDM/APDF with ports counted up by one",
        make: || Params {
            ports: Ports { policy: PortPolicy::Sequential { delta: 1 }, ..Ports::default() },
            ..symmetric()
        },
    },
    Preset {
        name: "home",
        about: "home router: EIM/APDF, ports preserved, 300 s refreshed from inside, no hairpinning",
        make: Params::default,
    },
    Preset {
        name: "linux",
        about: "Linux masquerade: APDM/APDF on preserved, overloaded ports, 30 s / 120 s",
        make: linux,
    },
    Preset {
        name: "linux-open-input",
        about: "Linux masquerade on a router that accepts input: unsolicited packets clash",
        make: || Params { unsolicited: Unsolicited::Reserve, ..linux() },
    },
    Preset {
        name: "openwrt-fullcone",
        about: "Linux with a full-cone add-on: EIM/EIF, answers bound to the mapping packets came by",
        make: || Params {
            mapping: Mapping::EndpointIndependent,
            filtering: Filtering::EndpointIndependent,
            reply_binding: ReplyBinding::Latest,
            ports: Ports::default(),
            ..linux()
        },
    },
    Preset {
        name: "pf",
        about: "BSD pf: APDM/APDF with random ports, 30 s / 60 s",
        make: || Params {
            lifetimes: Lifetimes {
                udp: Ns::secs(60),
                unreplied: Some(Ns::secs(30)),
                ..Lifetimes::default()
            },
            refresh: Refresh::Both,
            ..symmetric()
        },
    },
    Preset {
        name: "aws-nat",
        about: "cloud NAT gateway: APDM/APDF, random ports, 350 s for everything",
        make: || Params {
            lifetimes: Lifetimes { udp: Ns::secs(350), tcp: Ns::secs(350), ..Lifetimes::default() },
            refresh: Refresh::Both,
            ..symmetric()
        },
    },
    Preset {
        name: "cgn",
        about: "carrier NAT (RFC 6888): EIM/EIF, port blocks, paired pooling, 120 s hold-down, hairpinning",
        make: cgn,
    },
    Preset {
        name: "cgn-symmetric",
        about: "carrier NAT with APDM/APDF on port blocks, no hairpinning",
        make: || Params {
            mapping: Mapping::AddressAndPortDependent,
            filtering: Filtering::AddressAndPortDependent,
            hairpin: Hairpin::None,
            ..cgn()
        },
    },
    Preset {
        name: "one-to-one",
        about: "cloud 1:1 NAT: an external address per host, ports kept, open to all",
        make: || Params {
            translation: Translation::OneToOne,
            hairpin: Hairpin::External,
            ..Params::new(Mapping::EndpointIndependent, Filtering::EndpointIndependent)
        },
    },
    Preset {
        name: "v6-cpe",
        about: "dual-stack home router: `home` for IPv4, a stateful filter for IPv6 (RFC 6092)",
        make: || Params {
            v6: V6::Firewall(Filtering::AddressAndPortDependent),
            ..Params::default()
        },
    },
];

fn symmetric() -> Params {
    Params {
        ports: Ports { policy: PortPolicy::Random, ..Ports::default() },
        ..Params::new(Mapping::AddressAndPortDependent, Filtering::AddressAndPortDependent)
    }
}

fn linux() -> Params {
    Params {
        ports: Ports { policy: PortPolicy::PreserveOverload, ..Ports::default() },
        lifetimes: Lifetimes {
            udp: Ns::secs(120),
            unreplied: Some(Ns::secs(30)),
            tcp: Ns::secs(432_000),
            tcp_transitory: Ns::secs(120),
            ..Lifetimes::default()
        },
        refresh: Refresh::Both,
        ..Params::new(Mapping::AddressAndPortDependent, Filtering::AddressAndPortDependent)
    }
}

fn cgn() -> Params {
    Params {
        ports: Ports {
            policy: PortPolicy::Block { size: 256 },
            hold_down: Ns::secs(120),
            ..Ports::default()
        },
        hairpin: Hairpin::External,
        limits: Limits { per_subscriber: Some(1024), ..Limits::default() },
        exhaustion: Exhaustion::Drop,
        ..Params::new(Mapping::EndpointIndependent, Filtering::EndpointIndependent)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_preset_has_its_own_name_and_is_found_by_it() {
        let names: BTreeSet<_> = ALL.iter().map(|preset| preset.name).collect();
        assert_eq!(names.len(), ALL.len());
        for preset in ALL {
            assert_eq!(find(preset.name).map(|found| found.about), Some(preset.about));
            assert!(preset.params().addresses >= 1);
        }
        assert!(find("nonsense").is_none());
    }
}
