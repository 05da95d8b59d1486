//! The four alerts of a load test, judged while it runs. The rules for Prometheus in
//! examples/observability say the same; whoever has no Prometheus sees them here.

use serde::Serialize;

use super::watch::{Watch, WatchPoint};

/// Of the events of the last minute this share must succeed.
const SUCCESS: f64 = 0.95;
/// 95 of 100 events of the last minute must be answered within this time.
const P95_US: u64 = 10_000_000;
/// After a disturbance, the system must be well again within this time.
const RECOVERY_S: f64 = 900.0;
/// A host has this share of its cores busy, or a broker this share of its memory limit in use.
const CPU: f64 = 0.95;
const BROKER_MEMORY: f64 = 0.9;
/// Less memory than this is left on the host.
const MEMORY_BYTES: f64 = 256.0 * 1024.0 * 1024.0;

/// An alert and whether it fires.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Alert {
    pub(crate) name: &'static str,
    /// The rule in words.
    pub(crate) rule: &'static str,
    pub(crate) firing: bool,
    /// Whether there is anything to judge by.
    pub(crate) known: bool,
    /// What it is judged by, in words.
    pub(crate) value: String,
    /// Since when it fires, on the run's clock.
    pub(crate) since_s: Option<f64>,
}

/// Remembers since when things are wrong.
#[derive(Debug, Default)]
pub(crate) struct Alerts {
    since_s: [Option<f64>; 4],
    disturbed_since_s: Option<f64>,
}

/// What the alerts are judged by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Signs<'a> {
    pub(crate) now_s: f64,
    /// Success ratio and p95 of the last minute.
    pub(crate) last_minute: (Option<f64>, Option<u64>),
    pub(crate) watch: &'a Watch,
}

impl Alerts {
    /// Judges anew.
    pub(crate) fn update(&mut self, signs: Signs<'_>) -> Vec<Alert> {
        let (ratio, p95_us) = signs.last_minute;
        let failing = ratio.is_some_and(|ratio| ratio < SUCCESS);
        let slow = p95_us.is_some_and(|p95| p95 > P95_US);
        self.disturbed_since_s =
            (failing || slow).then(|| self.disturbed_since_s.unwrap_or(signs.now_s));
        let disturbed_s = self.disturbed_since_s.map(|since| signs.now_s - since);
        let now = signs.watch.points().pop();
        let exhausted = exhausted(now.as_ref(), signs.watch);
        let watched = now.is_some_and(|now| {
            now.host_cpu.or(now.host_memory_available).or(now.broker_memory).is_some()
        });
        let verdicts = [
            (
                "low success rate",
                "below 95 % in the last minute",
                failing,
                ratio.is_some(),
                ratio.map_or_else(String::new, |ratio| format!("{:.2} %", ratio * 100.0)),
            ),
            (
                "high latency",
                "p95 above 10 s in the last minute",
                slow,
                p95_us.is_some(),
                p95_us.map_or_else(String::new, super::text::span),
            ),
            (
                "no recovery",
                "failing or slow for 15 min without a break",
                disturbed_s.is_some_and(|disturbed| disturbed >= RECOVERY_S),
                ratio.is_some(),
                disturbed_s.map_or_else(String::new, |s| format!("disturbed for {s:.0} s")),
            ),
            (
                "resource exhaustion",
                "CPU above 95 %, memory below 256 MiB, or a broker at its limit",
                !exhausted.is_empty(),
                watched || !exhausted.is_empty(),
                exhausted.join(", "),
            ),
        ];
        let rows = verdicts.into_iter().zip(&mut self.since_s);
        rows.map(|((name, rule, firing, known, value), since_s)| {
            *since_s = firing.then(|| since_s.unwrap_or(signs.now_s));
            Alert { name, rule, firing, known, value, since_s: *since_s }
        })
        .collect()
    }
}

fn exhausted(now: Option<&WatchPoint>, watch: &Watch) -> Vec<String> {
    let mut reasons: Vec<String> = watch.alarms().iter().cloned().collect();
    let Some(now) = now else { return reasons };
    if let Some(cpu) = now.host_cpu.filter(|&cpu| cpu > CPU) {
        reasons.push(format!("CPU {:.0} %", cpu * 100.0));
    }
    if let Some(left) = now.host_memory_available.filter(|&left| left < MEMORY_BYTES) {
        reasons.push(format!("{:.0} MiB left", left / 1024.0 / 1024.0));
    }
    if let Some(used) = now.broker_memory.filter(|&used| used > BROKER_MEMORY) {
        reasons.push(format!("broker memory {:.0} %", used * 100.0));
    }
    reasons
}

#[cfg(test)]
mod tests {
    use super::*;

    fn firing(alerts: &[Alert]) -> Vec<&str> {
        alerts.iter().filter(|alert| alert.firing).map(|alert| alert.name).collect()
    }

    fn signs(now_s: f64, ratio: f64, p95_us: u64, watch: &Watch) -> Signs<'_> {
        Signs { now_s, last_minute: (Some(ratio), Some(p95_us)), watch }
    }

    #[test]
    fn each_alert_fires_on_its_own_ground_and_ends_with_it() {
        let (mut alerts, mut watch) = (Alerts::default(), Watch::default());
        assert!(firing(&alerts.update(signs(0.0, 0.95, P95_US, &watch))).is_empty());
        let failing = alerts.update(signs(1.0, 0.94, 5, &watch));
        assert_eq!(firing(&failing), ["low success rate"]);
        assert_eq!(failing[0].since_s, Some(1.0));
        let slow = alerts.update(signs(2.0, 1.0, P95_US + 1, &watch));
        assert_eq!(firing(&slow), ["high latency"]);
        let late = alerts.update(signs(901.0, 0.5, 5, &watch));
        assert_eq!(firing(&late), ["low success rate", "no recovery"]);
        assert!(firing(&alerts.update(signs(902.0, 1.0, 5, &watch))).is_empty());
        assert_eq!(firing(&alerts.update(signs(1900.0, 0.5, 5, &watch))), ["low success rate"]);
        watch.gauge(1900.0, "host_cpu_ratio", "", 0.99);
        watch.mark(1900.0, "memory_alarm", "rabbit@a", "");
        let exhausted = alerts.update(signs(1901.0, 1.0, 5, &watch));
        assert_eq!(firing(&exhausted), ["resource exhaustion"]);
        assert_eq!(exhausted[3].value, "memory_alarm rabbit@a, CPU 99 %");
    }

    /// The rules for Prometheus have the same limits.
    #[test]
    fn the_shipped_rules_have_these_limits() {
        let rules = include_str!("../../../../examples/observability/alerts.yml");
        for limit in [
            format!("expr: ce:success:ratio < {SUCCESS}\n"),
            format!("expr: ce:latency_seconds:p95 > {}\n", P95_US / 1_000_000),
            format!("for: {}m\n", RECOVERY_S / 60.0),
            format!("max by (run) (ce_host_cpu_ratio) > {CPU}\n"),
            format!("(ce_watch_host_memory_available_bytes) < {MEMORY_BYTES}\n"),
            format!("max by (run) (ce_broker_memory_ratio) > {BROKER_MEMORY}\n"),
        ] {
            assert!(rules.contains(&limit), "{limit:?} is not in alerts.yml");
        }
    }

    #[test]
    fn an_alert_without_data_says_so() {
        let watch = Watch::default();
        let signs = Signs { now_s: 0.0, last_minute: (None, None), watch: &watch };
        assert!(Alerts::default().update(signs).iter().all(|alert| !alert.firing && !alert.known));
    }
}
