//! How many virtual users a closed loop has at an instant.

/// The number of users moves linearly to `target` within `duration_ns`. A duration of zero is a
/// jump.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VuStage {
    /// How long the change takes.
    pub duration_ns: u64,
    /// Users at its end.
    pub target: u32,
}

/// `vus` users that begin evenly over `ramp_up_ns`, the first of them at once, and stay until
/// `length_ns` is over: the number at the start, and the stages.
pub fn constant_users(vus: u32, ramp_up_ns: u64, length_ns: u64) -> (u32, Vec<VuStage>) {
    let others = u128::from(ramp_up_ns) * u128::from(vus.saturating_sub(1));
    let ramp_ns = u64::try_from(others / u128::from(vus.max(1))).expect("below ramp_up_ns");
    let stage = |duration_ns| VuStage { duration_ns, target: vus };
    let stages = vec![stage(ramp_ns), stage(length_ns.saturating_sub(ramp_ns))];
    (if ramp_ns == 0 { vus } else { 1 }, stages)
}

/// Users at `ns` after the start, rounded down; `None` after the last stage.
pub fn users_at(start: u32, stages: &[VuStage], ns: u64) -> Option<u32> {
    let (mut from, mut begin) = (start, 0_u64);
    for stage in stages {
        let end = begin.saturating_add(stage.duration_ns);
        if ns < end {
            let (from, to) = (i128::from(from), i128::from(stage.target));
            let share = (to - from) * i128::from(ns - begin) / i128::from(stage.duration_ns);
            return Some(u32::try_from(from + share).expect("between two numbers of users"));
        }
        (from, begin) = (stage.target, end);
    }
    None
}

/// When user `index` (from zero) first has a place: users start in the order of their numbers. Both
/// ends of a stage count, so user 0 of a ramp from 0 starts where the ramp reaches one.
pub fn first_start_ns(start: u32, stages: &[VuStage], index: u32) -> Option<u64> {
    if index < start {
        return Some(0);
    }
    let (mut from, mut begin) = (start, 0_u64);
    for stage in stages {
        if index < stage.target && stage.target > from {
            let wanted = u128::from(index + 1 - from) * u128::from(stage.duration_ns);
            let within = wanted.div_ceil(u128::from(stage.target - from));
            return Some(begin + u64::try_from(within).expect("within the stage"));
        }
        (from, begin) = (stage.target, begin.saturating_add(stage.duration_ns));
    }
    None
}

/// The most users that there are at one time.
pub fn most_users(start: u32, stages: &[VuStage]) -> u32 {
    stages.iter().map(|stage| stage.target).fold(start, u32::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn stages(list: &[(u64, u32)]) -> Vec<VuStage> {
        let stage = |&(seconds, target)| VuStage { duration_ns: seconds * SECOND, target };
        list.iter().map(stage).collect()
    }

    #[test]
    fn users_move_linearly_and_jump_where_a_stage_takes_no_time() {
        let stages = stages(&[(10, 20), (0, 5), (10, 5)]);
        let at = |second: u64| users_at(0, &stages, second * SECOND);
        assert_eq!([at(0), at(5), at(9)], [Some(0), Some(10), Some(18)]);
        assert_eq!([at(10), at(19), at(20)], [Some(5), Some(5), None]);
        assert_eq!(most_users(0, &stages), 20);
    }

    #[test]
    fn constant_users_begin_evenly_and_the_first_at_once() {
        let (start, stages) = constant_users(5, SECOND, 10 * SECOND);
        let begins: Vec<u64> =
            (0..5).map(|user| first_start_ns(start, &stages, user).unwrap()).collect();
        assert_eq!(begins, [0, 1, 2, 3, 4].map(|fifth| fifth * SECOND / 5));
        assert_eq!(users_at(start, &stages, 10 * SECOND), None);
        assert_eq!(constant_users(3, 0, SECOND).0, 3);
    }

    #[test]
    fn users_start_where_the_ramp_reaches_their_number() {
        let stages = stages(&[(10, 20), (10, 20)]);
        let start = |index| first_start_ns(0, &stages, index);
        assert_eq!([start(0), start(19), start(20)], [Some(SECOND / 2), Some(10 * SECOND), None]);
        for index in 0..20 {
            let ns = start(index).unwrap();
            assert!(users_at(0, &stages, ns).unwrap() > index);
            assert!(users_at(0, &stages, ns - 1).unwrap() <= index);
        }
        assert_eq!(first_start_ns(3, &stages, 2), Some(0));
    }
}
