//! The gauges and marks of the system under test, as far as a live view shows them.
//!
//! Everything is bounded: series, marks, pods and points. What comes beyond a limit is in watch.csv
//! all the same.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::Serialize;

/// Series that are told apart.
const SERIES: usize = 4000;
/// Names of gauges that are offered to Prometheus.
const NAMES: usize = 64;
/// Marks that are shown.
const MARKS: usize = 40;
/// Pods whose readiness is followed.
const PODS: usize = 10_000;
/// Seconds of the charts.
pub(crate) const POINTS: usize = 600;
/// A gauge that was not heard of for this long is not shown as if it still held.
const FRESH_S: f64 = 120.0;

/// What was seen of the system so far.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    /// By name and labels: when, and the value.
    latest: BTreeMap<(String, String), (f64, f64)>,
    second: Option<i64>,
    points: VecDeque<WatchPoint>,
    marks: VecDeque<MarkRow>,
    pods: Option<BTreeSet<String>>,
    alarms: BTreeSet<String>,
    /// The counters of the network when the last second was closed.
    network: Option<Network>,
}

/// The state of the system in a second; a value that nobody measures is missing.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub(crate) struct WatchPoint {
    pub(crate) second: i64,
    /// Cores that the watched processes keep busy.
    pub(crate) process_cpu: Option<f64>,
    /// Share of the host's cores that is busy.
    pub(crate) host_cpu: Option<f64>,
    pub(crate) process_memory: Option<f64>,
    pub(crate) host_memory_available: Option<f64>,
    /// Bytes per second over all interfaces.
    pub(crate) network_in: Option<f64>,
    pub(crate) network_out: Option<f64>,
    pub(crate) pods_ready: Option<f64>,
    /// Messages in all queues, ready and unacknowledged.
    pub(crate) queued: Option<f64>,
    /// The fullest broker node: memory used for each byte of its limit.
    pub(crate) broker_memory: Option<f64>,
}

/// Bytes over all interfaces since they were made.
#[derive(Debug, Clone, Copy)]
struct Network {
    at_s: f64,
    received: f64,
    sent: f64,
}

/// A mark as it is shown.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct MarkRow {
    pub(crate) at_s: f64,
    pub(crate) what: String,
    pub(crate) name: String,
    pub(crate) labels: String,
}

impl Watch {
    /// Enters a measured value.
    pub(crate) fn gauge(&mut self, at_s: f64, name: &str, labels: &str, value: f64) {
        self.roll(at_s);
        let key = (name.to_owned(), labels.to_owned());
        if self.latest.len() < SERIES || self.latest.contains_key(&key) {
            self.latest.insert(key, (at_s, value));
        }
    }

    /// Enters something that happened.
    pub(crate) fn mark(&mut self, at_s: f64, what: &str, name: &str, labels: &str) {
        self.roll(at_s);
        match what {
            "pod_ready" => {
                let pods = self.pods.get_or_insert_default();
                if pods.len() < PODS {
                    pods.insert(name.to_owned());
                }
            }
            "pod_deleted" | "pod_unready" | "pod_not_ready" => {
                self.pods.get_or_insert_default().remove(name);
            }
            "process_ended" => self.latest.retain(|(gauge, of), _| {
                !gauge.starts_with("process_") || is_total(gauge) || !has_all(of, labels)
            }),
            "memory_alarm" | "disk_alarm" if self.alarms.len() < MARKS => {
                self.alarms.insert(format!("{what} {name}"));
            }
            "memory_alarm_cleared" | "disk_alarm_cleared" => {
                self.alarms.remove(&format!("{} {name}", what.trim_end_matches("_cleared")));
            }
            _ => {}
        }
        if self.marks.len() == MARKS {
            self.marks.pop_front();
        }
        self.marks.push_back(MarkRow {
            at_s,
            what: what.to_owned(),
            name: name.to_owned(),
            labels: labels.to_owned(),
        });
    }

    /// The marks that came last, the oldest first.
    pub(crate) fn marks(&self) -> Vec<MarkRow> {
        self.marks.iter().cloned().collect()
    }

    /// Alarms of a broker that were raised and not cleared.
    pub(crate) fn alarms(&self) -> &BTreeSet<String> {
        &self.alarms
    }

    /// The seconds that are over, and the one that is not.
    pub(crate) fn points(&self) -> Vec<WatchPoint> {
        let now = self.second.map(|second| self.point(second));
        self.points.iter().cloned().chain(now).collect()
    }

    /// Each name with the sum over its series, or the largest where a sum means nothing.
    pub(crate) fn by_name(&self) -> BTreeMap<String, f64> {
        let mut names: BTreeMap<String, f64> = BTreeMap::new();
        for ((name, _), &(_, value)) in self.latest.iter().filter(|(key, _)| self.holds(key)) {
            let full = names.len() >= NAMES;
            match names.entry(name.clone()) {
                Entry::Occupied(mut sum) if name.contains("limit") => {
                    *sum.get_mut() = sum.get().max(value);
                }
                Entry::Occupied(mut sum) => *sum.get_mut() += value,
                Entry::Vacant(place) if !full => {
                    place.insert(value);
                }
                Entry::Vacant(_) => {}
            }
        }
        names
    }

    /// Closes the second before when a new one begins.
    fn roll(&mut self, at_s: f64) {
        let second = whole(at_s);
        let Some(before) = self.second.filter(|&before| before < second) else {
            self.second.get_or_insert(second);
            return;
        };
        let point = self.point(before);
        self.network = self.network_now();
        if self.points.len() == POINTS {
            self.points.pop_front();
        }
        self.points.push_back(point);
        self.second = Some(second);
    }

    fn point(&self, second: i64) -> WatchPoint {
        let rate = |total: fn(&Network) -> f64| {
            let (before, now) = (self.network?, self.network_now()?);
            let seconds = now.at_s - before.at_s;
            (seconds > 0.0).then(|| (total(&now) - total(&before)).max(0.0) / seconds)
        };
        let queued = self.sum("rabbitmq_queue_messages_ready");
        let unacked = self.sum("rabbitmq_queue_messages_unacked");
        WatchPoint {
            second,
            process_cpu: self.sum("process_cpu_ratio"),
            host_cpu: self.sum("host_cpu_ratio"),
            process_memory: self.sum("process_resident_memory_bytes"),
            host_memory_available: self.sum("host_memory_available_bytes"),
            network_in: rate(|network| network.received),
            network_out: rate(|network| network.sent),
            pods_ready: self.sum("pods_ready").or_else(|| self.pods_ready()),
            queued: queued.map(|ready| ready + unacked.unwrap_or(0.0)).or(unacked),
            broker_memory: self.broker_memory(),
        }
    }

    fn network_now(&self) -> Option<Network> {
        let total = |way| self.sum(&format!("host_network_{way}_bytes_total"));
        let name = "host_network_receive_bytes_total".to_owned();
        let ((found, _), &(at_s, _)) = self.latest.range((name.clone(), String::new())..).next()?;
        (*found == name).then_some(Network {
            at_s,
            received: total("receive")?,
            sent: total("transmit")?,
        })
    }

    #[expect(clippy::cast_precision_loss, reason = "at most PODS")]
    fn pods_ready(&self) -> Option<f64> {
        self.pods.as_ref().map(|pods| pods.len() as f64)
    }

    fn broker_memory(&self) -> Option<f64> {
        let used = self.series("rabbitmq_node_mem_used_bytes");
        let share = used.filter_map(|(labels, used)| {
            let key = ("rabbitmq_node_mem_limit_bytes".to_owned(), labels.clone());
            let &(_, limit) = self.latest.get(&key)?;
            (limit > 0.0).then(|| used / limit)
        });
        share.reduce(f64::max)
    }

    fn sum(&self, name: &str) -> Option<f64> {
        self.series(name).map(|(_, value)| value).reduce(|sum, value| sum + value)
    }

    /// The series of a name that still hold: their labels and values.
    fn series<'a>(&'a self, name: &str) -> impl Iterator<Item = (&'a String, f64)> + use<'a> {
        let name = name.to_owned();
        let from = (name.clone(), String::new());
        let of_name = self.latest.range(from..).take_while(move |((found, _), _)| *found == name);
        of_name.filter(|(key, _)| self.holds(key)).map(|((_, labels), &(_, value))| (labels, value))
    }

    fn holds(&self, key: &(String, String)) -> bool {
        let now = self.second.and_then(span).unwrap_or(0.0);
        is_total(&key.0) || self.latest.get(key).is_some_and(|&(at, _)| now - at < FRESH_S)
    }
}

fn is_total(name: &str) -> bool {
    name.ends_with("_total")
}

/// Whether `labels` holds each of `wanted`; both are `a=1;b=2`.
fn has_all(labels: &str, wanted: &str) -> bool {
    wanted.split(';').all(|pair| labels.split(';').any(|found| found == pair))
}

#[expect(clippy::cast_possible_truncation, reason = "saturates far beyond any run")]
fn whole(at_s: f64) -> i64 {
    at_s.floor() as i64
}

fn span(seconds: i64) -> Option<f64> {
    i32::try_from(seconds).ok().map(f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_are_added_up_and_counters_become_rates() {
        let mut watch = Watch::default();
        for (second, bytes) in [(0.1, 0.0), (1.1, 500.0), (3.1, 4500.0), (4.0, 4500.0)] {
            watch.gauge(second, "process_cpu_ratio", "name=a;pid=1", 0.5);
            watch.gauge(second, "process_cpu_ratio", "name=a;pid=2", 0.25);
            watch.gauge(second, "host_network_receive_bytes_total", "interface=lo", bytes);
            watch.gauge(second, "host_network_transmit_bytes_total", "interface=lo", 2.0 * bytes);
        }
        let points = watch.points();
        let seconds: Vec<i64> = points.iter().map(|point| point.second).collect();
        assert_eq!(seconds, [0, 1, 3, 4]);
        assert_eq!(points[1].network_in, Some(500.0));
        assert_eq!((points[2].network_in, points[2].network_out), (Some(2000.0), Some(4000.0)));
        assert_eq!(points[3].process_cpu, Some(0.75));
        watch.mark(5.0, "process_ended", "a", "pid=2");
        assert_eq!(watch.points().last().unwrap().process_cpu, Some(0.5));
        let by_name = watch.by_name();
        assert_eq!(by_name.get("host_network_transmit_bytes_total"), Some(&9000.0));
    }

    #[test]
    fn pods_are_counted_from_their_marks() {
        let mut watch = Watch::default();
        assert_eq!(watch.points(), []);
        for (second, what, name) in
            [(1.0, "pod_ready", "a"), (2.0, "pod_ready", "b"), (3.0, "pod_deleted", "a")]
        {
            watch.mark(second, what, name, "");
        }
        let ready: Vec<_> = watch.points().iter().map(|point| point.pods_ready).collect();
        assert_eq!(ready, [Some(1.0), Some(2.0), Some(1.0)]);
    }

    #[test]
    fn what_was_not_heard_of_for_long_is_not_shown() {
        let mut watch = Watch::default();
        watch.gauge(0.0, "host_cpu_ratio", "", 0.5);
        watch.gauge(200.0, "rabbitmq_queues", "", 1.0);
        assert_eq!(watch.points().last().unwrap().host_cpu, None);
        assert_eq!(watch.by_name().keys().collect::<Vec<_>>(), ["rabbitmq_queues"]);
    }

    #[test]
    fn nothing_grows_without_a_limit() {
        let mut watch = Watch::default();
        for number in 0..10_000_u32 {
            let at = f64::from(number);
            watch.gauge(at, &format!("g{number}"), &number.to_string(), 1.0);
            watch.mark(at, "chaos_kill", "x", "");
        }
        assert_eq!((watch.latest.len(), watch.marks.len()), (SERIES, MARKS));
        assert_eq!(watch.points.len(), POINTS);
        assert!(watch.by_name().len() <= NAMES);
    }
}
