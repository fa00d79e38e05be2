"use strict";

// peerctl/1 for node-datachannel: see harness/control/PEERCTL.md.

const { readFileSync } = require("node:fs");
const { dirname, join } = require("node:path");
const { Adapter } = require("./core.js");
const { load, serve, write } = require("./stdio.js");

const { RTCPeerConnection } = load("node-datachannel/polyfill");

const manifest = join(dirname(require.resolve("node-datachannel")), "../../../package.json");
const { version } = JSON.parse(readFileSync(manifest, "utf8"));

/** What it says of a stream that is not chosen yet. */
const NO_STREAM = 65535;

// It keeps the configuration and does nothing with it.
delete RTCPeerConnection.prototype.setConfiguration;

serve(new Adapter({
  RTCPeerConnection,
  write: (message) => write(message.sid === NO_STREAM ? { ...message, sid: undefined } : message),
  hello: {
    impl: "node-datachannel",
    version,
    features: [
      "data-channel", "dtls12", "ipv6", "multi-interface", "negotiated", "stream-reset", "stun",
      "trickle", "turn",
    ],
    limits: { maxMessageSize: 262144 },
  },
}));
