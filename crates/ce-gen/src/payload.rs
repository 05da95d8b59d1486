//! What the events of each kind say, as templates.

use crate::cli::{self, IdStyle};
use crate::kind::Kind;
use crate::plan::Common;
use crate::pool::Pair;
use crate::stamp::TimeFrom;
use crate::template::{Hole, Template};

/// A parser event holds up to this many log indices.
const MAX_LOGS: usize = 8;

/// The attributes that differ between kinds.
struct Own<'a> {
    event_type: &'a str,
    source: &'a str,
    subject: Option<&'a str>,
}

/// All the lines of a kind. Every one is as likely as the others.
pub(crate) fn templates(
    kind: Kind,
    pool: &[Pair],
    delete_type: &str,
    common: &Common,
) -> Vec<Template> {
    let about_pairs =
        |event_type: &str| pool.iter().map(|pair| pair_event(event_type, pair, common)).collect();
    match kind {
        Kind::Build => about_pairs("network.notifi.lambda.build.start"),
        Kind::Delete => about_pairs(delete_type),
        Kind::Parser => (1..=MAX_LOGS).map(|logs| parser_event(logs, common)).collect(),
    }
}

fn pair_event(event_type: &str, pair: &Pair, common: &Common) -> Template {
    let Pair { third_party_id, parser_id } = pair;
    let source = &format!("network.notifi.parsers.{third_party_id}.{parser_id}");
    let line = opened(&Own { event_type, source, subject: None }, common)
        .text(r#""third_party_id":""#)
        .escaped(third_party_id)
        .text(r#"","parser_id":""#)
        .escaped(parser_id)
        .text("\"");
    closed(line, common)
}

fn parser_event(logs: usize, common: &Common) -> Template {
    let own = Own {
        event_type: "network.notifi.lambda.parser.start",
        source: "network.notifi.load-test",
        subject: Some("parser-load-test"),
    };
    let line = opened(&own, common)
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
    closed(line.text("]}"), common)
}

/// A line up to the members of `data`. Readers that route events look for the id and the type, so
/// these come first. What the flags say wins.
fn opened(own: &Own<'_>, common: &Common) -> Template {
    let said = &common.attributes;
    let mut line = Template::default().text(r#"{"specversion":"1.0","id":""#);
    line = match said.id.unwrap_or(IdStyle::Uuid4) {
        IdStyle::Uuid4 => line.hole(Hole::Uuid),
        IdStyle::Uuid7 => line.hole(Hole::OrderedUuid),
        IdStyle::Seq => line.escaped(&common.run).text("-").hole(Hole::Number),
    };
    line = line.text(r#"","type":""#).escaped(said.event_type.as_deref().unwrap_or(own.event_type));
    line = line.text(r#"","source":""#).escaped(said.source.as_deref().unwrap_or(own.source));
    line = optional(line, "subject", said.subject.as_deref().or(own.subject));
    line = match &said.time {
        None | Some(TimeFrom::Nowhere) => line,
        Some(TimeFrom::Clock) => line.text(r#"","time":""#).hole(Hole::Time),
        Some(TimeFrom::User(time)) => optional(line, "time", Some(time)),
    };
    if said.sequence {
        line = line.text(r#"","sequence":""#).hole(Hole::Number);
    }
    line = extensions(line.text("\""), said);
    let media_type = said.datacontenttype.as_deref().unwrap_or("application/json");
    line = line.text(r#","datacontenttype":""#).escaped(media_type);
    optional(line, "dataschema", said.dataschema.as_deref()).text(r#"","data":{"#)
}

/// Goes on behind a string that is still open, and leaves the last one open.
fn optional(line: Template, name: &str, value: Option<&str>) -> Template {
    match value {
        None => line,
        Some(value) => line.text("\",\"").text(name).text("\":\"").escaped(value),
    }
}

fn extensions(line: Template, said: &cli::Attributes) -> Template {
    said.extensions.iter().fold(line, |line, extension| {
        let value = extension.value.to_string();
        line.text(",\"").escaped(&extension.name).text("\":").text(&value)
    })
}

/// The same line with padding, if that is wanted, and its end.
fn closed(line: Template, common: &Common) -> Template {
    match common.size {
        None => line.end(0, "}}"),
        Some(bytes) => line.text(r#","padding":""#).end(bytes, "\"}}"),
    }
}
