//! Signals. The first Ctrl-C, SIGTERM or SIGHUP ends the running query in order, the second the
//! process. A file that grows beyond the limit set for the process is an error of that write, not
//! the end of the process.

use std::sync::{Arc, Mutex, PoisonError};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::iterator::Signals;
use turgo_engine::run::Control;

use crate::report::{Failure, say};

/// Exit status after an interrupt.
pub(crate) const INTERRUPTED: u8 = 130;

/// Knows the query that runs, and whether somebody wants it to end; clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Interrupt {
    // LOCK: taken once per query and once per signal.
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    asked: bool,
    running: Option<Control>,
}

impl Interrupt {
    /// Listens for signals, on a thread of its own.
    pub(crate) fn listen() -> Result<Self, Failure> {
        let failed = |error| Failure::new(format!("cannot listen for Ctrl-C: {error}"));
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP, SIGXFSZ]).map_err(failed)?;
        let interrupt = Self::default();
        let heard = interrupt.clone();
        let listen = move || {
            signals.forever().filter(|signal| *signal != SIGXFSZ).for_each(|_| heard.signal());
        };
        std::thread::Builder::new().name("signals".into()).spawn(listen).map_err(failed)?;
        Ok(interrupt)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn signal(&self) {
        let mut state = self.lock();
        if std::mem::replace(&mut state.asked, true) {
            std::process::exit(i32::from(INTERRUPTED));
        }
        say("turgo: stopping; press Ctrl-C again to stop at once");
        if let Some(control) = &state.running {
            control.stop();
        }
    }

    /// From now on a signal stops `control`; one that came before does so at once.
    pub(crate) fn watch(&self, control: &Control) {
        let mut state = self.lock();
        if state.asked {
            control.stop();
        }
        state.running = Some(control.clone());
    }

    /// Whether somebody wants the script to end.
    pub(crate) fn asked(&self) -> bool {
        self.lock().asked
    }
}
