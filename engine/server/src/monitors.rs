//! Clients that hear of every command (`MONITOR`).

use std::fmt::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use seawall_store::command::Flag;
use seawall_store::reply::quoted;

use crate::clients::Card;
use crate::command::Called;
use crate::command::secrets::{REDACTED, is_secret};
use crate::mailbox::{Frame, Message};
use crate::net::Token;
use crate::server::Server;

/// Who hears of every command.
#[derive(Debug, Default)]
pub struct Monitors {
    any: AtomicBool,
    clients: Mutex<Vec<(usize, Token)>>,
}

impl Monitors {
    /// `card`'s client hears from now on.
    pub fn add(&self, card: &Card) {
        let mut clients = self.lock();
        clients.push((card.worker, card.token));
        self.any.store(true, Ordering::Relaxed);
    }

    /// `card`'s client hears no more.
    pub fn remove(&self, card: &Card) {
        if card.monitors.swap(false, Ordering::Relaxed) {
            let mut clients = self.lock();
            clients.retain(|client| *client != (card.worker, card.token));
            self.any.store(!clients.is_empty(), Ordering::Relaxed);
        }
    }

    /// Whether anybody hears: else nothing need be shown.
    pub fn is_any(&self) -> bool {
        self.any.load(Ordering::Relaxed)
    }

    /// Shows a call: its arguments, and the name as it was written.
    pub fn show<'a>(
        &self,
        server: &Server,
        card: &Card,
        called: &Called,
        args: impl Iterator<Item = &'a [u8]>,
    ) {
        if called.flags().has(Flag::Admin) || called.flags().has(Flag::SkipMonitor) {
            return;
        }
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let name = called.first_word();
        let mut line = format!(
            "{}.{:06} [{} {}] \"{name}\"",
            now.as_secs(),
            now.subsec_micros(),
            card.database.get(),
            card.peer
        );
        let args: Vec<&[u8]> = args.collect();
        for (at, arg) in args.iter().enumerate() {
            let shown = if is_secret(called, &args, at) {
                REDACTED
            } else {
                arg
            };
            let _ = write!(line, " {}", quoted(shown));
        }
        let frame = Arc::new(Frame::of(|reply| reply.simple(&line)));
        for &(worker, token) in &*self.lock() {
            let message = Message::Push {
                to: Arc::new([token]),
                frame: Arc::clone(&frame),
            };
            server.tell(worker, message);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(usize, Token)>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
