//! `cargo xtask memcheck [CRATE]`: the ordinary tests of concurrent crates, or of one of them, under valgrind, with a look at what is left when they exit.
//!
//! valgrind runs one thread at a time: it finds what is read after it was freed, read before it was written, or never freed, and no race. A block
//! that nothing points to at exit is a leak where our code allocated it. Where a test did, the test meant to: it leaks what threads share, so that
//! nothing but what is tested orders them. Children of forks are left out: they end in the middle of things.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::harness::{Programs, is_allocator, packages};

/// Stacks are long, and every leak names who allocated it by a path.
const OPTIONS: [&str; 8] = [
    "--leak-check=full",
    "--show-leak-kinds=definite",
    "--errors-for-leak-kinds=definite",
    "--num-callers=30",
    "--fullpath-after=",
    "--fair-sched=yes",
    "--child-silent-after-fork=yes",
    "--error-limit=no",
];

/// Tests of plain data with thousands of cases, in which there is no pointer, and one of how long memory takes.
const SKIPPED: [&str; 3] =
    ["topology::tests::prop", "random::", "latency::tests::memory_is_slower_than_a_cache"];

/// Runs every test program of all concurrent crates or of one, or says what is missing.
pub(crate) fn run(root: &Path, name: Option<&str>) -> Result<(), String> {
    let packages = packages(name)?;
    if Command::new("valgrind").arg("--version").output().is_err() {
        eprintln!(
            "xtask: memcheck skipped: valgrind is not installed (Debian has it as `valgrind`)"
        );
        return Ok(());
    }
    let mut command = Command::new("cargo");
    command.args(["test", "--no-run", "--message-format=json", "--lib", "--tests"]);
    command.args(["--target-dir", "target/memcheck"]).env_remove("RUSTFLAGS");
    command.args(packages);
    let programs = Programs::build(root, &mut command)?;
    let (mut ours, mut tests) = (0, 0);
    for program in programs.iter() {
        let log = program.with_extension("memcheck");
        let mut valgrind = Command::new("valgrind");
        valgrind.args(OPTIONS).arg(format!("--log-file={}", log.display())).arg(program);
        valgrind.arg("--test-threads=1").args(SKIPPED.iter().flat_map(|name| ["--skip", name]));
        // What a panic prints is looked up in tables of many megabytes, which stay.
        let Output { status, stdout, .. } = valgrind
            .env("RUST_BACKTRACE", "0")
            .env("PROPTEST_CASES", "16")
            .current_dir(root)
            .output()
            .map_err(|e| format!("cannot start valgrind: {e}"))?;
        let text = fs::read_to_string(&log).map_err(|e| format!("{}: {e}", log.display()))?;
        if !status.success() {
            let shown = String::from_utf8_lossy(&stdout);
            return Err(format!("{}: a test failed\n{shown}", program.display()));
        }
        let text = plain(&text);
        let (bad, rest): (Vec<_>, Vec<_>) = errors(&text).partition(|error| is_ours(error));
        bad.iter().for_each(|error| println!("{error}\n"));
        ours += bad.len();
        tests += rest.len();
        let name = program.file_name().unwrap_or_default().to_string_lossy();
        println!("{name:<34} {} of ours, {} leaked by tests", bad.len(), rest.len());
    }
    println!("{ours} error(s) of ours, {tests} leak(s) of tests (target/memcheck/debug/deps)");
    if ours == 0 { Ok(()) } else { Err("valgrind has found something".into()) }
}

/// What valgrind wrote, without the number of the process that each line begins with.
fn plain(text: &str) -> String {
    let line = |line: &str| match line.strip_prefix("==").and_then(|rest| rest.split_once("==")) {
        Some((_, rest)) => format!("{}\n", rest.strip_prefix(' ').unwrap_or(rest)),
        None => format!("{line}\n"),
    };
    text.lines().map(line).collect()
}

/// What was found: paragraphs with a stack.
fn errors(text: &str) -> impl Iterator<Item = &str> {
    text.split("\n\n").map(|part| part.trim_matches('\n')).filter(|part| part.contains("   at 0x"))
}

/// Whether it is anything but a leak of what a test allocated.
fn is_ours(error: &str) -> bool {
    let is_leak = error.lines().next().is_some_and(|line| line.contains("definitely lost"));
    let mut frames = error.lines().filter(|line| !is_allocator(line));
    let first = frames.find(|line| line.contains("/crates/turgo-"));
    !is_leak || !first.is_some_and(|frame| frame.contains("/tests/") || frame.contains("/tests.rs"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours(text: &str) -> Vec<bool> {
        errors(&plain(text)).map(is_ours).collect()
    }

    const NEW: &str = "==7==    at 0x1: malloc (vg_replace_malloc.c:381)\n";
    const PRODUCT: &str = "==7==    by 0x2: push (/w/crates/turgo-lockfree/src/stack.rs:9)\n";
    const TEST: &str = "==7==    by 0x3: leaks (/w/crates/turgo-lockfree/src/stack/tests.rs:9)\n";

    #[test]
    fn a_leak_is_whose_code_allocated_it() {
        let leak = "==7== \n==7== 8 (1 direct, 7 indirect) bytes in 1 blocks are definitely lost in loss record 1 of 2\n";
        assert_eq!(ours(&[leak, NEW, PRODUCT, TEST, "==7== \n"].concat()), [true]);
        assert_eq!(ours(&[leak, NEW, TEST, PRODUCT, "==7== \n"].concat()), [false]);
        assert_eq!(ours(&[leak, NEW, "==7== \n"].concat()), [true], "nobody's");
        let allocator =
            "==7==    by 0x4: <A as GlobalAlloc>::alloc (/w/crates/turgo-x/tests/a.rs:1)\n";
        assert_eq!(ours(&[leak, NEW, allocator, PRODUCT, "==7== \n"].concat()), [true]);
    }

    #[test]
    fn a_bad_access_is_ours_wherever_it_is() {
        let bad = "==7== Command: a\n==7== \n==7== Invalid read of size 8\n";
        assert_eq!(ours(&[bad, NEW, TEST, "==7== \n==7== LEAK SUMMARY:\n"].concat()), [true]);
        assert!(ours("==7== HEAP SUMMARY:\n==7==     in use at exit: 3 bytes\n").is_empty());
    }
}
