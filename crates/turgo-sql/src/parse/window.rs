//! Windows, in the ways of writing them: as a table behind FROM ([`table`]), as a function in
//! GROUP BY ([`group`]), and as a clause ([`clause`]), which becomes that function. The first two
//! become a derived table that computes the functions of [`crate::statement::marker`]. And the
//! window over rows that becomes a frame of OVER ([`buffer`]).

pub(super) mod buffer;
pub(super) mod clause;
pub(super) mod group;
pub(super) mod interval;
pub(super) mod table;

use std::ops::Range;

use crate::error::SqlError;
use crate::statement::marker;

/// The kinds of windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Window {
    Tumble,
    Hop,
    Cumulate,
    Session,
}

impl Window {
    fn from_word(word: &str) -> Option<Self> {
        match word.to_ascii_uppercase().as_str() {
            "TUMBLE" => Some(Self::Tumble),
            "HOP" => Some(Self::Hop),
            "CUMULATE" => Some(Self::Cumulate),
            "SESSION" => Some(Self::Session),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Tumble => "TUMBLE",
            Self::Hop => "HOP",
            Self::Cumulate => "CUMULATE",
            Self::Session => "SESSION",
        }
    }

    /// What the marker functions are given to tell it from a hopping window, behind FROM or `grouped`.
    fn marker(self, grouped: bool) -> Option<&'static str> {
        match self {
            Self::Tumble | Self::Hop => None,
            Self::Cumulate => Some(marker::CUMULATE),
            Self::Session if grouped => Some(marker::SESSION_OF_GROUP),
            Self::Session => Some(marker::SESSION),
        }
    }

    /// The names of its arguments behind FROM, in their order.
    fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Tumble => &["DATA", "TIMECOL", "SIZE"],
            Self::Hop => &["DATA", "TIMECOL", "SLIDE", "SIZE"],
            Self::Cumulate => &["DATA", "TIMECOL", "STEP", "SIZE"],
            Self::Session => &["DATA", "TIMECOL", "GAP"],
        }
    }

    /// How it is written behind FROM.
    fn as_table(self) -> &'static str {
        match self {
            Self::Tumble => "TUMBLE(TABLE t, DESCRIPTOR(time_column), INTERVAL '10' SECOND)",
            Self::Hop => {
                "HOP(TABLE t, DESCRIPTOR(time_column), INTERVAL '5' SECOND, INTERVAL '10' SECOND), \
                 first the slide, then the size"
            }
            Self::Cumulate => {
                "CUMULATE(TABLE t, DESCRIPTOR(time_column), INTERVAL '1' HOUR, INTERVAL '1' DAY), \
                 first the step, then the largest size"
            }
            Self::Session => {
                "SESSION(TABLE t PARTITION BY (a, b), DESCRIPTOR(time_column), INTERVAL '10' SECOND)"
            }
        }
    }

    /// How it is written in GROUP BY.
    fn as_group(self) -> &'static str {
        match self {
            Self::Tumble => "TUMBLE(time_column, INTERVAL '10' SECOND)",
            Self::Hop => {
                "HOP(time_column, INTERVAL '5' SECOND, INTERVAL '10' SECOND), first the slide, \
                 then the size"
            }
            Self::Cumulate => {
                "CUMULATE(time_column, INTERVAL '1' HOUR, INTERVAL '1' DAY), first the step, then \
                 the largest size"
            }
            Self::Session => "SESSION(time_column, INTERVAL '10' SECOND)",
        }
    }
}

/// The error for a number of arguments that does not fit.
fn wrong_count(
    window: Window,
    wanted: usize,
    found: usize,
    remedy: &str,
    span: Range<usize>,
) -> SqlError {
    let error = if found == wanted + 1 && window != Window::Session {
        super::not_yet(&format!("the offset of {}", window.name()), span)
    } else {
        let message = format!("{} takes {wanted} arguments, found {found}", window.name());
        SqlError::new(message).at(span)
    };
    error.help(format!("write {remedy}"))
}
