//! Everything a change must pass besides `cargo test --workspace`, each step with its time.
//!
//! Stops at the first step that fails. Debug steps come first, then the release build and what needs
//! it: a new check that needs the release binary is a line in [`RELEASE`].

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::tree::{Finding, Tree};
use crate::{answers, locks, measure, models, mutants, ranks, tidy, workshops};

/// A named step at the root of the workspace.
type Step = (&'static str, fn(&Path) -> Result<(), String>);

/// Steps that need no release build, cheapest first.
const DEBUG: [Step; 10] = [
    ("layout", |root| cargo(root, &["fmt", "--all", "--check"], &[])),
    ("tidy", |root| check(root, tidy::check)),
    ("ranks", |root| check(root, ranks::check)),
    ("locks", |root| check(root, locks::check)),
    ("clippy", |root| {
        cargo(root, &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"], &[])
    }),
    // Packages of their own: in the workspace somebody always asks for `std`.
    ("without std", |root| {
        let crates = ["turgo-machine", "turgo-lockfree", "turgo-sync"];
        let packages = crates.iter().flat_map(|name| ["--package", name]);
        let args: Vec<_> =
            ["check", "--lib", "--no-default-features"].into_iter().chain(packages).collect();
        cargo(root, &args, &[])
    }),
    ("workshops", workshops::run),
    ("documentation", |root| {
        let deny = ("RUSTDOCFLAGS", "-D warnings");
        cargo(root, &["doc", "--workspace", "--no-deps"], &[deny])
    }),
    ("models", models::run),
    ("mutants", mutants::run),
];

/// The release build and the steps that use it.
const RELEASE: [Step; 4] = [
    ("release build", |root| cargo(root, &["build", "--release", "--package", "turgo"], &[])),
    ("examples/quickstart.sql", |root| answers::compare(root, "quickstart")),
    ("examples/earthquakes.sql", |root| answers::compare(root, "earthquakes")),
    ("memory", measure::memory),
];

/// Runs all steps.
pub(crate) fn run(root: &Path) -> Result<(), String> {
    for (component, command) in [("rustfmt", "fmt"), ("clippy", "clippy")] {
        cargo(root, &[command, "--version"], &[]).map_err(|_| {
            format!("cargo {command} is missing: run `rustup component add {component}`")
        })?;
    }
    let start = now();
    for (name, step) in DEBUG.into_iter().chain(RELEASE) {
        let start = now();
        step(root).map_err(|message| format!("{name}: {message}"))?;
        eprintln!("xtask: {name}: ok in {}", seconds(start.elapsed()));
    }
    eprintln!("xtask: all passed in {}", seconds(start.elapsed()));
    Ok(())
}

/// Runs cargo at the root.
pub(crate) fn cargo(root: &Path, args: &[&str], variables: &[(&str, &str)]) -> Result<(), String> {
    eprintln!("xtask: cargo {}", args.join(" "));
    let status = Command::new("cargo")
        .args(args)
        .envs(variables.iter().copied())
        .current_dir(root)
        .status()
        .map_err(|e| format!("cannot start cargo: {e}"))?;
    if status.success() { Ok(()) } else { Err(format!("cargo ended with {status}")) }
}

fn check(root: &Path, check: fn(&Tree) -> Vec<Finding>) -> Result<(), String> {
    crate::check(root, check)
}

#[expect(clippy::disallowed_methods, reason = "the workshop times real commands")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

pub(crate) fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}
