//! Numbers from text, exactly: a value is represented as it stands or refused.
//!
//! The grammar is `[+-] digits [. digits] [e [+-] digits]` with at least one digit before the
//! exponent; leading zeros are allowed. (JSON is stricter; its scanner has checked that already.)

use arrow::datatypes::i256;

/// What is wrong with a text that should be a number; a clause for the message, perhaps empty.
pub(crate) type Why = &'static str;

/// The text is no number at all.
pub(crate) const NOT_A_NUMBER: Why = "";
/// The number does not fit.
pub(crate) const OUT_OF_RANGE: Why = "it is out of range";
const FRACTION: Why = "it has a fraction";
const TOO_FINE: Why = "it has more fraction digits";

/// An integer: `17`, `-3`, also `1.0` and `1e3`, which are integers written another way.
pub(crate) fn integer<T: TryFrom<i128>>(text: &str) -> Result<T, Why> {
    let value = match text.parse::<i64>() {
        Ok(value) => i128::from(value),
        Err(_) => {
            let number = Number::parse(text)?.scaled(0, 38, FRACTION)?;
            number.fold(0i128, |value, digit| value * 10 + i128::from(digit))
        }
    };
    T::try_from(value).map_err(|_| OUT_OF_RANGE)
}

/// The unscaled value of a `DECIMAL(precision, scale)` of at most 38 digits.
pub(crate) fn decimal128(text: &str, precision: u8, scale: i8) -> Result<i128, Why> {
    let number = Number::parse(text)?.scaled(scale, precision, TOO_FINE)?;
    Ok(number.fold(0i128, |value, digit| value * 10 + i128::from(digit)))
}

/// The unscaled value of a `DECIMAL(precision, scale)` of at most 76 digits.
pub(crate) fn decimal256(text: &str, precision: u8, scale: i8) -> Result<i256, Why> {
    let number = Number::parse(text)?.scaled(scale, precision, TOO_FINE)?;
    let ten = i256::from_i128(10);
    Ok(number.fold(i256::ZERO, |value, digit| {
        value.wrapping_mul(ten).wrapping_add(i256::from_i128(i128::from(digit)))
    }))
}

/// A finite 64-bit float, correctly rounded.
pub(crate) fn float64(text: &str) -> Result<f64, Why> {
    Number::parse(text)?;
    let value: f64 = text.parse().map_err(|_| NOT_A_NUMBER)?;
    if value.is_finite() { Ok(value) } else { Err(OUT_OF_RANGE) }
}

/// A finite 32-bit float, correctly rounded (from the text, not from a 64-bit float).
pub(crate) fn float32(text: &str) -> Result<f32, Why> {
    Number::parse(text)?;
    let value: f32 = text.parse().map_err(|_| NOT_A_NUMBER)?;
    if value.is_finite() { Ok(value) } else { Err(OUT_OF_RANGE) }
}

/// A number taken apart: the digits of `whole` and `fraction`, times ten to the `exponent`.
struct Number<'a> {
    negative: bool,
    whole: &'a [u8],
    fraction: &'a [u8],
    exponent: i64,
}

impl<'a> Number<'a> {
    fn parse(text: &'a str) -> Result<Self, Why> {
        let bytes = text.as_bytes();
        let (negative, bytes) = match bytes.first() {
            Some(b'-') => (true, &bytes[1..]),
            Some(b'+') => (false, &bytes[1..]),
            _ => (false, bytes),
        };
        let (whole, rest) = digits(bytes);
        let (fraction, rest) = match rest.first() {
            Some(b'.') => digits(&rest[1..]),
            _ => (&rest[..0], rest),
        };
        if whole.is_empty() && fraction.is_empty() {
            return Err(NOT_A_NUMBER);
        }
        let exponent = match rest {
            [] => 0,
            [b'e' | b'E', rest @ ..] => exponent(rest)?,
            _ => return Err(NOT_A_NUMBER),
        };
        Ok(Self { negative, whole, fraction, exponent })
    }

    /// The number times ten to the `scale` as signed decimal digits, the first one first; at most
    /// `digits_max` of them. `fraction` is the error where that is not an integer.
    fn scaled(
        &self,
        scale: i8,
        digits_max: u8,
        fraction: Why,
    ) -> Result<impl Iterator<Item = i8> + use<'a>, Why> {
        let all = || self.whole.iter().chain(self.fraction);
        let count = all().count();
        let leading = all().take_while(|digit| **digit == b'0').count();
        let trailing = match leading == count {
            true => 0,
            false => all().rev().take_while(|digit| **digit == b'0').count(),
        };
        let significant = count - leading - trailing;
        let shift = self
            .exponent
            .saturating_sub(self.fraction.len() as i64)
            .saturating_add(trailing as i64)
            .saturating_add(i64::from(scale));
        let appended = match (significant, shift) {
            (0, _) => 0,
            (_, ..0) => return Err(fraction),
            (_, shift) => shift as u64,
        };
        if (significant as u64).saturating_add(appended) > u64::from(digits_max) {
            return Err(OUT_OF_RANGE);
        }
        let sign = if self.negative { -1 } else { 1 };
        let digits = self.whole.iter().chain(self.fraction).skip(leading).take(significant);
        let zeros = std::iter::repeat_n(0, appended as usize);
        Ok(digits.map(move |digit| sign * (*digit - b'0') as i8).chain(zeros))
    }
}

fn digits(bytes: &[u8]) -> (&[u8], &[u8]) {
    bytes.split_at(bytes.iter().take_while(|byte| byte.is_ascii_digit()).count())
}

/// An exponent; one too large to matter saturates.
fn exponent(bytes: &[u8]) -> Result<i64, Why> {
    let (sign, bytes) = match bytes {
        [b'-', rest @ ..] => (-1, rest),
        [b'+', rest @ ..] => (1, rest),
        _ => (1, bytes),
    };
    if bytes.is_empty() || !bytes.iter().all(u8::is_ascii_digit) {
        return Err(NOT_A_NUMBER);
    }
    let add = |value: i64, digit: &u8| {
        value.saturating_mul(10).saturating_add(i64::from(digit - b'0')).min(i64::MAX / 4)
    };
    Ok(sign * bytes.iter().fold(0, add))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_exact_or_refused() {
        let max = i64::MAX.to_string();
        for (text, expected) in [
            ("0", Ok(0)),
            ("-0", Ok(0)),
            ("0e999999999999999999999", Ok(0)),
            ("0.000", Ok(0)),
            ("007", Ok(7)),
            ("+5", Ok(5)),
            ("1.0", Ok(1)),
            ("1e3", Ok(1000)),
            ("1500e-2", Ok(15)),
            ("0.0015E+4", Ok(15)),
            (&max, Ok(i64::MAX)),
            ("-9223372036854775808", Ok(i64::MIN)),
            ("9223372036854775807.000", Ok(i64::MAX)),
            ("9223372036854775808", Err(OUT_OF_RANGE)),
            ("1e19", Err(OUT_OF_RANGE)),
            ("1e99999999999999999999", Err(OUT_OF_RANGE)),
            ("1.5", Err(FRACTION)),
            ("1e-1", Err(FRACTION)),
            ("1e-99999999999999999999", Err(FRACTION)),
            ("", Err(NOT_A_NUMBER)),
            ("-", Err(NOT_A_NUMBER)),
            (".", Err(NOT_A_NUMBER)),
            ("1e", Err(NOT_A_NUMBER)),
            ("1 ", Err(NOT_A_NUMBER)),
            ("0x10", Err(NOT_A_NUMBER)),
        ] {
            assert_eq!(integer::<i64>(text), expected, "{text}");
        }
        assert_eq!(integer::<i8>("127"), Ok(127));
        assert_eq!(integer::<i8>("128"), Err(OUT_OF_RANGE));
        assert_eq!(integer::<u8>("-1"), Err(OUT_OF_RANGE));
        assert_eq!(integer::<u64>("18446744073709551615"), Ok(u64::MAX));
    }

    #[test]
    fn decimals_are_exact_or_refused() {
        assert_eq!(decimal128("12.34", 4, 2), Ok(1234));
        assert_eq!(decimal128("-12.3", 4, 2), Ok(-1230));
        assert_eq!(decimal128("12.3400", 4, 2), Ok(1234));
        assert_eq!(decimal128("1e2", 5, 2), Ok(10000));
        assert_eq!(decimal128("12.345", 5, 2), Err(TOO_FINE));
        assert_eq!(decimal128("123.4", 4, 2), Err(OUT_OF_RANGE));
        let nines = "9".repeat(38);
        assert_eq!(decimal128(&nines, 38, 0).map(|v| v.to_string()), Ok(nines.clone()));
        assert_eq!(decimal128(&format!("{nines}0"), 38, 0), Err(OUT_OF_RANGE));
        let nines = "9".repeat(76);
        assert_eq!(
            decimal256(&format!("-{nines}"), 76, 0).unwrap().to_string(),
            format!("-{nines}")
        );
    }

    #[test]
    fn floats_are_finite() {
        assert_eq!(float64("1e308"), Ok(1e308));
        assert_eq!(float64("1e309"), Err(OUT_OF_RANGE));
        assert_eq!(float64("NaN"), Err(NOT_A_NUMBER));
        assert_eq!(float64("inf"), Err(NOT_A_NUMBER));
        assert_eq!(float32("3.5e38"), Err(OUT_OF_RANGE));
        assert_eq!(float32("0.1"), Ok(0.1));
    }
}
