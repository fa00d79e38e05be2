"use strict";

// peerctl/1 for @roamhq/wrtc: see harness/control/PEERCTL.md.

const { Adapter } = require("./core.js");
const { load, serve, write } = require("./stdio.js");

const { RTCPeerConnection } = load("@roamhq/wrtc");

/** What wrtc says of a limit that is not set. */
const NO_LIMIT = 65535;

/** As the contract has it: null stands for absent. */
function writeLimits(message) {
  if (message.ev === "channel") {
    for (const limit of ["maxRetransmits", "maxPacketLifeTime"]) {
      message[limit] = message[limit] === NO_LIMIT ? null : message[limit];
    }
  }
  write(message);
}

serve(new Adapter({
  RTCPeerConnection,
  write: writeLimits,
  hello: {
    impl: "wrtc",
    version: require("@roamhq/wrtc/package.json").version,
    features: [
      "data-channel", "dtls12", "ice-tcp", "ipv6", "media", "multi-interface", "negotiated",
      "pr-sctp", "pranswer", "relay-policy", "restart", "rollback", "stats", "stream-reset",
      "stun", "trickle", "turn", "turn-tcp", "turn-tls", "unordered",
    ],
    limits: { maxMessageSize: 262144 },
  },
}));
