//! `--check-topology`: shows what a broker has behind the exchange of the run, and names each way in
//! which it could lose events without a word.

mod judge;
mod look;
mod model;
mod show;
mod topic;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use bytes::Bytes;
use ce_cli::{DataOut, Exit, log_in, masked_url, open_input, stdin_is_terminal};
use load_plan::Plan;

use crate::cli::Cli;
use crate::event::Event;
use crate::routing::{RoutingKey, common_routing_key};
use crate::senders::place;
use crate::target::management::{Api, vhost_of};
use crate::target::{Addresses, Route, Target, check_allowed};
use look::Look;

/// What could not be reached where nobody has said where it is.
const DEFAULT_API: &str = "the management API, elsewhere if --management-url says so";
/// How much of the input is looked at for routing keys, and for how long.
const PEEK_BYTES: u64 = 1 << 20;
const PEEK: Duration = Duration::from_secs(5);

/// Checks the topology of each target of the plan, or of `--to` where there is none. The answer is no
/// if there is anything to warn of.
pub(crate) fn check(cli: &Cli, plan: Option<&Plan>, out: &mut DataOut) -> anyhow::Result<Exit> {
    let mut places: BTreeMap<String, BTreeSet<RoutingKey>> = BTreeMap::new();
    if let Some(plan) = plan {
        for scenario in plan.scenarios.iter().filter(|it| it.executor.has_events()) {
            let (url, key) = place(cli, scenario)?;
            places.entry(url).or_default().insert(key);
        }
    } else {
        let url = cli.to.clone().context("where is the broker? add --to URL")?;
        places.entry(url).or_default().insert(common_routing_key(cli)?);
    }
    let events = events(cli)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.context("cannot start a runtime")?;
    let mut warnings = 0;
    for (url, templates) in places {
        let keys = keys(&templates, &events)?;
        let (api, vhost) = api(cli, &url)?;
        let work = async {
            let look = Look::open(&api, &vhost, cli.timeout).await;
            let mut look = match &cli.topology.management_url {
                Some(_) => look?,
                None => look.context(DEFAULT_API)?,
            };
            look.topology(&cli.exchange, &keys).await
        };
        let topology = tokio::task::LocalSet::new().block_on(&runtime, work);
        let topology = topology.with_context(|| masked_url(&url))?;
        let found = judge::findings(&topology, &keys, cli.transient);
        out.write(show::parts(&topology, &keys).as_bytes())?;
        if keys.is_empty() {
            out.write(
                b"key        not known without events: pipe some in to check their bindings\n",
            )?;
        }
        for finding in &found {
            out.write(format!("WARNING    {finding}\n").as_bytes())?;
        }
        warnings += found.len();
    }
    let verdict = match warnings {
        0 => "no way was found in which this topology loses events\n".to_owned(),
        1 => "1 way in which this topology can lose events\n".to_owned(),
        more => format!("{more} ways in which this topology can lose events\n"),
    };
    out.write(verdict.as_bytes())?;
    Ok(if warnings == 0 { Exit::Yes } else { Exit::No })
}

/// The management API of a target, and its virtual host.
fn api(cli: &Cli, url: &str) -> anyhow::Result<(Api, String)> {
    let target = Target::parse(url)?;
    check_allowed(&target, &cli.guard)?;
    let vhost = vhost_of(url).with_context(|| masked_url(url))?;
    let url = match &cli.topology.management_url {
        Some(url) => url.clone(),
        None => target.management_url().with_context(|| {
            format!("{}: --check-topology is about AMQP targets", masked_url(url))
        })?,
    };
    let Ok(Target::Http { uri, .. }) = Target::parse(&url) else {
        bail!("--management-url `{}`: write http(s)://host[:port]", masked_url(&url));
    };
    let api = Target::Http { tls: uri.scheme_str() == Some("https"), uri };
    let addresses = check_allowed(&api, &cli.guard)?;
    let (host, _) = api.address().context("a URL has a host")?;
    let tls = api.is_tls().then(|| cli.tls.client()).transpose()?;
    let addresses = Addresses::new(addresses, cli.timeout);
    let route = Route { host: host.to_owned(), addresses, tls };
    let url = log_in(&url, cli.guard.credentials()?.as_ref())?;
    Ok((Api::new(&url, route)?, vhost))
}

/// The routing keys of the run, as far as its events are known.
fn keys(templates: &BTreeSet<RoutingKey>, events: &[Event]) -> anyhow::Result<BTreeSet<String>> {
    let mut keys = BTreeSet::new();
    for template in templates {
        keys.extend(template.constant());
        for event in events {
            let key = template.of(event).map_err(|why| anyhow!("event `{}`: {why}", event.id()))?;
            keys.insert(key.as_str().to_owned());
        }
    }
    Ok(keys)
}

/// The first events of the input; none if nobody supplies any.
fn events(cli: &Cli) -> anyhow::Result<Vec<Event>> {
    if cli.events.as_os_str() == "-" && stdin_is_terminal() {
        return Ok(Vec::new());
    }
    let input = open_input(&cli.events)?;
    let name = input.name.clone();
    let (send, lines) = mpsc::channel();
    thread::spawn(move || {
        let mut limited = BufReader::new(input.bytes.take(PEEK_BYTES));
        let mut line = Vec::new();
        while limited.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
            // The last line may be cut, and then it is no event.
            let is_whole = line.ends_with(b"\n") || limited.get_ref().limit() > 0;
            if !is_whole || send.send(std::mem::take(&mut line)).is_err() {
                return;
            }
        }
    });
    let (mut events, mut number) = (Vec::new(), 0_u64);
    let deadline = std::time::Instant::now() + PEEK;
    while let Ok(line) =
        lines.recv_timeout(deadline.saturating_duration_since(std::time::Instant::now()))
    {
        number += 1;
        if line.trim_ascii().is_empty() {
            continue;
        }
        events.push(Event::new(Bytes::from(line)).with_context(|| format!("{name}:{number}"))?);
    }
    Ok(events)
}
