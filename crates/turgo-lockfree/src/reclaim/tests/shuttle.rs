//! Longer histories than loom can explore: four threads on a stack, in random orders. All orderings are sequentially consistent here.

use turgo_machine::thread;

use super::canary::{Canary, Census};
use super::stack::Stack;
use crate::reclaim::Reclaim;
use crate::{hazard, rcu};

const ITERATIONS: usize = 300;

/// Three threads push, peek and pop, and end; afterwards nothing is left.
fn history<R: Reclaim + Clone + 'static>(make: impl Fn() -> R + Send + Sync + 'static) {
    let model = move || {
        let census = Census::leaked();
        let stack: &'static Stack<Canary, R> = Box::leak(Box::new(Stack::new(make())));
        let threads: Vec<_> = (0..3)
            .map(|number| {
                thread::spawn(move || {
                    for round in 0..4 {
                        if (round + number) % 2 == 0 {
                            stack.push(Canary::new(census));
                        }
                        stack.peek(Canary::check);
                        stack.pop(Canary::check);
                        if round == number {
                            stack.reclaim.flush();
                        }
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().expect("no canary was dead");
        }
        while stack.pop(Canary::check) {}
        stack.reclaim.flush();
        stack.reclaim.flush();
        assert_eq!(census.alive(), 0, "what ended threads retired is freed");
    };
    shuttle::check_random(model, ITERATIONS);
}

#[test]
fn a_history_with_hazard_pointers() {
    history(|| {
        hazard::Domain::with_config(hazard::Config { retired_max: 3, ..Default::default() })
    });
}

#[test]
fn a_history_with_rcu() {
    history(|| rcu::Domain::with_config(rcu::Config { batch: 2, ..rcu::Config::default() }));
}

#[test]
fn a_history_in_the_default_domains() {
    history(|| hazard::Hazard);
    history(|| rcu::Rcu);
}

#[test]
fn callbacks_and_barriers_of_three_threads() {
    let model = || {
        let domain = rcu::Domain::with_config(rcu::Config { batch: 1, ..rcu::Config::default() });
        let threads: Vec<_> = (0..3)
            .map(|_| {
                let domain = domain.clone();
                thread::spawn(move || {
                    let census = Census::leaked();
                    let canary = Canary::new(census);
                    let guard = domain.read_lock();
                    domain.call(move || drop(canary));
                    assert_eq!(census.alive(), 1, "this thread reads");
                    drop(guard);
                    domain.barrier().expect("it does not read any more");
                    assert_eq!(census.alive(), 0);
                })
            })
            .collect();
        for thread in threads {
            thread.join().expect("a barrier waits for its callbacks");
        }
    };
    shuttle::check_random(model, ITERATIONS);
}
