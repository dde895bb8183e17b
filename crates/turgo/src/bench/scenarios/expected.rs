//! What the scenarios answer, from the published rules of their rows: plain loops, row by row.
//!
//! Row `i` is what `i` says; nothing in here reads a table or asks the engine. An answer is its number
//! of rows and the sum of each column, of texts that of their bytes; of a changelog, the number of its
//! changes and the sums of what they leave in the end.

use std::collections::VecDeque;

use crate::bench::answer::{Answer, Number};

/// Which rows of windows are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::bench) enum Shown {
    /// Those of all windows, when they are complete or the input ends.
    AtEnd,
    /// Those of complete windows only.
    Complete,
    /// The row of a group, with every row that changes it. Behind its old version, where there is
    /// one: windows are not among the columns, so that a row does not say which one it replaces.
    EveryRow,
}

fn int(value: u64) -> Number {
    Number::Int(i128::from(value))
}

/// The bytes of `prefix` and a number.
fn name(prefix: &str, number: u64) -> Number {
    int((prefix.len() + number.to_string().len()) as u64)
}

/// Scenario 0.
pub(super) fn filter(rows: u64) -> Answer {
    let mut answer = Answer::default();
    for i in 0..rows {
        let amount = 150.0 + (i % 100) as f64;
        if amount > 100.0 {
            let date = int("2024-01-15".len() as u64);
            answer.add(1, [int(i), int(i % 1000), date, Number::Float(amount)]);
        }
    }
    answer
}

/// Scenario 1: the mean of a row and the 99 before it of its symbol.
pub(super) fn moving(rows: u64) -> Answer {
    let mut answer = Answer::default();
    let mut buffers: Vec<VecDeque<f64>> = vec![VecDeque::new(); 10];
    for i in 0..rows {
        let (symbol, price) = (i % 10, 100.0 + (i % 50) as f64);
        let buffer = &mut buffers[symbol as usize];
        buffer.push_back(price);
        if buffer.len() > 100 {
            buffer.pop_front();
        }
        let mean = buffer.iter().sum::<f64>() / buffer.len() as f64;
        answer.add(1, [name("SYM", symbol), Number::Float(price), Number::Float(mean)]);
    }
    answer
}

/// A group of scenario 2.
#[derive(Debug, Clone, Copy)]
struct Symbol {
    count: u64,
    prices: f64,
    low: f64,
    high: f64,
    quantity: u64,
}

impl Symbol {
    fn show(&self, symbol: usize, answer: &mut Answer) {
        let mean = self.prices / self.count as f64;
        let prices = [mean, self.low, self.high].map(Number::Float);
        let quantity = int(self.quantity);
        let [mean, low, high] = prices;
        answer.add(1, [name("SYM", symbol as u64), int(self.count), mean, low, high, quantity]);
    }
}

/// Scenario 2; `every`: a group is shown with every row, in place of what was shown of it before.
pub(in crate::bench) fn groups(rows: u64, every: bool) -> Answer {
    let none =
        Symbol { count: 0, prices: 0.0, low: f64::INFINITY, high: f64::NEG_INFINITY, quantity: 0 };
    let (mut answer, mut symbols) = (Answer::default(), vec![none; 200]);
    for i in 0..rows {
        let price = 100.0 + (i % 100) as f64;
        let number = (i % 200) as usize;
        let symbol = &mut symbols[number];
        symbol.count += 1;
        symbol.prices += price;
        symbol.low = symbol.low.min(price);
        symbol.high = symbol.high.max(price);
        symbol.quantity += i % 1000;
    }
    let there = symbols.iter().enumerate().filter(|(_, symbol)| symbol.count > 0);
    there.for_each(|(number, symbol)| symbol.show(number, &mut answer));
    if every {
        answer.rows = rows;
    }
    answer
}

/// A group of scenario 3, within a window.
#[derive(Debug, Clone, Copy, Default)]
struct Pair {
    count: u64,
    prices: f64,
    quantity: u64,
    value: f64,
}

impl Pair {
    fn show(&self, pair: u64, answer: &mut Answer) {
        let mean = Number::Float(self.prices / self.count as f64);
        let names = [name("T", pair % 50), name("SYM", pair)];
        let sums = [int(self.count), mean, int(self.quantity), Number::Float(self.value)];
        answer.add(1, names.into_iter().chain(sums));
    }
}

/// Scenarios 3a and 3b, with rows `step` milliseconds apart.
///
/// Rows come in the order of time: a window is complete with the first row behind it, and the last one
/// never is.
pub(in crate::bench) fn windows(rows: u64, step: u64, shown: Shown) -> Answer {
    let mut answer = Answer::default();
    let mut pairs = [Pair::default(); 100];
    let (mut minute, mut changes) = (0, 0);
    let close = |pairs: &mut [Pair; 100], answer: &mut Answer| {
        let there = pairs.iter().enumerate().filter(|(_, pair)| pair.count > 0);
        there.for_each(|(number, pair)| pair.show(number as u64, answer));
        *pairs = [Pair::default(); 100];
    };
    for i in 0..rows {
        let time = 1_000_000 + i * step;
        if time / 60_000 != minute {
            close(&mut pairs, &mut answer);
            minute = time / 60_000;
        }
        let (price, quantity) = (100.0 + (i % 50) as f64, i % 1000);
        let pair = &mut pairs[(i % 100) as usize];
        changes += if pair.count > 0 { 2 } else { 1 };
        pair.count += 1;
        pair.prices += price;
        pair.quantity += quantity;
        pair.value += price * quantity as f64;
    }
    if shown != Shown::Complete {
        close(&mut pairs, &mut answer);
    }
    if shown == Shown::EveryRow {
        answer.rows = changes;
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The figures others have published or worked out for 20,000 rows.
    #[test]
    fn the_loops_know_the_published_counts() {
        assert_eq!(filter(20_000).rows, 20_000);
        assert_eq!(filter(20_000).sums[0], int(199_990_000));
        assert_eq!(windows(20_000, 1000, Shown::Complete).rows, 19_940);
        let all = windows(20_000, 1000, Shown::AtEnd);
        assert_eq!((all.rows, all.sums[4]), (20_000, int(9_990_000)));
        assert_eq!(all.sums[5], Number::Float(1_247_920_000.0));
        // 16:40 to 17:00 holds 20,000 rows of a millisecond.
        assert_eq!(windows(20_001, 1, Shown::AtEnd).rows, 101);
        assert_eq!(windows(20_000, 1, Shown::Complete).rows, 0);
        assert_eq!(windows(20_001, 1, Shown::Complete).rows, 100);
        assert_eq!(windows(20_000, 1000, Shown::EveryRow).rows, 20_000);
        assert_eq!(windows(20_000, 1, Shown::EveryRow).rows, 39_900);
        let once = groups(20_000, false);
        assert_eq!((once.rows, once.sums[2]), (200, Number::Float(29_900.0)));
        assert_eq!(groups(20_000, true).rows, 20_000);
        let means = moving(10_000).sums[2];
        let Number::Float(means) = means else { panic!("{means:?}") };
        // Behind the first hundred rows of a symbol, the mean of symbol s is 120 + s.
        let first = moving(1_000).sums[2];
        let Number::Float(first) = first else { panic!("{first:?}") };
        assert!((means - first - 9_000.0 * 124.5).abs() < 1e-3, "{means} {first}");
    }
}
