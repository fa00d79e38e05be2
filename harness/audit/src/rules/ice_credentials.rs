//! ufrag and password.

use rtcspec_trace::Party;
use rtcspec_trace::watch::Event;

use crate::book::{Book, Description};
use crate::rule::{About, Level, Need, Scene, Scope, Watch, cite};
use crate::tally::{Spot, Tally};

/// Generations that are remembered.
const MOST: usize = 32;

static ABOUT: About = About {
    id: "ice.credentials",
    level: Level::Violation,
    cites: &[cite(8839, "5.4"), cite(8445, "5.3"), cite(8445, "9")],
    needs: &[Need::Signalling],
    summary: "ufrag and password are long enough, of the right characters, and change together",
    doc: "Fires when a signalled ufrag has fewer than 4 or more than 256 characters, a password \
          fewer than 22 or more than 256, either has a character that is no letter, digit, `+` or \
          `/`, or a new description changes one of the two and keeps the other: a restart must \
          change both.",
    advice: "draw 24 bits for the ufrag and 128 for the password, both anew on restart",
    holds: "a=ice-ufrag of 4 and a=ice-pwd of 22 ice-chars",
    breaks: "a=ice-pwd of 12 characters",
    silent: "no description has credentials",
    hears: &[],
    scope: Scope::Connection,
};

declare!(Credentials, State);

#[derive(Debug, Default)]
struct State(Vec<(Party, String, String)>);

impl Watch for State {
    fn event(&mut self, _: &Scene<'_>, _: &Event<'_>, _: &mut Tally) {}

    fn signal(&mut self, _: &Book, description: &Description, tally: &mut Tally) {
        let from = description.from;
        let spot = Spot { at: description.at, who: Some(from), frames: &[] };
        for (ufrag, pwd) in description.credentials() {
            let known = self.0.iter().any(|(by, u, p)| (by, u, p) == (&from, ufrag, pwd));
            if known {
                continue;
            }
            let mut good = fits(ufrag, "ice-ufrag", 4, spot, tally);
            good &= fits(pwd, "ice-pwd", 22, spot, tally);
            let half = self.0.iter().any(|(by, u, p)| *by == from && (u == ufrag) != (p == pwd));
            if half {
                let seen = "a restart that changes only one of the two";
                let cite = ABOUT.cites[2];
                tally.find_as(Level::Violation, cite, spot, "a new ufrag and password", seen);
            } else if good {
                tally.hold();
            }
            if self.0.len() < MOST {
                self.0.push((from, ufrag.clone(), pwd.clone()));
            }
        }
    }
}

/// RFC 8839 §5.4: 4 to 256 and 22 to 256 ice-chars.
fn fits(value: &str, name: &str, least: usize, spot: Spot<'_>, tally: &mut Tally) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/';
    if let Some(odd) = value.chars().find(|c| !u8::try_from(*c).is_ok_and(allowed)) {
        tally.find(spot, "letters, digits, + and /", format!("{name} with {odd:?}"));
        return false;
    }
    let length = value.len();
    if length < least || length > 256 {
        let expected = format!("{least} to 256 characters");
        tally.find(spot, expected, format!("{name} of {length} characters"));
        return false;
    }
    true
}
