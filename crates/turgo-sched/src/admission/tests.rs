//! The gate, shares between tenants, and deadlines on a small simulated processor.

use core::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::reserve::Capacity;
use crate::resources::{Lane, Resources};

fn need(cpu: f32, memory: f32) -> Resources {
    Resources::NONE.with(Lane::Cpu, cpu).with(Lane::Memory, memory)
}

fn gate(interval_ns: u64, burst: u64) -> Gate {
    Gate::new(Rate::new(Duration::from_nanos(interval_ns), burst), Capacity::new(need(4.0, 0.0)))
}

#[test]
fn what_capacity_refuses_costs_no_rate() {
    let gate = gate(10, 2);
    let held = gate.admit(1, need(4.0, 0.0), 0).expect("fits");
    for _ in 0..100 {
        assert!(matches!(gate.admit(1, need(1.0, 0.0), 0), Err(Turned::TooMuch(_))), "A2");
    }
    drop(held);
    assert!(gate.admit(1, need(1.0, 0.0), 0).is_ok(), "A2");
    let refused = gate.admit(1, need(1.0, 0.0), 0).expect_err("both tokens are gone");
    assert_eq!(refused, Turned::TooOften(Some(Duration::from_nanos(10))));
    let never = gate.admit(3, need(1.0, 0.0), 1_000).expect_err("more than the burst");
    assert_eq!(never, Turned::TooOften(None));
}

#[test]
fn what_came_back_is_not_given_back() {
    let rate = Rate::new(Duration::from_nanos(10), 4);
    let span_end = rate.take(2, 0).expect("four are there");
    assert!(rate.take(2, 0).is_ok());
    rate.give_back(2, span_end, 15);
    // At 15 one and a half have come back, and half a token of the first two was still held: two are there.
    assert!(rate.take(2, 15).is_ok(), "A2");
    assert!(rate.take(1, 15).is_err(), "A1");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_more_than_the_rate_is_let_through(
        requests in vec((0..40u64, 1..4u64), 1..200), interval_ns in 1..20u64, burst in 1..10u64,
    ) {
        let gate = gate(interval_ns, burst);
        let (mut now_ns, mut let_in) = (1_000, Vec::new());
        for (after_ns, tokens) in requests {
            now_ns += after_ns;
            if gate.admit(tokens, need(1.0, 0.0), now_ns).is_ok() {
                let_in.push((now_ns, tokens));
            }
        }
        for (at, &(from, _)) in let_in.iter().enumerate() {
            let mut sum = 0;
            for &(to, tokens) in &let_in[at..] {
                sum += tokens;
                prop_assert!(sum <= burst + (to - from) / interval_ns, "A1");
            }
        }
    }

    #[test]
    fn dominant_shares_are_even(demands in vec((1..40u32, 1..40u32), 2..6)) {
        let capacity = need(1_000.0, 1_000.0);
        let wants: Vec<(Tenant, Resources)> = (demands.iter().enumerate())
            .map(|(at, &(cpu, memory))| (Tenant(at as u32), need(cpu as f32, memory as f32)))
            .collect();
        let mut tenants = Tenants::new(capacity);
        wants.iter().for_each(|&(tenant, _)| tenants.add(tenant, 1.0));
        let mut given = vec![Resources::NONE; wants.len()];
        // Until the first of them finds no room: filling is progressive up to there.
        while wants.iter().all(|(_, need)| (tenants.used() + *need).fits(capacity)) {
            let at = tenants.next(&wants).expect("all fit");
            tenants.take(wants[at].0, wants[at].1);
            given[at] += wants[at].1;
        }
        let task = |at: usize| wants[at].1.normalised(capacity).largest();
        let share = |at: usize| given[at].normalised(capacity).largest();
        let count = wants.len();
        for at in 0..count {
            for other in 0..count {
                prop_assert!(share(at) <= share(other) + task(at) + 1e-4, "A3: ahead by more than a task");
                // No envy: with the other's part it could run no more than with its own and a task of the other's.
                let lanes = [Lane::Cpu, Lane::Memory];
                let tasks = |part: Resources| {
                    let tasks = lanes.map(|lane| part.get(lane) / wants[at].1.get(lane));
                    tasks[0].min(tasks[1])
                };
                let most = tasks(given[at]) + task(other) / task(at) + 1e-3;
                prop_assert!(tasks(given[other]) <= most, "A3: envy");
            }
            // Sharing incentive: no worse than an n-th of everything, but for a task of each.
            let loss = (0..count).map(task).fold(0.0, f32::max);
            prop_assert!(share(at) >= 1.0 / count as f32 - 2.0 * loss - 1e-4, "A3: sharing incentive");
        }
        // Pareto efficiency: filling goes on with whoever fits, until nobody does.
        while let Some(at) = tenants.next(&wants) {
            tenants.take(wants[at].0, wants[at].1);
            given[at] += wants[at].1;
        }
        for (_, need) in &wants {
            prop_assert!(!(tenants.used() + *need).fits(capacity), "A3: something is left");
        }
        for (at, (tenant, _)) in wants.iter().enumerate() {
            tenants.give_back(*tenant, given[at]);
        }
        prop_assert_eq!(tenants.used(), Resources::NONE);
    }

    #[test]
    fn nobody_gains_by_asking_for_more(demands in vec((1..40u32, 1..40u32), 2..5), lie in 1..40u32) {
        let capacity = need(1_000.0, 1_000.0);
        let tasks = |first: Resources| {
            let mut wants: Vec<(Tenant, Resources)> = (demands.iter().enumerate())
                .map(|(at, &(cpu, memory))| (Tenant(at as u32), need(cpu as f32, memory as f32)))
                .collect();
            wants[0].1 = first;
            let mut tenants = Tenants::new(capacity);
            wants.iter().for_each(|&(tenant, _)| tenants.add(tenant, 1.0));
            let mut tasks = 0;
            while wants.iter().all(|(_, need)| (tenants.used() + *need).fits(capacity)) {
                let at = tenants.next(&wants).expect("all fit");
                tenants.take(wants[at].0, wants[at].1);
                tasks += u32::from(at == 0);
            }
            tasks
        };
        let (cpu, memory) = demands[0];
        let honest = need(cpu as f32, memory as f32);
        // The lie asks for at least what is needed, so each task of it does one task's work.
        let lie = honest + need(lie as f32, 0.0);
        let largest = demands.iter().map(|&(cpu, memory)| cpu.max(memory)).max();
        let largest = (largest.unwrap_or(0) as f32).max(lie.largest());
        let gained = (tasks(lie) as f32 - tasks(honest) as f32) * honest.largest();
        prop_assert!(gained <= 2.0 * largest, "A3: strategy-proof but for the size of a task");
    }

    #[test]
    fn deadlines_below_the_bound_are_met(
        tasks in vec((1..12u64, 1..40u64, 0..20u64), 1..12), cheat in 0..3u64,
    ) {
        let mut deadlines = Deadlines::new(1);
        let mut admitted = Vec::new();
        for (cost_ns, slack, phase) in tasks {
            let period_ns = cost_ns + slack;
            let task = Periodic { period_ns, deadline_ns: period_ns, cost_ns };
            if deadlines.admit(task).is_ok() {
                admitted.push((task, phase));
            }
        }
        prop_assert!(deadlines.density(0) <= 1.0, "A4");
        prop_assert_eq!(misses(&admitted, 5_000), 0, "A4");
        // And they are missed above it: with all at their worst in step.
        if let Some((task, _)) = admitted.first().copied().filter(|_| cheat > 0) {
            let more = Periodic { cost_ns: task.period_ns, ..task };
            admitted.push((more, 0));
            prop_assert!(misses(&admitted, 50_000) > 0, "a processor cannot do more than all of it");
        }
    }
}

/// Earliest deadline first on one processor, nanosecond by nanosecond: how many deadlines are missed.
fn misses(tasks: &[(Periodic, u64)], until_ns: u64) -> u32 {
    // Deadline and what is left to do.
    let mut jobs: Vec<(u64, u64)> = Vec::new();
    let mut missed = 0;
    for now in 0..until_ns {
        for (task, phase) in tasks {
            if now >= *phase && (now - phase).is_multiple_of(task.period_ns) {
                jobs.push((now + task.deadline_ns, task.cost_ns));
            }
        }
        if let Some(job) = jobs.iter_mut().min_by_key(|job| job.0) {
            job.1 -= 1;
        }
        jobs.retain(|(deadline, left)| {
            let is_missed = *left > 0 && *deadline <= now + 1;
            missed += u32::from(is_missed);
            *left > 0 && !is_missed
        });
    }
    missed
}

#[test]
fn what_was_measured_counts() {
    let mut node = Deadlines::new(2);
    let task = Periodic { period_ns: 100, deadline_ns: 100, cost_ns: 50 };
    let (processor, first) = node.admit(task).expect("fits");
    assert_eq!(node.admit(task).map(|(processor, _)| processor), Ok(processor));
    assert_eq!(node.admit(task).map(|(processor, _)| processor), Ok(1), "the first one is full");
    assert_eq!(node.measured(first, 40), Ok(()));
    let overload = node.measured(first, 60).expect_err("A5");
    assert!((overload.density - 1.1).abs() < 1e-9, "A5");
    assert!(node.remove(first) && !node.remove(first));
    assert!(node.measured(first, 1_000).is_ok(), "it is over");
    assert_eq!(node.admit(task).map(|(processor, _)| processor), Ok(processor));
    let tight = Periodic { deadline_ns: 50, ..task };
    assert!((tight.density() - 1.0).abs() < 1e-9);
    assert!(node.admit(tight).is_err());
}

#[test]
fn fixed_priorities_have_a_lower_bound() {
    assert!((rate_monotonic_bound(1) - 1.0).abs() < 1e-12);
    assert!((rate_monotonic_bound(2) - 0.828_427).abs() < 1e-6);
    assert!((rate_monotonic_bound(1_000_000) - std::f64::consts::LN_2).abs() < 1e-6);
}

#[test]
fn retries_are_a_part_of_the_attempts() {
    let mut budget = RetryBudget::new(0.2, 10);
    let mut retries = 0;
    for _ in 0..10_000 {
        budget.attempt();
        // Everything fails, and everybody tries again as often as they may.
        retries += (0..5).filter(|_| budget.retry()).count();
    }
    assert!(retries <= 2_000 + 10, "A6: {retries}");
    assert!(retries >= 2_000);
}

#[test]
fn weights_scale_shares() {
    let mut tenants = Tenants::new(need(100.0, 100.0));
    let wants = [(Tenant(7), need(1.0, 1.0)), (Tenant(3), need(1.0, 1.0))];
    tenants.add(Tenant(7), 3.0);
    tenants.add(Tenant(3), 1.0);
    let mut tasks = [0; 2];
    while let Some(at) = tenants.next(&wants) {
        tenants.take(wants[at].0, wants[at].1);
        tasks[at] += 1;
    }
    assert_eq!(tasks, [75, 25]);
    assert_eq!(tenants.next(&[(Tenant(9), need(0.0, 0.0))]), None, "nobody knows it");
}

#[test]
fn one_queue_leaves_room_beside_the_largest() {
    // Parts that floating-point numbers hold exactly.
    let task = |cost_ns| Periodic { period_ns: 128, deadline_ns: 128, cost_ns };
    // Dhall and Liu: one task that needs a whole processor, and little ones that come just before it, need more than two.
    let mut node = Deadlines::shared(2);
    node.admit(task(128)).expect("the first");
    assert!(node.admit(task(16)).is_err(), "A4");
    let mut node = Deadlines::shared(2);
    let admitted = (0..20).take_while(|_| node.admit(task(16)).is_ok()).count();
    assert_eq!(admitted, 15, "A4: all of two but an eighth");
    let mut alone = Deadlines::shared(1);
    assert_eq!((0..20).take_while(|_| alone.admit(task(32)).is_ok()).count(), 4);
}
