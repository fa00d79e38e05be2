//! `rtcspec fuzz score`.

use rtcspec_fuzz::score::{Patience, Score, score as search};
use rtcspec_fuzz::target::Target;

use super::args::ScoreOptions;
use crate::exit::{Exit, Outcome};

/// Of a hundred planted bugs this many must be found.
const WANTED: usize = 95;

pub(super) fn score(options: &ScoreOptions) -> Outcome {
    let patience = Patience { executions: options.executions, time: options.time };
    let (mut all, mut found) = (0, 0);
    if options.markdown {
        println!("| target | planted bug | whose | found | executions, median | most |");
        println!("|---|---|---|---|---|---|");
    }
    for target in super::chosen(&options.targets)? {
        // What campaigns made may hold the bug's trigger already.
        let inputs = super::seeds(target, &options.corpus.corpus)?;
        for plant in target.plants {
            let score = search(target, plant, &inputs, 0..options.seeds, patience);
            all += 1;
            found += usize::from(score.is_found());
            print(target, &score, options.markdown);
        }
    }
    println!("{found} of {all} planted bugs found");
    Ok(if found * 100 >= all * WANTED { Exit::AsExpected } else { Exit::Unexpected })
}

fn print(target: &Target, score: &Score, markdown: bool) {
    let found = score.runs.iter().filter(|run| run.is_some()).count();
    let runs = score.runs.len();
    let number = |run: Option<u64>| run.map_or("-".to_owned(), |at| at.to_string());
    let (median, most) = (number(score.median()), number(score.runs.last().copied().flatten()));
    let (target, plant, source) = (target.name, score.plant.name, score.plant.source);
    if markdown {
        println!("| {target} | {plant} | {source} | {found}/{runs} | {median} | {most} |");
    } else {
        println!("{target:<16} {plant:<34} {found}/{runs}  median {median:>8}  most {most:>8}");
    }
}
