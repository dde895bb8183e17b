//! How long a worker looks around before it sleeps.

use std::thread::sleep;
use std::time::Duration;

use turgo_machine::topology::Topology;

use crate::policy::Knobs;
use crate::pool::Pool;
use crate::trace::Kind;

const SPIN: Duration = Duration::from_millis(8);
const SELDOM: Duration = Duration::from_millis(40);
const OFTEN: Duration = Duration::from_millis(2);

fn pool() -> Pool {
    let machine = Topology::simulate("1x1").expect("a machine");
    let spin_ns = u64::try_from(SPIN.as_nanos()).expect("few");
    let knobs = Knobs { spin_ns, ..Knobs::default() };
    Pool::builder(&machine).workers(1).knobs(knobs).trace(1_000).build().expect("a thread")
}

fn work_now_and_then(pool: &Pool, times: u32, pause: Duration) {
    for _ in 0..times {
        pool.install(|_| ());
        sleep(pause);
    }
}

/// How long the worker was awake each time, in nanoseconds.
fn awake_ns(pool: &Pool) -> Vec<u64> {
    let events = pool.trace();
    let sleeps = events.iter().filter(|event| matches!(event.kind, Kind::Park | Kind::Wake));
    let times: Vec<_> = sleeps.skip_while(|event| event.kind == Kind::Park).collect();
    times.chunks_exact(2).map(|pair| pair[1].at_ns - pair[0].at_ns).collect()
}

#[test]
fn it_is_short_for_whom_is_woken_now_and_then() {
    let pool = pool();
    work_now_and_then(&pool, 12, SELDOM);
    let mut last = awake_ns(&pool).split_off(6);
    last.sort_unstable();
    let middle = Duration::from_nanos(last[last.len() / 2]);
    assert!(middle < SPIN / 2, "F4: {last:?}");
}

#[test]
fn it_is_long_where_work_comes_soon() {
    let pool = pool();
    work_now_and_then(&pool, 6, SELDOM);
    let before = awake_ns(&pool).len();
    work_now_and_then(&pool, 24, OFTEN);
    let slept = awake_ns(&pool).len() - before;
    assert!(slept < 12, "it slept {slept} times between 24 tasks that came soon after each other");
}
