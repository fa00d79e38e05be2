//! The implementations this build carries.

use std::sync::Arc;

use rtcspec_suite::plan::Player;

use crate::exit::Failure;
use crate::near;

/// Every built-in implementation, the reference peer first.
pub(crate) fn all() -> Vec<Player> {
    #[cfg_attr(
        not(any(feature = "rtc", feature = "str0m")),
        expect(unused_mut, reason = "nothing to add")
    )]
    let mut players: Vec<Player> = vec![Arc::new(rtcspec_adapter_reference::Reference)];
    #[cfg(feature = "rtc")]
    players.push(Arc::new(rtcspec_adapter_rtc::Rtc::new()));
    #[cfg(feature = "str0m")]
    players.push(Arc::new(rtcspec_adapter_str0m::Str0m::new()));
    players
}

/// The players of these names; all of them when there are none.
pub(crate) fn chosen(all: &[Player], names: &[String]) -> Result<Vec<Player>, Failure> {
    if names.is_empty() {
        return Ok(all.to_vec());
    }
    names
        .iter()
        .map(|name| {
            let found = all.iter().find(|player| player.hello().implementation == *name);
            found.cloned().ok_or_else(|| {
                let known: Vec<String> =
                    all.iter().map(|player| player.hello().implementation).collect();
                let hint = near::hint(name, &known.iter().map(String::as_str).collect::<Vec<_>>());
                let known = known.join(", ");
                Failure::usage(format!("there is no peer `{name}`{hint}; built in are {known}"))
            })
        })
        .collect()
}
