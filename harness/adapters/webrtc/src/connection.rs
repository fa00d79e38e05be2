//! A connection, and what its events become.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Instant;

use serde_json::{Value, json};
use webrtc::data_channel::{DataChannel, RTCDataChannelId};
use webrtc::peer_connection::{
    PeerConnection, PeerConnectionEventHandler, RTCIceConnectionState, RTCIceGatheringState,
    RTCPeerConnectionIceErrorEvent, RTCPeerConnectionIceEvent, RTCPeerConnectionState,
    RTCSignalingState, StatsSelector,
};

use crate::channel::{self, Channels};
use crate::reply::Out;

/// A connection as its events see it.
pub struct Shared {
    pub handle: String,
    pub out: Out,
    pub channels: Channels,
    /// The four states, as far as events told them: the interface has no way to ask.
    pub states: Mutex<Value>,
    pub remote_channels: AtomicUsize,
    pub closed: AtomicBool,
    /// For statistics: a channel's stream is nowhere else in the interface.
    pub connection: Mutex<Option<Weak<dyn PeerConnection>>>,
}

impl Shared {
    pub fn new(handle: &str, out: Out, channels: Channels) -> Self {
        Self {
            handle: handle.to_owned(),
            out,
            channels,
            states: Mutex::new(json!({"iceConnection": "new", "connection": "new",
                "iceGathering": "new", "signaling": "stable"})),
            remote_channels: AtomicUsize::new(0),
            closed: AtomicBool::new(false),
            connection: Mutex::new(None),
        }
    }

    /// The states now.
    pub fn states(&self) -> Value {
        if self.closed.load(Ordering::Relaxed) {
            return json!({"iceConnection": "closed", "connection": "closed",
                "signaling": "closed"});
        }
        self.states.lock().map(|states| states.clone()).unwrap_or_default()
    }

    fn state(&self, which: &str, value: &str) {
        if let Ok(mut states) = self.states.lock() {
            states[which] = value.into();
        }
        let pc = &self.handle;
        self.out.event("state", json!({"pc": pc, "which": which, "value": value}));
    }

    /// The stream of a channel, or null.
    pub async fn sid(&self, channel: RTCDataChannelId) -> Value {
        let connection = self.connection.lock().ok().and_then(|weak| weak.as_ref()?.upgrade());
        let Some(connection) = connection else { return Value::Null };
        let report = connection.get_stats(Instant::now(), StatsSelector::None).await;
        let id = format!("RTCDataChannel_{channel}");
        let found = report.data_channels().find(|stats| stats.stats.id == id);
        found.map_or(Value::Null, |stats| stats.data_channel_identifier.into())
    }
}

/// What the implementation calls.
pub struct Handler(pub Arc<Shared>);

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Handler {
    async fn on_negotiation_needed(&self) {
        self.0.out.event("negotiationneeded", json!({"pc": self.0.handle}));
    }

    async fn on_ice_candidate(&self, event: RTCPeerConnectionIceEvent) {
        let Self(shared) = self;
        match event.candidate.to_json() {
            Ok(init) => {
                let candidate = json!({"candidate": init.candidate, "sdpMid": init.sdp_mid,
                    "sdpMLineIndex": init.sdp_mline_index,
                    "usernameFragment": init.username_fragment});
                let pc = &shared.handle;
                shared.out.event("candidate", json!({"pc": pc, "candidate": candidate}));
            }
            Err(error) => shared.out.event(
                "error",
                json!({"on": shared.handle, "name": "OperationError",
                    "message": error.to_string()}),
            ),
        }
    }

    async fn on_ice_candidate_error(&self, event: RTCPeerConnectionIceErrorEvent) {
        let Self(shared) = self;
        shared.out.event(
            "candidateError",
            json!({"pc": shared.handle, "url": event.url, "errorCode": event.error_code}),
        );
    }

    async fn on_signaling_state_change(&self, state: RTCSignalingState) {
        self.0.state("signaling", &state.to_string());
    }

    async fn on_ice_connection_state_change(&self, state: RTCIceConnectionState) {
        self.0.state("iceConnection", &state.to_string());
    }

    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        self.0.state("iceGathering", &state.to_string());
        if state == RTCIceGatheringState::Complete {
            let pc = &self.0.handle;
            self.0.out.event("candidate", json!({"pc": pc, "candidate": null}));
        }
    }

    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        self.0.state("connection", &state.to_string());
    }

    async fn on_data_channel(&self, channel: Arc<dyn DataChannel>) {
        let Self(shared) = self;
        let number = shared.remote_channels.fetch_add(1, Ordering::Relaxed) + 1;
        let handle = format!("{}/r{number}", shared.handle);
        if let Ok(mut channels) = shared.channels.lock() {
            channels.insert(handle.clone(), Arc::clone(&channel));
        }
        let sid = shared.sid(channel.id()).await;
        shared.out.event("channel", channel::described(&handle, sid, &*channel).await);
        tokio::spawn(channel::follow(Arc::clone(shared), handle, channel));
    }
}
