//! What the events of each kind say, as templates.

use crate::cli::IdStyle;
use crate::kind::Kind;
use crate::plan::Plan;
use crate::pool::Pair;
use crate::stamp::TimeFrom;
use crate::template::{Hole, Template};

/// A parser event holds up to this many log indices.
const MAX_LOGS: usize = 8;

/// The attributes that differ between kinds.
struct Attributes<'a> {
    event_type: &'a str,
    source: &'a str,
    subject: Option<&'a str>,
}

/// All the lines of a kind. Every one is as likely as the others.
pub(crate) fn templates(kind: Kind, plan: &Plan) -> Vec<Template> {
    match kind {
        Kind::Build => about_pairs("network.notifi.lambda.build.start", plan),
        Kind::Delete => about_pairs(&plan.delete_type, plan),
        Kind::Parser => (1..=MAX_LOGS).map(|logs| parser_event(logs, plan)).collect(),
    }
}

fn about_pairs(event_type: &str, plan: &Plan) -> Vec<Template> {
    plan.pool.iter().map(|pair| pair_event(event_type, pair, plan)).collect()
}

fn pair_event(event_type: &str, pair: &Pair, plan: &Plan) -> Template {
    let Pair { third_party_id, parser_id } = pair;
    let source = &format!("network.notifi.parsers.{third_party_id}.{parser_id}");
    let line = opened(&Attributes { event_type, source, subject: None }, plan)
        .text(r#""third_party_id":""#)
        .escaped(third_party_id)
        .text(r#"","parser_id":""#)
        .escaped(parser_id)
        .text("\"");
    closed(line, plan)
}

fn parser_event(logs: usize, plan: &Plan) -> Template {
    let attributes = Attributes {
        event_type: "network.notifi.lambda.parser.start",
        source: &plan.source,
        subject: Some("parser-load-test"),
    };
    let line = opened(&attributes, plan)
        .text(r#""contextId":"ctx-"#)
        .hole(Hole::ContextId)
        .text(r#"","parameters":{"blockId":""#)
        .hole(Hole::BlockId)
        .text(r#"","blockchainType":52,"urlForBlob":"redis://ephemeralblock/load-test/"#)
        .hole(Hole::BlockId)
        .text(r#"","logIndices":["#);
    let line = (0..logs).fold(line, |line, log| {
        line.text(if log == 0 { "" } else { "," }).hole(Hole::LogIndex(log))
    });
    closed(line.text("]}"), plan)
}

/// A line up to the members of `data`. Readers that route events look for the id and the type, so
/// these come first.
fn opened(attributes: &Attributes<'_>, plan: &Plan) -> Template {
    let mut line = Template::default().text(r#"{"specversion":"1.0","id":""#);
    line = match plan.id {
        IdStyle::Uuid4 => line.hole(Hole::Uuid),
        IdStyle::Seq => line.escaped(&plan.run).text("-").hole(Hole::Number),
    };
    line = line.text(r#"","type":""#).escaped(attributes.event_type);
    line = line.text(r#"","source":""#).escaped(attributes.source);
    if let Some(subject) = attributes.subject {
        line = line.text(r#"","subject":""#).escaped(subject);
    }
    line = match &plan.time {
        TimeFrom::Nowhere => line,
        TimeFrom::Clock => line.text(r#"","time":""#).hole(Hole::Time),
        TimeFrom::User(time) => line.text(r#"","time":""#).escaped(time),
    };
    if plan.sequence {
        line = line.text(r#"","sequence":""#).hole(Hole::Number);
    }
    line.text(r#"","datacontenttype":"application/json","data":{"#)
}

/// The same line with padding, if that is wanted, and its end.
fn closed(line: Template, plan: &Plan) -> Template {
    match plan.size {
        None => line.end(0, "}}"),
        Some(bytes) => line.text(r#","padding":""#).end(bytes, "\"}}"),
    }
}
