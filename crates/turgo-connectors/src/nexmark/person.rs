//! The columns of a person.

use arrow::datatypes::{DataType, Int64Type, TimestampMillisecondType};

use super::TIME;
use super::stream::{FIRST_ID, Kind, Settings};
use super::text::{padding, word};
use crate::random::{Random, below};
use crate::synthetic::columns::{Known, numbers, texts};

const KIND: Kind = Kind::Person;

const STATES: [&str; 6] = ["AZ", "CA", "ID", "OR", "WA", "WY"];
const CITIES: [&str; 10] = [
    "Phoenix",
    "Los Angeles",
    "San Francisco",
    "Boise",
    "Portland",
    "Bend",
    "Redmond",
    "Seattle",
    "Kent",
    "Cheyenne",
];
const FIRST_NAMES: [&str; 11] = [
    "Peter", "Paul", "Luke", "John", "Saul", "Vicky", "Kate", "Julie", "Sarah", "Deiter", "Walter",
];
const LAST_NAMES: [&str; 9] =
    ["Shultz", "Abrams", "Spencer", "White", "Bartels", "Walton", "Smith", "Jones", "Noris"];

/// What a person has beside `extra`: an id, and the mean of its texts.
const OTHER_BYTES: usize = 8 + 11 + 14 + 19 + 8 + 2;

pub(super) static COLUMNS: [Known<Settings>; 8] = [
    Known::new("id", DataType::Int64, |_, rows| {
        numbers::<Int64Type>(rows, |row| FIRST_ID + row as i64)
    }),
    Known::new("name", DataType::Utf8, |settings, rows| {
        let random = settings.random(KIND, 1);
        texts(rows, 12, |row, out| {
            let mut random = random.of(row);
            out.extend_from_slice(one_of(&FIRST_NAMES, random.next()));
            out.push(b' ');
            out.extend_from_slice(one_of(&LAST_NAMES, random.next()));
        })
    }),
    Known::new("email_address", DataType::Utf8, |settings, rows| {
        let random = settings.random(KIND, 2);
        texts(rows, 16, |row, out| {
            let mut random = random.of(row);
            word(&mut random, 7, b' ', out);
            out.push(b'@');
            word(&mut random, 5, b' ', out);
            out.extend_from_slice(b".com");
        })
    }),
    Known::new("credit_card", DataType::Utf8, |settings, rows| {
        let random = settings.random(KIND, 3);
        texts(rows, 19, |row, out| credit_card(&mut random.of(row), out))
    }),
    Known::new("city", DataType::Utf8, |settings, rows| {
        let random = settings.random(KIND, 4);
        texts(rows, 9, |row, out| out.extend_from_slice(one_of(&CITIES, random.bits(row))))
    }),
    Known::new("state", DataType::Utf8, |settings, rows| {
        let random = settings.random(KIND, 5);
        texts(rows, 2, |row, out| out.extend_from_slice(one_of(&STATES, random.bits(row))))
    }),
    Known::new("date_time", TIME, |settings, rows| {
        numbers::<TimestampMillisecondType>(rows, |row| settings.time(KIND, row))
    }),
    Known::new("extra", DataType::Utf8, |settings, rows| {
        let random = settings.random(KIND, 7);
        let bytes = KIND.bytes() - OTHER_BYTES;
        texts(rows, bytes, |row, out| padding(&mut random.of(row), bytes, out))
    }),
];

fn one_of(names: &[&'static str], bits: u64) -> &'static [u8] {
    names[below(bits, names.len() as u64) as usize].as_bytes()
}

/// Four groups of four digits.
fn credit_card(random: &mut Random, out: &mut Vec<u8>) {
    for group in 0..4 {
        if group > 0 {
            out.push(b' ');
        }
        let number = random.below(10_000);
        for unit in [1000, 100, 10, 1] {
            out.push(b'0' + (number / unit % 10) as u8);
        }
    }
}
