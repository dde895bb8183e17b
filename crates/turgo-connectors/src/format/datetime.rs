//! Dates, times of day and instants as ISO 8601 text, in the proleptic Gregorian calendar.
//!
//! Read: `YYYY-MM-DD`, `HH:MM[:SS[.fff]]`, and both joined by `T` or a space, with `Z`, `±HH`,
//! `±HHMM` or `±HH:MM` at the end of an instant (UTC where absent). Years have four digits, or a sign
//! and four to twelve digits. Written: the same with all seconds and as many fraction digits as the
//! unit has, so that what is written is read back unchanged.

use std::io::Write;

use super::bytes;
use super::number::{OUT_OF_RANGE, Why};

const SECONDS_PER_DAY: i64 = 86_400;
/// Powers of ten, up to the parts of a second that the finest unit has.
const TENS: [i64; 10] =
    [1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000];
const DATE_FORM: Why = "expected YYYY-MM-DD";
const TIME_FORM: Why = "expected HH:MM:SS";
const TIMESTAMP_FORM: Why = "expected YYYY-MM-DD HH:MM:SS";
const NO_SUCH_DAY: Why = "there is no such day";
const NO_SUCH_TIME: Why = "there is no such time of day";
const NO_SUCH_OFFSET: Why = "there is no such offset from UTC";
const TOO_FINE: Why = "its fraction is finer than the column's unit";

/// Days since 1970-01-01.
pub(crate) fn date(text: &str) -> Result<i32, Why> {
    let (days, rest) = date_prefix(text.as_bytes(), DATE_FORM)?;
    if !rest.is_empty() {
        return Err(DATE_FORM);
    }
    i32::try_from(days).map_err(|_| OUT_OF_RANGE)
}

/// Time since midnight in units of which a second has `10^digits`.
pub(crate) fn time(text: &str, digits: u32) -> Result<i64, Why> {
    let (seconds, fraction, rest) = time_prefix(text.as_bytes(), digits, TIME_FORM)?;
    if !rest.is_empty() {
        return Err(TIME_FORM);
    }
    Ok(seconds * 10i64.pow(digits) + fraction)
}

/// Time since 1970-01-01T00:00:00Z in units of which a second has `10^digits`.
pub(crate) fn timestamp(text: &str, digits: u32) -> Result<i64, Why> {
    let (days, rest) = date_prefix(text.as_bytes(), TIMESTAMP_FORM)?;
    let [b'T' | b't' | b' ', rest @ ..] = rest else { return Err(TIMESTAMP_FORM) };
    let (seconds, fraction, rest) = time_prefix(rest, digits, TIMESTAMP_FORM)?;
    let seconds =
        i128::from(days) * i128::from(SECONDS_PER_DAY) + i128::from(seconds - offset(rest)?);
    let value = seconds * 10i128.pow(digits) + i128::from(fraction);
    i64::try_from(value).map_err(|_| OUT_OF_RANGE)
}

/// Reads instants as most files write them, `YYYY-MM-DDTHH:MM:SS[.fff][Z]`, and remembers the minute:
/// the next one is mostly in the same.
#[derive(Debug, Default)]
pub(crate) struct Instants {
    minute: [u8; 17],
    /// Seconds since 1970 at its start.
    start: i64,
}

impl Instants {
    /// What [`timestamp`] would make of `text`; `None` where that has to say.
    #[inline]
    pub(crate) fn read(&mut self, text: &[u8], digits: u32) -> Option<i64> {
        let text = text.strip_suffix(b"Z").unwrap_or(text);
        let (minute, rest) = text.split_first_chunk::<17>()?;
        let (second, fraction) = match rest {
            [_, _, b'.', _, _, _] if digits >= 3 => {
                let (second, thousandths) = thousandths(*text.last_chunk()?)?;
                (second, thousandths * TENS[digits as usize - 3])
            }
            [s1, s2, rest @ ..] => {
                let fraction = match rest {
                    [] => 0,
                    [b'.', rest @ ..] if (1..=digits as usize).contains(&rest.len()) => {
                        checked_number(rest)? * TENS[digits as usize - rest.len()]
                    }
                    _ => return None,
                };
                (two_digits(*s1, *s2)?, fraction)
            }
            _ => return None,
        };
        if second >= 60 {
            return None;
        }
        if *minute != self.minute {
            (self.minute, self.start) = (*minute, start_of_minute(minute)?);
        }
        (self.start + second).checked_mul(TENS[digits as usize])?.checked_add(fraction)
    }
}

/// The seconds and thousandths of `??SS?fff`, whose other bytes are known.
#[inline]
fn thousandths(text: [u8; 8]) -> Option<(i64, i64)> {
    const DIGITS: u64 = u64::from_le_bytes([0, 0, 0xff, 0xff, 0, 0xff, 0xff, 0xff]);
    const ZEROS: u64 = u64::from_le_bytes([b'0'; 8]);
    let digits = u64::from_le_bytes(text) & DIGITS | ZEROS & !DIGITS;
    let number = bytes::eight_digits(digits.to_le_bytes())? as i64;
    Some((number / 10_000, number % 10_000))
}

/// Seconds since 1970 of `YYYY-MM-DDTHH:MM:`.
fn start_of_minute(text: &[u8; 17]) -> Option<i64> {
    let (days, rest) = date_prefix(text, TIMESTAMP_FORM).ok()?;
    let [b'T' | b't' | b' ', h1, h2, b':', m1, m2, b':'] = rest else { return None };
    let (hour, minute) = (two_digits(*h1, *h2)?, two_digits(*m1, *m2)?);
    let exists = hour < 24 && minute < 60;
    exists.then_some(days * SECONDS_PER_DAY + hour * 3600 + minute * 60)
}

/// Appends a date.
pub(crate) fn write_date(days: i64, out: &mut Vec<u8>) {
    let (year, month, day) = civil_from_days(days);
    let written = match year {
        0..=9999 => write!(out, "{year:04}-{month:02}-{day:02}"),
        _ => write!(out, "{year:+05}-{month:02}-{day:02}"),
    };
    written.expect("a Vec takes every byte");
}

/// Appends a time of day.
pub(crate) fn write_time(value: i64, digits: u32, out: &mut Vec<u8>) {
    let per_second = 10i64.pow(digits);
    let (seconds, fraction) = (value.div_euclid(per_second), value.rem_euclid(per_second));
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let written = match digits {
        0 => write!(out, "{hour:02}:{minute:02}:{second:02}"),
        _ => {
            let width = digits as usize;
            write!(out, "{hour:02}:{minute:02}:{second:02}.{fraction:0width$}")
        }
    };
    written.expect("a Vec takes every byte");
}

/// Appends an instant, with `Z` where `zone`.
pub(crate) fn write_timestamp(value: i64, digits: u32, zone: bool, out: &mut Vec<u8>) {
    let per_day = SECONDS_PER_DAY * 10i64.pow(digits);
    write_date(value.div_euclid(per_day), out);
    out.push(b'T');
    write_time(value.rem_euclid(per_day), digits, out);
    if zone {
        out.push(b'Z');
    }
}

/// A date at the start of `text` as days since 1970, and what follows it.
fn date_prefix(text: &[u8], form: Why) -> Result<(i64, &[u8]), Why> {
    let (sign, rest) = match text {
        [b'-', rest @ ..] => (-1, rest),
        [b'+', rest @ ..] => (1, rest),
        _ => (1, text),
    };
    let signed = rest.len() != text.len();
    let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if length < 4 || length > if signed { 12 } else { 4 } {
        return Err(form);
    }
    let year = sign * number(&rest[..length]);
    let [b'-', m1, m2, b'-', d1, d2, rest @ ..] = &rest[length..] else { return Err(form) };
    let month = two_digits(*m1, *m2).ok_or(form)?;
    let day = two_digits(*d1, *d2).ok_or(form)?;
    if !(1..=12).contains(&month) || day < 1 || day > days_in_month(year, month) {
        return Err(NO_SUCH_DAY);
    }
    Ok((days_from_civil(year, month, day), rest))
}

/// A time of day at the start of `text`: its seconds, its fraction in units, and what follows.
fn time_prefix(text: &[u8], digits: u32, form: Why) -> Result<(i64, i64, &[u8]), Why> {
    let [h1, h2, b':', m1, m2, rest @ ..] = text else { return Err(form) };
    let hour = two_digits(*h1, *h2).ok_or(form)?;
    let minute = two_digits(*m1, *m2).ok_or(form)?;
    let (second, fraction, rest) = match rest {
        [b':', s1, s2, rest @ ..] => {
            let second = two_digits(*s1, *s2).ok_or(form)?;
            let (fraction, rest) = fraction(rest, digits, form)?;
            (second, fraction, rest)
        }
        _ => (0, 0, rest),
    };
    if hour > 23 || minute > 59 || second > 59 {
        return Err(NO_SUCH_TIME);
    }
    Ok((hour * 3600 + minute * 60 + second, fraction, rest))
}

/// `.fff` at the start of `text`, in units of `10^-digits`; finer digits must be zeros.
fn fraction(text: &[u8], digits: u32, form: Why) -> Result<(i64, &[u8]), Why> {
    let [b'.', text @ ..] = text else { return Ok((0, text)) };
    let length = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (all, rest) = text.split_at(length);
    if all.is_empty() {
        return Err(form);
    }
    let (kept, finer) = all.split_at(length.min(digits as usize));
    if finer.iter().any(|digit| *digit != b'0') {
        return Err(TOO_FINE);
    }
    Ok((number(kept) * 10i64.pow(digits - kept.len() as u32), rest))
}

/// The seconds by which local time is ahead of UTC.
fn offset(text: &[u8]) -> Result<i64, Why> {
    let (sign, rest) = match text {
        [] | [b'Z' | b'z'] => return Ok(0),
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return Err(TIMESTAMP_FORM),
    };
    let (hours, minutes) = match rest {
        [h1, h2] => (two_digits(*h1, *h2), Some(0)),
        [h1, h2, m1, m2] | [h1, h2, b':', m1, m2] => (two_digits(*h1, *h2), two_digits(*m1, *m2)),
        _ => return Err(TIMESTAMP_FORM),
    };
    match (hours, minutes) {
        (Some(hours @ ..=23), Some(minutes @ ..=59)) => Ok(sign * (hours * 3600 + minutes * 60)),
        _ => Err(NO_SUCH_OFFSET),
    }
}

fn two_digits(tens: u8, ones: u8) -> Option<i64> {
    let digits = tens.is_ascii_digit() && ones.is_ascii_digit();
    digits.then(|| i64::from(tens - b'0') * 10 + i64::from(ones - b'0'))
}

/// The value of at most eighteen digits; `None` where one is something else.
#[inline]
fn checked_number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0, |value, digit| {
        digit.is_ascii_digit().then(|| value * 10 + i64::from(digit - b'0'))
    })
}

/// The value of at most eighteen digits.
fn number(digits: &[u8]) -> i64 {
    digits.iter().fold(0, |value, digit| value * 10 + i64::from(digit - b'0'))
}

fn days_in_month(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01. Years are counted from March, so that the leap day is the last of its
/// year, in eras of 400 years (146 097 days).
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The inverse of [`days_from_civil`]: year, month, day.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(value: i64, digits: u32) -> String {
        let mut out = Vec::new();
        write_timestamp(value, digits, false, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_day_of_eight_centuries_is_read_back() {
        for days in -150_000..150_000 {
            let mut out = Vec::new();
            write_date(days, &mut out);
            assert_eq!(date(std::str::from_utf8(&out).unwrap()).map(i64::from), Ok(days));
        }
    }

    #[test]
    fn timestamps_at_the_ends_of_every_unit_are_read_back() {
        for digits in [0, 3, 6, 9] {
            for value in [i64::MIN, i64::MIN + 1, -1, 0, 1, 951_782_400_123, i64::MAX] {
                let text = written(value, digits);
                assert_eq!(timestamp(&text, digits), Ok(value), "{text}");
            }
        }
        assert_eq!(written(1_705_312_800_000, 3), "2024-01-15T10:00:00.000");
    }

    #[test]
    fn instants_are_read_in_their_forms() {
        let at = 1_705_312_800_000;
        for text in [
            "2024-01-15T10:00:00",
            "2024-01-15 10:00:00",
            "2024-01-15 10:00",
            "2024-01-15T10:00:00.000000000000Z",
            "2024-01-15T11:00:00+01:00",
            "2024-01-15T04:30:00-0530",
            "2024-01-15t10:00:00z",
            "+2024-01-15 12:00:00.0+02",
        ] {
            assert_eq!(timestamp(text, 3), Ok(at), "{text}");
        }
        assert_eq!(timestamp("2024-01-15T10:00:00.12", 3), Ok(at + 120));
    }

    #[test]
    fn the_usual_form_is_read_as_every_form_is() {
        let mut instants = Instants::default();
        let mut read = 0;
        for day in
            ["2024-01-15", "2024-02-29", "2023-02-29", "1969-12-31", "9999-12-31", "+2024-01-1"]
        {
            for time in ["T00:00:00", " 23:59:59", "t10:20:30", "T24:00:00", "T10:60:00", "T10:00"]
            {
                for fraction in ["", ".1", ".123", ".1230", ".123456789", ".", ".1x"] {
                    for zone in ["", "Z", "z", "+01:00", "ZZ"] {
                        let text = format!("{day}{time}{fraction}{zone}");
                        for digits in [0, 3, 6, 9] {
                            if let Some(value) = instants.read(text.as_bytes(), digits) {
                                assert_eq!(timestamp(&text, digits), Ok(value), "{text}");
                                read += 1;
                            }
                        }
                    }
                }
            }
        }
        assert!(read > 200, "{read}");
    }

    #[test]
    fn a_remembered_minute_excuses_nothing() {
        let good = "2024-01-15T10:07:21.250Z";
        for at in 0..good.len() {
            for byte in b"0123456789x:.Tt Z" {
                let mut text = good.as_bytes().to_vec();
                text[at] = *byte;
                let mut instants = Instants::default();
                assert!(instants.read(good.as_bytes(), 3).is_some());
                if let Some(value) = instants.read(&text, 3) {
                    let text = std::str::from_utf8(&text).unwrap();
                    assert_eq!(timestamp(text, 3), Ok(value), "{text}");
                }
            }
        }
    }

    #[test]
    fn what_does_not_exist_is_refused() {
        for (text, why) in [
            ("2024-01-15", TIMESTAMP_FORM),
            ("2024-01-15T10:00:00.", TIMESTAMP_FORM),
            ("2024-01-15T10:00:00 UTC", TIMESTAMP_FORM),
            ("2023-02-29 00:00:00", NO_SUCH_DAY),
            ("1900-02-29 00:00:00", NO_SUCH_DAY),
            ("2024-13-01 00:00:00", NO_SUCH_DAY),
            ("2024-01-15 24:00:00", NO_SUCH_TIME),
            ("2024-01-15 23:59:60", NO_SUCH_TIME),
            ("2024-01-15 10:00:00+24:00", NO_SUCH_OFFSET),
            ("2024-01-15 10:00:00.0001", TOO_FINE),
            ("+999999999999-01-01 00:00:00", OUT_OF_RANGE),
        ] {
            assert_eq!(timestamp(text, 3), Err(why), "{text}");
        }
        assert_eq!(date("2024-1-5"), Err(DATE_FORM));
        assert_eq!(time("10:00:00.5", 0), Err(TOO_FINE));
        assert_eq!(time("10:00:00.5", 3), Ok(36_000_500));
    }
}
