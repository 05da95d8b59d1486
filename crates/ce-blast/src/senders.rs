//! Where the scenarios of a plan send, and what each such place is reached by.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use anyhow::{Context, bail};
use ce_amqp::ShortText;
use ce_cli::{Credentials, log_in, masked_url, say};
use ce_event::amqp::Dialect;
use ce_tls::TlsClient;
use hyper::header::HOST;
use load_plan::{Plan, Scenario};

use crate::broker_url;
use crate::cli::{AmqpDialect, Cli, ContentMode};
use crate::plan;
use crate::routing::{RoutingKey, routing_key};
use crate::target::management::{Api, Publish, WARNING, vhost_of};
use crate::target::{
    Addresses, AmqpTarget, Broker, ConnectionsTarget, HttpTarget, Login, ManagementTarget, Manner,
    Policy, Route, Sender, Target,
};
use crate::target::{allow_files, check_allowed, collect_headers, refuse_production};

/// The largest frame that `RabbitMQ` takes unless it is told otherwise.
const FRAME_BYTES: u32 = 128 * 1024;
/// The smallest that it agrees to, since 4.1. It is what a broker reserves for a connection.
const LEAST_FRAME_BYTES: u32 = 8192;

/// Where a scenario sends: URL and routing key.
type Place = (String, RoutingKey);

/// The senders of a plan, not yet connected, grouped by place.
pub(crate) fn senders(cli: &Cli, plan: &Plan) -> anyhow::Result<Vec<(Vec<usize>, Vec<Sender>)>> {
    cli.http.batch_size(cli.mode)?;
    cli.http.retry.policy(cli.seed)?;
    let mut places: BTreeMap<Place, Vec<usize>> = BTreeMap::new();
    for (number, scenario) in plan.scenarios.iter().enumerate() {
        if !scenario.executor.has_events() {
            continue;
        }
        places.entry(place(cli, scenario)?).or_default().push(number);
    }
    let mut common =
        Common { cli, manner: None, credentials: OnceCell::new(), tls: OnceCell::new() };
    let connect = |((url, key), scenarios): (Place, Vec<usize>)| {
        Ok((scenarios, common.senders_to(&url, key)?))
    };
    let mut senders: Vec<_> = places.into_iter().map(connect).collect::<anyhow::Result<_>>()?;
    let held = plan.scenarios.iter().filter(|it| !it.executor.has_events());
    allow_files(held.filter_map(plan::events).map(|count| cli.shard.of(count)).sum())?;
    for (number, scenario) in plan.scenarios.iter().enumerate() {
        if !scenario.executor.has_events() {
            senders.push((vec![number], vec![common.connections(scenario)?]));
        }
    }
    check_flags(cli, plan, &senders)?;
    let is_management = |sender: &Sender| matches!(sender, Sender::Management(_));
    if senders.iter().flat_map(|(_, senders)| senders).any(is_management) {
        say("ce-blast", WARNING);
    }
    Ok(senders)
}

/// Refuses flags that would do nothing.
fn check_flags(
    cli: &Cli,
    plan: &Plan,
    senders: &[(Vec<usize>, Vec<Sender>)],
) -> anyhow::Result<()> {
    let has = |is: fn(&Sender) -> bool| senders.iter().any(|(_, all)| all.iter().any(is));
    let is_tls = |scenario: &Scenario| {
        let target = place(cli, scenario).and_then(|(url, _)| Target::parse(&url));
        target.is_ok_and(|target| target.is_tls())
    };
    if let Some(flag) = cli.tls.given()
        && !plan.scenarios.iter().any(is_tls)
    {
        bail!("{flag}: no target is reached over TLS: write https: or amqps:");
    }
    let is_http = has(|sender| matches!(sender, Sender::Http(_)));
    if let Some(flag) = cli.http.given()
        && !is_http
    {
        bail!("{flag}: no target is reached over HTTP");
    }
    let is_held: fn(&Sender) -> bool = |sender| matches!(sender, Sender::Connections(_));
    let is_amqp = has(|sender| matches!(sender, Sender::Amqp(_)));
    let is_rabbitmq = is_amqp || has(|sender| matches!(sender, Sender::Management(_)));
    if cli.amqp_dialect.is_some() && !is_rabbitmq {
        bail!("--amqp-dialect: no target is reached over AMQP");
    }
    if cli.guard.credentials_file.is_some() && !is_rabbitmq && !has(is_held) {
        bail!("--credentials-file: no target is reached over AMQP; for HTTP, use --header @FILE");
    }
    if cli.connections > 1 && is_http && !is_amqp && !cli.http.http2 {
        bail!(
            "--connections: HTTP/1.1 has one for each event in flight: add --http2, or leave it out"
        );
    }
    if !cli.republish.what.is_empty() && !is_amqp {
        bail!("--republish: no target is reached over AMQP");
    }
    Ok(())
}

/// Where a scenario sends.
pub(crate) fn place(cli: &Cli, scenario: &Scenario) -> anyhow::Result<Place> {
    let url = scenario.to.clone().or_else(|| cli.to.clone());
    let no_target = || match &cli.plan {
        Some(_) => format!("scenario `{}` has no target: add --to URL", scenario.name),
        None => "where to? add --to URL".to_owned(),
    };
    Ok((url.with_context(no_target)?, routing_key(cli, scenario)?))
}

/// What the places have in common, each read once: a secret may come from a pipe.
struct Common<'a> {
    cli: &'a Cli,
    manner: Option<Manner>,
    credentials: OnceCell<Option<Credentials>>,
    tls: OnceCell<TlsClient>,
}

impl Common<'_> {
    fn senders_to(&mut self, url: &str, routing_key: RoutingKey) -> anyhow::Result<Vec<Sender>> {
        let cli = self.cli;
        let target = Target::parse(url)?;
        let binary = binary(cli)?;
        let Some((host, _)) = target.address() else { return Ok(vec![Sender::Null]) };
        let route = self.route(&target, host)?;
        match &target {
            Target::Http { uri, .. } => {
                let http = HttpTarget::new(uri, route, self.manner()?);
                let http = Box::new(http.with_context(|| masked_url(url))?);
                // Over HTTP/1.1 one sender opens as many as it needs.
                let connections = if cli.http.http2 { cli.connections } else { 1 };
                Ok((0..connections).map(|_| Sender::Http(http.clone())).collect())
            }
            Target::Amqp { .. } | Target::Management { .. } if cli.mode == ContentMode::Batched => {
                bail!("--mode batched: AMQP has no batches; leave it out for {}", masked_url(url))
            }
            Target::Amqp { url, .. } => {
                let exchange = ShortText::new(cli.exchange.clone());
                let amqp = AmqpTarget {
                    broker: self.broker(url, route, FRAME_BYTES)?,
                    shown: masked_url(&self.with_credentials(url)?),
                    exchange: exchange.context("--exchange: longer than 255 bytes")?,
                    routing_key,
                    binary,
                    persistent: !cli.transient,
                    republish: Policy::new(&cli.republish),
                    number: 0,
                };
                let connection = |number| Sender::Amqp(AmqpTarget { number, ..amqp.clone() });
                Ok((1..=cli.connections).map(connection).collect())
            }
            Target::Management { .. } => {
                let api =
                    self.with_credentials(&target.management_url().context("it has an API")?)?;
                let api = Api::new(&api, route);
                let publish = Publish { routing_key, binary, persistent: !cli.transient };
                let vhost = vhost_of(url).with_context(|| masked_url(url))?;
                let api = api.with_context(|| masked_url(url))?;
                let target = ManagementTarget::new(api, &vhost, &cli.exchange, publish);
                Ok(vec![Sender::Management(target)])
            }
            Target::Null => Ok(vec![Sender::Null]),
        }
    }

    /// What opens and holds the connections of a scenario.
    fn connections(&mut self, scenario: &Scenario) -> anyhow::Result<Sender> {
        let (cli, name) = (self.cli, &scenario.name);
        let (url, _) = place(cli, scenario)?;
        let target = Target::parse(&url)?;
        let Target::Amqp { host, .. } = &target else {
            let shown = masked_url(&url);
            bail!("scenario `{name}` opens AMQP connections: {shown} is no place for them");
        };
        let route = self.route(&target, host)?;
        let broker = self.broker(&url, route, LEAST_FRAME_BYTES)?;
        let until_ns = plan::held_until_ns(scenario, cli.time_scale);
        let scenario = name.clone();
        let target = ConnectionsTarget { broker, scenario, until_ns };
        Ok(Sender::Connections(target))
    }

    /// A broker, who logs in there, and how large its frames may be.
    fn broker(&mut self, url: &str, route: Route, frame_max: u32) -> anyhow::Result<Broker> {
        let uri =
            broker_url::parse(&self.with_credentials(url)?).with_context(|| masked_url(url))?;
        let login = Login {
            user: uri.authority.userinfo.username,
            password: uri.authority.userinfo.password,
            vhost: uri.vhost,
            name: format!("ce-blast {}", self.cli.run).trim_end().to_owned(),
            heartbeat_s: uri.query.heartbeat,
            frame_max: uri.query.frame_max.unwrap_or(frame_max),
        };
        Ok(Broker { route, login })
    }

    /// The way to a target, if it may be loaded.
    fn route(&mut self, target: &Target, host: &str) -> anyhow::Result<Route> {
        let addresses = check_allowed(target, &self.cli.guard)?;
        let addresses = Addresses::new(addresses, self.cli.timeout);
        Ok(Route { host: host.to_owned(), addresses, tls: self.tls(target)? })
    }

    fn manner(&mut self) -> anyhow::Result<Manner> {
        if let Some(manner) = &self.manner {
            return Ok(manner.clone());
        }
        let cli = self.cli;
        let headers = collect_headers(&cli.http)?;
        let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        refuse_production(host.split(':').next().unwrap_or_default(), &cli.guard)?;
        let manner = Manner {
            mode: cli.mode,
            http2: cli.http.http2,
            batch: cli.http.batch_size(cli.mode)?,
            headers,
            success: cli.http.success.clone(),
            checks: cli.http.checks(),
            retry: cli.http.retry.policy(cli.seed)?,
        };
        Ok(self.manner.insert(manner).clone())
    }

    /// Whom to trust at a target that is reached over TLS, and who we are.
    fn tls(&mut self, target: &Target) -> anyhow::Result<Option<TlsClient>> {
        if !target.is_tls() {
            return Ok(None);
        }
        refuse_production(
            self.cli.tls.tls_server_name.as_deref().unwrap_or_default(),
            &self.cli.guard,
        )?;
        if self.tls.get().is_none() {
            self.tls = OnceCell::from(self.cli.tls.client()?);
        }
        Ok(self.tls.get().cloned())
    }

    /// The URL of a broker, with who logs in.
    fn with_credentials(&mut self, url: &str) -> anyhow::Result<String> {
        if self.credentials.get().is_none() {
            self.credentials = OnceCell::from(self.cli.guard.credentials()?);
        }
        log_in(url, self.credentials.get().and_then(Option::as_ref))
    }
}

/// How to name the headers of binary events; `None` is for events in the body.
fn binary(cli: &Cli) -> anyhow::Result<Option<Dialect>> {
    match (cli.mode, cli.amqp_dialect) {
        (ContentMode::Structured | ContentMode::Batched, None) => Ok(None),
        (ContentMode::Structured | ContentMode::Batched, Some(_)) => {
            bail!("--amqp-dialect is about binary events: add --mode binary")
        }
        (ContentMode::Binary, dialect) => Ok(Some(dialect.unwrap_or(AmqpDialect::Ce).into())),
    }
}
