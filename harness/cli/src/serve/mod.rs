//! `rtcspec serve`: the suite against whatever browser opens a page.

mod pages;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Duration;

use rtcspec_control::{Hello, Implementation as _};
use rtcspec_remote::{Guest, Hub, Remote, Server, reached_at};
use rtcspec_suite::expectation::Complete;
use rtcspec_suite::plan::{Job, Player, Selection};
use rtcspec_suite::report::{Report, summary};
use rtcspec_suite::scenario::Scenario;
use rtcspec_suite::verdict::{RunResult, Verdict};
use serde_json::{Value, json};

use crate::args::{Common, ServeSuiteOptions};
use crate::exit::{Exit, Failure, Outcome};
use crate::players::{Asked, Players, quoted};
use crate::run::Known;
use crate::select::Stock;
use crate::{adapter, output, players, pool, run};

use pages::Pages;

/// How long a page may take to see that it is done.
const FAREWELL: Duration = Duration::from_secs(20);

/// What every session needs.
struct Suite {
    options: ServeSuiteOptions,
    scenarios: Vec<Arc<Scenario>>,
    pages: Arc<Pages>,
}

pub(crate) fn serve(options: &ServeSuiteOptions) -> Outcome {
    let scenarios = run::scenarios(options.scenarios.as_deref())?;
    let server = Server::bind(options.listen)
        .map_err(|error| Failure { exit: Exit::NotStarted, message: error.to_string() })?;
    let pages = Arc::new(Pages::default());
    output::say(&invitation(server.address()))?;
    let (hub, guests) = Hub::new();
    let shown = Arc::clone(&pages);
    server.serve(hub, move |path| shown.find(path));
    let suite = Arc::new(Suite { options: options.clone(), scenarios, pages });
    let (outcomes, ended) = channel();
    let visited = Arc::clone(&suite);
    thread::spawn(move || {
        for (number, guest) in (1..).zip(guests) {
            let (suite, outcomes) = (Arc::clone(&visited), outcomes.clone());
            thread::spawn(move || receive(&suite, number, guest, &outcomes));
        }
    });
    for outcome in ended {
        match outcome {
            outcome if suite.options.once => return outcome,
            Ok(_) => {}
            // A session that failed is no reason to send the others away.
            Err(failure) => eprintln!("rtcspec: {}", failure.message.trim_end()),
        }
    }
    Err(Failure::internal("nobody waits for visitors any more"))
}

/// Where the page is.
fn invitation(address: SocketAddr) -> String {
    if !address.ip().is_unspecified() {
        return format!("open http://{address}/ in a browser; ctrl-C ends\n");
    }
    let port = address.port();
    let outside = reached_at(address.ip());
    let places = outside.iter().map(|ip| format!("http://{}/", SocketAddr::new(*ip, port)));
    let places: Vec<String> = places.collect();
    format!(
        "open http://127.0.0.1:{port}/ in a browser on this machine, {} elsewhere; ctrl-C ends\n",
        places.join(" or ")
    )
}

/// One session from its beginning to its report.
fn receive(suite: &Suite, number: u64, guest: Guest, outcomes: &Sender<Outcome>) {
    let guest = Arc::new(guest);
    let outcome = Session { suite, number, guest: &guest }.hold();
    if let Err(failure) = &outcome {
        guest.show(json!({"failed": failure.message}));
    }
    if !guest.wait_seen(FAREWELL) {
        eprintln!("rtcspec: session {number} did not see its end");
    }
    drop(guest);
    // The program is ending when this fails.
    let _ = outcomes.send(outcome);
}

struct Session<'a> {
    suite: &'a Suite,
    number: u64,
    guest: &'a Arc<Guest>,
}

impl Session<'_> {
    fn hold(&self) -> Outcome {
        let (server, visitor) = self.guest.met;
        let local = match self.suite.options.address.is_empty() {
            true => reached_at(server.ip()),
            false => self.suite.options.address.clone(),
        };
        let remote = Remote::new(Arc::clone(self.guest), local.clone()).map_err(|error| {
            Failure { exit: Exit::NotStarted, message: format!("session {}: {error}", self.number) }
        })?;
        let hello = remote.hello();
        let who = format!("{} {}", hello.implementation, hello.version);
        let at = local.iter().map(IpAddr::to_string).collect::<Vec<_>>().join(", ");
        output::say(&format!(
            "session {}: {who} at {}, to which this machine is {at}\n",
            self.number,
            visitor.ip().to_canonical()
        ))?;
        let player: Player = Arc::new(remote);
        let jobs = self.jobs(&player)?;
        let common = self.common(&hello);
        let known = run::known(std::slice::from_ref(&player), &common)?;
        output::prepare(&common.out)?;
        self.guest.show(json!({"plan": {"peer": who, "runs": jobs.len()}}));
        let mut results = Vec::new();
        for job in &jobs {
            if let Some(reason) = self.guest.conversation.ended() {
                let played = results.len();
                eprintln!("session {}: {reason}; {played} of {} runs", self.number, jobs.len());
                break;
            }
            results.push(self.play(job, &known, &common)?);
        }
        self.report(&player, results, &known, &common)
    }

    fn jobs(&self, player: &Player) -> Result<Vec<Job>, Failure> {
        let options = &self.suite.options;
        let mut all = players::all();
        all.push(Arc::clone(player));
        let players = Players { all, under_test: vec![player.clone()], asked: Asked::default() };
        let selection = Selection {
            filters: options.filters.clone(),
            seed: options.seed,
            ..Selection::default()
        };
        let stock = Stock { scenarios: &self.suite.scenarios, own: options.scenarios.is_some() };
        let mut jobs = stock.jobs(&players, &selection)?;
        let mut wished = Selection { filters: self.wish(), ..Selection::default() };
        wished.settle(jobs.iter().map(|job| job.id.as_str()));
        jobs.retain(|job| wished.wants(&job.id));
        match jobs.is_empty() {
            true => Err(Failure { exit: Exit::Nothing, message: "nothing is selected".into() }),
            false => Ok(jobs),
        }
    }

    /// `?filter=dc/` in the address of the page, as often as one likes.
    fn wish(&self) -> Vec<String> {
        let filters = self.guest.wish.get("filters").and_then(Value::as_array);
        let texts = filters.into_iter().flatten().filter_map(Value::as_str);
        texts.map(str::to_owned).collect()
    }

    fn common(&self, hello: &Hello) -> Common {
        let options = &self.suite.options;
        let name = output::file_name(&hello.implementation, &[], self.number);
        Common {
            adapters: PathBuf::from(adapter::FOLDER),
            out: options.out.join(name.replace("..", ".")),
            scenarios: options.scenarios.clone(),
            today: options.today,
            quiet: true,
            ..Common::default()
        }
    }

    fn play(&self, job: &Job, known: &Known, common: &Common) -> Result<RunResult, Failure> {
        let (id, title) = (&job.id, &job.scenario.file.name);
        self.guest.show(json!({"begin": {"id": id, "title": title}}));
        let pcap = self.suite.options.pcap;
        let played = pool::in_fresh_thread(|| {
            let mut played = run::attempt(job, pcap);
            let files = run::keep(job, &mut played, &common.out, pcap)?;
            Ok(RunResult { files, repeat: repeat(job, common), ..job.result(played) })
        });
        let result: RunResult =
            played.map_err(|panic| Failure::internal(format!("run {id}: {}", panic.0)))??;
        let mut judged = [result.clone()];
        run::standing(&mut judged, known, common, Complete::Nothing);
        self.guest.show(json!({"end": verdict(&judged[0])}));
        Ok(result)
    }

    fn report(
        &self,
        player: &Player,
        mut results: Vec<RunResult>,
        known: &Known,
        common: &Common,
    ) -> Outcome {
        let under_test = std::slice::from_ref(player);
        let stale = run::standing(&mut results, known, common, Complete::Nothing);
        let seed = self.suite.options.seed;
        let report = Report::new(seed, run::participants(under_test), results, Vec::new(), stale);
        output::write(&common.out, &report)?;
        let words = summary(&report);
        let href = self.suite.pages.publish(self.number, common.out.clone());
        let href = (!self.suite.options.once).then_some(href);
        let folder = common.out.display().to_string();
        self.guest.show(json!({"report": {"href": href, "place": folder, "summary": words}}));
        let place = output::place(&common.out);
        output::say(&format!("session {}: {words}\n{place}", self.number))?;
        Ok(run::exit(&report))
    }
}

/// The command that plays a job again, once a browser has come.
fn repeat(job: &Job, common: &Common) -> String {
    let (id, seed, own) = (quoted(&job.id), job.seed, run::own(common.scenarios.as_deref()));
    format!("rtcspec serve {id} --once --seed {seed}{own}")
}

/// What the page shows of a run.
fn verdict(result: &RunResult) -> Value {
    let told = result.findings.iter().filter(|finding| finding.verdict != Verdict::Pass);
    let findings: Vec<Value> = told
        .map(|finding| {
            json!({
                "requirement": finding.requirement,
                "expected": finding.expected,
                "actual": finding.actual,
            })
        })
        .collect();
    json!({
        "id": result.id,
        "title": result.title,
        "verdict": result.verdict.word(),
        "standing": result.standing.word(),
        "seconds": result.elapsed.as_secs_f64(),
        "seed": result.seed,
        "findings": findings,
    })
}
