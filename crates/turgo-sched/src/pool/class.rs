//! Classes of urgency, and how a worker's turns are divided among them.

use turgo_machine::mutant;

use crate::policy::Priority;

/// How many classes there are.
pub(crate) const CLASSES: usize = 3;

/// A queue of a certain urgency. The numbers are places in arrays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    High = 0,
    Normal = 1,
    Background = 2,
}

impl Class {
    pub(super) const ALL: [Self; CLASSES] = [Self::High, Self::Normal, Self::Background];

    /// The order in which queues that hold all classes are looked through in this round: each class comes first in one of eight rounds at least.
    pub(super) fn order(round: u32) -> [Self; CLASSES] {
        let [high, normal, background] = Self::ALL;
        match round % 8 {
            3 => [normal, high, background],
            7 if !mutant!("K3 the background is last outside") => [background, high, normal],
            _ => Self::ALL,
        }
    }

    pub(super) fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl From<Priority> for Class {
    fn from(priority: Priority) -> Self {
        match priority {
            Priority::High => Self::High,
            Priority::Normal => Self::Normal,
            Priority::Background => Self::Background,
        }
    }
}
