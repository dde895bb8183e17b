//! The stream of events: its values by seed, its proportions and its distributions.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Fields, Int64Type, TimestampMillisecondType};

use super::*;
use crate::synthetic::tests::{all, digest, read, row, rows_are_functions_of_their_numbers, spec};

/// All columns of a table of one kind.
fn declared_columns(kind: Kind) -> Vec<(&'static str, DataType)> {
    columns(kind).iter().map(|column| (column.name, column.data_type.clone())).collect()
}

fn table(kind: Kind, options: &[(&str, &str)]) -> Arc<dyn Source> {
    let mut options = options.to_vec();
    options.push(("table", kind.name()));
    source(&spec(&declared_columns(kind), &options)).unwrap()
}

fn events(options: &[(&str, &str)]) -> Arc<dyn Source> {
    let row = |kind| {
        let columns = declared_columns(kind);
        let field = |(name, data_type): &(&str, DataType)| {
            Field::new(*name, data_type.clone(), kind == Kind::Bid)
        };
        DataType::Struct(columns.iter().map(field).collect::<Fields>())
    };
    let columns = [
        ("event_type", DataType::Int32),
        ("person", row(Kind::Person)),
        ("auction", row(Kind::Auction)),
        ("bid", row(Kind::Bid)),
    ];
    source(&spec(&columns, options)).unwrap()
}

#[test]
fn values_are_pinned_by_the_seed() {
    let of = |kind, seed| all(&table(kind, &[("events", "5000"), ("seed", seed)]));
    let digests = Kind::ALL.map(|kind| digest(&of(kind, "7")));
    assert_eq!(digests, PINNED, "{digests:#x?}");
    for kind in Kind::ALL {
        assert_ne!(digest(&of(kind, "8")), digest(&of(kind, "7")), "{kind:?}");
    }
    let first = |kind| row(&of(kind, "7"), 0);
    assert!(first(Kind::Person).starts_with("1000|"), "{}", first(Kind::Person));
    assert!(first(Kind::Bid).contains("|2015-07-15T00:00:00|"), "{}", first(Kind::Bid));
}

const PINNED: [u64; 3] = [0x353E_83EA_49A9_05FA, 0x783B_DFF8_F6F9_0E7E, 0x06FC_E48D_393E_57EA];

#[test]
fn events_are_functions_of_their_numbers() {
    for kind in Kind::ALL {
        rows_are_functions_of_their_numbers(&table(kind, &[("rows", "700")]));
    }
    rows_are_functions_of_their_numbers(&events(&[("rows", "700")]));
}

#[test]
fn events_come_in_rounds_of_1_person_3_auctions_and_46_bids() {
    for (events, persons, auctions, bids) in
        [(0, 0, 0, 0), (1, 1, 0, 0), (3, 1, 2, 0), (4, 1, 3, 0), (5, 1, 3, 1), (1000, 20, 60, 920)]
    {
        let before = Kind::ALL.map(|kind| kind.rows_before(events));
        assert_eq!(before, [persons, auctions, bids], "{events} events");
    }
    let rows = Kind::ALL.map(|kind| {
        let table = table(kind, &[("events", "1234")]);
        all(&table).num_rows() as u64
    });
    assert_eq!(rows, Kind::ALL.map(|kind| kind.rows_before(1234)));
    assert_eq!(rows.iter().sum::<u64>(), 1234);
}

#[test]
fn the_table_of_a_kind_is_what_a_view_selects_from_all_events() {
    let options = [("events", "2345"), ("seed", "3"), ("event-rate", "77")];
    let rows = all(&events(&options));
    let types = rows.column(0).as_primitive::<arrow::datatypes::Int32Type>();
    for (index, kind) in Kind::ALL.into_iter().enumerate() {
        let of_kind = rows.column(index + 1);
        let at: Vec<bool> = types.values().iter().map(|ty| *ty == index as i32).collect();
        assert!((0..rows.num_rows()).all(|row| of_kind.is_valid(row) == at[row]), "{kind:?}");
        let picked = arrow::compute::filter(of_kind, &at.into()).unwrap();
        let wanted = all(&table(kind, &options));
        for (nested, column) in picked.as_struct().columns().iter().zip(wanted.columns()) {
            assert_eq!(nested.to_data(), column.to_data(), "{kind:?}");
        }
    }
}

/// The column `name` of the first `rows` rows.
fn integers(kind: Kind, name: &str, rows: &str) -> Vec<i64> {
    let index = columns(kind).iter().position(|column| column.name == name).unwrap();
    let table = table(kind, &[("rows", rows)]);
    let column = read(&table, &[index], 0, (4 << 20, 16 << 10));
    column.column(0).as_primitive::<Int64Type>().values().to_vec()
}

fn share(count: usize, of: usize) -> f64 {
    count as f64 / of as f64
}

#[test]
fn hot_auctions_bidders_and_sellers_have_the_published_shares() {
    let near = |share: f64, wanted: f64| assert!((share - wanted).abs() < 0.01, "{share} {wanted}");
    let hot =
        |ids: Vec<i64>, hot| share(ids.iter().filter(|id| **id % 100 == hot).count(), ids.len());
    // One in a hundred of the ids that are not hot ends like a hot one.
    near(hot(integers(Kind::Bid, "auction", "100000"), 0), 0.5 + 0.5 / 100.0);
    near(hot(integers(Kind::Bid, "bidder", "100000"), 1), 0.75 + 0.25 / 100.0);
    near(hot(integers(Kind::Auction, "seller", "100000"), 0), 0.75 + 0.25 / 100.0);
}

#[test]
fn ids_are_of_those_who_are_there_or_soon_will_be() {
    for (row, auction) in integers(Kind::Bid, "auction", "200000").into_iter().enumerate() {
        let last = row as i64 / 46 * 3 + 2 + 1000;
        assert!((1000.max(last - 100)..=last + 10).contains(&auction), "{row}: {auction}");
    }
    let mut leads = BTreeSet::new();
    for (row, bidder) in integers(Kind::Bid, "bidder", "200000").into_iter().enumerate() {
        let last = row as i64 / 46 + 1000;
        let first = 1000.max(last - 999);
        // A hot bidder is the second of his hundred, also where only the first is there.
        assert!((first..=last + 10).contains(&bidder), "{row}: {bidder}");
        leads.insert(bidder - last);
    }
    assert!(leads.contains(&10) && leads.contains(&-999), "the ends of the range occur");
    assert_eq!(integers(Kind::Person, "id", "3"), [1000, 1001, 1002]);
    assert_eq!(integers(Kind::Auction, "id", "3"), [1000, 1001, 1002]);
}

#[test]
fn the_logarithm_of_a_price_is_spread_evenly() {
    let prices = integers(Kind::Bid, "price", "600000");
    let mut decades = [0usize; 6];
    for price in &prices {
        assert!((100..=100_000_000).contains(price));
        decades[(*price as f64 / 100.0).log10().min(5.9) as usize] += 1;
    }
    for decade in decades {
        assert!((share(decade, prices.len()) - 1.0 / 6.0).abs() < 0.005, "{decades:?}");
    }
    for bits in [0, 1 << 60, 1 << 63, u64::MAX / 3, u64::MAX] {
        let exact = 10f64.powf((bits >> 11) as f64 / (1u64 << 53) as f64 * 6.0) * 100.0;
        let made = stream::price(bits) as f64;
        assert!((made - exact).abs() <= 0.5 + exact * 2e-6, "{bits}: {made} {exact}");
    }
    let auctions = all(&table(Kind::Auction, &[("rows", "1000")]));
    let column =
        |index: usize| auctions.column(index).as_primitive::<Int64Type>().values().to_vec();
    let above = column(3).into_iter().zip(column(4)).map(|(bid, reserve)| reserve - bid);
    assert!(above.clone().all(|above| (100..=100_000_000).contains(&above)));
    assert!(above.collect::<BTreeSet<_>>().len() > 900);
}

#[test]
fn a_channel_has_one_url_and_half_of_the_bids_are_through_four_of_them() {
    let rows = all(&table(Kind::Bid, &[("rows", "200000")]));
    let (channels, urls) = (rows.column(3).as_string::<i32>(), rows.column(4).as_string::<i32>());
    let mut seen = BTreeMap::new();
    let mut hot = 0;
    for (channel, url) in channels.iter().flatten().zip(urls.iter().flatten()) {
        assert_eq!(seen.entry(channel).or_insert(url), &url, "{channel}");
        assert!(url.starts_with("https://www.nexmark.com/"), "{url}");
        assert_eq!(url.split('/').count(), 7, "{url}");
        hot += usize::from(!channel.starts_with("channel-"));
    }
    assert!((share(hot, rows.num_rows()) - 0.5).abs() < 0.01);
    assert!(["Google", "Facebook", "Baidu", "Apple"].iter().all(|name| seen.contains_key(name)));
    assert!(seen.len() > 9_900, "{}", seen.len());
    let with_id = seen.values().filter(|url| url.contains("&channel_id=")).count();
    assert!((share(with_id, seen.len()) - 0.9).abs() < 0.02);
    // Bit 31 of the reversed number is its sign.
    assert!(
        seen.get("channel-2").is_none_or(
            |url| !url.contains("channel_id") || url.ends_with("&channel_id=1073741824")
        )
    );
}

#[test]
fn extra_pads_rows_to_the_published_mean() {
    let text = |rows: &arrow::array::RecordBatch, index: usize| -> Vec<usize> {
        rows.column(index).as_string::<i32>().iter().map(|text| text.unwrap().len()).collect()
    };
    let mean = |lengths: &[usize]| lengths.iter().sum::<usize>() as f64 / lengths.len() as f64;
    for (kind, numbers, texts) in [
        (Kind::Person, 8.0, vec![1, 2, 3, 4, 5, 7]),
        (Kind::Auction, 48.0, vec![1, 2, 9]),
        (Kind::Bid, 32.0, vec![6]),
    ] {
        let rows = all(&table(kind, &[("rows", "20000")]));
        let total = numbers + texts.iter().map(|index| mean(&text(&rows, *index))).sum::<f64>();
        let wanted = kind.bytes() as f64;
        assert!((total - wanted).abs() < wanted * 0.02, "{kind:?}: {total}");
    }
    let extra = text(&all(&table(Kind::Bid, &[("rows", "20000")])), 6);
    assert_eq!((*extra.iter().min().unwrap(), *extra.iter().max().unwrap()), (55, 80));
}

#[test]
fn events_happen_at_their_rate() {
    let times = |options: &[(&str, &str)]| -> Vec<i64> {
        let source = events(options);
        let rows = read(&source, &[3], 0, (4 << 20, 16 << 10));
        let bids = rows.column(0).as_struct().column(5).clone();
        bids.as_primitive::<TimestampMillisecondType>().iter().flatten().collect()
    };
    let rows = ("rows", "2000");
    assert_eq!(times(&[rows])[..8], [0, 0, 0, 0, 0, 0, 1, 1].map(|ms| START_MS + ms));
    let slow = times(&[rows, ("event-rate", "1"), ("start", "1970-01-01 00:00:01")]);
    assert_eq!(slow[..3], [5000, 6000, 7000]);
    // A rate alone is that of the event times, too.
    let fast = times(&[rows, ("rate", "1000000"), ("start", "1970-01-01 00:00:00")]);
    assert_eq!((fast[0], *fast.last().unwrap()), (0, 1));
    let expires = all(&table(Kind::Auction, &[("rows", "5000"), ("event-rate", "1000")]));
    let column = |index: usize| {
        expires.column(index).as_primitive::<TimestampMillisecondType>().values().to_vec()
    };
    let open = column(6).into_iter().zip(column(5)).map(|(end, start)| end - start);
    let open: Vec<i64> = open.collect();
    // A hundred auctions later is 1666 events later, which is the mean.
    assert!(open.iter().all(|ms| (1..=2 * 1666).contains(ms)));
    let mean = open.iter().sum::<i64>() / open.len() as i64;
    assert!((1600..1732).contains(&mean), "{mean}");
}

/// The error of a declaration: message and remedy.
fn refused(columns: &[(&str, DataType)], options: &[(&str, &str)]) -> (String, String) {
    let error = check(&spec(columns, options)).unwrap_err();
    (error.message, error.help.unwrap_or_default())
}

#[test]
fn wrong_declarations_are_refused_with_a_remedy() {
    let price = &[("price", DataType::Int64)];
    let bid = ("table", "bid");
    let said = |columns: &[(&str, DataType)], options: &[(&str, &str)], parts: [&str; 2]| {
        let (message, help) = refused(columns, options);
        assert!(message.contains(parts[0]), "{message}");
        assert!(help.contains(parts[1]), "{help}");
    };
    said(&[("prise", DataType::Int64)], &[bid], ["no column `prise`", "did you mean `price`?"]);
    said(&[("price", DataType::Int32)], &[bid], ["is BIGINT, not INT", "price BIGINT"]);
    said(price, &[], ["has no column `price`", "'table' = 'bid'"]);
    said(&[("bid", DataType::Utf8)], &[], ["is ROW<...>", "ROW"]);
    said(price, &[("table", "bids")], ["'table' cannot be 'bids'", "'bid'"]);
    said(price, &[bid, ("rows", "-1")], ["'rows' cannot be '-1'", "whole number"]);
    said(price, &[bid, ("rate", "0")], ["'rate' cannot be '0'", "from 1"]);
    said(price, &[bid, ("start", "now")], ["'start'", "YYYY-MM-DD"]);
    said(price, &[bid, ("rows", "1"), ("events", "1")], ["'rows' and 'events'", "leave one"]);
    let zoned = DataType::Timestamp(TimeUnit::Millisecond, Some("+00:00".into()));
    said(&[("date_time", zoned)], &[bid], ["not TIMESTAMP_LTZ(3)", "TIMESTAMP(3)"]);
}

#[test]
fn published_spellings_name_the_same_columns() {
    let columns = [("datetime", TIME), ("extra", DataType::Utf8)];
    let published = all(&source(&spec(&columns, &[("table", "bid"), ("rows", "10")])).unwrap());
    let ours = read(&table(Kind::Bid, &[("rows", "10")]), &[5, 6], 0, (4 << 20, 100));
    assert_eq!(published.columns(), ours.columns());
}
