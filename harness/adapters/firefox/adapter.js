"use strict";

// peerctl/1 for Firefox: see harness/control/PEERCTL.md.

const { spawn } = require("node:child_process");
const { existsSync, mkdtempSync, rmSync } = require("node:fs");
const { tmpdir } = require("node:os");
const { join } = require("node:path");
const { createInterface } = require("node:readline");
const { serveBrowser } = require("./browser.js");
const { load } = require("./stdio.js");

const { connect } = load("puppeteer-core");
const { Browser, createProfile } = load("@puppeteer/browsers");

const program = process.env.PEERCTL_BROWSER ?? "/usr/bin/firefox-esr";
if (!existsSync(program)) {
  console.error(`there is no ${program}`);
  process.exit(127);
}

const preferences = {
  // A harness's servers may be on any port; a page's may not (9 is one of many).
  "network.security.ports.banned.override": "1-65535",
  "media.navigator.permission.disabled": true,
  "media.navigator.streams.fake": true,
  "media.peerconnection.ice.obfuscate_host_addresses": false,
};

/** The address at which a started Firefox listens for WebDriver BiDi. */
function listening(firefox) {
  return new Promise((resolve, reject) => {
    firefox.on("error", reject);
    firefox.on("exit", (code, signal) => reject(new Error(`it ended: ${code ?? signal}`)));
    createInterface({ input: firefox.stderr }).on("line", (line) => {
      const found = /^WebDriver BiDi listening on (ws:.*)$/.exec(line);
      if (found) {
        resolve(found[1]);
      } else {
        console.error(line);
      }
    });
  });
}

serveBrowser(async () => {
  const profile = mkdtempSync(join(tmpdir(), "peerctl-firefox-"));
  await createProfile(Browser.FIREFOX, { path: profile, preferences });
  // Not by Puppeteer: it gives browsers a process group of their own, which outlives that of a
  // driver that is killed.
  const options = ["--headless", "--no-remote", "--profile", profile, "--remote-debugging-port=0"];
  const firefox = spawn(program, options, { stdio: ["ignore", "ignore", "pipe"] });
  const ended = new Promise((resolve) => firefox.on("exit", resolve));
  const kill = () => {
    firefox.kill("SIGKILL");
    rmSync(profile, { recursive: true, force: true, maxRetries: 3 });
  };
  process.on("exit", kill);
  const browserWSEndpoint = `${await listening(firefox)}/session`;
  const browser = await connect({ browserWSEndpoint, protocol: "webDriverBiDi" });
  const hello = {
    impl: "firefox",
    version: (await browser.version()).split("/").pop(),
    features: [
      "data-channel", "dtls12", "dtls13", "ice-tcp", "ipv6", "key-log", "media", "negotiated",
      "pr-sctp", "relay-policy", "restart", "rollback", "stats", "stream-reset", "stun",
      "trickle", "turn", "turn-tcp", "turn-tls", "unordered",
    ],
    limits: { maxMessageSize: 1073741823 },
  };
  const page = await browser.newPage();
  const close = async () => {
    await browser.close();
    await ended;
  };
  return { page, hello, close, kill };
});
