//! A connection that does not last: passes bytes on, and cuts every stream after some time.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

/// A proxy before one server.
pub(crate) struct Proxy {
    /// Where to connect.
    pub(crate) address: SocketAddr,
    cuts: Arc<AtomicUsize>,
}

impl Proxy {
    /// Every stream that lives for `life` is cut, in both directions and whatever is under way.
    pub(crate) fn start(server: SocketAddr, life: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let cuts = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&cuts);
        thread::spawn(move || {
            for near in listener.incoming().flatten() {
                let Ok(far) = TcpStream::connect(server) else { continue };
                pass(&near, &far);
                pass(&far, &near);
                let counted = Arc::clone(&counted);
                thread::spawn(move || {
                    thread::sleep(life);
                    // One that has ended by itself cannot be shut down any more.
                    let cut = near.shutdown(Shutdown::Both).is_ok();
                    let _ = far.shutdown(Shutdown::Both);
                    counted.fetch_add(usize::from(cut), Ordering::Relaxed);
                });
            }
        });
        Self { address, cuts }
    }

    /// How many streams were cut.
    pub(crate) fn cuts(&self) -> usize {
        self.cuts.load(Ordering::Relaxed)
    }
}

fn pass(from: &TcpStream, to: &TcpStream) {
    let (Ok(mut from), Ok(mut to)) = (from.try_clone(), to.try_clone()) else { return };
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(length) = from.read(&mut buffer)
            && length > 0
            && to.write_all(&buffer[..length]).is_ok()
        {}
        let _ = to.shutdown(Shutdown::Write);
    });
}
