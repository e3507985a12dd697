//! Times and durations as people say them.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::Offset;

/// `5 seconds`, `2 minutes`.
pub(in crate::auth) fn seconds(seconds: u64) -> String {
    match seconds {
        0..=90 => counted(seconds, "second"),
        _ => counted(seconds.div_ceil(60), "minute"),
    }
}

/// `1 hour`, `30 days`; in the largest unit that it is a whole number of.
pub(in crate::auth) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    [(86_400, "day"), (3_600, "hour"), (60, "minute")]
        .into_iter()
        .find(|(unit, _)| seconds >= *unit && seconds.is_multiple_of(*unit))
        .map_or_else(
            || counted(seconds, "second"),
            |(unit, word)| counted(seconds / unit, word),
        )
}

/// `25 November 2026`, in UTC.
pub(in crate::auth) fn day(time: Timestamp) -> String {
    Offset::UTC.to_datetime(time).strftime("%-d %B %Y").to_string()
}

/// `25 November 2026, 22:08 UTC`.
pub(in crate::auth) fn moment(time: Timestamp) -> String {
    Offset::UTC
        .to_datetime(time)
        .strftime("%-d %B %Y, %H:%M UTC")
        .to_string()
}

fn counted(count: u64, word: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{count} {word}{s}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_said_in_their_largest_whole_unit() {
        let said = |seconds| duration(Duration::from_secs(seconds));
        assert_eq!(said(30 * 86_400), "30 days");
        assert_eq!(said(86_400), "1 day");
        assert_eq!(said(36 * 3_600), "36 hours");
        assert_eq!(said(90), "90 seconds");
        assert_eq!(seconds(1), "1 second");
        assert_eq!(seconds(300), "5 minutes");
    }

    #[test]
    fn times_are_written_out() {
        let time: Timestamp = "2026-11-05T22:08:01Z".parse().unwrap();
        assert_eq!(day(time), "5 November 2026");
        assert_eq!(moment(time), "5 November 2026, 22:08 UTC");
    }
}
