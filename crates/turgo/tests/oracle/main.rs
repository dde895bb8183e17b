//! Turgo against its oracles, over generated schemas, values, disorder, files and queries.
//!
//! A case is made of a seed. A naive interpreter says what must come out, row by row, with what
//! becomes of each record; a batch engine says the same over the same rows where none is late. A
//! failing case prints its seed; `TURGO_ORACLE_SEED` replays it and `TURGO_ORACLE_CASES` sets how
//! many are tried.

mod aggregate;
mod batch;
mod columns;
mod compare;
mod encode;
mod evaluate;
mod generate;
mod model;
mod naive;
mod parquet;
mod query;
mod random;
mod reach;
mod run;
mod script;
mod sql;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::model::{Case, Emit, Verdict};
use crate::query::Pace;

/// Cases that are tried where `TURGO_ORACLE_CASES` does not say: what a debug build does in well
/// under a minute.
const CASES: u64 = 400;

/// The seeds to try.
fn seeds() -> Vec<u64> {
    let number = |name: &str| {
        let text = std::env::var(name).ok()?;
        Some(text.parse::<u64>().unwrap_or_else(|_| panic!("{name} is not a number: {text}")))
    };
    match number("TURGO_ORACLE_SEED") {
        Some(seed) => vec![seed],
        None => (0..number("TURGO_ORACLE_CASES").unwrap_or(CASES)).collect(),
    }
}

/// Tries `check` on each case and reports all failing seeds with how to replay them.
fn for_each_case(name: &str, check: impl Fn(&Case) -> Result<(), String>) {
    let mut failures = Vec::new();
    for seed in seeds() {
        let case = generate::case(seed);
        let checked = catch_unwind(AssertUnwindSafe(|| check(&case)));
        let checked = checked.unwrap_or_else(|_| Err("it panicked, see above".into()));
        if let Err(problem) = checked {
            let script = sql::turgo_script(&case, "DIR").join(";\n");
            eprintln!(
                "--- TURGO_ORACLE_SEED={seed} cargo test -p turgo --test oracle {name}\n{script};\n\
                 {problem}\n"
            );
            failures.push(seed);
        }
    }
    assert!(failures.is_empty(), "{} failing seeds: {failures:?}", failures.len());
}

/// The two oracles agree wherever both can speak.
#[test]
fn the_interpreter_and_the_batch_engine_agree() {
    for_each_case("the_interpreter_and_the_batch_engine_agree", |case| {
        if !batch::understands(case) {
            return Ok(());
        }
        let verdict = naive::interpret(case);
        let batch = batch::answer(case);
        match (&verdict, &batch) {
            // A batch engine does not know bad rows, nor that a window needs a time.
            (Verdict::Fails(_), _) => Ok(()),
            (Verdict::Answers { answer, .. }, _)
                if answer.scans.iter().any(|scan| scan.late + scan.late_partial > 0) =>
            {
                Ok(())
            }
            (Verdict::Answers { answer, .. }, Ok(rows)) => {
                let nothing = answer.rows.is_empty() && case.emit == Emit::Changes;
                if nothing { Ok(()) } else { compare::same_rows(&answer.rows, rows) }
            }
            (Verdict::Answers { .. }, Err(error)) => {
                Err(format!("{error}\n{}", batch::script(case).join(";\n")))
            }
        }
    });
}

/// Turgo answers as the interpreter says, and accounts for each record as it says, whatever the
/// number of workers, the size of batches, chunks and edges, and the cut of files.
#[test]
fn turgo_answers_as_the_interpreter_says() {
    for_each_case("turgo_answers_as_the_interpreter_says", |case| {
        let verdict = naive::interpret(case);
        let prepared = run::prepare(case)?;
        let setups = run::setups(case);
        setups.iter().try_for_each(|setup| prepared.check(*setup, &verdict))?;
        let Verdict::Answers { answer, .. } = &verdict else { return Ok(()) };
        if answer.scans.iter().any(|scan| scan.late + scan.late_partial > 0) {
            return Ok(());
        }
        let cut = run::with_files_cut(case);
        run::prepare(&cut)?
            .check(setups[1], &verdict)
            .map_err(|problem| format!("with its files cut in two: {problem}"))
    });
}

/// The same from Parquet in row groups of a few rows, of which those are left unread that have no row
/// for the query.
#[test]
fn turgo_answers_from_parquet_as_the_interpreter_says() {
    for_each_case("turgo_answers_from_parquet_as_the_interpreter_says", |case| {
        let Some(stored) = run::as_parquet(case) else { return Ok(()) };
        let setups = run::setups(&stored);
        let setup = setups[stored.seed as usize % setups.len()];
        run::prepare(&stored)?.check(setup, &naive::interpret(&stored))
    });
}

/// A guard against an oracle that has nothing to say: the cases reach what they are made for.
#[test]
fn the_cases_reach_what_they_are_made_for() {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let total: usize = 1_000;
    for seed in 0..total {
        let case = generate::case(seed as u64);
        let mut note = |what, holds: bool| *seen.entry(what).or_default() += usize::from(holds);
        let shapes = reach::shapes(&case);
        shapes.iter().for_each(|(shape, holds)| note(shape, *holds));
        note("changes", case.emit == Emit::Changes);
        note("changes held back", case.every.is_some());
        note("csv", case.table.format == model::Format::Csv);
        note("no watermark", case.table.bound.is_none());
        let lateness = case.table.lateness > 0;
        note("lateness in a changelog", lateness && case.emit == Emit::Changes);
        note("lateness in windows that are emitted twice", lateness && case.emit != Emit::Changes);
        match naive::interpret(&case) {
            Verdict::Fails(why) => {
                note("fails", true);
                note("overflows", why.contains("does not fit"));
                note("divides by zero", why.ends_with(" 0"));
                note("bad row ends it", why.contains("bad row"));
            }
            Verdict::Answers { answer, .. } => {
                note("answers", true);
                note("some rows", !answer.rows.is_empty());
                note("many rows", answer.rows.len() > 20);
                note("several scans", answer.scans.len() > 1);
                let any =
                    |count: fn(&model::Counts) -> u64| answer.scans.iter().any(|s| count(s) > 0);
                note("late", any(|scan| scan.late));
                let sessions = case.query.windows().iter().any(|w| w.pace == Pace::Session);
                note("late for a session", sessions && any(|scan| scan.late));
                note("letters of late rows", case.table.letters && any(|scan| scan.late));
                note("late for some", any(|scan| scan.late_partial));
                note("late beyond the lateness", lateness && any(|scan| scan.late));
                note("filtered", any(|scan| scan.filtered));
                note("rejected", any(|scan| scan.rejected));
                let none_late = !any(|scan| scan.late + scan.late_partial);
                note("checked by the batch engine", none_late && !answer.rows.is_empty());
            }
        }
    }
    let rare: Vec<_> = seen.iter().filter(|(_, count)| **count < total / 250).collect();
    assert!(rare.is_empty(), "hardly any case is for {rare:?} of {seen:#?}");
}
