//! Policies put together from parts.
//!
//! # Invariants
//!
//! Those of [`policy`](super), and:
//!
//! - **W1** An emptier worker is never worth more than a fuller one: imbalances count with their positive part.
//! - **N1** A worker far away is robbed, while the search is choosy, only if it has [`remote_threshold`](super::Knobs::remote_threshold) tasks for each 10 of its distance.
//! - **N2** Whoever ends its search calls one worker of another node at most: of the nearest one of which all workers sleep, and only if its own queue is worth the way from there (N1).
//! - **H1** A task that names its home goes to its home's node while that has someone idle.

use super::search::Search;
use super::{
    Amount, Order, Place, Placement, Policy, Queueing, Reach, Scope, Source, TaskView, Victims,
    View,
};
use turgo_machine::mutant;

use crate::layout::{NodeIndex, WorkerId};

/// A policy from parts: each answers one question and knows nothing of the others.
///
/// ```
/// use turgo_sched::policy::{Amount, Scope, Standard, Victims};
/// let policy = Standard { amount: Amount::One, ..Standard::of(Victims::TwoChoices, Scope::Aware) };
/// assert_eq!(policy.name(), "two-choices/aware/one/home");
/// assert!(policy.is_work_conserving());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standard {
    /// Whom to rob.
    pub victims: Victims,
    /// Whether nodes matter in that.
    pub scope: Scope,
    /// When to give up.
    pub reach: Reach,
    /// How much to take.
    pub amount: Amount,
    /// Where ready tasks go.
    pub placement: Placement,
    /// Where in the queue there.
    pub queueing: Queueing,
}

impl Default for Standard {
    /// By distance, half of a queue, tasks to their home.
    fn default() -> Self {
        Self::of(Victims::Hierarchical, Scope::Aware)
    }
}

impl Standard {
    /// A policy with these victims: half of a queue at a time, tasks to their home if nodes matter.
    #[must_use]
    pub const fn of(victims: Victims, scope: Scope) -> Self {
        let placement = match scope {
            Scope::Blind => Placement::Here,
            Scope::Aware => Placement::Home,
        };
        Self {
            victims,
            scope,
            reach: Reach::Everything,
            amount: Amount::Half,
            placement,
            queueing: Queueing::ByKind,
        }
    }

    /// The baseline of older systems: tasks go to whoever has the fewest, and once in `every_ns` a worker that has nothing takes from the most loaded.
    #[must_use]
    pub const fn periodic(every_ns: u64) -> Self {
        Self {
            placement: Placement::LeastLoaded,
            ..Self::of(Victims::Periodic { every_ns }, Scope::Blind)
        }
    }

    /// Every victim policy, blind and aware of nodes; the older baselines; and the default with one part replaced at a time.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let scopes = [Scope::Blind, Scope::Aware];
        let mut all: Vec<Self> = (Victims::ALL.into_iter())
            .filter(|victims| !matches!(victims, Victims::Periodic { .. }))
            .flat_map(|victims| scopes.map(|scope| Self::of(victims, scope)))
            .collect();
        all.push(Self::periodic(100_000_000));
        all.push(Self::periodic(1_000_000));
        let default = Self::default();
        all.push(Self { amount: Amount::One, ..default });
        all.push(Self { reach: Reach::Threshold, ..default });
        let placements = [
            Placement::Here,
            Placement::HomeThenNear,
            Placement::HomeQueue,
            Placement::LeastLoaded,
        ];
        all.extend(placements.map(|placement| Self { placement, ..default }));
        all.push(Self { queueing: Queueing::Oldest, ..default });
        all
    }

    /// A name that tells the variants of [`all`](Self::all) apart, as tables print it.
    #[must_use]
    pub fn name(&self) -> String {
        let scope = match self.scope {
            Scope::Blind => "blind",
            Scope::Aware => "aware",
        };
        let amount = match self.amount {
            Amount::One => "one",
            Amount::Half => "half",
        };
        let mut name =
            format!("{}/{scope}/{amount}/{}", self.victims.name(), self.placement.name());
        if let Victims::Periodic { every_ns } = self.victims {
            name.push_str(&format!("/every={every_ns}ns"));
        }
        if self.reach == Reach::Threshold {
            name.push_str("/threshold");
        }
        match self.queueing {
            Queueing::ByKind => {}
            Queueing::Newest => name.push_str("/newest"),
            Queueing::Oldest => name.push_str("/oldest"),
        }
        name
    }

    /// Whether a search that ends has looked everywhere (P2).
    #[must_use]
    pub const fn is_work_conserving(&self) -> bool {
        matches!(self.reach, Reach::Everything) && !matches!(self.victims, Victims::Periodic { .. })
    }

    fn search(&self, me: WorkerId) -> Search {
        let Self { victims, scope, reach, amount, .. } = *self;
        Search { me, victims, scope, reach, amount }
    }
}

impl Policy for Standard {
    fn select(&self, task: &TaskView, from: Option<WorkerId>, view: &mut View<'_>) -> Place {
        self.placement.select(task, from, view)
    }

    fn enqueue(&self, task: &TaskView, _place: Place, _view: &mut View<'_>) -> Order {
        self.queueing.order(task)
    }

    fn dispatch(&self, me: WorkerId, attempt: u32, view: &mut View<'_>) -> Option<Source> {
        self.search(me).next(attempt, view)
    }

    fn spread(&self, me: WorkerId, view: &mut View<'_>) -> Option<NodeIndex> {
        if self.scope == Scope::Blind {
            return None;
        }
        let (search, queued) = (self.search(me), view.loads.queued(me));
        let is_worth = |node: &&NodeIndex| queued >= search.threshold(**node, view);
        let sleeps = |node: &&NodeIndex| {
            let mut workers = view.layout.on_node(**node).iter();
            workers.all(|&worker| view.loads.parked(worker))
                || mutant!("N2 whoever is near is called")
        };
        let others = &view.layout.nearest(view.layout.node(me))[1..];
        others.iter().take_while(is_worth).find(sleeps).copied()
    }

    fn moves_plain(&self) -> bool {
        self.placement == Placement::LeastLoaded || self.queueing == Queueing::Oldest
    }

    fn found(&self, me: WorkerId, source: Source, tasks: u32, view: &mut View<'_>) {
        view.memory.remember(source, tasks);
        self.search(me).gone(view.memory);
    }

    fn pass(&self, me: WorkerId, view: &mut View<'_>, passed: &mut dyn FnMut(&[WorkerId])) -> u32 {
        self.search(me).pass(view, passed)
    }
}

/// Several policies of which a worker follows the one that its [memory](super::Memory::arm) names: whoever writes there chooses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adaptive {
    arms: Vec<Standard>,
}

impl Adaptive {
    /// A choice of these.
    ///
    /// # Panics
    ///
    /// If there are none.
    #[must_use]
    pub fn new(arms: Vec<Standard>) -> Self {
        assert!(!arms.is_empty(), "there is something to choose from");
        Self { arms }
    }

    /// The policies, in the order of the arms' numbers.
    #[must_use]
    pub fn arms(&self) -> &[Standard] {
        &self.arms
    }

    fn arm(&self, view: &View<'_>) -> &Standard {
        &self.arms[view.memory.arm as usize % self.arms.len()]
    }
}

impl Policy for Adaptive {
    fn select(&self, task: &TaskView, from: Option<WorkerId>, view: &mut View<'_>) -> Place {
        self.arm(view).select(task, from, view)
    }

    fn enqueue(&self, task: &TaskView, place: Place, view: &mut View<'_>) -> Order {
        self.arm(view).enqueue(task, place, view)
    }

    fn dispatch(&self, me: WorkerId, attempt: u32, view: &mut View<'_>) -> Option<Source> {
        self.arm(view).dispatch(me, attempt, view)
    }

    fn moves_plain(&self) -> bool {
        self.arms.iter().any(Policy::moves_plain)
    }

    fn spread(&self, me: WorkerId, view: &mut View<'_>) -> Option<NodeIndex> {
        self.arm(view).spread(me, view)
    }

    fn found(&self, me: WorkerId, source: Source, tasks: u32, view: &mut View<'_>) {
        self.arm(view).found(me, source, tasks, view);
    }

    fn pass(&self, me: WorkerId, view: &mut View<'_>, passed: &mut dyn FnMut(&[WorkerId])) -> u32 {
        self.arm(view).pass(me, view, passed)
    }
}
