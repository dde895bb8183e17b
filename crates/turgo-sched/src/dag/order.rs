//! An order of tasks that stays right while edges are added, and finds the cycle that one would close.
//!
//! After Pearce and Kelly, "A Dynamic Topological Sort Algorithm for Directed Acyclic Graphs" (JEA 2006): an edge that agrees with the order
//! costs a comparison; one that does not costs a search among the tasks between its ends, which are put right. For graphs to which few edges
//! are added that search is short. What it is not: fast for dense graphs that are built edge by edge; those are sealed at once.
//!
//! # Invariants
//!
//! - **O1** Every edge leads from a lower rank to a higher one, and no two tasks have the same rank.
//! - **O2** An edge is refused exactly if there is a path back, and then nothing has changed.

use std::collections::HashMap;

use turgo_machine::mutant;

/// Calls back with every neighbour of a task.
pub(super) type Neighbours<'a> = &'a dyn Fn(u32, &mut dyn FnMut(u32));

/// The rank of each task.
#[derive(Debug, Clone)]
pub(super) struct Order {
    rank: Vec<u32>,
}

impl Order {
    /// Ranks as in `order`, which names every task once.
    pub(super) fn new(order: &[u32]) -> Self {
        let mut rank = vec![0; order.len()];
        for (position, &task) in order.iter().enumerate() {
            rank[task as usize] = crate::layout::small(position);
        }
        Self { rank }
    }

    /// Puts a new task after all others, and returns its number.
    pub(super) fn push(&mut self) -> u32 {
        let task = crate::layout::small(self.rank.len());
        self.rank.push(task);
        task
    }

    /// The tasks by rank.
    pub(super) fn sorted(&self) -> Vec<u32> {
        let mut order = vec![0; self.rank.len()];
        for (task, &rank) in self.rank.iter().enumerate() {
            order[rank as usize] = crate::layout::small(task);
        }
        order
    }

    #[cfg(test)]
    pub(super) fn rank(&self, task: u32) -> u32 {
        self.rank[task as usize]
    }

    /// Makes room for an edge. `after` and `before` list the neighbours of a task, without the new edge.
    ///
    /// # Errors
    ///
    /// The path from `to` back to `from` that the edge would close (O2).
    pub(super) fn insert(
        &mut self,
        from: u32,
        to: u32,
        after: Neighbours<'_>,
        before: Neighbours<'_>,
    ) -> Result<(), Vec<u32>> {
        if from == to {
            return Err(vec![from]);
        }
        let (low, high) = (self.rank[to as usize], self.rank[from as usize]);
        if high < low {
            return Ok(());
        }
        let behind = self.reach(to, after, |rank| rank <= high);
        if behind.contains_key(&from) && !mutant!("O2 a path back is overlooked") {
            return Err(path(&behind, from));
        }
        let ahead = self.reach(from, before, |rank| rank >= low);
        if mutant!("O1 ranks stay") {
            return Ok(());
        }
        // All that lead to `from` come first, then all that `to` leads to; both in the order they had, and in the ranks they had together.
        let mut tasks: Vec<u32> = ahead.into_keys().collect();
        tasks.sort_unstable_by_key(|&task| self.rank[task as usize]);
        let mut others: Vec<u32> = behind.into_keys().collect();
        others.sort_unstable_by_key(|&task| self.rank[task as usize]);
        tasks.append(&mut others);
        let mut ranks: Vec<u32> = tasks.iter().map(|&task| self.rank[task as usize]).collect();
        ranks.sort_unstable();
        for (task, rank) in tasks.into_iter().zip(ranks) {
            self.rank[task as usize] = rank;
        }
        Ok(())
    }

    /// All that are reached from `start` over tasks whose rank is within bounds, each with the one it was reached from.
    fn reach(
        &self,
        start: u32,
        neighbours: Neighbours<'_>,
        within: impl Fn(u32) -> bool,
    ) -> HashMap<u32, u32> {
        let mut from = HashMap::from([(start, start)]);
        let mut open = vec![start];
        while let Some(task) = open.pop() {
            neighbours(task, &mut |next| {
                if within(self.rank[next as usize]) && !from.contains_key(&next) {
                    from.insert(next, task);
                    open.push(next);
                }
            });
        }
        from
    }
}

/// The way by which `end` was reached, from its start.
fn path(from: &HashMap<u32, u32>, end: u32) -> Vec<u32> {
    let mut path = vec![end];
    let mut task = end;
    while from[&task] != task {
        task = from[&task];
        path.push(task);
    }
    path.reverse();
    path
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Whether `to` leads to `from`, by looking everywhere.
    fn leads(edges: &[(u32, u32)], start: u32, end: u32) -> bool {
        let mut seen = vec![start];
        let mut at = 0;
        while at < seen.len() {
            for &(from, to) in edges {
                if from == seen[at] && !seen.contains(&to) {
                    seen.push(to);
                }
            }
            at += 1;
        }
        seen.contains(&end)
    }

    proptest! {
        #[test]
        fn edges_are_refused_exactly_where_they_close_a_cycle(
            tries in prop::collection::vec((0u32..12, 0u32..12), 0..60),
        ) {
            let mut order = Order::new(&(0..12).collect::<Vec<u32>>());
            let mut edges: Vec<(u32, u32)> = Vec::new();
            for (from, to) in tries {
                let after = |task: u32, visit: &mut dyn FnMut(u32)| {
                    edges.iter().filter(|edge| edge.0 == task).for_each(|edge| visit(edge.1));
                };
                let before = |task: u32, visit: &mut dyn FnMut(u32)| {
                    edges.iter().filter(|edge| edge.1 == task).for_each(|edge| visit(edge.0));
                };
                let answer = order.insert(from, to, &after, &before);
                let closes = leads(&edges, to, from);
                prop_assert_eq!(answer.is_err(), closes, "O2");
                match answer {
                    Ok(()) => edges.push((from, to)),
                    Err(path) => {
                        prop_assert_eq!((path[0], path[path.len() - 1]), (to, from));
                        for pair in path.windows(2) {
                            prop_assert!(edges.contains(&(pair[0], pair[1])), "O2: {:?}", path);
                        }
                    }
                }
                for &(from, to) in &edges {
                    prop_assert!(order.rank(from) < order.rank(to), "O1: {} -> {}", from, to);
                }
                let mut ranks: Vec<u32> = (0..12).map(|task| order.rank(task)).collect();
                ranks.sort_unstable();
                prop_assert_eq!(ranks, (0..12).collect::<Vec<u32>>(), "O1");
            }
        }
    }
}
