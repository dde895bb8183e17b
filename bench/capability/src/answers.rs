//! Before anything is measured: that what is compared gives the same answers.

use turgo_capability::{Grant, Handle, Rights, Table};

use crate::cases::chained::Chained;
use bench_harness::Random;

/// A thousand random changes of the table and of the chained one, with the answers for all there ever were after every twentieth.
pub(crate) fn compare() {
    let (table, chained) = (Table::default(), Chained::default());
    let mut random = Random::new(5);
    let mut both: Vec<(Handle, u64)> = Vec::new();
    let mut answers = [0_u64; 2];
    for turn in 0..1_000 {
        let rights = random.next() as u16 | Rights::GRANT.bits();
        let at = |random: &mut Random, len: usize| (random.next() % len as u64) as usize;
        match random.next() % 8 {
            0 => {
                let handle = table.mint(0, Grant::new(Rights::from_bits(rights)));
                both.push((handle.expect("there is room"), chained.mint(rights)));
            }
            1 | 2 if !both.is_empty() => {
                let (handle, id) = both[at(&mut random, both.len())];
                // The chained one tells the second of two revocations from the first only where the entry itself was ended; so does the table
                // where it has no slot any more. Both end the same.
                table.revoke(handle);
                chained.revoke(id);
            }
            _ if !both.is_empty() => {
                let (handle, id) = both[at(&mut random, both.len())];
                let effective = table.effective_rights(handle).unwrap_or_default();
                let rights = rights & effective.bits();
                let child = table.delegate(handle, Grant::new(Rights::from_bits(rights)));
                let other = if effective.contains(Rights::GRANT) {
                    chained.delegate(id, rights)
                } else {
                    None
                };
                match (child, other) {
                    (Ok(child), Some(other)) => both.push((child, other)),
                    (Err(_), None) => {}
                    (child, other) => {
                        // The table's trees have 64 levels.
                        assert_eq!(child, Err(turgo_capability::GrantError::TooDeep));
                        chained.revoke(other.expect("one of them was made"));
                    }
                }
            }
            _ => {}
        }
        if turn % 20 == 0 {
            for (handle, id) in &both {
                for need in [0, 1, 2, 3, rights] {
                    let ours = table.check(*handle, Rights::from_bits(need)).is_ok();
                    assert_eq!(ours, chained.check(*id, need), "turn {turn}: {handle:?} {need}");
                    answers[usize::from(ours)] += 1;
                }
            }
        }
    }
    println!(
        "answers compared: {} granted, {} denied, alike in both designs",
        answers[1], answers[0]
    );
}
