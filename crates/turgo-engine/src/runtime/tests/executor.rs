//! The executor: how runs end (E1, E2), and that the pool runs tasks as they are to be run.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};
use std::thread;
use std::time::Duration;

use super::within;
use crate::error::{EngineError, Result};
use crate::runtime::executor::{Failure, Part, run};
use crate::runtime::task::{Budget, Step, Task};

/// A task made of a function.
struct Work<F>(F);

impl<F: FnMut(&mut Context<'_>) -> Result<Step> + Send> Task for Work<F> {
    fn run(&mut self, cx: &mut Context<'_>, _budget: Budget<'_>) -> Result<Step> {
        (self.0)(cx)
    }
}

fn task(work: impl FnMut(&mut Context<'_>) -> Result<Step> + Send + 'static) -> Box<dyn Task> {
    Box::new(Work(work))
}

/// Runs tasks on `workers` threads and returns how they failed.
fn run_all(
    workers: usize,
    tasks: impl FnOnce() -> Vec<Box<dyn Task>> + Send + 'static,
) -> Option<EngineError> {
    within(move || {
        let failure = Arc::new(Failure::default());
        let part = |(instance, task)| Part { stage: 0, instance, task };
        let parts = tasks().into_iter().enumerate().map(part).collect();
        run(parts, workers, 0, &failure).expect("threads start");
        failure.take()
    })
}

/// The message of an internal error.
fn internal(error: Option<EngineError>) -> String {
    match error {
        Some(EngineError::Internal(message)) => message,
        other => panic!("an internal error was due, not {other:?}"),
    }
}

/// The wake falls between the look for work and the return.
#[test]
fn a_wake_during_a_run_is_not_lost() {
    for workers in [1, 2, 4] {
        let runs = Arc::new(Mutex::new(0));
        let seen = Arc::clone(&runs);
        let failed = run_all(workers, move || {
            vec![task(move |cx| {
                let mut runs = seen.lock().unwrap();
                *runs += 1;
                if *runs == 1_000 {
                    return Ok(Step::Done);
                }
                cx.waker().wake_by_ref();
                Ok(Step::Park)
            })]
        });
        assert!(failed.is_none());
        assert_eq!(*runs.lock().unwrap(), 1_000);
    }
}

/// Others wake the task all the time, while it runs and while it does not.
#[test]
fn a_task_is_never_run_by_two_threads() {
    const RUNS: usize = 5_000;
    let wakers: Arc<Mutex<Option<Waker>>> = Arc::default();
    let overlaps = Arc::new(Mutex::new(0));
    let (shared, counted) = (Arc::clone(&wakers), Arc::clone(&overlaps));
    let failed = run_all(4, move || {
        let inside = Arc::new(Mutex::new(()));
        let (mut runs, finished) = (0, Arc::new(Mutex::new(false)));
        let stop = Arc::clone(&finished);
        let given = Arc::clone(&shared);
        let victim = task(move |cx| {
            let Ok(_inside) = inside.try_lock() else {
                *counted.lock().unwrap() += 1;
                return Ok(Step::Park);
            };
            *given.lock().unwrap() = Some(cx.waker().clone());
            runs += 1;
            if runs == RUNS {
                *stop.lock().unwrap() = true;
                return Ok(Step::Done);
            }
            Ok(if runs % 3 == 0 { Step::Again } else { Step::Park })
        });
        let mut tasks = vec![victim];
        for _ in 0..3 {
            let (shared, finished) = (Arc::clone(&shared), Arc::clone(&finished));
            tasks.push(task(move |_| {
                if let Some(waker) = shared.lock().unwrap().clone() {
                    waker.wake();
                }
                Ok(if *finished.lock().unwrap() { Step::Done } else { Step::Again })
            }));
        }
        tasks
    });
    assert!(failed.is_none(), "{failed:?}");
    assert_eq!(*overlaps.lock().unwrap(), 0);
}

#[test]
fn a_parked_task_is_run_again_only_when_woken() {
    let runs = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&runs);
    let failed = run_all(2, move || {
        vec![task(move |cx| {
            let mut runs = counted.lock().unwrap();
            *runs += 1;
            if *runs == 2 {
                return Ok(Step::Done);
            }
            let waker = cx.waker().clone();
            let wake = move || {
                thread::sleep(Duration::from_millis(50));
                waker.wake();
            };
            thread::Builder::new().spawn(wake).unwrap();
            Ok(Step::Park)
        })]
    });
    assert!(failed.is_none());
    assert_eq!(*runs.lock().unwrap(), 2);
}

/// E1, with tasks that are parked for ever and tasks that always have work.
#[test]
fn the_first_failure_ends_the_pool() {
    for workers in [1, 3] {
        let failed = run_all(workers, || {
            let mut turns = 0;
            vec![
                task(|_| Ok(Step::Park)),
                task(|_| Ok(Step::Again)),
                task(move |_| {
                    turns += 1;
                    if turns < 10 { Ok(Step::Again) } else { Err(EngineError::data("no")) }
                }),
                task(|_| Ok(Step::Again)),
            ]
        });
        assert_eq!(failed.unwrap().to_string(), "no");
    }
}

#[test]
fn no_task_starts_after_a_failure() {
    let late = Arc::new(Mutex::new(BTreeSet::new()));
    let started = Arc::clone(&late);
    let failed = run_all(1, move || {
        let mut tasks = vec![task(|_| Err(EngineError::data("no")))];
        for number in 0..5 {
            let started = Arc::clone(&started);
            tasks.push(task(move |_| {
                started.lock().unwrap().insert(number);
                Ok(Step::Done)
            }));
        }
        tasks
    });
    assert!(failed.is_some());
    assert_eq!(*late.lock().unwrap(), BTreeSet::new());
}

#[test]
fn a_task_that_panics_ends_the_pool() {
    let failed = run_all(2, || vec![task(|_| Ok(Step::Park)), task(|_| panic!("by itself"))]);
    assert!(internal(failed).contains("by itself"));
}

/// Panics when it is dropped, whether it is done or not.
struct Thorn(Step);

impl Task for Thorn {
    fn run(&mut self, _cx: &mut Context<'_>, _budget: Budget<'_>) -> Result<Step> {
        Ok(self.0)
    }
}

impl Drop for Thorn {
    fn drop(&mut self) {
        panic!("while dropped");
    }
}

#[test]
fn a_task_that_panics_while_dropped_ends_the_pool() {
    let failed = run_all(2, || vec![task(|_| Ok(Step::Park)), Box::new(Thorn(Step::Done))]);
    assert!(internal(failed).contains("while dropped"));
    // Dropped by the pool itself, after a failure elsewhere.
    let failed =
        run_all(2, || vec![Box::new(Thorn(Step::Park)), task(|_| Err(EngineError::data("first")))]);
    assert_eq!(failed.unwrap().to_string(), "first");
}

#[test]
fn a_pool_without_tasks_ends() {
    assert!(run_all(2, Vec::new).is_none());
}
