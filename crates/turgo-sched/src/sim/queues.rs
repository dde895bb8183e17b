//! The queues of simulated workers and nodes.

use std::collections::{BTreeSet, VecDeque};

use crate::policy::{Order, Priority};

/// Turns after which the normal class comes first, and the background class in a certain one of as many, as in the pool.
const NORMAL_EVERY: u32 = 16;
const BACKGROUND_EVERY: u32 = 64;
const BACKGROUND_TURN: u32 = 4;

/// Tasks of one class.
#[derive(Debug, Default)]
struct Class {
    /// By deadline, then in turn.
    due: BTreeSet<(u64, u64, u32)>,
    /// The owner's end is the back.
    ring: VecDeque<u32>,
}

impl Class {
    fn len(&self) -> usize {
        self.due.len() + self.ring.len()
    }

    fn newest(&mut self) -> Option<u32> {
        self.due.pop_first().map(|(.., task)| task).or_else(|| self.ring.pop_back())
    }

    fn oldest(&mut self) -> Option<u32> {
        self.due.pop_first().map(|(.., task)| task).or_else(|| self.ring.pop_front())
    }
}

/// A queue: classes of urgency, each with those that have deadlines before the others.
#[derive(Debug, Default)]
pub(super) struct Queue {
    classes: [Class; 3],
    len: u32,
    turn: u32,
    pushed: u64,
}

impl Queue {
    pub(super) fn push(&mut self, task: u32, priority: Priority, deadline_ns: u64, order: Order) {
        let class = &mut self.classes[priority as usize];
        self.pushed += 1;
        self.len += 1;
        match order {
            Order::Newest => class.ring.push_back(task),
            // The end that is taken from last by the owner, and first by thieves.
            Order::Oldest => class.ring.push_front(task),
            Order::Deadline => {
                class.due.insert((deadline_ns, self.pushed, task));
            }
        }
    }

    /// The owner's next: by class, with turns for the lower ones.
    pub(super) fn pop(&mut self) -> Option<u32> {
        self.take(Class::newest)
    }

    /// The oldest: what a thief takes, or the next of a shared queue.
    pub(super) fn pop_oldest(&mut self) -> Option<u32> {
        self.take(Class::oldest)
    }

    fn take(&mut self, from: fn(&mut Class) -> Option<u32>) -> Option<u32> {
        if self.len == 0 {
            return None;
        }
        self.turn = self.turn.wrapping_add(1);
        let first = if self.turn % BACKGROUND_EVERY == BACKGROUND_TURN {
            Priority::Background
        } else if self.turn.is_multiple_of(NORMAL_EVERY) {
            Priority::Normal
        } else {
            Priority::High
        };
        let order = [first, Priority::High, Priority::Normal, Priority::Background];
        let class = order.into_iter().find(|&class| self.classes[class as usize].len() > 0)?;
        self.len -= 1;
        from(&mut self.classes[class as usize])
    }
}
