//! Reads a plan: our own file, or a k6 options object as `k6 inspect` prints it. Both have the same
//! words; what k6 has and a load without scripts has not is a warning, what neither has is an error.

mod executors;

use crate::document::{Document, Entry, PlanError};
use crate::fields::{Fields, LONGEST_NS};
use crate::scenario::{Executor, Plan, Scenario};

/// What k6 does when nothing is said: half a minute.
const GRACEFUL_STOP_NS: u64 = 30_000_000_000;

/// Options of k6 that change what it prints, and figures that it adds to them.
const SILENT: [&str; 6] = [
    "summaryTrendStats",
    "summaryTimeUnit",
    "systemTags",
    "noUsageReport",
    "totalDuration",
    "maxVUs",
];
/// Options of k6 that a load without scripts has no use for.
const WITHOUT_MEANING: [&str; 33] = [
    "batch",
    "batchPerHost",
    "blacklistIPs",
    "blockHostnames",
    "cloud",
    "consoleOutput",
    "discardResponseBodies",
    "dns",
    "executionSegment",
    "executionSegmentSequence",
    "ext",
    "hosts",
    "httpDebug",
    "insecureSkipTLSVerify",
    "linger",
    "localIPs",
    "maxRedirects",
    "metricSamplesBufferSize",
    "minIterationDuration",
    "noConnectionReuse",
    "noCookiesReset",
    "noSetup",
    "noTeardown",
    "noVUConnectionReuse",
    "paused",
    "rps",
    "setupTimeout",
    "teardownTimeout",
    "throw",
    "tlsAuth",
    "tlsCipherSuites",
    "tlsVersion",
    "userAgent",
];

/// Reads the scenarios of a plan file. Thresholds and objectives in it are for `slo-check`.
pub fn read_plan(document: &Document) -> Result<Plan, PlanError> {
    let mut root = Fields::new(document, document.root(), "the plan")?;
    let common_tags = root.texts("tags")?;
    root.take_all(["thresholds", "slo"].into_iter().chain(SILENT));
    let unused = root.take_all(WITHOUT_MEANING);
    let mut warnings: Vec<_> = unused.into_iter().map(|it| no_meaning(document, it)).collect();
    let mut scenarios = if let Some(entry) = root.take("scenarios") {
        root.finish("a plan", |_| None)?;
        let mut all = Fields::new(document, &entry.node, "`scenarios`")?;
        let read = |entry| scenario(document, entry, &mut warnings);
        all.rest().into_iter().map(read).collect::<Result<Vec<_>, _>>()?
    } else {
        let scenario = executors::short_form(&mut root)?;
        check_times(&scenario, &root)?;
        vec![scenario]
    };
    if scenarios.is_empty() {
        return Err(document.error(0, "there is no scenario; add one below `scenarios`"));
    }
    for scenario in &mut scenarios {
        for (name, value) in &common_tags {
            scenario.tags.entry(name.clone()).or_insert_with(|| value.clone());
        }
    }
    Ok(Plan { scenarios, warnings })
}

fn no_meaning(document: &Document, entry: &Entry) -> String {
    format!("{}: `{}` has no meaning here and is left out", document.place(entry.offset), entry.key)
}

fn named(name: &str, executor: Executor) -> Scenario {
    Scenario {
        name: name.to_owned(),
        start_ns: 0,
        executor,
        tags: std::collections::BTreeMap::new(),
        warm_up_ns: 0,
        graceful_stop_ns: GRACEFUL_STOP_NS,
        max_in_flight: None,
        events: None,
        to: None,
        routing_key: None,
    }
}

fn scenario(
    document: &Document,
    entry: &Entry,
    warnings: &mut Vec<String>,
) -> Result<Scenario, PlanError> {
    let name = &entry.key;
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if name.is_empty() || !name.bytes().all(allowed) {
        let what = format!("scenario `{name}`: use letters, digits, `_` and `-` in its name");
        return Err(document.error(entry.offset, what));
    }
    let mut fields = Fields::new(document, &entry.node, &format!("scenario `{name}`"))?;
    let unused = fields.take_all(["exec", "env", "options", "gracefulRampDown"]);
    warnings.extend(unused.into_iter().map(|it| no_meaning(document, it)));
    let kind = executors::kind(&mut fields)?;
    let start_ns = fields.duration("startTime")?.unwrap_or(0);
    let tags = fields.texts("tags")?;
    let warm_up_ns = fields.duration("warmUp")?.unwrap_or(0);
    let graceful_stop_ns = fields.duration("gracefulStop")?.unwrap_or(GRACEFUL_STOP_NS);
    let max_in_flight = if kind.is_open_loop() { in_flight(&mut fields)? } else { None };
    let mut text = |key| fields.text(key).map(|text| text.map(ToOwned::to_owned));
    let to = text("to")?;
    let has_events = kind.has_events();
    let (events, routing_key) =
        if has_events { (text("events")?, text("routingKey")?) } else { (None, None) };
    // Last: it refuses what is left.
    let executor = executors::read(kind, &mut fields)?;
    let scenario = Scenario {
        start_ns,
        tags,
        warm_up_ns,
        graceful_stop_ns,
        max_in_flight,
        events,
        to,
        routing_key,
        ..named(name, executor)
    };
    check_times(&scenario, &fields)?;
    Ok(scenario)
}

fn check_times(scenario: &Scenario, fields: &Fields<'_>) -> Result<(), PlanError> {
    let length_ns = scenario.executor.length_ns().unwrap_or(0);
    if scenario.start_ns.saturating_add(length_ns) > LONGEST_NS {
        return Err(fields.error("startTime", "the scenario ends in more than 292 years"));
    }
    if scenario.is_all_warm_up() {
        let what = "`warmUp` is as long as the scenario: nothing is left to judge";
        return Err(fields.error("warmUp", what));
    }
    Ok(())
}

/// k6 limits its open loop by virtual users: one event in flight each.
fn in_flight(fields: &mut Fields<'_>) -> Result<Option<u64>, PlanError> {
    let ours = fields.integer("maxInFlight")?;
    let (first, most) = (fields.integer("preAllocatedVUs")?, fields.integer("maxVUs")?);
    if let Some((first, most)) = first.zip(most).filter(|(first, most)| most < first) {
        let what = format!("`maxVUs` is {most} and `preAllocatedVUs` {first}: swap them");
        return Err(fields.error("maxVUs", what));
    }
    let (key, limit) = match (ours, most, first) {
        (Some(ours), ..) => ("maxInFlight", ours),
        (None, Some(most), _) => ("maxVUs", most),
        (None, None, Some(first)) => ("preAllocatedVUs", first),
        (None, None, None) => return Ok(None),
    };
    match limit {
        0 => Err(fields.error(key, "with nothing in flight nothing is sent; allow at least 1")),
        limit => Ok(Some(limit)),
    }
}

#[cfg(test)]
mod tests;
