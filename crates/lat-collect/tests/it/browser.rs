//! The live page in a real browser: its figures are those of the run, and it talks to nobody else.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use base64::Engine as _;
use ce_record::{Mark, Outcome, Record};
use ce_testkit::{Running, Tool, wait_until};
use serde_json::{Value, json};

use crate::external::program;
use crate::http::address;
use crate::{Folder, end, json as file, kept_its_schedule, lat_collect, sample, start, stream};

const PATIENCE: Duration = Duration::from_mins(1);

/// Chromium, driven by the `DevTools` protocol over two pipes.
struct Browser {
    to: File,
    from: BufReader<File>,
    session: String,
    next: u64,
    /// Addresses that pages have asked for.
    asked: Vec<String>,
    _running: Running,
}

impl Browser {
    fn start(chromium: &Path, folder: &Folder) -> Self {
        let (to, from) = (folder.path("to"), folder.path("from"));
        fifo(&to);
        fifo(&from);
        let script = "exec \"$0\" --headless=new --no-sandbox --disable-gpu --no-first-run \
                      --disable-dev-shm-usage --remote-debugging-pipe --user-data-dir=\"$1\" \
                      about:blank 3<\"$2\" 4>\"$3\"";
        let running = Tool::new("bash")
            .args(["-c", script])
            .args([chromium, &folder.path("profile"), &to, &from])
            .spawn();
        let mut browser = Self {
            to: File::options().write(true).open(&to).unwrap(),
            from: BufReader::new(File::open(&from).unwrap()),
            session: String::new(),
            next: 0,
            asked: Vec::new(),
            _running: running,
        };
        let target = browser.call("Target.createTarget", &json!({ "url": "about:blank" }));
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let session = browser.call("Target.attachToTarget", &attach);
        session["sessionId"].as_str().unwrap().clone_into(&mut browser.session);
        for domain in ["Page.enable", "Network.enable", "Runtime.enable"] {
            browser.call(domain, &json!({}));
        }
        browser
    }

    /// Sends a command and waits for its result.
    fn call(&mut self, method: &str, params: &Value) -> Value {
        self.next += 1;
        let mut message = json!({ "id": self.next, "method": method, "params": params });
        if !self.session.is_empty() {
            message["sessionId"] = json!(self.session);
        }
        self.to.write_all(format!("{message}\0").as_bytes()).unwrap();
        loop {
            let mut bytes = Vec::new();
            self.from.read_until(0, &mut bytes).unwrap();
            let text = bytes.strip_suffix(&[0]).expect("the browser is alive");
            let message: Value = serde_json::from_slice(text).unwrap();
            if message["method"] == "Network.requestWillBeSent" {
                let url = message["params"]["request"]["url"].as_str().unwrap();
                self.asked.push(url.to_owned());
            }
            if message["id"] == self.next {
                assert!(message["error"].is_null(), "{method}: {message}");
                return message["result"].clone();
            }
        }
    }

    fn evaluate(&mut self, expression: &str) -> Value {
        let params = json!({ "expression": expression, "returnByValue": true });
        let result = self.call("Runtime.evaluate", &params);
        assert!(result["exceptionDetails"].is_null(), "{expression}: {result}");
        result["result"]["value"].clone()
    }

    fn text(&mut self, id: &str) -> String {
        let text = self.evaluate(&format!("document.getElementById('{id}')?.textContent ?? ''"));
        text.as_str().unwrap_or_default().to_owned()
    }

    fn wait_for(&mut self, id: &str, text: &str) {
        let what = format!("{id} to be {text:?}");
        wait_until(PATIENCE, &what, || (self.text(id) == text).then_some(()));
    }

    fn resize(&mut self, width: u32, height: u32, theme: &str) {
        let size =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.call("Emulation.setDeviceMetricsOverride", &size);
        let features = json!([{ "name": "prefers-color-scheme", "value": theme }]);
        self.call("Emulation.setEmulatedMedia", &json!({ "features": features }));
    }

    /// Leaves a picture for people below target/.
    fn picture(&mut self, name: &str) {
        let shot = json!({ "captureBeyondViewport": true });
        let picture = self.call("Page.captureScreenshot", &shot);
        let png =
            base64::engine::general_purpose::STANDARD.decode(picture["data"].as_str().unwrap());
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        fs::write(folder.join(name), png.unwrap()).unwrap();
    }
}

fn fifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// Samples from `first` on, 10 ms apart; each tenth was refused.
fn samples(first: u64, count: u64) -> String {
    let outcome = |seq: u64| if seq % 10 == 9 { Outcome::Rejected } else { Outcome::Ok };
    stream(
        (first..first + count)
            .map(|seq| sample(seq, seq * 10_000_000, 1_000_000 + seq % 50 * 100_000, outcome(seq))),
    )
}

/// Ten samples and a mark.
fn trickle(to: &mut File, first: u64) {
    to.write_all(samples(first, 10).as_bytes()).unwrap();
    let mark = Mark {
        at_ns: first * 10_000_000,
        what: "chaos_kill".into(),
        name: "pod <b>a</b>".into(),
        labels: BTreeMap::new(),
    };
    to.write_all(stream([Record::Mark(mark)]).as_bytes()).unwrap();
}

#[test]
fn the_page_shows_the_run_and_asks_nobody_else() {
    let Some(chromium) = program("chromium") else { return };
    let folder = Folder::new();
    let (input, out) = (folder.path("sent"), folder.path("run"));
    fifo(&input);
    let mut running = lat_collect()
        .arg(&input)
        .arg("--out")
        .arg(&out)
        .args(["--serve", "127.0.0.1:0", "--linger", "100s"])
        .spawn();
    let address = address(&running);
    let mut to = File::options().write(true).open(&input).unwrap();
    let plan = json!({ "scenarios": {} });
    to.write_all(stream([start("ce-blast", 1_000, plan)]).as_bytes()).unwrap();
    to.write_all(samples(0, 1990).as_bytes()).unwrap();
    trickle(&mut to, 1990);

    let mut browser = Browser::start(&chromium, &folder);
    browser.resize(1280, 1200, "light");
    browser.call("Page.navigate", &json!({ "url": format!("http://{address}/") }));
    browser.wait_for("planned", "2,000");
    for (id, text) in
        [("state", "running"), ("sent", "2,000"), ("ok", "1,800"), ("success", "90.00 %")]
    {
        assert_eq!(browser.text(id), text, "{id}");
    }
    let firing = "document.querySelector('.alert.firing strong').firstChild.textContent";
    assert_eq!(browser.evaluate(firing), "low success rate");
    browser.picture("live-1280-light.png");

    // The page is updated without being asked for again.
    to.write_all(samples(2000, 2990).as_bytes()).unwrap();
    trickle(&mut to, 4990);
    browser.wait_for("planned", "5,000");
    to.write_all(stream([end(5002, Some(kept_its_schedule()))]).as_bytes()).unwrap();
    drop(to);
    browser.wait_for("state", "done");
    figures_are_those_of(&mut browser, &out);
    for (width, theme) in [(1280, "dark"), (400, "light"), (400, "dark")] {
        browser.resize(width, 1200, theme);
        let wide = browser.evaluate("document.documentElement.scrollWidth").as_u64().unwrap();
        assert!(wide <= u64::from(width), "the page is {wide} wide in a window of {width}");
        browser.picture(&format!("live-{width}-{theme}.png"));
    }
    let own = format!("http://{address}/");
    let foreign: Vec<&String> = browser
        .asked
        .iter()
        .filter(|url| !url.starts_with(&own) && !url.starts_with("data:"))
        .collect();
    assert!(foreign.is_empty(), "{foreign:?}");
    assert!(browser.asked.contains(&format!("{own}events")), "{:?}", browser.asked);
    assert_eq!(running.stop(), 0);
}

fn figures_are_those_of(browser: &mut Browser, out: &Path) {
    let overall = &file(out, "summary.json")["overall"];
    for (id, figure) in [
        ("planned", &overall["planned"]),
        ("sent", &overall["sent"]),
        ("ok", &overall["outcomes"]["ok"]),
    ] {
        assert_eq!(browser.text(id).replace(',', ""), figure.to_string(), "{id}");
    }
    let shown = "[...document.querySelectorAll('#percentiles tr')][1].textContent";
    let us = |name: &str| overall["metrics"]["latency_us"][name].as_f64().unwrap() / 1000.0;
    let p = ["p50", "p95", "p99", "p99_9", "max"].map(|name| format!("{:.1} ms", us(name)));
    assert_eq!(browser.evaluate(shown), format!("from due time{}", p.concat()));
    let errors = browser.text("errors");
    assert!(errors.contains("rejected500") && errors.contains("rejected 503500"), "{errors}");
    assert!(browser.text("ledger").contains("no receipts"));
    // Names of others are text and never markup.
    assert!(browser.text("marks").contains("chaos kill pod <b>a</b>"));
    assert!(browser.text("generator").starts_with("generator keeps the schedule"));
}
