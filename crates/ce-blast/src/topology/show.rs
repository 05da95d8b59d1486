//! A topology in words, a line for each part.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::model::{Exchange, Place, Queue, Route, Topology};

/// The exchanges with their bindings, the queues with their settings, and where each key leads.
pub(super) fn parts(topology: &Topology, keys: &BTreeSet<String>) -> String {
    let mut text = String::new();
    for (name, exchange) in &topology.exchanges {
        line(&mut text, "exchange", &shown(name), &kind_of(exchange));
        for binding in &exchange.bindings {
            let to = match &binding.to {
                Place::Queue(queue) => format!("queue {queue}"),
                Place::Exchange(next) => format!("exchange {next}"),
            };
            line(&mut text, "  binding", &format!("`{}`", binding.key), &format!("to {to}"));
        }
    }
    for (name, queue) in &topology.queues {
        line(&mut text, "queue", &shown(name), &traits_of(queue));
        for (argument, value) in &queue.arguments {
            line(&mut text, "  argument", argument, &value.to_string());
        }
        if let Some(policy) = queue.policy.as_ref().filter(|policy| !policy.name.is_empty()) {
            let settings = policy.definition.iter();
            let settings: Vec<String> =
                settings.map(|(name, value)| format!("{name} {value}")).collect();
            line(&mut text, "  policy", &policy.name, &settings.join(", "));
        }
    }
    for key in keys {
        let route = topology.route(&topology.exchange, key);
        line(&mut text, "key", &format!("`{key}`"), &leads_to(&route));
    }
    text
}

fn line(text: &mut String, what: &str, name: &str, of: &str) {
    writeln!(text, "{what:<10} {name:<40} {of}").expect("a String takes any text");
}

/// The default exchange has no name.
fn shown(name: &str) -> String {
    if name.is_empty() { "(default)".to_owned() } else { name.to_owned() }
}

fn kind_of(exchange: &Exchange) -> String {
    let mut kind = exchange.kind.clone();
    for (is_so, word) in [
        (exchange.durable, "durable"),
        (!exchange.durable, "transient"),
        (exchange.auto_delete, "auto-delete"),
        (exchange.internal, "internal"),
    ] {
        if is_so {
            kind = format!("{kind}, {word}");
        }
    }
    match &exchange.alternate {
        Some(alternate) => format!("{kind}, alternate {alternate}"),
        None => kind,
    }
}

fn traits_of(queue: &Queue) -> String {
    let mut traits = queue.kind.clone();
    for (is_so, word) in [
        (queue.durable, "durable"),
        (!queue.durable, "transient"),
        (queue.exclusive, "exclusive"),
        (queue.auto_delete, "auto-delete"),
    ] {
        if is_so {
            traits = format!("{traits}, {word}");
        }
    }
    traits
}

fn leads_to(route: &Route) -> String {
    let queues: Vec<&str> = route.queues.iter().map(String::as_str).collect();
    match (queues.is_empty(), route.unknown.first()) {
        (false, _) => format!("to queue {}", queues.join(", ")),
        (true, Some(exchange)) => format!("not decided by the key alone: exchange {exchange}"),
        (true, None) => "nowhere".to_owned(),
    }
}
