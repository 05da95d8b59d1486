//! What is found in a topology, and what is not.

use serde_json::{Map, Value, json};

use super::super::model::{Binding, Place, Policy};
use super::*;

fn table(value: Value) -> Map<String, Value> {
    let Value::Object(table) = value else { panic!("{value}") };
    table
}

fn queue(arguments: Value) -> Queue {
    let arguments = table(arguments);
    Queue {
        kind: "classic".into(),
        durable: true,
        arguments,
        policy: Some(Policy::default()),
        ..Queue::default()
    }
}

fn exchange(kind: &str, bindings: &[(&str, &str)]) -> Exchange {
    let binding = |(key, queue): &(&str, &str)| Binding {
        to: Place::Queue((*queue).into()),
        key: (*key).into(),
    };
    let bindings = bindings.iter().map(binding).collect();
    Exchange { kind: kind.into(), durable: true, bindings, ..Exchange::default() }
}

/// A topic exchange `e` that gives everything to queue `q`.
fn topology(q: Queue) -> Topology {
    Topology {
        exchange: "e".into(),
        exchanges: [("e".into(), exchange("topic", &[("#", "q")]))].into(),
        queues: [("q".into(), q)].into(),
        major_version: 3,
        is_cut: false,
    }
}

fn keys(keys: &[&str]) -> BTreeSet<String> {
    keys.iter().map(ToString::to_string).collect()
}

/// Checks that there is one finding for each text, and that it has the text in it.
#[track_caller]
fn check(topology: &Topology, key: &[&str], texts: &[&str]) {
    let found = findings(topology, &keys(key), false);
    assert_eq!(found.len(), texts.len(), "{found:#?}");
    for (found, text) in found.iter().zip(texts) {
        assert!(found.contains(text), "{text}: {found}");
    }
}

#[test]
fn a_durable_queue_without_limits_loses_nothing() {
    check(&topology(queue(json!({}))), &["a.b"], &[]);
    check(&topology(queue(json!({}))), &[], &[]);
    let safe = json!({"x-max-length": 5, "x-overflow": "reject-publish"});
    check(&topology(queue(safe)), &["a"], &[]);
}

#[test]
fn what_a_queue_drops_by_itself_is_found() {
    for (arguments, text) in [
        (json!({"x-max-length": 5}), "beyond 5 events (max-length"),
        (json!({"x-max-length-bytes": 7}), "beyond 7 bytes"),
        (json!({"x-message-ttl": 60_000}), "after 60000 ms"),
        (json!({"x-expires": 9}), "for 9 ms"),
        (json!({"x-delivery-limit": 3}), "after 3 failed deliveries"),
    ] {
        check(&topology(queue(arguments)), &["a"], &[text]);
    }
}

#[test]
fn a_policy_counts_like_an_argument_and_the_smaller_limit_wins() {
    let mut limited = queue(json!({"x-max-length": 50, "x-overflow": "drop-head"}));
    let definition = table(json!({"max-length": 20, "overflow": "reject-publish"}));
    limited.policy = Some(Policy { name: "p, o".into(), definition });
    // The argument for the overflow stands before the policy.
    check(&topology(limited), &["a"], &["beyond 20 events"]);
    let mut ttl = queue(json!({}));
    let definition = table(json!({"message-ttl": 5}));
    ttl.policy = Some(Policy { name: "p".into(), definition });
    check(&topology(ttl), &["a"], &["after 5 ms"]);
}

#[test]
fn a_queue_that_goes_away_is_found() {
    let gone = |change: fn(&mut Queue)| {
        let mut it = queue(json!({}));
        change(&mut it);
        topology(it)
    };
    check(&gone(|it| it.durable = false), &["a"], &["is transient"]);
    check(&gone(|it| it.exclusive = true), &["a"], &["is exclusive"]);
    check(&gone(|it| it.auto_delete = true), &["a"], &["auto-delete"]);
    check(&gone(|it| it.policy = None), &["a"], &["has not told its policies"]);
    let stream = Queue { kind: "stream".into(), ..queue(json!({"x-max-age": "7D"})) };
    check(&topology(stream), &["a"], &["a stream with a limit"]);
}

#[test]
fn a_quorum_queue_has_a_delivery_limit_since_version_4() {
    let quorum = Queue { kind: "quorum".into(), ..queue(json!({})) };
    let mut topology = topology(quorum);
    check(&topology, &["a"], &[]);
    topology.major_version = 4;
    check(&topology, &["a"], &["after 20 failed deliveries"]);
}

#[test]
fn dead_letters_must_arrive() {
    let with = |arguments| topology(queue(arguments));
    let mut dlx = json!({"x-max-length": 5, "x-dead-letter-exchange": "d"});
    check(&with(dlx.clone()), &["a"], &["`d`, which does not exist"]);
    let mut nowhere = with(dlx.clone());
    nowhere.exchanges.insert("d".into(), exchange("direct", &[("dead", "dq")]));
    check(&nowhere, &["a"], &["no queue is bound for key `a`"]);
    dlx["x-dead-letter-routing-key"] = "dead".into();
    let mut arrives = with(dlx);
    arrives.exchanges.insert("d".into(), exchange("direct", &[("dead", "dq")]));
    arrives.queues.insert("dq".into(), queue(json!({})));
    check(&arrives, &["a"], &[]);
}

#[test]
fn the_default_exchange_takes_dead_letters_to_the_queue_that_the_key_names() {
    let with = |arguments| topology(queue(arguments));
    // Without a key of their own they keep the one that they came with.
    let dlx = json!({"x-max-length": 5, "x-dead-letter-exchange": ""});
    check(&with(dlx.clone()), &["a"], &["where no queue is called `a`"]);
    let mut arrives = with(dlx);
    arrives.queues.insert("a".into(), queue(json!({})));
    check(&arrives, &["a"], &[]);
    let named = json!({"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dq"});
    check(&with(named.clone()), &["a"], &["with key `dq`, and no queue is called that"]);
    let mut arrives = with(named);
    arrives.queues.insert("dq".into(), queue(json!({})));
    check(&arrives, &["a"], &[]);
}

#[test]
fn a_delivery_limit_below_zero_is_none() {
    let unlimited = json!({"x-delivery-limit": -1});
    let mut topology = topology(Queue { kind: "quorum".into(), ..queue(unlimited) });
    topology.major_version = 4;
    check(&topology, &["a"], &[]);
}

#[test]
fn a_key_that_no_binding_takes_is_found() {
    let mut topology = topology(queue(json!({})));
    topology.exchanges.insert("e".into(), exchange("topic", &[("a.*", "q")]));
    check(&topology, &["a.b", "b.a"], &["routing key `b.a` reach no queue"]);
    topology.exchanges.get_mut("e").unwrap().alternate = Some("rest".into());
    check(&topology, &["b.a"], &["`rest` of `e` does not exist", "`b.a` reach no queue"]);
    topology.exchanges.insert("rest".into(), exchange("fanout", &[("", "q")]));
    check(&topology, &["a.b", "b.a"], &["taken by the alternate exchange `rest`"]);
    topology.queues.clear();
    check(&topology, &[], &["no binding leads from exchange `e` to a queue"]);
}

#[test]
fn exchanges_are_followed_to_their_queues_and_round_in_circles() {
    let mut topology = topology(queue(json!({})));
    let mut first = exchange("direct", &[]);
    first.bindings.push(Binding { to: Place::Exchange("f".into()), key: "k".into() });
    let mut second = exchange("topic", &[("k", "q")]);
    second.bindings.push(Binding { to: Place::Exchange("e".into()), key: "#".into() });
    topology.exchanges = [("e".into(), first), ("f".into(), second)].into();
    check(&topology, &["k"], &[]);
    check(&topology, &["l"], &["`l` reach no queue"]);
    topology.exchanges.get_mut("f").unwrap().kind = "x-consistent-hash".into();
    check(&topology, &["k"], &[]);
}

#[test]
fn an_exchange_that_goes_away_or_takes_nothing_is_found() {
    let with = |change: fn(&mut Exchange)| {
        let mut topology = topology(queue(json!({})));
        change(topology.exchanges.get_mut("e").unwrap());
        topology
    };
    check(&with(|it| it.durable = false), &[], &["exchange `e` is transient"]);
    check(&with(|it| it.auto_delete = true), &[], &["with its last binding"]);
    check(&with(|it| it.internal = true), &[], &["is internal"]);
}
