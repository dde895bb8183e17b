//! Signals, the threshold and the bandit.

use super::*;
use crate::policy::Knobs;

#[test]
fn nothing_divided_by_nothing_is_not_known() {
    let window = Window::default();
    let ratios = [
        window.throughput(),
        window.steal_success(),
        window.switch_rate(),
        window.local_ratio(),
        window.hit_ratio(),
        window.latency(),
    ];
    assert_eq!(ratios, [None; 6], "T1");
    let mut signals = Signals::new(0.25);
    signals.note(&Window { steals_tried: 4, steals_won: 1, ..window });
    signals.note(&window);
    assert_eq!(signals.steal_success.value(), Some(0.25), "T1: unchanged");
    let mut threshold = StealThreshold::new(4, 1, 64);
    assert!((0..100).all(|_| threshold.step(&window).is_none()), "T1");
}

#[test]
fn an_average_leaves_zero_and_comes_back() {
    let mut average = Average::new(1.0 / 16.0);
    average.note(Some(0.0));
    for _ in 0..100 {
        average.note(Some(1.0));
    }
    assert!(average.value().is_some_and(|value| value > 0.99), "T8: {average:?}");
    for _ in 0..200 {
        average.note(Some(0.0));
    }
    assert!(average.value().is_some_and(|value| value < 0.01), "T8: {average:?}");
}

#[test]
fn less_offered_is_not_less_done() {
    let mut tuner = tuner(&[32]);
    let idle = Window { length_ns: 1_000_000, tasks: 10, queued: 0.2, ..Window::default() };
    assert!((0..100).all(|at| tuner.step(&idle, at).is_none()), "T7");
    // With a latency there is something to judge, busy or not.
    let settings = vec![Setting::new(Knob::Spin, 1, 32, 64)];
    let objective = Objective::Latency;
    let mut tuner = Tuner::new(settings, Config { objective, ..Config::default() });
    let quick = Window { latency_ns: 500, ..idle };
    assert!((0..10).any(|at| tuner.step(&quick, at).is_some()));
    let both = Objective::Both { target_ns: 500 };
    let busy = Window { queued: 3.0, ..quick };
    assert_eq!(both.score(&busy), busy.throughput().map(|rate| rate / 2.0));
    assert_eq!(both.score(&quick), None, "T7");
}

/// A machine on which steals from afar succeed the more, the higher the threshold is: steals tried and won in a window, and what they cost.
fn steals(threshold: u32, load: f64) -> Window {
    let success = (f64::from(threshold) / load).min(1.0);
    let tried = (10_000.0 / f64::from(threshold)) as u64;
    let won = (tried as f64 * success) as u64;
    Window { steals_tried: tried, steals_won: won, ..Window::default() }
}

#[test]
fn futile_steals_become_fewer() {
    // From either side the threshold comes to where 30 to 70 % succeed, and stays.
    for (start, load) in [(1, 20.0), (64, 20.0), (1, 60.0), (8, 5.0)] {
        let mut threshold = StealThreshold::new(start, 1, 64);
        let mut changes = 0;
        for _ in 0..200 {
            changes += u32::from(threshold.step(&steals(threshold.value(), load)).is_some());
        }
        let window = steals(threshold.value(), load);
        let success = window.steal_success().expect("some were tried");
        assert!((0.3..=0.7).contains(&success), "T6: {success} from {start} under {load}");
        assert!(changes <= 7, "T6: {changes} changes");
    }
}

#[test]
fn knobs_are_those_of_the_pool() {
    let mut knobs = Knobs::default();
    for setting in Setting::of(&Knobs::default()) {
        assert_eq!(setting.knob.get(&knobs), Some(setting.value));
        setting.knob.set(&mut knobs, 77);
        assert_eq!(setting.knob.get(&knobs), Some(77), "{}", setting.knob.name());
    }
    let cache = Knob::Other("cache");
    assert_eq!(cache.get(&knobs), None);
    let before = knobs;
    cache.set(&mut knobs, 5);
    assert_eq!(knobs, before);
    Knob::Grain.set(&mut knobs, u64::MAX);
    assert_eq!(knobs.grain, u32::MAX);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn regret_is_that_of_the_theorem(
        means in proptest::collection::vec(0.0..1.0f64, 2..8), seed: u64,
    ) {
        // Rewards of 0 or 1 with these means.
        let mut random = Random::new(seed, 0);
        let mut bandit = Bandit::new(means.len(), 1.0);
        let best = means.iter().copied().fold(0.0, f64::max);
        let plays = 3_000;
        let mut regret = 0.0;
        for _ in 0..plays {
            let arm = bandit.choose();
            regret += best - means[arm];
            bandit.reward(arm, f64::from(u8::from(random.unit() < means[arm])));
        }
        let gaps = || means.iter().map(|mean| best - mean).filter(|gap| *gap > 0.0);
        let logarithm = f64::from(plays).ln();
        let bound: f64 = gaps().map(|gap| 8.0 * logarithm / gap).sum::<f64>()
            + 4.3 * gaps().sum::<f64>();
        prop_assert!(regret <= bound, "B1: {} > {}", regret, bound);
    }
}

#[test]
fn an_arm_that_was_the_best_for_long_is_left_when_it_is_so_no_more() {
    let mut bandit = Bandit::new(4, Bandit::DISCOUNT);
    let mut late = 0;
    for play in 0..6_000 {
        let arm = bandit.choose();
        let was_best = if play < 5_000 { 1_000.0 } else { 300.0 };
        bandit.reward(arm, [was_best, 600.0, 600.0, 700.0][arm]);
        late += u32::from(play >= 5_500 && arm == 0);
    }
    assert!(late < 200, "B1: {late} of 500");
}

#[test]
fn an_arm_that_has_become_the_best_is_found() {
    let mut bandit = Bandit::new(4, Bandit::DISCOUNT);
    let rewards = |arm: usize, play: usize| {
        let best = if play < 1_000 { 0 } else { 3 };
        if arm == best { 1_000.0 } else { 600.0 }
    };
    let mut late = 0;
    for play in 0..2_000 {
        let arm = bandit.choose();
        bandit.reward(arm, rewards(arm, play));
        late += u32::from(play >= 1_500 && arm == 3);
    }
    assert!(late > 200, "B1: {late} of 500");
    bandit.reward(2, f64::NAN);
    assert!(bandit.mean(2).is_some_and(f64::is_finite));
}
