//! Adapters that connect to us.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use rtcspec_remote::{Guest, Hub, Remote, Server, accept_lines, reached_at};

use crate::args::Listen;
use crate::exit::{Exit, Failure};

/// How long an adapter may take to connect: somebody may have to start it by hand.
const PATIENCE: Duration = Duration::from_secs(600);

/// Waits for an adapter, and asks it who it is.
pub(crate) fn wait_for(listen: Listen) -> Result<Remote, Failure> {
    let guest = match listen {
        Listen::WebSocket(address) => {
            let server = Server::bind(address).map_err(|error| failed(error.to_string()))?;
            eprintln!("waiting for an adapter at ws://{}", server.address());
            let (hub, guests) = Hub::new();
            server.serve(hub, |_| None);
            guests.recv_timeout(PATIENCE).map_err(nobody)?
        }
        Listen::Tcp(address) => {
            let cannot = |error: io::Error| failed(format!("listen on {address}: {error}"));
            let listener = TcpListener::bind(address).map_err(cannot)?;
            eprintln!("waiting for an adapter at tcp://{}", listener.local_addr().map_err(cannot)?);
            let (sender, guests) = sync_channel(1);
            // Nobody waits any more when sending fails.
            thread::spawn(move || _ = sender.send(accept_lines(&listener)));
            guests.recv_timeout(PATIENCE).map_err(nobody)?.map_err(cannot)?
        }
    };
    meet(guest)
}

fn meet(guest: Guest) -> Result<Remote, Failure> {
    let (server, adapter) = guest.met;
    let local = reached_at(server.ip());
    Remote::new(Arc::new(guest), local)
        .map_err(|error| failed(format!("talk to the adapter at {adapter}: {error}")))
}

fn nobody(_: RecvTimeoutError) -> Failure {
    failed(format!("no adapter has connected within {} s", PATIENCE.as_secs()))
}

fn failed(message: String) -> Failure {
    Failure { exit: Exit::NotStarted, message }
}
