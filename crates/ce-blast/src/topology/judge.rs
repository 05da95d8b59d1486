//! In which ways this topology can lose events without a word. Pure: a topology in, findings out.

use std::collections::BTreeSet;

use super::model::{Exchange, Queue, Topology};

/// Since this version a quorum queue gives a message up after so many deliveries by default.
const DELIVERY_LIMIT: (u64, u64) = (4, 20);

/// What was found, a sentence each.
pub(super) fn findings(
    topology: &Topology,
    keys: &BTreeSet<String>,
    transient: bool,
) -> Vec<String> {
    let mut found = Vec::new();
    for (name, exchange) in &topology.exchanges {
        exchange_findings(name, exchange, topology, &mut found);
    }
    routing_findings(topology, keys, &mut found);
    for (name, queue) in &topology.queues {
        queue_findings(name, queue, topology.major_version, &mut found);
        dead_letter_findings(name, queue, topology, keys, &mut found);
    }
    if transient {
        found.push("--transient: messages are gone when the broker restarts".to_owned());
    }
    if topology.is_cut {
        found.push("there is more behind this exchange than was looked at".to_owned());
    }
    found
}

fn exchange_findings(
    name: &str,
    exchange: &Exchange,
    topology: &Topology,
    found: &mut Vec<String>,
) {
    if exchange.internal && name == topology.exchange {
        found.push(format!("exchange `{name}` is internal: nobody can publish to it"));
    }
    if !exchange.durable {
        let why = "it is gone when the broker restarts, with its bindings";
        found.push(format!("exchange `{name}` is transient: {why}"));
    }
    if exchange.auto_delete {
        found.push(format!("exchange `{name}` is deleted with its last binding (auto-delete)"));
    }
    if let Some(policy) = &exchange.unread_policy {
        let why = "it may name an alternate exchange; reading it takes the tag `policymaker`";
        found.push(format!("exchange `{name}` has a policy `{policy}` that is not shown: {why}"));
    }
    if let Some(alternate) = &exchange.alternate
        && !topology.exchanges.contains_key(alternate)
    {
        let what = format!("the alternate exchange `{alternate}` of `{name}` does not exist");
        found.push(format!("{what}: what it should take reaches nobody"));
    }
}

/// What happens to events with the keys of the run, or, where they are not known, to any.
fn routing_findings(topology: &Topology, keys: &BTreeSet<String>, found: &mut Vec<String>) {
    if topology.queues.is_empty() {
        let name = &topology.exchange;
        found.push(format!("no binding leads from exchange `{name}` to a queue: all is returned"));
        return;
    }
    for key in keys {
        let route = topology.route(&topology.exchange, key);
        if route.queues.is_empty() && route.unknown.is_empty() {
            found
                .push(format!("events with routing key `{key}` reach no queue: they are returned"));
        } else if let Some(alternate) = route.alternates.first() {
            found.push(format!(
                "events with routing key `{key}` are taken by the alternate exchange `{alternate}`: \
                 they count as acknowledged, although no binding was meant for them"
            ));
        }
    }
}

fn queue_findings(name: &str, queue: &Queue, major_version: u64, found: &mut Vec<String>) {
    let mut say = |text: String| found.push(format!("queue `{name}` {text}"));
    if queue.policy.is_none() {
        say("has not told its policies: ask again when it is up".to_owned());
    }
    if !queue.durable {
        say("is transient: it is gone when the broker restarts".to_owned());
    }
    if queue.exclusive {
        say("is exclusive: it is gone with the connection that declared it".to_owned());
    }
    if queue.auto_delete {
        say("is deleted with its last consumer (auto-delete)".to_owned());
    }
    if let Some(ms) = queue.number("expires") {
        say(format!("is deleted when nobody has used it for {ms} ms (expires)"));
    }
    if queue.kind == "stream" {
        let limits = ["max-age", "max-length-bytes"];
        if limits
            .iter()
            .any(|limit| queue.text(limit).or(queue.number(limit).map(|_| "")).is_some())
        {
            say("is a stream with a limit: the oldest events go, read or not".to_owned());
        }
        return;
    }
    if queue.text("dead-letter-exchange").is_some() {
        return;
    }
    let drops_head = queue.text("overflow").is_none_or(|overflow| overflow == "drop-head");
    for (limit, unit) in [("max-length", "events"), ("max-length-bytes", "bytes")] {
        if let Some(most) = queue.number(limit).filter(|_| drops_head) {
            say(format!(
                "drops its oldest events beyond {most} {unit} ({limit} with overflow drop-head): \
                 set overflow reject-publish, or a dead-letter exchange"
            ));
        }
    }
    if let Some(ms) = queue.number("message-ttl") {
        say(format!("drops events after {ms} ms (message-ttl): set a dead-letter exchange"));
    }
    let (since, default) = DELIVERY_LIMIT;
    let default = (queue.kind == "quorum" && major_version >= since).then_some(default);
    let is_unlimited = queue.is_negative("delivery-limit");
    if let Some(limit) = queue.number("delivery-limit").or(default.filter(|_| !is_unlimited)) {
        say(format!(
            "drops an event after {limit} failed deliveries (delivery-limit): set a dead-letter \
             exchange"
        ));
    }
}

/// Whether dead letters of a queue arrive anywhere.
fn dead_letter_findings(
    name: &str,
    queue: &Queue,
    topology: &Topology,
    keys: &BTreeSet<String>,
    found: &mut Vec<String>,
) {
    let Some(exchange) = queue.text("dead-letter-exchange") else { return };
    if exchange.is_empty() {
        return default_exchange_findings(name, queue, topology, keys, found);
    }
    let what = format!("queue `{name}` sends dead letters to exchange `{exchange}`");
    if !topology.exchanges.contains_key(exchange) {
        found.push(format!("{what}, which does not exist: they are dropped"));
        return;
    }
    let reaches_none = |key: &str| {
        let route = topology.route(exchange, key);
        route.queues.is_empty() && route.unknown.is_empty()
    };
    match queue.text("dead-letter-routing-key") {
        Some(key) if reaches_none(key) => {
            found.push(format!("{what} with key `{key}`, for which no queue is bound"));
        }
        Some(_) => {}
        None => {
            let into =
                |key: &&String| topology.route(&topology.exchange, key).queues.contains(name);
            for key in keys.iter().filter(into).filter(|key| reaches_none(key)) {
                found.push(format!("{what}, where no queue is bound for key `{key}`"));
            }
        }
    }
}

/// The same for the default exchange, which always exists and is bound to every queue by its name.
fn default_exchange_findings(
    name: &str,
    queue: &Queue,
    topology: &Topology,
    keys: &BTreeSet<String>,
    found: &mut Vec<String>,
) {
    let what = format!("queue `{name}` sends dead letters to the default exchange");
    let is_queue = |key: &str| topology.queues.contains_key(key);
    match queue.text("dead-letter-routing-key") {
        Some(key) if is_queue(key) => {}
        Some(key) => found.push(format!("{what} with key `{key}`, and no queue is called that")),
        None => {
            let into =
                |key: &&String| topology.route(&topology.exchange, key).queues.contains(name);
            for key in keys.iter().filter(into).filter(|key| !is_queue(key)) {
                found.push(format!("{what}, where no queue is called `{key}`"));
            }
        }
    }
}

#[cfg(test)]
mod tests;
