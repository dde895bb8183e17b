//! Choosing among things that have no order.

use turgo_machine::mutant;

/// Plays the arm whose reward could be the largest, given how often it was played: UCB1 (Auer, Cesa-Bianchi, Fischer, "Finite-time analysis of the multiarmed bandit
/// problem", Machine Learning 47, 2002), with what was learnt long ago discounted (Garivier, Moulines, "On upper-confidence bound policies for switching bandit
/// problems", ALT 2011), so that it notices when another arm has become the best (B1).
///
/// A reward is anything that is larger if better, and at least 0: it is compared with the largest seen lately. An arm that is not played is not forgotten: its bound grows until it is.
///
/// ```
/// use turgo_sched::tune::Bandit;
/// let mut bandit = Bandit::new(3, 1.0);
/// let rewards = [0.2, 0.9, 0.5];
/// let mut plays = [0; 3];
/// for _ in 0..1000 {
///     let arm = bandit.choose();
///     plays[arm] += 1;
///     bandit.reward(arm, rewards[arm]);
/// }
/// assert!(plays[1] > 850);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Bandit {
    arms: Vec<Arm>,
    discount: f64,
    /// The largest reward lately.
    scale: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Arm {
    plays: f64,
    rewards: f64,
}

impl Bandit {
    /// What a window's discount may be where things change every few hundred windows.
    pub const DISCOUNT: f64 = 0.99;

    /// So many arms, none played yet. What was learnt weighs `discount` times as much with each play: 1 for rewards that never change.
    ///
    /// # Panics
    ///
    /// If there are no arms, or the discount is not above 0 and at most 1.
    #[must_use]
    pub fn new(arms: usize, discount: f64) -> Self {
        assert!(arms > 0, "there is something to choose from");
        assert!(discount > 0.0 && discount <= 1.0, "a discount of {discount}: above 0, at most 1");
        Self { arms: vec![Arm::default(); arms], discount, scale: 0.0 }
    }

    /// The arm to play. O(arms).
    #[must_use]
    pub fn choose(&self) -> usize {
        let plays: f64 = self.arms.iter().map(|arm| arm.plays).sum();
        let bound = |arm: &Arm| {
            if arm.plays < 1e-9 {
                return f64::INFINITY;
            }
            let mean = arm.rewards / arm.plays / self.scale.max(f64::MIN_POSITIVE);
            let doubt = if mutant!("B1 never in doubt") {
                0.0
            } else {
                (2.0 * plays.max(1.0).ln() / arm.plays).sqrt()
            };
            mean + doubt
        };
        // Of equals the first.
        let arms = self.arms.iter().map(bound).enumerate();
        let best = arms.reduce(|best, next| if next.1 > best.1 { next } else { best });
        best.map_or(0, |(arm, _)| arm)
    }

    /// What came of playing an arm. A reward that is no finite number is not counted.
    ///
    /// # Panics
    ///
    /// If there is no such arm.
    pub fn reward(&mut self, arm: usize, reward: f64) {
        assert!(arm < self.arms.len(), "arm {arm} of {}", self.arms.len());
        if !reward.is_finite() {
            return;
        }
        let reward = reward.max(0.0);
        let discount = if mutant!("B1 what is old weighs as much") { 1.0 } else { self.discount };
        for arm in &mut self.arms {
            arm.plays *= discount;
            arm.rewards *= discount;
        }
        self.scale = (self.scale * discount).max(reward);
        self.arms[arm].plays += 1.0;
        self.arms[arm].rewards += reward;
    }

    /// The mean reward of an arm, what is old weighing less; `None` if it was never played.
    #[must_use]
    pub fn mean(&self, arm: usize) -> Option<f64> {
        let arm = self.arms.get(arm)?;
        (arm.plays > 0.0).then(|| arm.rewards / arm.plays)
    }
}
