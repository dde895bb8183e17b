//! The runs of an ablation, on several threads.
//!
//! A table is taken apart into jobs that know nothing of each other: a contender, a fixed setting, or something that learns, whose runs are one after the other. Whoever is done
//! gets the next job, of the next table if need be, and the longest of a table are given out first. Rows are handed on by table, in an order that does not depend on who ran what.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{Result as Caught, scope};
use std::time::Duration;

use turgo_machine::clock::Clock;
use turgo_machine::topology::Topology;

use super::ablation::{Ablation, AblationError, Contender, Role, Row};
use super::costs::Costs;
use super::learning::{self, Learner, Learnt};
use super::outcome::Outcome;
use super::progress::Progress;
use super::workload::Workload;
use super::world::Simulation;
use crate::fair::Interleaving;
use crate::layout::Layout;
use crate::policy::{Knobs, Policy, Reach, Standard};

/// How often progress is reported at least.
const EVERY: Duration = Duration::from_millis(250);

/// A graph on a machine, with everything that is run on it.
#[derive(Debug)]
struct Table {
    number: usize,
    machine: String,
    graph: String,
    layout: Arc<Layout>,
    workload: Workload,
    costs: Costs,
    seed: u64,
    jobs: Vec<Job>,
}

/// What one thread does at a time.
#[derive(Debug)]
enum Job {
    Contender(Contender, Role),
    Threshold(Standard),
    Victims,
    Knobs,
    /// One of the settings of which the best is shown.
    Fixed(Learnt),
}

impl Job {
    /// How many runs it is, or may be.
    fn runs(&self) -> u64 {
        match self {
            Self::Contender(..) | Self::Fixed(_) => 1,
            Self::Threshold(_) => 25,
            Self::Victims => 96,
            Self::Knobs => 180,
        }
    }
}

/// What came of a job: a row without the table's names.
type Line = (String, Role, Outcome);

impl Table {
    fn simulate(&self, policy: &dyn Policy, knobs: Knobs, turns: Interleaving, by: u64) -> Outcome {
        let simulation = Simulation::on(&self.layout, policy).costs(self.costs).knobs(knobs);
        simulation.interleaving(turns).seed(self.seed.wrapping_add(by)).run(&self.workload)
    }

    fn run(&self, job: &Job) -> Line {
        let plain =
            |policy: &Standard, knobs, by| self.simulate(policy, knobs, Interleaving::InTurn, by);
        // None of these seeds is the one that rows are made from.
        let mut learner = Learner {
            run: |policy: &Standard, knobs, run| plain(policy, knobs, 1 + u64::from(run)),
        };
        let (role, Learnt { name, policy, knobs }) = match job {
            Job::Contender(Contender { name, policy, knobs, interleaving }, role) => {
                let outcome = self.simulate(&**policy, *knobs, *interleaving, 0);
                return (name.clone(), *role, outcome);
            }
            Job::Threshold(policy) => (Role::Learnt, learner.threshold(*policy)),
            Job::Victims => (Role::Learnt, learner.victims()),
            Job::Knobs => (Role::Tuned, learner.knobs(self.workload.is_open())),
            Job::Fixed(learnt) => (Role::BestFixed, learnt.clone()),
        };
        let outcome = plain(&policy, knobs, 0);
        (name, role, outcome)
    }

    /// The rows of lines that are all there: of the fixed settings the best, the last one of equals.
    fn rows(&self, lines: Vec<Line>) -> Vec<Row> {
        let (fixed, mut lines): (Vec<Line>, Vec<Line>) =
            lines.into_iter().partition(|(_, role, _)| *role == Role::BestFixed);
        let better = |a: &Line, b: &Line| learning::score(&a.2).total_cmp(&learning::score(&b.2));
        lines.extend(fixed.into_iter().max_by(better));
        let row = |(policy, role, outcome)| Row {
            machine: self.machine.clone(),
            graph: self.graph.clone(),
            policy,
            role,
            outcome,
        };
        lines.into_iter().map(row).collect()
    }
}

/// All jobs in the order of their rows.
fn jobs(workload: &Workload) -> Vec<Job> {
    let tenants = workload.weights().len();
    if tenants > 1 {
        let all = Contender::interleavings(tenants == 2).into_iter();
        return all.map(|contender| Job::Contender(contender, Role::Contender)).collect();
    }
    let default = Standard::default();
    let role = |contender: &Contender| {
        if contender.name == default.name() { Role::Default } else { Role::Contender }
    };
    let contenders = Contender::all().into_iter().map(|contender| {
        let role = role(&contender);
        Job::Contender(contender, role)
    });
    let choosy = Standard { reach: Reach::Threshold, ..default };
    let learners = [Job::Threshold(default), Job::Threshold(choosy), Job::Victims, Job::Knobs];
    contenders.chain(learners).chain(learning::fixed().into_iter().map(Job::Fixed)).collect()
}

/// A job of a table, for a thread.
#[derive(Debug)]
struct Given {
    table: Arc<Table>,
    job: usize,
}

/// What a thread tells when it has done that.
#[derive(Debug)]
struct Told {
    hand: usize,
    given: Given,
    line: Caught<Line>,
}

/// The tables of an ablation, each made when its first job is given out.
#[derive(Debug)]
struct Tables<'a> {
    ablation: &'a Ablation,
    layouts: Vec<Arc<Layout>>,
    /// The row of a machine, the graph's name there, and how much there is to do.
    specs: Vec<(usize, String, u64)>,
    next: usize,
    now: Option<(Arc<Table>, Vec<usize>)>,
}

/// What an ablation calls a graph on this machine.
fn named(graph: &str, machine: &Topology) -> String {
    let Some(kind) = graph.strip_suffix("/N") else { return graph.to_string() };
    let nodes = machine.nodes().len();
    format!("{kind}/{nodes}x{}", machine.cpus().len().div_ceil(nodes))
}

impl<'a> Tables<'a> {
    /// Looks at everything that is asked for, so that what is wrong is said at once.
    fn new(ablation: &'a Ablation) -> Result<Self, AblationError> {
        let (mut layouts, mut specs) = (Vec::new(), Vec::new());
        for (row, spec) in ablation.machines.iter().enumerate() {
            let machine = Topology::simulate(spec).map_err(AblationError::Machine)?;
            let workers = machine.cpus().len();
            for graph in &ablation.graphs {
                let graph = named(graph, &machine);
                let workload =
                    Workload::made(&graph, ablation.seed).map_err(AblationError::Graph)?;
                let runs: u64 = jobs(&workload).iter().map(Job::runs).sum();
                specs.push((row, graph, runs * effort(&workload, workers)));
            }
            layouts.push(Arc::new(Layout::new(&machine, workers)));
        }
        Ok(Self { ablation, layouts, specs, next: 0, now: None })
    }

    /// The next job; `None` when all are given out.
    fn next(&mut self) -> Result<Option<Given>, AblationError> {
        loop {
            if let Some((table, jobs)) = &mut self.now
                && let Some(job) = jobs.pop()
            {
                return Ok(Some(Given { table: Arc::clone(table), job }));
            }
            let Some((row, graph, _)) = self.specs.get(self.next) else { return Ok(None) };
            let Ablation { machines, seed, costs, .. } = self.ablation;
            let workload = Workload::made(graph, *seed).map_err(AblationError::Graph)?;
            let table = Table {
                number: self.next,
                machine: machines[*row].clone(),
                graph: graph.clone(),
                layout: Arc::clone(&self.layouts[*row]),
                jobs: jobs(&workload),
                workload,
                costs: *costs,
                seed: *seed,
            };
            // Taken from the end: the longest first.
            let mut jobs: Vec<usize> = (0..table.jobs.len()).rev().collect();
            jobs.sort_by_key(|&job| table.jobs[job].runs());
            self.next += 1;
            self.now = Some((Arc::new(table), jobs));
        }
    }
}

/// How long a run takes, in a unit of its own: where there are many workers, more of the time goes into their searches.
fn effort(workload: &Workload, workers: usize) -> u64 {
    workload.shape().len() as u64 * (256 + workers as u64)
}

/// Lines of tables of which some are missing.
#[derive(Debug)]
struct Gathered {
    begun: BTreeMap<usize, (Arc<Table>, Vec<Option<Line>>)>,
    /// The first table whose rows are not handed on.
    first: usize,
    /// Effort of what is done.
    done: u64,
}

impl Gathered {
    /// A job is done; hands on the rows of the tables that are complete now and whose turn it is.
    fn put(&mut self, Given { table, job }: Given, line: Line, row: &mut dyn FnMut(Row)) {
        self.done += table.jobs[job].runs() * effort(&table.workload, table.layout.workers());
        let number = table.number;
        let (_, lines) = self.begun.entry(number).or_insert_with(|| {
            let lines = table.jobs.iter().map(|_| None).collect();
            (table, lines)
        });
        lines[job] = Some(line);
        while let Some(entry) = self.begun.first_entry()
            && *entry.key() == self.first
            && entry.get().1.iter().all(Option::is_some)
        {
            let (table, lines) = entry.remove();
            table.rows(lines.into_iter().flatten().collect()).into_iter().for_each(&mut *row);
            self.first += 1;
        }
    }
}

/// Does what it is given until there is no more.
fn hand(number: usize, given: &Receiver<Given>, tell: &Sender<Told>) {
    for given in given {
        let Given { table, job } = &given;
        let line = catch_unwind(AssertUnwindSafe(|| table.run(&table.jobs[*job])));
        if tell.send(Told { hand: number, given, line }).is_err() {
            return;
        }
    }
}

/// Runs everything on so many threads as the ablation says.
pub(super) fn run(
    ablation: &Ablation,
    row: &mut dyn FnMut(Row),
    progress: &mut dyn FnMut(&Progress),
) -> Result<(), AblationError> {
    let mut tables = Tables::new(ablation)?;
    let all: u64 = tables.specs.iter().map(|(.., effort)| effort).sum();
    let clock = Clock::real();
    let begun_ns = clock.now_ns();
    let mut gathered = Gathered { begun: BTreeMap::new(), first: 0, done: 0 };
    scope(|scope| {
        let (tell, told) = channel();
        let give: Vec<Sender<Given>> = (0..ablation.threads.max(1))
            .map(|number| {
                let ((give, given), tell) = (channel(), tell.clone());
                scope.spawn(move || hand(number, &given, &tell));
                give
            })
            .collect();
        let mut idle: Vec<usize> = (0..give.len()).collect();
        loop {
            while let Some(&next) = idle.last()
                && let Some(given) = tables.next()?
            {
                idle.pop();
                // Who is idle waits at the other end.
                let _ = give[next].send(given);
            }
            if idle.len() == give.len() {
                return Ok(());
            }
            if let Ok(Told { hand, given, line }) = told.recv_timeout(EVERY) {
                idle.push(hand);
                gathered.put(given, line.unwrap_or_else(|panic| resume_unwind(panic)), row);
            }
            if let Some((machine, graph, _)) = tables.specs.get(gathered.first) {
                let elapsed = Duration::from_nanos(clock.now_ns().saturating_sub(begun_ns));
                progress(&Progress {
                    table: gathered.first + 1,
                    tables: tables.specs.len(),
                    machine: ablation.machines[*machine].clone(),
                    graph: graph.clone(),
                    elapsed,
                    done: gathered.done as f64 / all.max(1) as f64,
                });
            }
        }
    })
}
