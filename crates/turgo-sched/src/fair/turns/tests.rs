//! Shares of turns and of time, step by step, against the bound.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// All that have a bound.
const BOUNDED: [Interleaving; 3] =
    [Interleaving::Tijdeman, Interleaving::Stride, Interleaving::Golden];

fn turns(interleaving: Interleaving, weights: &[u32]) -> Turns {
    Turns::new(interleaving, weights, 0, 1, 7)
}

/// A queue that is emptied by so many workers, whose steps overlap.
struct Bench {
    turns: Turns,
    /// By worker: when its step ends, whose it is, and how long it takes.
    busy: Vec<Option<(u64, u32, u64)>>,
    now_ns: u64,
}

impl Bench {
    fn new(turns: Turns, workers: usize) -> Self {
        Self { turns, busy: vec![None; workers], now_ns: 0 }
    }

    /// The next worker that has ended its step begins another one, which takes what the tenant's steps take. `comes_back` says whether the tenant's task is queued again.
    fn step(&mut self, cost_ns: impl Fn(u32) -> u64, comes_back: bool) {
        let ends = |busy: &Option<(u64, u32, u64)>| busy.map_or(0, |(at, ..)| at);
        let worker = (0..self.busy.len()).min_by_key(|&worker| ends(&self.busy[worker]));
        let worker = worker.expect("there are workers");
        if let Some((at_ns, tenant, ran_ns)) = self.busy[worker].take() {
            self.now_ns = at_ns;
            if comes_back {
                self.turns.push(tenant, 0);
            }
            self.turns.end(tenant, ran_ns);
        }
        if let Some((tenant, _)) = self.turns.pop() {
            let cost_ns = cost_ns(tenant);
            self.busy[worker] = Some((self.now_ns + cost_ns, tenant, cost_ns));
        }
    }

    /// What each had, in nanoseconds.
    fn times(&self) -> Vec<f64> {
        self.turns.had().map(|had| had.ran_ns as f64).collect()
    }
}

/// By how much each is behind its share of what all had.
fn lags(times: &[f64], weights: &[u32]) -> Vec<f64> {
    let (all, total) = (times.iter().sum::<f64>(), weights.iter().sum::<u32>());
    let share = |weight: u32| f64::from(weight) / f64::from(total);
    times.iter().zip(weights).map(|(time, &weight)| all * share(weight) - time).collect()
}

/// The bound of an interleaver for lags in turns.
pub(crate) fn lag_max(interleaving: Interleaving, weights: &[u32]) -> f64 {
    let mut interleaver: Box<dyn Interleave> = match interleaving {
        Interleaving::Tijdeman => Box::new(Chairman::new()),
        Interleaving::Stride => Box::new(Stride::new()),
        _ => Box::new(GoldenLottery::new()),
    };
    for &weight in weights {
        interleaver.add(weight);
    }
    interleaver.lag_max(1_000_000).expect("it has a bound")
}

/// The bound of the module's head for a tenant's lag, in units of which a turn has `turn` and the longest step `step`.
pub(crate) fn bound(
    interleaving: Interleaving,
    weights: &[u32],
    tenant: usize,
    workers: f64,
    (turn, step): (f64, f64),
) -> f64 {
    let total: f64 = weights.iter().copied().map(f64::from).sum();
    let others = f64::from(weights[tenant]) / total * (weights.len() as f64 - 2.0);
    turn * lag_max(interleaving, weights) + workers * step.max(turn) * (1.0 + others)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn times_are_as_weights_up_to_the_bound(
        tenants in vec((1..40u32, 1..600_000u64), 2..6),
        workers in 1..5usize,
    ) {
        let weights: Vec<u32> = tenants.iter().map(|tenant| tenant.0).collect();
        let longest = tenants.iter().map(|tenant| tenant.1).max().unwrap_or(0);
        for interleaving in BOUNDED {
            let mut bench = Bench::new(turns(interleaving, &weights), workers);
            for tenant in 0..weights.len() as u32 {
                (0..=workers).for_each(|_| bench.turns.push(tenant, 0));
            }
            let sizes = (TURN_NS as f64, longest as f64);
            let most: Vec<f64> = (0..weights.len())
                .map(|tenant| bound(interleaving, &weights, tenant, workers as f64, sizes))
                .collect();
            for _ in 0..600 {
                // A step counts for a part of a turn at least, and so it does here.
                bench.step(|tenant| tenants[tenant as usize].1.max(TURN_NS / STEPS_MAX), true);
                for (lag, &most) in lags(&bench.times(), &weights).into_iter().zip(&most) {
                    prop_assert!(lag.abs() <= most, "F6: {:?}: {} of {}", interleaving, lag, most);
                }
            }
        }
    }

    #[test]
    fn every_task_comes_once_and_in_its_tenants_order(
        changes in vec((any::<bool>(), 0..4u32, 0..500_000u64), 1..200),
        kind in 0..6usize,
    ) {
        let mut turns = turns(Interleaving::ALL[kind], &[1, 2, 4, 8]);
        let (mut pushed, mut popped) = (vec![Vec::new(); 4], vec![Vec::new(); 4]);
        let mut number = 0;
        let mut take = |turns: &mut Turns, ran_ns| {
            let Some((tenant, task)) = turns.pop() else { return false };
            popped[tenant as usize].push(task);
            turns.end(tenant, ran_ns);
            true
        };
        for (comes, tenant, ran_ns) in changes {
            if comes {
                turns.push(tenant, number);
                pushed[tenant as usize].push(number);
                number += 1;
            } else {
                take(&mut turns, ran_ns);
            }
        }
        while take(&mut turns, 1) {}
        prop_assert_eq!(turns.len(), 0);
        prop_assert_eq!(popped, pushed);
    }
}

/// Steps of ten turns and of a tenth of one, at equal weights: as much time for each.
#[test]
fn long_steps_are_paid_with_turns_to_come() {
    for interleaving in Interleaving::ALL {
        let mut bench = Bench::new(turns(interleaving, &[1, 1]), 1);
        (0..2).for_each(|tenant| bench.turns.push(tenant, 0));
        for _ in 0..20_000 {
            let cost = |tenant| if tenant == 0 { 10 * TURN_NS } else { TURN_NS / 10 };
            bench.step(cost, true);
        }
        let [long, short] = bench.times()[..] else { panic!("two tenants") };
        if interleaving == Interleaving::InTurn {
            assert!(long > 50.0 * short, "nobody asks whose it is");
        } else {
            assert!((0.9..1.1).contains(&(long / short)), "F6: {interleaving:?}: {long}:{short}");
        }
    }
}

/// One of two tenants is away after each of its long steps, and comes back at once.
#[test]
fn nobody_gets_rid_of_a_debt_by_going_away() {
    for interleaving in [Interleaving::Tijdeman, Interleaving::Stride, Interleaving::Beatty] {
        let mut turns = turns(interleaving, &[1, 1]);
        turns.push(0, 0);
        turns.push(1, 0);
        for _ in 0..4_000 {
            let Some((tenant, _)) = turns.pop() else { break };
            if tenant == 0 {
                turns.end(tenant, 20 * TURN_NS);
                turns.push(tenant, 0);
            } else {
                turns.push(tenant, 0);
                turns.end(tenant, TURN_NS);
            }
        }
        let [away, there] = turns.had().map(|had| had.ran_ns).collect::<Vec<_>>()[..] else {
            panic!("two tenants")
        };
        let ratio = away as f64 / there as f64;
        assert!((0.9..1.1).contains(&ratio), "F7: {interleaving:?}: {ratio}");
    }
}

/// A tenant with one task takes a worker of two for itself, if its weight is worth that much.
#[test]
fn one_task_gets_a_worker_for_itself() {
    let mut bench = Bench::new(turns(Interleaving::Tijdeman, &[4, 1, 2]), 2);
    bench.turns.push(0, 0);
    (0..8).for_each(|task| bench.turns.push(1 + task % 2, task));
    for _ in 0..5_000 {
        bench.step(|_| 10 * TURN_NS, true);
    }
    let times = bench.times();
    let share = times[0] / times.iter().sum::<f64>();
    assert!((0.49..0.51).contains(&share), "F7: {share}");
    let others = times[2] / times[1];
    assert!((1.9..2.1).contains(&others), "the rest is as their weights: {others}");
}

#[test]
fn nobody_makes_up_for_a_time_in_which_it_was_not_there() {
    let mut turns = turns(Interleaving::Tijdeman, &[1, 1]);
    let steps = |turns: &mut Turns, count: u32| {
        let tenants = (0..count).map_while(|_| {
            let (tenant, task) = turns.pop()?;
            turns.push(tenant, task);
            // Longer than a turn, so that whoever is alone would owe.
            turns.end(tenant, 3 * TURN_NS);
            Some(tenant)
        });
        tenants.filter(|&tenant| tenant == 1).count()
    };
    turns.push(0, 0);
    assert_eq!(steps(&mut turns, 1_000), 0);
    turns.push(1, 1);
    let of_newcomer = steps(&mut turns, 100);
    assert!((48..=52).contains(&of_newcomer), "F4: {of_newcomer} of 100");
}

/// All owe more than a thousand turns: somebody goes on all the same, and the shares stay.
#[test]
fn steps_that_take_for_ever_do_not_stop_the_others() {
    let mut bench = Bench::new(turns(Interleaving::Tijdeman, &[1, 3]), 1);
    (0..2).for_each(|tenant| bench.turns.push(tenant, 0));
    for _ in 0..400 {
        bench.step(|_| 5_000 * TURN_NS, true);
    }
    let [first, second] = bench.times()[..] else { panic!("two tenants") };
    assert!((2.8..3.2).contains(&(second / first)), "{first} {second}");
}
