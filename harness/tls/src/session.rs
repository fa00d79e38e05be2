//! One connection.

use std::io::{Read as _, Write as _};
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConnection, Connection, ServerConnection};

use crate::config::{ClientConfig, ServerConfig};
use crate::entropy::Stream;

/// Most data that waits to be sent: two of the longest messages of TURN.
const MOST_WAITING: usize = 128 * 1024;

/// Why a session cannot go on.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// The other side broke the protocol, or is not trusted. An alert for it is in the output.
    #[error("go on with TLS: {0}")]
    Protocol(rustls::Error),
    /// The name to ask for is neither a domain name nor an address.
    #[error("ask for server name {0:?}")]
    ServerName(String),
    /// More than the buffer's limit waits to be sent.
    #[error("buffer {len} bytes for TLS")]
    Overflow {
        /// Bytes offered.
        len: usize,
    },
}

/// One connection, client or server: bytes from the transport go in with
/// [`receive`](Self::receive), bytes for it come out with [`take_output`](Self::take_output).
#[derive(Debug)]
pub struct Session {
    connection: Connection,
    entropy: Stream,
    /// Bytes of data queued since all of it was in the output.
    waiting: usize,
}

impl Session {
    /// A server's side of a connection that was accepted.
    ///
    /// # Errors
    /// None in practice: the configuration is valid.
    pub fn server(config: &ServerConfig, seed: u64) -> Result<Self, TlsError> {
        let mut entropy = Stream::new(seed);
        let config = Arc::clone(&config.0);
        let connection = entropy.lend(|| ServerConnection::new(config));
        Ok(Self::new(connection.map_err(TlsError::Protocol)?.into(), entropy))
    }

    /// A client's side of a connection that was opened, with a domain name or an address to ask
    /// for. Its first bytes are in the output.
    ///
    /// # Errors
    /// The name is not valid.
    pub fn client(config: &ClientConfig, name: &str, seed: u64) -> Result<Self, TlsError> {
        let server = ServerName::try_from(name.to_owned())
            .map_err(|_| TlsError::ServerName(name.to_owned()))?;
        let mut entropy = Stream::new(seed);
        let config = Arc::clone(&config.0);
        let connection = entropy.lend(|| ClientConnection::new(config, server));
        Ok(Self::new(connection.map_err(TlsError::Protocol)?.into(), entropy))
    }

    fn new(mut connection: Connection, entropy: Stream) -> Self {
        // At its limit the library takes the beginning of a message; ours takes all or nothing.
        connection.set_buffer_limit(None);
        Self { connection, entropy, waiting: 0 }
    }

    /// True once data can be exchanged.
    #[must_use]
    pub fn is_established(&self) -> bool {
        !self.connection.is_handshaking()
    }

    /// Takes bytes of the transport and appends the data they carry to `plain`, up to a defect if
    /// there is one. Send the output afterwards, also after an error.
    ///
    /// # Errors
    /// The session is over.
    pub fn receive(&mut self, mut bytes: &[u8], plain: &mut Vec<u8>) -> Result<(), TlsError> {
        let (connection, entropy) = (&mut self.connection, &mut self.entropy);
        entropy.lend(|| {
            while !bytes.is_empty() {
                let len = bytes.len();
                // Refused when too much is buffered, which the drain below rules out.
                let taken =
                    connection.read_tls(&mut bytes).map_err(|_| TlsError::Overflow { len })?;
                let processed = connection.process_new_packets();
                // "Would block" ends it: there is no more data for now.
                let _ = connection.reader().read_to_end(plain);
                processed.map_err(TlsError::Protocol)?;
                if taken == 0 {
                    break;
                }
            }
            Ok(())
        })
    }

    /// Queues data, all of it or none; until the handshake is done it waits.
    ///
    /// # Errors
    /// Too much data waits already, or the session is over.
    pub fn send(&mut self, plain: &[u8]) -> Result<(), TlsError> {
        let overflow = TlsError::Overflow { len: plain.len() };
        if plain.len() > MOST_WAITING - self.waiting {
            return Err(overflow);
        }
        let (connection, entropy) = (&mut self.connection, &mut self.entropy);
        let written = entropy.lend(|| connection.writer().write_all(plain));
        written.map_err(|error| error.downcast().map_or(overflow, TlsError::Protocol))?;
        self.waiting += plain.len();
        Ok(())
    }

    /// Queues the end of our data (RFC 8446 §6.1: `close_notify`).
    pub fn close(&mut self) {
        self.connection.send_close_notify();
    }

    /// Bytes for the transport.
    #[must_use]
    pub fn take_output(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        let (connection, entropy) = (&mut self.connection, &mut self.entropy);
        entropy.lend(|| {
            while connection.wants_write() {
                // A vector takes everything.
                if connection.write_tls(&mut out).is_err() {
                    break;
                }
            }
        });
        if self.is_established() {
            self.waiting = 0;
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{NAME, Trust};

    /// Runs a session both ways and returns all bytes that crossed.
    fn run(trust: Trust, seeds: (u64, u64)) -> Result<Vec<u8>, TlsError> {
        let mut server = Session::server(&ServerConfig::fixed(), seeds.0)?;
        let mut client = Session::client(&ClientConfig::new(trust), NAME, seeds.1)?;
        client.send(b"question")?;
        let (mut crossed, mut heard, mut answer) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..8 {
            let bytes = client.take_output();
            crossed.extend_from_slice(&bytes);
            server.receive(&bytes, &mut heard)?;
            if heard == b"question" {
                heard.clear();
                server.send(b"answer")?;
            }
            let bytes = server.take_output();
            crossed.extend_from_slice(&bytes);
            for piece in bytes.chunks(100) {
                client.receive(piece, &mut answer)?;
            }
        }
        assert!(client.is_established() && server.is_established());
        assert_eq!(answer, b"answer");
        Ok(crossed)
    }

    #[test]
    fn the_same_seeds_give_the_same_bytes_and_others_give_others() {
        let bytes = run(Trust::Fixed, (1, 2)).expect("trusted");
        assert_eq!(run(Trust::Fixed, (1, 2)), Ok(bytes.clone()));
        assert_ne!(run(Trust::Fixed, (1, 3)), Ok(bytes.clone()));
        assert_ne!(run(Trust::Any, (4, 2)), Ok(bytes));
    }

    #[test]
    fn a_client_that_trusts_another_certificate_refuses() {
        let refused = run(Trust::Pinned(vec![1, 2, 3]), (1, 2));
        assert!(matches!(refused, Err(TlsError::Protocol(_))));
    }

    /// A server and a client that may send.
    fn established() -> (Session, Session) {
        let mut server = Session::server(&ServerConfig::fixed(), 1).expect("valid");
        let mut client = Session::client(&ClientConfig::new(Trust::Fixed), NAME, 2).expect("valid");
        while !(client.is_established() && server.is_established()) {
            server.receive(&client.take_output(), &mut Vec::new()).expect("in order");
            client.receive(&server.take_output(), &mut Vec::new()).expect("in order");
        }
        (server, client)
    }

    #[test]
    fn data_before_a_defect_is_not_lost_with_it() {
        let (mut server, mut client) = established();
        client.send(b"last words").expect("there is room");
        let mut bytes = client.take_output();
        bytes.extend_from_slice(b"\x17\x03\x03\0\x20not what the key makes of any text");
        let mut heard = Vec::new();
        let refused = server.receive(&bytes, &mut heard);
        assert!(matches!(refused, Err(TlsError::Protocol(_))), "{refused:?}");
        assert_eq!(heard, b"last words");
        assert!(matches!(server.send(b"x"), Err(TlsError::Protocol(_))));
    }

    #[test]
    fn data_that_does_not_fit_is_queued_not_even_in_part() {
        let (mut server, mut client) = established();
        client.send(&[1; MOST_WAITING - 1]).expect("there is room");
        assert_eq!(client.send(&[2; 2]), Err(TlsError::Overflow { len: 2 }));
        let mut heard = Vec::new();
        server.receive(&client.take_output(), &mut heard).expect("in order");
        assert_eq!(heard, [1; MOST_WAITING - 1]);
        client.send(&[2; 2]).expect("there is room again");
    }

    #[test]
    fn bytes_that_are_not_tls_end_the_session_with_an_alert() {
        let mut server = Session::server(&ServerConfig::fixed(), 1).expect("valid");
        let refused = server.receive(b"GET / HTTP/1.1\r\n\r\n", &mut Vec::new());
        assert!(matches!(refused, Err(TlsError::Protocol(_))));
        assert!(!server.take_output().is_empty());
    }

    #[test]
    fn much_data_comes_through_in_one_piece_or_many() {
        let mut server = Session::server(&ServerConfig::fixed(), 1).expect("valid");
        let mut client =
            Session::client(&ClientConfig::new(Trust::Any), "192.0.2.1", 2).expect("valid");
        let mut heard = Vec::new();
        for round in 0..20 {
            if client.is_established() {
                client.send(&[round; 50_000]).expect("drained each round");
            }
            server.receive(&client.take_output(), &mut heard).expect("in order");
            client.receive(&server.take_output(), &mut Vec::new()).expect("in order");
        }
        assert!(heard.len() >= 15 * 50_000, "{}", heard.len());
    }
}
