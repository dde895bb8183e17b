//! What holds of all policies on all machines, and what each promises by itself.

use std::collections::HashSet;

use proptest::prelude::*;
use turgo_machine::topology::Topology;

use super::*;
use crate::resources::Lane;

mod parts;

/// Loads as plain tables, frozen unless a test changes them.
#[derive(Debug, Clone)]
pub(super) struct Tables {
    pub(super) queued: Vec<u32>,
    pub(super) shared: Vec<u32>,
    pub(super) parked: Vec<bool>,
    pub(super) demand: Vec<Resources>,
    pub(super) free: Vec<Resources>,
}

impl Tables {
    pub(super) fn idle(layout: &Layout) -> Self {
        Self {
            queued: vec![0; layout.workers()],
            shared: vec![0; layout.nodes()],
            parked: vec![false; layout.workers()],
            demand: vec![Resources::NONE; layout.workers()],
            free: vec![Resources::WHOLE; layout.nodes()],
        }
    }

    /// Any loads, a third of the queues empty.
    fn random(layout: &Layout, random: &mut Random) -> Self {
        let mut tables = Self::idle(layout);
        for worker in 0..layout.workers() {
            tables.queued[worker] = random.below(9).saturating_sub(3);
            tables.parked[worker] = random.below(2) == 0;
            tables.demand[worker] = Resources::NONE.with(Lane::Cpu, random.unit() as f32);
        }
        for node in 0..layout.nodes() {
            tables.shared[node] = random.below(6).saturating_sub(2);
        }
        tables
    }
}

impl Loads for Tables {
    fn queued(&self, worker: WorkerId) -> u32 {
        self.queued[worker.0 as usize]
    }
    fn shared(&self, node: NodeIndex) -> u32 {
        self.shared[node.0 as usize]
    }
    fn parked(&self, worker: WorkerId) -> bool {
        self.parked[worker.0 as usize]
    }
    fn demand(&self, worker: WorkerId) -> Resources {
        self.demand[worker.0 as usize]
    }
    fn free(&self, node: NodeIndex) -> Resources {
        self.free[node.0 as usize]
    }
}

/// What a view borrows from.
#[derive(Debug, Clone)]
pub(super) struct Asker {
    pub(super) random: Random,
    pub(super) memory: Memory,
    pub(super) knobs: Knobs,
    pub(super) now_ns: u64,
}

impl Asker {
    pub(super) fn new(seed: u64) -> Self {
        let (random, memory) = (Random::new(seed, 0), Memory::default());
        Self { random, memory, knobs: Knobs::default(), now_ns: 1_000_000_000 }
    }

    pub(super) fn view<'a>(&'a mut self, layout: &'a Layout, loads: &'a Tables) -> View<'a> {
        let Self { random, memory, knobs, now_ns } = self;
        View { layout, now: Now::At(*now_ns), random, memory, knobs: *knobs, loads }
    }
}

pub(super) fn layout(spec: &str, workers: usize) -> Layout {
    Layout::new(&Topology::simulate(spec).expect("a machine"), workers)
}

/// All that one search names, in its order.
pub(super) fn search(
    policy: &dyn Policy,
    me: WorkerId,
    layout: &Layout,
    loads: &Tables,
    asker: &mut Asker,
) -> Vec<Source> {
    let mut named = Vec::new();
    for attempt in 0.. {
        let mut view = asker.view(layout, loads);
        let Some(source) = policy.dispatch(me, attempt, &mut view) else { break };
        policy.found(me, source, 0, &mut view);
        named.push(source);
        assert!(attempt < 100_000, "P2: a search ends");
    }
    named
}

/// The same for who goes past those that have nothing, up to the first place that has something, and what it remembers afterwards.
fn until_busy(
    policy: &dyn Policy,
    layout: &Layout,
    loads: &Tables,
    asker: &mut Asker,
    passes: bool,
) -> (Vec<Source>, u32) {
    let (me, mut attempt) = (WorkerId(0), 0);
    let mut named = Vec::new();
    loop {
        let mut view = asker.view(layout, loads);
        if passes && attempt > 0 {
            let mut tell = |workers: &[WorkerId]| {
                named.extend(workers.iter().map(|&worker| Source::Worker(worker, Amount::One)));
            };
            attempt += policy.pass(me, &mut view, &mut tell);
        }
        let Some(source) = policy.dispatch(me, attempt, &mut view) else { break };
        attempt += 1;
        let queued = match source {
            Source::Worker(worker, _) => loads.queued(worker),
            Source::Node(node) => loads.shared(node),
        };
        named.push(match source {
            Source::Worker(worker, _) => Source::Worker(worker, Amount::One),
            Source::Node(_) => source,
        });
        if queued > 0 {
            break;
        }
        policy.found(me, source, 0, &mut view);
    }
    (named, attempt)
}

/// Machines small and middling, with any number of workers.
fn machines() -> impl Strategy<Value = Layout> {
    let spec = prop_oneof![
        8 => Just(("1x2", 2)),
        8 => Just(("1x16", 16)),
        8 => Just(("2x8", 16)),
        8 => Just(("2x4x2,llc=2", 16)),
        8 => Just(("4x4,ring", 16)),
        4 => Just(("4x16,ring", 64)),
    ];
    (spec, 1..200u32).prop_map(|((spec, cpus), part)| {
        layout(spec, (cpus * part as usize / 100).clamp(1, cpus + 1))
    })
}

/// All policies, with parts as a seed has them.
fn policies() -> impl Strategy<Value = Standard> {
    let parts = (0..Victims::ALL.len(), any::<[bool; 3]>(), 0..Placement::ALL.len());
    let any = parts.prop_map(|(victims, [aware, everything, half], placement)| Standard {
        victims: Victims::ALL[victims],
        scope: if aware { Scope::Aware } else { Scope::Blind },
        reach: if everything { Reach::Everything } else { Reach::Threshold },
        amount: if half { Amount::Half } else { Amount::One },
        placement: Placement::ALL[placement],
        queueing: Queueing::ByKind,
    });
    let all = Standard::all();
    prop_oneof![any, (0..all.len()).prop_map(move |at| all[at])]
}

/// Searches twice, while loads are different each time they are looked at: a hint that misleads must not make a search miss a source.
fn looks_everywhere(layout: &Layout, policy: &Standard, seed: u64, local_attempts: u32) {
    let mut asker = Asker::new(seed);
    asker.knobs.local_attempts = local_attempts;
    let mut world = Random::new(seed, 1);
    let me = WorkerId(world.below(layout.workers() as u32));
    for _ in 0..2 {
        let (mut workers, mut nodes) = (HashSet::new(), HashSet::new());
        let mut loads = Tables::random(layout, &mut world);
        for attempt in 0.. {
            for _ in 0..1 + layout.workers() / 8 {
                let at = world.below(layout.workers() as u32) as usize;
                loads.queued[at] = world.below(9).saturating_sub(3);
            }
            let Some(source) = policy.dispatch(me, attempt, &mut asker.view(layout, &loads)) else {
                break;
            };
            match source {
                Source::Worker(worker, _) => workers.insert(worker),
                Source::Node(node) => nodes.insert(node),
            };
            policy.found(me, source, world.below(2), &mut asker.view(layout, &loads));
            let most = 3 * (layout.workers() + layout.nodes()) + 3 * 40;
            assert!((attempt as usize) < most, "P2: {} goes on and on", policy.name());
        }
        assert!(!workers.contains(&me), "{} robs itself", policy.name());
        assert_eq!(nodes.len(), layout.nodes(), "P2: {} missed a shared queue", policy.name());
        if policy.is_work_conserving() {
            assert_eq!(workers.len(), layout.workers() - 1, "P2: {} missed one", policy.name());
        }
    }
}

#[test]
fn a_large_machine_is_searched_to_the_end() {
    let layout = layout("8x128", 1024);
    for (seed, policy) in Standard::all().iter().enumerate() {
        looks_everywhere(&layout, policy, seed as u64, 4);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn passing_is_as_asking_each(
        layout in machines(),
        policy in policies(),
        seed in any::<u64>(),
        sparse in any::<bool>(),
    ) {
        let mut loads = Tables::random(&layout, &mut Random::new(seed, 1));
        if sparse {
            // At most one of all has something.
            let kept = Random::new(seed, 2).below(2 * layout.workers() as u32) as usize;
            loads.shared.fill(0);
            let queued = |worker: usize| if worker == kept { 3 } else { 0 };
            loads.queued = (0..layout.workers()).map(queued).collect();
        }
        let (mut asks, mut passes) = (Asker::new(seed), Asker::new(seed));
        // Twice: the second search begins where the first one led.
        for _ in 0..2 {
            let asked = until_busy(&policy, &layout, &loads, &mut asks, false);
            let passed = until_busy(&policy, &layout, &loads, &mut passes, true);
            prop_assert_eq!(asked, passed, "P4");
            prop_assert_eq!(asks.memory, passes.memory, "P4");
        }
    }

    #[test]
    fn a_search_ends_and_has_looked_everywhere(
        layout in machines(), policy in policies(), seed: u64, local_attempts in 0..40u32,
    ) {
        looks_everywhere(&layout, &policy, seed, local_attempts);
    }

    #[test]
    fn an_answer_follows_from_the_view(layout in machines(), policy in policies(), seed: u64) {
        let mut world = Random::new(seed, 1);
        let loads = Tables::random(&layout, &mut world);
        let me = WorkerId(world.below(layout.workers() as u32));
        let mut task = TaskView::plain(0);
        task.home = (world.below(2) == 0).then(|| NodeIndex(world.below(layout.nodes() as u32)));
        let from = (world.below(2) == 0).then_some(me);
        let answers = || {
            let mut asker = Asker::new(seed);
            let place = policy.select(&task, from, &mut asker.view(&layout, &loads));
            let order = policy.enqueue(&task, place, &mut asker.view(&layout, &loads));
            let named = search(&policy, me, &layout, &loads, &mut asker);
            (place, order, named, asker.memory, asker.random)
        };
        prop_assert_eq!(answers(), answers(), "P1");
    }

    #[test]
    fn what_is_far_is_robbed_only_if_it_is_worth_the_way(
        layout in machines(), policy in policies(), seed: u64, knob in 0..4u32,
    ) {
        prop_assume!(policy.scope == Scope::Aware);
        let mut world = Random::new(seed, 1);
        let loads = Tables::random(&layout, &mut world);
        let me = WorkerId(world.below(layout.workers() as u32));
        let mut asker = Asker::new(seed);
        asker.knobs.remote_threshold = knob;
        let home = layout.node(me);
        let mut near: HashSet<_> = layout.on_node(home).iter().copied().collect();
        near.remove(&me);
        for source in search(&policy, me, &layout, &loads, &mut asker) {
            let Source::Worker(victim, _) = source else { continue };
            near.remove(&victim);
            let distance = layout.distance(home, layout.node(victim));
            let is_worth = loads.queued(victim) * 10 >= knob * distance && loads.queued(victim) > 0;
            if layout.node(victim) != home && !is_worth {
                prop_assert_eq!(policy.reach, Reach::Everything, "N1");
                prop_assert!(near.is_empty() || policy.victims.picks(&asker.knobs) > 0, "N1");
                prop_assert!(near.is_empty(), "N1: {:?} before its node", victim);
            }
        }
    }

    #[test]
    fn one_node_is_called_that_sleeps_and_is_worth_the_way(
        layout in machines(), policy in policies(), seed: u64, knob in 0..4u32,
    ) {
        let mut world = Random::new(seed, 1);
        let loads = Tables::random(&layout, &mut world);
        let me = WorkerId(world.below(layout.workers() as u32));
        let mut asker = Asker::new(seed);
        asker.knobs.remote_threshold = knob;
        let (home, queued) = (layout.node(me), loads.queued(me));
        let called = policy.spread(me, &mut asker.view(&layout, &loads));
        let may = |node: NodeIndex| {
            let sleeps = layout.on_node(node).iter().all(|&worker| loads.parked(worker));
            let is_worth = queued > 0 && queued * 10 >= knob * layout.distance(home, node);
            node != home && sleeps && is_worth && policy.scope == Scope::Aware
        };
        let nearest = layout.nearest(home).iter().copied().find(|&node| may(node));
        prop_assert_eq!(called, nearest, "N2");
    }

    #[test]
    fn a_task_goes_to_a_place_that_is_there(layout in machines(), policy in policies(), seed: u64) {
        let mut world = Random::new(seed, 1);
        let loads = Tables::random(&layout, &mut world);
        let mut asker = Asker::new(seed);
        // Homes and workers that a task remembers may be gone.
        let mut task = TaskView::plain(0);
        task.home = Some(NodeIndex(world.below(2 * layout.nodes() as u32)));
        task.last = Some(WorkerId(world.below(2 * layout.workers() as u32)));
        let from = (world.below(2) == 0).then(|| WorkerId(world.below(layout.workers() as u32)));
        match policy.select(&task, from, &mut asker.view(&layout, &loads)) {
            Place::Here => prop_assert!(from.is_some(), "outside there is no here"),
            Place::Worker(worker) => prop_assert!((worker.0 as usize) < layout.workers()),
            Place::Node(node) => prop_assert!((node.0 as usize) < layout.nodes()),
        }
    }
}

#[test]
fn names_tell_policies_apart() {
    let names: HashSet<String> = Standard::all().iter().map(Standard::name).collect();
    assert_eq!(names.len(), Standard::all().len(), "{names:?}");
}

#[test]
fn an_adaptive_policy_follows_its_arm() {
    let layout = layout("2x4", 8);
    let loads = Tables::idle(&layout);
    let arms = Standard::all();
    let adaptive = Adaptive::new(arms.clone());
    for (arm, policy) in arms.iter().enumerate() {
        let mut asker = Asker::new(3);
        asker.memory.arm = arm as u32;
        let mut alone = asker.clone();
        let me = WorkerId(5);
        let expected = search(policy, me, &layout, &loads, &mut alone);
        assert_eq!(search(&adaptive, me, &layout, &loads, &mut asker), expected);
        assert_eq!(asker.memory.next, alone.memory.next, "it remembers as its arm does");
    }
}
