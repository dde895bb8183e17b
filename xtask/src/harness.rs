//! The ways in which the tests of concurrent crates are built and run, each with a target folder of its own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The crates whose protocols are run under checkers.
pub(crate) const CRATES: [&str; 5] =
    ["turgo-machine", "turgo-lockfree", "turgo-sync", "turgo-sched", "turgo-capability"];

/// What names one of [`CRATES`] to cargo, or all of them.
pub(crate) fn packages(name: Option<&str>) -> Result<Vec<&str>, String> {
    let named = |known: &&&'static str| name.is_none_or(|name| name == **known);
    let packages: Vec<_> =
        CRATES.iter().filter(named).flat_map(|name| ["--package", name]).collect();
    if packages.is_empty() { Err(format!("one of {}", CRATES.join(", "))) } else { Ok(packages) }
}

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
        command.args(["--lib", "--tests"]).env("RUSTFLAGS", flags);
        Programs::build(root, &mut command).map_err(|e| format!("for {}: {e}", self.name()))
    }
}

/// Whether a frame of a stack is a test's allocator, which stands between whoever asks for memory and the system.
pub(crate) fn is_allocator(frame: &str) -> bool {
    frame.contains("GlobalAlloc>::") || frame.contains("__rustc::__rust_")
}

/// A test program.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Program {
    /// The package whose tests it holds.
    package: String,
    pub(crate) path: PathBuf,
}

impl Program {
    /// The program that a message of cargo's speaks of.
    fn of(message: &str) -> Option<Self> {
        let value = |key: &str| message.split_once(key)?.1.split_once('"').map(|(value, _)| value);
        let path = value("\"executable\":\"")?.into();
        let folder = value("\"package_id\":\"")?.split('#').next()?;
        Some(Self { package: folder.rsplit('/').next()?.to_owned(), path })
    }
}

/// Test programs.
#[derive(Debug)]
pub(crate) struct Programs {
    programs: Vec<Program>,
}

impl Programs {
    /// What a `cargo test --no-run --message-format=json` builds.
    pub(crate) fn build(root: &Path, command: &mut Command) -> Result<Self, String> {
        let output = command
            .current_dir(root)
            .stderr(std::process::Stdio::inherit())
            .output()
            .map_err(|e| format!("cannot start cargo: {e}"))?;
        if !output.status.success() {
            return Err("the tests do not build".into());
        }
        let messages = String::from_utf8_lossy(&output.stdout);
        Ok(Self { programs: messages.lines().filter_map(Program::of).collect() })
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Path> {
        self.programs.iter().map(|program| &*program.path)
    }

    /// Which programs hold each test, by the package and the name of the test.
    pub(crate) fn tests(&self) -> Result<BTreeMap<(String, String), Vec<&Path>>, String> {
        let mut tests = BTreeMap::<_, Vec<_>>::new();
        for Program { package, path } in &self.programs {
            let output = Command::new(path)
                .args(["--list", "--format", "terse"])
                .output()
                .map_err(|e| format!("cannot start {}: {e}", path.display()))?;
            for line in String::from_utf8_lossy(&output.stdout).lines() {
                let Some(name) = line.strip_suffix(": test") else { continue };
                tests.entry((package.clone(), name.to_owned())).or_default().push(&**path);
            }
        }
        Ok(tests)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_crate_may_be_named() {
        assert_eq!(packages(None).map(|all| all.len()), Ok(2 * CRATES.len()));
        assert_eq!(packages(Some("turgo-lockfree")), Ok(vec!["--package", "turgo-lockfree"]));
        assert!(packages(Some("turgo")).is_err());
    }

    #[test]
    fn programs_are_found_in_cargos_messages() {
        let artifact = r#"{"reason":"compiler-artifact","package_id":"path+file:///w/crates/turgo-x#0.1.0","executable":"/x/deps/a-1","fresh":true}"#;
        let program = Program { package: "turgo-x".into(), path: "/x/deps/a-1".into() };
        assert_eq!(Program::of(artifact), Some(program));
        assert_eq!(Program::of(r#"{"reason":"compiler-artifact","executable":null}"#), None);
    }
}
