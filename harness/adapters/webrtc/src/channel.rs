//! A data channel: how it is made, and what happens to it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::BytesMut;
use serde_json::{Value, json};
use webrtc::data_channel::{
    DataChannel, DataChannelEvent, RTCDataChannelInit, RTCDataChannelMessage,
};

use crate::connection::Shared;
use crate::reply::{No, Out, text};

/// All channels, by handle.
pub type Channels = Arc<Mutex<HashMap<String, Arc<dyn DataChannel>>>>;

/// W3C's `RTCDataChannelInit`.
pub fn init(init: &Value) -> Result<RTCDataChannelInit, No> {
    let number = |key: &str| match &init[key] {
        Value::Null => Ok(None),
        value => match value.as_u64().and_then(|number| u16::try_from(number).ok()) {
            Some(number) => Ok(Some(number)),
            None => Err(No::error("TypeError", format!("{key}: no unsigned short"))),
        },
    };
    // Without `negotiated`, `id` means nothing.
    let negotiated = match (init["negotiated"].as_bool().unwrap_or(false), number("id")?) {
        (true, None) => return Err(No::error("TypeError", "negotiated, and no id")),
        (true, id) => id,
        (false, _) => None,
    };
    Ok(RTCDataChannelInit {
        ordered: init["ordered"].as_bool().unwrap_or(true),
        max_packet_life_time: number("maxPacketLifeTime")?,
        max_retransmits: number("maxRetransmits")?,
        protocol: init["protocol"].as_str().unwrap_or_default().to_owned(),
        negotiated,
    })
}

/// Sends what a request has.
pub async fn send(channel: &dyn DataChannel, request: &Value) -> Result<(), No> {
    let times = request["repeat"].as_u64().unwrap_or(1);
    if let Some(text) = request["text"].as_str() {
        for _ in 0..times {
            channel.send_text(text).await?;
        }
        return Ok(());
    }
    let bytes = BASE64
        .decode(text(request, "b64")?)
        .map_err(|error| No::error("TypeError", error.to_string()))?;
    for _ in 0..times {
        channel.send(BytesMut::from(&bytes[..])).await?;
    }
    Ok(())
}

/// What to say of a channel that the other side opened.
pub async fn described(handle: &str, sid: Value, channel: &dyn DataChannel) -> Value {
    json!({
        "dc": handle,
        "sid": sid,
        "label": channel.label().await.unwrap_or_default(),
        "protocol": channel.protocol().await.unwrap_or_default(),
        "ordered": channel.ordered().await.unwrap_or(true),
        "maxRetransmits": channel.max_retransmits().await.ok().flatten(),
        "maxPacketLifeTime": channel.max_packet_life_time().await.ok().flatten(),
    })
}

/// Tells what happens to a channel until it is closed.
pub async fn follow(shared: Arc<Shared>, handle: String, channel: Arc<dyn DataChannel>) {
    let out = &shared.out;
    while let Some(event) = channel.poll().await {
        match event {
            DataChannelEvent::OnOpen => {
                let sid = shared.sid(channel.id()).await;
                out.event("open", json!({"dc": handle, "sid": sid}));
            }
            DataChannelEvent::OnMessage(message) => arrived(out, &handle, &message),
            DataChannelEvent::OnError => out.event(
                "error",
                json!({"on": handle, "name": "OperationError", "message": "OnError"}),
            ),
            DataChannelEvent::OnClose => {
                out.event("closed", json!({"dc": handle}));
                return;
            }
            _ => {}
        }
    }
}

fn arrived(out: &Out, handle: &str, message: &RTCDataChannelMessage) {
    if !message.is_string {
        return out.event("message", json!({"dc": handle, "b64": BASE64.encode(&message.data)}));
    }
    match std::str::from_utf8(&message.data) {
        Ok(text) => out.event("message", json!({"dc": handle, "text": text})),
        Err(error) => out.event(
            "error",
            json!({"on": handle, "name": "EncodingError", "message": error.to_string()}),
        ),
    }
}
