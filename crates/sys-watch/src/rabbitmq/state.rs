//! Compares a look at the broker with the one before: what is a value, and what is news?

use std::collections::BTreeMap;

use ce_record::Record;

use crate::rabbitmq::api::{Node, Seen};
use crate::record::{float, gauge, mark};

/// The broker as far as is known.
#[derive(Debug)]
pub(super) struct Broker {
    address: String,
    reachable: bool,
    /// Whether an alarm is on, by node and kind of alarm.
    alarms: BTreeMap<(String, Alarm), bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Alarm {
    Memory,
    Disk,
}

impl Alarm {
    fn what(self, on: bool) -> &'static str {
        match (self, on) {
            (Self::Memory, true) => "memory_alarm",
            (Self::Memory, false) => "memory_alarm_cleared",
            (Self::Disk, true) => "disk_alarm",
            (Self::Disk, false) => "disk_alarm_cleared",
        }
    }
}

impl Broker {
    /// A broker that has answered before.
    pub(super) fn new(address: &str) -> Self {
        Self { address: address.to_owned(), reachable: true, alarms: BTreeMap::new() }
    }

    /// Takes over what a look saw, or why it saw nothing.
    pub(super) fn update(
        &mut self,
        at_ns: u64,
        seen: Result<Seen, String>,
    ) -> Vec<Record<'static>> {
        let mut records: Vec<Record<'static>> =
            self.reachability(at_ns, seen.as_ref().err()).into_iter().collect();
        if let Ok(seen) = seen {
            for node in &seen.nodes {
                records.extend(self.alarm(at_ns, node, Alarm::Memory, node.memory_alarm));
                records.extend(self.alarm(at_ns, node, Alarm::Disk, node.disk_alarm));
            }
            records.extend(gauges(at_ns, &seen));
        }
        records
    }

    fn reachability(&mut self, at_ns: u64, trouble: Option<&String>) -> Option<Record<'static>> {
        let reachable = trouble.is_none();
        if std::mem::replace(&mut self.reachable, reachable) == reachable {
            return None;
        }
        Some(match trouble {
            Some(cause) => mark(at_ns, "unreachable", &self.address, &[("cause", cause)]),
            None => mark(at_ns, "reachable", &self.address, &[]),
        })
    }

    /// A node that does not tell is taken to be as it was.
    fn alarm(
        &mut self,
        at_ns: u64,
        node: &Node,
        alarm: Alarm,
        on: Option<bool>,
    ) -> Option<Record<'static>> {
        let on = on?;
        let was_on = self.alarms.insert((node.name.clone(), alarm), on).unwrap_or(false);
        (on != was_on).then(|| mark(at_ns, alarm.what(on), &node.name, &[]))
    }
}

fn gauges(at_ns: u64, seen: &Seen) -> Vec<Record<'static>> {
    let mut records = Vec::new();
    let mut push = |name, labels: &[(&str, &str)], value: Option<f64>| {
        records.extend(value.map(|value| gauge(at_ns, name, labels, value)));
    };
    push("rabbitmq_connections", &[], seen.connections);
    push("rabbitmq_channels", &[], seen.channels);
    push("rabbitmq_queues", &[], seen.queue_count.map(float));
    for node in &seen.nodes {
        let labels = [("node", node.name.as_str())];
        push("rabbitmq_node_mem_used_bytes", &labels, node.mem_used_bytes);
        push("rabbitmq_node_mem_limit_bytes", &labels, node.mem_limit_bytes);
        push("rabbitmq_node_disk_free_bytes", &labels, node.disk_free_bytes);
        push("rabbitmq_fd_used", &labels, node.fd_used);
    }
    for queue in &seen.queues {
        let labels = [("queue", queue.name.as_str()), ("vhost", queue.vhost.as_str())];
        push("rabbitmq_queue_messages_ready", &labels, queue.ready);
        push("rabbitmq_queue_messages_unacked", &labels, queue.unacked);
    }
    records
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rabbitmq::api::Queue;

    fn node(memory_alarm: Option<bool>, disk_alarm: Option<bool>) -> Seen {
        let node = Node { name: "a".into(), memory_alarm, disk_alarm, ..Node::default() };
        Seen { nodes: vec![node], ..Seen::default() }
    }

    /// Feeds looks one by one; returns the marks of each as `what name`.
    fn marks(looks: Vec<Result<Seen, String>>) -> Vec<Vec<String>> {
        let mut broker = Broker::new("http://mq/");
        let tell = |record: &Record<'_>| match record {
            Record::Mark(mark) => Some(format!("{} {}", mark.what, mark.name)),
            _ => None,
        };
        let update = |seen| broker.update(0, seen).iter().filter_map(tell).collect();
        looks.into_iter().map(update).collect()
    }

    #[test]
    fn alarms_are_marks_when_they_change() {
        let looks = [
            node(Some(false), Some(false)),
            node(Some(true), Some(false)),
            node(Some(true), Some(true)),
            node(None, None),
            node(Some(false), Some(true)),
            node(Some(false), Some(false)),
        ];
        let expected: [&[&str]; 6] = [
            &[],
            &["memory_alarm a"],
            &["disk_alarm a"],
            &[],
            &["memory_alarm_cleared a"],
            &["disk_alarm_cleared a"],
        ];
        assert_eq!(marks(looks.map(Ok).into()), expected);
    }

    #[test]
    fn an_alarm_that_is_on_at_the_first_look_is_news() {
        assert_eq!(marks(vec![Ok(node(Some(true), None))]), [["memory_alarm a"]]);
    }

    #[test]
    fn trouble_is_told_once_and_so_is_its_end() {
        let refused = || Err("refused".to_owned());
        let fine = || Ok(Seen::default());
        let told = marks(vec![fine(), refused(), refused(), fine(), fine()]);
        let expected: [&[&str]; 5] =
            [&[], &["unreachable http://mq/"], &[], &["reachable http://mq/"], &[]];
        assert_eq!(told, expected);
    }

    #[test]
    fn only_what_is_known_is_a_gauge() {
        let queue = Queue { vhost: "/".into(), name: "q".into(), ready: Some(7.0), unacked: None };
        let seen = Seen { channels: Some(3.0), queues: vec![queue], ..Seen::default() };
        let expected = [
            gauge(9, "rabbitmq_channels", &[], 3.0),
            gauge(9, "rabbitmq_queue_messages_ready", &[("queue", "q"), ("vhost", "/")], 7.0),
        ];
        assert_eq!(Broker::new("").update(9, Ok(seen)), expected);
    }
}
