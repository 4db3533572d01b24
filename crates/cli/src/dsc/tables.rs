//! The table of a service in TOML, as definition files have it, and as JSON.

use serde_json::{Map, Number, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};
use toml_writer::{ToTomlKey, ToTomlValue};

/// The text of a definition file with one service; else what can't be said in TOML.
pub(super) fn toml(name: &str, table: &Map<String, Value>) -> Result<String, String> {
    let mut text = format!("[service.{}]\n", name.to_toml_key());
    for (key, value) in table {
        text += &format!("{} = {}\n", key.to_toml_key(), written(value, key)?);
    }
    Ok(text)
}

/// A value; `at` is where it is.
fn written(value: &Value, at: &str) -> Result<String, String> {
    Ok(match value {
        Value::Null => return Err(format!("{at}: null says nothing; leave the key out")),
        Value::Bool(value) => value.to_toml_value(),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => whole.to_toml_value(),
            (None, Some(number)) if number.is_finite() && !value.is_u64() => number.to_toml_value(),
            _ => return Err(format!("{at}: {number} is too large a number")),
        },
        Value::String(text) => text.to_toml_value(),
        Value::Array(all) => {
            let one = |(index, one)| written(one, &format!("{at}[{index}]"));
            let all: Vec<_> = all.iter().enumerate().map(one).collect::<Result<_, String>>()?;
            format!("[{}]", all.join(", "))
        }
        Value::Object(table) => {
            let one = |(key, value): (&String, &Value)| {
                let value = written(value, &format!("{at}.{key}"))?;
                Ok(format!("{} = {value}", key.to_toml_key()))
            };
            let all: Vec<_> = table.iter().map(one).collect::<Result<_, String>>()?;
            format!("{{ {} }}", all.join(", "))
        }
    })
}

/// The table of a service in the text of a definition file.
pub(super) fn json(name: &str, text: &str) -> Result<Map<String, Value>, String> {
    let document = DeTable::parse(text).map_err(|error| error.to_string())?;
    let mut services = match document.get_ref().get("service").map(Spanned::get_ref) {
        Some(DeValue::Table(services)) => object(services)?,
        _ => Map::new(),
    };
    match services.remove(name) {
        Some(Value::Object(table)) => Ok(table),
        _ => Err(format!("the definition has no service {name:?}")),
    }
}

fn object(table: &DeTable<'_>) -> Result<Map<String, Value>, String> {
    table.iter().map(|(key, value)| Ok((key.get_ref().to_string(), read(value.get_ref())?))).collect()
}

fn read(value: &DeValue<'_>) -> Result<Value, String> {
    let number = |number: Option<Number>, text: &dyn std::fmt::Display| {
        number.map(Value::Number).ok_or_else(|| format!("{text} is no number that JSON has"))
    };
    Ok(match value {
        DeValue::String(text) => text.as_ref().into(),
        DeValue::Boolean(value) => (*value).into(),
        DeValue::Integer(whole) => {
            number(i64::from_str_radix(whole.as_str(), whole.radix()).ok().map(Into::into), whole)?
        }
        DeValue::Float(float) => number(float.as_str().parse().ok().and_then(Number::from_f64), float)?,
        DeValue::Datetime(time) => time.to_string().into(),
        DeValue::Array(all) => {
            Value::Array(all.iter().map(|one| read(one.get_ref())).collect::<Result<_, String>>()?)
        }
        DeValue::Table(table) => Value::Object(object(table)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    /// Any value that TOML has words for.
    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_filter("JSON has no others", |number| number.is_finite()).prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::hash_map(any::<String>(), inner, 0..5)
                    .prop_map(|table| Value::Object(table.into_iter().collect())),
            ]
        })
    }

    fn back(table: &Value) -> Value {
        let name = "a \"b\".c";
        Value::Object(json(name, &toml(name, table.as_object().unwrap()).unwrap()).unwrap())
    }

    #[test]
    fn what_json_says_comes_back() {
        let table = json!({
            "run": ["python", "-c", "print('\"\\\n\u{7f}\u{0}😀')"], "a key = [x]": true, "": -1,
            "environment": { "A.B": "1", "ß": "" }, "n": 0.5, "big": i64::MAX, "empty": {}, "none": [],
            "stop": { "ladder": [{ "ctrl-c": "5s" }, { "signal:TERM": "0s" }] }
        });
        assert_eq!(back(&table), table);
    }

    proptest! {
        #[test]
        fn whatever_json_says_comes_back(
            name in any::<String>(),
            table in prop::collection::hash_map(any::<String>(), value(), 0..6),
        ) {
            let table: Map<String, Value> = table.into_iter().collect();
            let text = toml(&name, &table).unwrap();
            prop_assert_eq!(json(&name, &text), Ok(table), "{}", text);
        }
    }

    #[test]
    fn tables_in_tables_without_end_are_refused() {
        let mut deep = json!({});
        for _ in 0..120 {
            deep = json!({ "a": deep });
        }
        let text = toml("web", deep.as_object().unwrap()).unwrap();
        assert!(json("web", &text).is_err());
    }

    #[test]
    fn what_toml_can_not_say_is_told_with_its_place() {
        let wrong = |table: Value| toml("web", table.as_object().unwrap()).unwrap_err();
        assert_eq!(wrong(json!({ "a": { "b": [1, null] } })), "a.b[1]: null says nothing; leave the key out");
        assert_eq!(wrong(json!({ "n": u64::MAX })), format!("n: {} is too large a number", u64::MAX));
    }
}
