//! A terminal with the shell in it: keys go in, what is seen comes out.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::Child;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use pty_process::Size;
use pty_process::blocking::{Command, open};
use rustix::termios::{LocalModes, tcgetattr};

/// Longer than anything takes on a machine that has much else to do.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a person sees between two statements.
pub(crate) const PROMPT: &str = "turgo> ";

pub(crate) const UP: &str = "\x1b[A";
pub(crate) const CTRL_C: &str = "\x03";
pub(crate) const CTRL_D: &str = "\x04";
pub(crate) const CTRL_R: &str = "\x12";

/// `turgo` in a terminal of its own.
pub(crate) struct Terminal {
    keys: std::fs::File,
    screen: Receiver<Vec<u8>>,
    child: Child,
    /// What has been seen and not asked for yet, without the sequences that move and colour.
    seen: String,
    /// Everything, as it came.
    raw: Vec<u8>,
}

impl Terminal {
    /// Starts `turgo` with `args` in `place`, which is also its home.
    pub(crate) fn start(place: &Path, args: &[&str], env: &[(&str, &str)]) -> Self {
        let (pty, pts) = open().expect("there are terminals");
        pty.resize(Size::new(50, 200)).expect("a terminal has a size");
        let command = Command::new(env!("CARGO_BIN_EXE_turgo"))
            .args(args)
            .current_dir(place)
            .env_remove("XDG_STATE_HOME")
            .env("HOME", place)
            .env("TERM", "xterm")
            .env("NO_COLOR", "1")
            .envs(env.iter().copied());
        let child = command.spawn(pts).expect("the program starts");
        let keys = std::fs::File::from(OwnedFd::from(pty));
        let mut shown = keys.try_clone().expect("a terminal can be read and written");
        let (sender, screen) = channel();
        let watch = move || {
            let mut bytes = [0; 4096];
            // A terminal that nobody writes to any more is an error to its reader.
            while let Ok(count @ 1..) = shown.read(&mut bytes) {
                if sender.send(bytes[..count].to_vec()).is_err() {
                    return;
                }
            }
        };
        std::thread::Builder::new().spawn(watch).expect("a thread can be started");
        Self { keys, screen, child, seen: String::new(), raw: Vec::new() }
    }

    /// Starts the shell in `place` and waits for its prompt.
    pub(crate) fn shell(place: &Path, args: &[&str]) -> Self {
        let mut terminal = Self::start(place, &[&["sql"], args].concat(), &[]);
        terminal.until(PROMPT);
        terminal
    }

    /// Presses keys.
    pub(crate) fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).expect("the terminal takes keys");
    }

    /// Types a line, waits until `seen` is seen and then for the prompt; returns what was seen in
    /// between.
    #[track_caller]
    pub(crate) fn line(&mut self, line: &str, seen: &str) -> String {
        self.press(&format!("{line}\r"));
        let before = self.until(seen);
        let after = self.until(PROMPT);
        format!("{before}{after}")
    }

    /// Presses Ctrl-C at a prompt and waits for the next one.
    #[track_caller]
    pub(crate) fn clear(&mut self) {
        self.press(CTRL_C);
        // While a line is being typed, its prompt is drawn again and again, and no line ends.
        self.until("\n");
        self.until(PROMPT);
    }

    /// Waits until `text` is seen; returns what was seen up to its end.
    #[track_caller]
    pub(crate) fn until(&mut self, text: &str) -> String {
        let deadline = now() + PATIENCE;
        loop {
            if let Some(at) = self.seen.find(text) {
                let rest = self.seen.split_off(at + text.len());
                return std::mem::replace(&mut self.seen, rest);
            }
            let left = deadline.saturating_duration_since(now());
            match self.screen.recv_timeout(left) {
                Ok(bytes) => self.take(&bytes),
                Err(_) => panic!("no {text:?} in:\n{}", self.shown()),
            }
        }
    }

    /// Waits until the program ends; returns its exit status and what was seen meanwhile.
    #[track_caller]
    pub(crate) fn end(&mut self) -> (Option<i32>, String) {
        let deadline = now() + PATIENCE;
        while let Ok(bytes) = self.screen.recv_timeout(deadline.saturating_duration_since(now())) {
            self.take(&bytes);
        }
        assert!(now() < deadline, "it does not end:\n{}", self.shown());
        let ended = self.child.wait().expect("it ends");
        (ended.code(), std::mem::take(&mut self.seen))
    }

    /// Whether lines are echoed and given out whole, as they are outside of an editor.
    pub(crate) fn is_plain(&self) -> bool {
        let modes = tcgetattr(&self.keys).expect("it is a terminal").local_modes;
        modes.contains(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG)
    }

    /// The process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Everything that came, as it came.
    pub(crate) fn raw(&self) -> String {
        String::from_utf8_lossy(&self.raw).into_owned()
    }

    fn take(&mut self, bytes: &[u8]) {
        self.raw.extend_from_slice(bytes);
        // From the start each time: a piece may end within a sequence or a letter.
        let known = plain(&self.raw[..self.raw.len() - bytes.len()]).len();
        self.seen.push_str(&plain(&self.raw)[known..]);
    }

    fn shown(&self) -> String {
        let mut shown = String::new();
        for line in plain(&self.raw).lines() {
            writeln!(shown, "| {line}").expect("text takes text");
        }
        shown
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[expect(clippy::disallowed_methods, reason = "a test that waits for nothing has to end")]
fn now() -> Instant {
    Instant::now()
}

/// `bytes` without escape sequences and carriage returns; what is not whole yet is left out.
fn plain(bytes: &[u8]) -> String {
    let whole = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            std::str::from_utf8(&bytes[..error.valid_up_to()]).expect("it is valid up to there")
        }
    };
    let mut plain = String::new();
    let mut chars = whole.chars();
    while let Some(c) = chars.next() {
        match c {
            '\x1b' if chars.next() == Some('[') => {
                chars.by_ref().find(|c| ('@'..='~').contains(c));
            }
            '\x1b' | '\r' | '\x07' => {}
            c => plain.push(c),
        }
    }
    plain
}
