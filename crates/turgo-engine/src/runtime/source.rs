//! The thread that reads a source.

use crate::error::Result;
use crate::graph::Scan;
use crate::io::ReadChunks;
use crate::runtime::checkpoint::{Checkpoint, Checkpoints};
use crate::runtime::dispenser::Dispenser;

/// The first chunk of a partition is small: it shows the time of a file before more of it is read.
const FIRST_CHUNK_BYTES: usize = 64 << 10;

/// Most partitions that are open at once; others are reopened where they stopped.
const OPEN_MAX: usize = 128;

/// Reads all partitions of `scan` to their ends, from where `restore` left them.
///
/// # Errors
/// Those of the source.
pub(crate) fn read(
    scan: &Scan,
    dispenser: &Dispenser,
    chunk_bytes: usize,
    checkpoints: &Checkpoints,
    restore: Option<(&Checkpoint, usize)>,
) -> Result<()> {
    let partitions = scan.source.partitions()?;
    let mut readers: Vec<Option<Box<dyn ReadChunks>>> = partitions.iter().map(|_| None).collect();
    let marks = restore.map_or(&[][..], |(checkpoint, scan)| checkpoint.scan(scan));
    dispenser.list(partitions, marks);
    let many = readers.len() > 1;
    let mut chunks = 0;
    while let Some((index, position)) = dispenser.choose(scan.drift_max) {
        let mut reader = match readers[index].take() {
            Some(reader) => reader,
            None => {
                if readers.iter().flatten().count() >= OPEN_MAX {
                    readers.iter_mut().for_each(|reader| *reader = None);
                }
                scan.source.open(index, position)?
            }
        };
        let first = many && dispenser.is_new(index);
        let bytes = if first { chunk_bytes.min(FIRST_CHUNK_BYTES) } else { chunk_bytes };
        let chunk = reader.next(bytes)?;
        if let Some(bytes) = reader.bytes_read() {
            dispenser.count_bytes(index, bytes);
        }
        if chunk.is_some() {
            readers[index] = Some(reader);
            chunks += 1;
        }
        let read = chunk.is_some();
        dispenser.push(index, chunk);
        if let Some(generation) = checkpoints.due(chunks).filter(|_| read) {
            dispenser.barrier(generation);
        }
    }
    dispenser.complete();
    Ok(())
}
