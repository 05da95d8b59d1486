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
