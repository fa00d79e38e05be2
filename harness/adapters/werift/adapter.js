"use strict";

// peerctl/1 for werift: see harness/control/PEERCTL.md.

const { appendFileSync } = require("node:fs");
const { dirname, join } = require("node:path");
const { Adapter } = require("./core.js");
const { load, serve, write } = require("./stdio.js");

const werift = load("werift");
const folder = join(dirname(require.resolve("werift")), "../../..");

/** Appends DTLS secrets to a file; werift itself has no option for it. */
function logKeys(path) {
  const { prototype } = require(join(folder, "lib/dtls/src/cipher/suites/aead.js")).default;
  const { init } = prototype;
  prototype.init = function initAndLog(masterSecret, serverRandom, clientRandom) {
    const words = [clientRandom, masterSecret].map((bytes) => bytes.toString("hex"));
    appendFileSync(path, `CLIENT_RANDOM ${words.join(" ")}\n`);
    return init.call(this, masterSecret, serverRandom, clientRandom);
  };
}

if (process.env.SSLKEYLOGFILE) {
  logKeys(process.env.SSLKEYLOGFILE);
}

serve(new Adapter({
  RTCPeerConnection: werift.RTCPeerConnection,
  write,
  hello: {
    impl: "werift",
    version: require(join(folder, "package.json")).version,
    features: [
      "data-channel", "dtls12", "ice-lite", "ipv6", "key-log", "media", "multi-interface",
      "negotiated", "pr-sctp", "pranswer", "relay-policy", "restart", "rollback", "stats",
      "stream-reset", "stun", "trickle", "turn", "turn-tcp", "turn-tls", "unordered",
    ],
    limits: { maxMessageSize: 65536 },
  },
  keys: {
    "x-iceLite": (rtc, value) => {
      rtc.iceLite = value;
    },
  },
}));
