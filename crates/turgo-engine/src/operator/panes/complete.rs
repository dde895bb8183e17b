//! Which windows are complete, and the groups in them.
//!
//! Windows leave in order of their end. A window of one pane takes that pane; one of several sums
//! copies of their states, since most of its panes also lie in the next window. A cumulating window
//! is the beginning of the next one, so it comes back as one pane when it has been read. Sessions are
//! in [`super::session`].

use super::{Pane, PaneKey, PaneStore, Shown};
use crate::error::Result;
use crate::graph::Panes;
use crate::time::EventTime;
use crate::window::Windows;

/// Groups that are complete, and their windows.
#[derive(Debug)]
pub(in crate::operator) struct Complete {
    pub(in crate::operator) pane: Pane,
    pub(in crate::operator) groups: Groups,
}

/// Which groups of a pane are complete. A window is its start and its end.
#[derive(Debug)]
pub(in crate::operator) enum Groups {
    /// All, for the input has ended.
    Whole,
    /// All, in one window.
    Window(EventTime, EventTime),
    /// Some, each in a window of its own.
    Sessions(Vec<(u32, (EventTime, EventTime))>),
}

impl PaneStore {
    /// Takes the earliest window that is complete under `watermark`, in order of window end; of
    /// sessions, those that end in the earliest bucket.
    ///
    /// # Errors
    /// Those of the aggregate functions' merge.
    pub(in crate::operator) fn take_complete(
        &mut self,
        watermark: EventTime,
    ) -> Result<Option<Complete>> {
        let complete = match self.aggregate.panes {
            Panes::Whole => None,
            Panes::Time { windows, .. } => self.take_window(&windows, watermark)?,
            Panes::Session { sessions, .. } => self.take_sessions(&sessions, watermark)?,
            Panes::Attached { .. } => self.take_attached(watermark),
        };
        if complete.is_none() {
            self.emitted = self.emitted.max(watermark);
        }
        Ok(complete)
    }

    /// Takes the groups of the whole input once it has ended. Without key columns there is one
    /// group even where there were no rows.
    ///
    /// # Errors
    /// Those of the aggregate functions.
    pub(in crate::operator) fn take_whole(&mut self) -> Result<Option<Complete>> {
        if self.aggregate.panes != Panes::Whole {
            return Ok(None);
        }
        let mut pane = self.panes.remove(&(0, 0));
        if pane.is_none() && self.aggregate.keys.is_empty() {
            pane = Some(Pane::new(&self.aggregate)?);
        }
        Ok(pane.map(|pane| Complete { pane, groups: Groups::Whole }))
    }

    fn take_attached(&mut self, watermark: EventTime) -> Option<Complete> {
        debug_assert!(matches!(self.aggregate.panes, Panes::Attached { .. }));
        let entry = self.panes.first_entry().filter(|entry| entry.key().0 <= watermark)?;
        let (end, start) = *entry.key();
        Some(Complete { pane: entry.remove(), groups: Groups::Window(start, end) })
    }

    fn take_window(&mut self, windows: &Windows, watermark: EventTime) -> Result<Option<Complete>> {
        let Some(end) = self.next_window(windows).filter(|end| *end <= watermark) else {
            return Ok(None);
        };
        let start = windows.start(end);
        let parts = self.panes.range((start, i64::MIN)..(end, i64::MIN));
        let parts: Vec<_> = parts.map(|(key, _)| *key).filter(|key| key.1 <= end).collect();
        self.emitted = end;
        let pane = match parts[..] {
            [only] if windows.cumulates() || windows.ends_after(only.0, end).next().is_none() => {
                self.panes.remove(&only).expect("it was found in the map")
            }
            _ => self.merged(&parts)?,
        };
        if windows.cumulates() {
            parts.iter().for_each(|part| drop(self.panes.remove(part)));
        }
        self.drop_finished(windows);
        Ok(Some(Complete { pane, groups: Groups::Window(start, end) }))
    }

    /// Takes back a window that has been emitted, where it is the beginning of the next one, and where
    /// it still takes rows.
    ///
    /// # Errors
    /// Those of the aggregate functions' merge.
    pub(in crate::operator) fn keep(&mut self, complete: Complete) -> Result<()> {
        let Groups::Window(start, end) = complete.groups else { return Ok(()) };
        let mut pane = complete.pane;
        let begins_next = match self.aggregate.panes {
            Panes::Time { windows, .. } => {
                windows.cumulates() && windows.ends_after(start, end).next().is_some()
            }
            Panes::Whole | Panes::Session { .. } | Panes::Attached { .. } => false,
        };
        let shown = self.aggregate.lateness > 0 && end > self.closed;
        if shown && begins_next {
            let mut copy = Pane::new(&self.aggregate)?;
            copy.merge_pane(&mut pane, &mut self.groups)?;
            self.shown.insert((end, start), Shown::new(copy));
        }
        if begins_next {
            self.panes.insert((start, end), pane);
        } else if shown {
            self.shown.insert((end, start), Shown::new(pane));
        } else {
            self.spare.keep(pane);
        }
        Ok(())
    }

    /// End of the earliest window not emitted yet that has rows.
    fn next_window(&self, windows: &Windows) -> Option<EventTime> {
        let mut earliest: Option<EventTime> = None;
        for (pane, first) in self.panes.keys() {
            if earliest.is_some_and(|end| *pane >= end) {
                break;
            }
            let next = windows.ends_after(*pane, self.emitted.max(*first - 1)).next();
            earliest = earliest.into_iter().chain(next).min();
        }
        earliest
    }

    /// The sum of several panes, which stay as they are.
    fn merged(&mut self, parts: &[PaneKey]) -> Result<Pane> {
        let mut sum = self.spare.pane(&self.aggregate)?;
        for key in parts {
            let pane = self.panes.get_mut(key).expect("it was found in the map");
            sum.merge_pane(pane, &mut self.groups)?;
        }
        Ok(sum)
    }

    /// Drops the panes of which no window is left (P2); they are in front.
    fn drop_finished(&mut self, windows: &Windows) {
        while let Some(entry) = self.panes.first_entry() {
            if windows.ends_after(entry.key().0, self.emitted).next().is_some() {
                break;
            }
            self.spare.keep(entry.remove());
        }
    }

    /// Drops attached windows complete under `watermark` without looking at them.
    pub(in crate::operator) fn drop_attached(&mut self, watermark: EventTime) {
        if self.aggregate.panes != Panes::Whole {
            while let Some(complete) = self.take_attached(watermark) {
                self.spare.keep(complete.pane);
            }
        }
    }
}
