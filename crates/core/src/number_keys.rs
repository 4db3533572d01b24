//! Maps with numbers as keys in serialised form: text, since that is what JSON has, also where serde looks at a value twice (inside a tagged enum) and
//! forgets that a text may be a number.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Writes the keys as text.
pub fn serialize<K: Display, V: Serialize, S: Serializer>(
    map: &BTreeMap<K, V>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(map.iter().map(|(key, value)| (key.to_string(), value)))
}

/// Reads the keys from text.
pub fn deserialize<'de, K, V, D>(deserializer: D) -> Result<BTreeMap<K, V>, D::Error>
where
    K: FromStr + Ord,
    V: Deserialize<'de>,
    D: Deserializer<'de>,
{
    let entries = BTreeMap::<String, V>::deserialize(deserializer)?;
    let mut map = BTreeMap::new();
    for (key, value) in entries {
        let number = key.parse();
        let number = number.map_err(|_| Error::custom(format_args!("{key:?} is not a whole number")))?;
        map.insert(number, value);
    }
    Ok(map)
}
