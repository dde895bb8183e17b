//! Deadlines that a node can keep.

use core::fmt;

use turgo_machine::mutant;

/// A task that comes again and again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Periodic {
    /// Nanoseconds from one time to the next, at least.
    pub period_ns: u64,
    /// Nanoseconds from when it comes to when it has to be done; at most the period counts.
    pub deadline_ns: u64,
    /// Nanoseconds that it takes at worst.
    pub cost_ns: u64,
}

impl Periodic {
    /// The part of a processor that it needs to be done in time: cost over the shorter of deadline and period.
    #[must_use]
    pub fn density(&self) -> f64 {
        self.cost_ns as f64 / self.deadline_ns.min(self.period_ns).max(1) as f64
    }
}

/// A task that was admitted, until it is taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Admitted(u64);

/// A node has promised too much to promise this as well.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Overload {
    /// The parts of a processor that it would have promised.
    pub density: f64,
}

impl fmt::Display for Overload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} % of a processor promised", self.density * 100.0)
    }
}

impl core::error::Error for Overload {}

/// What the processors of a node promise to have done in time.
///
/// Each processor has its own tasks and takes the one with the earliest deadline. On one processor that meets every deadline if the utilisation is at most 1, and no
/// other order meets them otherwise (Liu, Layland, "Scheduling algorithms for multiprogramming in a hard-real-time environment", JACM 20, 1973); for deadlines before
/// the end of the period the density takes the place of the utilisation, which is then sufficient only. One queue of deadlines for all processors would not do: it can miss
/// one at a utilisation just above 1, however many processors there are (Dhall, Liu, Operations Research 26, 1978). Tasks are put on the first processor
/// that has room for them.
///
/// The bound is for tasks that can be interrupted. Those that run to the end of their quantum delay others by up to one quantum, which is to be added to each cost.
///
/// ```
/// use turgo_sched::admission::{Deadlines, Periodic};
/// let ms = 1_000_000;
/// let mut processor = Deadlines::new(1);
/// let task = Periodic { period_ns: 10 * ms, deadline_ns: 10 * ms, cost_ns: 4 * ms };
/// let (_, admitted) = processor.admit(task)?;
/// processor.admit(task)?;
/// assert!(processor.admit(task).is_err(), "three times 40 % are too much");
/// processor.remove(admitted);
/// assert!(processor.admit(task).is_ok());
/// # Ok::<(), turgo_sched::admission::Overload>(())
/// ```
#[derive(Debug, Clone)]
pub struct Deadlines {
    processors: Vec<Vec<(Admitted, Periodic)>>,
    /// How many processors share each of the lists.
    sharing: usize,
    next: u64,
}

impl Deadlines {
    /// So many processors with nothing promised.
    ///
    /// # Panics
    ///
    /// If there are none.
    #[must_use]
    pub fn new(processors: usize) -> Self {
        assert!(processors > 0, "a node has a processor");
        Self { processors: vec![Vec::new(); processors], sharing: 1, next: 0 }
    }

    /// So many processors that take the task with the earliest deadline from *one* queue, as the workers of a pool's node do. With `m` of them all deadlines are met if the sum of the
    /// densities is at most `m - (m - 1) * the largest of them` (Goossens, Funk, Baruah, "Priority-driven scheduling of periodic task systems on multiprocessors", Real-Time
    /// Systems 25, 2003; for densities Bertogna, Cirinei, Lipari, ECRTS 2005). So a task that needs nearly all of a processor leaves little for
    /// others, which is what Dhall and Liu found; with one processor the test is that of [`new`](Self::new).
    ///
    /// # Panics
    ///
    /// If there are none.
    #[must_use]
    pub fn shared(processors: usize) -> Self {
        Self { sharing: processors, ..Self::new(processors.min(1)) }
    }

    /// The parts of a processor that it has promised: 1 is all. Where processors share a queue, what the bound counts for each of them.
    ///
    /// # Panics
    ///
    /// If there is no such processor.
    #[must_use]
    pub fn density(&self, processor: usize) -> f64 {
        self.load(processor, None)
    }

    fn load(&self, processor: usize, more: Option<&Periodic>) -> f64 {
        let tasks = self.processors[processor].iter().map(|(_, task)| task).chain(more);
        let (sum, most) =
            tasks.map(Periodic::density).fold((0.0, 0.0), |(sum, most): (f64, f64), density| {
                (sum + density, most.max(density))
            });
        let most = if mutant!("A4 the largest does not count") { 0.0 } else { most };
        (sum + (self.sharing - 1) as f64 * most) / self.sharing as f64
    }

    /// Promises to do a task in time: on which processor (A4).
    ///
    /// # Errors
    ///
    /// If no processor has room; then nothing was promised.
    pub fn admit(&mut self, task: Periodic) -> Result<(usize, Admitted), Overload> {
        let limit = if mutant!("A4 ten per cent too much") { 1.1 } else { 1.0 };
        let with = |processor: usize| self.load(processor, Some(&task));
        let fits = (0..self.processors.len()).find(|&processor| with(processor) <= limit);
        let Some(processor) = fits else {
            let least = (0..self.processors.len()).map(with).fold(f64::INFINITY, f64::min);
            return Err(Overload { density: least });
        };
        let admitted = Admitted(self.next);
        self.next += 1;
        self.processors[processor].push((admitted, task));
        Ok((processor, admitted))
    }

    /// A task is over; whether it was there.
    pub fn remove(&mut self, admitted: Admitted) -> bool {
        let before: usize = self.processors.iter().map(Vec::len).sum();
        for processor in &mut self.processors {
            processor.retain(|(other, _)| *other != admitted);
        }
        before > self.processors.iter().map(Vec::len).sum()
    }

    /// A task took so long once: if that is more than what was known, its cost is that from now on (A5).
    ///
    /// # Errors
    ///
    /// If its processor has then promised too much: what to give up is the caller's choice.
    pub fn measured(&mut self, admitted: Admitted, took_ns: u64) -> Result<(), Overload> {
        let find = |tasks: &Vec<(Admitted, Periodic)>| tasks.iter().any(|(id, _)| *id == admitted);
        let Some(processor) = self.processors.iter().position(find) else { return Ok(()) };
        let tasks = self.processors[processor].iter_mut();
        for (_, task) in tasks.filter(|(id, _)| *id == admitted) {
            let worst = task.cost_ns.max(took_ns);
            task.cost_ns = if mutant!("A5 what was said counts") { task.cost_ns } else { worst };
        }
        let density = self.density(processor);
        if density <= 1.0 { Ok(()) } else { Err(Overload { density }) }
    }
}

/// The utilisation up to which fixed priorities, the higher the shorter the period, meet all deadlines of `tasks` tasks: `n (2^(1/n) - 1)`, from 1 down to 0.693
/// (Liu and Layland, 1973). For executors whose priorities are fixed; with deadlines the bound is 1.
#[must_use]
pub fn rate_monotonic_bound(tasks: usize) -> f64 {
    let n = tasks.max(1) as f64;
    n * ((1.0 / n).exp2() - 1.0)
}
