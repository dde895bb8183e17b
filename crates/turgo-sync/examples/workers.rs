//! A pool of workers that ends in two steps. First nothing new is let in, and what was accepted is finished; when that takes too long, what is
//! left is cut off. Each step is a token in a tree, so the second includes the first.
//!
//! `cargo run --release -p turgo-sync --example workers`

#![cfg(not(any(loom, shuttle)))]

use std::error::Error;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};
use turgo_sync::{CancellationToken, Semaphore, WaitGroup, mpmc};

const WORKERS: usize = 3;
/// How many jobs wait for a worker at most.
const QUEUE: usize = 4;
/// The job that never ends.
const STUCK: u64 = 7;
/// After so many jobs the pool is told to end.
const ENOUGH: u32 = 20;
const PATIENCE: Duration = Duration::from_millis(100);

/// What the tasks of the pool share.
struct Pool {
    /// Whether new jobs are let in: a child of `running`.
    intake: CancellationToken,
    /// Whether jobs may run. Each worker has a child of it.
    running: CancellationToken,
    /// Tasks that have not ended.
    tasks: WaitGroup,
    /// A permit for each job that was finished.
    finished: Semaphore,
}

/// What became of the jobs of a worker.
#[derive(Debug, Default)]
struct Tally {
    finished: Vec<u64>,
    cut_off: Vec<u64>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build()?;
    runtime.block_on(run())
}

async fn run() -> Result<(), Box<dyn Error>> {
    let running = CancellationToken::new();
    let pool = Arc::new(Pool {
        intake: running.child_token(),
        running,
        tasks: WaitGroup::new(),
        finished: Semaphore::new(0),
    });
    let (sender, receiver) = mpmc::channel(QUEUE);
    pool.tasks.add(1 + WORKERS);
    let intake = tokio::spawn(let_in(pool.clone(), sender));
    let workers: Vec<_> =
        (0..WORKERS).map(|_| tokio::spawn(work(pool.clone(), receiver.clone()))).collect();

    pool.finished.acquire_many(ENOUGH).await?.forget();
    println!("{ENOUGH} jobs are done: nothing new is let in");
    pool.intake.cancel();
    if timeout(PATIENCE, pool.tasks.wait()).await.is_err() {
        println!("{} task(s) have not ended: what they do is cut off", pool.tasks.count());
        pool.running.cancel();
        pool.tasks.wait().await;
    }

    let accepted = intake.await?;
    let (mut jobs, mut cut_off) = (Vec::<u64>::new(), Vec::new());
    for (index, worker) in workers.into_iter().enumerate() {
        let tally = worker.await?;
        println!("worker {index}: {} finished, {:?} cut off", tally.finished.len(), tally.cut_off);
        jobs.extend(tally.finished.iter().chain(&tally.cut_off));
        cut_off.extend(tally.cut_off);
    }
    assert!(cut_off.contains(&STUCK), "that one never ends");
    jobs.sort_unstable();
    println!("{accepted} jobs were accepted, and each was finished or cut off, once");
    assert!(jobs.into_iter().eq(0..accepted), "no job is lost, and none is done twice");
    Ok(())
}

/// Lets in jobs until it is told to stop. Answers how many.
async fn let_in(pool: Arc<Pool>, sender: mpmc::Sender<u64>) -> u64 {
    let _done = pool.tasks.done_on_drop();
    let mut accepted = 0;
    // Room is waited for and not the sending, so a job whose wait is given up is not lost: it was never let in.
    while let Some(Ok(room)) = pool.intake.run_until_cancelled(sender.reserve()).await {
        room.send(accepted);
        accepted += 1;
    }
    // The sender is dropped: workers find the end behind the last job.
    accepted
}

/// Does jobs until there are no more.
async fn work(pool: Arc<Pool>, receiver: mpmc::Receiver<u64>) -> Tally {
    let _done = pool.tasks.done_on_drop();
    let token = pool.running.child_token();
    let mut tally = Tally::default();
    while let Some(job) = receiver.recv().await {
        match token.run_until_cancelled(execute(job)).await {
            Some(()) => {
                tally.finished.push(job);
                pool.finished.add_permits(1);
            }
            None => tally.cut_off.push(job),
        }
    }
    tally
}

async fn execute(job: u64) {
    if job == STUCK {
        pending::<()>().await;
    }
    sleep(Duration::from_millis(1)).await;
}

#[test]
fn every_accepted_job_is_finished_or_cut_off() {
    main().expect("it runs");
}
