//! `rtcspec seeds`.

use rtcspec_capture::seeds::{Cutter, Format, Seed, write};

use crate::args::SeedsOptions;
use crate::capture;
use crate::exit::{Exit, Failure, Outcome};

pub(crate) fn seeds(options: &SeedsOptions) -> Outcome {
    let mut cutter = Cutter::default();
    for file in &options.files {
        let mut capture = capture::opened(file, &options.capture)?;
        cutter.cut(&mut capture, &capture::name(file));
        capture::say_problems(file, &capture);
    }
    let seeds = cutter.seeds();
    let into = &options.into;
    write(&seeds, into)
        .map_err(|error| Failure::usage(format!("write seeds into {}: {error}", into.display())))?;
    for format in Format::ALL {
        let own: Vec<&Seed> = seeds.iter().filter(|seed| seed.format == format).collect();
        let bytes: usize = own.iter().map(|seed| seed.bytes.len()).sum();
        println!("{:>5} {:<18} {bytes:>7} bytes", own.len(), format.folder());
    }
    if seeds.is_empty() {
        let message = "no message of any format in these files".to_owned();
        return Err(Failure { exit: Exit::Nothing, message });
    }
    Ok(Exit::AsExpected)
}
