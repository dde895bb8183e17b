//! The rows and the groups of the ablation.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use crate::bench::answer::{Answer, Number};
use crate::bench::scenarios::expected::{self, Shown};

/// Rows of a batch: as many as in the engine.
const BATCH_ROWS: u64 = 16 << 10;

/// A row, its key numbered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    /// Its group: the minute above, the number of the key below.
    group: u64,
    price: f64,
    quantity: u64,
}

/// Whose rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Data {
    /// Scenario 3a: groups of one row.
    Windows,
    /// Scenario 2, answered once: 200 groups.
    Groups,
}

impl Data {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Windows => "3a",
            Self::Groups => "2 once",
        }
    }

    fn row(self, i: u64) -> Row {
        let (group, price) = match self {
            Self::Windows => ((((1_000_000 + i * 1000) / 60_000) << 8) | (i % 100), 100 + i % 50),
            Self::Groups => (i % 200, 100 + i % 100),
        };
        Row { group, price: price as f64, quantity: i % 1000 }
    }

    pub(super) fn batches(self, rows: u64) -> Vec<Vec<Row>> {
        let starts = (0..rows).step_by(BATCH_ROWS as usize);
        let batch = |start: u64| (start..rows.min(start + BATCH_ROWS)).map(|i| self.row(i));
        starts.map(|start| batch(start).collect()).collect()
    }

    /// What [`Groups::answer`] is to be, from the loops of the scenarios.
    pub(super) fn answer(self, rows: u64) -> Answer {
        let (all, columns) = match self {
            // Count, mean, quantity behind trader and symbol.
            Self::Windows => (expected::windows(rows, 1000, Shown::AtEnd), [2, 3, 4]),
            // Count, mean, quantity; lowest and highest price are not asked for.
            Self::Groups => (expected::groups(rows, false), [1, 2, 5]),
        };
        Answer { rows: all.rows, sums: columns.map(|column| all.sums[column]).to_vec() }
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Group {
    count: u64,
    prices: f64,
    quantity: u64,
}

/// Multiplies: keys are numbers already, and every strategy pays the same for finding its group.
#[derive(Debug, Default)]
struct NumberHasher(u64);

impl Hasher for NumberHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _bytes: &[u8]) {
        unreachable!("keys are u64");
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(26);
    }
}

/// What is known of each group.
#[derive(Debug, Default)]
pub(super) struct Groups(HashMap<u64, Group, BuildHasherDefault<NumberHasher>>);

impl Groups {
    pub(super) fn add(&mut self, row: &Row) {
        let group = self.0.entry(row.group).or_default();
        group.count += 1;
        group.prices += row.price;
        group.quantity += row.quantity;
    }

    /// Takes in what another worker knows.
    pub(super) fn merge(&mut self, other: Self) {
        if self.0.is_empty() {
            *self = other;
            return;
        }
        for (key, other) in other.0 {
            let group = self.0.entry(key).or_default();
            group.count += other.count;
            group.prices += other.prices;
            group.quantity += other.quantity;
        }
    }

    /// Count, mean price and quantity, summed over all groups.
    pub(super) fn answer(&self) -> Answer {
        let mut answer = Answer::default();
        for group in self.0.values() {
            let mean = Number::Float(group.prices / group.count as f64);
            let [count, quantity] =
                [group.count, group.quantity].map(|n| Number::Int(i128::from(n)));
            answer.add(1, [count, mean, quantity]);
        }
        answer
    }
}
