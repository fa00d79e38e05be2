//! The command line.

use std::fmt;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use rtcspec_suite::expectation::Date;

use crate::adapter::FOLDER;
use crate::fuzz::FuzzOptions;

/// Conformance and fuzzing toolkit for WebRTC implementations.
///
/// Exit codes: 0 as expected, 1 an unexpected result or finding, 2 wrong usage, 3 a peer or the
/// harness did not start or a run proves nothing (INCONCLUSIVE), 4 nothing selected, 5 a defect of
/// rtcspec.
#[derive(Debug, Parser)]
#[command(version, disable_help_subcommand = true, max_term_width = 100)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Run scenarios and cases, judge them against the expectations, and write reports
    Run(RunOptions),
    /// Run them against whatever browser opens a page, on this machine or in its network, and show
    /// the verdicts there
    Serve(ServeSuiteOptions),
    /// Run every NAT against every NAT and compare each cell with the oracle
    Matrix(MatrixOptions),
    /// Say what must happen between two NATs, and why
    Oracle(OracleOptions),
    /// List what there is
    List(ListOptions),
    /// Compare two transcripts by meaning
    Diff(DiffOptions),
    /// Say what happened in a capture, connection by connection
    Transcript(TranscriptOptions),
    /// Cut captures into fuzz seeds, one for each shape a wire format was seen in
    Seeds(SeedsOptions),
    /// Hold captures against the audit rules: what happened, what broke which clause
    Audit(AuditOptions),
    /// List the audit rules, or show one
    Rules(RulesOptions),
    /// Explain a scenario, a case, a NAT or a rule: the situation, the clauses, the expectations
    Explain(ExplainOptions),
    /// Play a capture's session again into a peer, in virtual time, and say where behaviours part
    Replay(ReplayOptions),
    /// Say what the NATs of a capture do, with the packets that prove it
    NatInfer(NatInferOptions),
    /// Find the fewest packets of a capture for which an audit rule still fires
    Minimise(MinimiseOptions),
    /// Write a capture that may be handed out: everybody in it is somebody else, and the same rules
    /// find the same
    Export(ExportOptions),
    /// Processes as peers: install foreign stacks, hold adapters to the contract, serve a built-in
    /// stack as one
    Adapter(AdapterOptions),
    /// Fuzz parsers, state machines and whole sessions, and test the fuzzers themselves
    Fuzz(FuzzOptions),
    /// Play a recorded run with processes again, without them, in virtual time, and compare
    Rerun(RerunOptions),
    /// Run a command, a shell unless said otherwise, on a host of a scenario's network: behind its NATs,
    /// with its STUN and TURN servers, by the wall's clock
    Lab(LabOptions),
    /// Print a JSON Schema
    Schema(SchemaOptions),
    /// Become a host for a peer; rtcspec starts itself so
    #[command(name = rtcspec_lab::host::WORD, hide = true)]
    Host(HostOptions),
    /// Become a peer; rtcspec starts itself so
    #[command(name = rtcspec_lab::inside::START, hide = true)]
    Start(StartOptions),
    /// Stay beside what a person has started; rtcspec starts itself so
    #[command(name = rtcspec_lab::inside::ATTEND, hide = true)]
    Attend(StartOptions),
}

#[derive(Args, Debug)]
pub(crate) struct RerunOptions {
    /// Records that `rtcspec run` has written
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Folder with the scenario files, if the run did not use the built-in ones
    #[arg(long, value_name = "DIR")]
    pub(crate) scenarios: Option<PathBuf>,
    /// Print the transcript
    #[arg(long)]
    pub(crate) transcript: bool,
    /// Only the number of records that agree, and those that do not
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

#[derive(Args, Debug)]
pub(crate) struct HostOptions {
    /// Abstract name of the socket that waits for the report
    #[arg(long, value_name = "NAME")]
    pub(crate) report_to: String,
    /// Addresses of an interface; repeat for several
    #[arg(long = "interface", value_name = "ADDRESS,...", value_parser = parse_addresses)]
    pub(crate) interfaces: Vec<Addresses>,
    /// A name the host knows; repeat for several
    #[arg(long = "name", value_name = "NAME=ADDRESS", value_parser = parse_name)]
    pub(crate) names: Vec<(String, std::net::IpAddr)>,
    /// A person is there
    #[arg(long)]
    pub(crate) attended: bool,
    /// The peer
    #[arg(last = true, required = true)]
    pub(crate) command: Vec<std::ffi::OsString>,
}

/// Addresses of one interface.
#[derive(Clone, Debug)]
pub(crate) struct Addresses(pub(crate) Vec<std::net::IpAddr>);

fn parse_addresses(text: &str) -> Result<Addresses, String> {
    let parts = text.split(',').filter(|part| !part.is_empty());
    let parsed = parts.map(|part| part.parse().map_err(|_| format!("`{part}` is no address")));
    parsed.collect::<Result<_, _>>().map(Addresses)
}

fn parse_name(text: &str) -> Result<(String, std::net::IpAddr), String> {
    let parts = text.split_once('=').and_then(|(name, address)| {
        Some((name.to_owned(), address.parse().ok()?)).filter(|_| !name.is_empty())
    });
    parts.ok_or_else(|| "write it like turn=198.51.100.4".to_owned())
}

#[derive(Args, Debug)]
pub(crate) struct LabOptions {
    /// Id of the scenario, or of a run of it; `rtcspec list scenarios` shows them
    pub(crate) scenario: String,
    /// Peer of the scenario on whose host the command runs; the one that offers unless said otherwise
    #[arg(long, value_name = "NAME")]
    pub(crate) host: Option<String>,
    /// A command of `sh` on the other host, without input; it ends when the first one does
    #[arg(long, value_name = "HOST=COMMAND", value_parser = parse_also)]
    pub(crate) also: Option<(String, String)>,
    /// Write all that was on the network, with keys from SSLKEYLOGFILE, when the command has ended
    #[arg(long, value_name = "FILE")]
    pub(crate) pcap: Option<PathBuf>,
    /// Seed of what is random about the network
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Folder with scenario files, instead of the built-in ones
    #[arg(long, value_name = "DIR")]
    pub(crate) scenarios: Option<PathBuf>,
    /// Tell only what goes wrong
    #[arg(long, short)]
    pub(crate) quiet: bool,
    /// The command; the shell that SHELL names unless given
    #[arg(last = true)]
    pub(crate) command: Vec<std::ffi::OsString>,
}

fn parse_also(text: &str) -> Result<(String, String), String> {
    let parts =
        text.split_once('=').filter(|(host, command)| !host.is_empty() && !command.is_empty());
    parts
        .map(|(host, command)| (host.to_owned(), command.to_owned()))
        .ok_or_else(|| "write it like bob='python3 server.py'".to_owned())
}

/// Where adapters may connect, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Listen {
    /// Sessions that outlive their connections.
    WebSocket(std::net::SocketAddr),
    /// Plain lines.
    Tcp(std::net::SocketAddr),
}

/// A URL, and how the one behind it is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    /// Name and version, if they were given.
    pub(crate) name: Option<(String, String)>,
    pub(crate) url: String,
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WebSocket(place) => write!(f, "ws://{place}"),
            Self::Tcp(place) => write!(f, "tcp://{place}"),
        }
    }
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            None => f.write_str(&self.url),
            Some((name, version)) if version.is_empty() => write!(f, "{name}={}", self.url),
            Some((name, version)) => write!(f, "{name}@{version}={}", self.url),
        }
    }
}

fn parse_named(text: &str) -> Result<Named, String> {
    let (before, url) = match text.split_once('=') {
        Some((before, url)) if !before.contains("://") => (Some(before), url),
        _ => (None, text),
    };
    let name = before.map(|name| name.split_once('@').unwrap_or((name, "")));
    if name.is_some_and(|(name, _)| name.is_empty()) || !url.contains("://") {
        return Err("write it like http://127.0.0.1:8080/offer or NAME@1.0=https://...".to_owned());
    }
    let name = name.map(|(name, version)| (name.to_owned(), version.to_owned()));
    Ok(Named { name, url: url.to_owned() })
}

fn parse_listen(text: &str) -> Result<Listen, String> {
    let (kind, place): (fn(_) -> _, _) = match text.split_once("://") {
        Some(("tcp", place)) => (Listen::Tcp, place),
        Some(("ws", place)) => (Listen::WebSocket, place),
        Some((scheme, _)) => return Err(format!("`{scheme}` is neither `ws` nor `tcp`")),
        None => (Listen::WebSocket, text),
    };
    let place = place.trim_end_matches('/');
    place.parse().map(kind).map_err(|_| format!("`{place}` is no address with a port"))
}

#[derive(Args, Debug)]
pub(crate) struct StartOptions {
    /// The peer
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) command: Vec<std::ffi::OsString>,
}

#[derive(Args, Debug)]
pub(crate) struct AdapterOptions {
    #[command(subcommand)]
    pub(crate) verb: AdapterVerb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AdapterVerb {
    /// Install a foreign implementation with its adapter, and ask it who it is
    Setup(SetupOptions),
    /// Which adapters there are, and where they are set up
    List(AdaptersOptions),
    /// Hold an adapter to the contract of PEERCTL.md
    Lint(LintOptions),
    /// Be an adapter: a built-in implementation over real sockets, in lines of JSON
    Serve(ServeOptions),
}

#[derive(Args, Debug)]
pub(crate) struct SetupOptions {
    /// An adapter this program carries (`rtcspec adapter list`), or a folder with an adapter.toml
    #[arg(value_name = "NAME|FOLDER")]
    pub(crate) adapter: PathBuf,
    /// Set it up below this folder
    #[arg(long, visible_alias = "adapters", value_name = "DIR", default_value = FOLDER)]
    pub(crate) into: PathBuf,
    /// Install no Debian packages: what they bring is there in another way
    #[arg(long)]
    pub(crate) no_apt: bool,
}

#[derive(Args, Debug)]
pub(crate) struct AdaptersOptions {
    /// Look for adapters that are set up below this folder
    #[arg(long, visible_alias = "adapters", value_name = "DIR", default_value = FOLDER)]
    pub(crate) from: PathBuf,
}

#[derive(Args, Debug)]
pub(crate) struct LintOptions {
    /// Form of the report
    #[arg(long, value_enum, default_value_t = LintFormat::Text)]
    pub(crate) format: LintFormat,
    #[arg(
        long,
        help = "The adapter connects to PEERCTL_URL instead of using its standard input and output"
    )]
    pub(crate) dials_out: bool,
    /// Look for adapters that are set up below this folder
    #[arg(long, visible_alias = "adapters", value_name = "DIR", default_value = FOLDER)]
    pub(crate) from: PathBuf,
    /// A built-in implementation, an adapter that is set up, or `--` and the adapter's command
    #[arg(required = true, num_args = 1.., value_name = "NAME|-- COMMAND")]
    pub(crate) command: Vec<std::ffi::OsString>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LintFormat {
    /// For a terminal
    Text,
    /// For programs
    Json,
}

#[derive(Args, Debug)]
pub(crate) struct ServeOptions {
    /// The implementation
    #[arg(value_name = "NAME")]
    pub(crate) peer: String,
    /// Connect there instead of using the standard streams: `ws://HOST:PORT` or `tcp://HOST:PORT`, as
    /// `rtcspec run --peer-listen` says; `PEERCTL_URL` means the same
    #[arg(long, value_name = "URL", env = "PEERCTL_URL")]
    pub(crate) connect: Option<String>,
    /// Seed of all that is random in it; another one each time unless said otherwise
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
}

#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Common {
    /// Implementation to test: a built-in one, an adapter that is set up, or `all` of both; repeat
    /// for several, all built-in ones unless said otherwise
    #[arg(long = "peer", alias = "peers", value_name = "NAME")]
    pub(crate) peers: Vec<String>,
    /// Folder in which adapters are set up
    #[arg(long, value_name = "DIR", default_value = FOLDER)]
    pub(crate) adapters: PathBuf,
    /// Command of an adapter to test, whatever speaks PEERCTL.md; it runs on hosts of its own, by
    /// the wall's clock
    #[arg(long = "peer-cmd", value_name = "COMMAND")]
    pub(crate) peer_commands: Vec<String>,
    /// Wait for an adapter to connect here and test it: `ws://ADDRESS:PORT`, or without a scheme, for
    /// sessions that outlive connections (PEERCTL.md §8), `tcp://ADDRESS:PORT` for plain lines. It is
    /// on a real network, and what needs a scripted one is UNSUPPORTED
    #[arg(long = "peer-listen", value_name = "ADDRESS:PORT", value_parser = parse_listen)]
    pub(crate) peer_listen: Vec<Listen>,
    /// Test a server that takes `POST` of an offer as JSON, gives back an answer and echoes strings, as
    /// those of webrtc-interop do. It only answers, what it does is read on the wire; NAME is how
    /// reports and expectations call it
    #[arg(long = "peer-offer-url", value_name = "[NAME[@VERSION]=]URL", value_parser = parse_named)]
    pub(crate) peer_offer_urls: Vec<Named>,
    /// Test a WHIP server (RFC 9725) in the same way, without an echo
    #[arg(long = "peer-whip", value_name = "[NAME[@VERSION]=]URL", value_parser = parse_named)]
    pub(crate) peer_whips: Vec<Named>,
    /// Bearer token for the WHIP servers
    #[arg(long = "whip-token", value_name = "TOKEN", env = "RTCSPEC_WHIP_TOKEN")]
    #[arg(hide_env_values = true)]
    pub(crate) whip_token: Option<String>,
    /// Certificates (PEM) that vouch for servers at `https://`, instead of the public authorities
    #[arg(long = "https-ca", value_name = "FILE")]
    pub(crate) https_ca: Option<PathBuf>,
    /// Runs at the same time; one per core unless said otherwise
    #[arg(long, value_name = "N", value_parser = parse_jobs)]
    pub(crate) jobs: Option<usize>,
    /// Folder for reports, transcripts and captures
    #[arg(long, value_name = "DIR", default_value = "target/rtcspec")]
    pub(crate) out: PathBuf,
    /// Folder with scenario files and `expect/` instead of the built-in ones, or one scenario file, for
    /// which the built-in expectations hold; folders below it called `expect`, `src`, `tests` or `target`
    /// are not looked into
    #[arg(long, value_name = "PATH")]
    pub(crate) scenarios: Option<PathBuf>,
    /// Day on which expectations are judged, for the ones that expire
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = parse_day)]
    pub(crate) today: Option<Date>,
    /// No table, only what was not as expected
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

#[derive(Args, Debug)]
pub(crate) struct RunOptions {
    /// Parts of ids, or globs with `*`; everything unless said otherwise. With `--scenarios`, cases are
    /// run if a filter is the id of one, or begins ids of cases and means no scenario
    pub(crate) filters: Vec<String>,
    #[command(flatten)]
    pub(crate) common: Common,
    /// Seed of every run, instead of the one in the file
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Run each K times, with consecutive seeds
    #[arg(long, value_name = "K", default_value_t = 1, value_parser = parse_repeat)]
    pub(crate) repeat: u32,
    /// Run part I of N
    #[arg(long, value_name = "I/N", value_parser = parse_shard)]
    pub(crate) shard: Option<(u32, u32)>,
    /// Write a pcapng with keys, packet numbers and drop reasons for every run, and its signalling
    /// beside it
    #[arg(long)]
    pub(crate) pcap: bool,
    #[command(flatten)]
    pub(crate) servers: ServerOptions,
}

/// Servers to examine instead of peers.
#[derive(Args, Debug)]
#[command(next_help_heading = "Servers instead of peers")]
pub(crate) struct ServerOptions {
    /// Examine this TURN server, `turn:HOST[:PORT][?transport=udp|tcp]` or `turns:HOST[:PORT]`
    /// for TLS, over real sockets; repeat
    /// for several
    #[arg(long = "turn-server", value_name = "URL", requires = "user", requires = "password")]
    #[arg(conflicts_with_all = ["peers", "peer_commands", "scenarios", "pcap", "shard"])]
    pub(crate) turn_servers: Vec<String>,
    /// A user the TURN servers know
    #[arg(long = "turn-user", value_name = "NAME", requires = "turn_servers")]
    pub(crate) user: Option<String>,
    /// The user's password
    #[arg(long = "turn-password", value_name = "PASSWORD", env = "RTCSPEC_TURN_PASSWORD")]
    #[arg(hide_env_values = true)]
    pub(crate) password: Option<String>,
    /// Examine this STUN server, `stun:HOST[:PORT]` or `stuns:HOST[:PORT]`; repeat for several
    #[arg(long = "stun-server", value_name = "URL")]
    #[arg(conflicts_with_all = ["peers", "peer_commands", "scenarios", "pcap", "shard"])]
    pub(crate) stun_servers: Vec<String>,
    /// What the server is, where its SOFTWARE does not tell: for reports, and for
    /// `expect/NAME.toml`
    #[arg(long = "server-name", value_name = "NAME[@VERSION]")]
    pub(crate) name: Option<String>,
}

#[derive(Args, Clone, Debug)]
pub(crate) struct ServeSuiteOptions {
    /// Parts of ids, or globs with `*`; everything unless said otherwise. `?filter=PART` in the
    /// page's address chooses among them
    pub(crate) filters: Vec<String>,
    /// Where to listen; `0.0.0.0:PORT` lets phones in
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8465")]
    pub(crate) listen: std::net::SocketAddr,
    /// Address of this machine that peers are told, instead of the one they connect to; repeat for
    /// one of each family
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) address: Vec<std::net::IpAddr>,
    /// Folder for reports, one below it for each session
    #[arg(long, value_name = "DIR", default_value = "target/rtcspec/serve")]
    pub(crate) out: PathBuf,
    /// Folder with scenario files and `expect/`, instead of the built-in ones; folders below it called
    /// `expect`, `src`, `tests` or `target` are not looked into
    #[arg(long, value_name = "DIR")]
    pub(crate) scenarios: Option<PathBuf>,
    /// Seed of every run, instead of the one in the file
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Write a pcapng with keys and drop reasons for every run, and its signalling beside it
    #[arg(long)]
    pub(crate) pcap: bool,
    /// End after the first session, with its exit code
    #[arg(long)]
    pub(crate) once: bool,
    /// Day on which expectations are judged, for the ones that expire
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = parse_day)]
    pub(crate) today: Option<Date>,
}

#[derive(Args, Debug)]
pub(crate) struct MatrixOptions {
    #[command(flatten)]
    pub(crate) common: Common,
    /// Seed of every run
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Write a pcapng with keys, packet numbers and drop reasons for every cell, and its signalling
    #[arg(long)]
    pub(crate) pcap: bool,
    /// Only cells whose id contains this, e.g. `EIM-APDF/APDM-APDF`
    #[arg(long, value_name = "PART")]
    pub(crate) cell: Option<String>,
    /// Only the 14 x 14 grid, not the six variants of filter scope and reply binding
    #[arg(long)]
    pub(crate) no_variants: bool,
    /// Go on with a matrix that was interrupted: cells with processes whose records are in the folder
    /// are played from those; cells without are computed anew
    #[arg(long)]
    pub(crate) resume: bool,
    /// Which edges meet
    #[arg(long, value_enum, default_value_t = Nats::All)]
    pub(crate) nats: Nats,
    /// Only pairs in which one side is the reference peer
    #[arg(long)]
    pub(crate) with_reference: bool,
}

/// Which edges a matrix has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Nats {
    /// Fourteen: open, behind three filters, nine NATs, no UDP
    All,
    /// Five: open, full cone, restricted cone, port-restricted cone, symmetric
    Classic,
    /// One: everybody on one network, who offers to whom
    Direct,
}

/// A capture and what belongs to it.
#[derive(Args, Clone, Debug)]
pub(crate) struct CaptureFile {
    /// Capture: pcap, pcapng, a log of SCTP packets, gzip of each
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) options: CaptureOptions,
}

/// What belongs to captures.
#[derive(Args, Clone, Debug)]
pub(crate) struct CaptureOptions {
    /// NSS key log, besides the keys in the capture; `NAME.keys` and the like beside `NAME.pcap`
    /// unless given
    #[arg(long = "keys", value_name = "FILE")]
    pub(crate) keys: Vec<PathBuf>,
    /// Offer or answer, webrtc-internals dump or rtcstats file; `NAME.offer*.sdp`,
    /// `NAME.answer*.sdp`, `NAME.rtcstats` and the like beside `NAME.pcap` or in `sdp` below it
    /// unless given
    #[arg(long = "sdp", value_name = "FILE")]
    pub(crate) sdp: Vec<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct TranscriptOptions {
    #[command(flatten)]
    pub(crate) capture: CaptureFile,
}

#[derive(Args, Debug)]
pub(crate) struct SeedsOptions {
    /// Captures
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// Folder that gets a folder for each format; what is there stays
    #[arg(long, value_name = "DIR")]
    pub(crate) into: PathBuf,
    #[command(flatten)]
    pub(crate) capture: CaptureOptions,
}

#[derive(Args, Debug)]
pub(crate) struct OracleOptions {
    /// Edge of the offerer: `open`, a preset, `EIM/APDF`, `fw/ADF`, `udp-blocked`
    pub(crate) offerer: String,
    /// Edge of the answerer
    pub(crate) answerer: String,
    /// No TURN server
    #[arg(long)]
    pub(crate) no_turn: bool,
}

#[derive(Args, Debug)]
pub(crate) struct ListOptions {
    /// What to list
    pub(crate) what: Listing,
    /// Folder with scenario files, instead of the built-in ones
    #[arg(long, value_name = "DIR")]
    pub(crate) scenarios: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Listing {
    /// Scenario files
    Scenarios,
    /// Hostile cases
    Cases,
    /// What STUN and TURN servers are held to
    ServerCases,
    /// Implementations and their features
    Peers,
    /// NAT presets and their parameters
    Nats,
}

#[derive(Args, Debug)]
pub(crate) struct DiffOptions {
    /// A transcript, or a snapshot file that holds one
    pub(crate) before: PathBuf,
    /// Another
    pub(crate) after: PathBuf,
}

#[derive(Args, Debug)]
pub(crate) struct ExplainOptions {
    /// Id of a scenario, a case, a run of either, a case for servers or an audit rule, or `nat:` and the
    /// name of a preset
    pub(crate) id: String,
    /// Folder with scenario files, instead of the built-in ones
    #[arg(long, value_name = "DIR")]
    pub(crate) scenarios: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct SchemaOptions {
    /// Of what
    pub(crate) what: SchemaOf,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum SchemaOf {
    /// Scenario files
    Scenario,
    /// report.json
    Report,
}

#[derive(Args, Debug)]
pub(crate) struct ReplayOptions {
    #[command(flatten)]
    pub(crate) capture: CaptureFile,
    /// Implementation to play into; `rtcspec list peers` shows them
    #[arg(long, value_name = "PEER")]
    pub(crate) into: String,
    /// Which side of the capture the peer plays; the reference peer plays the other, in the shape
    /// the capture shows
    #[arg(long, value_name = "ROLE", default_value = "answerer")]
    pub(crate) role: RoleOption,
    /// Seed of the run
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Write the scenario that plays it
    #[arg(long, value_name = "FILE")]
    pub(crate) emit: Option<PathBuf>,
    /// Write the transcripts of capture and replay, for `rtcspec diff`
    #[arg(long, value_name = "DIR")]
    pub(crate) transcripts: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum RoleOption {
    /// The side that offered
    Offerer,
    /// The side that answered
    Answerer,
}

#[derive(Args, Debug)]
pub(crate) struct MinimiseOptions {
    #[command(flatten)]
    pub(crate) capture: CaptureFile,
    /// Id of the rule that must still fire
    #[arg(long, value_name = "ID")]
    pub(crate) rule: String,
    /// File to write, pcapng with keys; `NAME.ID.pcapng` beside the capture unless said otherwise
    #[arg(long, value_name = "FILE")]
    pub(crate) into: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct ExportOptions {
    #[command(flatten)]
    pub(crate) capture: CaptureFile,
    /// Replace addresses, names, credentials, certificates, keys and all that is carried; there is no
    /// other export
    #[arg(long, required = true)]
    pub(crate) pseudonymise: bool,
    /// File to write, pcapng with keys, and beside it the signalling; `NAME.export.pcapng` beside the
    /// capture unless said otherwise
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Another number, other replacements
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
}

#[derive(Args, Debug)]
pub(crate) struct NatInferOptions {
    #[command(flatten)]
    pub(crate) capture: CaptureFile,
    /// Write a scenario with boxes like those of the capture
    #[arg(long, value_name = "FILE")]
    pub(crate) emit: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct AuditOptions {
    /// Captures: pcap, pcapng, logs of SCTP packets, gzip of each
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) capture: CaptureOptions,
    /// How to print
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: AuditFormat,
    /// Exit with 1 from this level on: V violation, W warning, N note
    #[arg(long, value_name = "LEVEL", default_value = "V")]
    pub(crate) fail_on: FailOn,
    /// Only rules whose id matches, with `*`; repeat for several
    #[arg(long = "rule", value_name = "GLOB")]
    pub(crate) rules: Vec<String>,
    /// Name every rule that held, and why others had no opportunity
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum AuditFormat {
    /// For people
    Text,
    /// All there is
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// JUnit XML, for CI systems
    Junit,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum FailOn {
    /// Violations
    #[value(name = "V", alias = "v")]
    V,
    /// Warnings
    #[value(name = "W", alias = "w")]
    W,
    /// Notes
    #[value(name = "N", alias = "n")]
    N,
}

#[derive(Args, Debug)]
pub(crate) struct RulesOptions {
    #[command(subcommand)]
    pub(crate) verb: RulesVerb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RulesVerb {
    /// One line per rule: id, level, what it needs, the duty
    List,
    /// Everything about one rule
    Show {
        /// Its id
        id: String,
    },
}

fn parse_jobs(text: &str) -> Result<usize, String> {
    let jobs = text.parse::<usize>().ok().filter(|jobs| *jobs > 0);
    jobs.ok_or_else(|| FROM_ONE.to_owned())
}

fn parse_repeat(text: &str) -> Result<u32, String> {
    let times = text.parse::<u32>().ok().filter(|times| *times > 0);
    times.ok_or_else(|| FROM_ONE.to_owned())
}

const FROM_ONE: &str = "it is a number from 1 on";

fn parse_shard(text: &str) -> Result<(u32, u32), String> {
    let parts = text
        .split_once('/')
        .and_then(|(part, parts)| Some((part.parse::<u32>().ok()?, parts.parse::<u32>().ok()?)));
    match parts {
        Some((part, parts)) if (1..=parts).contains(&part) => Ok((part, parts)),
        _ => Err("write it like 1/4: part 1 of 4".to_owned()),
    }
}

fn parse_day(text: &str) -> Result<Date, String> {
    Date::parse(text).ok_or_else(|| "write it like 2027-03-01".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_is_written_as_it_can_be_read_again() {
        for text in ["ws://127.0.0.1:8000", "tcp://[::1]:80"] {
            assert_eq!(parse_listen(text).expect("it can be read").to_string(), text);
        }
        for text in ["http://a/b", "sfu=http://a/b?c=d", "sfu@1.0=https://a/"] {
            assert_eq!(parse_named(text).expect("it can be read").to_string(), text);
        }
    }
}
