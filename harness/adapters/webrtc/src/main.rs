//! peerctl/1 (`harness/control/PEERCTL.md`) for webrtc-rs `webrtc`: lines in, lines out.

mod adapter;
mod channel;
mod config;
mod connection;
mod hosts;
mod keylog;
mod reply;

use std::io::Write as _;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::adapter::Adapter;
use crate::reply::{No, Out};

struct Log;

impl log::Log for Log {
    fn enabled(&self, _: &log::Metadata) -> bool {
        true
    }

    fn log(&self, record: &log::Record) {
        eprintln!("{} {}: {}", record.level(), record.target(), record.args());
    }

    fn flush(&self) {}
}

fn write(mut lines: UnboundedReceiver<String>) {
    let mut out = std::io::stdout().lock();
    while let Some(line) = lines.blocking_recv() {
        if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
            std::process::exit(0);
        }
    }
}

async fn serve(adapter: &mut Adapter, out: &Out) {
    let mut lines = BufReader::new(tokio::io::stdin()).split(b'\n');
    while let Ok(Some(line)) = lines.next_segment().await {
        let Ok(request) = serde_json::from_slice::<Value>(&line) else {
            if !line.trim_ascii().is_empty() {
                out.reply(0, Err(No::error("SyntaxError", "no request")));
            }
            continue;
        };
        let reply = adapter.obey(&request).await;
        out.reply(request["id"].as_u64().unwrap_or(0), reply);
    }
}

#[tokio::main]
async fn main() {
    let _ = log::set_logger(&Log);
    log::set_max_level(log::LevelFilter::Info);
    let (sender, receiver) = unbounded_channel();
    let writer = tokio::task::spawn_blocking(move || write(receiver));
    let out = Out(sender);
    let mut adapter = Adapter::new(out.clone());
    serve(&mut adapter, &out).await;
    adapter.end().await;
    drop((adapter, out));
    let _ = tokio::time::timeout(Duration::from_secs(1), writer).await;
    // Tasks of the implementation may still run.
    std::process::exit(0);
}
