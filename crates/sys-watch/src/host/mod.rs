//! The host that this runs on: is it the limit, rather than what is tested?

mod parse;

use std::fs;

use anyhow::Context;
use ce_cli::Clock;
use ce_record::Record;

use crate::host::parse::CpuTime;
use crate::record::{float, gauge};

/// What the last look saw.
#[derive(Debug)]
pub(crate) struct Host {
    last: Option<CpuTime>,
}

impl Host {
    /// Makes sure that the host can be looked at.
    pub(crate) fn open() -> anyhow::Result<Self> {
        fs::File::open("/proc/stat").context("/proc/stat: cannot open; --host needs Linux")?;
        Ok(Self { last: None })
    }

    /// Looks at the host once. What cannot be read is left out.
    pub(crate) fn look(&mut self, clock: &Clock) -> Vec<Record<'static>> {
        let at_ns = clock.now_ns();
        let read = |path| fs::read_to_string(path).ok();
        let now = read("/proc/stat").and_then(|text| parse::cpu_time(&text));
        let ratio = self.last.zip(now).and_then(|(last, now)| now.busy_since(last));
        self.last = now;
        let memory = read("/proc/meminfo").and_then(|text| parse::available_bytes(&text));
        let values =
            [("host_cpu_ratio", ratio), ("host_memory_available_bytes", memory.map(float))];
        let mut records: Vec<Record<'static>> = values
            .into_iter()
            .filter_map(|(name, value)| Some(gauge(at_ns, name, &[], value?)))
            .collect();
        for interface in parse::interfaces(&read("/proc/net/dev").unwrap_or_default()) {
            let labels = [("interface", interface.name)];
            let (received, sent) = (interface.received_bytes, interface.transmitted_bytes);
            records.push(gauge(
                at_ns,
                "host_network_receive_bytes_total",
                &labels,
                float(received),
            ));
            records.push(gauge(at_ns, "host_network_transmit_bytes_total", &labels, float(sent)));
        }
        records
    }
}
