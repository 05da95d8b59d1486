//! Compared with another implementation of the protocol: what we say is what it reads, and what it
//! says is what we hear.

use std::borrow::Cow;

use amq_protocol::frame::{AMQPContentHeader, AMQPFrame, WriteContext, gen_frame, parse_frame};
use amq_protocol::protocol::{
    AMQPClass, BasicProperties, basic, channel, confirm, connection, exchange,
};
use amq_protocol::types::{AMQPValue, FieldTable};
use ce_amqp::{HEAD, Properties, Said, ShortText, parse, publish};
use proptest::prelude::*;

const ANY: usize = 128 * 1024;

/// What the other implementation reads.
fn read(mut bytes: &[u8]) -> Vec<AMQPFrame> {
    let mut frames = Vec::new();
    while !bytes.is_empty() {
        let (rest, frame) = parse_frame(bytes).expect("it reads what it should");
        frames.push(frame);
        bytes = rest;
    }
    frames
}

/// What the other implementation writes.
fn written(frame: &AMQPFrame) -> Vec<u8> {
    gen_frame(frame)(WriteContext::from(Vec::new())).expect("a vector takes all").into_inner().0
}

#[track_caller]
fn hears(class: AMQPClass, said: &Said) {
    let bytes = written(&AMQPFrame::Method(1, class));
    assert_eq!(parse(&bytes, ANY), Ok(Some((said.clone(), bytes.len()))));
    for cut in 0..bytes.len() {
        assert_eq!(parse(&bytes[..cut], ANY), Ok(None), "the first {cut} bytes");
    }
}

fn short(text: &str) -> ShortText<'_> {
    ShortText::new(text).expect("it is short")
}

#[test]
fn every_method_of_a_broker_is_heard() {
    use AMQPClass::{Basic, Channel, Confirm, Connection, Exchange};
    let start = connection::Start {
        version_major: 0,
        version_minor: 9,
        server_properties: FieldTable::default(),
        mechanisms: "PLAIN AMQPLAIN".into(),
        locales: "en_US".into(),
    };
    hears(Connection(connection::AMQPMethod::Start(start)), &Said::Start);
    let tune = connection::Tune { channel_max: 2047, frame_max: 131_072, heartbeat: 60 };
    let said = Said::Tune { channel_max: 2047, frame_max: 131_072, heartbeat_s: 60 };
    hears(Connection(connection::AMQPMethod::Tune(tune)), &said);
    let ok = connection::AMQPMethod::OpenOk(connection::OpenOk {});
    hears(Connection(ok), &Said::OpenOk);
    let (code, text) = (320, String::from("CONNECTION_FORCED - é"));
    let close = connection::Close {
        reply_code: code,
        reply_text: text.as_str().into(),
        class_id: 0,
        method_id: 0,
    };
    let said = Said::Close { code, text: text.clone() };
    hears(Connection(connection::AMQPMethod::Close(close)), &said);
    let ok = connection::AMQPMethod::CloseOk(connection::CloseOk {});
    hears(Connection(ok), &Said::CloseOk);
    let blocked = connection::Blocked { reason: "low on memory".into() };
    let said = Said::Blocked("low on memory".into());
    hears(Connection(connection::AMQPMethod::Blocked(blocked)), &said);
    let unblocked = connection::AMQPMethod::Unblocked(connection::Unblocked {});
    hears(Connection(unblocked), &Said::Unblocked);
    hears(Channel(channel::AMQPMethod::OpenOk(channel::OpenOk {})), &Said::ChannelOpen);
    let close = channel::Close {
        reply_code: 404,
        reply_text: "NOT_FOUND".into(),
        class_id: 60,
        method_id: 40,
    };
    let said = Said::ChannelClose { code: 404, text: "NOT_FOUND".into() };
    hears(Channel(channel::AMQPMethod::Close(close)), &said);
    let ok = exchange::AMQPMethod::DeclareOk(exchange::DeclareOk {});
    hears(Exchange(ok), &Said::ExchangeFound);
    let ok = confirm::AMQPMethod::SelectOk(confirm::SelectOk {});
    hears(Confirm(ok), &Said::ConfirmMode);
    for multiple in [false, true] {
        let tag = 1 << 40;
        let ack = basic::Ack { delivery_tag: tag, multiple };
        hears(Basic(basic::AMQPMethod::Ack(ack)), &Said::Ack { tag, multiple });
        let nack = basic::Nack { delivery_tag: tag, multiple, requeue: !multiple };
        hears(Basic(basic::AMQPMethod::Nack(nack)), &Said::Nack { tag, multiple });
    }
    let back = basic::Return {
        reply_code: 312,
        reply_text: "NO_ROUTE".into(),
        exchange: "e".into(),
        routing_key: "k".into(),
    };
    let said = Said::Return { code: 312, text: "NO_ROUTE".into(), routing_key: "k".into() };
    hears(Basic(basic::AMQPMethod::Return(back)), &said);
    let cancel = basic::Cancel { consumer_tag: "c".into(), nowait: true };
    hears(Basic(basic::AMQPMethod::Cancel(cancel)), &Said::Other);
    let heartbeat = written(&AMQPFrame::Heartbeat);
    assert_eq!(parse(&heartbeat, ANY), Ok(Some((Said::Heartbeat, heartbeat.len()))));
}

#[test]
fn what_we_say_is_what_another_reads() {
    let exchange = short("events").into_owned();
    let method = |bytes: Vec<u8>| match &read(&bytes)[..] {
        [AMQPFrame::Method(channel, class)] => (*channel, class.clone()),
        other => panic!("{other:?}"),
    };
    let (channel, class) = method(ce_amqp::start_ok("me", "guest", "s"));
    let AMQPClass::Connection(connection::AMQPMethod::StartOk(start)) = class else { panic!() };
    assert_eq!((channel, start.mechanism.as_str(), start.locale.as_str()), (0, "PLAIN", "en_US"));
    assert_eq!(start.response.as_bytes(), b"\0guest\0s");
    let properties = start.client_properties.inner();
    assert_eq!(properties["connection_name"], AMQPValue::LongString("me".into()));
    let AMQPValue::FieldTable(capabilities) = &properties["capabilities"] else { panic!() };
    for capability in ["connection.blocked", "publisher_confirms", "basic.nack"] {
        assert_eq!(capabilities.inner()[capability], AMQPValue::Boolean(true));
    }
    let (_, class) = method(ce_amqp::tune_ok(7, 8192, 30));
    let tuned = connection::TuneOk { channel_max: 7, frame_max: 8192, heartbeat: 30 };
    assert_eq!(class, AMQPClass::Connection(connection::AMQPMethod::TuneOk(tuned)));
    let (_, class) = method(ce_amqp::open("/"));
    let opened = connection::Open { virtual_host: "/".into() };
    assert_eq!(class, AMQPClass::Connection(connection::AMQPMethod::Open(opened)));
    let (_, class) = method(ce_amqp::close());
    let AMQPClass::Connection(connection::AMQPMethod::Close(close)) = class else { panic!() };
    assert_eq!((close.reply_code, close.class_id, close.method_id), (200, 0, 0));
    let close_ok = connection::AMQPMethod::CloseOk(connection::CloseOk {});
    assert_eq!(method(ce_amqp::close_ok()), (0, AMQPClass::Connection(close_ok)));
    let open = channel::AMQPMethod::Open(channel::Open {});
    assert_eq!(method(ce_amqp::open_channel(9)), (9, AMQPClass::Channel(open)));
    let declare = exchange::Declare {
        exchange: "events".into(),
        kind: "topic".into(),
        passive: true,
        durable: false,
        auto_delete: false,
        internal: false,
        nowait: false,
        arguments: FieldTable::default(),
    };
    let declare = AMQPClass::Exchange(exchange::AMQPMethod::Declare(declare));
    assert_eq!(method(ce_amqp::look_for_exchange(1, &exchange)), (1, declare));
    let select = confirm::AMQPMethod::Select(confirm::Select { nowait: false });
    assert_eq!(method(ce_amqp::confirm_select(1)), (1, AMQPClass::Confirm(select)));
    assert_eq!(read(&ce_amqp::heartbeat()), [AMQPFrame::Heartbeat]);
}

/// Every property that a message may have, each of them there or not.
fn properties() -> impl Strategy<Value = BasicProperties> {
    let short = || prop::option::of("[a-zé]{0,20}");
    let others = (short(), short(), short(), short(), short(), short());
    let numbers = (any::<Option<u8>>(), any::<Option<u8>>(), any::<Option<u64>>());
    let headers = prop::option::of(prop::collection::btree_map("[a-z]{1,5}", ".{0,9}", 0..4));
    (others, numbers, headers).prop_map(|((a, b, c, d, e, f), (mode, priority, at), headers)| {
        let mut all = BasicProperties::default();
        let mut set = |value: Option<String>,
                       with: fn(BasicProperties, String) -> BasicProperties| {
            if let Some(value) = value {
                all = with(std::mem::take(&mut all), value);
            }
        };
        set(a, |all, it| all.with_content_type(it.into()));
        set(b, |all, it| all.with_content_encoding(it.into()));
        set(c, |all, it| all.with_correlation_id(it.into()).with_reply_to("r".into()));
        set(d, |all, it| all.with_expiration(it.into()));
        set(e, |all, it| all.with_message_id(it.into()));
        set(f, |all, it| all.with_type(it.into()).with_app_id("a".into()));
        if let Some(mode) = mode {
            all = all.with_delivery_mode(mode);
        }
        if let Some(priority) = priority {
            all = all.with_priority(priority);
        }
        if let Some(at) = at {
            all = all.with_timestamp(at);
        }
        if let Some(headers) = headers {
            let mut table = FieldTable::default();
            for (name, value) in headers {
                table.insert(name.into(), AMQPValue::LongString(value.into()));
            }
            all = all.with_headers(table);
        }
        all
    })
}

proptest! {
    #[test]
    fn the_id_of_a_returned_message_is_found(properties in properties(), body_size in 0_u64..9) {
        let expected = properties.message_id().as_ref().map(ToString::to_string);
        let header = AMQPContentHeader { class_id: 60, body_size, properties };
        let bytes = written(&AMQPFrame::Header(1, header));
        let Ok(Some((Said::Header { message_id, .. }, taken))) = parse(&bytes, ANY) else {
            panic!("a header is heard")
        };
        prop_assert_eq!((message_id, taken), (expected, bytes.len()));
    }

    #[test]
    fn a_message_is_read_as_it_was_meant(
        (exchange, key, id) in ("[a-zé]{0,30}", ".{0,60}", "[!-~]{0,255}"),
        content_type in prop::option::of("[a-z/+]{0,30}"),
        headers in prop::collection::btree_map("[a-zA-Z:_-]{1,20}", ".{0,50}", 0..5),
        persistent: bool,
        body in prop::collection::vec(any::<u8>(), 0..500),
        frame_max in 9_usize..600,
    ) {
        let properties = Properties {
            content_type: content_type.as_deref().map(short),
            headers: headers.iter().map(|(name, value)| {
                (short(name), Cow::Borrowed(value.as_str()))
            }).collect(),
            persistent,
            message_id: short(&id),
        };
        let mut bytes = Vec::new();
        let to = (&short(&exchange), &short(&key));
        let mut print = publish(&mut bytes, 3, to, &properties, &body, frame_max).ok();
        let fits = print.is_some();
        let largest = if fits { frame_max } else { ANY };
        // A header cannot be cut.
        if !fits {
            prop_assert!(bytes.is_empty());
            print = publish(&mut bytes, 3, to, &properties, &body, largest).ok();
        }
        let frames = read(&bytes);
        let header = written(&frames[1]);
        prop_assert_eq!(header.len() <= frame_max, fits);
        let Ok(Some((Said::Header { fingerprint, .. }, _))) = parse(&header, ANY) else {
            panic!("it comes back as it was")
        };
        prop_assert_eq!(Some(fingerprint), print);
        let sent = basic::Publish {
            exchange: exchange.into(), routing_key: key.into(), mandatory: true, immediate: false,
        };
        let method = AMQPClass::Basic(basic::AMQPMethod::Publish(sent));
        prop_assert_eq!(&frames[0], &AMQPFrame::Method(3, method));
        let AMQPFrame::Header(3, header) = &frames[1] else { panic!("{:?}", frames[1]) };
        prop_assert_eq!((header.class_id, header.body_size), (60, body.len() as u64));
        let mut expected = BasicProperties::default()
            .with_message_id(id.into())
            .with_delivery_mode(if persistent { 2 } else { 1 });
        if let Some(content_type) = content_type {
            expected = expected.with_content_type(content_type.into());
        }
        if !headers.is_empty() {
            let mut table = FieldTable::default();
            for (name, value) in headers {
                table.insert(name.into(), AMQPValue::LongString(value.into()));
            }
            expected = expected.with_headers(table);
        }
        prop_assert_eq!(&header.properties, &expected);
        let mut all = Vec::new();
        for frame in &frames[2..] {
            let AMQPFrame::Body(3, part) = frame else { panic!("{frame:?}") };
            prop_assert!(part.len() + HEAD <= largest);
            all.extend_from_slice(part);
        }
        prop_assert_eq!(all, body);
    }

    #[test]
    fn nothing_that_comes_makes_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        let _ = parse(&bytes, ANY);
        // The same as what a broker would say, cut short anywhere.
        for kind in [1, 2, 3, 8] {
            let size = u32::try_from(bytes.len()).unwrap().to_be_bytes();
            let frame = [&[kind, 0, 1][..], &size, &bytes, &[0xCE]].concat();
            let _ = parse(&frame, ANY);
        }
    }
}
