//! How replicas spread over brokers.

use std::fmt;
use std::str::FromStr;

use rand::RngExt as _;
use rand::rngs::ChaCha8Rng;

use super::recipe_error::RecipeError;

/// How replicas spread over the brokers, by broker `b` of `n`, counted from 1.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Distribution {
    /// Each broker is as likely.
    #[default]
    Uniform,
    /// A broker's likelihood goes with `b`.
    Linear,
    /// The likelihood of the brokers up to `b` is `b²/n²`.
    Exponential,
}

impl Distribution {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Uniform, Self::Linear, Self::Exponential];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Uniform => "uniform",
            Self::Linear => "linear",
            Self::Exponential => "exponential",
        }
    }

    /// How likely a broker is beside the others.
    pub(super) fn weight(self, broker: u32) -> u64 {
        match self {
            Self::Uniform => 1,
            Self::Linear => u64::from(broker) + 1,
            Self::Exponential => 2 * u64::from(broker) + 1,
        }
    }

    /// A broker. The inverse of the cumulative distribution, in whole numbers.
    pub(super) fn draw(self, generator: &mut ChaCha8Rng, brokers: u32) -> u32 {
        let n = u64::from(brokers);
        match self {
            Self::Uniform => generator.random_range(0..brokers),
            // The first b (from 0) with (b + 1)(b + 2) / 2 > x.
            Self::Linear => {
                (((8 * generator.random_range(0..n * (n + 1) / 2) + 1).isqrt() - 1) / 2) as u32
            }
            // The first b (from 0) with (b + 1)² > x.
            Self::Exponential => generator.random_range(0..n * n).isqrt() as u32,
        }
    }
}

impl fmt::Display for Distribution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Distribution {
    type Err = RecipeError;

    fn from_str(text: &str) -> Result<Self, RecipeError> {
        Self::ALL
            .into_iter()
            .find(|distribution| distribution.name() == text)
            .ok_or_else(|| RecipeError::UnknownDistribution(text.chars().take(80).collect()))
    }
}
