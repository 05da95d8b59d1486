//! The answers of the management API: JSON in, values out.
//!
//! Where a value cannot be had, the broker leaves it out or puts a word in its place, such as
//! `disk_free_monitoring_disabled`. Hence every number is optional.

use anyhow::Context;
use serde_json::Value;

/// Requests for these, relative to the address, in the order of the fields of [`Seen`].
///
/// The broker computes neither rates nor histories for them, and sends the named columns only.
pub(super) const OVERVIEW: &str = "api/overview?columns=object_totals";
pub(super) const NODES: &str = "api/nodes?columns=name,mem_used,mem_limit,mem_alarm,disk_free,\
                                disk_free_alarm,fd_used";
pub(super) const QUEUES: &str = "api/queues?disable_stats=true&enable_queue_totals=true\
    &page=1&page_size=100&sort=name&columns=vhost,name,messages_ready,messages_unacknowledged";

/// What one look at the broker has seen.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Seen {
    pub(super) connections: Option<f64>,
    pub(super) channels: Option<f64>,
    pub(super) nodes: Vec<Node>,
    pub(super) queues: Vec<Queue>,
    /// All queues, also those that the page had no room for.
    pub(super) queue_count: Option<u64>,
}

/// A node of the cluster. One that is down has a name and no values.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Node {
    pub(super) name: String,
    pub(super) mem_used_bytes: Option<f64>,
    pub(super) mem_limit_bytes: Option<f64>,
    pub(super) disk_free_bytes: Option<f64>,
    pub(super) fd_used: Option<f64>,
    /// The node blocks all publishers, because too much memory is in use.
    pub(super) memory_alarm: Option<bool>,
    /// The node blocks all publishers, because the disk is nearly full.
    pub(super) disk_alarm: Option<bool>,
}

/// A queue and its depth.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Queue {
    pub(super) vhost: String,
    pub(super) name: String,
    pub(super) ready: Option<f64>,
    pub(super) unacked: Option<f64>,
}

/// Puts the answers to the three requests together.
pub(super) fn seen(overview: &[u8], nodes: &[u8], queues: &[u8]) -> anyhow::Result<Seen> {
    let overview = read(overview, OVERVIEW)?;
    let nodes = read(nodes, NODES)?;
    let queues = read(queues, QUEUES)?;
    let totals = overview.get("object_totals").with_context(|| not_the_api(OVERVIEW))?;
    let nodes = nodes.as_array().with_context(|| not_the_api(NODES))?;
    let items = queues["items"].as_array().with_context(|| not_the_api(QUEUES))?;
    Ok(Seen {
        connections: totals["connections"].as_f64(),
        channels: totals["channels"].as_f64(),
        nodes: nodes.iter().map(node).collect(),
        queues: items.iter().map(queue).collect(),
        queue_count: queues["total_count"].as_u64(),
    })
}

fn read(json: &[u8], request: &str) -> anyhow::Result<Value> {
    serde_json::from_slice(json).ok().with_context(|| not_the_api(request))
}

fn not_the_api(request: &str) -> String {
    let path = request.split('?').next().unwrap_or_default();
    format!("/{path}: the answer is not that of a management API; is the address right?")
}

fn node(value: &Value) -> Node {
    Node {
        name: text(&value["name"]),
        mem_used_bytes: value["mem_used"].as_f64(),
        mem_limit_bytes: value["mem_limit"].as_f64(),
        disk_free_bytes: value["disk_free"].as_f64(),
        fd_used: value["fd_used"].as_f64(),
        memory_alarm: value["mem_alarm"].as_bool(),
        disk_alarm: value["disk_free_alarm"].as_bool(),
    }
}

fn queue(value: &Value) -> Queue {
    Queue {
        vhost: text(&value["vhost"]),
        name: text(&value["name"]),
        ready: value["messages_ready"].as_f64(),
        unacked: value["messages_unacknowledged"].as_f64(),
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OVERVIEW: &[u8] =
        br#"{"object_totals":{"channels":12,"connections":5,"consumers":3,"queues":250}}"#;
    const NODES: &[u8] = br#"[
        {"name":"rabbit@a","mem_used":138510336,"mem_limit":512000000,"mem_alarm":true,
         "disk_free":71944765440,"disk_free_alarm":false,"fd_used":36},
        {"name":"rabbit@b","disk_free":"disk_free_monitoring_disabled","fd_used":"unknown"}]"#;
    const QUEUES: &[u8] = br#"{"filtered_count":250,"item_count":2,"page":1,"page_count":125,
        "page_size":2,"total_count":250,"items":[
        {"name":"builds","vhost":"/","messages_ready":7,"messages_unacknowledged":2},
        {"name":"fresh","vhost":"qa"}]}"#;

    #[test]
    fn answers_are_put_together() {
        let expected = Seen {
            connections: Some(5.0),
            channels: Some(12.0),
            nodes: vec![
                Node {
                    name: "rabbit@a".into(),
                    mem_used_bytes: Some(138_510_336.0),
                    mem_limit_bytes: Some(512_000_000.0),
                    disk_free_bytes: Some(71_944_765_440.0),
                    fd_used: Some(36.0),
                    memory_alarm: Some(true),
                    disk_alarm: Some(false),
                },
                Node { name: "rabbit@b".into(), ..Node::default() },
            ],
            queues: vec![
                Queue {
                    vhost: "/".into(),
                    name: "builds".into(),
                    ready: Some(7.0),
                    unacked: Some(2.0),
                },
                Queue { vhost: "qa".into(), name: "fresh".into(), ..Queue::default() },
            ],
            queue_count: Some(250),
        };
        assert_eq!(seen(OVERVIEW, NODES, QUEUES).unwrap(), expected);
    }

    #[test]
    fn other_answers_name_the_request() {
        let check = |overview: &[u8], nodes: &[u8], queues: &[u8], path: &str| {
            let message = format!("{:#}", seen(overview, nodes, queues).unwrap_err());
            assert!(message.starts_with(path), "{message}");
        };
        check(b"<html>", NODES, QUEUES, "/api/overview: ");
        check(b"{}", NODES, QUEUES, "/api/overview: ");
        check(OVERVIEW, br#"{"error":"not_found"}"#, QUEUES, "/api/nodes: ");
        check(OVERVIEW, b"", QUEUES, "/api/nodes: ");
        check(OVERVIEW, NODES, b"[]", "/api/queues: ");
        check(OVERVIEW, NODES, br#"{"items":[{"#, "/api/queues: ");
    }
}
