//! Ramps against an exact integral, and against k6.

use proptest::prelude::*;

use super::*;

const SECOND: u64 = 1_000_000_000;

fn ramp(text: &str) -> Ramp {
    Ramp::new(Rate::ZERO, &parse_stages(text).unwrap()).unwrap()
}

/// Stages as (nanoseconds, events per second).
fn ramp_of(start: u64, stages: &[(u64, u64)]) -> Result<Ramp, StageError> {
    let rate = |events| Rate::new(events, SECOND).unwrap();
    let stage = |&(ns, target)| Stage { duration: Duration::from_nanos(ns), target: rate(target) };
    Ramp::new(rate(start), &stages.iter().map(stage).collect::<Vec<_>>())
}

/// The integral of the rate up to `ns` as a fraction, by adding up trapezia: 2 · seconds in
/// nanoseconds · the length of the stage that is under way are its denominator.
fn integral(start: u64, stages: &[(u64, u64)], ns: u64) -> (i128, i128) {
    let (mut from, mut begin, mut doubled) = (i128::from(start), 0_i128, 0_i128);
    let ns = i128::from(ns);
    for &(length, target) in stages {
        let (length, target) = (i128::from(length), i128::from(target));
        if ns < begin + length {
            let within = ns - begin;
            let rate_times_length = from * length + (target - from) * within;
            let trapezium = (from * length + rate_times_length) * within;
            return (doubled * length + trapezium, 2 * i128::from(SECOND) * length);
        }
        doubled += (from + target) * length;
        (from, begin) = (target, begin + length);
    }
    (doubled, 2 * i128::from(SECOND))
}

/// Event `k` is due at the last nanosecond at which the integral has not passed `k`.
#[track_caller]
fn check_exact(ramp: &Ramp, start: u64, stages: &[(u64, u64)], k: u64) {
    let due = ramp.due_ns(k).unwrap();
    let (now, after) = (integral(start, stages, due), integral(start, stages, due + 1));
    assert!(now.0 <= i128::from(k) * now.1, "event {k} at {due} is too late: {stages:?}");
    assert!(after.0 > i128::from(k) * after.1, "event {k} at {due} is too early: {stages:?}");
}

#[test]
fn a_flat_stage_is_a_constant_rate() {
    let flat = ramp("0s:200,30s:200");
    let rate: Rate = "200/s".parse().unwrap();
    assert_eq!(flat.events(), 6000);
    for k in 0..6000 {
        assert_eq!(flat.due_ns(k), rate.due_ns(k), "event {k}");
    }
    assert_eq!(flat.due_ns(6000), None);
}

/// The rate of 10/s · t has the integral 5t², so event k is due at √(k/5).
#[test]
fn a_ramp_from_zero_has_the_instants_of_its_integral() {
    let ramp = ramp("10s:100");
    assert_eq!(ramp.events(), 500);
    for k in 0..500_u32 {
        let expected_ns = (f64::from(k) / 5.0).sqrt() * 1e9;
        #[expect(clippy::cast_precision_loss, reason = "compared within two nanoseconds")]
        let due_ns = ramp.due_ns(k.into()).unwrap() as f64;
        assert!((due_ns - expected_ns).abs() < 2.0, "event {k}: {due_ns} {expected_ns}");
    }
}

/// A climb of three weeks, a fall of as long, and stairs in between: floating point would be off by
/// microseconds here.
#[test]
fn nothing_has_drifted_after_a_billion_events() {
    let mut stages = vec![(2_000_000 * SECOND, 700)];
    for level in [650, 701, 333, 1] {
        stages.extend([(0, level), (99_999 * SECOND + 1, level)]);
    }
    stages.push((1_900_000 * SECOND + 7, 0));
    let ramp = ramp_of(0, &stages).unwrap();
    let events = ramp.events();
    assert!(events > 860_000_000, "{events}");
    let samples = (0..20_000_u64).map(|n| n * 43_013 % events);
    let ends = (0..2_000).flat_map(|n| [n, events - 1 - n, 700_000_000 + n]);
    for k in samples.chain(ends) {
        check_exact(&ramp, 0, &stages, k);
    }
    let flat = [(2_000_000 * SECOND, 500)];
    let flat_ramp = ramp_of(500, &flat).unwrap();
    check_exact(&flat_ramp, 500, &flat, 999_999_999);
    assert_eq!(flat_ramp.due_ns(999_999_999), Some(999_999_999 * SECOND / 500));
}

/// The instants of k6's `ramping-arrival-rate`, by the formula of its documentation and in floating
/// point, as there: stage by stage, for event i counted from one.
#[expect(clippy::cast_precision_loss, reason = "k6 computes in floating point, too")]
fn k6_instants_ns(start: u64, stages: &[(u64, u64)]) -> Vec<f64> {
    let (mut from, mut begin, mut done, mut i) = (start as f64 / 1e9, 0.0, 0.0, 1_u64);
    let mut instants = Vec::new();
    for &(length, target) in stages {
        let (length, to) = (length as f64, target as f64 / 1e9);
        let end = done + length * (from + to) / 2.0;
        while i as f64 <= end {
            let x = i as f64;
            instants.push(if (to - from).abs() < f64::EPSILON * 1e-9 {
                begin + (x - done) / to
            } else {
                let root = length * (from * from * length + 2.0 * (x - done) * (to - from));
                begin + (from * length - root.max(0.0).sqrt()) / (from - to)
            });
            i += 1;
        }
        (from, begin, done) = (to, begin + length, end);
    }
    instants
}

/// Ours are k6's instants, with one more at the very start. The event at which the integral is a
/// whole number at the very end is theirs alone.
fn check_k6(start: u64, stages: &[(u64, u64)]) {
    let Ok(ours) = ramp_of(start, stages) else { return };
    let theirs = k6_instants_ns(start, stages);
    let more = i64::try_from(ours.events()).unwrap() - i64::try_from(theirs.len()).unwrap();
    assert!((0..=1).contains(&more), "{} and {}", ours.events(), theirs.len());
    for (k, theirs_ns) in (1..ours.events()).zip(theirs) {
        #[expect(clippy::cast_precision_loss, reason = "compared within a microsecond")]
        let ours_ns = ours.due_ns(k).unwrap() as f64;
        assert!((ours_ns - theirs_ns).abs() < 1000.0, "event {k}: {ours_ns} {theirs_ns}");
    }
}

#[test]
fn instants_of_a_long_plan_are_those_of_k6_within_a_microsecond() {
    let minutes = [(0, 10), (3, 50), (3, 100), (3, 200), (3, 100), (2, 10)];
    check_k6(10, &minutes.map(|(length, target)| (length * 60 * SECOND, target)));
}

/// k6 sends at the end of each interval and we at its beginning, so what it sends in the instant in
/// which a pause begins is sent here when the pause has ended.
#[test]
fn a_stage_at_rate_zero_is_a_pause() {
    let pause = ramp("0s:1,1s:1,0s:0,5s:0,0s:1,1s:1");
    assert_eq!([0, 1, 2].map(|k| pause.due_ns(k)), [Some(0), Some(6 * SECOND), None]);
    let stages = [(SECOND, 1), (0, 0), (5 * SECOND, 0), (0, 1), (SECOND, 1)];
    let theirs: Vec<f64> = k6_instants_ns(1, &stages).iter().map(|ns| ns.round()).collect();
    assert_eq!(theirs, [1e9, 7e9]);
}

#[test]
fn the_rate_at_an_instant_is_interpolated() {
    let ramp = ramp("0s:10,10s:20");
    assert!((ramp.per_second_at(5_000_000_000) - 15.0).abs() < 1e-9);
    assert!(ramp.per_second_at(10_000_000_000).abs() < 1e-9);
}

#[test]
fn rates_of_different_units_share_a_common_one() {
    let dues = |text: &str| {
        let ramp = ramp(text);
        (0..ramp.events()).map(|k| ramp.due_ns(k).unwrap()).collect::<Vec<_>>()
    };
    let same = |one: &str, other: &str| assert_eq!(dues(one), dues(other), "{one} {other}");
    same("0s:0.5/s,1m:10/s", "0s:30/m,1m:600/m");
    same("0s:7/3s,9s:1/2s,1s:0", "0s:14/6s,9s:3/6s,1s:0/6s");
}

#[test]
fn wrong_stages_say_what_is_wrong() {
    let message = parse_stages("3m").unwrap_err().to_string();
    assert_eq!(message, "stage `3m`: no colon; write duration:rate such as 0s:10,3m:50");
    let refused = |text: &str| Ramp::new(Rate::ZERO, &parse_stages(text).unwrap()).unwrap_err();
    assert_eq!(refused("0s:10"), StageError::Empty);
    assert_eq!(refused("5m:0,1m:0"), StageError::Zero);
    let primes = refused("1m:1/999999999999999989ns,1m:1/999999999999999967ns");
    assert!(matches!(primes, StageError::NoCommonUnit(_)), "{primes}");
    let long = refused("0s:1000000000/s,36500d:1/s");
    assert!(matches!(long, StageError::TooLong(_)), "{long}");
    assert!(ramp("0s:1000000/s,100d:1000001/s").events() > 8_640_000_000_000);
}

/// Lengths from nothing to a few seconds, most of them odd, and rates that often repeat.
fn stages() -> impl Strategy<Value = Vec<(u64, u64)>> {
    let length = prop_oneof![Just(0), 1..10 * SECOND, (0_u64..20).prop_map(|s| s * SECOND)];
    let rate = prop_oneof![Just(0_u64), 0_u64..500, Just(100)];
    prop::collection::vec((length, rate), 1..7)
}

proptest! {
    #[test]
    fn due_times_are_exact_and_never_decrease_and_the_count_is_the_integral(
        start in 0_u64..300,
        stages in stages(),
    ) {
        let Ok(ramp) = ramp_of(start, &stages) else { return Ok(()) };
        let (doubled, unit) = integral(start, &stages, u64::MAX);
        prop_assert_eq!(i128::from(ramp.events()), (doubled + unit - 1).div_euclid(unit));
        let mut last = 0;
        for k in 0..ramp.events() {
            let due = ramp.due_ns(k).unwrap();
            prop_assert!(due >= last && due < ramp.duration_ns(), "event {}", k);
            check_exact(&ramp, start, &stages, k);
            last = due;
        }
        prop_assert_eq!(ramp.due_ns(ramp.events()), None);
    }

    #[test]
    fn each_stage_has_as_many_events_as_its_integral_says(start in 0_u64..300, stages in stages()) {
        let Ok(ramp) = ramp_of(start, &stages) else { return Ok(()) };
        let dues: Vec<u64> = (0..ramp.events()).map(|k| ramp.due_ns(k).unwrap()).collect();
        let (mut from, mut begin) = (start, 0);
        for &(length, target) in &stages {
            let before = |ns| dues.partition_point(|&due| due < ns);
            let found = i128::try_from(before(begin + length) - before(begin)).unwrap();
            let doubled = i128::from(from + target) * i128::from(length);
            let off = found * 2 * i128::from(SECOND) - doubled;
            prop_assert!(off.abs() <= 2 * i128::from(SECOND), "{} in {:?}", found, (length, target));
            (from, begin) = (target, begin + length);
        }
    }

    /// Without pauses; where the rate is zero, k6's floating point loses microseconds.
    #[test]
    fn instants_are_those_of_k6_within_a_microsecond(start in 1_u64..300, stages in stages()) {
        let stages: Vec<_> = stages.into_iter().map(|(ns, rate)| (ns, rate.max(1))).collect();
        check_k6(start, &stages);
    }

    #[test]
    fn any_stages_are_scheduled_or_refused(
        stages in prop::collection::vec((any::<u64>(), 0..=1_000_000_000_u64), 1..4),
        shift in 0_u32..64,
        share in any::<u64>(),
    ) {
        let stages: Vec<_> = stages.iter().map(|&(ns, rate)| (ns >> shift, rate)).collect();
        let Ok(ramp) = ramp_of(0, &stages) else { return Ok(()) };
        let k = share % ramp.events();
        let (due, next) = (ramp.due_ns(k), ramp.due_ns(k + 1));
        prop_assert!(due.is_some() && due.unwrap() <= next.unwrap_or(u64::MAX));
    }
}
