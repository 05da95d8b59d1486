//! A management API of a few lines, which can also be unwell.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

const LOCK: &str = "nobody panics with the lock";

/// How the API answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    Fine,
    MemoryAlarm,
    /// Answers with this status and no body of use.
    Status(u16),
    /// Takes requests and never answers.
    Silent,
}

/// Serves until the test process ends.
pub(crate) struct FakeApi {
    pub(crate) url: String,
    mood: Arc<Mutex<Mood>>,
    requests: Arc<Mutex<Vec<String>>>,
}

impl FakeApi {
    pub(crate) fn start(mood: Mood) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        let mood = Arc::new(Mutex::new(mood));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (of_server, log) = (Arc::clone(&mood), Arc::clone(&requests));
        thread::spawn(move || {
            let mut silenced = Vec::new();
            for peer in listener.incoming().map_while(Result::ok) {
                let head = read_head(&peer);
                log.lock().expect(LOCK).push(head.clone());
                let mood = *of_server.lock().expect(LOCK);
                if mood == Mood::Silent {
                    silenced.push(peer);
                } else {
                    answer(peer, mood, &head);
                }
            }
        });
        Self { url, mood, requests }
    }

    pub(crate) fn set(&self, mood: Mood) {
        *self.mood.lock().expect(LOCK) = mood;
    }

    /// The heads of all requests so far.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().expect(LOCK).clone()
    }
}

fn read_head(peer: &TcpStream) -> String {
    let lines = BufReader::new(peer).lines().map_while(Result::ok);
    lines.take_while(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

fn answer(mut peer: TcpStream, mood: Mood, head: &str) {
    let (status, body) = match mood {
        Mood::Status(status) => (status, "no".to_owned()),
        _ => (200, body(head, mood == Mood::MemoryAlarm)),
    };
    let length = body.len();
    // The tool may have gone; that is for the test to judge.
    let _ = write!(
        peer,
        "HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nlocation: /elsewhere\r\n\
         connection: close\r\n\r\n{body}"
    );
}

fn body(head: &str, alarm: bool) -> String {
    if head.contains("/api/overview?") {
        r#"{"object_totals":{"connections":5,"channels":12,"queues":250}}"#.into()
    } else if head.contains("/api/nodes?") {
        format!(
            r#"[{{"name":"rabbit@a","mem_used":400,"mem_limit":500,"disk_free":9000,"fd_used":36,
                "mem_alarm":{alarm},"disk_free_alarm":false}}]"#
        )
    } else {
        r#"{"total_count":250,"items":[
            {"name":"builds","vhost":"/","messages_ready":7,"messages_unacknowledged":2}]}"#
            .into()
    }
}
