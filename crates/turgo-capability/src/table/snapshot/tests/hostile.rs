//! Snapshots that are damaged, and such as somebody made who knows how to compute a checksum.

use super::super::image::{Image, Seen};
use super::*;
use crate::state::Word;

fn small() -> (Image, Vec<u8>) {
    let (table, _) = with_time();
    let root = table.mint(2, all().gas(50).rate(Rate::per_second(2))).unwrap();
    let caveat = Caveat::Any(vec![Caveat::User(1), Caveat::Not(Box::new(Caveat::AtMost(2, 3)))]);
    let child = table.delegate(root, Grant::new(READ).caveat(caveat).until(90)).unwrap();
    let gone = table.delegate(root, all()).unwrap();
    table.revoke(gone);
    let snapshot = take(&table, &[("child", child), ("gone", gone)]);
    let image = Image::read(snapshot.as_bytes()).unwrap();
    (image, snapshot.as_bytes().to_vec())
}

fn fault(bytes: &[u8]) -> SnapshotFault {
    let refused = Table::restore(Config::default(), bytes, wall(0)).unwrap_err();
    let text = refused.to_string();
    assert!(text.starts_with("byte ") && text.contains("Nothing was granted; "), "{text}");
    assert!(refused.at() <= bytes.len());
    refused.fault()
}

/// What is said to a table made by hand, with the right checksum.
fn refused(change: impl FnOnce(&mut Image)) -> SnapshotFault {
    let (mut image, _) = small();
    change(&mut image);
    fault(&image.write())
}

fn nonsense(change: impl FnOnce(&mut Image)) -> &'static str {
    match refused(change) {
        SnapshotFault::Nonsense(what) => what,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_other_byte_is_refused() {
    let (_, bytes) = small();
    for at in 0..bytes.len() {
        for flip in [1, 0x80, 0xff] {
            let mut bytes = bytes.clone();
            bytes[at] ^= flip;
            let expected = match at {
                0..8 => matches!(fault(&bytes), SnapshotFault::NotASnapshot),
                8..12 => matches!(fault(&bytes), SnapshotFault::Version(_)),
                12..20 => matches!(fault(&bytes), SnapshotFault::Length { .. }),
                _ => matches!(fault(&bytes), SnapshotFault::Checksum),
            };
            assert!(expected, "P5: byte {at}: {:?}", fault(&bytes));
        }
    }
}

#[test]
fn every_other_length_is_refused() {
    let (_, bytes) = small();
    for len in 0..bytes.len() {
        let fault = fault(&bytes[..len]);
        let expected = match len {
            0..8 => fault == SnapshotFault::NotASnapshot,
            8..20 => fault == SnapshotFault::Ended,
            _ => matches!(fault, SnapshotFault::Length { .. }),
        };
        assert!(expected, "P5: {len} bytes: {fault:?}");
    }
    let mut longer = bytes;
    longer.push(0);
    assert!(matches!(fault(&longer), SnapshotFault::Length { .. }));
}

#[test]
fn another_version_is_named() {
    let (_, mut bytes) = small();
    bytes[8] = 1;
    let refused = Table::restore(Config::default(), &bytes, wall(0)).unwrap_err();
    assert_eq!((refused.at(), refused.fault()), (8, SnapshotFault::Version(1)));
    let text = "byte 8 of the snapshot: it is of version 1, and 2 is read. Nothing was granted; use the release that wrote it";
    assert_eq!(refused.to_string(), text);
}

#[test]
fn a_table_that_is_too_small_says_so() {
    let (_, bytes) = small();
    let with = |config| Table::restore(config, &bytes, wall(0)).unwrap_err().fault();
    let few = Config { capabilities_max: 2, ..Config::default() };
    assert_eq!(with(few), SnapshotFault::Capabilities { needed: 3 });
    let narrow = Config { shards: 4, ..Config::default() };
    assert_eq!(with(narrow), SnapshotFault::Shards { needed: 128 });
}

fn parent(image: &mut Image, at: usize) -> &mut Option<Handle> {
    &mut image.slots[at].occupant.as_mut().unwrap().parent
}

fn is_parentless(change: impl FnOnce(&mut Image)) {
    assert_eq!(nonsense(change), "a capability is not below its parent", "P5");
}

#[test]
fn no_link_is_believed() {
    let (image, _) = small();
    let root = Handle::new(0, 1);
    assert_eq!(image.slots[1].occupant.as_ref().unwrap().parent, Some(root));
    is_parentless(|image| *parent(image, 1) = Some(Handle::new(0, 2)));
    is_parentless(|image| *parent(image, 0) = Some(root));
    is_parentless(|image| *parent(image, 0) = Some(Handle::new(1, 1)));
    is_parentless(|image| *parent(image, 1) = None);
    is_parentless(|image| *parent(image, 1) = Some(Handle::new(1, 1)));
    is_parentless(|image| *parent(image, 1) = Some(Handle::new(2, 2)));
    // Indices that no slab makes: beyond the slots, beyond a chunk, beyond the chunks.
    for index in [3, 1_024, 5_000, 1 << 26 | 3_000, 31 << 26, u32::MAX >> 1] {
        is_parentless(|image| *parent(image, 1) = Some(Handle::new(index, 1)));
    }
    is_parentless(|image| image.slots[0].occupant.as_mut().unwrap().object = Object::one(77));
    is_parentless(|image| {
        let word = Word::alive(1, READ, 3, 1).with_caveats(true);
        image.slots[1].word = word;
    });
    is_parentless(|image| {
        let word = Word::alive(1, READ, 2, 2).with_caveats(true);
        image.slots[1].word = word;
    });
}

#[test]
fn no_number_is_believed() {
    let slot = "a slot is in no state that there is";
    assert_eq!(nonsense(|image| image.slots[2].word = Word::vacant(0)), slot);
    let full = Word::alive(u32::MAX, READ, 2, 0);
    assert_eq!(nonsense(|image| image.slots[1].word = full.with_caveats(true)), slot);
    let gas = "there is more gas than was granted";
    assert_eq!(nonsense(|image| image.granted = 49), gas);
    assert_eq!(nonsense(|image| image.granted = u64::MAX), gas);
    assert_eq!(nonsense(|image| image.returned = 1), gas);
    let balance = |image: &mut Image, to| {
        image.slots[0].occupant.as_mut().unwrap().limits.gas = Some(to);
    };
    assert_eq!(nonsense(|image| balance(image, u64::MAX)), gas);
    assert_eq!(nonsense(|image| balance(image, 51)), gas);
    let count = "a count is beyond what is ever reached";
    assert_eq!(nonsense(|image| image.counts[0] = u64::MAX), count);
    let epoch = "an epoch is beyond what is ever reached";
    assert_eq!(nonsense(|image| image.epochs[3] = (1 << 46) + 1), epoch);
    let shards = "the number of shards is none that there can be";
    assert_eq!(nonsense(|image| image.epochs.clear()), shards);
    assert_eq!(nonsense(|image| image.epochs.resize(129, 1)), shards);
    assert_eq!(nonsense(|image| image.time_ns = u64::MAX), "its time is more than 146 years");
    let kept = "a kept handle is to what never was";
    assert_eq!(nonsense(|image| image.kept[0].1 = Handle::new(1, 2)), kept);
    assert_eq!(nonsense(|image| image.kept[1].1 = Handle::new(2, 2)), kept);
    assert_eq!(nonsense(|image| image.kept[1].1 = Handle::new(u32::MAX >> 1, 1)), kept);
    assert_eq!(nonsense(|image| image.kept[1].1 = Handle::new(9, 0)), kept);
    let limits = "the limits are not those of the capability";
    assert_eq!(
        nonsense(|image| image.slots[1].word = Word::alive(1, READ, 2, 1).with_limits(true)),
        limits
    );
}

#[test]
fn a_link_is_a_handle_or_nothing() {
    let (_, mut bytes) = small();
    // Of the first slot, which is a root: the link behind its word.
    let link_at = 20 + 16 + 1 + 8 * (128 + 5) + 16 + 4 + 8;
    assert_eq!(bytes[link_at..link_at + 8], [0; 8]);
    bytes[link_at] = 1;
    assert_eq!(fault(&sealed(bytes)), SnapshotFault::Nonsense("a parent is no handle"), "P5");
}

/// Counts are far beyond the bytes: nothing of their size is allocated.
#[test]
fn no_count_is_believed() {
    let (image, bytes) = small();
    let slots_at = 20 + 16 + 1 + 8 * (128 + 5) + 16;
    assert_eq!(bytes[slots_at..slots_at + 4], 3_u32.to_le_bytes());
    let kept_at = bytes.len() - 32 - (2 + 5 + 8) - (2 + 4 + 8) - 4;
    assert_eq!(bytes[kept_at..kept_at + 4], 2_u32.to_le_bytes());
    for at in [slots_at, kept_at] {
        for count in [u32::MAX, 1_000_000, 4, 1, 0] {
            let mut bytes = bytes.clone();
            bytes[at..at + 4].copy_from_slice(&count.to_le_bytes());
            assert!(!matches!(fault(&sealed(bytes)), SnapshotFault::Checksum), "{at} {count}");
        }
    }
    assert_eq!(sealed(image.write()), image.write());
}

/// With the right checksum.
fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let end = bytes.len() - 32;
    let checksum = blake3::hash(&bytes[..end]);
    bytes[end..].copy_from_slice(checksum.as_bytes());
    bytes
}

/// Any byte may be any other, under a checksum that is right: refused, or a table that keeps the rules.
#[test]
fn a_forged_snapshot_is_refused_or_a_table() {
    let (_, bytes) = small();
    let mut tables = 0;
    for at in 20..bytes.len() - 32 {
        for flip in [1, 2, 0x40, 0x80, 0xff] {
            let mut bytes = bytes.clone();
            bytes[at] ^= flip;
            let Ok(restored) = Table::restore(Config::default(), &sealed(bytes), wall(0)) else {
                continue;
            };
            tables += 1;
            let table = restored.table;
            assert!(table.gas_totals().add_up(), "byte {at}");
            for (_, handle) in restored.kept.iter() {
                let _ = table.describe(handle);
            }
            for handle in table.handles().collect::<Vec<_>>() {
                let Some(seen) = table.describe(handle) else { continue };
                if let Some(parent) = seen.parent {
                    assert!(table.effective_rights(parent).unwrap().contains(seen.effective));
                }
                table.revoke(handle);
                assert!(table.check(handle, Rights::NONE).is_err());
            }
            let minted: Vec<Handle> = (0..4).map(|_| table.mint(2, all()).unwrap()).collect();
            assert!(minted.iter().all(|handle| table.check(*handle, READ).is_ok()), "byte {at}");
        }
    }
    assert!(tables > 1_000, "times, epochs, counts, rights, names: {tables}");
}

#[test]
fn an_empty_table_is_a_snapshot_too() {
    let snapshot = take(&Table::default(), &[]);
    let new = restore(&snapshot);
    assert_eq!(new.handles().count(), 0);
    let (mut image, _) = small();
    image.slots = vec![Seen::vacant(Word::vacant(u32::MAX))];
    image.kept.clear();
    let restored = Table::restore(Config::default(), &image.write(), wall(0)).unwrap();
    assert_eq!(restored.table.statistics().retired, 1, "used up generations stay so");
    assert_ne!(restored.table.mint(2, all()).unwrap().index(), 0);
}
