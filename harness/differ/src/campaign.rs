//! A campaign: mutated inputs through all parsers of a format, and what they disagree about.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use rtcspec_fuzz::mutate::{Rng, Source};
use rtcspec_fuzz::target;

use crate::account::Account;
use crate::class::{Class, classify, compare};
use crate::format::Format;
use crate::ledger::Ledger;
use crate::parser::Reads;

/// Longest input of a campaign.
const MOST: usize = 2048;
/// Inputs kept for the new they showed, beside the corpus.
const KEPT: usize = 20_000;

/// How often a class was met, and the shortest input that showed it.
#[derive(Clone, Debug, Default)]
pub struct Met {
    /// Times.
    pub times: u64,
    /// The shortest input.
    pub input: Vec<u8>,
}

/// All parsers of a format, compared with ours.
pub struct Bench<'l> {
    /// The format.
    pub format: &'static Format,
    /// The others.
    pub parsers: Vec<Box<dyn Reads>>,
    /// What is known of them.
    pub ledger: &'l Ledger,
}

impl std::fmt::Debug for Bench<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&str> = self.parsers.iter().map(|parser| parser.name()).collect();
        write!(f, "{}: {names:?}", self.format.name)
    }
}

impl<'l> Bench<'l> {
    /// The format with the parsers that are built in.
    #[must_use]
    pub fn new(format: &'static Format, ledger: &'l Ledger) -> Self {
        let boxed = |parser| Box::new(parser) as Box<dyn Reads>;
        Self { format, parsers: (format.theirs)().into_iter().map(boxed).collect(), ledger }
    }

    /// What parsers disagree about with ours, and a hash of what all of them made of it.
    pub fn judge(&mut self, input: &[u8]) -> (Vec<Class>, u64) {
        let ours = (self.format.ours.read)(input);
        let mut shape = DefaultHasher::new();
        if let Account::Refused(why) = &ours {
            why.cause.hash(&mut shape);
        }
        let mut classes = Vec::new();
        for parser in &mut self.parsers {
            let theirs = parser.read(input);
            let kind = compare(&ours, &theirs, parser.tells());
            if let Some(kind) = kind {
                let accounts = (&ours, &theirs);
                let class =
                    classify(self.format, self.ledger, parser.as_ref(), kind, input, accounts);
                class.hash(&mut shape);
                classes.push(class);
            }
        }
        (classes, shape.finish())
    }

    /// Makes an input smaller as long as it shows the class; at most `most` executions.
    #[must_use]
    pub fn minimise(&mut self, input: &[u8], class: &Class, most: usize) -> Vec<u8> {
        let repair = self.format.repair;
        rtcspec_fuzz::campaign::shrink(input, most, |candidate| {
            if self.judge(candidate).0.contains(class) {
                return true;
            }
            let before = candidate.clone();
            repair(candidate);
            *candidate != before && self.judge(candidate).0.contains(class)
        })
    }

    /// The accounts of an input, side by side.
    pub fn side_by_side(&mut self, input: &[u8]) -> String {
        let mut out = String::new();
        let ours = (self.format.ours.read)(input);
        tell(&mut out, self.format.ours.name, &ours, self.format.fields);
        for parser in &mut self.parsers {
            let account = parser.read(input);
            let (name, tells) = (parser.name().to_owned(), parser.tells().to_vec());
            tell(&mut out, &name, &account, &tells);
        }
        out
    }
}

fn tell(out: &mut String, name: &str, account: &Account<'_>, tells: &[&'static str]) {
    let _ = match account {
        Account::Refused(why) => {
            writeln!(out, "  {name:<12} refuses: {}", why.to_string().lines().next().unwrap_or(""))
        }
        Account::Panicked(what) => writeln!(out, "  {name:<12} panics: {what}"),
        Account::Read(fields) => {
            let _ = write!(out, "  {name:<12} reads");
            for field in fields.of(tells).take(40) {
                let _ = write!(out, " {}={}", field.name, field.value);
            }
            writeln!(out)
        }
    };
}

/// A campaign of one format. The same seed gives the same inputs.
#[derive(Debug)]
pub struct Campaign<'l> {
    /// The parsers.
    pub bench: Bench<'l>,
    corpus: Vec<Vec<u8>>,
    dictionary: Vec<Vec<u8>>,
    rng: Rng,
    shapes: BTreeSet<u64>,
    met: BTreeMap<Class, Met>,
    inputs: u64,
    kept: usize,
}

impl<'l> Campaign<'l> {
    /// A campaign that begins with these inputs, in their order.
    #[must_use]
    pub fn new(bench: Bench<'l>, seeds: Vec<Vec<u8>>, seed: u64) -> Self {
        let dictionary = target::by_name(bench.format.target).map(|target| (target.dictionary)());
        let mut campaign = Self {
            bench,
            corpus: Vec::new(),
            dictionary: dictionary.unwrap_or_default(),
            rng: Rng::with_seed(seed),
            shapes: BTreeSet::new(),
            met: BTreeMap::new(),
            inputs: 0,
            kept: 0,
        };
        for mut input in seeds {
            input.truncate(MOST);
            campaign.execute(&input);
            campaign.corpus.push(input);
        }
        if campaign.corpus.is_empty() {
            campaign.corpus.push(Vec::new());
        }
        campaign
    }

    /// Makes one input and asks all parsers.
    pub fn step(&mut self) {
        let Some(target) = target::by_name(self.bench.format.target) else { return };
        let mut input = self.corpus[self.rng.usize(..self.corpus.len())].clone();
        let donor = &self.corpus[self.rng.usize(..self.corpus.len())];
        let rng = self.rng.fork();
        let mut source = Source { rng, donor, dictionary: &self.dictionary, most: MOST };
        (target.mutate)(&mut input, &mut source);
        if self.execute(&input) && self.kept < KEPT {
            self.kept += 1;
            self.corpus.push(input);
        }
    }

    /// Says whether an input came to something new.
    fn execute(&mut self, input: &[u8]) -> bool {
        let (classes, shape) = self.bench.judge(input);
        self.inputs += 1;
        for class in classes {
            let met = self.met.entry(class).or_default();
            if met.times == 0 || input.len() < met.input.len() {
                met.input = input.to_vec();
            }
            met.times += 1;
        }
        self.shapes.insert(shape)
    }

    /// Inputs so far.
    #[must_use]
    pub const fn inputs(&self) -> u64 {
        self.inputs
    }

    /// The classes met.
    #[must_use]
    pub const fn met(&self) -> &BTreeMap<Class, Met> {
        &self.met
    }

    /// Those that the ledger does not have.
    pub fn unruled(&self) -> impl Iterator<Item = (&Class, &Met)> {
        self.met.iter().filter(|(class, _)| !self.bench.ledger.rules(class))
    }
}
