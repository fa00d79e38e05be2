//! Plays a program of `full_session` and prints the scenario file and what came of it.

use std::error::Error;

use rtcspec_fuzz::target::session::Fire;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("name a file with a program")?;
    let session = Fire::default().session(&std::fs::read(path)?)?;
    println!("{}", session.text);
    for finding in &session.findings {
        println!("# {finding}");
    }
    println!("{}", rtcspec_trace::transcript(&session.played.session, ""));
    Ok(())
}
