//! Real threads on a stack: values are poisoned when they are dropped, and readers look.

use turgo_machine::thread;

use super::canary::{Canary, Census};
use super::stack::Stack;
use crate::hazard::{self, Hazard};
use crate::rcu::{self, Rcu};
use crate::reclaim::Reclaim;

/// Pushes, pops and peeks with four threads, and returns how many canaries are left when stack and threads are gone.
fn hammer<R: Reclaim + Clone + 'static>(reclaim: R, rounds: usize) -> &'static Census {
    let census = Census::leaked();
    let stack: &'static Stack<Canary, R> = Box::leak(Box::new(Stack::new(reclaim)));
    let threads: Vec<_> = (0..4)
        .map(|number| {
            thread::spawn(move || {
                for round in 0..rounds {
                    if (round + number) % 3 != 0 {
                        stack.push(Canary::new(census));
                        stack.peek(Canary::check);
                    }
                    stack.peek(Canary::check);
                    stack.pop(Canary::check);
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().expect("no canary was dead");
    }
    while stack.pop(Canary::check) {}
    stack.reclaim.flush();
    census
}

#[test]
fn nothing_is_read_after_it_was_freed_with_hazard_pointers() {
    let domain =
        hazard::Domain::with_config(hazard::Config { retired_max: 40, bytes_max: 1 << 20 });
    let census = hammer(domain.clone(), 20_000);
    assert_eq!(census.alive(), 0);
    assert_eq!(domain.stats().pending(), 0);
}

#[test]
fn nothing_is_read_after_it_was_freed_with_rcu() {
    let domain = rcu::Domain::with_config(rcu::Config { batch: 40, ..rcu::Config::default() });
    let census = hammer(domain.clone(), 20_000);
    assert_eq!(census.alive(), 0);
    assert_eq!(domain.stats().pending(), 0);
}

#[test]
fn nothing_is_read_after_it_was_freed_in_the_default_domains() {
    hammer(Hazard, 10_000);
    hammer(Rcu, 10_000);
    hammer(&Rcu, 1_000);
}
