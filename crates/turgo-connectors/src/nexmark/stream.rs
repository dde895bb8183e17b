//! The order of events: which are persons, auctions and bids, and when they happen.
//!
//! Events come in rounds of 50: a person, three auctions, 46 bids. Row `n` of a kind is its `n`-th
//! event, so rows and events are counted in each other by arithmetic alone.

use std::ops::Range;
use std::sync::OnceLock;

use crate::random::{Random, Rows, below};

/// Events of a round.
const ROUND: u64 = 50;

/// The first id of persons and of auctions.
pub(super) const FIRST_ID: i64 = 1000;

/// So many of the last persons are active, and of the last auctions open.
const ACTIVE_PERSONS: u64 = 1000;
const OPEN_AUCTIONS: u64 = 100;
/// Ids that have not come up yet and may be named already.
const LEAD: u64 = 10;
/// One hot person and one hot auction in so many.
const HOT_EVERY: u64 = 100;

/// What a stream depends on.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) seed: u64,
    /// Time of the first event, in milliseconds.
    pub(super) start_ms: i64,
    /// Events in a second of event time.
    pub(super) event_rate: u64,
    /// The URL of every channel, made when the first one is asked for.
    // LOCK: taken once per decoded batch, and waited for only while the first one makes them.
    pub(super) urls: OnceLock<Vec<Vec<u8>>>,
}

/// A kind of events; its number is its `event_type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Person = 0,
    Auction = 1,
    Bid = 2,
}

impl Kind {
    pub(super) const ALL: [Self; 3] = [Self::Person, Self::Auction, Self::Bid];

    /// The kind of event `event`.
    pub(super) fn of(event: u64) -> Self {
        match event % ROUND {
            0 => Self::Person,
            1..=3 => Self::Auction,
            _ => Self::Bid,
        }
    }

    /// Where its events are in a round.
    const fn in_round(self) -> Range<u64> {
        match self {
            Self::Person => 0..1,
            Self::Auction => 1..4,
            Self::Bid => 4..ROUND,
        }
    }

    const fn per_round(self) -> u64 {
        self.in_round().end - self.in_round().start
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Auction => "auction",
            Self::Bid => "bid",
        }
    }

    /// The published mean size of an event.
    pub(super) fn bytes(self) -> usize {
        match self {
            Self::Person => 200,
            Self::Auction => 500,
            Self::Bid => 100,
        }
    }

    /// Its part of all events.
    pub(super) fn share(self) -> f64 {
        self.per_round() as f64 / ROUND as f64
    }

    /// The round of row `row`.
    pub(super) fn round(self, row: u64) -> u64 {
        row / self.per_round()
    }

    /// The event of row `row`.
    fn event(self, row: u64) -> u64 {
        self.round(row) * ROUND + self.in_round().start + row % self.per_round()
    }

    /// How many rows there are before event `event`: the row of the first one from there on.
    pub(super) fn rows_before(self, event: u64) -> u64 {
        let in_round = self.in_round();
        let of_this = (event % ROUND).clamp(in_round.start, in_round.end) - in_round.start;
        event / ROUND * self.per_round() + of_this
    }
}

impl Settings {
    /// The random numbers of column `column` of a kind.
    pub(super) fn random(&self, kind: Kind, column: u64) -> Rows {
        Rows::new(&[self.seed, kind as u64, column])
    }

    /// When event `event` happens, in milliseconds.
    fn at(&self, event: u64) -> i64 {
        // Row numbers are at most 10^15, so the product fits; a sum beyond the calendar stays there.
        self.start_ms.saturating_add((event * 1000 / self.event_rate) as i64)
    }

    /// When row `row` of a kind happens, in milliseconds.
    pub(super) fn time(&self, kind: Kind, row: u64) -> i64 {
        self.at(kind.event(row))
    }

    /// When as many auctions as are open at once have begun after row `row` of a kind.
    pub(super) fn horizon(&self, kind: Kind, row: u64) -> i64 {
        let events = OPEN_AUCTIONS * ROUND / Kind::Auction.per_round();
        self.at(kind.event(row) + events)
    }
}

/// The id of a person while persons up to `last` (counted from 0) are there: in `1 - 1/ratio` of
/// all cases the hot one, which is `hot` behind the last whole hundred.
pub(super) fn person(bits: u64, ratio: u64, hot: u64, last: u64) -> i64 {
    let person = match bits % ratio {
        0 => {
            let active = ACTIVE_PERSONS.min(last + 1);
            last + 1 - active + below(bits, active + LEAD)
        }
        _ => last / HOT_EVERY * HOT_EVERY + hot,
    };
    FIRST_ID + person as i64
}

/// The id of an auction while auctions up to `last` (counted from 0) are there: in `1 - 1/ratio` of
/// all cases the hot one.
pub(super) fn auction(bits: u64, ratio: u64, last: u64) -> i64 {
    let auction = match bits % ratio {
        0 => {
            let first = last.saturating_sub(OPEN_AUCTIONS);
            first + below(bits, last - first + 1 + LEAD)
        }
        _ => last / HOT_EVERY * HOT_EVERY,
    };
    FIRST_ID + auction as i64
}

/// A price in cents: its logarithm is spread evenly from 1 to 1,000,000 dollars.
///
/// Only additions, products and bits of `f64` are used, which are the same on every machine; those
/// of a mathematical library are not.
pub(super) fn price(bits: u64) -> i64 {
    /// The terms of 2^x around 0: powers of ln 2 over factorials.
    const TERMS: [f64; 8] = [
        1.0,
        std::f64::consts::LN_2,
        0.240_226_506_959_100_7,
        0.055_504_108_664_821_58,
        0.009_618_129_107_628_477,
        0.001_333_355_814_642_844_3,
        0.000_154_035_303_933_816_1,
        0.000_015_252_733_804_059_84,
    ];
    const LOG2_OF_MILLION: f64 = 19.931_568_569_324_174;
    let share = (bits >> 11) as f64 / (1u64 << 53) as f64;
    let exponent = share * LOG2_OF_MILLION;
    let whole = exponent as u64;
    let part = exponent - whole as f64;
    let power = TERMS.iter().rev().fold(0.0, |sum, term| sum * part + term);
    let scale = (1u64 << whole) as f64;
    (power * scale * 100.0 + 0.5) as i64
}

/// A price drawn from a stream.
pub(super) fn next_price(random: &mut Random) -> i64 {
    price(random.next())
}
