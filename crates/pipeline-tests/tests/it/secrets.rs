//! Secrets appear nowhere: a whole run logs in everywhere, and then everything that it has written is
//! searched.

use std::fs;
use std::path::{Path, PathBuf};

use ce_testkit::{Broker, broker, unique_name};
use serde_json::json;

use crate::Stage;

const PASSWORD: &str = "pa55 w0rd/%&+:geheim";
const TOKEN: &str = "t0ken-geheim-0815";
const KEY: &str = "k3y-geheim-4711";

/// A user of the broker with a password of its own, an exchange and a queue.
struct Account<'a> {
    broker: &'a Broker,
    name: String,
}

impl<'a> Account<'a> {
    fn new(broker: &'a Broker) -> Self {
        let this = Self { broker, name: unique_name("secret") };
        let name = &this.name;
        this.put(&format!("/users/{name}"), &json!({ "password": PASSWORD, "tags": "monitoring" }));
        let all = json!({ "configure": ".*", "write": ".*", "read": ".*" });
        this.put(&format!("/permissions/%2f/{name}"), &all);
        this.put(&format!("/exchanges/%2f/{name}"), &json!({ "type": "topic", "durable": true }));
        this
    }

    fn put(&self, path: &str, body: &serde_json::Value) {
        let (status, said) = self.broker.api("PUT", path, &body.to_string());
        assert!((200..300).contains(&status), "{path}: {status} {said}");
    }
}

impl Drop for Account<'_> {
    fn drop(&mut self) {
        self.broker.remove(&self.name);
        self.broker.api("DELETE", &format!("/users/{}", self.name), "");
    }
}

/// Each line is a tool that logs in, in one of the ways there are, or fails to. What runs in the
/// background has its command line taken down.
const SCRIPT: &str = r#"
login="--credentials-file secrets/login"
# At first it is still that of the shell, with all of this script.
taken() {
    local line=''
    for _ in {1..100}; do
        [[ $(< "/proc/$2/comm") != "$1" ]] || line=$(tr '\0' ' ' < "/proc/$2/cmdline")
        [[ -z $line ]] || break
        sleep 0.01
    done
    echo "$line" >> command-lines
}

ce-sink amqp --from "$AMQP" $login --queue "$NAME" --bind "$NAME:#" --count 75 \
    > received.ndjson 2> sink.log &
sink=$!
sys-watch --rabbitmq "$API" $login --duration 1s > watch.ndjson 2> watch.log &
taken sys-watch $!
ce-sink http --listen 127.0.0.1:0 --bearer-token-file secrets/token --count 50 \
    > received-http.ndjson 2> sink-http.log &
http=$!
until grep -q 'consuming from' sink.log && grep -q 'listening on' sink-http.log; do sleep 0.1; done
taken ce-sink $sink; taken ce-sink $http
http_url=$(grep -o "http://[0-9.:]*" sink-http.log)/

ce-gen --count 50 --seed 1 | CE_AMQP_USER=$NAME CE_AMQP_PASSWORD=$(cat secrets/password) \
    ce-blast --to "$AMQP" --exchange "$NAME" --rate 100/s > sent.ndjson 2> blast.log &
blast=$!
taken ce-blast $blast; wait $blast
ce-gen --count 25 --seed 2 |
    ce-blast --to "$MANAGEMENT" $login --exchange "$NAME" --rate 50/s > api.ndjson 2> api.log
ce-gen --count 50 --seed 3 |
    ce-blast --to "$http_url" --bearer-token-file secrets/token --header @secrets/headers \
        --rate 100/s > http.ndjson 2> http.log
ce-blast --to "$AMQP" $login --plan plan.toml > connections.ndjson 2> connections.log
ce-blast --check-topology --to "$AMQP" --management-url "$API" $login --exchange "$NAME" \
    < /dev/null > topology.txt 2> topology.log || test $? -eq 1
wait

# What fails must not tell either.
url="amqp://$NAME:$(cat secrets/encoded)@127.0.0.1:9/%2f"
for tool in "ce-blast --rate 1/s --to $url" "ce-sink amqp --queue q --from $url" \
    "sys-watch --rabbitmq ${url/amqp/http}"; do
    ! $tool < /dev/null >> refused.txt 2>> refused.log
done
! CE_TO=$url ce-blast --rate 1/s < /dev/null >> refused.txt 2>> refused.log
! CE_TO=${url/amqp/ftp} ce-blast --rate 1/s < /dev/null >> refused.txt 2>> refused.log
! CE_FROM=$url ce-sink amqp --queue q >> refused.txt 2>> refused.log
! ce-sink amqp --from "$AMQP" --credentials-file secrets/wrong --queue q >> refused.txt 2>> refused.log
! ce-blast --rate 1/s --to "$AMQP" --credentials-file secrets/wrong < /dev/null >> refused.txt 2>> refused.log
! ce-blast --rate 1/s --to "$MANAGEMENT" --credentials-file secrets/wrong < /dev/null >> refused.txt 2>> refused.log

lat-collect sent.ndjson api.ndjson http.ndjson received.ndjson received-http.ndjson watch.ndjson \
    connections.ndjson --out run > collect.txt 2> collect.log
# A busy machine may leave no verdict; what is said then is looked at, too.
slo-check run --threshold 'success: rate==1' > verdict.txt 2> verdict.log || test $? -eq 3
"#;

#[test]
fn nothing_that_a_run_writes_holds_a_secret() {
    let Some(broker) = broker("nothing_that_a_run_writes") else { return };
    let account = Account::new(&broker);
    let name = account.name.as_str();
    let stage = Stage::new();
    let encoded = "pa55%20w0rd%2F%25%26%2B%3Ageheim";
    fs::create_dir(stage.path("secrets")).unwrap();
    for (file, text) in [
        ("login", format!("{name}:{PASSWORD}")),
        ("password", PASSWORD.to_owned()),
        ("encoded", encoded.to_owned()),
        ("token", TOKEN.to_owned()),
        ("headers", format!("x-api-key: {KEY}")),
        ("wrong", format!("{name}:{PASSWORD}-wrong")),
    ] {
        fs::write(stage.path("secrets").join(file), text).unwrap();
    }
    fs::write(
        stage.path("plan.toml"),
        "[scenarios.held]\nexecutor = 'connections'\nconnections = 5\nrate = 50\nhold = '200ms'\n",
    )
    .unwrap();
    let vhost = broker.management_url.replace("http://", "rabbitmq+http://") + "/%2f";
    let script = stage.shell(SCRIPT);
    let script = script.env("NAME", name).env("AMQP", &broker.amqp_url);
    let run = script.env("API", &broker.management_url).env("MANAGEMENT", vhost).run();
    run.expect_code(0);

    // It was not in vain: everybody has logged in.
    stage.expect_ledger(&[("sent", 125), ("acked", 125), ("received", 125), ("lost", 0)]);
    assert_eq!(stage.json("run/summary.json")["overall"]["outcomes"]["ok"], 130);
    assert!(stage.text("watch.ndjson").contains("rabbitmq_connections"), "nothing was watched");
    assert_eq!(stage.text("refused.log").matches("others can read a password").count(), 3);
    assert!(stage.text("refused.log").lines().count() >= 9);
    assert_eq!(stage.text("command-lines").matches("secrets/login").count(), 2);
    assert_eq!(stage.text("command-lines").lines().count(), 4);

    // Base64 of `user:password` depends on where the password begins: any of three.
    let base64 = ["cGE1NSB3MHJkLy", "NTUgdzByZC8l", "YTU1IHcwcmQv"];
    let forms = [PASSWORD, encoded, TOKEN, KEY].into_iter().chain(base64);
    let forms: Vec<&str> = forms.collect();
    let mut files = Vec::new();
    walk(stage.0.path(), &mut files);
    assert!(files.len() > 25, "{files:?}");
    for file in files {
        let bytes = fs::read(&file).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        for form in &forms {
            assert!(!text.contains(form), "{} holds {form}", file.display());
        }
    }
    for text in [&run.stdout, &run.stderr] {
        assert!(forms.iter().all(|form| !text.contains(form)), "{text}");
    }
}

/// All files below a folder but those that hold secrets on purpose.
fn walk(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("secrets") {
            walk(&path, into);
        } else if path.is_file() {
            into.push(path);
        }
    }
}
