//! Sessions: windows that last while rows follow each other closely, counted in buckets.
//!
//! A session of a key is a longest run of its rows that are not late, in which neighbours in time are
//! at most `gap` apart. It starts with its first row and ends `gap` after its last one. A row is
//! late when its own window, `[t, t + gap)`, has ended under the watermark it was read under.
//!
//! # Buckets
//!
//! Bucket `k` is the time `[k * gap, (k + 1) * gap)`.
//!
//! - B1. Rows of a key in one bucket belong to one session, for they are less than `gap` apart.
//!   So rows are counted in buckets, and only buckets have to be put together.
//! - B2. Under the watermark `w` every row that may still come and is not late has `t + gap > w`, so
//!   none comes for bucket `k` when `w >= (k + 2) * gap - 1`: the bucket is *complete*.
//! - B3. What does not go on in the next bucket has ended: whatever lies behind that bucket is too
//!   far away. So when bucket `k + 1` is complete, bucket `k` is *settled*.
//! - B4. Let `s` be the end of the last complete bucket. Sessions whose buckets are not settled end at
//!   `s` or later, for their last row lies in the last complete bucket or behind it. So `s - 1` is
//!   what the results themselves promise, see [`Sessions::passed_on`].

use arrow::datatypes::TimeUnit;

use crate::time::EventTime;

/// Sessions with a gap in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sessions {
    gap: i64,
    /// No row lies before this,
    earliest: EventTime,
    /// and no session ends after this.
    latest: EventTime,
}

/// A bucket, and when nothing more comes for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bucket {
    /// Its start, or the earliest time of a row where that is later.
    pub(crate) start: EventTime,
    /// Where it ends, exclusive, or where rows end that are in a session.
    pub(crate) end: EventTime,
    /// The watermark under which it is complete (B2).
    pub(crate) complete: EventTime,
}

impl Sessions {
    /// Sessions of rows at most `gap` microseconds apart.
    ///
    /// # Panics
    /// Unless `gap` is positive; the planner has checked it.
    pub fn new(gap: i64) -> Self {
        assert!(gap > 0, "a session lasts beyond its last row");
        Self { gap, earliest: EventTime::MIN, latest: EventTime::MAX }
    }

    /// Those of the sessions whose starts and ends a timestamp column of `unit` can hold.
    #[must_use]
    pub fn within(self, unit: TimeUnit) -> Self {
        let (earliest, latest) = super::times_of(unit);
        Self { earliest, latest, ..self }
    }

    /// The distance in microseconds up to which rows belong together.
    pub fn gap(&self) -> i64 {
        self.gap
    }

    /// End of the session whose last row is at `time`; `None` where it would leave the range of
    /// time, or of its column: such a row is in no session.
    pub fn end(&self, time: EventTime) -> Option<EventTime> {
        let end = time.checked_add(self.gap)?;
        (self.earliest <= time && end <= self.latest).then_some(end)
    }

    /// The bucket that holds `time`, the time of a row that has an [`end`](Sessions::end).
    pub(crate) fn bucket(&self, time: EventTime) -> Bucket {
        let k = i128::from(time.div_euclid(self.gap));
        Bucket {
            start: self.at(k, 0).max(self.earliest),
            end: self.at(k + 1, 0).min((self.latest - self.gap).saturating_add(1)),
            complete: self.at(k + 2, -1),
        }
    }

    /// The watermark under which a bucket is settled that is complete under `complete` (B3).
    pub(crate) fn settled(&self, complete: EventTime) -> EventTime {
        complete.saturating_add(self.gap)
    }

    /// What is promised of the results when the rows have promised `watermark` (B4).
    pub(crate) fn passed_on(&self, watermark: EventTime) -> EventTime {
        let complete = (i128::from(watermark) + 1).div_euclid(i128::from(self.gap)) - 2;
        self.at(complete + 1, -1)
    }

    /// `k * gap + offset`, saturating.
    fn at(&self, k: i128, offset: i128) -> EventTime {
        let time = k * i128::from(self.gap) + offset;
        EventTime::try_from(time).unwrap_or(if time < 0 { EventTime::MIN } else { EventTime::MAX })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_as_long_as_the_gap_on_both_sides_of_zero() {
        let sessions = Sessions::new(10);
        for (time, start, end, complete) in
            [(0, 0, 10, 19), (9, 0, 10, 19), (10, 10, 20, 29), (-1, -10, 0, 9), (-10, -10, 0, 9)]
        {
            assert_eq!(sessions.bucket(time), Bucket { start, end, complete }, "{time}");
        }
    }

    #[test]
    fn a_bucket_is_complete_as_soon_as_all_its_rows_would_be_late() {
        let sessions = Sessions::new(10);
        for time in -25..25 {
            let complete = sessions.bucket(time).complete;
            let late = |under| (time.div_euclid(10) * 10..).take(10).all(|t| t + 10 <= under);
            assert!(late(complete) && !late(complete - 1), "{time} {complete}");
        }
    }

    /// B4, and that no more could be promised.
    #[test]
    fn the_promise_of_results_ends_before_the_earliest_session_that_may_still_come() {
        let sessions = Sessions::new(10);
        for watermark in -50..50 {
            let open =
                |last: &EventTime| sessions.settled(sessions.bucket(*last).complete) > watermark;
            let earliest = (-200..200).filter(open).map(|last| last + 10).min();
            assert_eq!(Some(sessions.passed_on(watermark) + 1), earliest, "{watermark}");
        }
    }

    #[test]
    fn rows_whose_session_would_leave_the_range_of_time_are_in_none() {
        let sessions = Sessions::new(10);
        assert_eq!(sessions.end(EventTime::MAX - 10), Some(EventTime::MAX));
        assert_eq!(sessions.end(EventTime::MAX - 9), None);
        assert_eq!(sessions.end(EventTime::MIN), Some(EventTime::MIN + 10));
        let nanos = sessions.within(TimeUnit::Nanosecond);
        let latest = i64::MAX / 1_000;
        assert_eq!(nanos.end(latest - 10), Some(latest));
        assert_eq!(nanos.end(latest - 9), None);
        assert_eq!(nanos.end(-latest - 1), None);
        for sessions in [sessions, nanos, Sessions::new(i64::MAX), Sessions::new(i64::MAX / 3)] {
            for time in [EventTime::MIN, EventTime::MIN + 3, -latest, -1, 0, latest, EventTime::MAX]
            {
                let _ = sessions.passed_on(time);
                if sessions.end(time).is_none() {
                    continue;
                }
                let bucket = sessions.bucket(time);
                assert!(bucket.start <= time && time < bucket.end, "{sessions:?} {bucket:?}");
                for edge in [bucket.start, bucket.end - 1] {
                    assert!(sessions.end(edge).is_some(), "{sessions:?} {bucket:?}");
                    assert_eq!(sessions.bucket(edge), bucket, "{sessions:?}");
                }
            }
        }
    }
}
