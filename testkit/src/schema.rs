//! Whether a TOML file or a JSON value is as a JSON Schema has it: the part of draft 2020-12 that the project's own schema uses, and no other keyword.

use regex_lite::Regex;
use serde_json::{Map, Number, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// What says nothing about whether a value is right.
const ANNOTATIONS: &[&str] = &["$schema", "$id", "$defs", "title", "description", "default", "readOnly"];

/// A schema.
#[derive(Debug)]
pub struct Schema(Value);

impl Schema {
    /// The schema of a text.
    pub fn new(text: &str) -> Self {
        Self(serde_json::from_str(text).unwrap())
    }

    /// What is wrong with a TOML file, each with where it is.
    pub fn check(&self, text: &str) -> Vec<String> {
        self.check_json(&json(text))
    }

    /// What is wrong with a value, each with where it is.
    pub fn check_json(&self, value: &Value) -> Vec<String> {
        let mut wrong = Vec::new();
        self.value(&self.0, value, "", &mut wrong);
        wrong
    }

    fn is_right(&self, schema: &Value, value: &Value) -> bool {
        let mut wrong = Vec::new();
        self.value(schema, value, "", &mut wrong);
        wrong.is_empty()
    }

    fn value(&self, schema: &Value, value: &Value, at: &str, wrong: &mut Vec<String>) {
        if let Value::Bool(allowed) = schema {
            if !allowed {
                wrong.push(format!("{at}: may not be there"));
            }
            return;
        }
        for (keyword, says) in schema.as_object().unwrap() {
            let is_right = match keyword.as_str() {
                "$ref" => {
                    let pointer = says.as_str().unwrap().strip_prefix('#').unwrap();
                    self.value(self.0.pointer(pointer).unwrap(), value, at, wrong);
                    true
                }
                "type" => is_of(says.as_str().unwrap(), value),
                "enum" => says.as_array().unwrap().contains(value),
                "const" => says == value,
                "anyOf" => says.as_array().unwrap().iter().any(|one| self.is_right(one, value)),
                "oneOf" => {
                    says.as_array().unwrap().iter().filter(|one| self.is_right(one, value)).count() == 1
                }
                "not" => !self.is_right(says, value),
                "pattern" => value.as_str().is_none_or(|text| matches(says, text)),
                "minLength" => value.as_str().is_none_or(|text| text.chars().count() >= size(says)),
                "maxLength" => value.as_str().is_none_or(|text| text.chars().count() <= size(says)),
                "minimum" => value.as_f64().is_none_or(|number| number >= says.as_f64().unwrap()),
                "maximum" => value.as_f64().is_none_or(|number| number <= says.as_f64().unwrap()),
                "minItems" => value.as_array().is_none_or(|items| items.len() >= size(says)),
                "items" => {
                    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                        self.value(says, item, &format!("{at}/{index}"), wrong);
                    }
                    true
                }
                "required" => value.as_object().is_none_or(|table| {
                    says.as_array().unwrap().iter().all(|key| table.contains_key(key.as_str().unwrap()))
                }),
                "minProperties" => value.as_object().is_none_or(|table| table.len() >= size(says)),
                "maxProperties" => value.as_object().is_none_or(|table| table.len() <= size(says)),
                "propertyNames" => value.as_object().is_none_or(|table| {
                    table.keys().all(|key| self.is_right(says, &Value::String(key.clone())))
                }),
                // With the next one.
                "properties" | "patternProperties" => true,
                "additionalProperties" => {
                    self.members(schema, value, at, wrong);
                    true
                }
                annotation if ANNOTATIONS.contains(&annotation) => true,
                other => panic!("{other:?} is not a keyword that is understood"),
            };
            if !is_right {
                wrong.push(format!("{at}: {value} is not as {keyword} has it: {says}"));
            }
        }
    }

    fn members(&self, schema: &Value, value: &Value, at: &str, wrong: &mut Vec<String>) {
        for (key, member) in value.as_object().into_iter().flatten() {
            let named = schema["properties"].get(key);
            let patterns = schema["patternProperties"].as_object().into_iter().flatten();
            let like =
                patterns.filter(|(pattern, _)| Regex::new(pattern).unwrap().is_match(key)).map(|(_, of)| of);
            let mut all: Vec<_> = named.into_iter().chain(like).collect();
            if all.is_empty() {
                all.push(&schema["additionalProperties"]);
            }
            for one in all {
                self.value(one, member, &format!("{at}/{key}"), wrong);
            }
        }
    }
}

fn is_of(kind: &str, value: &Value) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        other => panic!("{other:?} is not a type"),
    }
}

fn matches(pattern: &Value, text: &str) -> bool {
    Regex::new(pattern.as_str().unwrap()).unwrap().is_match(text)
}

fn size(number: &Value) -> usize {
    number.as_u64().unwrap().try_into().unwrap()
}

/// A TOML file as JSON.
pub fn json(text: &str) -> Value {
    table(DeTable::parse(text).unwrap().get_ref())
}

fn table(table: &DeTable<'_>) -> Value {
    let entry = |(key, value): (&Spanned<_>, &Spanned<_>)| {
        let key: &toml::de::DeString<'_> = key.get_ref();
        (key.to_string(), value_of(value.get_ref()))
    };
    Value::Object(table.iter().map(entry).collect::<Map<_, _>>())
}

fn value_of(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).unwrap().into(),
        DeValue::Float(number) => Number::from_f64(number.as_str().parse().unwrap()).unwrap().into(),
        DeValue::Boolean(value) => Value::Bool(*value),
        DeValue::Datetime(date) => Value::String(date.to_string()),
        DeValue::Array(items) => items.iter().map(|item| value_of(item.get_ref())).collect(),
        DeValue::Table(members) => table(members),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_schema_refuses_is_told() {
        let schema = Schema::new(
            r##"{ "type": "object", "required": ["a"], "additionalProperties": false, "maxProperties": 3,
            "properties": { "a": { "$ref": "#/$defs/n" }, "b": { "anyOf": [{ "const": "x" }, { "type": "boolean" }] } },
            "patternProperties": { "^c": { "type": "array", "minItems": 1, "items": { "type": "string", "pattern": "^[0-9]$" } } },
            "$defs": { "n": { "type": "integer", "minimum": 1, "maximum": 3 } } }"##,
        );
        for right in ["a = 1", "a = 3\nb = true", "a = 1\nb = 'x'\ncd = ['1', '2']"] {
            assert_eq!(schema.check(right), [""; 0], "{right}");
        }
        for (wrong, at) in [
            ("", ": {} is not as required"),
            ("a = 0", "/a: 0 is not as minimum"),
            ("a = 4", "/a: 4 is not as maximum"),
            ("a = 1.5", "/a: 1.5 is not as type"),
            ("a = 1\nb = 'y'", "/b: \"y\" is not as anyOf"),
            ("a = 1\nc = []", "/c: [] is not as minItems"),
            ("a = 1\nc = ['1', '12']", "/c/1: \"12\" is not as pattern"),
            ("a = 1\nd = 1", "/d: may not be there"),
            ("a = 1\nb = true\nc = ['1']\ncc = ['1']", "is not as maxProperties"),
        ] {
            let found = schema.check(wrong);
            assert!(found.len() == 1 && found[0].contains(at), "{wrong}: {found:?}");
        }
    }
}
