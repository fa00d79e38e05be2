//! Lets the tests of this crate interpose entropy: see the `entropy` crate.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        println!("cargo:rustc-link-arg-tests=-Wl,--export-dynamic-symbol=getrandom");
    }
}
