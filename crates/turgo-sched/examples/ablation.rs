//! Every policy on the same graphs; `ablation 1x16,4x16 random:20000/N,tree:20000`, machines and graphs separated by semicolons.

#![cfg(not(any(loom, shuttle)))]

use std::io::IsTerminal;

use turgo_sched::sim::{Ablation, Costs, Teller, rows_text, targets};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut words = std::env::args().skip(1).filter(|word| !word.starts_with("--"));
    let mut ablation = Ablation::default();
    let list = |word: String| word.split(';').map(ToString::to_string).collect();
    if let Some(machines) = words.next() {
        ablation.machines = list(machines);
    }
    if let Some(graphs) = words.next() {
        ablation.graphs = list(graphs);
    }
    let mut teller = Teller::new(std::io::stderr().is_terminal());
    let mut rows = Vec::new();
    ablation.watched(
        |row| rows.push(row),
        |progress| {
            if let Some(text) = teller.text(progress) {
                eprint!("{text}");
            }
        },
    )?;
    eprint!("{}", teller.end());
    print!("{}", rows_text(&rows));
    for target in targets(Costs::default(), ablation.seed)? {
        println!("{}", target.line());
    }
    Ok(())
}
