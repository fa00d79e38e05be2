//! Lets crates that look `getrandom` up at run time find the interposed one.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let is = |name: &str, value: &str| std::env::var(name).is_ok_and(|found| found == value);
    let interposed = is("CARGO_CFG_TARGET_OS", "linux")
        && is("CARGO_CFG_TARGET_ARCH", "x86_64")
        && is("CARGO_CFG_TARGET_ENV", "gnu");
    if interposed {
        println!("cargo::rustc-link-arg-bins=-Wl,--export-dynamic-symbol=getrandom");
    }
}
