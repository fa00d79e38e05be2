//! The command line of `rtcspec fuzz`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

/// Folder for what is found, unless said otherwise.
pub(super) const FINDINGS: &str = "target/rtcspec/fuzz";

#[derive(Args, Debug)]
pub(crate) struct FuzzOptions {
    #[command(subcommand)]
    pub(crate) verb: FuzzVerb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum FuzzVerb {
    /// List the targets: what each holds, its corpus, its planted bugs
    List(CorpusOptions),
    /// Run campaigns with the engine that is built in; findings are minimised and written down
    Run(CampaignOptions),
    /// Run the corpus, or single files, once through the oracles
    Replay(ReplayOptions),
    /// Make an input smaller that breaks an oracle
    Min(MinOptions),
    /// Send mutated messages into a process over real sockets, in a network of its own
    Live(LiveOptions),
    /// Put a peer under fire in virtual time: whole sessions behind NATs, a hostile side, a stranger;
    /// findings are scenario files
    Session(SessionOptions),
    /// Test the fuzzers: executions to find each planted bug
    Score(ScoreOptions),
    /// Add inputs, of another engine for instance, to the corpus if they show something new
    Grow(GrowOptions),
    /// Region coverage by corpus replay, held to its ceilings; builds with the compiler's
    /// instrumentation, in a checkout of the repository
    Cover(CoverOptions),
    /// Sort a folder of inputs that broke something into classes, the smallest of each made small
    Triage(TriageOptions),
    /// Compare our parsers with those of others; the ledger says who is right
    Differ(DifferOptions),
}

#[derive(Args, Debug)]
pub(crate) struct CorpusOptions {
    /// Folder with `seeds`, `grown` and `crashes`
    #[arg(long, value_name = "DIR", default_value = "corpus")]
    pub(crate) corpus: PathBuf,
}

#[derive(Args, Debug)]
pub(crate) struct CampaignOptions {
    /// Targets, one after the other; all unless named
    #[arg(value_name = "TARGET")]
    pub(crate) targets: Vec<String>,
    /// Time for each target, like 30s, 10m or 2h; 60s unless `--executions` is given
    #[arg(long = "for", value_name = "TIME", value_parser = parse_time)]
    pub(crate) time: Option<Duration>,
    /// Executions for each target
    #[arg(long, value_name = "N")]
    pub(crate) executions: Option<u64>,
    /// Another number, other inputs
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// Stop a target at its first finding
    #[arg(long)]
    pub(crate) first: bool,
    /// Add inputs that showed something new to the corpus (`grown/TARGET.zip`)
    #[arg(long)]
    pub(crate) grow: bool,
    /// Folder for what is found
    #[arg(long, value_name = "DIR", default_value = FINDINGS)]
    pub(crate) findings: PathBuf,
    #[command(flatten)]
    pub(crate) corpus: CorpusOptions,
}

#[derive(Args, Debug)]
pub(crate) struct ReplayOptions {
    /// Target; all unless named
    #[arg(value_name = "TARGET")]
    pub(crate) target: Option<String>,
    /// Inputs instead of the corpus
    #[arg(value_name = "FILE", requires = "target")]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) corpus: CorpusOptions,
}

#[derive(Args, Debug)]
pub(crate) struct MinOptions {
    /// Target
    pub(crate) target: String,
    /// Input that breaks an oracle
    pub(crate) file: PathBuf,
    /// File to write; `FILE.min` unless said otherwise
    #[arg(long, value_name = "FILE")]
    pub(crate) into: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct LiveOptions {
    /// A built-in implementation, started as a process, or an adapter that is set up
    #[arg(long, value_name = "NAME", required_unless_present = "command")]
    pub(crate) peer: Option<String>,
    /// A command that speaks peerctl/1, for the shell
    #[arg(long = "peer-cmd", value_name = "COMMAND", conflicts_with = "peer")]
    pub(crate) command: Option<String>,
    /// Time under fire, like 30s, 10m or 2h; making findings small comes on top
    #[arg(long = "for", value_name = "TIME", default_value = "60s", value_parser = parse_time)]
    pub(crate) time: Duration,
    /// Sessions at most
    #[arg(long, value_name = "N", default_value_t = u64::MAX, hide_default_value = true)]
    pub(crate) sessions: u64,
    /// Inputs in each session
    #[arg(long, value_name = "N", default_value_t = 30)]
    pub(crate) inputs: usize,
    /// Layers, separated by commas: stun, dtls, sctp, dcep, rtp, rtcp, sdp, candidate; all that the
    /// peer says it has unless given
    #[arg(long = "layer", value_name = "LAYER", value_delimiter = ',')]
    pub(crate) layers: Vec<String>,
    /// Another number, other inputs
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// Play findings again from their files instead
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub(crate) replay: Vec<PathBuf>,
    /// How long an answer, a message or a session may take
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = parse_time)]
    pub(crate) patience: Duration,
    /// Time to make one finding small
    #[arg(long, value_name = "TIME", default_value = "90s", value_parser = parse_time)]
    pub(crate) minimise: Duration,
    /// Folder for what is found
    #[arg(long, value_name = "DIR", default_value = "target/rtcspec/live")]
    pub(crate) findings: PathBuf,
    /// Folder where adapters are set up
    #[arg(long, value_name = "DIR", default_value = crate::adapter::FOLDER)]
    pub(crate) adapters: PathBuf,
    #[command(flatten)]
    pub(crate) corpus: CorpusOptions,
    /// Folder with `expect/NAME.toml`, instead of the expectations this program carries
    #[arg(long, value_name = "DIR")]
    pub(crate) scenarios: Option<PathBuf>,
    /// This is the process within the network of the campaign
    #[arg(long, hide = true)]
    pub(crate) inside: bool,
}

#[derive(Args, Debug)]
pub(crate) struct SessionOptions {
    /// A built-in implementation
    #[arg(long, value_name = "NAME", default_value = "reference")]
    pub(crate) peer: String,
    /// Time under fire, like 30s, 10m or 2h; making findings small comes on top
    #[arg(long = "for", value_name = "TIME", default_value = "60s", value_parser = parse_time)]
    pub(crate) time: Duration,
    /// Sessions at most; those of the corpus are played in any case
    #[arg(long, value_name = "N", default_value_t = u64::MAX, hide_default_value = true)]
    pub(crate) sessions: u64,
    /// Another number, other sessions
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// Play this input of `full_session` alone, as another engine found it, and write the scenario file
    /// that plays it again
    #[arg(long, value_name = "FILE")]
    pub(crate) program: Option<PathBuf>,
    /// Folder for what is found
    #[arg(long, value_name = "DIR", default_value = "target/rtcspec/session")]
    pub(crate) findings: PathBuf,
    #[command(flatten)]
    pub(crate) corpus: CorpusOptions,
    /// Folder with `expect/NAME.toml`, instead of the expectations this program carries
    #[arg(long, value_name = "DIR")]
    pub(crate) scenarios: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct ScoreOptions {
    /// Targets; all unless named
    #[arg(value_name = "TARGET")]
    pub(crate) targets: Vec<String>,
    /// Runs for each planted bug, each with a seed of its own
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) seeds: u64,
    /// Executions until a run gives up
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    pub(crate) executions: u64,
    /// Time until a run gives up
    #[arg(long = "for", value_name = "TIME", default_value = "5m", value_parser = parse_time)]
    pub(crate) time: Duration,
    /// Print a table for a document
    #[arg(long)]
    pub(crate) markdown: bool,
    #[command(flatten)]
    pub(crate) corpus: CorpusOptions,
}

#[derive(Args, Debug)]
pub(crate) struct CoverOptions {
    /// Targets; all, and their sum, unless named
    #[arg(value_name = "TARGET")]
    pub(crate) targets: Vec<String>,
    /// Ceilings of uncovered regions
    #[arg(long, value_name = "FILE", default_value = "fuzz/ceilings.toml")]
    pub(crate) ceilings: PathBuf,
    /// Write what is measured where it is below its ceiling, instead of judging
    #[arg(long)]
    pub(crate) lower: bool,
    /// Say which N files have most regions that none of the targets comes to
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) files: usize,
    /// Folder to build in
    #[arg(long, value_name = "DIR", default_value = "target")]
    pub(crate) into: PathBuf,
    #[command(flatten)]
    pub(crate) corpus: CorpusOptions,
}

#[derive(Args, Debug)]
pub(crate) struct DifferOptions {
    /// Formats (stun, sctp, sdp, rtp, rtcp), one after the other; all unless named
    #[arg(value_name = "FORMAT")]
    pub(crate) formats: Vec<String>,
    /// Time for each format, like 30s, 10m or 2h; 60s unless `--count` is given
    #[arg(long = "for", value_name = "TIME", value_parser = parse_time)]
    pub(crate) time: Option<Duration>,
    /// Inputs for each format, those of the corpus included
    #[arg(long, value_name = "N")]
    pub(crate) count: Option<u64>,
    /// Another number, other inputs
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// Print the line for the ledger of every class met, its input made small
    #[arg(long)]
    pub(crate) minimise: bool,
    /// Compare with a parser in another process instead, a command that speaks the protocol of
    /// harness/differ/README.md; 5000 inputs unless said otherwise
    #[arg(long, value_name = "COMMAND")]
    pub(crate) parser_cmd: Option<String>,
    /// Folder with a ledger for each format
    #[arg(long, value_name = "DIR", default_value = "corpus/ledger")]
    pub(crate) ledger: PathBuf,
    #[command(flatten)]
    pub(crate) corpus: CorpusOptions,
}

#[derive(Args, Debug)]
pub(crate) struct GrowOptions {
    /// Target
    pub(crate) target: String,
    /// Inputs
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) corpus: CorpusOptions,
}

#[derive(Args, Debug)]
pub(crate) struct TriageOptions {
    /// Target
    pub(crate) target: String,
    /// Folder with what an engine found
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
    /// Folder for the inputs that were made small; `DIR/triage` unless said otherwise
    #[arg(long, value_name = "DIR")]
    pub(crate) into: Option<PathBuf>,
}

fn parse_time(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|char: char| char.is_ascii_alphabetic());
    let seconds = match &text[digits.len()..] {
        "s" | "" => 1,
        "m" => 60,
        "h" => 3600,
        _ => 0,
    };
    match digits.parse::<u32>() {
        Ok(number) if seconds > 0 => Ok(Duration::from_secs(u64::from(number) * seconds)),
        _ => Err("write it like 30s, 10m or 2h".to_owned()),
    }
}
