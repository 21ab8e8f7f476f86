//! Settings that are an object, or `false` for off; `true` means their defaults. It must not know what they are for.

use std::fmt;
use std::marker::PhantomData;

use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};

/// An object, or false for off.
#[derive(JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "{T}OrFalse")]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) enum OrFalse<T> {
    Settings(T),
    Flag(bool),
}

pub(super) fn serialize<T: Serialize, S: Serializer>(
    settings: &Option<T>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match settings {
        Some(settings) => settings.serialize(serializer),
        None => serializer.serialize_bool(false),
    }
}

pub(super) fn deserialize<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: Deserialize<'de> + Default,
    D: Deserializer<'de>,
{
    deserializer.deserialize_any(ObjectOrFalse(PhantomData))
}

struct ObjectOrFalse<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de> + Default> Visitor<'de> for ObjectOrFalse<T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object, or false")
    }

    fn visit_bool<E>(self, on: bool) -> Result<Self::Value, E> {
        Ok(on.then(T::default))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Some)
    }
}
