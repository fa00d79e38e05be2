//! An adapter that connects by TCP and speaks plain lines: the same as over standard streams.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rtcspec_control::line;

use crate::conversation::{Conversation, Ear, Voice};
use crate::hub::Guest;

/// How long the other side may leave what it is sent unread.
const PATIENCE: Duration = Duration::from_secs(20);

/// Waits for an adapter to connect.
///
/// # Errors
/// What the system says.
pub fn accept_lines(listener: &TcpListener) -> io::Result<Guest> {
    let (stream, remote) = listener.accept()?;
    stream.set_nonblocking(false)?;
    stream.set_nodelay(true)?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let met = (stream.local_addr()?, remote);
    let (ear, reading) = (Arc::new(Ear::default()), stream.try_clone()?);
    let heard = Arc::clone(&ear);
    thread::spawn(move || listen(reading, &heard));
    let voice = Box::new(Lines { stream, ear: Arc::clone(&ear) });
    Ok(Guest::once(Arc::new(Conversation::new(ear, voice)), met))
}

struct Lines {
    stream: TcpStream,
    ear: Arc<Ear>,
}

impl Voice for Lines {
    fn say(&mut self, line: &str) {
        if let Err(error) = self.stream.write_all(format!("{line}\n").as_bytes()) {
            self.ear.end(format!("send it a line: {error}"));
        }
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        // The end of its input; an error says that it has ended before.
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

fn listen(stream: TcpStream, ear: &Ear) {
    let mut reader = BufReader::new(stream);
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        match reader.by_ref().take(line::MAX_LENGTH as u64).read_until(b'\n', &mut bytes) {
            Ok(0) => return ear.end("it closed the connection"),
            Err(error) => return ear.end(format!("read from it: {error}")),
            Ok(_) => {
                let text = String::from_utf8_lossy(&bytes);
                // Others are its log, as they are on a standard output.
                if text.trim_start().starts_with('{') {
                    ear.hear(text.trim().to_owned());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_go_both_ways_and_the_end_is_told() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut adapter = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let guest = accept_lines(&listener).unwrap();
        guest.conversation.say(r#"{"id":1,"op":"hello"}"#);
        let mut buffer = [0; 22];
        adapter.read_exact(&mut buffer).unwrap();
        assert_eq!(buffer, *b"{\"id\":1,\"op\":\"hello\"}\n");
        adapter.write_all(b"starting\n{\"ev\":\"log\"}\r\n").unwrap();
        let patience = Duration::from_secs(9);
        assert_eq!(guest.conversation.next(patience).as_deref(), Some(r#"{"ev":"log"}"#));
        drop(adapter);
        assert_eq!(guest.conversation.next(patience), None);
        assert!(guest.conversation.ended().is_some());
    }
}
