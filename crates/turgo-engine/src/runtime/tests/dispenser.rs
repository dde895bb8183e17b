//! The dispenser: D1 to D4, and which partition is read next.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::thread;

use super::{Wakes, within};
use crate::io::{Chunk, ChunkData, Partition, Position};
use crate::runtime::dispenser::{Dispenser, Next};
use crate::time::WATERMARK_NONE;

fn chunk(start: Position) -> Option<Chunk> {
    Some(Chunk { start, end: start + 1, data: ChunkData::Bytes(vec![0; 10]) })
}

fn listed(instances: usize, partitions: usize) -> Dispenser {
    let dispenser = Dispenser::new(instances);
    let partition = |index| Partition { name: format!("p{index}"), bytes: None };
    dispenser.list((0..partitions).map(partition).collect(), &[]);
    dispenser
}

fn next(dispenser: &Dispenser, instance: usize) -> Poll<Next> {
    dispenser.poll_next(instance, &mut Context::from_waker(Waker::noop()))
}

/// The chunk an instance gets: its partition and number.
fn take(dispenser: &Dispenser, instance: usize) -> (usize, u64) {
    match next(dispenser, instance) {
        Poll::Ready(Next::Chunk(ticket)) => (ticket.partition, ticket.sequence),
        other => panic!("a chunk was due, not {other:?}"),
    }
}

fn before(dispenser: &Dispenser, instance: usize, chunk: (usize, u64)) -> Poll<i64> {
    dispenser.poll_before(instance, chunk, &mut Context::from_waker(Waker::noop()))
}

/// D1.
#[test]
fn chunks_of_a_partition_are_handed_out_in_order_to_whoever_asks() {
    let dispenser = listed(3, 2);
    for (index, start) in [(0, 0), (1, 0), (0, 1), (0, 2), (1, 1)] {
        dispenser.push(index, chunk(start));
    }
    let given: Vec<_> =
        [0, 2, 1, 1, 0].into_iter().map(|instance| take(&dispenser, instance)).collect();
    assert_eq!(given, [(0, 0), (1, 0), (0, 1), (0, 2), (1, 1)]);
}

/// D2.
#[test]
fn the_watermark_before_a_chunk_is_that_of_all_chunks_before_it_and_no_other() {
    let dispenser = listed(3, 1);
    (0..3).for_each(|start| dispenser.push(0, chunk(start)));
    let chunks: Vec<_> = (0..3).map(|instance| take(&dispenser, instance)).collect();
    let (wakes, waker) = Wakes::new();
    dispenser.publish(chunks[2], 50, 1, 1);
    dispenser.publish(chunks[1], 300, 1, 1);
    assert!(before(&dispenser, 2, chunks[2]).is_pending(), "nothing is known of the first chunk");
    assert!(dispenser.poll_before(1, chunks[1], &mut Context::from_waker(&waker)).is_pending());
    assert_eq!(dispenser.promise(), WATERMARK_NONE);
    dispenser.publish(chunks[0], 100, 1, 1);
    assert_eq!(wakes.count(), 1, "whoever waits for a watermark is woken");
    assert_eq!(before(&dispenser, 0, chunks[0]), Poll::Ready(WATERMARK_NONE));
    assert_eq!(before(&dispenser, 1, chunks[1]), Poll::Ready(100));
    assert_eq!(before(&dispenser, 2, chunks[2]), Poll::Ready(300), "a watermark never falls");
}

/// D3.
#[test]
fn a_promise_holds_for_every_chunk_that_is_still_to_come() {
    let dispenser = Dispenser::new(2);
    assert_eq!(dispenser.promise(), WATERMARK_NONE, "partitions are not known yet");
    let dispenser = listed(2, 2);
    dispenser.push(0, chunk(0));
    dispenser.push(1, chunk(0));
    let (first, second) = (take(&dispenser, 0), take(&dispenser, 1));
    dispenser.publish(first, 100, 1, 1);
    assert_eq!(dispenser.promise(), WATERMARK_NONE, "the other partition may hold anything");
    dispenser.publish(second, 70, 1, 1);
    assert_eq!(dispenser.promise(), 70);
    dispenser.push(1, chunk(1));
    let third = take(&dispenser, 0);
    dispenser.push(1, None);
    assert_eq!(dispenser.promise(), 70, "read to its end, but not decoded to its end");
    dispenser.publish(third, 90, 1, 1);
    assert_eq!(dispenser.promise(), 100, "a partition that is done holds nothing back");
    dispenser.push(0, None);
    assert_eq!(dispenser.promise(), 100, "the largest watermark of all");
}

/// D3: what is open at the end of a stream must not depend on who ends last.
#[test]
fn the_last_promise_is_the_same_whichever_partition_ends_last() {
    for order in [[0, 1], [1, 0]] {
        let dispenser = listed(1, 2);
        assert_eq!(dispenser.promise(), WATERMARK_NONE);
        for index in order {
            dispenser.push(index, chunk(0));
            let chunk = take(&dispenser, 0);
            dispenser.publish(chunk, [100, 70][index], 1, 1);
            dispenser.push(index, None);
        }
        assert_eq!(dispenser.promise(), 100, "{order:?}");
    }
    assert_eq!(listed(1, 0).promise(), WATERMARK_NONE, "nobody has promised anything");
}

/// D4.
#[test]
fn a_barrier_is_taken_once_by_each_instance_before_any_chunk_behind_it() {
    let dispenser = listed(2, 1);
    dispenser.push(0, chunk(0));
    dispenser.barrier(1);
    dispenser.push(0, chunk(1));
    let first = take(&dispenser, 0);
    let (wakes, waker) = Wakes::new();
    assert!(matches!(next(&dispenser, 1), Poll::Ready(Next::Barrier(1))));
    assert!(dispenser.poll_next(1, &mut Context::from_waker(&waker)).is_pending());
    dispenser.publish(first, 100, 1, 1);
    assert_eq!(wakes.count(), 1);
    assert!(dispenser.poll_next(1, &mut Context::from_waker(&waker)).is_pending());
    assert!(matches!(next(&dispenser, 0), Poll::Ready(Next::Barrier(1))));
    assert_eq!(wakes.count(), 2, "the chunk behind the barrier is free now");
    assert_eq!(take(&dispenser, 1), (0, 1));
    let marks = dispenser.marks(1);
    assert_eq!((marks[0].position, marks[0].watermark, marks[0].done), (1, 100, false));
}

#[test]
fn reading_goes_on_where_a_checkpoint_stood() {
    let dispenser = listed(1, 2);
    dispenser.push(0, chunk(0));
    dispenser.push(1, None);
    dispenser.barrier(1);
    let first = take(&dispenser, 0);
    dispenser.publish(first, 100, 1, 1);
    assert!(matches!(next(&dispenser, 0), Poll::Ready(Next::Barrier(1))));
    let marks = dispenser.marks(1);
    let restored = Dispenser::new(3);
    let names = ["p1", "p0"].map(|name| Partition { name: name.into(), bytes: None });
    restored.list(names.into(), &marks);
    assert_eq!(restored.promise(), 100, "p1 has been read to its end");
    assert_eq!(restored.choose(0), Some((1, 1)), "p0, from its second chunk");
    restored.push(1, chunk(1));
    let second = take(&restored, 0);
    restored.publish(second, 20, 1, 1);
    assert_eq!(before(&restored, 0, second), Poll::Ready(100));
}

#[test]
fn the_partition_that_lags_is_read_and_one_that_leads_by_too_much_waits() {
    let dispenser = listed(8, 3);
    // A first look into each.
    let mut chunks = Vec::new();
    for (index, watermark) in [(0, 1_000), (1, 0), (2, 40)] {
        assert_eq!(dispenser.choose(50), Some((index, 0)));
        dispenser.push(index, chunk(0));
        chunks.push((take(&dispenser, index), watermark));
    }
    for (chunk, watermark) in chunks {
        dispenser.publish(chunk, watermark, 1, 1);
    }
    assert_eq!(dispenser.choose(50), Some((1, 1)), "the lowest watermark");
    dispenser.push(1, chunk(1));
    assert_eq!(dispenser.choose(50), Some((2, 1)), "within the drift, while the lowest decodes");
    dispenser.push(2, chunk(1));
    for _ in 0..3 {
        let (index, start) = dispenser.choose(50).unwrap();
        assert_ne!(index, 0, "it leads by 1000");
        dispenser.push(index, chunk(start));
    }
    dispenser.push(1, None);
    dispenser.push(2, None);
    assert_eq!(dispenser.choose(50), Some((0, 1)));
    dispenser.push(0, None);
    assert_eq!(dispenser.choose(50), None);
}

#[test]
fn a_full_queue_blocks_the_reader_until_a_chunk_is_taken() {
    let read = within(|| {
        let dispenser = Arc::new(listed(2, 1));
        let reader = Arc::clone(&dispenser);
        let read = move || {
            let mut read = 0;
            while let Some((index, start)) = reader.choose(0) {
                read += 1;
                reader.push(index, chunk(start).filter(|_| start < 20));
            }
            reader.complete();
            read
        };
        let reading = thread::Builder::new().spawn(read).unwrap();
        let mut taken = 0;
        loop {
            match next(&dispenser, taken % 2) {
                Poll::Ready(Next::Chunk(ticket)) => {
                    taken += 1;
                    let chunk = (ticket.partition, ticket.sequence);
                    dispenser.publish(chunk, 0, 1, 1);
                    let position = dispenser.partitions()[0].bytes;
                    assert!(position <= taken as u64 + 2, "two chunks wait at most");
                }
                Poll::Ready(Next::End) => break,
                _ => thread::yield_now(),
            }
        }
        (reading.join().unwrap(), taken)
    });
    assert_eq!(read, (21, 20));
}

#[test]
fn stopping_releases_the_reader_and_the_instances() {
    let chosen = within(|| {
        let dispenser = Arc::new(listed(1, 1));
        dispenser.push(0, chunk(0));
        let reader = Arc::clone(&dispenser);
        let blocked = thread::Builder::new().spawn(move || reader.choose(0)).unwrap();
        let (wakes, waker) = Wakes::new();
        let ticket = take(&dispenser, 0);
        assert!(dispenser.poll_next(0, &mut Context::from_waker(&waker)).is_pending());
        dispenser.push(0, chunk(1));
        dispenser.stop();
        assert!(wakes.count() > 0);
        assert!(matches!(next(&dispenser, 0), Poll::Ready(Next::Stopped)), "chunk 1 is not read");
        dispenser.publish(ticket, 5, 1, 1);
        assert_eq!(before(&dispenser, 0, ticket), Poll::Ready(WATERMARK_NONE), "but chunk 0 is");
        let first = blocked.join().unwrap();
        (first, dispenser.choose(0))
    });
    assert!(matches!(chosen, (None | Some((0, _)), None)));
}

#[test]
fn bytes_are_those_of_the_positions_unless_the_reader_counts_them() {
    let dispenser = listed(1, 2);
    for start in 0..3 {
        dispenser.push(0, chunk(start));
        dispenser.count_bytes(1, 40 + start);
        dispenser.push(1, chunk(start));
    }
    let bytes: Vec<u64> = dispenser.partitions().iter().map(|partition| partition.bytes).collect();
    assert_eq!(bytes, [3, 42]);
}
