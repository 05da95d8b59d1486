//! latency.hlog in the hands of others: a Python program that shares no line with ours reads it
//! back, value by value; a log that is torn is read as far as it goes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use ce_record::{Outcome, Record};
use ce_testkit::{Run, Tool};

use crate::{Folder, end, external, json, kept_its_schedule, lat_collect, sample, start, stream};

/// Prints each interval of a log: tag, start, length, count, percentiles, and all counts by the upper
/// end of their bucket.
const READ: &str = r#"
import json, sys
from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader
reader = HistogramLogReader(sys.argv[1], HdrHistogram(1, 3600000000, 3))
while True:
    it = reader.get_next_interval_histogram()
    if it is None:
        break
    start = it.get_start_time_stamp() - reader.get_start_time_sec() * 1000
    print(json.dumps({
        "tag": it.get_tag(), "start_s": round(start / 1000),
        "length_ms": round(it.get_end_time_stamp() - it.get_start_time_stamp()),
        "count": it.get_total_count(),
        "at": [it.get_value_at_percentile(p) for p in (50, 90, 95, 99, 99.9, 100)],
        "counts": [[i.value_iterated_to, i.count_added_in_this_iter_step]
                   for i in it.get_recorded_iterator()],
    }))
"#;

/// Prints the rows that Java's `outputPercentileDistribution` has: its algorithm, in fractions instead
/// of floating point, over the counts that this program reads. (Its own rows have other ticks.)
const DISTRIBUTION: &str = r#"
import math, sys
from fractions import Fraction
from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader
whole = HdrHistogram(1, 3600000000, 3)
reader = HistogramLogReader(sys.argv[1], whole)
while True:
    it = reader.get_next_interval_histogram()
    if it is None:
        break
    if it.get_tag().endswith(".latency"):
        whole.add(it)
tick, seen, value = Fraction(0), 0, 0
counts = [[i.value_iterated_to, i.count_added_in_this_iter_step]
          for i in whole.get_recorded_iterator()]
total = whole.get_total_count()
while True:
    while seen == 0 or Fraction(seen, total) < tick:
        value, count = counts.pop(0)
        seen += count
    print("%12.3f %2.12f %10d %14.2f" % (value / 1000, tick, seen, 1 / (1 - tick)))
    if seen == total:
        break
    halvings = 0
    while 1 - tick <= Fraction(1, 2 ** (halvings + 1)):
        halvings += 1
    tick += Fraction(1, 5 * 2 ** (halvings + 1))
print("%12.3f %2.12f %10d" % (value / 1000, 1, total))
print("mean %.3f" % (whole.get_mean_value() / 1000))
"#;

/// Events of two scenarios, so many in each second, with services all over the range.
fn run_dir(folder: &Folder, per_second: [u64; 2]) -> (PathBuf, BTreeMap<(String, u64), Vec<u64>>) {
    let (mut records, mut values) = (Vec::new(), BTreeMap::<_, Vec<u64>>::new());
    let plan = serde_json::json!({ "scenarios": { "a": {}, "b": {} } });
    records.push(start("ce-blast", 0, plan));
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for second in 0..3 {
        for (scenario, count) in ["a", "b"].into_iter().zip(per_second) {
            for number in 0..count {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let service_ns = 1_000 + (state >> 33) % 10_u64.pow(4 + (state >> 61) as u32);
                let due_ns = second * 1_000_000_000 + number * (1_000_000_000 / count);
                let id = records.len() as u64;
                let Record::Sample(mut sample) = sample(id, due_ns, service_ns, Outcome::Ok) else {
                    unreachable!()
                };
                sample.scenario = scenario.into();
                let spans =
                    [("latency", sample.latency_ns()), ("service", service_ns), ("lag", 10_000)];
                for (metric, ns) in spans {
                    let tag = format!("{scenario}.{metric}");
                    values.entry((tag, second)).or_default().push(ns.div_ceil(1000));
                }
                records.push(Record::Sample(sample));
            }
        }
    }
    records.push(end(records.len() as u64 - 1, Some(kept_its_schedule())));
    let out = folder.path("run");
    lat_collect().stdin(stream(records)).arg("--out").arg(&out).run().expect_code(0);
    for values in values.values_mut() {
        values.sort_unstable();
    }
    (out, values)
}

/// The largest value that three digits cannot tell from this one.
fn bucket_end(us: u64) -> u64 {
    let shift = us.max(1).ilog2().saturating_sub(10);
    (((us >> shift) + 1) << shift) - 1
}

fn python(script: &str, log: &Path) -> Option<Run> {
    let python = external::python()?;
    let run = Tool::new(python).args(["-c", script]).arg(log).run();
    run.expect_code(0);
    Some(run)
}

#[test]
fn another_implementation_reads_the_same_counts_and_percentiles() {
    let folder = Folder::new();
    // Percentiles whose ranks are whole: that program rounds a rank to the nearest one.
    let (out, mut values) = run_dir(&folder, [1000, 200]);
    let Some(read) = python(READ, &out.join("latency.hlog")) else { return };
    for line in read.stdout.lines() {
        let found: serde_json::Value = serde_json::from_str(line).unwrap();
        let (tag, second) = (found["tag"].as_str().unwrap(), found["start_s"].as_u64().unwrap());
        let sorted = values.remove(&(tag.to_owned(), second)).unwrap();
        assert_eq!(found["length_ms"], 1000);
        assert_eq!(found["count"], sorted.len());
        let rank = |per_mille: usize| (sorted.len() * per_mille).div_ceil(1000);
        let at = [500, 900, 950, 990, 999, 1000].map(|p| bucket_end(sorted[rank(p) - 1]));
        assert_eq!(found["at"], serde_json::json!(at), "{tag} in second {second}");
        let mut counts = BTreeMap::<u64, u64>::new();
        for &us in &sorted {
            *counts.entry(bucket_end(us)).or_default() += 1;
        }
        assert_eq!(found["counts"], serde_json::json!(counts.into_iter().collect::<Vec<_>>()));
    }
    assert!(values.is_empty(), "not in the log: {:?}", values.keys());
}

#[test]
fn a_distribution_has_the_rows_of_another_implementation() {
    let folder = Folder::new();
    let (out, _) = run_dir(&folder, [1000, 200]);
    let ours = lat_collect().arg("hgrm").arg(&out).run();
    ours.expect_code(0);
    let mut lines = ours.stdout.lines();
    let head = ["       Value     Percentile TotalCount 1/(1-Percentile)", ""];
    assert_eq!(lines.by_ref().take(2).collect::<Vec<_>>(), head);
    let rows: Vec<_> = lines.by_ref().take_while(|line| !line.starts_with('#')).collect();
    assert_eq!(lines.last().unwrap(), "#[Buckets =           22, SubBuckets     =         2048]");
    let mean = ours.stdout.split_once("#[Mean    = ").unwrap().1[..12].trim();
    let Some(theirs) = python(DISTRIBUTION, &out.join("latency.hlog")) else { return };
    assert!(rows.len() > 40, "{}", ours.stdout);
    assert_eq!(format!("{}\nmean {mean}\n", rows.join("\n")), theirs.stdout);
}

#[test]
fn a_tag_is_one_scenario_and_a_metric_is_all() {
    let folder = Folder::new();
    let (out, _) = run_dir(&folder, [100, 20]);
    for (tag, count) in [("a.latency", 300), ("b.lag", 60), ("service", 360)] {
        let run = lat_collect().arg("hgrm").arg(&out).args(["--tag", tag]).run();
        run.expect_code(0);
        assert!(run.stdout.contains(&format!("Total count    = {count:12}]")), "{}", run.stdout);
    }
    let run = lat_collect().arg("hgrm").arg(&out).args(["--tag", "c.latency"]).run();
    run.expect_code(3);
    let says = "no value has the tag `c.latency`; its tags: a.lag, a.latency, a.service, b.lag,";
    assert!(run.stderr.contains(says) && run.stdout.is_empty(), "{}", run.stderr);
    let run = lat_collect().arg("hgrm").arg(folder.path("none")).run();
    run.expect_code(2);
    assert!(run.stderr.contains("none/latency.hlog: cannot open: No such file"), "{}", run.stderr);
    assert!(run.stderr.ends_with("; is this a run directory?\n"), "{}", run.stderr);
    assert_eq!(run.stderr.lines().count(), 1);
    lat_collect().arg("hgrm").arg(&out).close_stdout().run().expect_code(0);
    lat_collect().arg("hgrm").arg(&out).stdout_file("/dev/full").run().expect_code(2);
}

#[test]
fn a_torn_log_is_read_up_to_its_last_whole_line() {
    let folder = Folder::new();
    let (out, _) = run_dir(&folder, [100, 20]);
    assert_eq!(json(&out, "summary.json")["overall"]["planned"], 360);
    let path = out.join("latency.hlog");
    let log = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = log.lines().collect();
    // The last line is one of scenario b, which has 20 values in each.
    assert!(lines.last().unwrap().starts_with("Tag=b.lag,2.000"), "{log}");
    fs::write(&path, &log[..log.len() - 10]).unwrap();
    let run = lat_collect().arg("hgrm").arg(&out).args(["--tag", "lag"]).run();
    run.expect_code(0);
    let says =
        format!("latency.hlog:{}: the log ends within this line, which is left out", lines.len());
    assert!(run.stderr.contains(&says), "{}", run.stderr);
    assert!(run.stdout.contains("Total count    =          340]"), "{}", run.stdout);
}
