//! A server in this process, and a client that says bytes and reads replies whole.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use seawall_server::config::Settings;
use seawall_server::resp::split_words;
use seawall_server::{Running, ServeError, serve};
use seawall_store::reply::element;

/// A server that ends with the test.
pub struct Server {
    running: Option<Running>,
}

impl Server {
    /// With `shards` shards in memory, and these settings.
    pub fn start(shards: usize, settings: &[&str]) -> Server {
        let mut all = Settings::default();
        let shards = format!("shards={shards}");
        let base = ["port=0", "bind=127.0.0.1", "pin=no", shards.as_str()];
        for assignment in base.iter().chain(settings) {
            all.assign(assignment).expect("a setting");
        }
        let running = serve(all, None).expect("a server starts");
        Server {
            running: Some(running),
        }
    }

    pub fn running(&self) -> &Running {
        self.running.as_ref().expect("it runs until it is stopped")
    }

    pub fn connect(&self) -> Client {
        Client::connect(self.running().addresses()[0])
    }

    /// A client of this worker, and its number.
    pub fn connect_at(&self, worker: usize) -> (Client, u64) {
        // Whoever came to another worker stays until the right one is found.
        let mut others = Vec::new();
        for _ in 0..100 {
            let mut client = self.connect();
            let id = client.ask("CLIENT ID");
            let id = id
                .trim_start_matches(':')
                .trim_end()
                .parse()
                .expect("a number");
            let card = self.running().server().clients.find(id);
            if card.expect("it is connected").worker == worker {
                return (client, id);
            }
            others.push(client);
            // A worker that has just begun may not have said yet that it takes any.
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("no client comes to worker {worker}");
    }

    /// Waits until it has ended, whoever makes it end.
    pub fn outcome(mut self) -> Result<(), ServeError> {
        let running = self.running.take();
        running.expect("it runs until it is stopped").wait()
    }

    /// Ends it, and waits.
    pub fn stop(mut self) {
        if let Some(running) = self.running.take() {
            running.stop();
            running.wait().expect("it ends well");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop();
            let _ = running.wait();
        }
    }
}

/// A connection.
pub struct Client {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Client {
    /// A client of whatever listens there.
    pub fn connect(address: SocketAddr) -> Client {
        let stream = TcpStream::connect(address).expect("it accepts");
        stream
            .set_read_timeout(Some(Duration::from_secs(10)))
            .expect("a timeout");
        stream.set_nodelay(true).expect("an option");
        Client {
            stream,
            read: Vec::new(),
        }
    }

    /// Sends bytes as they are.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> &mut Client {
        self.stream.write_all(bytes.as_ref()).expect("it reads");
        self
    }

    /// The same connection, for a thread that only sends.
    pub fn sender(&self) -> Client {
        Client {
            stream: self.stream.try_clone().expect("a descriptor"),
            read: Vec::new(),
        }
    }

    /// Says no more.
    pub fn finish(&mut self) {
        let _ = self.stream.shutdown(std::net::Shutdown::Write);
    }

    /// The next reply, whole; empty where the server has closed.
    pub fn reply(&mut self) -> String {
        loop {
            if let Some(len) = element::len(&self.read) {
                let reply: Vec<u8> = self.read.drain(..len).collect();
                return String::from_utf8_lossy(&reply).into_owned();
            }
            let mut part = vec![0; 64 << 10];
            match self.stream.read(&mut part) {
                Ok(0) => {
                    assert!(self.read.is_empty(), "half a reply: {:?}", self.read);
                    return String::new();
                }
                Ok(len) => self.read.extend_from_slice(&part[..len]),
                // A ring that this thread has used, and that ends meanwhile, wakes it.
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => {
                    return String::new();
                }
                Err(error) => panic!("no reply: {error}"),
            }
        }
    }

    /// How many bytes still come before the server closes.
    pub fn rest(&mut self) -> usize {
        let (mut count, mut part) = (self.read.len(), vec![0; 1 << 20]);
        loop {
            match self.stream.read(&mut part) {
                Ok(0) => return count,
                Ok(len) => count += len,
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return count,
                Err(error) => panic!("it does not close: {error}"),
            }
        }
    }

    /// Sends the words of a line as an array, as clients of programs do, and reads the reply to it; the line as
    /// it is where its quotes do not match.
    pub fn ask(&mut self, line: &str) -> String {
        let Some(words) = split_words(line.as_bytes()).filter(|words| !words.is_empty()) else {
            self.send(format!("{line}\r\n"));
            return self.reply();
        };
        self.send(array(&words));
        self.reply()
    }

    /// Sends a command as an array and reads the reply to it.
    pub fn call(&mut self, words: &[&str]) -> String {
        self.send(array(words));
        self.reply()
    }

    /// As [`Client::call`], of a server that may be gone.
    pub fn try_call(&mut self, words: &[&str]) -> String {
        let line = words.join(" ");
        match self.stream.write_all(format!("{line}\r\n").as_bytes()) {
            Ok(()) => self.reply(),
            Err(_) => String::new(),
        }
    }

    /// Holds the replies to lines to what they should be. A reply's lines are joined by a space.
    #[track_caller]
    pub fn talk(&mut self, script: &[(&str, &str)]) {
        for (line, expected) in script {
            let reply = self.ask(line);
            let shown = reply.trim_end().replace("\r\n", " ");
            assert_eq!(shown, *expected, "to {line:?}");
        }
    }

    /// What came though nobody asked, within a moment.
    pub fn hears_nothing(&mut self) {
        let moment = Duration::from_millis(50);
        self.stream
            .set_read_timeout(Some(moment))
            .expect("a timeout");
        let mut byte = [0; 1];
        let heard = self.stream.read(&mut byte);
        assert!(
            heard.as_ref().is_err_and(|error| matches!(
                error.kind(),
                std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
            )) && self.read.is_empty(),
            "heard {heard:?} {:?}",
            self.read
        );
        let long = Duration::from_secs(10);
        self.stream.set_read_timeout(Some(long)).expect("a timeout");
    }
}

/// A command as clients of programs send it.
pub fn array(words: &[impl AsRef<[u8]>]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words.iter().map(AsRef::as_ref) {
        bytes.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        bytes.extend_from_slice(word);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}
