//! Writes seed archives, dictionaries and options of all targets, as `ClusterFuzz` wants them beside
//! the binaries. Arguments: the corpus folder, and where to.

use std::error::Error;
use std::fs;
use std::path::PathBuf;

use rtcspec_fuzz::{parcel, target};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(corpus), Some(into)) = (arguments.next(), arguments.next()) else {
        return Err("say where the corpus is, and where to write".into());
    };
    fs::create_dir_all(&into)?;
    for target in target::ALL {
        let name = target.name;
        fs::write(into.join(format!("{name}_seed_corpus.zip")), parcel::seeds(target, &corpus)?)?;
        fs::write(into.join(format!("{name}.dict")), parcel::dictionary(target))?;
        fs::write(into.join(format!("{name}.options")), parcel::options(target))?;
    }
    Ok(())
}
