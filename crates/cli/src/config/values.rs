//! Numbers of a configuration file, with messages that say what is expected in words.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserializer;
use serde::de::{Deserialize, Error, SeqAccess, Unexpected, Visitor};

/// Reads a whole number.
pub(super) fn whole<'de, D: Deserializer<'de>, N: TryFrom<u64>>(
    deserializer: D,
) -> Result<N, D::Error> {
    deserializer.deserialize_any(Whole(PhantomData))
}

/// Reads a whole number that a file need not name.
pub(super) fn optional_whole<'de, D: Deserializer<'de>, N: TryFrom<u64>>(
    deserializer: D,
) -> Result<Option<N>, D::Error> {
    whole(deserializer).map(Some)
}

/// Reads a number.
pub(super) fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    deserializer.deserialize_any(Number)
}

/// Reads a number that a file need not name.
pub(super) fn optional_number<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<f64>, D::Error> {
    number(deserializer).map(Some)
}

/// The value of settings that are 1 where a file does not name them.
pub(super) fn one() -> f64 {
    1.0
}

/// Reads a list of numbers.
pub(super) fn numbers<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<f64>, D::Error> {
    deserializer.deserialize_any(Numbers)
}

struct Whole<N>(PhantomData<N>);

impl<N: TryFrom<u64>> Visitor<'_> for Whole<N> {
    type Value = N;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number from 0 to 2⁶⁴ − 1")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<N, E> {
        let unexpected = Unexpected::Unsigned(number);
        N::try_from(number).map_err(|_| E::invalid_value(unexpected, &self))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<N, E> {
        match u64::try_from(number) {
            Ok(number) => self.visit_u64(number),
            Err(_) => Err(E::invalid_value(Unexpected::Signed(number), &self)),
        }
    }

    fn visit_i128<E: Error>(self, number: i128) -> Result<N, E> {
        Err(too_large(&number, &self))
    }

    fn visit_u128<E: Error>(self, number: u128) -> Result<N, E> {
        Err(too_large(&number, &self))
    }
}

fn too_large<E: Error>(number: &dyn fmt::Display, expected: &dyn serde::de::Expected) -> E {
    E::custom(format!(
        "invalid value: integer `{number}`, expected {expected}"
    ))
}

struct Number;

impl Visitor<'_> for Number {
    type Value = f64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number")
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<f64, E> {
        Ok(number)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<f64, E> {
        Ok(number as f64)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<f64, E> {
        Ok(number as f64)
    }

    fn visit_i128<E: Error>(self, number: i128) -> Result<f64, E> {
        Ok(number as f64)
    }

    fn visit_u128<E: Error>(self, number: u128) -> Result<f64, E> {
        Ok(number as f64)
    }
}

struct Numbers;

impl<'de> Visitor<'de> for Numbers {
    type Value = Vec<f64>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of numbers")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<f64>, A::Error> {
        let mut numbers = Vec::new();
        while let Some(Item(number)) = list.next_element()? {
            numbers.push(number);
        }
        Ok(numbers)
    }
}

/// A number in a list.
struct Item(f64);

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        number(deserializer).map(Self)
    }
}
