//! What a pool asks its policy, and what it makes of the answers.
//!
//! Closures and forks are not asked about: they say nothing about themselves, and whoever waits for them relies on their lying in its own deque (K4). Nodes of graphs and
//! long-lived tasks go where the policy says; where [no answer is open](Policy::moves_plain) for those that say nothing, they are pushed without a question.
//! Where tenants share the pool, all places of a node are one, and it is their turns that say what comes next.
//!
//! # Invariants
//!
//! - **P4** Each task for which a place is asked is queued once, at that place, or if it is not there at the node of whoever asked.

use turgo_lockfree::deque::{Injector, Stealer};
use turgo_machine::mutant;

use crate::layout::{NodeIndex, WorkerId};
use crate::policy::{Loads, Memory, Now, Order, Place, Policy, TaskView, View};
use crate::random::Random;
use crate::resources::{Lane, Resources};
use crate::sleep::Pushed;

use super::class::Class;
use super::rota::Rota;
use super::shared::Shared;
use super::worker::{Mind, Worker};

impl Shared {
    /// Asks the policy on behalf of a worker. The policy must not be asked again within `f`.
    pub(super) fn ask<R>(
        &self,
        worker: &Worker,
        f: impl FnOnce(&dyn Policy, &mut View<'_>) -> R,
    ) -> R {
        let mut mind = worker.mind.borrow_mut();
        let Mind { random, memory, .. } = &mut *mind;
        self.ask_with(random, memory, f)
    }

    fn ask_with<R>(
        &self,
        random: &mut Random,
        memory: &mut Memory,
        f: impl FnOnce(&dyn Policy, &mut View<'_>) -> R,
    ) -> R {
        let (layout, now, knobs) = (&self.layout, Now::Shown(&self.clock), self.knobs());
        let loads: &dyn Loads = self;
        f(&*self.policy, &mut View { layout, now, random, memory, knobs, loads })
    }

    /// Where a task goes that is ready, and where in the queue there; `worker` is the calling thread's, if it is one of this pool.
    pub(crate) fn select(&self, task: &TaskView, worker: Option<&Worker>) -> (Place, Order) {
        let decide = |policy: &dyn Policy, view: &mut View<'_>| {
            let place = policy.select(task, worker.map(|worker| worker.id), view);
            (place, policy.enqueue(task, place, view))
        };
        match worker {
            Some(worker) => self.ask(worker, decide),
            None => {
                // Each task has its own stream and its own turn: nothing is shared by threads that push from outside.
                let mut random = Random::new(self.seed, u64::from(task.id) | 1 << 32);
                let mut memory = Memory { next: task.id, ..Memory::default() };
                self.ask_with(&mut random, &mut memory, decide)
            }
        }
    }

    /// Queues a long-lived task where the policy says. It takes turns with others even where the newest is to come first: a frame that waits for
    /// something else must not run it as if it were its own (F2).
    pub(crate) fn queue_task(&self, task: &TaskView, worker: Option<&Worker>) {
        let (place, order) = self.select(task, worker);
        let order = if order == Order::Newest { Order::Oldest } else { order };
        self.put(task, place, order, worker);
    }

    /// Queues a task at a place (P4).
    pub(crate) fn put(&self, task: &TaskView, place: Place, order: Order, worker: Option<&Worker>) {
        let (class, place) = (Class::from(task.priority), self.known(place, worker));
        if order as u8 >= self.for_all_from {
            return self.put_for_all(task, place, order, worker);
        }
        match (place, worker) {
            (Place::Here, Some(worker)) if order == Order::Newest && class == Class::Normal => {
                worker.push(task.id);
            }
            (Place::Here, Some(worker)) => worker.push_turn(class, task.id),
            (Place::Worker(to), _) => self.send(to, class, task.id),
            (Place::Node(node), _) => self.inject(node, class, task.id),
            (Place::Here, None) => unreachable!("P4: outside there is no here"),
        }
    }

    /// Queues a task by its deadline, or in turn with those of other tenants: all places of a node are one.
    fn put_for_all(&self, task: &TaskView, place: Place, order: Order, worker: Option<&Worker>) {
        let (node, pushed) = match place {
            Place::Here => (worker.map_or(NodeIndex(0), |worker| worker.node), Pushed::Within),
            Place::Worker(to) => (self.layout.node(to), Pushed::Outside),
            Place::Node(node) => (node, Pushed::Outside),
        };
        let (class, there) = (Class::from(task.priority), self.node(node));
        match &there.rota {
            Some(rota) if order != Order::Deadline => rota.push(class, task.tenant, task.id),
            _ => there.due.push(class, task.deadline_ns, task.id, task.tenant),
        }
        match place {
            Place::Worker(to) => self.rouse(to),
            _ => self.sleep.notify(node, pushed),
        }
    }

    /// The place, if it is there; who asks for a place of its own means here.
    fn known(&self, place: Place, worker: Option<&Worker>) -> Place {
        let nearest = Place::Node(worker.map_or(NodeIndex(0), |worker| worker.node));
        match place {
            Place::Worker(to) if worker.is_some_and(|worker| worker.id == to) => Place::Here,
            place if mutant!("P4 a place that is not there is taken") => place,
            Place::Worker(to) if to.0 as usize >= self.seats.len() => nearest,
            Place::Node(node) if node.0 as usize >= self.nodes.len() => nearest,
            Place::Here if worker.is_none() => nearest,
            place => place,
        }
    }
}

/// A task of which the policy was told that it runs.
#[derive(Debug)]
pub(crate) struct Watched {
    task: TaskView,
    start_ns: u64,
}

impl Worker {
    /// A task begins: tells the policy, if that [wants to know](Policy::watches). What is answered goes to [`stops`](Self::stops).
    #[inline(always)]
    pub(crate) fn begins(&self, task: impl FnOnce() -> TaskView) -> Option<Box<Watched>> {
        if self.shared.is_watching { Some(self.begins_watched(task())) } else { None }
    }

    #[cold]
    fn begins_watched(&self, task: TaskView) -> Box<Watched> {
        let start_ns = self.now_ns();
        self.shared.ask(self, |policy, view| policy.running(&task, self.id, view));
        Box::new(Watched { task, start_ns })
    }

    /// The task has stopped.
    #[inline(always)]
    pub(crate) fn stops(&self, watched: Option<Box<Watched>>) {
        if let Some(watched) = watched {
            self.stops_watched(&watched);
        }
    }

    #[cold]
    fn stops_watched(&self, Watched { task, start_ns }: &Watched) {
        let ran_ns = self.now_ns().saturating_sub(*start_ns);
        self.shared.ask(self, |policy, view| policy.stopping(task, self.id, ran_ns, view));
    }
}

impl Loads for Shared {
    fn queued(&self, worker: WorkerId) -> u32 {
        let seat = self.seat(worker);
        let turns: usize = seat.turns.iter().map(Stealer::len).sum();
        let inbox: usize = seat.inbox.iter().map(Injector::len).sum();
        u32::try_from(seat.deque.len() + turns + inbox).unwrap_or(u32::MAX)
    }

    fn shared(&self, node: NodeIndex) -> u32 {
        let node = self.node(node);
        let in_turn = node.rota.as_ref().map_or(0, Rota::len);
        let queued = node.inbox.iter().map(Injector::len).sum::<usize>() + node.due.len() + in_turn;
        u32::try_from(queued).unwrap_or(u32::MAX)
    }

    fn parked(&self, worker: WorkerId) -> bool {
        self.sleep.is_asleep(worker)
    }

    /// A processor for each task that is queued and for what runs now; what tasks take beyond that is counted for their node.
    fn demand(&self, worker: WorkerId) -> Resources {
        let tasks = self.queued(worker) + u32::from(!self.parked(worker));
        Resources::NONE.with(Lane::Cpu, self.processor(self.layout.node(worker)) * tasks as f32)
    }

    /// What tasks have not taken, and of the processors no more than those of workers that sleep.
    fn free(&self, node: NodeIndex) -> Resources {
        let asleep = self.layout.on_node(node).iter().filter(|&&worker| self.parked(worker));
        let idle = self.processor(node) * asleep.count() as f32;
        let free = self.node(node).claims.capacity().free();
        free.with(Lane::Cpu, free.get(Lane::Cpu).min(idle))
    }
}

impl Shared {
    /// A worker's share of its node's processors.
    fn processor(&self, node: NodeIndex) -> f32 {
        1.0 / self.layout.on_node(node).len().max(1) as f32
    }
}
