//! Signals. Ctrl-C ends the running query in order; pressed again while that takes its time, it ends
//! the process. SIGTERM and SIGHUP end the running query in order and then the process, at the
//! prompt of the shell the process. A file that grows beyond the limit set for the process is an
//! error of that write, not the end of the process.

use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::iterator::Signals;
use turgo_engine::run::Control;

use crate::report::{Failure, say};

/// Exit status after an interrupt.
pub(crate) const INTERRUPTED: u8 = 130;

/// Knows the query that runs, and whether somebody wants it to end; clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Interrupt {
    // LOCK: taken a few times per statement and once per signal.
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// Somebody types statements: Ctrl-C is meant for one of them.
    shell: bool,
    /// Signals since the statement began.
    asked: u8,
    /// The process was told to end.
    leave: bool,
    running: Option<Control>,
    /// Nothing runs: the next statement has not come yet.
    waiting: bool,
    /// How the terminal was before the prompt changed it.
    terminal: Option<Termios>,
}

/// What a signal leads to.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Nothing,
    /// The query that runs ends in order.
    Stop,
    /// It does already: how to end the process is said.
    Warn,
    Exit,
}

impl State {
    /// Takes note of a signal; `leave`: one that is meant for the process.
    fn hear(&mut self, leave: bool) -> Answer {
        if self.waiting {
            // The prompt of a shell reads Ctrl-C as a key. As a signal it came too late for a
            // statement.
            return if self.shell && !leave { Answer::Nothing } else { Answer::Exit };
        }
        self.leave |= leave;
        self.asked = self.asked.saturating_add(1);
        // A shell holds more than the query that hangs, and people press Ctrl-C twice.
        match (self.asked, self.shell) {
            (1, _) => Answer::Stop,
            (2, true) => Answer::Warn,
            _ => Answer::Exit,
        }
    }
}

impl Interrupt {
    /// Listens for signals, on a thread of its own.
    pub(crate) fn listen() -> Result<Self, Failure> {
        let failed = |error| Failure::new(format!("cannot listen for Ctrl-C: {error}"));
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP, SIGXFSZ]).map_err(failed)?;
        let interrupt = Self::default();
        let heard = interrupt.clone();
        let listen = move || {
            let meant = signals.forever().filter(|signal| *signal != SIGXFSZ);
            meant.for_each(|signal| heard.signal(signal != SIGINT));
        };
        std::thread::Builder::new().name("signals".into()).spawn(listen).map_err(failed)?;
        Ok(interrupt)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers a signal; `leave`: one that is meant for the process.
    pub(crate) fn signal(&self, leave: bool) {
        let mut state = self.lock();
        let answer = state.hear(leave);
        if matches!(answer, Answer::Stop | Answer::Warn)
            && let Some(control) = &state.running
        {
            control.stop();
        }
        match answer {
            Answer::Nothing => {}
            Answer::Stop if state.shell => {}
            Answer::Stop => say("turgo: stopping; press Ctrl-C again to stop at once"),
            Answer::Warn => {
                let warn = || say("turgo: still stopping; press Ctrl-C again to leave the shell");
                // Not here: a terminal that takes nothing would keep the next signal from being
                // heard.
                let _ = std::thread::Builder::new().name("warning".into()).spawn(warn);
            }
            Answer::Exit => {
                state.terminal.as_ref().filter(|_| state.waiting).inspect(|before| restore(before));
                std::process::exit(i32::from(INTERRUPTED));
            }
        }
    }

    /// From now on a signal stops `control`; one that came before does so at once.
    pub(crate) fn watch(&self, control: &Control) {
        let mut state = self.lock();
        if state.asked > 0 {
            control.stop();
        }
        state.running = Some(control.clone());
    }

    /// Whether somebody wants the script to end.
    pub(crate) fn asked(&self) -> bool {
        self.lock().asked > 0
    }

    /// Whether somebody at a shell has seen enough of the rows of a query.
    pub(crate) fn seen_enough(&self) -> bool {
        let state = self.lock();
        state.shell && state.asked > 0
    }

    /// Begins a statement that somebody typed into a shell: what was asked before is done with.
    pub(crate) fn begin(&self) {
        let mut state = self.lock();
        state.shell = true;
        state.asked = 0;
        state.running = None;
    }

    /// Waits for the next statement with `read`, which may change how the terminal works; `None`
    /// where the process was told to end.
    pub(crate) fn wait<T>(&self, read: impl FnOnce() -> T) -> Option<T> {
        {
            let mut state = self.lock();
            if state.leave || state.asked > 0 && !state.shell {
                return None;
            }
            state.waiting = true;
            state.terminal = tcgetattr(std::io::stdin()).ok();
        }
        let read = read();
        self.lock().waiting = false;
        Some(read)
    }
}

/// Makes the terminal work as `before`.
fn restore(before: &Termios) {
    let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, before);
    // No longer told where pasted text begins and ends.
    let mut out = std::io::stdout();
    let _ = out.write_all(b"\x1b[?2004l\r\n").and_then(|()| out.flush());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ctrl_c_stops_a_query_before_it_stops_anything_else() {
        let hear = |shell| {
            let mut state = State { shell, ..State::default() };
            [(); 3].map(|()| state.hear(false))
        };
        assert_eq!(hear(false), [Answer::Stop, Answer::Exit, Answer::Exit]);
        assert_eq!(hear(true), [Answer::Stop, Answer::Warn, Answer::Exit]);
    }

    #[test]
    fn at_a_prompt_only_the_process_can_be_told_to_end() {
        let hear = |shell, leave| State { shell, waiting: true, ..State::default() }.hear(leave);
        assert_eq!(hear(true, false), Answer::Nothing);
        assert_eq!(hear(true, true), Answer::Exit);
        assert_eq!(hear(false, false), Answer::Exit);
    }
}
