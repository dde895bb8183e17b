//! The ways in which the tests of concurrent crates are built and run, each with a target folder of its own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The crates whose protocols are run under checkers.
pub(crate) const CRATES: [&str; 2] = ["turgo-machine", "turgo-lockfree"];

/// What runs a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Harness {
    /// Threads of the machine.
    Std,
    /// All interleavings and reorderings of a small model.
    Loom,
    /// Random interleavings of longer histories.
    Shuttle,
}

impl Harness {
    pub(crate) const ALL: [Self; 3] = [Self::Std, Self::Loom, Self::Shuttle];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Std => "std",
            Self::Loom => "loom",
            Self::Shuttle => "shuttle",
        }
    }

    /// The test programs of [`CRATES`], built for this harness; with `mutants`, so that one planted mistake
    /// can be chosen when a program starts.
    pub(crate) fn build(self, root: &Path, mutants: bool) -> Result<Programs, String> {
        let mut flags = match self {
            Self::Std => String::new(),
            Self::Loom | Self::Shuttle => format!("--cfg {}", self.name()),
        };
        if mutants {
            flags.push_str(" --cfg mutants");
        }
        let folder = format!("target/{}{}", self.name(), if mutants { "-mutants" } else { "" });
        let mut command = Command::new("cargo");
        command.args(["test", "--no-run", "--message-format=json", "--target-dir"]);
        command.arg(folder).args(CRATES.iter().flat_map(|name| ["--package", name]));
        // Threads of the machine keep their debug assertions; checkers run for minutes without optimisation.
        command.args((self != Self::Std).then_some("--release"));
        command.args(["--lib", "--tests"]).env("RUSTFLAGS", flags).current_dir(root);
        let output = command
            .stderr(std::process::Stdio::inherit())
            .output()
            .map_err(|e| format!("cannot start cargo: {e}"))?;
        if !output.status.success() {
            return Err(format!("the tests for {} do not build", self.name()));
        }
        let messages = String::from_utf8_lossy(&output.stdout);
        let programs = messages.lines().filter_map(executable).map(PathBuf::from);
        Ok(Programs { programs: programs.collect() })
    }
}

/// The program that a message of cargo's speaks of.
fn executable(message: &str) -> Option<&str> {
    message.split_once("\"executable\":\"")?.1.split_once('"').map(|(path, _)| path)
}

/// Test programs.
#[derive(Debug)]
pub(crate) struct Programs {
    programs: Vec<PathBuf>,
}

impl Programs {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Path> {
        self.programs.iter().map(PathBuf::as_path)
    }

    /// Which programs hold each test.
    pub(crate) fn tests(&self) -> Result<BTreeMap<String, Vec<&Path>>, String> {
        let mut tests = BTreeMap::<_, Vec<_>>::new();
        for program in self.iter() {
            let output = Command::new(program)
                .args(["--list", "--format", "terse"])
                .output()
                .map_err(|e| format!("cannot start {}: {e}", program.display()))?;
            for line in String::from_utf8_lossy(&output.stdout).lines() {
                let Some(name) = line.strip_suffix(": test") else { continue };
                tests.entry(name.to_owned()).or_default().push(program);
            }
        }
        Ok(tests)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_in_cargos_messages() {
        let artifact = r#"{"reason":"compiler-artifact","executable":"/x/deps/a-1","fresh":true}"#;
        assert_eq!(executable(artifact), Some("/x/deps/a-1"));
        assert_eq!(executable(r#"{"reason":"compiler-artifact","executable":null}"#), None);
    }
}
