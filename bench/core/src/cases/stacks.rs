//! Stacks: each thread pushes one and pops one. What is popped is added up.

use turgo_lockfree::hazard::Hazard;
use turgo_lockfree::reclaim::Reclaim;
use turgo_lockfree::stack::TreiberStack;

use crate::baselines::epoch_stack::EpochStack;
use bench_harness::shared;
use bench_harness::{Case, Work};

trait Stack: Send + Sync + 'static {
    fn make() -> Self;
    fn push(&self, value: u64);
    fn pop(&self) -> Option<u64>;
}

pub(crate) fn pair() -> Vec<Case> {
    vec![
        Case { name: "turgo TreiberStack", make: pairs::<TreiberStack<u64>> },
        Case { name: "turgo TreiberStack, hazard", make: pairs::<TreiberStack<u64, Hazard>> },
        Case { name: "Treiber, epoch", make: pairs::<EpochStack<u64>> },
        Case { name: "Mutex std", make: pairs::<std::sync::Mutex<Vec<u64>>> },
        Case { name: "Mutex parking_lot", make: pairs::<parking_lot::Mutex<Vec<u64>>> },
    ]
}

fn pairs<S: Stack>(threads: usize) -> Vec<Work> {
    shared(threads, S::make(), |stack, operations| {
        (0..operations)
            .map(|_| {
                stack.push(1);
                stack.pop().expect("a thread that pushed finds something")
            })
            .sum()
    })
}

impl<R: Reclaim + Default + 'static> Stack for TreiberStack<u64, R> {
    fn make() -> Self {
        Self::default()
    }

    fn push(&self, value: u64) {
        self.push(value);
    }

    fn pop(&self) -> Option<u64> {
        self.pop()
    }
}

impl Stack for EpochStack<u64> {
    fn make() -> Self {
        Self::new()
    }

    fn push(&self, value: u64) {
        self.push(value);
    }

    fn pop(&self) -> Option<u64> {
        self.pop()
    }
}

impl Stack for std::sync::Mutex<Vec<u64>> {
    fn make() -> Self {
        Self::default()
    }

    fn push(&self, value: u64) {
        self.lock().expect("nobody panics").push(value);
    }

    fn pop(&self) -> Option<u64> {
        self.lock().expect("nobody panics").pop()
    }
}

impl Stack for parking_lot::Mutex<Vec<u64>> {
    fn make() -> Self {
        Self::default()
    }

    fn push(&self, value: u64) {
        self.lock().push(value);
    }

    fn pop(&self) -> Option<u64> {
        self.lock().pop()
    }
}
