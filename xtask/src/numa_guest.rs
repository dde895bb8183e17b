//! Boots an emulated machine of five memory nodes and runs the placement checks of `turgo-machine` and `turgo-sched` in it.
//!
//! The checks are two static programs: the guest's first process, and one that it starts. They say `PASS` or `FAIL` on the serial line; then the first turns
//! the machine off. Emulation has no faster and slower memory: this proves where memory is, and nothing about speed. Where
//! QEMU or a kernel is missing, it says which package has it, and that is no failure.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

const QEMU: &str = "qemu-system-x86_64";

/// From the start of the emulator to the last line of the guest.
const TIME_MAX: Duration = Duration::from_secs(120);

const TARGET: &str = "x86_64-unknown-linux-gnu";

/// Where everything is put, below the root.
const FOLDER: &str = "target/numa-guest";

/// Nodes and their memory in MiB; two processors each but for the last.
const NODES: [u32; 5] = [256, 256, 256, 256, 128];

/// As the guest expects them, above the diagonal.
const DISTANCES: [(u32, u32, u32); 10] = [
    (0, 1, 16),
    (0, 2, 16),
    (0, 3, 22),
    (1, 2, 22),
    (1, 3, 16),
    (2, 3, 16),
    (0, 4, 28),
    (1, 4, 28),
    (2, 4, 28),
    (3, 4, 28),
];

/// Runs it; `kernel` is a `vmlinuz`, or one is looked for.
pub(crate) fn run(root: &Path, kernel: Option<&str>) -> Result<(), String> {
    let folder = root.join(FOLDER);
    let kernel = match tools(kernel.map(PathBuf::from), &folder) {
        Ok(kernel) => kernel,
        Err(missing) => {
            eprintln!("xtask: numa-guest skipped: {missing}");
            return Ok(());
        }
    };
    let built = build(root, &folder)?;
    let read = |name: &str| {
        let path = built.join(name);
        fs::read(&path).map_err(|e| format!("cannot read {}: {e}", path.display()))
    };
    let (init, second) = (read("numa_guest")?, read("placement")?);
    let archive = folder.join("initrd.cpio");
    fs::write(&archive, cpio(&init, &second))
        .map_err(|e| format!("cannot write {}: {e}", archive.display()))?;
    eprintln!("xtask: {QEMU} with {}", kernel.display());
    let mut command = Command::new(QEMU);
    command.args(machine()).arg("-kernel").arg(&kernel).arg("-initrd").arg(&archive);
    let (lines, seconds) = boot(command)?;
    let report = judge(&lines)?;
    println!("{report} in {seconds:.1} s");
    Ok(())
}

/// The kernel to boot, or what is missing.
fn tools(kernel: Option<PathBuf>, folder: &Path) -> Result<PathBuf, String> {
    if cfg!(not(all(target_os = "linux", target_arch = "x86_64"))) {
        return Err("the guest is a Linux on x86-64, built on such a machine".into());
    }
    let version = Command::new(QEMU).arg("--version").stdout(Stdio::null()).status();
    if version.is_err() {
        return Err(format!("{QEMU} is not installed; on Debian: apt-get install qemu-system-x86"));
    }
    let found =
        [folder.join("kernel/boot"), PathBuf::from("/boot")].into_iter().find_map(|folder| {
            let entries = fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path());
            let named = |path: &PathBuf| {
                path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("vmlinuz"))
            };
            entries.filter(named).max()
        });
    kernel.or(found).ok_or_else(|| {
        format!(
            "no kernel (vmlinuz) in {FOLDER}/kernel/boot or /boot; on Debian, without installing it:\n  \
             apt-get download \"$(apt-cache depends linux-image-amd64 | sed -n 's/.*Depends: //p')\"\n  \
             dpkg -x linux-image-*.deb {FOLDER}/kernel"
        )
    })
}

/// The folder with the static programs that the guest runs.
fn build(root: &Path, folder: &Path) -> Result<PathBuf, String> {
    let status = Command::new("cargo")
        .args(["build", "--quiet", "--release"])
        .args(["--package", "turgo-machine", "--example", "numa_guest"])
        .args(["--package", "turgo-sched", "--example", "placement"])
        .args(["--target", TARGET, "--target-dir"])
        .arg(folder)
        .env("RUSTFLAGS", "-C target-feature=+crt-static")
        .current_dir(root)
        .status()
        .map_err(|e| format!("cannot start cargo: {e}"))?;
    if !status.success() {
        return Err(format!("cargo ended with {status}"));
    }
    Ok(folder.join(TARGET).join("release/examples"))
}

/// The machine, in QEMU's words.
fn machine() -> Vec<String> {
    let memory: u32 = NODES.iter().sum();
    let mut words = format!(
        "-nodefaults -no-user-config -display none -no-reboot -machine q35,hmat=on -accel tcg,thread=multi \
         -cpu max -m {memory} -smp 8,sockets=4,cores=2,threads=1 -serial stdio"
    );
    for (node, size) in (0u32..).zip(NODES) {
        words += &format!(" -object memory-backend-ram,size={size}M,id=m{node}");
        words += &match node {
            4 => " -numa node,nodeid=4,memdev=m4,initiator=0".to_owned(),
            _ => format!(
                " -numa node,nodeid={node},cpus={}-{},memdev=m{node},initiator={node}",
                2 * node,
                2 * node + 1
            ),
        };
    }
    for (from, to, distance) in DISTANCES {
        words += &format!(" -numa dist,src={from},dst={to},val={distance}");
    }
    let far = |from: u32, to: u32| {
        let between = |&&(a, b, _): &&(u32, u32, u32)| (a, b) == (from.min(to), from.max(to));
        DISTANCES.iter().find(between).map_or(10, |(_, _, distance)| *distance)
    };
    for (from, to) in (0..4).flat_map(|from| (0..5).map(move |to| (from, to))) {
        let about = format!(
            " -numa hmat-lb,initiator={from},target={to},hierarchy=memory,data-type=access"
        );
        let bandwidth = if from == to { 10 } else { 5 };
        words += &format!("{about}-latency,latency={}", 10 * far(from, to));
        words += &format!("{about}-bandwidth,bandwidth={bandwidth}G");
    }
    let mut arguments: Vec<String> = words.split_ascii_whitespace().map(str::to_owned).collect();
    arguments.push("-append".into());
    arguments.push("console=ttyS0 panic=-1 quiet tsc=reliable numa_balancing=disable".into());
    arguments
}

/// The lines of the serial port until the guest is off, and the seconds it took.
fn boot(mut command: Command) -> Result<(Vec<String>, f64), String> {
    let start = now();
    let mut guest = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|e| format!("cannot start {QEMU}: {e}"))?;
    let serial = BufReader::new(guest.stdout.take().ok_or("no serial line")?);
    let (send, receive) = mpsc::channel();
    read_lines(serial, send);
    let mut lines = Vec::new();
    loop {
        let left = TIME_MAX.saturating_sub(start.elapsed());
        match receive.recv_timeout(left) {
            Ok(line) => {
                let line = String::from_utf8_lossy(&line).trim().to_owned();
                println!("  {line}");
                lines.push(line);
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                // Killed or gone: either way it is over.
                let _ = guest.kill();
                let _ = guest.wait();
                return Err(format!("the guest was not done after {} s", TIME_MAX.as_secs()));
            }
        }
    }
    let status = guest.wait().map_err(|e| format!("cannot wait for {QEMU}: {e}"))?;
    if !status.success() {
        return Err(format!("{QEMU} ended with {status}"));
    }
    Ok((lines, start.elapsed().as_secs_f64()))
}

/// Sends lines until there are no more.
#[expect(
    clippy::disallowed_methods,
    reason = "the workshop's own thread; it ends with the emulator's output"
)]
fn read_lines(serial: impl BufRead + Send + 'static, send: mpsc::Sender<Vec<u8>>) {
    std::thread::spawn(move || {
        for line in serial.split(b'\n').map_while(Result::ok) {
            if send.send(line).is_err() {
                break;
            }
        }
    });
}

#[expect(clippy::disallowed_methods, reason = "the workshop times real commands")]
fn now() -> Instant {
    Instant::now()
}

/// What the guest's lines amount to.
fn judge(lines: &[String]) -> Result<String, String> {
    let of = |word: &str| lines.iter().filter(|line| line.split(' ').next() == Some(word)).count();
    let (passed, failed) = (of("PASS"), of("FAIL"));
    match (passed, failed, of("DONE")) {
        (0, 0, _) => Err("the guest checked nothing: did its kernel start the program?".into()),
        (_, 0, 1) => Ok(format!("numa-guest: {passed} checks passed")),
        (_, 0, _) => Err(format!("the guest stopped after {passed} checks")),
        _ => Err(format!("{failed} of {} checks failed in the guest", passed + failed)),
    }
}

/// An archive in the "newc" format of cpio with the programs as `/init` and `/placement`, and `/dev/console` for what they say.
fn cpio(init: &[u8], second: &[u8]) -> Vec<u8> {
    let mut archive = Vec::with_capacity(init.len() + second.len() + 1024);
    entry(&mut archive, "dev", 0o040_755, (0, 0), &[]);
    entry(&mut archive, "dev/console", 0o020_600, (5, 1), &[]);
    entry(&mut archive, "init", 0o100_755, (0, 0), init);
    entry(&mut archive, "placement", 0o100_755, (0, 0), second);
    entry(&mut archive, "TRAILER!!!", 0, (0, 0), &[]);
    archive
}

fn entry(archive: &mut Vec<u8>, name: &str, mode: u32, device: (u32, u32), content: &[u8]) {
    let inode = archive.len() as u32 + 1;
    let size = u32::try_from(content.len()).expect("a program of less than 4 GiB");
    let name_size = name.len() as u32 + 1;
    let fields = [inode, mode, 0, 0, 1, 0, size, 0, 0, device.0, device.1, name_size, 0];
    let mut header = "070701".to_owned();
    for field in fields {
        header += &format!("{field:08x}");
    }
    for part in [[header.as_bytes(), name.as_bytes(), &[0]].concat().as_slice(), content] {
        archive.write_all(part).expect("memory takes all");
        archive.resize(archive.len().next_multiple_of(4), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn a_guest_must_say_that_it_is_done_and_fail_nothing() {
        assert_eq!(
            judge(&lines("boot\nPASS a\nPASS b\nDONE")),
            Ok("numa-guest: 2 checks passed".into())
        );
        assert!(judge(&lines("PASS a\nFAIL b\nDONE")).is_err());
        assert!(judge(&lines("PASS a")).is_err(), "stopped");
        assert!(judge(&lines("Kernel panic\nDONE")).is_err(), "nothing checked");
        assert!(judge(&[]).is_err());
    }

    #[test]
    fn an_archive_is_what_cpio_makes() {
        let archive = cpio(b"program", b"another");
        assert!(archive.len().is_multiple_of(4));
        let text = String::from_utf8_lossy(&archive);
        assert!(text.starts_with("070701"));
        assert_eq!(text.matches("070701").count(), 5);
        let init = text.find("init\0").expect("the program's name");
        assert_eq!(&text[init - 110..init - 104], "070701");
        assert_eq!(&text[init - 110 + 54..init - 110 + 62], "00000007", "its size");
        assert!((init - 110).is_multiple_of(4));
        assert!(text[init..].contains("program"));
        assert!(text[init..].contains("placement\0"));
        assert!(text[init..].contains("another"));
    }

    #[test]
    fn what_is_missing_is_named() {
        let nowhere = tools(Some("/vmlinuz".into()), Path::new("/nowhere"));
        if let Err(missing) = nowhere {
            assert!(missing.contains("qemu-system-x86") || missing.contains("x86-64"), "{missing}");
        }
    }
}
