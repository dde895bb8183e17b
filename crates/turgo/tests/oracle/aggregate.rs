//! Aggregate functions over the collected values of a group, exactly.

use std::collections::BTreeSet;

use crate::evaluate::{Trouble, ten_to};
use crate::model::{Type, Value};
use crate::query::Function;

/// The result of `function` over `values`, the arguments of a group's rows; for `count(*)`, one
/// value per row. `argument` is their type.
pub(crate) fn aggregate(
    function: Function,
    argument: Option<&Type>,
    values: &[Value],
) -> Result<Value, Trouble> {
    let mut present: Vec<&Value> = values.iter().filter(|value| !value.is_null()).collect();
    if function.is_distinct() {
        present = BTreeSet::from_iter(present).into_iter().collect();
    }
    Ok(match function {
        Function::CountRows => Value::Int(values.len() as i128),
        Function::Count | Function::CountDistinct => Value::Int(present.len() as i128),
        _ if present.is_empty() => Value::Null,
        Function::Min => (*present.iter().min().expect("there is a value")).clone(),
        Function::Max => (*present.iter().max().expect("there is a value")).clone(),
        Function::BoolAnd => Value::Bool(present.iter().all(|value| **value == Value::Bool(true))),
        Function::BoolOr => Value::Bool(present.iter().any(|value| **value == Value::Bool(true))),
        Function::Sum | Function::SumDistinct => {
            sum(argument.expect("sum has an argument"), &present)?
        }
        Function::Avg | Function::AvgDistinct => {
            average(argument.expect("avg has an argument"), &present)?
        }
    })
}

/// Whether a running sum of these values leaves its range under some order of them.
pub(crate) fn sum_may_overflow(argument: &Type, values: &[Value]) -> bool {
    let of_sign = |positive: bool| -> Vec<&Value> {
        let zero = |value: &Value| match value {
            Value::Int(_) => Some(Value::Int(0)),
            Value::Decimal(_, scale) => Some(Value::Decimal(0, *scale)),
            _ => None,
        };
        values
            .iter()
            .filter(|value| zero(value).is_some_and(|zero| (**value > zero) == positive))
            .collect()
    };
    [true, false].into_iter().any(|positive| {
        let values = of_sign(positive);
        !values.is_empty() && sum(argument, &values).is_err()
    })
}

fn sum(ty: &Type, present: &[&Value]) -> Result<Value, Trouble> {
    match ty {
        Type::Int | Type::BigInt => {
            let total: i128 = present.iter().map(|value| digits(value)).sum();
            let (low, high) = Type::BigInt.integer_range();
            if total < low || total > high {
                return Err(Trouble(format!("a sum of {total} does not fit into BIGINT")));
            }
            Ok(Value::Int(total))
        }
        Type::Decimal(precision, scale) => {
            let limit = ten_to((precision + 10).min(38));
            decimal_sum(present)
                .filter(|total| total.abs() < limit)
                .map(|total| Value::Decimal(total, *scale))
                .ok_or_else(|| Trouble(format!("a sum of {ty:?} does not fit")))
        }
        Type::Double => Ok(Value::Double(present.iter().map(|value| double(value)).sum())),
        other => panic!("sum of {other:?}"),
    }
}

/// The sum of decimals of up to 38 digits, in two halves so that no partial sum leaves 128 bits.
fn decimal_sum(present: &[&Value]) -> Option<i128> {
    let half = ten_to(19);
    let high: i128 = present.iter().map(|value| digits(value).div_euclid(half)).sum();
    let low: i128 = present.iter().map(|value| digits(value).rem_euclid(half)).sum();
    (high + low.div_euclid(half)).checked_mul(half)?.checked_add(low.rem_euclid(half))
}

fn average(ty: &Type, present: &[&Value]) -> Result<Value, Trouble> {
    let count = present.len();
    match ty {
        Type::Int | Type::BigInt => {
            let total: i128 = present.iter().map(|value| digits(value)).sum();
            Ok(Value::Double(total as f64 / count as f64))
        }
        Type::Decimal(precision, scale) => {
            assert!(*precision <= 28, "averages of longer decimals are not generated");
            let total = decimal_sum(present).expect("short decimals");
            Ok(Value::Decimal(total * ten_to(4) / count as i128, scale + 4))
        }
        Type::Double => {
            let total: f64 = present.iter().map(|value| double(value)).sum();
            Ok(Value::Double(total / count as f64))
        }
        other => panic!("average of {other:?}"),
    }
}

fn digits(value: &Value) -> i128 {
    match value {
        Value::Int(digits) | Value::Decimal(digits, _) => *digits,
        other => panic!("{other:?} is not exact"),
    }
}

fn double(value: &Value) -> f64 {
    match value {
        Value::Double(double) => *double,
        other => panic!("{other:?} is not a double"),
    }
}
