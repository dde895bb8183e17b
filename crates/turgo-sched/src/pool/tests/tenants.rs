//! Tenants on real threads. Clocks are virtual: steps take what they say they take, so that shares do not depend on what else the machine does.

use std::sync::{Arc, Mutex};
use std::task::Context;
use std::time::Duration;

use turgo_machine::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use turgo_machine::clock::VirtualTime;
use turgo_machine::topology::Topology;

use crate::admission::Tenant;
use crate::dag::{Dag, Graph};
use crate::fair::{Interleaving, TURN_NS, bound, lag_max};
use crate::layout::NodeIndex;
use crate::policy::{Knobs, Priority};
use crate::pool::{BuildError, Pool};
use crate::resources::{Lane, Resources};
use crate::statistics::TenantStatistics;
use crate::task::{Budget, Rearmed, Step, TaskOptions};

/// Steps of one turn where the clock stands still.
const STEPS: f64 = 64.0;

struct Steps<F>(F);

impl<F: FnMut() -> Step + Send + 'static> Rearmed for Steps<F> {
    fn run(&mut self, _: &mut Context<'_>, _: Budget<'_>) -> Step {
        (self.0)()
    }
}

/// A pool whose tenants have tasks that never have enough.
struct Shared {
    pool: Pool,
    time: VirtualTime,
    weights: Vec<u32>,
    is_over: Arc<AtomicBool>,
}

impl Shared {
    fn new(machine: &str, weights: &[u32], interleaving: Interleaving) -> Self {
        let machine = Topology::simulate(machine).expect("a machine");
        let time = VirtualTime::new();
        // Time goes on in steps only: nobody spins for it.
        let knobs = Knobs { spin_ns: 0, ..Knobs::default() };
        let pool = Pool::builder(&machine).clock(time.clock()).knobs(knobs);
        let pool = pool.tenants(weights, interleaving).build().expect("threads");
        let is_over = Arc::new(AtomicBool::new(false));
        Self { pool, time, weights: weights.into(), is_over }
    }

    /// So many tasks, each of whose steps takes so long.
    fn add(&self, tasks: u32, step: Duration, options: TaskOptions) {
        for _ in 0..tasks {
            let (time, is_over) = (self.time.clone(), Arc::clone(&self.is_over));
            let step = move || {
                time.advance(step);
                if is_over.load(Ordering::Relaxed) { Step::Done } else { Step::Again }
            };
            drop(self.pool.spawn_rearmed(Steps(step), options));
        }
    }

    fn had(&self) -> Vec<TenantStatistics> {
        self.pool.statistics().tenants
    }

    /// What each has had when all together have made so many steps more.
    fn after(&self, steps: u64) -> Vec<TenantStatistics> {
        let all = |had: &[TenantStatistics]| had.iter().map(|one| one.steps).sum::<u64>();
        let until = all(&self.had()) + steps;
        for _ in 0..1_200_000 {
            let had = self.had();
            if all(&had) >= until {
                return had;
            }
            std::thread::sleep(Duration::from_micros(50));
        }
        panic!("a minute for {steps} steps: {:?}", self.had());
    }

    fn share(&self, tenant: usize) -> f64 {
        f64::from(self.weights[tenant]) / f64::from(self.weights.iter().sum::<u32>())
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

fn of(tenant: u32) -> TaskOptions {
    TaskOptions { tenant, ..TaskOptions::default() }
}

#[test]
fn shares_are_as_weights_up_to_the_bound() {
    let weights = [1, 2, 4];
    for (machine, workers, nodes) in [("1x1", 1, 1), ("1x2", 2, 1), ("2x1", 1, 2)] {
        for interleaving in [Interleaving::Tijdeman, Interleaving::Stride, Interleaving::Golden] {
            let shared = Shared::new(machine, &weights, interleaving);
            for tenant in 0..3 {
                for node in 0..nodes {
                    let options = TaskOptions { home: Some(NodeIndex(node)), ..of(tenant) };
                    // More than there are workers, so that one waits at any time.
                    shared.add(4, Duration::ZERO, options);
                }
            }
            let (before, lag) = (shared.after(1_000), lag_max(interleaving, &weights));
            let after = shared.after(30_000);
            let steps = |tenant: usize| (after[tenant].steps - before[tenant].steps) as f64;
            let all: f64 = (0..3).map(steps).sum();
            for (tenant, had) in after.iter().enumerate() {
                let behind = all * shared.share(tenant) - steps(tenant);
                // At both ends, and on each node.
                let workers = f64::from(workers);
                let most = bound(interleaving, &weights, tenant, workers, (STEPS, STEPS));
                let most = 2.0 * most * f64::from(nodes);
                assert!(behind.abs() <= most, "{machine} {interleaving:?}: {behind} of {most}");
                // They came one after the other, so lags may be off by what they were then.
                assert!(had.lag.abs() <= 2.0 * lag, "{machine} {interleaving:?}: {had:?}");
            }
        }
    }
}

#[test]
fn time_is_shared_and_not_steps() {
    let weights = [1, 1, 2];
    let shared = Shared::new("1x1", &weights, Interleaving::Tijdeman);
    let steps_us = [10, 700, 90];
    for (tenant, us) in (0..).zip(steps_us) {
        shared.add(2, Duration::from_micros(us), of(tenant));
    }
    let (before, after) = (shared.after(1_000), shared.after(20_000));
    let time = |tenant: usize| (after[tenant].ran_ns - before[tenant].ran_ns) as f64;
    let all: f64 = (0..3).map(time).sum();
    for tenant in 0..3 {
        let behind = all * shared.share(tenant) - time(tenant);
        let sizes = (TURN_NS as f64, 700_000.0);
        let most = 2.0 * bound(Interleaving::Tijdeman, &weights, tenant, 1.0, sizes);
        assert!(behind.abs() <= most, "F6: {tenant}: {behind} ns of {most}");
    }
    // Of that time: whoever came first was alone for a while.
    let mut had = shared.pool.statistics();
    had.tenants = after.clone();
    for (one, before) in had.tenants.iter_mut().zip(&before) {
        one.ran_ns -= before.ran_ns;
    }
    let jain = had.fairness().expect("all had something");
    assert!(jain > 0.99, "{jain}");
}

/// The part of the steps that one task makes beside a thousand of another tenant.
fn beside_a_thousand(interleaving: Interleaving) -> f64 {
    let shared = Shared::new("1x1", &[1, 1], interleaving);
    shared.add(1_000, Duration::ZERO, of(0));
    shared.add(1, Duration::ZERO, of(1));
    let (before, after) = (shared.after(4_000), shared.after(20_000));
    let steps = |tenant: usize| (after[tenant].steps - before[tenant].steps) as f64;
    steps(1) / (steps(0) + steps(1))
}

#[test]
fn a_thousand_tasks_do_not_slow_anothers_one() {
    let share = beside_a_thousand(Interleaving::Tijdeman);
    assert!((0.48..0.52).contains(&share), "{share}");
    let share = beside_a_thousand(Interleaving::InTurn);
    assert!(share < 0.01, "nobody asks whose it is: {share}");
}

#[test]
fn tenants_come_and_go() {
    let shared = Shared::new("1x1", &[1, 1, 1], Interleaving::Tijdeman);
    shared.add(2, Duration::ZERO, of(0));
    shared.after(5_000);
    // It neither makes up for what it missed nor waits for its turn.
    shared.add(2, Duration::ZERO, of(1));
    let (before, after) = (shared.after(1_000), shared.after(2_000));
    let steps = |tenant: usize| after[tenant].steps - before[tenant].steps;
    assert!(steps(0).abs_diff(steps(1)) <= 6 * 64, "F4: {} {}", steps(0), steps(1));
    // A third one comes and goes again and again, beside them.
    for _ in 0..50 {
        let mut left = 100;
        let step = Steps(move || {
            left -= 1;
            if left == 0 { Step::Done } else { Step::Again }
        });
        shared.pool.spawn_rearmed(step, of(2)).wait().expect("it ends");
    }
    // Its end is told before its worker has paid for the last step.
    let had = shared.after(2);
    assert_eq!((had[2].steps, had[2].waiting), (5_000, 0));
    let (before, after) = (shared.after(1), shared.after(10_000));
    let steps = |tenant: usize| after[tenant].steps - before[tenant].steps;
    assert!(steps(0).abs_diff(steps(1)) <= 6 * 64, "F4: {} {}", steps(0), steps(1));
}

fn wait_for(is_so: &dyn Fn() -> bool) {
    for _ in 0..600_000 {
        if is_so() {
            return;
        }
        std::thread::sleep(Duration::from_micros(100));
    }
    panic!("a minute for nothing");
}

#[test]
fn classes_keep_their_turns_beside_tenants() {
    let shared = Shared::new("1x1", &[1, 1, 1], Interleaving::Tijdeman);
    let urgent = |tenant, priority| TaskOptions { priority, ..of(tenant) };
    shared.add(50, Duration::ZERO, urgent(0, Priority::High));
    shared.add(2, Duration::ZERO, urgent(1, Priority::Normal));
    shared.add(2, Duration::ZERO, urgent(2, Priority::Background));
    let (before, after) = (shared.after(2_000), shared.after(20_000));
    let steps = |tenant: usize| (after[tenant].steps - before[tenant].steps) as f64;
    let all: f64 = (0..3).map(steps).sum();
    // Four of 64 turns and one, whatever their weights; turns that begin outside add to that.
    for (tenant, least) in [(1, 4.0 / 64.0), (2, 1.0 / 64.0)] {
        let share = steps(tenant) / all;
        assert!((0.9 * least..3.0 * least).contains(&share), "K3: {tenant}: {share}");
    }
    // Whatever else there is to do, closures in the deque go on, too.
    let sum = shared.pool.install(|worker| {
        let parts = [1u32, 2, 3].map(AtomicU32::new);
        worker.scope(|scope| {
            for part in &parts {
                scope.spawn(move |_| {
                    part.fetch_add(10, Ordering::Relaxed);
                });
            }
        });
        parts.iter().map(|part| part.load(Ordering::Relaxed)).sum::<u32>()
    });
    assert_eq!(sum, 36);
}

/// A graph of so many nodes without edges but from a first one, each of which does this.
fn wide(nodes: u32, node: impl Fn() + Send + Sync + Clone + 'static) -> Graph {
    let mut dag = Dag::new();
    let gate = dag.node(|_| ()).id();
    for _ in 0..nodes {
        let node = node.clone();
        dag.node(move |_| node()).after(gate);
    }
    dag.seal().expect("no cycle")
}

#[test]
fn graphs_are_run_for_tenants() {
    let shared = Shared::new("1x1", &[1, 3], Interleaving::Tijdeman);
    let order = Arc::new(Mutex::new(Vec::new()));
    let graph = |tenant: u32| {
        let order = Arc::clone(&order);
        wide(4_000, move || order.lock().unwrap().push(tenant))
    };
    let graphs = [graph(0), graph(1)];
    let begin = |tenant: u32| shared.pool.run_for(Tenant(tenant), &graphs[tenant as usize]);
    let runs = shared.pool.install(|_| [begin(0), begin(1)]);
    for run in runs {
        assert_eq!(run.wait().expect("nothing fails").completed, 4_001);
    }
    let order = order.lock().unwrap();
    let end = order.iter().rposition(|&tenant| tenant == 1).expect("it ran");
    let others = end + 1 - 4_000;
    // A third of what the other had, but for a few turns.
    assert!(others.abs_diff(4_000 / 3) <= 4 * 64, "{others}");
    let had = shared.had();
    assert!(had[0].steps >= 4_000 && had[1].steps >= 4_000, "{had:?}");
}

#[test]
fn a_chain_goes_on_without_a_queue_for_a_turn() {
    // Where the clock stands still, for as many nodes as in pools without tenants.
    for (node_us, steps) in [(0, 640 / 64), (30, 640 / 4)] {
        let shared = Shared::new("1x1", &[1, 1], Interleaving::Tijdeman);
        shared.add(2, Duration::ZERO, of(0));
        let (mut dag, mut last) = (Dag::new(), None);
        for _ in 0..640 {
            let time = shared.time.clone();
            let node = dag.node(move |_| {
                time.advance(Duration::from_micros(node_us));
            });
            let node = last.into_iter().fold(node, crate::dag::Node::after).id();
            last = Some(node);
        }
        let run = shared.pool.run_for(Tenant(1), &dag.seal().expect("no cycle"));
        assert_eq!(run.wait().expect("nothing fails").completed, 640);
        let had = shared.after(2);
        assert_eq!((had[1].steps, had[1].ran_ns), (steps, 640 * node_us * 1_000));
    }
}

#[test]
fn whoever_waits_does_not_pay_for_what_runs_meanwhile() {
    let shared = Shared::new("1x1", &[1, 1], Interleaving::Tijdeman);
    let time = shared.time.clone();
    let graph = wide(10, move || {
        time.advance(Duration::from_millis(1));
    });
    shared.pool.install(|_| {
        shared.time.advance(Duration::from_millis(2));
        shared.pool.run_for(Tenant(1), &graph).wait().expect("nothing fails");
    });
    // The caller was told before the worker had paid.
    let had = shared.pool.install(|_| shared.had());
    assert_eq!([had[0].ran_ns, had[1].ran_ns], [2_000_000, 10_000_000], "X2");
}

#[test]
fn what_has_a_deadline_is_paid_for() {
    let shared = Shared::new("1x1", &[1, 1], Interleaving::Tijdeman);
    let time = shared.time.clone();
    let mut left = 5;
    let step = Steps(move || {
        time.advance(Duration::from_millis(1));
        left -= 1;
        if left == 0 { Step::Done } else { Step::Again }
    });
    let options = TaskOptions { deadline: Some(Duration::from_secs(1)), ..of(1) };
    shared.pool.spawn_rearmed(step, options).wait().expect("it ends");
    let had = shared.pool.install(|_| shared.had());
    assert_eq!((had[1].steps, had[1].ran_ns), (5, 5_000_000), "X2");
}

#[test]
fn dominant_shares_are_even_among_tasks_that_need_something() {
    let need = |cpu, memory| Resources::NONE.with(Lane::Cpu, cpu).with(Lane::Memory, memory);
    let machine = Topology::simulate("1x8").expect("a machine");
    let pool = Pool::builder(&machine).workers(6).capacity(need(9.0, 18.0));
    let pool = pool.tenants(&[1, 1], Interleaving::Stride).build().expect("threads");
    let flag = || Arc::new(AtomicBool::new(false));
    let (is_held, is_free, is_over) = (flag(), flag(), flag());
    let running: Arc<[AtomicU32; 2]> = Arc::default();
    let mut dag = Dag::new();
    let (held, free) = (Arc::clone(&is_held), Arc::clone(&is_free));
    dag.node(move |_| {
        held.store(true, Ordering::Relaxed);
        wait_for(&|| free.load(Ordering::Relaxed));
    })
    .need(need(9.0, 18.0));
    let held = Arc::clone(&is_held);
    let gate = dag.node(move |_| wait_for(&|| held.load(Ordering::Relaxed))).id();
    // The example of the paper: 9 processors and 18 GB; tasks of 1 and 4, and of 3 and 1.
    for (tenant, wants) in [(0, need(1.0, 4.0)), (1, need(3.0, 1.0))] {
        for _ in 0..10 {
            let (running, over) = (Arc::clone(&running), Arc::clone(&is_over));
            dag.node(move |_| {
                running[tenant as usize].fetch_add(1, Ordering::Relaxed);
                wait_for(&|| over.load(Ordering::Relaxed));
            })
            .tenant(tenant)
            .need(wants)
            .after(gate);
        }
    }
    let run = pool.run(&dag.seal().expect("no cycle"));
    let claims = &pool.shared.node(NodeIndex(0)).claims;
    let in_line = || claims.in_line().iter().sum::<u64>();
    wait_for(&|| in_line() == 20);
    is_free.store(true, Ordering::Relaxed);
    let runs = |tenant: usize| running[tenant].load(Ordering::Relaxed);
    wait_for(&|| runs(0) + runs(1) == 5 && in_line() == 15);
    assert_eq!((runs(0), runs(1)), (3, 2));
    is_over.store(true, Ordering::Relaxed);
    assert_eq!(run.wait().expect("nothing fails").completed, 22);
    let free = claims.capacity().free();
    assert_eq!((free.get(Lane::Cpu), free.get(Lane::Memory)), (1.0, 1.0), "Q3");
}

/// Tasks of all kinds, some of which panic, from inside and outside: each is run once.
#[test]
fn no_task_is_lost_or_run_twice() {
    for (machine, interleaving) in [
        ("1x1", Interleaving::Tijdeman),
        ("1x2", Interleaving::InTurn),
        ("2x2", Interleaving::Hybrid),
        ("2x2", Interleaving::Tijdeman),
    ] {
        let topology = Topology::simulate(machine).expect("a machine");
        let pool = Pool::builder(&topology).tenants(&[1, 2, 3], interleaving);
        let pool = Arc::new(pool.build().expect("threads"));
        let sum = Arc::new(AtomicU64::new(0));
        let add = |sum: &Arc<AtomicU64>| {
            sum.fetch_add(1, Ordering::Relaxed);
        };
        let graph = {
            let sum = Arc::clone(&sum);
            wide(50, move || add(&sum))
        };
        std::thread::scope(|threads| {
            for seed in 0..3u32 {
                let (pool, sum, graph) = (&pool, &sum, &graph);
                threads.spawn(move || {
                    let mut handles = Vec::new();
                    for number in 0..400 {
                        let priorities = [Priority::High, Priority::Normal, Priority::Background];
                        let options = TaskOptions {
                            priority: priorities[number % 3],
                            deadline: (number % 7 == 0).then_some(Duration::from_millis(1)),
                            ..of(seed + number as u32 % 4)
                        };
                        let (sum, mut left) = (Arc::clone(sum), number % 5);
                        let step = Steps(move || {
                            add(&sum);
                            assert!(number % 11 != 0, "planned");
                            left = left.saturating_sub(1);
                            if left == 0 { Step::Done } else { Step::Again }
                        });
                        handles.push((number, pool.spawn_rearmed(step, options)));
                        if number % 40 == 0 {
                            let run = pool.run_for(Tenant(seed), graph);
                            run.wait().expect("nothing fails");
                            let (left, right) = pool.install(|worker| worker.join(|_| 1, |_| 2));
                            assert_eq!(left + right, 3);
                        }
                    }
                    for (number, handle) in handles {
                        assert_eq!(handle.wait().is_err(), number % 11 == 0);
                    }
                });
            }
        });
        let of_one: usize = (0..400).map(|n| if n % 11 == 0 { 1 } else { (n % 5).max(1) }).sum();
        let of_graphs = 10 * 50;
        let all = 3 * (of_one + of_graphs) as u64;
        assert_eq!(sum.load(Ordering::Relaxed), all, "{machine} {interleaving:?}");
        // Ends are told before workers have paid.
        wait_for(&|| {
            let had = pool.statistics().tenants;
            had.iter().all(|one| one.waiting == 0 && one.lag == 0.0)
        });
    }
}

#[test]
fn tenants_that_cannot_take_turns_are_refused() {
    let machine = Topology::simulate("1x1").expect("a machine");
    let build = |weights: &[u32], interleaving| {
        Pool::builder(&machine).tenants(weights, interleaving).build()
    };
    assert!(matches!(build(&[], Interleaving::Stride), Err(BuildError::Tenants)));
    assert!(matches!(build(&[1, 0], Interleaving::Stride), Err(BuildError::Tenants)));
    assert!(matches!(build(&[1, 2, 3], Interleaving::Beatty), Err(BuildError::Tenants)));
    let pair = build(&[1, 2], Interleaving::BeattyPhases).expect("two");
    // A tenant that is not there is the first one.
    pair.spawn_with(async {}, of(7)).wait().expect("it ends");
    let had = pair.install(|_| pair.statistics().tenants);
    assert!(had[0].steps >= 1 && had[1].steps == 0, "{had:?}");
}
