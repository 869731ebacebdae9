//! One of the two servers, as a cast of clients meets it.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use seawall_store::Reply;
use seawall_store::reply::Protocol;

use super::steps::Cast;
use super::wire::{Frame, Wire, Words, words};

/// How long what Redis has said may take to come from ours.
const PATIENCE: Duration = Duration::from_secs(1);
/// The most calls of one walk.
const CALLS_MAX: usize = 10_000;

pub struct Side {
    address: SocketAddr,
    protocol: Protocol,
    clients: Vec<Client>,
    /// Whether the last client hears the keyspace's events.
    listens: bool,
    control: Wire,
}

struct Client {
    wire: Wire,
    /// Its number at the server.
    id: Vec<u8>,
}

impl Client {
    fn connect(address: SocketAddr, protocol: Protocol) -> Client {
        let mut wire = Wire::connect(address);
        wire.be_patient(PATIENCE);
        if protocol == Protocol::Resp3 {
            wire.ask(&words("hello 3"));
        }
        let Some(Reply::Int(id)) = wire.ask(&words("client id")).reply() else {
            panic!("CLIENT ID answers with a number");
        };
        Client {
            wire,
            id: id.to_string().into_bytes(),
        }
    }
}

impl Side {
    pub fn begin(address: SocketAddr, protocol: Protocol, cast: Cast) -> Side {
        let mut control = Wire::connect(address);
        let mut classes = words("config set notify-keyspace-events");
        classes.push(cast.events.as_bytes().to_vec());
        control.ask(&classes);
        let connect = |_| Client::connect(address, protocol);
        let mut clients: Vec<Client> = (0..cast.clients).map(connect).collect();
        let listens = !cast.events.is_empty();
        if listens {
            let mut listener = Client::connect(address, protocol);
            listener.wire.ask(&words("psubscribe __key*__:*"));
            clients.push(listener);
        }
        Side {
            address,
            protocol,
            clients,
            listens,
            control,
        }
    }

    /// A client's name in differences.
    pub fn called(&self, client: usize) -> String {
        if self.listens && client + 1 == self.clients.len() {
            return "the listener".to_owned();
        }
        format!("client {}", char::from(b'a' + client as u8))
    }

    pub fn say(&mut self, client: usize, words: &Words) {
        let own = |word: &Vec<u8>| self.plain(word);
        let words = words.iter().map(own).collect();
        self.clients[client].wire.send([&words]);
    }

    /// What has come to each client, all that follows from what was said before. `answer` is who is answered.
    pub fn hear(&mut self, answer: Option<usize>) -> Vec<Vec<Frame>> {
        let mut heard = vec![Vec::new(); self.clients.len()];
        if let Some(client) = answer {
            heard[client].push(self.clients[client].wire.frame());
        }
        self.settle();
        self.rest(&mut heard);
        heard
    }

    /// What has come to each client: as much as to the other server's, for which it waits, and what is more.
    pub fn hear_as_much(&mut self, others: &[Vec<Frame>]) -> Vec<Vec<Frame>> {
        let mut heard = vec![Vec::new(); self.clients.len()];
        for (client, other) in others.iter().enumerate() {
            while heard[client].len() < other.len()
                && !matches!(
                    heard[client].last(),
                    Some(Frame::Closed | Frame::Silence(_))
                )
            {
                let frame = self.clients[client].wire.frame();
                heard[client].push(frame);
            }
        }
        self.settle();
        self.rest(&mut heard);
        heard
    }

    /// What else is there already.
    fn rest(&mut self, heard: &mut [Vec<Frame>]) {
        for (client, heard) in self.clients.iter_mut().zip(heard) {
            while !matches!(heard.last(), Some(Frame::Closed)) {
                match client.wire.ready() {
                    Some(frame) => heard.push(frame),
                    None => break,
                }
            }
        }
    }

    /// Two rounds of the server's loop.
    fn settle(&mut self) {
        for _ in 0..2 {
            self.control.ask(&words("ping"));
        }
    }

    /// Waits until so many clients wait; else how many do.
    pub fn has_waiting(&mut self, wanted: usize) -> Result<(), usize> {
        let end = Instant::now() + PATIENCE;
        loop {
            let info = match self.control.ask(&words("info clients")).reply() {
                Some(Reply::Bulk(text) | Reply::Verbatim(_, text)) => text,
                _ => Vec::new(),
            };
            let text = String::from_utf8_lossy(&info);
            let mut lines = text.lines();
            let count = lines.find_map(|line| line.strip_prefix("blocked_clients:")?.parse().ok());
            match count.unwrap_or(0) {
                count if count == wanted => return Ok(()),
                count if Instant::now() > end => return Err(count),
                _ => {}
            }
        }
    }

    /// All that a walk gives, and errors. The cursor stands where the words have a 0.
    pub fn walk(&mut self, client: usize, words: &Words) -> BTreeSet<Frame> {
        let mut all = BTreeSet::new();
        let mut words = words.clone();
        let at = words.iter().position(|word| word == b"0");
        for _ in 0..CALLS_MAX {
            let frame = self.clients[client].wire.ask(&words);
            let parts = match frame.reply() {
                Some(Reply::Array(parts)) if parts.len() == 2 => parts,
                _ => {
                    all.insert(frame);
                    return all;
                }
            };
            // What an unknown cursor leads to is either server's own.
            let ([Reply::Bulk(cursor), Reply::Array(items)], Some(at)) = (parts.as_slice(), at)
            else {
                return all;
            };
            // A hash's and a sorted set's elements are pairs.
            let pairs = matches!(words[0].first(), Some(b'h' | b'H' | b'z' | b'Z'));
            let shown = items.chunks(if pairs { 2 } else { 1 });
            all.extend(shown.map(|item| Frame::Bytes(format!("{item:?}").into_bytes())));
            if cursor == b"0" {
                return all;
            }
            words[at].clone_from(cursor);
        }
        panic!("a walk without an end: {words:?}");
    }

    /// A new client in the place of one that was closed.
    pub fn reconnect(&mut self, client: usize) {
        self.clients[client] = Client::connect(self.address, self.protocol);
    }

    /// Ends all clients, and waits until none is left.
    pub fn end(&mut self) {
        for client in &self.clients {
            let kill = [words("client kill id"), vec![client.id.clone()]].concat();
            self.control.ask(&kill);
        }
    }

    /// The word as it is sent to this server.
    fn plain(&self, word: &[u8]) -> Vec<u8> {
        let text = std::str::from_utf8(word).ok();
        let sign = text.and_then(|text| text.strip_prefix("{id:")?.strip_suffix('}'));
        let client = sign.and_then(|number| self.clients.get(number.parse::<usize>().ok()?));
        client.map_or_else(|| word.to_vec(), |client| client.id.clone())
    }
}
