//! The workshop: checks of the house rules, and everything that a change must pass.
//!
//! Each check is a function from a [`tree::Tree`] (paths and texts) to findings, so it runs the same
//! way from the command line, in `cargo test` over this workspace, and over planted mistakes.
//! Nothing depends on this package, and it depends on nothing but the standard library.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use crate::tree::{Finding, Tree};

mod answers;
mod bids;
mod ci;
mod harness;
mod locks;
mod manifest;
mod measure;
mod memcheck;
mod models;
mod mutants;
mod numa_guest;
mod ranks;
mod rust;
mod spin;
mod switches;
mod tidy;
mod tree;
mod tsan;
mod workshops;

const USAGE: &str = "\
usage: cargo xtask <task>

  ci      everything a change must pass, with the time each step took
  tidy    headers, lengths, names, citations, links, the list of dependencies
  ranks   arrows between crates point down; what each room may name; where unsafe is allowed
  spin    SPIN models of protocols, and that each named mistake in them fails
  memory  peak memory of a windowed count over 1 M and 10 M rows (needs the release build)
  models  the tests of concurrent crates under loom and shuttle
  mutants every planted mistake of concurrent crates, and the test that found it
  scaling gain of a second worker over 1 GB (needs the release build; minutes on a quiet machine)
  switches [--rounds N] [--group NAME] [--no-build] [--quick]
          the scheduler with single things turned off, or on, beside itself as it is (six optimised builds; with --quick unoptimised ones, once)
  workshops
          that every program in bench/ compiles with its own lock file
  locks   every lock of the workspace, with the reason why it is not on a per-row path
  tsan [CRATE]
          the tests of concurrent crates under ThreadSanitizer (needs a nightly toolchain; three minutes)
  memcheck [CRATE]
          the tests of concurrent crates under valgrind: bad accesses, and leaks at exit (needs valgrind; fifteen minutes)
  numa-guest [VMLINUZ]
          placement on an emulated machine of five memory nodes (needs QEMU and a kernel; half a minute)";

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let (task, extra) = (args.next(), args.next());
    let root = tree::root();
    let outcome = match (task.as_deref(), extra) {
        (Some("ci"), None) => ci::run(&root),
        (Some("tidy"), None) => check(&root, tidy::check),
        (Some("ranks"), None) => check(&root, ranks::check),
        (Some("memory"), None) => measure::memory(&root),
        (Some("models"), None) => models::run(&root),
        (Some("mutants"), None) => mutants::run(&root),
        (Some("scaling"), None) => measure::scaling(&root),
        (Some("numa-guest"), kernel) => numa_guest::run(&root, kernel.as_deref()),
        (Some("workshops"), None) => workshops::run(&root),
        (Some("switches"), first) => switches::run(&root, first.into_iter().chain(args)),
        (Some("spin"), None) => spin::run(&root),
        (Some("tsan"), name) => tsan::run(&root, name.as_deref()),
        (Some("memcheck"), name) => memcheck::run(&root, name.as_deref()),
        (Some("locks"), None) => check(&root, |tree| {
            print!("{}", locks::inventory(tree));
            locks::check(tree)
        }),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::FAILURE
        }
    }
}

/// Reads the workspace, applies one check and reports what it finds.
fn check(root: &std::path::Path, check: impl Fn(&Tree) -> Vec<Finding>) -> Result<(), String> {
    let tree = Tree::read(root).map_err(|e| format!("cannot read {}: {e}", root.display()))?;
    let findings = check(&tree);
    for finding in &findings {
        eprintln!("{finding}");
    }
    match findings.len() {
        0 => Ok(()),
        found => Err(format!("{found} finding(s)")),
    }
}
