//! The management API as a door, against a real broker: what the records say is what the queues hold.

use std::collections::BTreeSet;

use ce_record::Outcome::{Ok, Rejected, Returned};
use ce_testkit::{Broker, Run, broker, broker_tls};

use crate::amqp::{ids, mixed};
use crate::support::topology::{Message, Topology};
use crate::support::{Act, Server, Stream};
use crate::{ce_blast, events};

/// The URL of the door to the default virtual host.
fn door(broker: &Broker) -> String {
    format!("rabbitmq+{}/%2f", broker.management_url)
}

fn publish(url: &str, exchange: &str, args: &[&str], input: String) -> Run {
    let to = ["--to", url, "--exchange", exchange, "--rate", "200/s", "--max-in-flight", "8"];
    ce_blast().args(to).args(args).stdin(input).run()
}

#[test]
fn each_outcome_is_right_and_the_queue_holds_the_events_that_were_sent() {
    let Some(broker) = broker("each_outcome_of_the_management_api") else { return };
    let mut topology = Topology::new(&broker, "management");
    let (all, few) = (topology.queue("ok", None), topology.queue("full", Some(5)));
    let input = mixed(90, &["ok", "full", "nowhere"]);
    let run = publish(&door(&broker), &topology.exchange, &[], input.clone());
    let stream = Stream::read(&run.expect_code(0).stdout);
    assert!(run.stderr.contains("measures the management plugin"), "{}", run.stderr);

    let kind = |kind: &str| ids(stream.samples.iter().filter(|it| it.event_type == kind));
    let held = |queue: &str| {
        let messages = topology.drain(queue);
        messages.iter().map(Message::id).collect::<BTreeSet<String>>()
    };
    let sent: BTreeSet<&str> = input.lines().filter(|line| line.contains(r#""ok""#)).collect();
    let messages = topology.drain(&all);
    let bodies: BTreeSet<&str> = messages.iter().map(|message| message.body.as_str()).collect();
    assert_eq!(bodies, sent, "the events arrive as they were sent");
    let properties = &messages[0].properties;
    assert_eq!(
        properties.content_type().as_ref().unwrap().as_str(),
        "application/cloudevents+json"
    );
    assert_eq!(*properties.delivery_mode(), Some(2));
    assert_eq!(ids(stream.ended(Returned)), kind("nowhere"));
    let accepted: BTreeSet<String> = held(&few).into_iter().chain(kind("ok")).collect();
    assert_eq!(ids(stream.ended(Ok)), accepted);
    assert_eq!(
        stream.count(Rejected),
        stream.samples.len() as u64 - stream.count(Ok) - stream.count(Returned)
    );
    for sample in stream.ended(Rejected) {
        assert_eq!((sample.code, sample.event_type.as_ref()), (Some(400), "full"), "{sample:?}");
    }
}

#[test]
fn a_binary_event_keeps_its_attributes_as_headers() {
    let Some(broker) = broker("a_binary_event_over_the_management_api") else { return };
    let mut topology = Topology::new(&broker, "management-binary");
    let queue = topology.queue("key.t", None);
    let event = r#"{"specversion":"1.0","type":"t","source":"/s","id":"7","data_base64":"/wA="}"#;
    let args = ["--mode", "binary", "--routing-key", "key.${type}"];
    let run = publish(&door(&broker), &topology.exchange, &args, format!("{event}\n"));
    Stream::read(&run.expect_code(0).stdout).expect_outcomes(&[(Ok, 1)]);
    let message = &broker.messages(&queue, 1)[0];
    assert_eq!(message["properties"]["headers"]["ce-id"], "7");
    assert_eq!(
        (&message["payload"], &message["payload_encoding"]),
        (&"/wA=".into(), &"base64".into())
    );
}

#[test]
fn what_the_api_refuses_is_one_line_before_anything_is_sent() {
    let Some(broker) = broker("what_the_management_api_refuses") else { return };
    let refused = |url: &str, exchange: &str, password: &str| {
        let to = ["--rate", "1/s", "--to", url, "--exchange", exchange];
        let login = ce_blast().env("CE_AMQP_USER", "guest").env("CE_AMQP_PASSWORD", password);
        let run = login.args(to).stdin(events(1)).run();
        run.expect_code(2);
        let lines: Vec<&str> = run.stderr.lines().collect();
        let [_warning, line] = lines[..] else { panic!("{}", run.stderr) };
        assert!(run.stdout.is_empty() && !line.contains("s3cret"), "{line}");
        line.to_owned()
    };
    let line = refused(&door(&broker), "ce-no-such", "guest");
    assert!(line.contains("there is no exchange `ce-no-such` in virtual host `/`"), "{line}");
    let other = door(&broker).replace("%2f", "ce-no-such");
    assert!(refused(&other, "amq.topic", "guest").contains("virtual host `ce-no-such`"));
    let line = refused(&door(&broker), "amq.topic", "s3cret");
    assert!(line.contains("refuses this user with 401 (Login failed)"), "{line}");
    assert!(line.ends_with("use --credentials-file FILE"), "{line}");
    let web = Server::start(|_| Act::Reply(500));
    let line = refused(&format!("rabbitmq+http://{}/", web.address()), "amq.topic", "guest");
    assert!(line.ends_with("status 500; is this the address of the management API?"), "{line}");
}

#[test]
fn the_api_is_reached_over_tls() {
    let Some(broker) = broker_tls("the_management_door_over_tls") else { return };
    let mut topology = Topology::new(&broker.plain, "management-tls");
    let queue = topology.queue("t", None);
    let url = format!("rabbitmq+{}/%2f", broker.management_url);
    let ca = broker.file("ca.pem");
    let run = publish(&url, &topology.exchange, &["--ca-file", &ca], events(3));
    Stream::read(&run.expect_code(0).stdout).expect_outcomes(&[(Ok, 3)]);
    assert_eq!(topology.drain(&queue).len(), 3);
}
