"use strict";

// peerctl/1 for Chromium: see harness/control/PEERCTL.md.

const { existsSync } = require("node:fs");
const { serveBrowser } = require("./browser.js");
const { load } = require("./stdio.js");

const { chromium } = load("playwright-core");

const executablePath = process.env.PEERCTL_BROWSER ?? "/usr/bin/chromium";
if (!existsSync(executablePath)) {
  console.error(`there is no ${executablePath}`);
  process.exit(127);
}

// The key of the harness's TURN server, which speaks TLS with a certificate of its own making:
// SHA-256 of harness/tls/src/certificate.der's SubjectPublicKeyInfo.
const trusted = "C4pfvSlqFRyVIPT0lDr7beWO/nvUMNxDENiia2OCoQ0=";
const args = [
  `--ignore-certificate-errors-spki-list=${trusted}`,
  "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
];
if (process.env.PEERCTL_LOOPBACK) {
  args.push("--allow-loopback-in-peer-connection");
}

serveBrowser(async () => {
  // Ends with its driver, even with one that is killed: they are joined by a pipe. Signals are
  // the driver's business.
  const browser = await chromium.launch({
    executablePath, args, handleSIGHUP: false, handleSIGINT: false, handleSIGTERM: false,
  });
  const hello = {
    impl: "chromium",
    version: browser.version(),
    features: [
      "data-channel", "dtls12", "dtls13", "ice-tcp", "ipv6", "media", "multi-interface",
      "negotiated", "network-change", "pr-sctp", "pranswer", "relay-policy", "restart", "rollback", "stats",
      "stream-reset", "stun", "trickle", "turn", "turn-tcp", "turn-tls", "unordered",
    ],
    limits: { maxMessageSize: 262144 },
  };
  const page = await browser.newPage();
  return { page, hello, close: () => browser.close(), kill: () => {} };
});
