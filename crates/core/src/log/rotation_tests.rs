//! Tests of rotation by time, in the time zone of Berlin in 2026: two hours ahead of UTC from 29 March to 25 October, each at 01:00 UTC, else one.

use proptest::prelude::*;

use super::*;

const MINUTE: i64 = 60_000;

fn utc(text: &str) -> i64 {
    let number = |range: std::ops::Range<usize>| text[range].parse::<i64>().unwrap();
    let day = calendar::day(
        number(0..4),
        u32::try_from(number(5..7)).unwrap(),
        u32::try_from(number(8..10)).unwrap(),
    );
    day * DAY + number(11..13) * HOUR + number(14..16) * MINUTE
}

fn text(time: WallTime) -> String {
    let time = i64::try_from(time.0).unwrap();
    let (year, month, day) = calendar::date(time.div_euclid(DAY));
    let rest = time.rem_euclid(DAY) / MINUTE;
    assert_eq!(time % MINUTE, 0, "{time}");
    format!("{year}-{month:02}-{day:02} {:02}:{:02}", rest / 60, rest % 60)
}

fn berlin(time: WallTime) -> i64 {
    let summer = wall(utc("2026-03-29 01:00"))..wall(utc("2026-10-25 01:00"));
    if summer.contains(&time) { 2 * HOUR } else { HOUR }
}

fn every(interval: i64, at: i64) -> RotateTime {
    let span = |millis| Duration::from_millis(u64::try_from(millis).unwrap());
    RotateTime::Every { interval: span(interval), at: span(at) }
}

/// The next moments, in UTC.
fn moments(time: RotateTime, after: &str, count: usize) -> Vec<String> {
    let mut now = wall(utc(after));
    let next = |_| {
        now = time.next(now, berlin);
        text(now)
    };
    (0..count).map(next).collect()
}

#[test]
fn a_day_begins_at_local_midnight() {
    let daily = every(DAY, 0);
    assert_eq!(moments(daily, "2026-01-10 12:00", 2), ["2026-01-10 23:00", "2026-01-11 23:00"]);
    assert_eq!(moments(daily, "2026-01-10 23:00", 1), ["2026-01-11 23:00"], "the moment itself is over");
    assert_eq!(moments(every(DAY, 3 * HOUR + 30 * MINUTE), "2026-07-01 12:00", 1), ["2026-07-02 01:30"]);
}

#[test]
fn weeks_months_and_intervals_begin_where_people_expect() {
    // 2026-01-12 is a Monday.
    assert_eq!(moments(every(7 * DAY, 0), "2026-01-10 12:00", 1), ["2026-01-11 23:00"]);
    let sunday = every(7 * DAY, 6 * DAY + 4 * HOUR);
    assert_eq!(moments(sunday, "2026-01-10 12:00", 2), ["2026-01-11 03:00", "2026-01-18 03:00"]);
    assert_eq!(moments(every(6 * HOUR, 0), "2026-01-10 12:00", 2), ["2026-01-10 17:00", "2026-01-10 23:00"]);
    let monthly = RotateTime::Monthly { at: Duration::from_secs(3 * 3600) };
    assert_eq!(
        moments(monthly, "2026-11-30 12:00", 3),
        ["2026-12-01 02:00", "2027-01-01 02:00", "2027-02-01 02:00"]
    );
    assert_eq!(moments(monthly, "2026-12-01 01:59", 1), ["2026-12-01 02:00"]);
}

#[test]
fn a_day_of_23_or_25_hours_is_a_day() {
    assert_eq!(
        moments(every(DAY, 0), "2026-03-28 12:00", 3),
        ["2026-03-28 23:00", "2026-03-29 22:00", "2026-03-30 22:00"]
    );
    assert_eq!(
        moments(every(DAY, 0), "2026-10-24 12:00", 3),
        ["2026-10-24 22:00", "2026-10-25 23:00", "2026-10-26 23:00"]
    );
    assert_eq!(
        moments(every(6 * HOUR, 0), "2026-10-24 21:00", 3),
        ["2026-10-24 22:00", "2026-10-25 05:00", "2026-10-25 11:00"]
    );
}

#[test]
fn a_time_that_clocks_skip_is_later_and_one_that_they_repeat_comes_once() {
    let half_past_two = every(DAY, 2 * HOUR + 30 * MINUTE);
    assert_eq!(moments(half_past_two, "2026-03-28 12:00", 2), ["2026-03-29 01:30", "2026-03-30 00:30"]);
    assert_eq!(moments(half_past_two, "2026-10-24 12:00", 2), ["2026-10-25 00:30", "2026-10-26 01:30"]);
}

#[test]
fn hours_pass_whatever_the_clocks_do() {
    let hourly = moments(every(HOUR, 0), "2026-10-24 23:00", 4);
    assert_eq!(hourly, ["2026-10-25 00:00", "2026-10-25 01:00", "2026-10-25 02:00", "2026-10-25 03:00"]);
    let hourly = moments(every(HOUR, 0), "2026-03-29 00:00", 2);
    assert_eq!(hourly, ["2026-03-29 01:00", "2026-03-29 02:00"]);
}

#[test]
fn a_moment_that_passed_while_nobody_wrote_is_made_up_for() {
    let (yesterday, now) = (wall(utc("2026-01-10 12:00")), wall(utc("2026-01-11 12:00")));
    let due = |written| Due::new(every(DAY, 0), written, now, berlin);
    assert!(due(yesterday).has_come(now));
    assert!(!due(now).has_come(now));
}

#[test]
fn a_clock_that_was_wrong_does_no_harm() {
    let (future, now) = (wall(utc("2050-01-01 00:00")), wall(utc("2026-01-11 12:00")));
    let wrong = Due::new(every(DAY, 0), future, future, berlin);
    assert!(!wrong.has_come(now) && wrong.is_stale(now));
    // Written in a future that didn't come.
    let due = Due::new(every(DAY, 0), future, now, berlin);
    assert_eq!(text(due.at()), "2026-01-11 23:00");
    assert!(!due.is_stale(now));
}

proptest! {
    #[test]
    fn the_next_moment_is_later_but_not_by_much(
        after in 1_700_000_000_000..1_900_000_000_000_u64,
        interval in prop_oneof![1_000..2 * HOUR, HOUR..40 * DAY, Just(DAY), Just(7 * DAY)],
        at in 0..40 * DAY,
    ) {
        let after = WallTime(after);
        let next = every(interval, at).next(after, berlin);
        prop_assert!(next > after);
        prop_assert!(next.0 - after.0 <= u64::try_from(interval + HOUR).unwrap());
    }
}
