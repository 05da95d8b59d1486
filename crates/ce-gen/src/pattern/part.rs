//! The members of an event as they will be: what the template says, what the flags say, and what
//! the specification demands.

use std::ops::Range;

use crate::cli::IdStyle;
use crate::json::{Member, quoted};
use crate::plan::Common;
use crate::stamp::TimeFrom;

/// A member of the event.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) content: Content,
}

/// Where its value comes from.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// It stands in the template file, here.
    Written(Range<usize>),
    /// Finished JSON.
    Json(String),
    Id(IdStyle),
    /// The moment at which the event is made.
    Time,
    /// The event's number.
    Sequence,
}

/// All members in the order of the line. Flags win over the template.
pub(crate) fn parts(members: Vec<Member>, common: &Common) -> Vec<Part> {
    let flags = flags(common);
    let has_no_time = common.attributes.time == Some(TimeFrom::Nowhere);
    let is_overruled =
        |name: &str| flags.iter().any(|flag| flag.name == name) || (has_no_time && name == "time");
    let mut parts: Vec<Part> = members
        .into_iter()
        .filter(|member| !is_overruled(&member.name))
        .map(|member| Part { name: member.name, content: Content::Written(member.value) })
        .collect();
    parts.extend(flags);
    let has = |name: &str, parts: &[Part]| parts.iter().any(|part| part.name == name);
    if !has("specversion", &parts) {
        parts.push(part("specversion", Content::Json(quoted("1.0"))));
    }
    if !has("id", &parts) {
        parts.push(part("id", Content::Id(IdStyle::Uuid4)));
    }
    parts.sort_by_key(|part| rank(&part.name));
    parts
}

/// What the flags say.
fn flags(common: &Common) -> Vec<Part> {
    let said = &common.attributes;
    let text = |name, text: &Option<String>| {
        text.as_ref().map(|text| part(name, Content::Json(quoted(text))))
    };
    let time = match &said.time {
        None | Some(TimeFrom::Nowhere) => None,
        Some(TimeFrom::Clock) => Some(Content::Time),
        Some(TimeFrom::User(time)) => Some(Content::Json(quoted(time))),
    };
    let extensions = said
        .extensions
        .iter()
        .map(|extension| part(&extension.name, Content::Json(extension.value.to_string())));
    [
        said.id.map(|style| part("id", Content::Id(style))),
        text("type", &said.event_type),
        text("source", &said.source),
        text("subject", &said.subject),
        time.map(|time| part("time", time)),
        said.sequence.then(|| part("sequence", Content::Sequence)),
    ]
    .into_iter()
    .flatten()
    .chain(extensions)
    .chain(text("datacontenttype", &said.datacontenttype))
    .chain(text("dataschema", &said.dataschema))
    .collect()
}

fn part(name: &str, content: Content) -> Part {
    Part { name: name.into(), content }
}

/// Readers that route events look for the id and the type, so these come first.
fn rank(name: &str) -> usize {
    const FIRST: [&str; 4] = ["specversion", "id", "type", "source"];
    match name {
        "data" | "data_base64" => FIRST.len() + 1,
        _ => FIRST.iter().position(|first| *first == name).unwrap_or(FIRST.len()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::Cli;
    use crate::json::members;

    /// The names of the parts, and how each comes about: written, or by a flag.
    fn check(event: &str, flags: &[&str], expected: &str) {
        let make = Cli::parse_from([&["ce-gen"], flags].concat()).make;
        let attributes = make.attributes;
        let common = Common { run: "r".into(), size: None, last: 0, attributes };
        let shown = parts(members(event, 0..event.len()), &common).into_iter().map(|part| {
            let is_written = matches!(part.content, Content::Written(_));
            format!("{}{}", part.name, if is_written { "" } else { "!" })
        });
        assert_eq!(shown.collect::<Vec<_>>().join(" "), expected);
    }

    #[test]
    fn what_routes_an_event_comes_first_and_its_data_last() {
        let event = r#"{"data":1,"x":2,"source":"","subject":"","type":"","id":""}"#;
        check(event, &[], "specversion! id type source x subject data");
        check(r#"{"data_base64":"","specversion":"1.0"}"#, &[], "specversion id! data_base64");
    }

    #[test]
    fn flags_replace_and_add() {
        let event = r#"{"time":"","x":2,"id":"","type":"","source":"","x":3}"#;
        let flags = ["--id=seq", "--type=t", "--extension=x=1", "--dataschema=a:b"];
        check(event, &flags, "specversion! id! type! source time x! dataschema!");
        check(event, &["--time=none"], "specversion! id type source x x");
        check(
            event,
            &["--time=now", "--sequence"],
            "specversion! id type source x x time! sequence!",
        );
    }
}
