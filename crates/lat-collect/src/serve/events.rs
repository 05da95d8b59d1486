//! Server-sent events: the snapshot as it is, and the seconds that changed since the last event.

use futures_util::Stream;
use futures_util::stream::unfold;
use serde::Serialize;
use tokio::sync::watch;

use super::Newest;
use crate::live::{Point, Snapshot, WatchPoint};

/// What a page has been told so far.
#[derive(Debug, Default)]
struct Told {
    version: u64,
    watch_second: Option<i64>,
}

#[derive(Serialize)]
struct Update<'a> {
    snapshot: &'a Snapshot,
    points: Vec<&'a Point>,
    watch: Vec<&'a WatchPoint>,
}

/// One event for each new snapshot. A reader that is slow skips some, and gets what it missed with
/// the next.
pub(super) fn stream(newest: watch::Receiver<Newest>) -> impl Stream<Item = String> {
    let mut newest = newest;
    newest.mark_changed();
    unfold((newest, Told::default()), |(mut newest, mut told)| async move {
        loop {
            newest.changed().await.ok()?;
            let snapshot = newest.borrow_and_update().clone();
            if let Some(snapshot) = snapshot {
                let event = event(&snapshot, &mut told);
                return Some((event, (newest, told)));
            }
        }
    })
}

fn event(snapshot: &Snapshot, told: &mut Told) -> String {
    let points = snapshot.points.iter().filter(|point| point.version > told.version).collect();
    // The newest second of what was told may have been open still.
    let news = |point: &&WatchPoint| told.watch_second.is_none_or(|told| point.second >= told);
    let watch: Vec<_> = snapshot.watch.iter().filter(news).collect();
    let update = Update { snapshot, points, watch };
    // JSON has no line breaks of its own, so an event is one line.
    let json = serde_json::to_string(&update).unwrap_or_default();
    told.version = snapshot.points.iter().map(|point| point.version).max().unwrap_or(0);
    told.watch_second = snapshot.watch.last().map(|point| point.second);
    format!("data: {json}\n\n")
}
