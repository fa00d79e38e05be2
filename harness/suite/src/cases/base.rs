//! A case, and the scenario it is played in.

use rtcspec_control::Feature;

use super::hostile::Hostile;
use crate::scenario::{Role, Scenario, read};
use crate::verdict::Layer;

/// A hostile case.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// `layer/slug`.
    pub id: &'static str,
    /// One sentence: what the hostile side does, and what must come of it.
    pub title: &'static str,
    /// Why it matters, which outcomes are acceptable, and who got it wrong before.
    pub about: &'static str,
    /// RFC clauses.
    pub tests: &'static [&'static str],
    /// The layer to blame.
    pub layer: Layer,
    /// What the peer under test must be able to do, beyond data channels.
    pub needs: &'static [Feature],
    /// Which roles the peer under test takes, one run each.
    pub roles: Roles,
    /// The run ends here at the latest, e.g. `30s`.
    pub limit: &'static str,
    /// Goes on to the limit even if nothing is left to wait for: silence takes its time.
    pub to_the_limit: bool,
    /// Its verdict rests on what the application of the peer under test received, which only that
    /// can tell.
    pub asks_the_peer: bool,
    /// Steps, expectations and servers, as in a scenario file; the peers are `hostile` and
    /// `tested`.
    pub play: &'static str,
    /// Makes the hostile side.
    pub make: fn() -> Box<dyn Hostile>,
}

/// Roles of the peer under test in the offer/answer exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Roles {
    /// It offers in one run and answers in another.
    Both,
    /// It only offers.
    Offerer,
    /// It only answers.
    Answerer,
}

/// The usual play: connect, let the hostile side strike half a second later, then see that
/// messages still arrive both ways.
pub const PROBE: &str = r#"
[[do]]
after = "open + 1s"
send  = { from = "hostile", messages = 3, size = 100, every = "20ms" }

[[do]]
after = "open + 2s"
send  = { from = "tested", messages = 3, size = 100, every = "20ms" }

[[expect]]
connected = { within = "10s" }

[[expect]]
delivered = { to = "tested", messages = 3 }

[[expect]]
delivered = { to = "hostile", messages = 3 }
"#;

impl Roles {
    /// The roles, the answerer's first.
    #[must_use]
    pub fn all(self) -> &'static [Role] {
        match self {
            Self::Both => &[Role::Answerer, Role::Offerer],
            Self::Offerer => &[Role::Offerer],
            Self::Answerer => &[Role::Answerer],
        }
    }
}

impl Case {
    /// What most cases share; the rest is filled in with `..Case::USUAL`.
    pub(super) const USUAL: Self = Self {
        id: "",
        title: "",
        about: "",
        tests: &[],
        layer: Layer::Sctp,
        needs: &[],
        roles: Roles::Both,
        limit: "30s",
        to_the_limit: false,
        asks_the_peer: false,
        play: PROBE,
        make: || Box::new(super::hostile::Harmless),
    };

    /// Id of the run in which the peer under test has a role.
    #[must_use]
    pub fn run_id(&self, tested: Role) -> String {
        format!("{}@{}", self.id, word(tested))
    }

    /// The scenario around the case.
    ///
    /// # Panics
    /// If the text of the case is not a valid scenario: a mistake in this crate, which its tests
    /// look for in every case.
    #[must_use]
    pub fn scenario(&self, tested: Role) -> Scenario {
        match read(self.id, &self.text(tested)) {
            Ok(scenario) => scenario,
            Err(error) => panic!("case {}: {:?}", self.id, miette::Report::new(error)),
        }
    }

    fn text(&self, tested: Role) -> String {
        let (hostile, first, second) = match tested {
            Role::Offerer => (Role::Answerer, "tested", "hostile"),
            Role::Answerer => (Role::Offerer, "hostile", "tested"),
        };
        let tests: Vec<String> = self.tests.iter().map(|clause| format!("{clause:?}")).collect();
        let needs: Vec<String> =
            self.needs.iter().map(|feature| format!("{:?}", feature.word())).collect();
        format!(
            "schema = 1\nname   = {:?}\ntests  = [{}]\nneeds  = [{}]\nlimit  = {:?}\n\
             about  = \"The oracle knows honest agents only.\"\noracle = \"off\"\n\n\
             [link.hostile]\ndelay = \"20ms\"\n[link.tested]\ndelay = \"15ms\"\n\n\
             [peer.hostile]\non   = \"wan\"\nruns = \"reference\"\nrole = \"{}\"\n\
             sctp = {{ interleaving = false, zero-checksum = false }}\n\n\
             [peer.tested]\non   = \"wan\"\nruns = \"under-test\"\nrole = \"{}\"\n\n\
             [[do]]\nconnect = [\"{first}\", \"{second}\"]\n{}",
            self.title,
            tests.join(", "),
            needs.join(", "),
            self.limit,
            word(hostile),
            word(tested),
            self.play,
        )
    }
}

fn word(role: Role) -> &'static str {
    match role {
        Role::Offerer => "offerer",
        Role::Answerer => "answerer",
    }
}
