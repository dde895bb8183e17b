//! The right answers over bids, worked out row by row in plain maps.
//!
//! The rows are those a query reads, decoded as they are for it; everything behind that is ours alone:
//! no operator, window or aggregate of the engine has a part in it.

use std::collections::HashMap;

use arrow::array::{Array, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{Int64Type, TimestampMillisecondType};
use turgo_engine::{EngineError, Result};

use crate::bench::answer::Number;
use crate::bench::args::Query;

/// What the queries look at of a bid.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bid {
    auction: i64,
    bidder: i64,
    price: i64,
    /// Milliseconds since 1970.
    time: i64,
    /// Characters of channel, URL and padding.
    letters: [usize; 3],
}

/// The bids of a batch of all columns.
#[derive(Debug)]
pub(super) struct Bids<'a> {
    numbers: [&'a Int64Array; 3],
    times: &'a [i64],
    texts: [&'a StringArray; 3],
}

impl<'a> Bids<'a> {
    /// # Errors
    /// Where a value is missing: other engines would not agree on what follows from that.
    pub(super) fn of(batch: &'a RecordBatch) -> Result<Self> {
        if let Some(at) = batch.columns().iter().position(|column| column.null_count() > 0) {
            let schema = batch.schema();
            let name = schema.field(at).name();
            return Err(EngineError::Unsupported(format!("a bid without `{name}` is no bid")));
        }
        let number = |at: usize| batch.column(at).as_primitive::<Int64Type>();
        let text = |at: usize| batch.column(at).as_string::<i32>();
        Ok(Self {
            numbers: [0, 1, 2].map(number),
            times: batch.column(5).as_primitive::<TimestampMillisecondType>().values(),
            texts: [3, 4, 6].map(text),
        })
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Bid> + '_ {
        self.times.iter().enumerate().map(|(row, time)| {
            let [auction, bidder, price] = self.numbers.map(|column| column.value(row));
            let letters = self.texts.map(|column| column.value(row).chars().count());
            Bid { auction, bidder, price, time: *time, letters }
        })
    }
}

/// Works out one answer, bid by bid.
pub(super) trait Expected {
    fn bid(&mut self, bid: &Bid);

    /// The one row of the answer.
    fn row(&self) -> Vec<Number>;
}

/// The answer of `query` over no bids yet.
pub(super) fn of(query: Query) -> Box<dyn Expected> {
    match query {
        Query::Q0 => Box::new(Sums::default()),
        Query::Q1 => Box::new(Euros::default()),
        Query::Q2 => Box::new(Some123::default()),
        Query::Q5 => Box::new(Hottest(Panes::new(2))),
        Query::Q7 => Box::new(Highest::default()),
        Query::Q11 => Box::new(Sessions::default()),
        Query::Tumble => Box::new(Panes::new(10)),
        Query::Hop => Box::new(Panes::new(2)),
    }
}

const SECOND: i64 = 1000;
const WINDOW: i64 = 10 * SECOND;

fn int(value: impl Into<i128>) -> Number {
    Number::Int(value.into())
}

/// q0: the sum of every column.
#[derive(Default)]
struct Sums {
    count: i64,
    numbers: [i128; 3],
    letters: [i128; 3],
}

impl Expected for Sums {
    fn bid(&mut self, bid: &Bid) {
        self.count += 1;
        for (sum, value) in self.numbers.iter_mut().zip([bid.auction, bid.bidder, bid.price]) {
            *sum += i128::from(value);
        }
        for (sum, value) in self.letters.iter_mut().zip(bid.letters) {
            *sum += value as i128;
        }
    }

    fn row(&self) -> Vec<Number> {
        let (count, sums) = (int(self.count), self.numbers.iter().chain(&self.letters));
        [count].into_iter().chain(sums.map(|sum| int(*sum))).chain([count]).collect()
    }
}

/// q1.
#[derive(Default)]
struct Euros {
    count: i64,
    auctions: i128,
    euros: f64,
}

impl Expected for Euros {
    fn bid(&mut self, bid: &Bid) {
        self.count += 1;
        self.auctions += i128::from(bid.auction);
        self.euros += 0.908 * bid.price as f64;
    }

    fn row(&self) -> Vec<Number> {
        vec![int(self.count), int(self.auctions), Number::Float(self.euros)]
    }
}

/// q2.
#[derive(Default)]
struct Some123 {
    count: i64,
    auctions: i128,
    prices: i128,
}

impl Expected for Some123 {
    fn bid(&mut self, bid: &Bid) {
        if bid.auction % 123 == 0 {
            self.count += 1;
            self.auctions += i128::from(bid.auction);
            self.prices += i128::from(bid.price);
        }
    }

    fn row(&self) -> Vec<Number> {
        vec![int(self.count), int(self.auctions), int(self.prices)]
    }
}

/// Bids and their sum by auction, in windows of 10 seconds: by stretches of the slide first, each of
/// which is added to the windows that hold it.
struct Panes {
    slide: i64,
    panes: HashMap<(i64, i64), (i64, i128)>,
}

impl Panes {
    fn new(seconds: i64) -> Self {
        Self { slide: seconds * SECOND, panes: HashMap::new() }
    }

    /// By auction and start of the window.
    fn windows(&self) -> HashMap<(i64, i64), (i64, i128)> {
        let mut windows: HashMap<(i64, i64), (i64, i128)> = HashMap::new();
        for ((auction, start), (count, sum)) in &self.panes {
            for back in 0..WINDOW / self.slide {
                let window = windows.entry((*auction, start - back * self.slide)).or_default();
                window.0 += count;
                window.1 += sum;
            }
        }
        windows
    }
}

impl Expected for Panes {
    fn bid(&mut self, bid: &Bid) {
        let start = bid.time.div_euclid(self.slide) * self.slide;
        let pane = self.panes.entry((bid.auction, start)).or_default();
        pane.0 += 1;
        pane.1 += i128::from(bid.price);
    }

    fn row(&self) -> Vec<Number> {
        let windows = self.windows();
        let (mut counts, mut sums) = (0, 0);
        for (count, sum) in windows.values() {
            counts += i128::from(*count);
            sums += sum;
        }
        vec![int(windows.len() as i64), int(counts), int(sums)]
    }
}

/// q5: the largest count of each window.
struct Hottest(Panes);

impl Expected for Hottest {
    fn bid(&mut self, bid: &Bid) {
        self.0.bid(bid);
    }

    fn row(&self) -> Vec<Number> {
        let mut most: HashMap<i64, i64> = HashMap::new();
        for ((_, start), (count, _)) in self.0.windows() {
            let most = most.entry(start).or_default();
            *most = count.max(*most);
        }
        vec![int(most.len() as i64), int(most.values().map(|most| i128::from(*most)).sum::<i128>())]
    }
}

/// q7: the highest bid of each window.
#[derive(Default)]
struct Highest(HashMap<i64, i64>);

impl Expected for Highest {
    fn bid(&mut self, bid: &Bid) {
        let highest = self.0.entry(bid.time.div_euclid(WINDOW)).or_insert(bid.price);
        *highest = bid.price.max(*highest);
    }

    fn row(&self) -> Vec<Number> {
        let sum: i128 = self.0.values().map(|price| i128::from(*price)).sum();
        vec![int(self.0.len() as i64), int(sum)]
    }
}

/// q11: the times of each bidder, cut where more than 10 seconds pass.
#[derive(Default)]
struct Sessions(HashMap<i64, Vec<i64>>);

impl Expected for Sessions {
    fn bid(&mut self, bid: &Bid) {
        self.0.entry(bid.bidder).or_default().push(bid.time);
    }

    fn row(&self) -> Vec<Number> {
        let (mut sessions, mut bids, mut most) = (0_i64, 0_i64, 0_i64);
        for times in self.0.values() {
            let mut times = times.clone();
            times.sort_unstable();
            for session in times.chunk_by(|a, b| b - a <= WINDOW) {
                let count = session.len() as i64;
                sessions += 1;
                bids += count;
                most = most.max(count);
            }
        }
        vec![int(sessions), int(bids), int(most)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(query: Query, bids: &[(i64, i64, i64, i64)]) -> Vec<Number> {
        let mut expected = of(query);
        for (auction, bidder, price, time) in bids {
            let (auction, bidder, price, time) = (*auction, *bidder, *price, *time);
            expected.bid(&Bid { auction, bidder, price, time, letters: [1, 2, 3] });
        }
        expected.row()
    }

    #[test]
    fn answers_are_those_worked_out_by_hand() {
        // Auction, bidder, price, time.
        let bids = [(123, 1, 10, 0), (1, 1, 20, 10_000), (123, 2, 40, 11_999), (1, 1, 80, 20_001)];
        let ints = |values: &[i64]| values.iter().map(|v| int(*v)).collect::<Vec<_>>();
        assert_eq!(row(Query::Q0, &bids), ints(&[4, 248, 5, 150, 4, 8, 12, 4]));
        assert_eq!(row(Query::Q1, &bids)[..2], ints(&[4, 248]));
        assert_eq!(row(Query::Q2, &bids), ints(&[2, 246, 50]));
        assert_eq!(row(Query::Q7, &bids), ints(&[3, 10 + 40 + 80]));
        assert_eq!(row(Query::Tumble, &bids), ints(&[4, 4, 150]));
        // Each bid in five windows; none shares one with another bid for its auction.
        assert_eq!(row(Query::Hop, &bids), ints(&[20, 20, 750]));
        // Starts -8 to 0, 2 to 10 and 12 to 20.
        assert_eq!(row(Query::Q5, &bids), ints(&[15, 15]));
        // Ten seconds are no silence of more than ten; 10,001 ms are.
        assert_eq!(row(Query::Q11, &bids), ints(&[3, 4, 2]));
    }
}
