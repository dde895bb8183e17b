//! Looking for work, waiting for something while working, and going to sleep.
//!
//! # Invariants
//!
//! - **F1** Whoever lies down looks everywhere once more before it sleeps (S3), and for the end of what it waits for.
//! - **F2** While a frame waits, its worker runs what that frame pushed and nobody has taken; then, and only if fewer than `help_max` tasks are on the stack that were
//!   taken while others waited, whatever else there is. So, but for calls (F5), the stack is never deeper than `help_max + 1` times the deepest that one task makes it, and with
//!   `help_max = 0` a waiting task never runs one it has nothing to do with.
//! - **F3** A worker ends only when it has looked everywhere after the pool was closed, also where its policy never looks. Whoever pushes has not ended, so nothing that
//!   is pushed is left.
//! - **F4** A search lasts as long as the knob says only where work came within twice that time when the worker had last nothing to do. Each one in vain halves the next one's time, down to an eighth. So
//!   who is woken now and then does not look around for long before it sleeps again.
//! - **F5** A worker that waits for another pool, or for a graph, when as many tasks are on its stack as F2 allows, and that is not none, begins what workers of other pools [call](super::calls),
//!   and nothing else. A task of theirs waits for each such call, so there are no more of them than tasks of theirs have begun that have not ended.
//!
//! # Why pools do not wait for each other in a circle
//!
//! Let tasks wait for forks, scopes and calls, and none of the pools have 0 as its bound; and let no panic unwind through a frame that waits, which begins nothing. Whoever waits has begun itself what it
//! waits for, so that began later. Say that nothing moves. A pool in which a worker finds nothing has no call left. In any other, take of the frames on top of its stacks the one that began last. What it
//! waits for is on none of these stacks, or on top of it there were a frame that began later; it has run what it pushed itself; so it is elsewhere, and its worker begins calls, by F2 or by F5: none is left
//! here either. So all calls have begun. Now of the frames on top of all stacks take the one that began last: what it waits for began later, and on top of that is a frame that began later
//! still, or itself. There is none: something moves.

use turgo_machine::atomic::Ordering;
use turgo_machine::mutant;
use turgo_machine::thread;

use crate::layout::small;
use crate::pause;
use crate::policy::{Amount, Source};
use crate::sleep::Pushed;
use crate::trace::{Got, Kind};

use super::class::Class;
use super::countdown::{Bed, Countdown};
use super::shared::persist;
use super::worker::Worker;

/// A search in vain halves the next one's time, down to this share of the knob.
const PATIENCE_SHARE_MIN: u64 = 8;

/// Hints to the processor between two sweeps.
const PAUSES: u32 = 32;

/// What came of a search.
enum Found {
    Task(u32),
    /// What was waited for is over.
    Over,
}

impl Worker {
    /// The next task of anybody; nothing where the pool is closed and there is none.
    pub(super) fn search_idle(&self) -> Option<u32> {
        match self.search(None) {
            Found::Task(id) => Some(id),
            Found::Over => None,
        }
    }

    /// Waits for the end of what was begun at `level` of the deque, and works meanwhile as far as F2 allows.
    pub(crate) fn wait(&self, countdown: &Countdown, level: u32) {
        loop {
            // No look at the countdown meanwhile: its line is the thieves'.
            while self.level.get().wrapping_sub(level).cast_signed() > 0 {
                let Some(id) = self.pop() else { break };
                self.run(id);
            }
            if countdown.is_over() {
                return;
            }
            // Not while a panic unwinds: what is run here would unwind into it.
            let is_full = self.helping.get() >= self.shared.help_max
                && !mutant!("F2 a waiting task runs anything");
            if is_full || std::thread::panicking() {
                return self.unpaid(|| self.wait_alone(countdown));
            }
            match self.unpaid(|| self.search(Some(countdown))) {
                Found::Task(id) => self.help(id),
                Found::Over => return,
            }
        }
    }

    /// Waits for the end of what is run by another pool, or by whoever comes to it, and works meanwhile as far as F2 and F5 allow.
    pub(crate) fn wait_elsewhere(&self, countdown: &Countdown) {
        let is_full = self.helps() && self.helping.get() >= self.shared.help_max;
        // As in `wait`.
        if is_full
            && !std::thread::panicking()
            && !mutant!("F5 who may begin nothing begins no call")
        {
            self.wait_for_calls(countdown);
        } else {
            self.wait(countdown, self.level());
        }
    }

    /// Whether frames that wait run anything but their own (F2).
    pub(crate) fn helps(&self) -> bool {
        self.shared.help_max > 0
    }

    /// Runs a task that the one on top of the stack has nothing to do with.
    pub(super) fn help(&self, id: u32) {
        self.helping.set(self.helping.get() + 1);
        self.run(id);
        self.helping.set(self.helping.get() - 1);
    }

    /// Waits without working.
    fn wait_alone(&self, countdown: &Countdown) {
        let until = self.now_ns().saturating_add(self.shared.tunable.spin_ns());
        while self.now_ns() < until {
            if countdown.is_over() {
                return;
            }
            pause();
        }
        self.purse.flush(&self.shared.arena);
        if countdown.announce(Bed::Alone) {
            self.park(|| self.shared.sleep.sleep(self.id));
            countdown.withdraw();
            debug_assert!(countdown.is_over(), "W2");
        }
    }

    pub(super) fn park(&self, sleep: impl FnOnce()) {
        self.tally().parks.add(1);
        self.trace(Kind::Park, 0);
        sleep();
        self.trace(Kind::Wake, 0);
    }

    fn search(&self, countdown: Option<&Countdown>) -> Found {
        let shared = &*self.shared;
        self.purse.flush(&shared.arena);
        shared.sleep.search(self.id);
        let since_ns = self.now_ns();
        loop {
            if let Some(found) = self.spin(countdown, since_ns) {
                return self.leave(found);
            }
            if countdown.is_some_and(|countdown| !countdown.announce(Bed::Shared)) {
                return self.leave(Found::Over);
            }
            shared.sleep.lie_down(self.id);
            pause::point("lain down");
            let found =
                if mutant!("F1 no look after lying down") { None } else { self.look(countdown) };
            if found.is_some() {
                shared.sleep.rise(self.id);
            } else {
                self.park(|| shared.sleep.sleep(self.id));
            }
            if let Some(countdown) = countdown {
                countdown.withdraw();
            }
            if let Some(found) = found {
                return self.leave(found);
            }
        }
    }

    /// Searches no more. Those of another node that have nothing to do may be called as well, if the policy says so.
    fn leave(&self, found: Found) -> Found {
        let shared = &*self.shared;
        shared.sleep.leave(self.id, || shared.is_work());
        // Relaxed: a hint.
        let is_hungry = || shared.sleep.hunger().load(Ordering::Relaxed) > 0;
        if shared.layout.nodes() > 1 && matches!(found, Found::Task(_)) && is_hungry() {
            let node = shared.ask(self, |policy, view| policy.spread(self.id, view));
            // P4: a node that is not there is passed over.
            if let Some(node) = node.filter(|node| (node.0 as usize) < shared.layout.nodes()) {
                shared.sleep.notify(node, Pushed::Outside);
            }
        }
        found
    }

    /// Looks everywhere for as long as there is hope; there has been nothing to do since `since_ns` (F4).
    fn spin(&self, countdown: Option<&Countdown>, since_ns: u64) -> Option<Found> {
        let start = self.now_ns();
        self.shared.control(|| start);
        let patience = self.mind.borrow().patience_ns;
        let spin = self.shared.tunable.spin_ns();
        loop {
            if let Some(found) = self.look(countdown) {
                // Twice: whoever slept meanwhile was told some time after the work came.
                let was_soon = self.now_ns().wrapping_sub(since_ns) <= spin.saturating_mul(2);
                if was_soon || mutant!("F4 hope is always new") {
                    self.mind.borrow_mut().patience_ns = spin;
                }
                return Some(found);
            }
            if self.now_ns().wrapping_sub(start) >= patience {
                let least = spin / PATIENCE_SHARE_MIN;
                self.mind.borrow_mut().patience_ns = (patience / 2).max(least).min(spin);
                return None;
            }
            for _ in 0..PAUSES {
                pause();
            }
        }
    }

    /// One look at everything.
    fn look(&self, countdown: Option<&Countdown>) -> Option<Found> {
        if countdown.is_some_and(Countdown::is_over) {
            return Some(Found::Over);
        }
        // Asked first: what was pushed before the pool was closed is found after it.
        let is_closed = self.shared.is_closed();
        let own = countdown.and_then(|_| self.next_while_waiting());
        let task = own.or_else(|| self.take_outside(0)).or_else(|| self.sweep(countdown.is_none()));
        let ends = countdown.is_none() && is_closed;
        let is_left = ends && !mutant!("F3 the policy says when to end");
        match task.or_else(|| if is_left { self.scour() } else { None }) {
            Some(id) => Some(Found::Task(id)),
            None if ends => Some(Found::Over),
            None => None,
        }
    }

    /// Where the policy says. More than one task is taken only where nothing is below that others count from (K4).
    fn sweep(&self, many: bool) -> Option<u32> {
        let many = many && !cfg!(turgo_without = "batching");
        self.shared.ask(self, |policy, view| {
            for attempt in 0.. {
                let source = policy.dispatch(self.id, attempt, view)?;
                pause::point("sweep");
                let task = self.take(source, many);
                let count = task.map_or(0, |_| 1 + small(self.deque.len()));
                policy.found(self.id, source, count, view);
                if task.is_some() {
                    return task;
                }
            }
            None
        })
    }

    /// Everywhere, whatever the policy says (F3).
    fn scour(&self) -> Option<u32> {
        let layout = &self.shared.layout;
        let workers = layout.by_distance(self.id).iter();
        let nodes = layout.nearest(self.node).iter();
        let mut sources = (workers.map(|&worker| Source::Worker(worker, Amount::One)))
            .chain(nodes.map(|&node| Source::Node(node)));
        sources.find_map(|source| self.take(source, false))
    }

    fn take(&self, source: Source, many: bool) -> Option<u32> {
        match source {
            Source::Node(node) => self.note_got(self.take_node(node, Class::ALL), Got::Outside),
            Source::Worker(victim, _) if victim == self.id => None,
            Source::Worker(victim, amount) => {
                self.tally().steals_tried.add(1);
                let seat = self.shared.seat(victim);
                let stolen = match amount {
                    Amount::Half if many => persist(|| seat.deque.steal_batch_and_pop(&self.deque)),
                    _ => persist(|| seat.deque.steal()),
                };
                let turns = || seat.turns.iter().find_map(|queue| persist(|| queue.steal()));
                let stolen = stolen.or_else(turns);
                if stolen.is_some() {
                    pause::point("stolen");
                    let is_local = self.shared.layout.node(victim) == self.node;
                    let tally = self.tally();
                    if is_local { &tally.steals_local } else { &tally.steals_remote }.add(1);
                    self.trace(Kind::Steal, victim.0);
                }
                let taken = stolen.or_else(|| self.take_from(&seat.inbox, Class::ALL));
                self.note_got(taken, Got::Stolen(victim))
            }
        }
    }
}

fn pause() {
    thread::spin_loop();
}
