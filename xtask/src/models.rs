//! `cargo xtask models`: the tests of concurrent crates under loom and shuttle.

use std::path::Path;
use std::process::Command;

use crate::harness::Harness;

/// Runs every test program of both checkers.
pub(crate) fn run(root: &Path) -> Result<(), String> {
    for harness in [Harness::Loom, Harness::Shuttle] {
        let programs = harness.build(root, false)?;
        let tests = programs.tests()?.len();
        eprintln!("xtask: {}: {tests} test(s)", harness.name());
        for program in programs.iter() {
            let status = Command::new(program)
                .arg("--quiet")
                .current_dir(root)
                .status()
                .map_err(|e| format!("cannot start {}: {e}", program.display()))?;
            if !status.success() {
                return Err(format!("a test under {} failed", harness.name()));
            }
        }
    }
    Ok(())
}
