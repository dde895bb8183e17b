//! A pipeline with backpressure: a plain thread reads, a task of tokio parses, a task of compio stores. The last is the slowest, so the others wait for
//! it, and no more values are on their way than the channels have room for, however many there are.
//!
//! `cargo run --release -p turgo-sync --example pipeline`

#![cfg(not(any(loom, shuttle)))]

use std::error::Error;
use std::time::Duration;

use compio::time::sleep;
use turgo_machine::thread;
use turgo_sync::mpsc::error::TrySendError;
use turgo_sync::mpsc::{Receiver, Sender, channel};

const LINES: u64 = 500;
/// Room between two stages.
const ROOM: usize = 16;
/// How long it takes to store a batch, of any size.
const STORING: Duration = Duration::from_millis(1);

/// What was stored.
struct Stored {
    lines: usize,
    batches: usize,
    /// The most lines that were on their way at once.
    peak: usize,
    sum: u64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let (lines, to_parse) = channel(ROOM);
    let (numbers, to_store) = channel(ROOM);
    let reader = thread::spawn(move || read(&lines));
    let parser = thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        runtime.map(|runtime| runtime.block_on(parse(to_parse, numbers)))
    });
    let stored = compio::runtime::Runtime::new()?.block_on(store(to_store));
    let waited = reader.join().expect("the reader does not panic")?;
    let skipped = parser.join().expect("the parser does not panic")?;

    println!("the reader had to wait for room {waited} times in {LINES} lines");
    println!("the parser skipped {skipped} lines that are no numbers");
    println!(
        "{} lines were stored in {} batches, sum {}",
        stored.lines, stored.batches, stored.sum
    );
    println!("at most {} parsed lines were on their way, with room for {ROOM}", stored.peak);
    assert!(waited > 0, "storing is slower than reading");
    assert_eq!(skipped, LINES / 10);
    assert_eq!(stored.lines as u64 + skipped, LINES, "no line is lost");
    assert_eq!(stored.sum, (0..LINES).filter(|line| line % 10 != 9).sum());
    assert!(stored.peak <= ROOM, "what is on its way is bounded");
    assert!(stored.batches >= stored.lines / ROOM, "a batch is what was there");
    Ok(())
}

/// Sends the lines. Answers how often there was no room.
fn read(lines: &Sender<String>) -> Result<u64, String> {
    let mut waited = 0;
    for number in 0..LINES {
        let line = if number % 10 == 9 { "nine".to_owned() } else { number.to_string() };
        match lines.try_send(line) {
            Ok(()) => {}
            Err(TrySendError::Full(line)) => {
                waited += 1;
                lines.blocking_send(line).map_err(|refused| refused.0)?;
            }
            Err(TrySendError::Closed(line)) => return Err(line),
        }
    }
    Ok(waited)
}

/// Sends the numbers on. Answers how many lines were none. Room comes first: what has been received has a place to go to, also where this is
/// dropped in the middle of a wait.
async fn parse(mut lines: Receiver<String>, numbers: Sender<u64>) -> u64 {
    let mut skipped = 0;
    while let Ok(room) = numbers.reserve().await {
        let Some(line) = lines.recv().await else { break };
        match line.parse() {
            Ok(number) => room.send(number),
            // The room is given back.
            Err(_) => skipped += 1,
        }
    }
    skipped
}

/// Stores what is there, in one batch, and then what has come meanwhile.
async fn store(mut numbers: Receiver<u64>) -> Stored {
    let mut stored = Stored { lines: 0, batches: 0, peak: 0, sum: 0 };
    let mut batch = Vec::with_capacity(ROOM);
    loop {
        stored.peak = stored.peak.max(numbers.len());
        if numbers.recv_many(&mut batch, ROOM).await == 0 {
            return stored;
        }
        sleep(STORING).await;
        stored.lines += batch.len();
        stored.batches += 1;
        stored.sum += batch.drain(..).sum::<u64>();
    }
}

#[test]
fn no_more_is_on_its_way_than_there_is_room_for() {
    main().expect("it runs");
}
