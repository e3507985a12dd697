//! One way of writing for numbers that are equal: `1`, `1.0` and `1e0` are `1`. All others stay as written.

/// `text` is a valid JSON number.
pub(super) fn canonical(text: &str) -> String {
    integer(text).unwrap_or_else(|| text.to_owned())
}

/// Longer ones are kept as written, so that `1e999999999` costs nothing.
const MAX_SHIFT: i32 = 40;

fn integer(text: &str) -> Option<String> {
    let (sign, unsigned) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text),
    };
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if !(-MAX_SHIFT..=MAX_SHIFT).contains(&exponent) {
        return None;
    }
    let digits = format!("{whole}{fraction}");
    let point = i32::try_from(whole.len()).ok()? + exponent;
    let point = usize::try_from(point).unwrap_or(0);
    let (before, after) = digits.split_at(point.min(digits.len()));
    let negative_point = i32::try_from(whole.len()).ok()? + exponent < 0;
    if after.bytes().any(|byte| byte != b'0') || negative_point && digits.bytes().any(|byte| byte != b'0') {
        return None;
    }
    let zeros = "0".repeat(point.saturating_sub(digits.len()));
    let integer = format!("{before}{zeros}");
    match integer.trim_start_matches('0') {
        "" => Some("0".to_owned()),
        digits => Some(format!("{sign}{digits}")),
    }
}

#[cfg(test)]
mod tests {
    use super::canonical;

    #[test]
    fn equal_integers_are_written_alike_and_the_rest_is_kept() {
        for (written, expected) in [
            ("1", "1"),
            ("1.0", "1"),
            ("1e0", "1"),
            ("10E-1", "1"),
            ("0.5e1", "5"),
            ("1.50e2", "150"),
            ("-0", "0"),
            ("-0.0", "0"),
            ("0e-30", "0"),
            ("-12.00", "-12"),
            ("12345678901234567890123", "12345678901234567890123"),
            ("1e2", "100"),
            ("1.5", "1.5"),
            ("1e-1", "1e-1"),
            ("1e-2", "1e-2"),
            ("1e999999999", "1e999999999"),
            ("1e99999999999999999999", "1e99999999999999999999"),
        ] {
            assert_eq!(canonical(written), expected, "{written}");
        }
    }
}
