//! What other workers, and the server's end, ask of a hub's clients.

use super::Hub;
use crate::mailbox::Message;

impl Hub {
    /// Does what others have put into this worker's mailbox.
    pub(super) fn take_mail(&mut self) {
        for message in self.server.mailbox(self.number).take() {
            self.message(message);
        }
    }

    fn message(&mut self, message: Message) {
        match message {
            Message::Push { to, frame } => {
                for &token in &*to {
                    if self.is_here(token) {
                        self.with(token, |connection, turn| {
                            connection.hear(&frame, turn.limits);
                        });
                    }
                }
            }
            Message::Missed(those) => {
                for &token in &*those {
                    self.with(token, |connection, _| connection.break_off());
                }
            }
            Message::Kill(token) => self.with(token, |connection, turn| {
                connection.break_off();
                // What it waits for goes to others from now on.
                connection.leave(turn);
            }),
            Message::Unblock { conn, error } => {
                self.with(conn, |connection, turn| connection.unblock(error, turn));
                self.set_runnable_at(conn);
            }
            Message::Told { conn, reply } => {
                self.with(conn, |connection, turn| connection.told(&reply, turn));
                self.set_runnable_at(conn);
            }
            Message::Look => {
                self.busy = true;
                // A pause may have ended.
                for slot in 0..self.seats.len() as u32 {
                    let seat = self.seats[slot as usize].as_ref();
                    if seat.is_some_and(|seat| seat.connection.client.is_paused()) {
                        self.set_runnable(slot);
                    }
                }
            }
        }
    }

    /// Says, once in each attempt to end the server, that no write is on its way; and lets those go on that
    /// waited for an attempt that failed.
    pub(super) fn follow_end(&mut self) {
        let closing = self.server.closing();
        if self.closing != closing {
            self.closing = closing;
            for slot in 0..self.seats.len() as u32 {
                self.set_runnable(slot);
            }
            self.busy = true;
        }
        if let Some(attempt) = closing
            && self.quiet_in != closing
            && self.flushes == 0
            && self
                .seats
                .iter()
                .flatten()
                .all(|seat| seat.connection.is_quiet())
        {
            self.quiet_in = closing;
            self.server.grow_quiet(attempt);
        }
    }
}
