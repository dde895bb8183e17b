//! From a task graph to tasks, rings and threads, and through them to a report.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{self, Scope, ScopedJoinHandle};

use arrow::datatypes::Schema;

use crate::error::{EngineError, Result};
use crate::graph::{
    Distribution, Input, Instances, OperatorSpec, Output, Panes, Scan, Stage, TaskGraph,
};
use crate::io::Sink;
use crate::message::Message;
use crate::operator::Operator;
use crate::operator::aggregate_changes::ChangesAggregate;
use crate::operator::aggregate_final::FinalAggregate;
use crate::operator::aggregate_held::HeldChanges;
use crate::operator::aggregate_partial::PartialAggregate;
use crate::operator::assign_windows::AssignWindows;
use crate::operator::drop_update_before::DropUpdateBefore;
use crate::operator::filter::Filter;
use crate::operator::over::OverRows;
use crate::operator::project::Project;
use crate::run::{Config, Control, Report, SchedulerReport, SinkReport, SourceReport};
use crate::runtime::chain::{Chain, Counts};
use crate::runtime::dispenser::Dispenser;
use crate::runtime::executor::{self, Failure, Part, panic_text};
use crate::runtime::inlet::{ExchangeInlet, Inlet};
use crate::runtime::letters::{self, Kept, LetterWriters};
use crate::runtime::outlet::{ExchangeOutlet, Outlet, SinkOutlet, ToSink};
use crate::runtime::pace::Pace;
use crate::runtime::ring::{Receiver, Sender, ring};
use crate::runtime::scan::ScanInlet;
use crate::runtime::sink::{self, Ending, Written};
use crate::runtime::source;
use crate::runtime::timer::Timer;

/// A run before its threads are started.
pub(crate) struct Plan<'a> {
    config: &'a Config,
    control: &'a Control,
    scans: Vec<(Arc<Scan>, Arc<Dispenser>)>,
    /// The pace that scans with a watermark keep, where something waits for the slowest.
    pace: Option<Arc<Pace>>,
    sinks: Vec<SinkThread>,
    parts: Vec<Part>,
    counts: Arc<Counts>,
    letters: LetterWriters,
    timer: Timer,
    /// Whether the end of the inputs closes the windows that are still open.
    flush: bool,
}

struct SinkThread {
    sink: Arc<dyn Sink>,
    stage: Stage,
    changes: bool,
    ring: Receiver<ToSink>,
    producers: usize,
    written: Arc<Written>,
}

/// The rings into the instances of one stage: `[instance][producer]`.
type Inputs = Vec<Vec<Receiver<Message>>>;

impl<'a> Plan<'a> {
    /// Makes the instances of every stage and the rings between them.
    ///
    /// # Errors
    /// `Unsupported` where a format or a state cannot carry a type.
    pub(crate) fn new(graph: &TaskGraph, config: &'a Config, control: &'a Control) -> Result<Self> {
        let counts = Arc::default();
        // Barriers let no scan run ahead either: until the others have sent theirs it is not heard,
        // and must not be the one they wait for.
        let paced = graph.stages.iter().any(waits_for_time) && control.checkpoints().never();
        let pace = paced.then(Arc::default);
        let mut plan = Self {
            config,
            control,
            scans: vec![],
            pace,
            sinks: vec![],
            parts: vec![],
            counts,
            letters: LetterWriters::new(graph, config.edge_bytes),
            timer: Timer::default(),
            flush: graph.scans().all(|scan| scan.flush_at_end),
        };
        let mut inputs: Vec<Inputs> = graph
            .stages
            .iter()
            .map(|stage| (0..plan.instances(stage)).map(|_| Vec::new()).collect())
            .collect();
        for (index, stage) in graph.stages.iter().enumerate() {
            let rings = std::mem::take(&mut inputs[index]);
            let fed = rings.iter().any(|rings| !rings.is_empty());
            if fed != matches!(stage.input, Input::Exchange) {
                let message =
                    format!("stage {index} and those that name it as their output differ");
                return Err(EngineError::internal(message));
            }
            let inlets = plan.inlets(stage, rings)?;
            let outlets = plan.outlets(stage, &mut inputs)?;
            for (instance, (inlet, outlet)) in inlets.into_iter().zip(outlets).enumerate() {
                let operators = plan.operators((index, stage), instance)?;
                let counts = Arc::clone(&plan.counts);
                let checkpoints = control.checkpoints().clone();
                let out = (outlet, plan.letters.outlet());
                let chain = Chain::new(index, inlet, operators, out, counts, checkpoints);
                let chain = match chain.interval() {
                    Some(interval) => chain.with_bell(plan.timer.bell(interval)),
                    None => chain,
                };
                plan.parts.push(Part { stage: index, instance, task: Box::new(chain) });
            }
        }
        Ok(plan)
    }

    fn instances(&self, stage: &Stage) -> usize {
        match stage.instances {
            Instances::Workers => self.config.workers,
            Instances::One => 1,
        }
    }

    fn inlets(&mut self, stage: &Stage, rings: Inputs) -> Result<Vec<Box<dyn Inlet>>> {
        let Input::Source(scan) = &stage.input else {
            let inlet = |rings| Box::new(ExchangeInlet::new(rings)) as Box<dyn Inlet>;
            return Ok(rings.into_iter().map(inlet).collect());
        };
        let scan = Arc::new(scan.clone());
        let dispenser = Dispenser::new(rings.len());
        let has_watermark = scan.event_time.as_ref().is_some_and(|time| time.watermark.is_some());
        let dispenser = Arc::new(match self.pace.as_ref().filter(|_| has_watermark) {
            Some(pace) => dispenser.with_pace(Arc::clone(pace)),
            None => dispenser,
        });
        let number = self.scans.len();
        self.scans.push((Arc::clone(&scan), Arc::clone(&dispenser)));
        let fields: Vec<_> = scan.columns.iter().map(|column| Arc::clone(&column.field)).collect();
        let schema = Arc::new(Schema::new(fields));
        (0..rings.len())
            .map(|instance| {
                let (scan, schema) = ((number, Arc::clone(&scan)), Arc::clone(&schema));
                let dispenser = Arc::clone(&dispenser);
                let rows = self.config.batch_rows;
                let inlet = ScanInlet::new(scan, schema, dispenser, instance, rows)?;
                Ok(Box::new(inlet) as Box<dyn Inlet>)
            })
            .collect()
    }

    fn outlets(&mut self, stage: &Stage, inputs: &mut [Inputs]) -> Result<Vec<Box<dyn Outlet>>> {
        let producers = self.instances(stage);
        let (to, distribution) = match &stage.output {
            Output::Sink { sink, changes } => return self.sink(stage, sink, *changes),
            Output::Exchange { to, distribution } => (*to, distribution),
        };
        let Some(targets) = inputs.get_mut(to) else {
            return Err(EngineError::internal(format!("stage {to} does not exist")));
        };
        if targets.is_empty() {
            return Err(EngineError::internal(format!("stage {to} does not come later")));
        }
        let owners = targets.len();
        let outlet = |instance: usize| {
            let mut connect = |target: usize| -> Sender<Message> {
                let (sender, receiver) = ring(self.config.edge_bytes);
                targets[target].push(receiver);
                sender
            };
            let rings = match distribution {
                Distribution::Hash { .. } => (0..owners).map(connect).collect(),
                Distribution::One => vec![connect(0)],
                Distribution::Forward => vec![connect(instance % owners)],
            };
            Box::new(ExchangeOutlet::new(distribution.clone(), rings)) as Box<dyn Outlet>
        };
        Ok((0..producers).map(outlet).collect())
    }

    fn sink(
        &mut self,
        stage: &Stage,
        sink: &Arc<dyn Sink>,
        changes: bool,
    ) -> Result<Vec<Box<dyn Outlet>>> {
        let producers = self.instances(stage);
        let (sender, receiver) = ring(self.config.edge_bytes.saturating_mul(producers));
        let outlets = (0..producers)
            .map(|instance| {
                let encoder = sink.encoder(&stage.schema, changes)?;
                let outlet = SinkOutlet::new(instance, encoder, sender.clone());
                Ok(Box::new(outlet) as Box<dyn Outlet>)
            })
            .collect::<Result<_>>()?;
        self.sinks.push(SinkThread {
            sink: Arc::clone(sink),
            stage: stage.clone(),
            changes,
            ring: receiver,
            producers,
            written: Arc::default(),
        });
        Ok(outlets)
    }

    fn operators(
        &self,
        (index, stage): (usize, &Stage),
        instance: usize,
    ) -> Result<Vec<Box<dyn Operator>>> {
        let mut operators = Vec::with_capacity(stage.operators.len());
        for (position, spec) in stage.operators.iter().enumerate() {
            let alone = self.config.workers == 1;
            let spec = if alone { by_rows(spec) } else { Some(spec.clone()) };
            let Some(spec) = spec else { continue };
            let mut operator = operator(&spec, self.flush)?;
            if let Some(checkpoint) = self.control.restore() {
                let instances = self.instances(stage);
                for rows in checkpoint.states((index, position), instance, instances)? {
                    operator.restore(&rows)?;
                }
            }
            operators.push(operator);
        }
        Ok(operators)
    }

    /// Runs everything to its end.
    ///
    /// # Errors
    /// The first failure of any thread.
    pub(crate) fn run(self) -> Result<Report> {
        let Self { config, control, scans, sinks, parts, counts, letters, timer, .. } = self;
        let failure = Arc::new(Failure::default());
        let dispensers: Vec<_> = scans.iter().map(|(_, dispenser)| Arc::clone(dispenser)).collect();
        let written: Vec<_> = sinks.iter().map(|sink| Arc::clone(&sink.written)).collect();
        let names: Vec<String> = sinks.iter().map(|sink| sink.sink.describe()).collect();
        let shared = Shared { config, control, dispensers: &dispensers, failure: &failure };
        let (worked, kept) = thread::scope(|scope| -> Result<_> {
            // Whatever happens below, the source threads are told to end.
            let _stop = StopOnDrop(&dispensers);
            let _timer = timer.start(scope)?;
            let fail = move |error| fail(shared.failure, shared.dispensers, error);
            let writing = letters.start(scope, fail)?;
            let worked = shared.work(scope, &scans, &written, sinks, parts);
            // The tasks are gone, and with them whoever could send a letter.
            let kept = writing.into_iter().filter_map(|thread| thread.join().ok().flatten());
            Ok((worked, kept.collect::<Vec<Kept>>()))
        })?;
        let ended = worked.and_then(|(endings, scheduler)| {
            let closed = match failure.take() {
                Some(EngineError::Closed) => true,
                Some(error) => return Err(error),
                None => false,
            };
            let sinks = names.into_iter().zip(&written);
            let abandoned = endings.iter().any(|ending| matches!(ending, Ending::Abandoned));
            let report = Report {
                counts: counts.get(),
                sources: scans.iter().map(|(scan, clocks)| source_report(scan, clocks)).collect(),
                sinks: sinks
                    .map(|(name, written)| SinkReport { name, rows: written.rows() })
                    .collect(),
                interrupted: !closed && abandoned,
                closed,
                scheduler,
                ..Report::default()
            };
            // Nothing becomes final before every row is accounted for.
            report.check()?;
            Ok((report, endings))
        });
        let complete =
            ended.as_ref().is_ok_and(|(report, _)| !report.interrupted && !report.closed);
        let letters = letters::publish(kept, complete);
        let (mut report, endings) = ended?;
        report.letters = letters?;
        commit(endings, &mut report)?;
        Ok(report)
    }
}

/// Makes what sinks have written final.
fn commit(endings: Vec<Ending>, report: &mut Report) -> Result<()> {
    for ending in endings {
        if let Ending::Complete(writer) = ending {
            match guard(|| writer.commit()) {
                Err(EngineError::Closed) => report.closed = true,
                committed => committed?,
            }
        }
    }
    Ok(())
}

/// Whether a stage keeps rows, or groups, until the watermark has passed their time.
fn waits_for_time(stage: &Stage) -> bool {
    stage.operators.iter().any(|operator| match operator {
        OperatorSpec::FinalAggregate(aggregate)
        | OperatorSpec::RowAggregate(aggregate)
        | OperatorSpec::ChangesAggregate { aggregate, .. } => aggregate.panes != Panes::Whole,
        OperatorSpec::Over(_) => true,
        _ => false,
    })
}

fn source_report(scan: &Scan, dispenser: &Dispenser) -> SourceReport {
    let partitions = dispenser.partitions();
    SourceReport {
        table: scan.table.clone(),
        rows_in: partitions.iter().map(|partition| partition.rows).sum(),
        bytes_in: partitions.iter().map(|partition| partition.bytes).sum(),
        partitions,
    }
}

/// What the threads of a run share.
#[derive(Clone, Copy)]
struct Shared<'a> {
    config: &'a Config,
    control: &'a Control,
    dispensers: &'a [Arc<Dispenser>],
    failure: &'a Arc<Failure>,
}

impl<'a> Shared<'a> {
    /// Starts sinks, then sources, and carries the tasks to their end.
    fn work<'scope>(
        self,
        scope: &'scope Scope<'scope, 'a>,
        scans: &[(Arc<Scan>, Arc<Dispenser>)],
        written: &[Arc<Written>],
        sinks: Vec<SinkThread>,
        parts: Vec<Part>,
    ) -> Result<(Vec<Ending>, SchedulerReport)> {
        let sinks = sinks.into_iter().map(|sink| self.start_sink(scope, sink));
        let sinks = sinks.collect::<Result<Vec<_>>>()?;
        self.control.attach(self.dispensers, written);
        for (index, (scan, _)) in scans.iter().enumerate() {
            self.start_source(index, scan)?;
        }
        let Config { workers, trace_events, .. } = *self.config;
        let scheduler = executor::run(parts, workers, trace_events, self.failure)?;
        let endings = sinks.into_iter().filter_map(|sink| sink.join().ok().flatten());
        Ok((endings.collect(), scheduler))
    }

    fn start_sink<'scope>(
        self,
        scope: &'scope Scope<'scope, 'a>,
        sink: SinkThread,
    ) -> Result<ScopedJoinHandle<'scope, Option<Ending>>> {
        let writer = guard(|| sink.sink.writer(&sink.stage.schema, sink.changes))?;
        let write = move || {
            let SinkThread { mut ring, producers, written, .. } = sink;
            let barrier = |generation| {
                self.control.checkpoints().finish(generation, self.dispensers);
            };
            guard(|| sink::write(writer, &mut ring, producers, &written, barrier))
                .map_err(|error| fail(self.failure, self.dispensers, error))
                .ok()
        };
        let thread = thread::Builder::new().name("sink".into());
        let cannot = |error| EngineError::external("cannot start a sink thread", error);
        thread.spawn_scoped(scope, write).map_err(cannot)
    }

    /// Starts the thread that reads scan `index`.
    ///
    /// Nobody waits for it: a run that has been stopped or has failed does not depend on when a
    /// pipe without a writer gives its next byte. The thread ends with the read it is in.
    fn start_source(&self, index: usize, scan: &Arc<Scan>) -> Result<()> {
        let (scan, dispensers) = (Arc::clone(scan), self.dispensers.to_vec());
        let (control, failure) = (self.control.clone(), Arc::clone(self.failure));
        let bytes = self.config.chunk_bytes.max(1);
        let read = move || {
            let restore = control.restore().map(|checkpoint| (checkpoint, index));
            let (dispenser, checkpoints) = (&dispensers[index], control.checkpoints());
            let read = guard(|| source::read(&scan, dispenser, bytes, checkpoints, restore));
            if let Err(error) = read {
                fail(&failure, &dispensers, error);
            }
        };
        let thread = thread::Builder::new().name("source".into()).spawn(read);
        let cannot = |error| EngineError::external("cannot start a source thread", error);
        thread.map(drop).map_err(cannot)
    }
}

/// Records a failure, and wakes instances that wait for rows; those that wait for room in the ring of
/// a sink are woken when it is dropped. Whoever runs next sees the failure.
fn fail(failure: &Failure, dispensers: &[Arc<Dispenser>], error: EngineError) {
    failure.set(error);
    dispensers.iter().for_each(|dispenser| dispenser.stop());
}

/// Ends the source threads of a run when it goes out of scope.
struct StopOnDrop<'a>(&'a [Arc<Dispenser>]);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.iter().for_each(|dispenser| dispenser.stop());
    }
}

/// Turns a panic of `work` into an error.
pub(crate) fn guard<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|panic| Err(EngineError::internal(panic_text(&*panic))))
}

/// What an operator does where one worker carries the run. There is one owner of all groups, and rows
/// go to it as they are; `None` is in the place of the operator that would have made states of them,
/// the last one of its stage.
fn by_rows(spec: &OperatorSpec) -> Option<OperatorSpec> {
    match spec {
        OperatorSpec::PartialAggregate(aggregate) if aggregate.lateness == 0 => None,
        OperatorSpec::FinalAggregate(aggregate) if aggregate.lateness == 0 => {
            Some(OperatorSpec::RowAggregate(Arc::clone(aggregate)))
        }
        other => Some(other.clone()),
    }
}

/// `flush`: the end of the inputs closes the windows that are still open.
fn operator(spec: &OperatorSpec, flush: bool) -> Result<Box<dyn Operator>> {
    let closing = |owner: FinalAggregate| if flush { owner } else { owner.unflushed() };
    Ok(match spec {
        OperatorSpec::Filter(predicate) => Box::new(Filter::new(Arc::clone(predicate))),
        OperatorSpec::Project(columns) => Box::new(Project::new(columns.clone())),
        OperatorSpec::AssignWindows { time, windows, drop_late, schema } => {
            Box::new(AssignWindows::new(*time, *windows, *drop_late, Arc::clone(schema))?)
        }
        OperatorSpec::PartialAggregate(aggregate) => {
            Box::new(PartialAggregate::new(Arc::clone(aggregate))?)
        }
        OperatorSpec::FinalAggregate(aggregate) => {
            Box::new(closing(FinalAggregate::of_states(Arc::clone(aggregate))?))
        }
        OperatorSpec::RowAggregate(aggregate) => {
            Box::new(closing(FinalAggregate::of_rows(Arc::clone(aggregate))?))
        }
        OperatorSpec::ChangesAggregate { aggregate, before, every: None } => {
            Box::new(ChangesAggregate::new(Arc::clone(aggregate), *before)?)
        }
        OperatorSpec::ChangesAggregate { aggregate, before, every: Some(every) } => {
            Box::new(HeldChanges::new(Arc::clone(aggregate), *before, *every)?)
        }
        OperatorSpec::DropUpdateBefore => Box::new(DropUpdateBefore),
        OperatorSpec::Over(over) => {
            let rows = OverRows::new(Arc::clone(over))?;
            Box::new(if flush { rows } else { rows.unflushed() })
        }
    })
}
