//! Windows, in the two ways of writing them: as a table behind FROM ([`table`]) and as a function
//! in GROUP BY ([`group`]). Both become a derived table that computes the functions of
//! [`crate::statement::marker`].

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
}

/// The word of a window that is to come.
const LATER: [&str; 1] = ["SESSION"];

impl Window {
    fn from_word(word: &str) -> Option<Self> {
        match word.to_ascii_uppercase().as_str() {
            "TUMBLE" => Some(Self::Tumble),
            "HOP" => Some(Self::Hop),
            "CUMULATE" => Some(Self::Cumulate),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Tumble => "TUMBLE",
            Self::Hop => "HOP",
            Self::Cumulate => "CUMULATE",
        }
    }

    /// What the marker functions are given to tell it from a hopping window.
    fn marker(self) -> Option<&'static str> {
        match self {
            Self::Tumble | Self::Hop => None,
            Self::Cumulate => Some(marker::CUMULATE),
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
    let error = if found == wanted + 1 {
        super::not_yet(&format!("the offset of {}", window.name()), span)
    } else {
        let message = format!("{} takes {wanted} arguments, found {found}", window.name());
        SqlError::new(message).at(span)
    };
    error.help(format!("write {remedy}"))
}
