//! Random numbers for schedules: a pure function of a seed and a position, so that every sender that
//! shares a plan draws the same.

/// The n-th draw of a seed, each bit as likely set as not (`SplitMix64`: S. Vigna's public-domain
/// finaliser over a Weyl sequence).
fn draw(seed: u64, n: u64) -> u64 {
    let mut bits = seed.wrapping_add(n.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// A seed for one part of a plan, so that scenarios with one seed do not move in step.
pub(crate) fn seed_for(seed: u64, name: &str) -> u64 {
    name.bytes().fold(draw(seed, 0), |mixed, byte| draw(mixed, u64::from(byte)))
}

/// A number from zero up to, and not, one that looks random and follows from its arguments.
#[expect(clippy::cast_precision_loss, reason = "53 random bits are exact")]
pub fn random_share(seed: u64, name: &str, n: u64) -> f64 {
    (draw(seed_for(seed, name), n) >> 11) as f64 / (1_u64 << 53) as f64
}

/// The n-th gap of a Poisson process with one event per unit, in 2⁻³² units: exponentially
/// distributed with mean 1.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "53 random bits make a fraction above 0 and up to 1; its logarithm is at most 37"
)]
pub(crate) fn exponential_gap(seed: u64, n: u64) -> u64 {
    let fraction = ((draw(seed, n) >> 11) + 1) as f64 / (1_u64 << 53) as f64;
    (-fraction.ln() * (1_u64 << 32) as f64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The reference values of `SplitMix64` for the seed 1234567.
    #[test]
    fn draws_are_those_of_the_reference() {
        let draws = [0, 1, 2].map(|n| draw(1_234_567, n));
        assert_eq!(
            draws,
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
        );
    }

    #[test]
    fn gaps_have_mean_and_variance_of_an_exponential_distribution() {
        let gaps: Vec<f64> = (0..200_000_u64)
            .map(|n| {
                #[expect(clippy::cast_precision_loss, reason = "a statistic")]
                let gap = exponential_gap(7, n) as f64 / 4_294_967_296.0;
                gap
            })
            .collect();
        let count = 200_000.0;
        let mean = gaps.iter().sum::<f64>() / count;
        let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / count;
        assert!((mean - 1.0).abs() < 0.01, "{mean}");
        assert!((variance - 1.0).abs() < 0.03, "{variance}");
    }

    #[test]
    fn parts_of_a_plan_have_seeds_of_their_own() {
        assert_ne!(seed_for(1, "a"), seed_for(1, "b"));
        assert_ne!(seed_for(1, "a"), seed_for(2, "a"));
        assert_eq!(seed_for(1, "a"), seed_for(1, "a"));
    }
}
