//! A moment as people write it: a time, a day, or how long ago.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// `2026-11-25T10:00:00Z`; `2026-11-25T10:00` and `2026-11-25` in the time zone of this machine; `90s`, `30m`, `2h`, `7d` ago.
pub(in crate::cli) fn moment(text: &str) -> Result<Timestamp, String> {
    at(text, Timestamp::now(), &TimeZone::system()).ok_or_else(|| {
        format!("`{text}` is no moment; write `2026-11-25T10:00:00Z`, `2026-11-25`, or `2h` for two hours ago")
    })
}

fn at(text: &str, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    if let Ok(time) = text.parse() {
        return Some(time);
    }
    let local = text
        .parse::<DateTime>()
        .or_else(|_| text.parse::<Date>().map(DateTime::from));
    if let Ok(local) = local {
        return zone.to_timestamp(local).ok();
    }
    let seconds = match text.chars().last()? {
        's' => 1,
        'm' => 60,
        'h' => 60 * 60,
        'd' => 24 * 60 * 60,
        _ => return None,
    };
    let number: i64 = text[..text.len() - 1].parse().ok().filter(|number| *number >= 0)?;
    now.checked_sub(SignedDuration::from_secs(number.checked_mul(seconds)?))
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_as_people_write_them() {
        let now: Timestamp = "2026-11-25T10:00:00Z".parse().unwrap();
        for (text, wanted) in [
            ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"),
            ("2026-01-02T03:04:05+01:00", "2026-01-02T02:04:05Z"),
            ("2026-01-02T03:04", "2026-01-02T03:04:00Z"),
            ("2026-01-02", "2026-01-02T00:00:00Z"),
            ("90s", "2026-11-25T09:58:30Z"),
            ("2h", "2026-11-25T08:00:00Z"),
            ("7d", "2026-11-18T10:00:00Z"),
        ] {
            assert_eq!(at(text, now, &TimeZone::UTC), Some(wanted.parse().unwrap()), "{text}");
        }
        for wrong in [
            "",
            "h",
            "-2h",
            "2w",
            "yesterday",
            "9999999999999999999d",
            "99999999999999d",
        ] {
            assert_eq!(at(wrong, now, &TimeZone::UTC), None, "{wrong}");
        }
    }
}
