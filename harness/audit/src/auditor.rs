//! Events to rules, and what the rules found to a report.

use std::collections::BTreeMap;
use std::time::Duration;

use rtcspec_trace::Signal;
use rtcspec_trace::watch::{Event, Kind, limits};

use crate::book::{Book, Books};
use crate::diagnosis::Diagnoser;
use crate::hears::Hears;
use crate::registry;
use crate::report::{ConnectionReport, FileReport, Further, Held, Reported, Silent};
use crate::rule::{About, Need, Scene, Scope, Watch};
use crate::tally::Tally;
use crate::upcoming::Upcoming;

/// Connections watched at the same time: as many as an observer tells apart, and what belongs to
/// none. The one silent longest ends early when there are more.
const MOST_LIVE: usize = limits::CONNECTIONS + 1;
/// Connections reported one by one; what later ones broke is still reported, what they held is not.
const MOST_REPORTED: usize = 2000;

/// Watches over everything one observer sees.
#[derive(Debug)]
pub struct Auditor {
    books: Books,
    upcoming: Upcoming,
    /// Rules by the kind of event they hear.
    hearers: [Vec<usize>; Hears::COUNT],
    /// State of the rules that reach over all connections.
    wide: Vec<Option<Box<dyn Watch>>>,
    /// By number; 0 is what belongs to none.
    live: BTreeMap<u32, Connection>,
    ended: Vec<ConnectionReport>,
    /// Connections that were not reported for want of room.
    left_out: u64,
    /// Connections that ended early and went on.
    resumed: u64,
    /// The connection that began last.
    newest: u32,
    /// Events so far.
    events: u64,
    now: Duration,
}

#[derive(Debug)]
struct Connection {
    session: Option<u32>,
    signals: usize,
    /// The number of its last event.
    last: u64,
    watches: Vec<Option<Box<dyn Watch>>>,
    tallies: Vec<Tally>,
    diagnoser: Diagnoser,
    opened: bool,
    directions: [bool; 2],
}

impl Default for Auditor {
    fn default() -> Self {
        Self::new()
    }
}

impl Auditor {
    /// An auditor that knows nothing yet.
    #[must_use]
    pub fn new() -> Self {
        let mut hearers: [Vec<usize>; Hears::COUNT] = Default::default();
        for (index, rule) in registry::all().enumerate() {
            for kind in rule.about().hears {
                hearers[*kind as usize].push(index);
            }
        }
        Self {
            books: Books::default(),
            upcoming: Upcoming::default(),
            hearers,
            wide: watches(Scope::Observer),
            live: BTreeMap::new(),
            ended: Vec::new(),
            left_out: 0,
            resumed: 0,
            newest: 0,
            events: 0,
            now: Duration::ZERO,
        }
    }

    /// Takes in what is known to be signalled, in the order of time. Each signal counts from when it
    /// was sent, as if it came with [`signal`](Self::signal) then.
    pub fn foretell(&mut self, signals: Vec<(u32, Signal)>) {
        self.upcoming.add(signals, &mut self.books);
    }

    /// Takes in what was signalled, before what was seen after it.
    pub fn signal(&mut self, session: u32, signal: &Signal) {
        self.books.add(session, signal);
    }

    /// Takes in what was seen.
    pub fn event(&mut self, event: &Event<'_>) {
        while let Some((session, signal)) = self.upcoming.next(event) {
            self.books.add(session, &signal);
        }
        self.now = event.at;
        self.events += 1;
        let id = event.connection.map_or(0, |id| id.0);
        if !self.live.contains_key(&id) {
            self.begin(id);
        }
        let Some(connection) = self.live.get_mut(&id) else { return };
        connection.last = self.events;
        connection.learn(event, &self.books);
        let book = self.books.book(connection.session);
        connection.hear_signals(book, &mut self.wide);
        connection.diagnoser.event(event);
        let Some(kind) = Hears::of(&event.kind) else { return };
        let scene = Scene { book, now: event.at };
        for index in self.hearers[kind as usize].iter().copied() {
            let watch = connection.watches[index].as_mut().or(self.wide[index].as_mut());
            if let Some(watch) = watch {
                watch.event(&scene, event, &mut connection.tallies[index]);
            }
        }
    }

    /// What was found; `file` is the name it is reported under.
    #[must_use]
    pub fn finish(mut self, file: &str, frames: u64) -> FileReport {
        while let Some((session, signal)) = self.upcoming.pop() {
            self.books.add(session, &signal);
        }
        if self.live.is_empty() && self.books.only().is_some() {
            self.begin(0);
        }
        self.end_wide();
        let mut outside = self.live.remove(&0);
        let single = self.ended.is_empty() && self.live.len() == 1;
        if single && let Some(none) = outside.take_if(|_| true) {
            self.merge(none);
        }
        for (id, connection) in std::mem::take(&mut self.live) {
            self.end(id, connection);
        }
        if let Some(none) = outside {
            self.end(0, none);
        }
        let mut report = FileReport {
            file: file.to_owned(),
            frames,
            connections: self.ended,
            ..Default::default()
        };
        for (count, what) in [
            (self.left_out, "further connections broke nothing and are not listed"),
            (
                self.resumed,
                "connections went on after others had taken their place: they are listed in parts",
            ),
        ] {
            report.problems.extend((count > 0).then(|| format!("{count} {what}")));
        }
        report
    }

    fn begin(&mut self, id: u32) {
        if self.live.len() >= MOST_LIVE {
            let eldest = self.live.iter().filter(|(id, _)| **id != 0).min_by_key(|(_, c)| c.last);
            if let Some(id) = eldest.map(|(id, _)| *id)
                && let Some(connection) = self.live.remove(&id)
            {
                self.end(id, connection);
            }
        }
        // They are numbered in the order they appear.
        self.resumed += u64::from(id != 0 && id <= self.newest);
        self.newest = self.newest.max(id);
        self.live.insert(id, Connection::new(self.books.only(), self.events));
    }

    /// The rules that reach over all say their last words where most belongs.
    fn end_wide(&mut self) {
        let scene_of = |connection: &Connection| connection.session;
        let Some(connection) = self.live.values_mut().next_back() else { return };
        let book = self.books.book(scene_of(connection));
        connection.hear_signals(book, &mut self.wide);
        let scene = Scene { book, now: self.now };
        for (index, watch) in self.wide.iter_mut().enumerate() {
            if let Some(watch) = watch {
                watch.end(&scene, &mut connection.tallies[index]);
            }
        }
    }

    /// What belongs to no connection belongs to the only one there is.
    fn merge(&mut self, mut none: Connection) {
        let scene = Scene { book: self.books.book(none.session), now: self.now };
        none.finish(&scene);
        let Some(connection) = self.live.values_mut().next() else { return };
        for (tally, more) in connection.tallies.iter_mut().zip(none.tallies) {
            tally.absorb(more);
        }
        connection.diagnoser.absorb(&none.diagnoser);
    }

    fn end(&mut self, id: u32, mut connection: Connection) {
        let book = self.books.book(connection.session);
        connection.hear_signals(book, &mut self.wide);
        connection.finish(&Scene { book, now: self.now });
        let report = connection.report(id, book);
        let empty = report.findings.is_empty();
        if id == 0 && empty && report.held.is_empty() {
            return;
        }
        if empty && self.ended.len() >= MOST_REPORTED {
            self.left_out += 1;
        } else {
            self.ended.push(report);
        }
    }
}

fn watches(scope: Scope) -> Vec<Option<Box<dyn Watch>>> {
    registry::all().map(|rule| (rule.about().scope == scope).then(|| rule.watch())).collect()
}

impl Connection {
    fn new(session: Option<u32>, last: u64) -> Self {
        Self {
            session,
            signals: 0,
            last,
            watches: watches(Scope::Connection),
            tallies: registry::all().map(|rule| Tally::new(rule.about())).collect(),
            diagnoser: Diagnoser::default(),
            opened: false,
            directions: [false; 2],
        }
    }

    /// Which session it is, and what could be seen of it.
    fn learn(&mut self, event: &Event<'_>, books: &Books) {
        match &event.kind {
            Kind::Stun(stun) => {
                if let Some(name) = &stun.username {
                    let of = |ufrag| books.session_of(ufrag);
                    self.session = of(name.receiver).or_else(|| of(name.sender)).or(self.session);
                }
            }
            Kind::Sctp(_) => self.opened = true,
            Kind::Datagram(_) => {
                if let Some(party) = event.from.party() {
                    self.directions[usize::from(party == rtcspec_trace::Party::B)] = true;
                }
            }
            _ => {}
        }
    }

    /// Descriptions that came since the last event.
    fn hear_signals(&mut self, book: &Book, wide: &mut [Option<Box<dyn Watch>>]) {
        if self.signals >= book.total {
            return;
        }
        let new = (book.total - self.signals).min(book.descriptions.len());
        self.signals = book.total;
        for description in &book.descriptions[book.descriptions.len() - new..] {
            for (index, own) in self.watches.iter_mut().enumerate() {
                if let Some(watch) = own.as_mut().or(wide[index].as_mut()) {
                    watch.signal(book, description, &mut self.tallies[index]);
                }
            }
        }
    }

    fn finish(&mut self, scene: &Scene<'_>) {
        for (watch, tally) in self.watches.iter_mut().zip(&mut self.tallies) {
            if let Some(watch) = watch {
                watch.end(scene, tally);
            }
        }
    }

    fn report(self, id: u32, book: &Book) -> ConnectionReport {
        let name =
            if id == 0 { "outside any connection".into() } else { format!("connection {id}") };
        let mut report = ConnectionReport {
            name,
            diagnosis: self.diagnoser.diagnosis(),
            ..ConnectionReport::default()
        };
        for (rule, tally) in registry::all().zip(&self.tallies) {
            let about = rule.about();
            let found = tally.findings.iter();
            report.findings.extend(found.map(|f| Reported::new(about.id, about.advice, f)));
            report.further.extend(Further::of(about.id, tally));
            if tally.held > 0 {
                report.held.push(Held { rule: about.id, times: tally.held });
            } else if tally.findings.is_empty() {
                report.silent.push(Silent { rule: about.id, why: self.why_silent(about, book) });
            }
        }
        report.findings.sort_by(|a, b| {
            (b.level, a.frames.first(), a.rule).cmp(&(a.level, b.frames.first(), b.rule))
        });
        report
    }

    /// Why a rule had nothing to judge.
    fn why_silent(&self, about: &About, book: &Book) -> String {
        let missing = about.needs.iter().find(|need| match need {
            Need::Signalling => book.is_empty(),
            Need::Keys => !self.opened,
            Need::BothDirections => self.directions != [true; 2],
            Need::FarEnd | Need::Times => false,
        });
        missing.map_or_else(|| about.silent.to_owned(), |need| need.lacking())
    }
}

#[cfg(test)]
mod tests {
    use crate::trial::{Trial, a, check};

    #[test]
    fn hundreds_of_connections_at_once_are_each_one() {
        let mut trial = Trial::default();
        for round in 0..3_u64 {
            for nth in 0..300_u16 {
                let [high, low] = nth.to_be_bytes();
                let peer = ([10, 1, high, low], 6000).into();
                let ufrags = format!("p{nth:04}:s{nth:04}");
                trial.stun(round, (a(5000), peer), &check(low, &ufrags, true, 1));
            }
        }
        let report = trial.report();
        assert_eq!((report.connections.len(), report.problems.len()), (300, 0));
    }
}
