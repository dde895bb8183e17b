//! Windows over event time, and the panes they are made of.

use crate::time::EventTime;

/// Fixed-size windows: tumbling where `slide == size`, hopping otherwise.
///
/// Window `k` covers `[k * slide, k * slide + size)` for every integer `k`, in microseconds since
/// the epoch. Where `slide > size` some instants belong to no window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Windows {
    size: i64,
    slide: i64,
}

impl Windows {
    /// Hopping windows of `size` that start every `slide`, both in microseconds.
    ///
    /// # Panics
    /// Unless both are positive; the planner has checked them.
    pub fn new(size: i64, slide: i64) -> Self {
        assert!(size > 0, "a window has a size");
        assert!(slide > 0, "windows move on");
        Self { size, slide }
    }

    /// Length of a window in microseconds.
    pub fn size(&self) -> i64 {
        self.size
    }

    /// Distance between the starts of two windows in microseconds.
    pub fn slide(&self) -> i64 {
        self.slide
    }

    /// Length of a pane: the largest step that divides both window starts and window ends, so that
    /// every window is a whole number of panes.
    pub fn pane(&self) -> i64 {
        let (mut a, mut b) = (self.size, self.slide);
        while b != 0 {
            (a, b) = (b, a % b);
        }
        a
    }

    /// Start of the pane that holds `time`; `None` where it would lie before the range of time.
    pub fn pane_start(&self, time: EventTime) -> Option<EventTime> {
        let pane = self.pane();
        time.div_euclid(pane).checked_mul(pane)
    }

    /// Starts of the windows that hold `time`, earliest first: the multiples of `slide` in
    /// `(time - size, time]`. Empty where windows have gaps. Windows that would leave the range of
    /// time do not exist.
    pub fn starts(&self, time: EventTime) -> impl Iterator<Item = EventTime> + use<> {
        self.starts_from(time, EventTime::MIN)
    }

    /// Those of [`Windows::starts`] that are not before `from`, without stepping through the
    /// others.
    pub fn starts_from(
        &self,
        time: EventTime,
        from: EventTime,
    ) -> impl Iterator<Item = EventTime> + use<> {
        let Self { size, slide } = *self;
        let holding = time.checked_sub(size).map_or(EventTime::MIN, |before| before + 1);
        let earliest = holding.max(from);
        let first = earliest.div_euclid(slide) + i64::from(earliest.rem_euclid(slide) != 0);
        let last = time.div_euclid(slide);
        (first..=last)
            .filter_map(move |k| k.checked_mul(slide))
            .filter(move |start| start.checked_add(size).is_some_and(|end| end > time))
    }

    /// The earliest instant at which a window may start that is not complete under watermark
    /// `under`.
    pub fn first_open(&self, under: EventTime) -> EventTime {
        under.checked_sub(self.size).map_or(EventTime::MIN, |complete| complete + 1)
    }

    /// End of the window that starts at `start`.
    pub fn end(&self, start: EventTime) -> EventTime {
        start.saturating_add(self.size)
    }
}
