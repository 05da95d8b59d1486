//! Makes long streams of records for benchmarks of `lat-collect`, with losses and duplicates planted:
//! `make-records samples|receipts EVENTS LOST DUPLICATED`.

#![expect(clippy::print_stderr, reason = "usage, for developers")]

use std::io;
use std::process::ExitCode;

use ce_testkit::MadeRecords;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let numbers: Option<Vec<u64>> = args.iter().skip(1).map(|arg| arg.parse().ok()).collect();
    let records = match numbers.as_deref() {
        Some(&[events, lost, duplicated]) => Some(MadeRecords { events, lost, duplicated }),
        _ => None,
    };
    let out = io::stdout().lock();
    let result = match (args.first().map(String::as_str), records) {
        (Some("samples"), Some(records)) => records.samples(out),
        (Some("receipts"), Some(records)) => records.receipts(out),
        _ => {
            eprintln!("usage: make-records samples|receipts EVENTS LOST DUPLICATED");
            return ExitCode::from(2);
        }
    };
    ExitCode::from(u8::from(result.is_err()))
}
