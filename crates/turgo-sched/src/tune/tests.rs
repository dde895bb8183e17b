//! The loop against plants that are made up.

use proptest::prelude::*;

use super::*;
use crate::random::Random;

mod parts;

/// Something with knobs: how many tasks it does per second.
struct Plant<'a> {
    rate: &'a dyn Fn(&[u64], u64) -> f64,
    /// How far a measurement may be off, as a part.
    noise: f64,
    random: Random,
    values: Vec<u64>,
    window: u64,
    changes: Vec<(u64, Change)>,
}

impl<'a> Plant<'a> {
    fn new(rate: &'a dyn Fn(&[u64], u64) -> f64, values: Vec<u64>, noise: f64, seed: u64) -> Self {
        let random = Random::new(seed, 0);
        Self { rate, noise, random, values, window: 0, changes: Vec::new() }
    }

    fn rate(&self) -> f64 {
        (self.rate)(&self.values, self.window)
    }

    /// Runs some windows under a tuner.
    fn run(&mut self, tuner: &mut Tuner, windows: u64) {
        for _ in 0..windows {
            let noise = 1.0 + self.noise * (2.0 * self.random.unit() - 1.0);
            let tasks = (self.rate() * noise) as u64;
            let window =
                Window { length_ns: 1_000_000_000, tasks, queued: 5.0, ..Window::default() };
            if let Some(change) = tuner.step(&window, self.window) {
                let at = tuner.report().knobs.iter().position(|k| k.setting.knob == change.knob);
                let at = at.expect("one of its knobs");
                assert_eq!(self.values[at], change.from, "T2: one at a time");
                self.values[at] = change.to;
                self.changes.push((self.window, change));
            }
            self.window += 1;
        }
    }
}

/// A hill over the logarithm of a knob, 1 at the top. Its foot is flat but not level: from anywhere there is something to be seen.
fn hill(value: u64, top: f64, width: f64) -> f64 {
    let off = ((value as f64).log2() - top) / width;
    1.0 / (1.0 + off * off)
}

const NAMES: [&str; 3] = ["a", "b", "c"];

fn tuner(starts: &[u64]) -> Tuner {
    let setting =
        |(at, &start): (usize, &u64)| Setting::new(Knob::Other(NAMES[at]), 1, start, 1024);
    Tuner::new(starts.iter().enumerate().map(setting).collect(), Config::default())
}

/// The best that fixed values reach.
fn best_fixed(rate: &dyn Fn(&[u64], u64) -> f64, knobs: usize) -> f64 {
    let mut best = 0.0f64;
    for code in 0..11usize.pow(knobs as u32) {
        let values: Vec<u64> =
            (0..knobs as u32).map(|at| 1 << (code / 11usize.pow(at) % 11)).collect();
        best = best.max(rate(&values, 0));
    }
    best
}

/// One to three hills, each over a knob of its own.
fn hills() -> impl Strategy<Value = Vec<(f64, f64, u32)>> {
    proptest::collection::vec((0.0..10.0f64, 1.0..4.0f64, 0..11u32), 1..=3)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn it_comes_close_to_the_best_fixed_setting_and_stays(hills in hills(), seed: u64) {
        let rate = |values: &[u64], _| {
            let hills = values.iter().zip(&hills);
            1e9 * hills.map(|(&value, &(top, width, _))| hill(value, top, width)).product::<f64>()
        };
        let starts: Vec<u64> = hills.iter().map(|&(.., start)| 1 << start).collect();
        let mut tuner = tuner(&starts);
        let mut plant = Plant::new(&rate, starts.clone(), 0.01, seed);
        // Where a knob far off leaves next to nothing to see, the first steps take longest.
        plant.run(&mut tuner, 600);
        // A trial may be under way: what counts is where it rests.
        while tuner.report().phase != Phase::Rest {
            plant.run(&mut tuner, 1);
            prop_assert!(plant.window < 2_000, "T3: it comes to rest");
        }
        let best = best_fixed(&rate, starts.len());
        prop_assert!(plant.rate() >= 0.95 * best, "{} of {}", plant.rate(), best);
        let before = (plant.values.clone(), tuner.report().kept);
        plant.run(&mut tuner, 1_000);
        prop_assert!(tuner.report().kept <= before.1 + 2, "it does not swing");
        prop_assert_eq!(tuner.report().freezes, 0);
    }

    #[test]
    fn noise_alone_changes_nothing(seed: u64) {
        let rate = |_: &[u64], _| 100_000.0;
        let mut tuner = tuner(&[32, 32]);
        let mut plant = Plant::new(&rate, vec![32, 32], 0.03, seed);
        plant.run(&mut tuner, 1_000);
        // A single window shows a gain by chance now and then, several in a row hardly ever do.
        prop_assert!(tuner.report().kept <= 3, "T3: {}", tuner.report());
    }

    #[test]
    fn it_recovers_from_a_shift(first in 0.0..10.0f64, second in 0.0..10.0f64, seed: u64) {
        let rate = |values: &[u64], window: u64| {
            100_000.0 * hill(values[0], if window < 400 { first } else { second }, 2.0)
        };
        let mut tuner = tuner(&[32]);
        let mut plant = Plant::new(&rate, vec![32], 0.01, seed);
        plant.run(&mut tuner, 400);
        plant.run(&mut tuner, 400);
        while tuner.report().phase != Phase::Rest {
            plant.run(&mut tuner, 1);
        }
        let best = best_fixed(&|values, _| rate(values, 400), 1);
        prop_assert!(plant.rate() >= 0.95 * best, "{} of {}", plant.rate(), best);
    }

    #[test]
    fn an_oscillating_plant_freezes_it(period in 4..12u64, seed: u64) {
        // Whatever was just turned to is worse a moment later.
        let rate = |values: &[u64], window: u64| {
            let top = if (window / period).is_multiple_of(2) { 2.0 } else { 8.0 };
            100_000.0 * hill(values[0], top, 3.0)
        };
        let mut tuner = tuner(&[32]);
        let mut plant = Plant::new(&rate, vec![32], 0.0, seed);
        plant.run(&mut tuner, 2_000);
        let report = tuner.report();
        prop_assert!(report.freezes > 0 || report.kept < 20, "T4: {}", report);
    }
}

#[test]
fn a_knob_that_is_turned_back_and_forth_is_left_alone() {
    // The tops change places as soon as a change was kept: 1 settling and 3 good windows after it was made.
    let rate = |values: &[u64], window: u64| {
        let top = if (window / 9).is_multiple_of(2) { 1.0 } else { 9.0 };
        100_000.0 * hill(values[0], top, 3.0)
    };
    let mut tuner = tuner(&[32]);
    let mut plant = Plant::new(&rate, vec![32], 0.0, 1);
    while tuner.report().phase != Phase::Frozen {
        plant.run(&mut tuner, 1);
        assert!(plant.window < 5_000, "T4: {}", tuner.report());
    }
    let frozen = plant.window;
    while tuner.report().phase == Phase::Frozen {
        plant.run(&mut tuner, 1);
    }
    assert!(plant.window - frozen >= 10, "T4");
    let during = plant.changes.iter().filter(|(at, _)| *at >= frozen && *at < plant.window);
    assert!(during.clone().all(|(_, change)| change.reason == Reason::Oscillation), "T4");
    assert!(during.count() <= 1, "T4: back to the best, and no more");
}

#[test]
fn switched_off_it_puts_everything_back() {
    let rate =
        |values: &[u64], _: u64| 100_000.0 * hill(values[0], 2.0, 2.0) * hill(values[1], 9.0, 2.0);
    let mut tuner = tuner(&[64, 16]);
    let mut plant = Plant::new(&rate, vec![64, 16], 0.01, 1);
    plant.run(&mut tuner, 300);
    assert!(plant.values[0] != 64 && plant.values[1] != 16, "it had turned both");
    tuner.switch(false);
    plant.run(&mut tuner, 2);
    assert_eq!(plant.values, [64, 16], "T5");
    let changes = plant.changes.len();
    plant.run(&mut tuner, 200);
    assert_eq!((plant.changes.len(), tuner.report().phase), (changes, Phase::Off), "T5");
    tuner.switch(true);
    plant.run(&mut tuner, 300);
    while tuner.report().phase != Phase::Rest {
        plant.run(&mut tuner, 1);
    }
    assert!(plant.rate() > 90_000.0, "on again it goes on: {}", plant.rate());
}

#[test]
fn it_says_what_it_did_and_why() {
    let rate = |values: &[u64], _: u64| 100_000.0 * hill(values[0], 7.0, 2.0);
    let mut tuner = tuner(&[32]);
    let mut plant = Plant::new(&rate, vec![32], 0.0, 1);
    plant.run(&mut tuner, 100);
    let report = tuner.report();
    let [knob] = report.knobs[..] else { panic!("one knob") };
    let (_, last) = *plant.changes.last().expect("it turned something");
    assert_eq!((knob.setting.value, knob.start, knob.last), (plant.values[0], 32, Some(last)));
    assert_eq!(plant.values[0], 128);
    let text = report.to_string();
    assert!(text.starts_with("Rest: 1 kept") || text.starts_with("Rest: 2 kept"), "{text}");
    assert!(text.contains("(first 32) from"), "{text}");
    assert_eq!(report.signals.queued.value(), Some(5.0));
}

#[test]
fn bounds_are_kept() {
    let rate = |values: &[u64], _: u64| values[0] as f64;
    let mut tuner = Tuner::new(vec![Setting::new(Knob::Grain, 3, 12, 100)], Config::default());
    let mut plant = Plant::new(&rate, vec![12], 0.0, 1);
    plant.run(&mut tuner, 500);
    let within = |(_, change): &(u64, Change)| (3..=100).contains(&change.to);
    assert!(plant.changes.iter().all(within), "T2");
    assert_eq!(plant.values, [96]);
}
