//! Values in conditions, and how they compare.

use std::cmp::Ordering;

use super::{ConditionError, wrong};

/// A value; what is not known has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Truth(Option<bool>),
    Text(String),
    Version(Option<String>),
}

/// Whether a value counts as true, if that is known.
pub(super) fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Truth(truth) => *truth,
        Value::Text(text) => Some(!text.is_empty()),
        Value::Version(version) => version.as_ref().map(|version| !version.is_empty()),
    }
}

/// Compares two values; `None` if one is not known.
pub(super) fn compare(left: &Value, operator: &str, right: &Value) -> Result<Option<bool>, ConditionError> {
    let is_containing = operator.ends_with("in");
    match (left, right) {
        (Value::Truth(None) | Value::Version(None), _) | (_, Value::Truth(None) | Value::Version(None)) => {
            Ok(None)
        }
        (Value::Truth(Some(one)), Value::Truth(Some(other))) if !is_containing && operator != "~=" => {
            Ok(Some(ordered(operator, one.cmp(other))))
        }
        (Value::Version(Some(one)), Value::Text(other) | Value::Version(Some(other))) if !is_containing => {
            compare_versions(one, operator, other).map(Some)
        }
        (Value::Text(one), Value::Version(Some(other))) if !is_containing => {
            compare_versions(one, operator, other).map(Some)
        }
        (Value::Text(_) | Value::Truth(_), Value::Text(_) | Value::Truth(_)) if operator == "~=" => {
            Err(wrong("~= compares versions"))
        }
        (Value::Text(one) | Value::Version(Some(one)), Value::Text(other) | Value::Version(Some(other))) => {
            Ok(Some(match operator {
                "in" => other.contains(one.as_str()),
                "not in" => !other.contains(one.as_str()),
                operator => ordered(operator, one.cmp(other)),
            }))
        }
        _ => Err(wrong("a text is compared with what is true or false")),
    }
}

fn ordered(operator: &str, ordering: Ordering) -> bool {
    match operator {
        "==" => ordering.is_eq(),
        "!=" => ordering.is_ne(),
        "<" => ordering.is_lt(),
        "<=" => ordering.is_le(),
        ">" => ordering.is_gt(),
        _ => ordering.is_ge(),
    }
}

fn compare_versions(version: &str, operator: &str, wanted: &str) -> Result<bool, ConditionError> {
    match (wanted.strip_suffix(".*"), operator) {
        (Some(prefix), "==") => Ok(begins_with(&numbers(version)?, &numbers(prefix)?)),
        (Some(prefix), "!=") => Ok(!begins_with(&numbers(version)?, &numbers(prefix)?)),
        // The same but for the last number, which may be greater.
        (_, "~=") => {
            let Some((prefix, _)) = wanted.rsplit_once('.') else {
                return Err(wrong(format!(
                    "~= takes a version with two numbers or more, and not {wanted:?}"
                )));
            };
            let begins = begins_with(&numbers(version)?, &numbers(prefix)?);
            Ok(order_versions(version, wanted)?.is_ge() && begins)
        }
        _ => Ok(ordered(operator, order_versions(version, wanted)?)),
    }
}

fn begins_with(version: &[u64], prefix: &[u64]) -> bool {
    prefix.iter().enumerate().all(|(index, number)| version.get(index).unwrap_or(&0) == number)
}

fn order_versions(one: &str, other: &str) -> Result<Ordering, ConditionError> {
    let (mut one, mut other) = (numbers(one)?, numbers(other)?);
    let length = one.len().max(other.len());
    one.resize(length, 0);
    other.resize(length, 0);
    Ok(one.cmp(&other))
}

fn numbers(version: &str) -> Result<Vec<u64>, ConditionError> {
    let numbers = version.trim().split('.').map(|number| number.parse().ok());
    numbers.collect::<Option<_>>().ok_or_else(|| wrong(format!("{version:?} is not a version such as 3.11")))
}
