//! The commands.

use std::collections::BTreeMap;
use std::fs::File;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rtc::peer_connection::configuration::RTCOfferOptions;
use serde_json::{Value, json};
use webrtc::data_channel::DataChannel;
use webrtc::peer_connection::{
    MediaEngine, PeerConnection, PeerConnectionBuilder, RTCIceCandidateInit, RTCSessionDescription,
    Registry, crypto,
};

use crate::channel::{self, Channels};
use crate::config::Config;
use crate::connection::{Handler, Shared};
use crate::hosts::Hosts;
use crate::keylog::{self, KeyLog};
use crate::reply::{No, Out, Reply, text};

const FEATURES: &[&str] = &[
    "trickle",
    "restart",
    "stun",
    "turn",
    "ice-lite",
    "relay-policy",
    "ipv6",
    "multi-interface",
    "data-channel",
    "unordered",
    "pr-sctp",
    "negotiated",
    "stream-reset",
    "dtls12",
    "key-log",
];

struct Connection {
    connection: Arc<dyn PeerConnection>,
    shared: Arc<Shared>,
}

/// The connections of this process.
pub struct Adapter {
    out: Out,
    connections: BTreeMap<String, Connection>,
    channels: Channels,
    keys: Option<Arc<Mutex<File>>>,
}

impl Adapter {
    pub fn new(out: Out) -> Self {
        let keys = keylog::file();
        Self { out, connections: BTreeMap::new(), channels: Channels::default(), keys }
    }

    /// Does what a request asks for.
    pub async fn obey(&mut self, request: &Value) -> Reply {
        match request["op"].as_str().unwrap_or_default() {
            "hello" => Ok(json!({"adapter": 1, "impl": "webrtc", "version": "0.21.1",
                "features": FEATURES, "limits": {"maxMessageSize": 65536}})),
            "case" => {
                log::info!("case {} seed {}", request["name"], request["seed"]);
                Ok(json!({}))
            }
            "new" => self.make(request).await,
            "offer" => self.offer(request).await,
            "answer" => {
                let answer = self.open(request)?.connection.create_answer(None).await?;
                Ok(json!({"sdp": answer.sdp}))
            }
            "local" => self.local(request).await,
            "remote" => {
                let description = description(request)?;
                self.open(request)?.connection.set_remote_description(description).await?;
                Ok(json!({}))
            }
            "candidate" => {
                let candidate = candidate(&request["candidate"]);
                self.open(request)?.connection.add_ice_candidate(candidate).await?;
                Ok(json!({}))
            }
            "channel" => self.channel(request).await,
            "send" => {
                channel::send(&*self.opened(request)?, request).await?;
                Ok(json!({}))
            }
            "closeChannel" => {
                self.opened(request)?.close().await?;
                Ok(json!({}))
            }
            "close" => self.close(request).await,
            "state" => Ok(self.known(request)?.shared.states()),
            "restartIce" => {
                self.open(request)?.connection.restart_ice().await?;
                Ok(json!({}))
            }
            "setConfig" => {
                let config = Config::read(&request["config"])?;
                self.open(request)?.connection.set_configuration(config.w3c).await?;
                Ok(json!({}))
            }
            op => Err(No::Unsupported(op.to_owned())),
        }
    }

    /// Closes what is open.
    pub async fn end(&mut self) {
        for one in std::mem::take(&mut self.connections).into_values() {
            let _ = tokio::time::timeout(Duration::from_millis(500), one.connection.close()).await;
        }
    }

    async fn make(&mut self, request: &Value) -> Reply {
        let handle = text(request, "pc")?;
        let mut config = Config::read(&request["config"])?;
        let failed = |what: String| No::error("OperationError", what);
        let under =
            webrtc::runtime::default_runtime().ok_or_else(|| failed("no runtime".into()))?;
        if let Some(file) = &self.keys {
            let under = crypto::default_provider().map_err(|error| failed(error.to_string()))?;
            config.settings.set_crypto_provider(Arc::new(KeyLog::new(under, Arc::clone(file))));
        }
        let mut media = MediaEngine::default();
        media.register_default_codecs()?;
        let shared = Arc::new(Shared::new(handle, self.out.clone(), Arc::clone(&self.channels)));
        let connection = PeerConnectionBuilder::new()
            .with_configuration(config.w3c)
            .with_setting_engine(config.settings)
            .with_media_engine(media)
            .with_interceptor_registry(Registry::new())
            .with_handler(Arc::new(Handler(Arc::clone(&shared))))
            .with_runtime(Arc::new(Hosts { under, names: config.hosts }))
            .with_udp_addrs(config.addresses)
            .build()
            .await?;
        let connection: Arc<dyn PeerConnection> = Arc::new(connection);
        if let Ok(mut weak) = shared.connection.lock() {
            *weak = Some(Arc::downgrade(&connection));
        }
        self.connections.insert(handle.to_owned(), Connection { connection, shared });
        Ok(json!({}))
    }

    async fn offer(&self, request: &Value) -> Reply {
        let ice_restart = request["iceRestart"].as_bool().unwrap_or(false);
        let options = RTCOfferOptions { ice_restart };
        let offer = self.open(request)?.connection.create_offer(Some(options)).await?;
        Ok(json!({"sdp": offer.sdp}))
    }

    async fn local(&self, request: &Value) -> Reply {
        let connection = &self.open(request)?.connection;
        connection.set_local_description(description(request)?).await?;
        let now = connection.local_description().await;
        Ok(json!({"sdp": now.map(|now| now.sdp).unwrap_or_default()}))
    }

    async fn channel(&self, request: &Value) -> Reply {
        let one = self.open(request)?;
        let handle = text(request, "dc")?;
        let init = channel::init(&request["init"])?;
        let label = request["label"].as_str().unwrap_or_default();
        let channel = one.connection.create_data_channel(label, Some(init)).await?;
        if let Ok(mut channels) = self.channels.lock() {
            channels.insert(handle.to_owned(), Arc::clone(&channel));
        }
        tokio::spawn(channel::follow(Arc::clone(&one.shared), handle.to_owned(), channel));
        Ok(json!({}))
    }

    async fn close(&self, request: &Value) -> Reply {
        let one = self.known(request)?;
        one.shared.closed.store(true, Ordering::Relaxed);
        one.connection.close().await?;
        Ok(json!({}))
    }

    fn known(&self, request: &Value) -> Result<&Connection, No> {
        let handle = text(request, "pc")?;
        let found = self.connections.get(handle);
        found.ok_or_else(|| No::error("NotFoundError", format!("no connection `{handle}`")))
    }

    fn open(&self, request: &Value) -> Result<&Connection, No> {
        let one = self.known(request)?;
        if one.shared.closed.load(Ordering::Relaxed) {
            return Err(No::error("InvalidStateError", "the connection is closed"));
        }
        Ok(one)
    }

    fn opened(&self, request: &Value) -> Result<Arc<dyn DataChannel>, No> {
        let handle = text(request, "dc")?;
        let found = self.channels.lock().ok().and_then(|all| all.get(handle).cloned());
        found.ok_or_else(|| No::error("NotFoundError", format!("no channel `{handle}`")))
    }
}

fn description(request: &Value) -> Result<RTCSessionDescription, No> {
    let description = &request["desc"];
    let sdp = description["sdp"].as_str().unwrap_or_default().to_owned();
    Ok(match text(description, "type")? {
        "offer" => RTCSessionDescription::offer(sdp)?,
        "answer" => RTCSessionDescription::answer(sdp)?,
        "pranswer" => RTCSessionDescription::pranswer(sdp)?,
        "rollback" => RTCSessionDescription::rollback(None)?,
        other => return Err(No::error("TypeError", format!("no type of description: {other}"))),
    })
}

fn candidate(init: &Value) -> RTCIceCandidateInit {
    RTCIceCandidateInit {
        // None ends the candidates, as an empty one does.
        candidate: init["candidate"].as_str().unwrap_or_default().to_owned(),
        sdp_mid: init["sdpMid"].as_str().map(str::to_owned),
        sdp_mline_index: init["sdpMLineIndex"].as_u64().and_then(|index| index.try_into().ok()),
        username_fragment: init["usernameFragment"].as_str().map(str::to_owned),
        url: None,
    }
}
