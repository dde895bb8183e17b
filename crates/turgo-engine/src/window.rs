//! Windows over event time, and the panes they are made of.

mod session;

use arrow::datatypes::TimeUnit;

pub use session::Sessions;

use crate::time::EventTime;

/// Windows of fixed lengths, in microseconds since the epoch. A window is known by its end.
///
/// | kind       | windows, for all integers `k`                                                    |
/// |------------|----------------------------------------------------------------------------------|
/// | tumbling   | `[k * size, (k + 1) * size)`                                                       |
/// | hopping    | `[k * slide, k * slide + size)`; with gaps where `slide > size`                    |
/// | cumulating | `[k * size, k * size + j * step)` for `j` from 1 to `size / step`: growing in steps |
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Windows {
    kind: Kind,
    size: i64,
    /// The slide of hopping windows.
    step: i64,
    /// No window starts before this,
    earliest: EventTime,
    /// or ends after this.
    latest: EventTime,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Hop,
    Cumulate,
}

impl Windows {
    /// Tumbling windows of `size` microseconds.
    ///
    /// # Panics
    /// Unless `size` is positive; the planner has checked it.
    pub fn tumble(size: i64) -> Self {
        Self::hop(size, size)
    }

    /// Hopping windows of `size` that start every `slide`, both in microseconds.
    ///
    /// # Panics
    /// Unless both are positive; the planner has checked them.
    pub fn hop(size: i64, slide: i64) -> Self {
        Self::new(Kind::Hop, size, slide)
    }

    /// Windows that grow by `step` up to `size` and start anew, both in microseconds.
    ///
    /// # Panics
    /// Unless both are positive and `size` is a multiple of `step`; the planner has checked it.
    pub fn cumulate(size: i64, step: i64) -> Self {
        let windows = Self::new(Kind::Cumulate, size, step);
        assert!(size % step == 0, "the largest window is a whole number of steps");
        windows
    }

    fn new(kind: Kind, size: i64, step: i64) -> Self {
        assert!(size > 0, "a window has a size");
        assert!(step > 0, "windows move on");
        Self { kind, size, step, earliest: EventTime::MIN, latest: EventTime::MAX }
    }

    /// Those of the windows whose starts and ends a timestamp column of `unit` can hold.
    #[must_use]
    pub fn within(self, unit: TimeUnit) -> Self {
        let (earliest, latest) = times_of(unit);
        Self { earliest, latest, ..self }
    }

    /// Length of a window in microseconds; of cumulating ones, the largest.
    pub fn size(&self) -> i64 {
        self.size
    }

    /// Distance between the ends of two windows in microseconds.
    pub fn step(&self) -> i64 {
        self.step
    }

    /// Whether every instant lies in one window.
    pub fn tumbles(&self) -> bool {
        self.size == self.step
    }

    /// Whether windows start together and grow.
    pub fn cumulates(&self) -> bool {
        self.kind == Kind::Cumulate
    }

    /// Length of a pane: the largest step that divides all window starts and window ends, so that
    /// every window is a whole number of panes.
    pub fn pane(&self) -> i64 {
        let (mut a, mut b) = (self.size, self.step);
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

    /// Ends of the windows that hold `time`, earliest first. Empty where windows have gaps. Windows
    /// that would leave the range of time, or of their column, do not exist.
    pub fn ends(&self, time: EventTime) -> impl Iterator<Item = EventTime> + use<> {
        self.ends_after(time, EventTime::MIN)
    }

    /// Those of [`Windows::ends`] that are later than `after`, without stepping through the others.
    pub fn ends_after(
        &self,
        time: EventTime,
        after: EventTime,
    ) -> impl Iterator<Item = EventTime> + use<> {
        let windows = *self;
        let Self { kind, size, step, .. } = windows;
        let after = after.max(time);
        // Every end is `offset + k * step`.
        let (offset, last) = match kind {
            Kind::Hop => (Some(size), time.div_euclid(step)),
            Kind::Cumulate => (time.div_euclid(size).checked_mul(size), size / step),
        };
        let first = move |offset| after.saturating_sub(offset).div_euclid(step) + 1;
        offset.into_iter().flat_map(move |offset| {
            (first(offset)..=last)
                .filter_map(move |k| k.checked_mul(step)?.checked_add(offset))
                .filter(move |end| *end > after && windows.fits(*end))
        })
    }

    fn fits(&self, end: EventTime) -> bool {
        self.earliest <= self.start(end) && end <= self.latest
    }

    /// Start of the window that ends at `end`.
    pub fn start(&self, end: EventTime) -> EventTime {
        match self.kind {
            Kind::Hop => end - self.size,
            Kind::Cumulate => (end - 1).div_euclid(self.size) * self.size,
        }
    }
}

/// The first and the last instant that a timestamp column of `unit` can hold.
fn times_of(unit: TimeUnit) -> (EventTime, EventTime) {
    match unit {
        TimeUnit::Second | TimeUnit::Millisecond | TimeUnit::Microsecond => {
            (EventTime::MIN, EventTime::MAX)
        }
        TimeUnit::Nanosecond => (i64::MIN / 1_000, i64::MAX / 1_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_that_hold_an_instant_are_found_by_their_ends() {
        let ends = |windows: Windows, time| windows.ends(time).collect::<Vec<_>>();
        assert_eq!(ends(Windows::tumble(10), 0), [10]);
        assert_eq!(ends(Windows::tumble(10), -1), [0]);
        assert_eq!(ends(Windows::hop(10, 4), 9), [10, 14, 18]);
        assert_eq!(ends(Windows::hop(4, 10), 3), [4]);
        assert_eq!(ends(Windows::hop(4, 10), 4), [] as [i64; 0]);
        assert_eq!(ends(Windows::cumulate(12, 4), 0), [4, 8, 12]);
        assert_eq!(ends(Windows::cumulate(12, 4), 4), [8, 12]);
        assert_eq!(ends(Windows::cumulate(12, 4), -1), [0]);
        assert_eq!(ends(Windows::cumulate(12, 4), -12), [-8, -4, 0]);
        let after: Vec<_> = Windows::cumulate(12, 4).ends_after(1, 4).collect();
        assert_eq!(after, [8, 12]);
        let after: Vec<_> = Windows::hop(10, 4).ends_after(9, 13).collect();
        assert_eq!(after, [14, 18]);
    }

    #[test]
    fn an_end_says_where_its_window_starts() {
        assert_eq!(Windows::hop(10, 4).start(14), 4);
        let grown = Windows::cumulate(12, 4);
        assert_eq!([4, 8, 12, 16, 0, -4].map(|end| grown.start(end)), [0, 0, 0, 12, -12, -12]);
    }

    #[test]
    fn windows_that_would_leave_the_range_of_time_do_not_exist() {
        for windows in [Windows::hop(10, 5), Windows::tumble(10), Windows::cumulate(10, 5)] {
            for time in [EventTime::MIN, EventTime::MIN + 3, EventTime::MAX - 3, EventTime::MAX] {
                for end in windows.ends(time) {
                    assert!(windows.start(end) <= time && time < end, "{windows:?} {time} {end}");
                }
            }
        }
    }

    #[test]
    fn windows_that_their_column_cannot_hold_do_not_exist() {
        let last = i64::MAX / 1_000;
        for windows in [Windows::hop(10, 5), Windows::tumble(10), Windows::cumulate(10, 5)] {
            let within = windows.within(TimeUnit::Nanosecond);
            for time in [-last, 3 - last, 20 - last, 0, last - 20, last - 3, last] {
                let holds = |end: &i64| windows.start(*end) >= -last && *end <= last;
                let expected: Vec<_> = windows.ends(time).filter(holds).collect();
                assert_eq!(within.ends(time).collect::<Vec<_>>(), expected, "{windows:?} {time}");
            }
            assert_eq!(within.ends(last).next(), None);
            assert_eq!(within.ends(-last - 1).next(), None);
            assert_eq!(windows.within(TimeUnit::Millisecond), windows);
        }
    }
}
