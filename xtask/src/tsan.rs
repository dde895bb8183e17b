//! `cargo xtask tsan [CRATE]`: the ordinary tests of concurrent crates, or of one of them, under ThreadSanitizer.
//!
//! It needs a nightly toolchain. The standard library that comes with it is not built for the sanitizer, which therefore misses the fence in the last drop of an
//! `Arc`, and what channels and joins order. With its source (`rustup +nightly component add rust-src`) it is built as well, and nothing is missed. No
//! report is suppressed while a test runs: each is judged by where its two accesses were made. One of which the standard library or the test runner made a
//! side by itself is counted; any other fails.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::harness::{Programs, is_allocator, packages};

const TARGET: &str = "x86_64-unknown-linux-gnu";

/// Dependencies are built for the sanitizer as well, and the standard library is not: the flag says that this is known.
const FLAGS: &str = "-Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer";

/// Stacks of earlier accesses are kept for long, and a report does not end the program: its tests say for themselves whether they passed.
const OPTIONS: &str = "history_size=7 exitcode=0";

/// Runs every test program of all concurrent crates or of one, or says what is missing.
pub(crate) fn run(root: &Path, name: Option<&str>) -> Result<(), String> {
    let packages = packages(name)?;
    if let Err(missing) = tools() {
        eprintln!("xtask: tsan skipped: {missing}");
        return Ok(());
    }
    let mut command = Command::new("cargo");
    command.args(["+nightly", "test", "--no-run", "--message-format=json", "--lib", "--tests"]);
    command.args(["--target", TARGET, "--target-dir", "target/tsan"]).env("RUSTFLAGS", FLAGS);
    command.args(packages);
    if has_source() {
        command.arg("-Zbuild-std");
    } else {
        eprintln!(
            "xtask: without rust-src, drops of the standard library's own types look like races"
        );
    }
    let programs = Programs::build(root, &mut command)?;
    let (mut ours, mut others) = (0, 0);
    for program in programs.iter() {
        let Output { status, stdout, stderr } = Command::new(program)
            .arg("--test-threads=1")
            .env("TSAN_OPTIONS", OPTIONS)
            .current_dir(root)
            .output()
            .map_err(|e| format!("cannot start {}: {e}", program.display()))?;
        let text = String::from_utf8_lossy(&stderr);
        let log = program.with_extension("log");
        fs::write(&log, &*text).map_err(|e| format!("cannot write {}: {e}", log.display()))?;
        if !status.success() {
            let shown = String::from_utf8_lossy(&stdout);
            return Err(format!("{}: a test failed\n{shown}", program.display()));
        }
        let (bad, rest): (Vec<_>, Vec<_>) = reports(&text).partition(|report| is_ours(report));
        bad.iter().for_each(|report| println!("{report}\n"));
        ours += bad.len();
        others += rest.len();
        let name = program.file_name().unwrap_or_default().to_string_lossy();
        println!("{name:<34} {} of ours, {} of the standard library", bad.len(), rest.len());
    }
    println!("{ours} report(s) of ours, {others} of the standard library (target/tsan/{TARGET})");
    if ours == 0 { Ok(()) } else { Err("ThreadSanitizer has found something".into()) }
}

/// What is missing.
fn tools() -> Result<(), String> {
    if cfg!(not(all(target_os = "linux", target_arch = "x86_64"))) {
        return Err("it is set up for Linux on x86-64 only".into());
    }
    let version = Command::new("cargo").args(["+nightly", "--version"]).output();
    if version.is_ok_and(|output| output.status.success()) {
        return Ok(());
    }
    Err("there is no nightly toolchain: rustup toolchain install nightly".into())
}

/// Whether the standard library can be built for the sanitizer.
fn has_source() -> bool {
    let sysroot = Command::new("rustc").args(["+nightly", "--print", "sysroot"]).output();
    sysroot.is_ok_and(|output| {
        let root = String::from_utf8_lossy(&output.stdout);
        Path::new(root.trim()).join("lib/rustlib/src/rust/library").is_dir()
    })
}

/// The reports in what a program wrote.
fn reports(text: &str) -> impl Iterator<Item = &str> {
    let parts = text.split("==================\n");
    parts.map(str::trim_end).filter(|part| part.starts_with("WARNING: ThreadSanitizer:"))
}

/// Whether a report is about anything but two accesses of which the standard library or the test runner made one by itself.
fn is_ours(report: &str) -> bool {
    let is_race = report.starts_with("WARNING: ThreadSanitizer: data race");
    !is_race || !report.split("\n\n").take(2).any(is_unseen)
}

/// Whether an access was made where the sanitizer does not see what orders it: in frames of the standard library that no frame of ours is above.
fn is_unseen(access: &str) -> bool {
    let frames = access.lines().map(str::trim_start).filter(|line| line.starts_with('#'));
    let is_ours = |frame: &&str| frame.contains("/crates/turgo-") && !is_allocator(frame);
    frames.take_while(|frame| !is_ours(frame)).any(|frame| {
        let (_, function) = frame.split_once(' ').unwrap_or_default();
        let of_counted = ["<alloc::sync::Arc<", "<alloc::sync::Weak<"];
        let drops = ["as core::ops::drop::Drop>::drop ", ">>::drop_slow "];
        let drops_counted = of_counted.iter().any(|name| function.starts_with(name))
            && drops.iter().any(|name| function.contains(name));
        let by_itself = [
            "<std::sync::mpmc::",
            "std::sync::mpmc::",
            "<std::thread::lifecycle::Packet<",
            "test::",
        ];
        drops_counted || by_itself.iter().any(|name| function.starts_with(name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A report with two accesses, each by its functions, innermost first, and where they are written.
    fn report(kind: &str, accesses: [&[(&str, &str)]; 2]) -> String {
        let mut text = format!("==================\nWARNING: ThreadSanitizer: {kind} (pid=7)\n");
        for (number, access) in accesses.into_iter().enumerate() {
            text.push_str(&format!("  Write of size 8 at 0x72 by thread T{number}:\n"));
            for (number, (function, place)) in access.iter().enumerate() {
                text.push_str(&format!("    #{number} {function} {place} (a-1+0x2)\n"));
            }
            text.push('\n');
        }
        text.push_str("SUMMARY: ThreadSanitizer: something\n==================\n");
        text
    }

    fn ours(text: &str) -> Vec<bool> {
        reports(text).map(is_ours).collect()
    }

    const STD: &str = "/rustc/1/library/alloc/src/sync.rs:1:2";
    const OURS: &str = "/turgo/crates/turgo-lockfree/src/stack.rs:1:2";
    const PUSH: (&str, &str) = ("turgo_lockfree::stack::push", OURS);
    const DROP: (&str, &str) =
        ("<alloc::sync::Arc<turgo_lockfree::deque::Shared> as core::ops::drop::Drop>::drop", STD);

    #[test]
    fn a_race_of_ours_is_ours_whatever_called_it() {
        let inner: &[_] = &[("memcpy", STD), PUSH];
        let in_drop =
            &[("<turgo_lockfree::deque::Shared as core::ops::drop::Drop>::drop", OURS), DROP];
        let in_test = &[PUSH, ("test::run_test", STD)];
        for other in [inner, in_drop, in_test] {
            assert_eq!(ours(&report("data race", [inner, other])), [true]);
        }
    }

    #[test]
    fn what_the_standard_library_does_by_itself_is_counted_only() {
        let allocator = "<a::Poison as core::alloc::global::GlobalAlloc>::dealloc";
        let freed: &[_] = &[("free", STD), (allocator, OURS), DROP, PUSH];
        let received: &[_] = &[("<std::sync::mpmc::list::Channel<()>>::recv", STD), PUSH];
        for access in [freed, received] {
            assert_eq!(ours(&report("data race", [access, &[PUSH]])), [false]);
            assert_eq!(ours(&report("data race", [&[PUSH], access])), [false]);
        }
        assert_eq!(ours(&report("heap-use-after-free", [freed, &[PUSH]])), [true]);
    }

    #[test]
    fn every_report_is_judged() {
        let text = report("data race", [&[PUSH], &[PUSH]]);
        let text = format!("running 1 test\n{text}test a ... ok\n{text}");
        assert_eq!(ours(&text), [true, true]);
        assert!(ours("running 1 test\n").is_empty());
    }
}
