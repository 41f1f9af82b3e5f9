//! Kubernetes' quantities as numbers: `1`, `1000m` and `1e0` are the same.

use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

/// More is no quantity; the bound keeps the arithmetic within 128 bits.
const DIGITS_MAX: usize = 24;
const NANO: i128 = 1_000_000_000;

/// An amount, in billionths, rounded up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Amount(i128);

impl Amount {
    /// So many bytes, or whatever the unit is.
    #[must_use]
    pub fn whole(number: u32) -> Self {
        Self(i128::from(number) * NANO)
    }
}

/// Why a text isn't a quantity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{0}' isn't a quantity: write a number with or without a unit, such as 500m, 2, 512Mi or 10Gi"
)]
pub struct QuantityError(String);

/// Reads a quantity.
///
/// # Errors
/// It isn't one, or is beyond all bounds.
pub fn parse(quantity: &Quantity) -> Result<Amount, QuantityError> {
    amount(&quantity.0).ok_or_else(|| QuantityError(quantity.0.chars().take(64).collect()))
}

/// Whether two texts are the same quantity.
#[must_use]
pub fn is_same(one: &str, other: &str) -> bool {
    one == other || amount(one).is_some_and(|amount_of_one| amount(other) == Some(amount_of_one))
}

fn amount(text: &str) -> Option<Amount> {
    let (sign, text) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let number_end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(number_end)?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || digits.len() > DIGITS_MAX || fraction.contains('.') {
        return None;
    }
    let mantissa: i128 = digits.parse().ok()?;
    let (numerator, denominator) = multiplier(unit)?;
    let denominator =
        10_i128.checked_pow(u32::try_from(fraction.len()).ok()?)?.checked_mul(denominator)?;
    let scaled = mantissa.checked_mul(numerator)?;
    let rounded_up = scaled.checked_add(denominator - 1)? / denominator;
    Some(Amount(sign * rounded_up))
}

/// What a unit multiplies by, in billionths, as a fraction.
fn multiplier(unit: &str) -> Option<(i128, i128)> {
    let binary = |power: u32| Some((NANO << (10 * power), 1));
    match unit {
        "n" => Some((1, 1)),
        "u" => Some((1000, 1)),
        "m" => Some((1_000_000, 1)),
        "" => Some((NANO, 1)),
        "k" => Some((NANO * 1000, 1)),
        "M" => Some((NANO * 1_000_000, 1)),
        "G" => Some((NANO * NANO, 1)),
        "T" => Some((NANO * NANO * 1000, 1)),
        "P" => Some((NANO * NANO * 1_000_000, 1)),
        "E" => Some((NANO * NANO * NANO, 1)),
        "Ki" => binary(1),
        "Mi" => binary(2),
        "Gi" => binary(3),
        "Ti" => binary(4),
        "Pi" => binary(5),
        "Ei" => binary(6),
        _ => exponent(unit.strip_prefix(['e', 'E'])?),
    }
}

fn exponent(text: &str) -> Option<(i128, i128)> {
    let power: i32 = text.parse().ok()?;
    let magnitude = 10_i128.checked_pow(power.unsigned_abs())?;
    if power < 0 { Some((NANO, magnitude)) } else { Some((NANO.checked_mul(magnitude)?, 1)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<i128>) {
        assert_eq!(amount(text).map(|amount| amount.0), expected, "{text}");
    }

    #[test]
    fn quantities_are_numbers() {
        check("1", Some(NANO));
        check("1000m", Some(NANO));
        check("0.1", Some(NANO / 10));
        check("1e3", Some(1000 * NANO));
        check("1E3", Some(1000 * NANO));
        check("1e-3", Some(NANO / 1000));
        check("1E", Some(NANO * NANO * NANO));
        check("1.5Gi", Some(3 * (NANO << 29)));
        check("-2", Some(-2 * NANO));
        check("0.0000000001", Some(1));
        check("7Ei", Some(7 * (NANO << 60)));
    }

    #[test]
    fn what_is_no_quantity_is_none() {
        for text in
            ["", ".", "1.2.3", "Gi", "1gi", "1 Gi", "0x1", "1e99999", "1e", "--1", "ä", "1GiB"]
        {
            check(text, None);
        }
        check(&"9".repeat(DIGITS_MAX + 1), None);
    }

    #[test]
    fn equal_amounts_are_the_same_however_written() {
        assert!(is_same("1Gi", "1024Mi"));
        assert!(is_same("0.5", "500m"));
        assert!(!is_same("1G", "1Gi"));
        assert!(!is_same("abc", "abd"));
        assert!(is_same("abc", "abc"));
    }
}
