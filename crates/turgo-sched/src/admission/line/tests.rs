//! Lines over random needs and times, against the bound.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::resources::Lane;

/// A task: whose it is, how long after the one before it comes, what it needs of two lanes in sixteenths, and for how long.
type Job = (u32, u64, (u8, u8), u64);

fn need((memory, io): (u8, u8)) -> Resources {
    let part = |sixteenths: u8| f32::from(sixteenths) / 16.0;
    Resources::NONE.with(Lane::Memory, part(memory)).with(Lane::Io, part(io))
}

/// A node whose tenants come and go.
struct Bench<'a> {
    jobs: &'a [Job],
    capacity: Capacity,
    line: Line<usize>,
    now: u64,
    /// When each that holds something gives it back.
    held: Vec<(u64, usize)>,
    /// By tenant: who waits, and since when the first of them is the first.
    waiting: Vec<VecDeque<usize>>,
    since: Vec<u64>,
    /// How often each was let in while another one waited and held nothing.
    before: Vec<Vec<u32>>,
    /// The longest time that somebody was the first of a line.
    longest: u64,
}

impl<'a> Bench<'a> {
    fn new(jobs: &'a [Job], weights: &[u32]) -> Self {
        let count = weights.len();
        Self {
            jobs,
            capacity: Capacity::new(Resources::WHOLE),
            line: Line::new(Resources::WHOLE, Some(weights)),
            now: 0,
            held: Vec::new(),
            waiting: vec![VecDeque::new(); count],
            since: vec![0; count],
            before: vec![vec![0; count]; count],
            longest: 0,
        }
    }

    fn holds(&self, tenant: u32) -> bool {
        self.held.iter().any(|&(_, job)| self.jobs[job].0 == tenant)
    }

    fn let_in(&mut self) {
        for job in self.line.let_in(&self.capacity) {
            let (tenant, .., time) = self.jobs[job];
            let place = tenant as usize;
            assert_eq!(self.waiting[place].pop_front(), Some(job), "Q2: a line has an order");
            self.longest = self.longest.max(self.now - self.since[place]);
            self.since[place] = self.now;
            for other in 0..self.waiting.len() {
                let is_behind = !self.waiting[other].is_empty() && !self.holds(small(other));
                if other != place && is_behind {
                    self.before[other][place] += 1;
                    assert!(self.before[other][place] <= 1, "Q5: {tenant} before {other} again");
                }
            }
            self.held.push((self.now + time, job));
            self.before[place].fill(0);
        }
    }

    fn arrive(&mut self, job: usize) {
        let (tenant, _, parts, time) = self.jobs[job];
        if self.line.len() == 0 && self.capacity.hold(need(parts)).is_ok() {
            self.line.take(tenant, need(parts));
            self.held.push((self.now + time, job));
            return;
        }
        let queue = &mut self.waiting[tenant as usize];
        queue.push_back(job);
        if queue.len() == 1 {
            self.since[tenant as usize] = self.now;
        }
        self.line.push(tenant, need(parts), job);
        self.let_in();
    }

    /// What is to be given back now is given back.
    fn give_back(&mut self) {
        while let Some(at) = self.held.iter().position(|&(end, _)| end == self.now) {
            let (_, job) = self.held.swap_remove(at);
            let (tenant, _, parts, _) = self.jobs[job];
            self.capacity.unhold(need(parts));
            self.line.give_back(tenant, need(parts));
            self.let_in();
        }
    }

    fn run(&mut self) {
        let mut comes = 0;
        let arrivals = self.jobs.iter().map(move |&(_, gap, ..)| {
            comes += gap;
            comes
        });
        let mut arrivals = arrivals.enumerate().peekable();
        while arrivals.peek().is_some() || !self.held.is_empty() {
            self.give_back();
            while let Some((job, _)) = arrivals.next_if(|&(_, at)| at == self.now) {
                self.arrive(job);
            }
            self.now += 1;
        }
        assert_eq!(self.line.len(), 0, "Q4: all are quiet, and somebody waits");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn nobody_is_the_first_for_longer_than_the_bound(
        jobs in vec((0..5u32, 0..8u64, (0..=16u8, 1..=16u8), 1..=20u64), 1..120),
        weights in vec(1..9u32, 1..=5),
    ) {
        let tenants = weights.len() as u64;
        let mine = |(tenant, gap, need, time)| (tenant % weights.len() as u32, gap, need, time);
        let jobs: Vec<Job> = jobs.into_iter().map(mine).collect();
        let mut bench = Bench::new(&jobs, &weights);
        bench.run();
        let longest = jobs.iter().map(|&(.., time)| time).max().unwrap_or(0);
        prop_assert!(bench.longest <= (tenants + 1) * longest, "Q5: {} of {longest}", bench.longest);
    }
}

#[test]
fn a_long_line_of_another_tenant_is_passed() {
    // A hundred that need all there is, and then one of another tenant.
    let mut jobs = vec![(0, 0, (16, 16), 10); 100];
    jobs.extend([(1, 1, (1, 1), 5)]);
    let mut bench = Bench::new(&jobs, &[1, 1]);
    while bench.held.last().is_none_or(|&(_, job)| job != 100) {
        assert!(bench.now <= 20, "Q5: the line of the other one comes first");
        if bench.now == 0 {
            (0..100).for_each(|job| bench.arrive(job));
        }
        if bench.now == 1 {
            bench.arrive(100);
        }
        bench.give_back();
        bench.now += 1;
    }
    assert_eq!(bench.now - 1, 10, "as soon as the first has ended");
}
