//! Random graphs, run one task at a time in random order, against what follows from the edges alone.

use std::cell::RefCell;
use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use turgo_machine::clock::Clock;

use super::super::execution::{Execution, Others};
use super::super::*;
use crate::random::Random;

#[derive(Debug, Clone)]
struct Case {
    tasks: u32,
    edges: Vec<(u32, u32)>,
    fails: Vec<bool>,
    policy: OnFailure,
    seed: u64,
}

fn cases() -> impl Strategy<Value = Case> {
    let policies = prop::sample::select(vec![OnFailure::FailNode, OnFailure::PoisonDownstream]);
    (1u32..24, policies, any::<u64>()).prop_flat_map(|(tasks, policy, seed)| {
        let edges = prop::collection::vec((0..tasks, 0..tasks), 0..40);
        let fails = prop::collection::vec(prop::bool::weighted(0.15), tasks as usize);
        (edges, fails).prop_map(move |(edges, fails)| {
            let edges = edges.into_iter().filter(|(a, b)| a != b);
            let edges = edges.map(|(a, b)| (a.min(b), a.max(b))).collect();
            Case { tasks, edges, fails, policy, seed }
        })
    })
}

proptest! {
    #[test]
    fn every_task_ends_once_as_its_predecessors_say(case in cases()) {
        let ran = Arc::new(Mutex::new(Vec::new()));
        let mut dag = Dag::new();
        dag.on_failure(case.policy);
        for task in 0..case.tasks {
            let (ran, fails) = (Arc::clone(&ran), case.fails[task as usize]);
            dag.node(move |cx| {
                ran.lock().unwrap().push(cx.me().0);
                if fails { Err("planned") } else { Ok(()) }
            });
        }
        for &(from, to) in &case.edges {
            dag.edge(TaskId(from), TaskId(to));
        }
        let graph = dag.seal().unwrap();
        let execution = Execution::new(graph, Clock::real());
        let mut random = Random::new(case.seed, 0);
        let ready = RefCell::new(execution.sources().to_vec());
        let mut over = false;
        while !ready.borrow().is_empty() {
            prop_assert!(!over, "D7");
            let next = random.below(u32::try_from(ready.borrow().len()).unwrap());
            let task = ready.borrow_mut().swap_remove(next as usize);
            over = execution.step(task, 0, Others::None, &ready);
        }
        prop_assert!(over, "D7");
        let result = execution.result(1);
        let report = match &result { Ok(report) => report, Err(error) => error.report() };
        let ran = ran.lock().unwrap().clone();
        for task in 0..case.tasks {
            let before = || case.edges.iter().filter(move |edge| edge.1 == task).map(|edge| edge.0);
            let state = |task: u32| report.task(TaskId(task)).unwrap().state;
            let poisoned = before().any(|task| match state(task) {
                State::Cancelled => true,
                State::Failed => case.policy == OnFailure::PoisonDownstream,
                _ => false,
            });
            let expected = match (poisoned, case.fails[task as usize]) {
                (true, _) => State::Cancelled,
                (false, true) => State::Failed,
                (false, false) => State::Completed,
            };
            prop_assert_eq!(state(task), expected, "D3: task {}", task);
            let times = ran.iter().filter(|&&other| other == task).count();
            prop_assert_eq!(times, usize::from(!poisoned), "D1: task {}", task);
            let place = |task: u32| ran.iter().position(|&other| other == task);
            for earlier in before() {
                prop_assert!(!(place(task).is_some() && place(earlier) > place(task)), "D2");
            }
        }
    }

    #[test]
    fn graphs_are_sealed_exactly_if_they_have_no_cycle(
        edges in prop::collection::vec((0u32..10, 0u32..10), 0..24),
    ) {
        let mut order = super::super::order::Order::new(&(0..10).collect::<Vec<u32>>());
        let mut placed: Vec<(u32, u32)> = Vec::new();
        let mut cyclic = false;
        for &(from, to) in &edges {
            let ends = |task: u32, visit: &mut dyn FnMut(u32)| {
                placed.iter().filter(|edge| edge.0 == task).for_each(|edge| visit(edge.1));
            };
            let starts = |task: u32, visit: &mut dyn FnMut(u32)| {
                placed.iter().filter(|edge| edge.1 == task).for_each(|edge| visit(edge.0));
            };
            cyclic |= order.insert(from, to, &ends, &starts).is_err();
            if !cyclic {
                placed.push((from, to));
            }
        }
        match Shape::new(vec![Profile::default(); 10], &edges) {
            Ok(shape) => {
                prop_assert!(!cyclic, "D4");
                let place = |task: u32| shape.order().iter().position(|&other| other == task);
                for &(from, to) in &edges {
                    prop_assert!(place(from) < place(to), "D4");
                }
            }
            Err(cycle) => {
                prop_assert!(cyclic, "D4");
                let path = &cycle.path;
                for (at, task) in path.iter().enumerate() {
                    let next = path[(at + 1) % path.len()];
                    prop_assert!(edges.contains(&(task.0, next.0)), "D4: {}", cycle);
                }
            }
        }
    }
}
