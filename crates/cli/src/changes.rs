//! What would be another about a service, field by field. The fields are the keys of `svc show --json`; what seems to be a secret is not shown.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};
use svckit_core::config::{Config2, ServiceConfig};
use svckit_core::definition::HostDefinition;
use svckit_core::security::SecurityDescriptor;
use svckit_core::sort;
use svckit_recipe::secret::seems_secret;

use crate::table::printable;
use crate::verbs::show;

/// What stands for a secret.
pub(crate) const MASK: &str = "***";

/// Where variables are among the fields.
const VARIABLES: &str = "definition.program.environment.";

/// Fields that are command lines.
const COMMANDS: [&str; 3] = ["definition.program.command", "failure_actions.command", "image_path"];

/// One field that is another. What isn't there is null.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Field {
    field: String,
    old: Value,
    new: Value,
    /// Whether a part of it is left out.
    secret: bool,
}

/// The fields of a service.
pub(crate) struct View(BTreeMap<String, Value>);

impl View {
    pub(crate) fn new(
        config: &ServiceConfig,
        optional: &[Config2],
        security: Option<&SecurityDescriptor>,
        definition: Option<&HostDefinition>,
    ) -> Self {
        let mut all = Map::new();
        for one in optional {
            let (key, value) = show::optional_json(one);
            all.insert(key, value);
        }
        let names: Vec<_> = config.dependencies.iter().map(ToString::to_string).collect();
        let group = config.load_order_group.as_ref().map(ToString::to_string);
        all.extend([
            ("type".to_owned(), config.service_type.to_string().into()),
            ("display_name".to_owned(), config.display_name.as_str().into()),
            ("start_type".to_owned(), config.start_type.to_string().into()),
            ("error_control".to_owned(), config.error_control.to_string().into()),
            ("image_path".to_owned(), config.image_path.as_str().into()),
            ("load_order_group".to_owned(), group.into()),
            ("dependencies".to_owned(), names.into()),
            ("account".to_owned(), config.account.clone().into()),
            ("security".to_owned(), security.map(ToString::to_string).into()),
            ("definition".to_owned(), serde_json::to_value(definition).unwrap_or_default()),
        ]);
        let mut leaves = BTreeMap::new();
        for (key, value) in all {
            flatten(key, value, &mut leaves);
        }
        Self(leaves)
    }

    /// The same, as if one field were not there.
    pub(crate) fn without(mut self, field: &str) -> Self {
        self.0.remove(field);
        self
    }
}

/// Objects become their fields, with dots between the keys.
fn flatten(path: String, value: Value, leaves: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(all) => {
            for (key, value) in all {
                flatten(format!("{path}.{key}"), value, leaves);
            }
        }
        // It is as if it weren't there.
        Value::Null => {}
        value => {
            leaves.insert(path, value);
        }
    }
}

/// The fields in which two differ.
pub(crate) fn fields(old: &View, new: &View) -> Vec<Field> {
    let mut names: Vec<&String> = old.0.keys().chain(new.0.keys()).collect();
    sort::by(&mut names, Ord::cmp);
    names.dedup();
    let differing = names.into_iter().filter(|name| old.0.get(*name) != new.0.get(*name));
    differing.map(|name| field(name, old.0.get(name), new.0.get(name))).collect()
}

fn field(name: &str, old: Option<&Value>, new: Option<&Value>) -> Field {
    let [masked_old, masked_new] = [old, new].map(|value| value.map(|value| masked(name, value)));
    let is_secret = masked_old.as_ref() != old || masked_new.as_ref() != new;
    // A variable that was a secret or becomes one: its other value may tell of it.
    let whole = is_secret && name.starts_with(VARIABLES);
    let shown = |value: Option<Value>| match value {
        Some(_) if whole => MASK.into(),
        value => value.unwrap_or_default(),
    };
    Field { field: name.to_owned(), old: shown(masked_old), new: shown(masked_new), secret: is_secret }
}

fn masked(field: &str, value: &Value) -> Value {
    match value {
        Value::String(text) if COMMANDS.contains(&field) => {
            let words: Vec<&str> = text.split(' ').collect();
            masked_words(&words).join(" ").into()
        }
        Value::Array(all) if COMMANDS.contains(&field) => {
            let words: Vec<&str> = all.iter().filter_map(Value::as_str).collect();
            masked_words(&words).into()
        }
        Value::String(text) => {
            let name = field.strip_prefix(VARIABLES).unwrap_or_default();
            if seems_secret(name, text) { MASK.into() } else { value.clone() }
        }
        value => value.clone(),
    }
}

/// The words of a command; the value of an option that is called like a secret is one: `--password=…`, `--token …`.
pub(crate) fn masked_words(words: &[&str]) -> Vec<String> {
    let mut is_value = false;
    let mut all = Vec::with_capacity(words.len());
    for word in words {
        let name = word.trim_start_matches(['-', '/']);
        let (text, next) = match name.split_once(['=', ':']) {
            _ if is_value || seems_secret("", word) => (MASK.to_owned(), false),
            Some((option, value)) if seems_secret(option, value) => {
                let kept = word.len() - value.len();
                (format!("{}{MASK}", &word[..kept]), false)
            }
            None if name.len() < word.len() && !name.contains('/') => {
                ((*word).to_owned(), seems_secret(name, MASK))
            }
            _ => ((*word).to_owned(), false),
        };
        all.push(text);
        is_value = next;
    }
    all
}

impl Field {
    /// Whether it is the field of this name.
    pub(crate) fn is(&self, name: &str) -> bool {
        self.field == name
    }

    /// `field: old -> new`; of a `new` service only what it is.
    pub(crate) fn line(&self, is_new: bool) -> String {
        let value = |value: &Value| match value {
            Value::Null => "none".to_owned(),
            value => printable(&value.to_string()),
        };
        let hidden = if self.secret { " (secrets are not shown)" } else { "" };
        let (field, old, new) = (printable(&self.field), value(&self.old), value(&self.new));
        if is_new { format!("{field}: {new}{hidden}") } else { format!("{field}: {old} -> {new}{hidden}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_secret_in_a_command_is_left_out() {
        let words = |line: &str| masked_words(&line.split(' ').collect::<Vec<_>>()).join(" ");
        assert_eq!(words("shop --port 80 -v"), "shop --port 80 -v");
        assert_eq!(words("shop --password hunter2 x"), "shop --password *** x");
        assert_eq!(words("shop --db-password=hunter2"), "shop --db-password=***");
        assert_eq!(words("shop API_TOKEN=abc"), "shop API_TOKEN=***");
        assert_eq!(words("shop postgres://a:b@c/d"), "shop ***");
        assert_eq!(words("shop --password-file /run/secret"), "shop --password-file /run/secret");
        assert_eq!(words("shop /password:hunter2"), "shop /password:***");
        assert_eq!(words("shop http://host/"), "shop http://host/");
    }

    #[test]
    fn neither_value_of_a_secret_variable_is_shown() {
        let name = format!("{VARIABLES}URL");
        let (old, new) = ("http://host/".into(), "http://ann:x@host/".into());
        let field = field(&name, Some(&old), Some(&new));
        assert_eq!((&field.old, &field.new, field.secret), (&MASK.into(), &MASK.into(), true));
        let field = self::field(&name, None, Some(&old));
        assert_eq!(field.line(false), format!("{name}: none -> \"http://host/\""));
        assert_eq!(field.line(true), format!("{name}: \"http://host/\""));
    }

    #[test]
    fn objects_are_told_by_their_fields() {
        let leaves = |value: Value| {
            let mut leaves = BTreeMap::new();
            flatten("x".to_owned(), value, &mut leaves);
            View(leaves)
        };
        let old = leaves(serde_json::json!({ "a": { "b": 1, "c": [1] }, "gone": null }));
        let new = leaves(serde_json::json!({ "a": { "b": 2, "c": [1] }, "d": "e" }));
        let lines: Vec<_> = fields(&old, &new).iter().map(|field| field.line(false)).collect();
        assert_eq!(lines, ["x.a.b: 1 -> 2", "x.d: none -> \"e\""]);
    }
}
