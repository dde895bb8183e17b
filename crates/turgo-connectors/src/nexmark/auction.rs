//! The columns of an auction.

use arrow::datatypes::{DataType, Int64Type, TimestampMillisecondType};

use super::TIME;
use super::stream::{FIRST_ID, Kind, Settings, next_price, person};
use super::text::{padding, word};
use crate::random::below;
use crate::synthetic::columns::{Known, numbers, texts};

const KIND: Kind = Kind::Auction;

/// Three auctions in four are of a hot seller, the first person of a hundred.
const HOT_SELLER_RATIO: u64 = 4;
const HOT_SELLER: u64 = 0;

const FIRST_CATEGORY: i64 = 10;
const CATEGORIES: u64 = 5;

const NAME_MAX: usize = 20;
const DESCRIPTION_MAX: usize = 100;
/// What an auction has beside `extra`: six numbers, and the mean of its name and description.
const OTHER_BYTES: usize = 48 + (2 + NAME_MAX) / 2 + (2 + DESCRIPTION_MAX) / 2;

pub(super) static COLUMNS: [Known<Settings>; 10] = [
    Known::new("id", DataType::Int64, |_, rows| {
        numbers::<Int64Type>(rows, |row| FIRST_ID + row as i64)
    }),
    Known::new("item_name", DataType::Utf8, |settings, rows| {
        let random = settings.random(KIND, 1);
        texts(rows, NAME_MAX, |row, out| word(&mut random.of(row), NAME_MAX, b' ', out))
    }),
    Known::new("description", DataType::Utf8, |settings, rows| {
        let random = settings.random(KIND, 2);
        let write = |row, out: &mut _| word(&mut random.of(row), DESCRIPTION_MAX, b' ', out);
        texts(rows, DESCRIPTION_MAX, write)
    }),
    Known::new("initial_bid", DataType::Int64, |settings, rows| {
        numbers::<Int64Type>(rows, |row| prices(settings, row)[0])
    }),
    Known::new("reserve", DataType::Int64, |settings, rows| {
        numbers::<Int64Type>(rows, |row| prices(settings, row).iter().sum())
    }),
    Known::new("date_time", TIME, |settings, rows| {
        numbers::<TimestampMillisecondType>(rows, |row| settings.time(KIND, row))
    }),
    Known::new("expires", TIME, |settings, rows| {
        let random = settings.random(KIND, 6);
        numbers::<TimestampMillisecondType>(rows, |row| {
            let time = settings.time(KIND, row);
            let horizon = settings.horizon(KIND, row) - time;
            let length = 1 + below(random.bits(row), (horizon * 2).max(1) as u64);
            time.saturating_add(length as i64)
        })
    }),
    Known::new("seller", DataType::Int64, |settings, rows| {
        let random = settings.random(KIND, 7);
        let seller = |row| person(random.bits(row), HOT_SELLER_RATIO, HOT_SELLER, KIND.round(row));
        numbers::<Int64Type>(rows, seller)
    }),
    Known::new("category", DataType::Int64, |settings, rows| {
        let random = settings.random(KIND, 8);
        let category = |row| FIRST_CATEGORY + below(random.bits(row), CATEGORIES) as i64;
        numbers::<Int64Type>(rows, category)
    }),
    Known::new("extra", DataType::Utf8, |settings, rows| {
        let random = settings.random(KIND, 9);
        let bytes = KIND.bytes() - OTHER_BYTES;
        texts(rows, bytes, |row, out| padding(&mut random.of(row), bytes, out))
    }),
];

/// The first bid, and what the reserve is above it.
fn prices(settings: &Settings, row: u64) -> [i64; 2] {
    let mut random = settings.random(KIND, 3).of(row);
    [next_price(&mut random), next_price(&mut random)]
}
