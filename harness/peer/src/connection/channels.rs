//! Data channels as the application sees them, and their messages on the way to SCTP.

use std::time::Duration;

use super::error::Error;
use super::event::{ChannelId, ChannelInit, Message};
use super::peer::Peer;
use super::step::Step;

impl Peer {
    /// `createDataChannel`.
    ///
    /// # Errors
    /// `InvalidStateError` after the end; `TypeError` for an init that contradicts itself;
    /// `OperationError` if the stream of a negotiated channel is taken.
    pub fn create_data_channel(
        &mut self,
        now: Duration,
        init: ChannelInit,
    ) -> Result<ChannelId, Error> {
        self.refuse_if_closed()?;
        let id = self.data.create(init)?;
        self.jsep.want_data();
        self.settle(now);
        Ok(id)
    }

    /// Sends a message.
    ///
    /// # Errors
    /// `InvalidStateError` unless the channel is open; `TypeError` if the message is larger than
    /// the other side takes.
    pub fn send(&mut self, now: Duration, id: ChannelId, message: Message) -> Result<(), Error> {
        self.data.send(id, message)?;
        self.settle(now);
        Ok(())
    }

    /// Closes a channel once what was sent on it has arrived. Closing one that is closed already
    /// does nothing.
    pub fn close_data_channel(&mut self, now: Duration, id: ChannelId) {
        self.data.close_channel(id);
        self.settle(now);
    }

    /// `bufferedAmount`, in bytes.
    #[must_use]
    pub fn buffered_amount(&self, id: ChannelId) -> usize {
        self.data.buffered(id)
    }

    /// Moves one thing between channels, SCTP and DTLS; false if there is none.
    pub(super) fn turn_data(&mut self, now: Duration) -> bool {
        if let Some(event) = self.data.poll_event() {
            self.events.push_back(event);
        } else if let Some(message) = self.data.poll_delivered() {
            let verdict = self.tamper.received_message(now, &message);
            self.pass_message(now, Step::TakeMessage(message), verdict);
        } else if let Some(outbound) = self.data.poll_outbound(now) {
            let verdict = self.tamper.message(now, &outbound.message);
            self.pass_message(now, Step::SendMessage(outbound), verdict);
        } else if let Some(packet) = self.data.poll_packet() {
            let verdict = self.tamper.sctp(now, &packet);
            self.pass(now, Step::SendSctp(packet), verdict);
        } else {
            return false;
        }
        true
    }
}
