//! Reads a topology from the management API, following bindings, alternate and dead-letter exchanges.

use std::collections::{BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde_json::{Map, Value};
use tokio::time::sleep;

use super::model::{Binding, Exchange, Place, Policy, Queue, Topology};
use crate::target::management::{Api, One, encoded};

/// Exchanges and queues that are looked at; who has more is told so.
const MOST: usize = 500;

/// The broker gathers what it tells of queues every 5 s.
const DESCRIBED: Duration = Duration::from_secs(12);
const ASK_AGAIN: Duration = Duration::from_millis(500);
/// What all policies together come to, and their names.
const EFFECTIVE: &str = "effective_policy_definition";
const POLICIES: [&str; 2] = ["policy", "operator_policy"];

/// A connection to the API, for one virtual host.
pub(super) struct Look<'a> {
    api: &'a Api,
    connection: One,
    vhost: &'a str,
    patience: Duration,
    /// The description of a new queue lacks its policies for some seconds; until when to wait.
    described_by: Instant,
    left: usize,
}

impl<'a> Look<'a> {
    pub(super) async fn open(
        api: &'a Api,
        vhost: &'a str,
        patience: Duration,
    ) -> anyhow::Result<Self> {
        let connection = api.open(patience).await?;
        let described_by = Instant::now() + DESCRIBED;
        Ok(Self { api, connection, vhost, patience, described_by, left: MOST })
    }

    /// What can be reached from an exchange by events with these keys: to the default exchange they are
    /// names of queues.
    pub(super) async fn topology(
        &mut self,
        name: &str,
        keys: &BTreeSet<String>,
    ) -> anyhow::Result<Topology> {
        let overview = self.get("/api/overview").await?.unwrap_or_default();
        let version = overview["rabbitmq_version"].as_str().unwrap_or_default();
        let major_version = version.split('.').next().and_then(|major| major.parse().ok());
        let mut topology = Topology {
            exchange: name.to_owned(),
            major_version: major_version.unwrap_or(0),
            ..Topology::default()
        };
        let mut next = VecDeque::from([Place::Exchange(name.to_owned())]);
        if name.is_empty() {
            next.clear();
            let binding =
                |key: &String| Binding { to: Place::Queue(key.clone()), key: key.clone() };
            let bindings: Vec<Binding> = keys.iter().map(binding).collect();
            next.extend(bindings.iter().map(|binding| binding.to.clone()));
            let default = Exchange { kind: "direct".into(), durable: true, ..Exchange::default() };
            topology.exchanges.insert(String::new(), Exchange { bindings, ..default });
        }
        while let Some(place) = next.pop_front() {
            match &place {
                Place::Exchange(name) if topology.exchanges.contains_key(name) => {}
                Place::Queue(name) if topology.queues.contains_key(name) => {}
                _ if self.left == 0 => topology.is_cut = true,
                _ => {
                    self.left -= 1;
                    self.add(&mut topology, place, keys, &mut next).await?;
                }
            }
        }
        forget_missing_queues(&mut topology);
        Ok(topology)
    }

    /// Adds what is at a place, and notes where it leads.
    async fn add(
        &mut self,
        topology: &mut Topology,
        place: Place,
        keys: &BTreeSet<String>,
        next: &mut VecDeque<Place>,
    ) -> anyhow::Result<()> {
        match place {
            Place::Exchange(name) => {
                let found = self.exchange(&name).await?;
                if found.is_none() && name == topology.exchange {
                    let vhost = self.vhost;
                    bail!(
                        "there is no exchange `{name}` in virtual host `{vhost}`: declare it, or \
                         name another with --exchange"
                    );
                }
                let Some(exchange) = found else { return Ok(()) };
                next.extend(exchange.bindings.iter().map(|binding| binding.to.clone()));
                next.extend(exchange.alternate.clone().map(Place::Exchange));
                topology.exchanges.insert(name, exchange);
            }
            Place::Queue(name) => {
                let Some(queue) = self.queue(&name).await? else { return Ok(()) };
                let dead_letters = queue.text("dead-letter-exchange").map(ToOwned::to_owned);
                // The default exchange always exists, and leads to the queue that the key names.
                match (dead_letters.as_deref(), queue.text("dead-letter-routing-key")) {
                    (Some(""), Some(key)) => next.push_back(Place::Queue(key.to_owned())),
                    (Some(""), None) => next.extend(keys.iter().cloned().map(Place::Queue)),
                    (Some(other), _) => next.push_back(Place::Exchange(other.to_owned())),
                    (None, _) => {}
                }
                topology.queues.insert(name, queue);
            }
        }
        Ok(())
    }

    async fn exchange(&mut self, name: &str) -> anyhow::Result<Option<Exchange>> {
        let path = format!("/api/exchanges/{}/{}", encoded(self.vhost), encoded(name));
        let Some(found) = self.get(&path).await? else { return Ok(None) };
        let bindings = self.get(&format!("{path}/bindings/source")).await?;
        let bindings = bindings.unwrap_or_default();
        let binding = |value: &Value| {
            let destination = text(value, "destination");
            let to = match text(value, "destination_type").as_str() {
                "exchange" => Place::Exchange(destination),
                _ => Place::Queue(destination),
            };
            Binding { to, key: text(value, "routing_key") }
        };
        let policy = found["policy"].as_str();
        let by_policy = match policy {
            Some(policy) => self.definition("policies", policy).await?,
            None => Some(Map::new()),
        };
        let unread_policy = policy.filter(|_| by_policy.is_none()).map(ToOwned::to_owned);
        let by_policy = by_policy.unwrap_or_default();
        let alternate =
            found["arguments"].get("alternate-exchange").or(by_policy.get("alternate-exchange"));
        Ok(Some(Exchange {
            kind: text(&found, "type"),
            durable: found["durable"] == true,
            auto_delete: found["auto_delete"] == true,
            internal: found["internal"] == true,
            alternate: alternate.and_then(Value::as_str).map(ToOwned::to_owned),
            unread_policy,
            bindings: bindings.as_array().into_iter().flatten().map(binding).collect(),
        }))
    }

    async fn queue(&mut self, name: &str) -> anyhow::Result<Option<Queue>> {
        let path = format!("/api/queues/{}/{}", encoded(self.vhost), encoded(name));
        let Some(mut found) = self.get(&path).await? else { return Ok(None) };
        while found.get(EFFECTIVE).is_none() && Instant::now() < self.described_by {
            sleep(ASK_AGAIN).await;
            found = self.get(&path).await?.unwrap_or_default();
        }
        let names: Vec<&str> =
            POLICIES.iter().filter_map(|policy| found[*policy].as_str()).collect();
        let policy = found.get(EFFECTIVE).map(|definition| Policy {
            name: names.join(", "),
            definition: definition.as_object().cloned().unwrap_or_default(),
        });
        Ok(Some(Queue {
            kind: text(&found, "type"),
            durable: found["durable"] == true,
            exclusive: found["exclusive"] == true,
            auto_delete: found["auto_delete"] == true,
            arguments: found["arguments"].as_object().cloned().unwrap_or_default(),
            policy,
        }))
    }

    /// What a policy says; `None` to a user who may not know.
    async fn definition(
        &mut self,
        kind: &str,
        name: &str,
    ) -> anyhow::Result<Option<Map<String, Value>>> {
        let path = format!("/api/{kind}/{}/{}", encoded(self.vhost), encoded(name));
        let (status, body) = self.api.get(&mut self.connection, &path, self.patience).await?;
        if status == 401 || status == 403 {
            return Ok(None);
        }
        let found = self.read(status, &body)?.unwrap_or_default();
        Ok(Some(found["definition"].as_object().cloned().unwrap_or_default()))
    }

    /// What is at a path, if anything is.
    async fn get(&mut self, path: &str) -> anyhow::Result<Option<Value>> {
        let (status, body) = self.api.get(&mut self.connection, path, self.patience).await?;
        self.read(status, &body)
    }

    fn read(&self, status: u16, body: &[u8]) -> anyhow::Result<Option<Value>> {
        match status {
            200 => {
                Ok(Some(serde_json::from_slice(body).context("the API does not answer in JSON")?))
            }
            404 => Ok(None),
            status => bail!(self.api.refusal(status, body)),
        }
    }
}

/// A binding of the default exchange is only there with its queue.
fn forget_missing_queues(topology: &mut Topology) {
    let Topology { exchanges, queues, .. } = topology;
    if let Some(default) = exchanges.get_mut("") {
        default.bindings.retain(|binding| match &binding.to {
            Place::Queue(queue) => queues.contains_key(queue),
            Place::Exchange(_) => true,
        });
    }
}

fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_default().to_owned()
}
