//! The columns of a bid.

use std::ops::Range;

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, Int64Type, TimestampMillisecondType};

use super::TIME;
use super::stream::{Kind, Settings, auction, person, price};
use super::text::{padding, word};
use crate::random::{Rows, below};
use crate::synthetic::columns::{Known, digits, numbers, texts};

const KIND: Kind = Kind::Bid;

/// Every second bid is for a hot auction, three in four by a hot bidder, every second through a hot
/// channel.
const HOT_AUCTION_RATIO: u64 = 2;
const HOT_BIDDER_RATIO: u64 = 4;
const HOT_CHANNEL_RATIO: u64 = 2;
/// The hot bidder is the second one of a hundred, so that it is no hot seller.
const HOT_BIDDER: u64 = 1;

const HOT_CHANNELS: [&str; 4] = ["Google", "Facebook", "Baidu", "Apple"];
const CHANNELS: u64 = 10_000;

/// What a bid has beside `extra`: four numbers.
const OTHER_BYTES: usize = 32;

pub(super) static COLUMNS: [Known<Settings>; 7] = [
    Known::new("auction", DataType::Int64, |settings, rows| {
        let random = settings.random(KIND, 0);
        let last = |row| KIND.round(row) * 3 + 2;
        numbers::<Int64Type>(rows, |row| auction(random.bits(row), HOT_AUCTION_RATIO, last(row)))
    }),
    Known::new("bidder", DataType::Int64, |settings, rows| {
        let random = settings.random(KIND, 1);
        let bidder = |row| person(random.bits(row), HOT_BIDDER_RATIO, HOT_BIDDER, KIND.round(row));
        numbers::<Int64Type>(rows, bidder)
    }),
    Known::new("price", DataType::Int64, |settings, rows| {
        let random = settings.random(KIND, 2);
        numbers::<Int64Type>(rows, |row| price(random.bits(row)))
    }),
    Known::new("channel", DataType::Utf8, |settings, rows| {
        let random = channel_of(settings);
        texts(rows, 10, |row, out| match channel(random.bits(row)) {
            Channel::Hot(index) => out.extend_from_slice(HOT_CHANNELS[index as usize].as_bytes()),
            Channel::Other(index) => {
                out.extend_from_slice(b"channel-");
                digits(index, out);
            }
        })
    }),
    Known::new("url", DataType::Utf8, url),
    Known::new("date_time", TIME, |settings, rows| {
        numbers::<TimestampMillisecondType>(rows, |row| settings.time(KIND, row))
    }),
    Known::new("extra", DataType::Utf8, |settings, rows| {
        let random = settings.random(KIND, 6);
        let bytes = KIND.bytes() - OTHER_BYTES;
        texts(rows, bytes, |row, out| padding(&mut random.of(row), bytes, out))
    }),
];

#[derive(Debug, Clone, Copy)]
enum Channel {
    Hot(u64),
    Other(u64),
}

/// The random numbers that choose the channel; `channel` and `url` share them.
fn channel_of(settings: &Settings) -> Rows {
    settings.random(KIND, 3)
}

fn channel(bits: u64) -> Channel {
    match bits % HOT_CHANNEL_RATIO {
        0 => Channel::Other(below(bits, CHANNELS)),
        _ => Channel::Hot(below(bits, HOT_CHANNELS.len() as u64)),
    }
}

fn url(settings: &Settings, rows: Range<u64>) -> ArrayRef {
    let (random, urls) = (channel_of(settings), settings.urls.get_or_init(|| urls(settings)));
    texts(rows, 70, |row, out| {
        let place = match channel(random.bits(row)) {
            Channel::Other(index) => index,
            Channel::Hot(index) => CHANNELS + index,
        };
        out.extend_from_slice(&urls[place as usize]);
    })
}

/// The URLs of all channels, the hot ones last. One in ten of the others has no `channel_id`.
fn urls(settings: &Settings) -> Vec<Vec<u8>> {
    const NO_ID: u64 = 10;
    let of_channel = settings.random(KIND, 4);
    let url = |channel| {
        let mut random = of_channel.of(channel);
        let has_id = random.below(NO_ID) > 0 && channel < CHANNELS;
        let mut url = b"https://www.nexmark.com/".to_vec();
        for _ in 0..3 {
            word(&mut random, 5, b'_', &mut url);
            url.push(b'/');
        }
        url.extend_from_slice(b"item.htm?query=1");
        if has_id {
            url.extend_from_slice(b"&channel_id=");
            digits(channel_id(channel), &mut url);
        }
        url
    };
    (0..CHANNELS + HOT_CHANNELS.len() as u64).map(url).collect()
}

/// The bits of a channel's number backwards, without the sign.
fn channel_id(channel: u64) -> u64 {
    u64::from((channel as u32).reverse_bits().cast_signed().unsigned_abs())
}
