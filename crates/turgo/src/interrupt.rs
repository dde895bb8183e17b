//! Ctrl-C: the first ends the running query in order, the second ends the process.

use std::sync::{Arc, Mutex, PoisonError};

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
    /// Listens for Ctrl-C and for the request to terminate.
    pub(crate) fn listen() -> Result<Self, Failure> {
        let interrupt = Self::default();
        let heard = interrupt.clone();
        ctrlc::set_handler(move || heard.signal())
            .map_err(|error| Failure::new(format!("cannot listen for Ctrl-C: {error}")))?;
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
