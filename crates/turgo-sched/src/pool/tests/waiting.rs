//! Frames that wait: what has its turn meanwhile.

use std::sync::{Arc, mpsc};
use std::task::Context;
use std::time::Duration;

use turgo_machine::atomic::{AtomicBool, Ordering};
use turgo_machine::topology::Topology;

use crate::dag::Dag;
use crate::pool::{Builder, Pool};
use crate::task::{Budget, Rearmed, Step, TaskOptions};

/// Whatever takes longer than this will never end.
const NEVER: Duration = Duration::from_secs(20);

fn pool(workers: usize, build: impl FnOnce(Builder<'_>) -> Builder<'_>) -> Pool {
    let machine = Topology::simulate("1x4").expect("a machine");
    build(Pool::builder(&machine).workers(workers)).build().expect("threads")
}

/// Calls `f` on a thread of its own; false where it does not end.
fn ends(f: impl FnOnce() + Send + 'static) -> bool {
    let (done, is_done) = mpsc::channel();
    std::thread::spawn(move || {
        f();
        done.send(()).expect("the test waits");
    });
    is_done.recv_timeout(NEVER).is_ok()
}

/// Wants every turn, until it is told to end.
struct Yields(Arc<AtomicBool>);

impl Rearmed for Yields {
    fn run(&mut self, _: &mut Context<'_>, _: Budget<'_>) -> Step {
        if self.0.load(Ordering::Relaxed) { Step::Done } else { Step::Again }
    }
}

#[test]
fn what_a_worker_waits_for_has_its_turn_beside_what_yields() {
    let pool = Arc::new(pool(1, |builder| builder));
    let is_over = Arc::new(AtomicBool::new(false));
    let yields = pool.spawn_rearmed(Yields(Arc::clone(&is_over)), TaskOptions::default());
    let waits = Arc::clone(&pool);
    // Its node is in the queue of the pool's node, and the only worker has something of its own all the time.
    let has_ended = ends(move || {
        waits.install(|_| {
            let mut dag = Dag::new();
            dag.node(|_| ());
            waits.run(&dag.seal().expect("no cycle")).wait().expect("nothing fails");
        });
    });
    is_over.store(true, Ordering::Relaxed);
    yields.wait().expect("it ends");
    assert!(has_ended, "K3: what comes from outside has no turn while a frame waits");
}
