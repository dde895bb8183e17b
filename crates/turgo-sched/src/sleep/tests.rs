//! The protocol on its own: workers that take from a deque, without the rest of a pool.

#[cfg(loom)]
mod models;
#[cfg(not(any(loom, shuttle)))]
mod suspended;
#[cfg(not(any(loom, shuttle)))]
mod unit;

use turgo_machine::topology::Topology;

use crate::layout::{Layout, NodeIndex, WorkerId};

use super::Sleep;
#[cfg(not(any(loom, shuttle)))]
use super::{Ordering, Rest};

const NODE: NodeIndex = NodeIndex(0);

fn beds(workers: usize) -> Sleep {
    let machine = Topology::simulate("1x4").expect("a machine");
    Sleep::new(&Layout::new(&machine, workers))
}

fn worker(number: u32) -> WorkerId {
    WorkerId(number)
}

/// Who searches, and who sleeps, as the word of the first node says.
#[cfg(not(any(loom, shuttle)))]
fn rest(sleep: &Sleep) -> (u32, i32) {
    let rest = Rest::of(sleep.nodes[0].rest.load(Ordering::Relaxed));
    (rest.searching(), rest.sleeping())
}
