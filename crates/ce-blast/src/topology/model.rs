//! What a broker has behind an exchange, as far as an event can get from there.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::topic;

/// An exchange and everything that can be reached from it.
#[derive(Debug, Clone, Default)]
pub(super) struct Topology {
    /// The name of the exchange that is published to.
    pub(super) exchange: String,
    /// Those that exist, by name.
    pub(super) exchanges: BTreeMap<String, Exchange>,
    /// Those that exist, by name.
    pub(super) queues: BTreeMap<String, Queue>,
    /// The major version of the broker, on which some defaults depend.
    pub(super) major_version: u64,
    /// Whether there is more than was looked at.
    pub(super) is_cut: bool,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Exchange {
    /// `direct`, `fanout`, `topic`, `headers`, or what a plugin calls its own.
    pub(super) kind: String,
    pub(super) durable: bool,
    pub(super) auto_delete: bool,
    pub(super) internal: bool,
    /// Who takes what no binding takes.
    pub(super) alternate: Option<String>,
    /// A policy of its own that this user may not read.
    pub(super) unread_policy: Option<String>,
    pub(super) bindings: Vec<Binding>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Binding {
    pub(super) to: Place,
    pub(super) key: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    Queue(String),
    Exchange(String),
}

#[derive(Debug, Clone, Default)]
pub(super) struct Queue {
    /// `classic`, `quorum` or `stream`.
    pub(super) kind: String,
    pub(super) durable: bool,
    pub(super) exclusive: bool,
    pub(super) auto_delete: bool,
    pub(super) arguments: Map<String, Value>,
    /// What its policies come to; `None` while the broker has not told.
    pub(super) policy: Option<Policy>,
}

/// The policy and that of the operator, put together by the broker.
#[derive(Debug, Clone, Default)]
pub(super) struct Policy {
    pub(super) name: String,
    pub(super) definition: Map<String, Value>,
}

/// Where events with a routing key end up.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Route {
    pub(super) queues: BTreeSet<String>,
    /// Exchanges that took them because no binding of another did.
    pub(super) alternates: BTreeSet<String>,
    /// Exchanges whose choice depends on more than the key.
    pub(super) unknown: BTreeSet<String>,
}

impl Topology {
    /// Follows a routing key from an exchange.
    pub(super) fn route(&self, exchange: &str, key: &str) -> Route {
        let mut route = Route::default();
        self.follow(exchange, key, &mut route, &mut BTreeSet::new());
        route
    }

    fn follow<'a>(
        &'a self,
        name: &'a str,
        key: &str,
        route: &mut Route,
        seen: &mut BTreeSet<&'a str>,
    ) {
        let Some(exchange) = self.exchanges.get(name) else { return };
        if !seen.insert(name) {
            return;
        }
        let mut taken = false;
        for binding in &exchange.bindings {
            let Some(is_match) = exchange.takes(binding, key) else {
                route.unknown.insert(name.to_owned());
                taken = true;
                continue;
            };
            if !is_match {
                continue;
            }
            taken = true;
            match &binding.to {
                Place::Queue(queue) => drop(route.queues.insert(queue.clone())),
                Place::Exchange(next) => self.follow(next, key, route, seen),
            }
        }
        if let Some(alternate) = exchange.alternate.as_deref().filter(|_| !taken) {
            if self.exchanges.contains_key(alternate) {
                route.alternates.insert(alternate.to_owned());
            }
            self.follow(alternate, key, route, seen);
        }
    }
}

impl Exchange {
    /// Whether a binding takes a key; `None` where the key alone does not decide it.
    fn takes(&self, binding: &Binding, key: &str) -> Option<bool> {
        match self.kind.as_str() {
            "direct" => Some(binding.key == key),
            "fanout" => Some(true),
            "topic" => Some(topic::takes(&binding.key, key)),
            _ => None,
        }
    }
}

impl Queue {
    /// The smallest number that is set for this: it is the one that counts.
    pub(super) fn number(&self, name: &str) -> Option<u64> {
        self.values(name).filter_map(Value::as_u64).min()
    }

    /// Whether a number below zero is set for this, which means that there is no limit.
    pub(super) fn is_negative(&self, name: &str) -> bool {
        self.values(name).filter_map(Value::as_i64).any(|number| number < 0)
    }

    /// The text that is set for this; an argument comes before a policy.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.values(name).find_map(Value::as_str)
    }

    fn values(&self, name: &str) -> impl Iterator<Item = &Value> + use<'_> {
        let argument = self.arguments.get(&format!("x-{name}"));
        let policy = self.policy.as_ref().and_then(|policy| policy.definition.get(name));
        argument.into_iter().chain(policy)
    }
}
