//! Tables of an ablation: what is in them, and in which order.

use super::*;
use crate::policy::{Placement, Scope};

fn rows_of(ablation: &Ablation) -> Vec<Row> {
    let mut rows = Vec::new();
    ablation.run(|row| rows.push(row)).expect("machines and graphs");
    rows
}

/// Every part that can be chosen is chosen in some row.
#[test]
fn every_policy_is_in_the_tables() {
    let names: Vec<String> = Contender::all().into_iter().map(|one| one.name).collect();
    let has = |name: String| assert!(names.contains(&name), "{name}");
    for victims in Victims::ALL {
        if matches!(victims, Victims::Periodic { .. }) {
            has(Standard::periodic(1_000_000).name());
            continue;
        }
        for scope in [Scope::Blind, Scope::Aware] {
            has(Standard::of(victims, scope).name());
        }
    }
    for placement in Placement::ALL {
        has(Standard { placement, ..Standard::default() }.name());
    }
    has(Standard { reach: Reach::Threshold, ..Standard::default() }.name());
    for threshold in [0, 1, 4, 16] {
        has(format!("{} threshold={threshold}", Standard::default().name()));
    }
    let turns: Vec<Interleaving> =
        Contender::interleavings(true).into_iter().map(|one| one.interleaving).collect();
    assert_eq!(turns, Interleaving::ALL);
}

#[test]
fn the_same_comes_out_whatever_the_number_of_threads() {
    let on = |threads| Ablation {
        machines: vec!["1x2".into(), "2x2".into()],
        graphs: vec!["bag:200/N".into(), "pair:100/N".into(), "rounds:60/N".into()],
        threads,
        ..Ablation::default()
    };
    let one = rows_json(&rows_of(&on(1)));
    for threads in [0, 2, 3, 16] {
        assert_eq!(rows_json(&rows_of(&on(threads))), one, "{threads} threads");
    }
}

#[test]
fn it_is_said_how_far_it_is() {
    let ablation = Ablation {
        machines: vec!["1x2".into()],
        graphs: vec!["bag:200/N".into(), "pair:100/N".into()],
        threads: 2,
        ..Ablation::default()
    };
    let mut seen: Vec<Progress> = Vec::new();
    ablation.watched(|_| (), |progress| seen.push(progress.clone())).expect("it runs");
    assert!(seen.iter().any(|one| one.to_string().starts_with("1 of 2: 1x2, bag:200/1x2; 0:")));
    assert!(seen.windows(2).all(|two| two[0].done <= two[1].done && two[0].table <= two[1].table));
    assert!(seen.iter().all(|one| one.tables == 2 && (0.0..=1.0).contains(&one.done)));
}

#[test]
fn what_is_wrong_is_said_before_anything_runs() {
    let ablation = Ablation {
        machines: vec!["1x2".into()],
        graphs: vec!["bag:200/N".into(), "bush:3".into()],
        ..Ablation::default()
    };
    let mut rows = 0;
    assert!(matches!(ablation.run(|_| rows += 1), Err(AblationError::Graph(_))));
    assert_eq!(rows, 0);
}

#[test]
fn tables_name_every_row() {
    let ablation = Ablation {
        machines: vec!["2x2".into()],
        graphs: vec!["bag:200/N".into(), "pair:100/N".into()],
        ..Ablation::default()
    };
    let mut rows = Vec::new();
    ablation.run(|row| rows.push(row)).unwrap();
    let (text, json) = (rows_text(&rows), rows_json(&rows));
    let of_role = |role| rows.iter().filter(|row| row.role == role).count();
    assert_eq!(
        [Role::Default, Role::Learnt, Role::Tuned, Role::BestFixed].map(of_role),
        [1, 3, 1, 1]
    );
    assert_eq!(of_role(Role::Contender), Contender::all().len() - 1 + Interleaving::ALL.len());
    for row in &rows {
        assert!(text.contains(&row.policy), "{}", row.policy);
        assert!(json.contains(&format!("\"policy\":\"{}\"", row.policy)));
    }
    assert_eq!(json.matches("\"graph\":\"bag:200/2x2\"").count(), Contender::all().len() + 5);
    let wrong = Ablation { machines: vec!["0x0".into()], ..ablation };
    assert!(wrong.run(|_| ()).is_err());
}

#[test]
fn tuning_finds_what_a_fixed_setting_finds() {
    let ablation = Ablation {
        machines: vec!["1x2".into(), "1x16".into()],
        graphs: vec!["arrivals:2000/N".into(), "rounds:2000/N".into()],
        ..Ablation::default()
    };
    let mut rows = Vec::new();
    ablation.run(|row| rows.push(row)).unwrap();
    let tunings = tunings(&rows);
    assert_eq!(
        tunings.iter().map(|one| one.is_open).collect::<Vec<_>>(),
        [true, false, true, false]
    );
    assert!(tunings.iter().all(|tuning| tuning.of_best > 0.95), "{tunings:?}");
    // Tasks that come one by one are begun sooner by workers that wait for longer; so are those of loops, which two workers gain little by.
    let gains = tunings.iter().map(|tuning| tuning.of_default);
    for (gain, least) in gains.zip([1.2, 1.05, 1.2, 1.4]) {
        assert!(gain > least, "{tunings:?}");
    }
    let text = rows_text(&rows);
    let line = text.lines().find(|line| line.contains("makespan, tuned, of the default"));
    assert!(line.is_some_and(|line| line.starts_with("met") && line.ends_with("1x16, rounds:2000/1x16")), "{text}");
}
