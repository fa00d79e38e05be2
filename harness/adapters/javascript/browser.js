"use strict";

// peerctl/1 for a browser: carries lines between the standard streams of node and a page that has
// `core.js`. The page comes from http://127.0.0.1, which is a secure context.

const { readFileSync } = require("node:fs");
const { createServer } = require("node:http");
const { join } = require("node:path");
const { lines, write } = require("./stdio.js");

/** How long a browser may take to close before it is killed; the contract gives five seconds. */
const CLOSE_MS = 3000;

const PAGE = "<!doctype html><meta charset=utf-8><title>peerctl</title><script src=core.js></script>";

/** Serves the page; gives its address. */
function servePage() {
  const core = readFileSync(join(__dirname, "core.js"));
  const server = createServer((request, response) => {
    const isCore = request.url === "/core.js";
    response.setHeader("Content-Type", isCore ? "text/javascript" : "text/html");
    response.end(isCore ? core : PAGE);
  });
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve(`http://127.0.0.1:${server.address().port}/`));
  });
}

/** Makes the adapter in the page. */
async function open(page, hello) {
  page.on("console", (message) => console.error(message.text()));
  page.on("pageerror", (error) => console.error(error));
  await page.exposeFunction("peerctlWrite", write);
  await page.goto(await servePage());
  await page.evaluate((given) => {
    const { RTCPeerConnection, peerctl, peerctlWrite } = globalThis;
    const options = { RTCPeerConnection, write: peerctlWrite, hello: given };
    globalThis.adapter = new peerctl.Adapter(options);
  }, hello);
}

/**
 * Serves until the input ends or a signal comes; the browser ends first.
 *
 * @param {() => Promise<{page, hello, close, kill}>} start starts a browser: a page of it, what
 *   `hello` says, how it is closed, and how it is killed if it does not close
 */
async function serveBrowser(start) {
  const waiting = [];
  let take = (line) => waiting.push(line);
  let browser = null;
  let ending = false;

  const end = async (code) => {
    if (ending) {
      return;
    }
    ending = true;
    const killed = setTimeout(() => {
      browser?.kill();
      process.exit(code);
    }, CLOSE_MS);
    // Nothing is left behind by a start that is not done yet.
    await started.catch(() => {});
    await browser?.close().catch(() => browser.kill());
    clearTimeout(killed);
    process.exit(code);
  };

  const started = start().then((running) => {
    browser = running;
  });
  lines((line) => take(line), () => end(0));
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) {
    process.on(signal, () => end(0));
  }
  try {
    await started;
    const { page, hello } = browser;
    const lost = (why) => {
      if (!ending) {
        console.error(`the browser is gone: ${why}`);
        end(1);
      }
    };
    page.on("close", () => lost("its page closed"));
    page.on("crash", () => lost("its page crashed"));
    await open(page, hello);
    // Not awaited: lines go out in order over one connection, and replies are events.
    take = (line) => {
      page.evaluate((text) => globalThis.adapter.line(text), line).catch((error) => lost(error));
    };
    waiting.splice(0).forEach(take);
  } catch (error) {
    if (!ending) {
      console.error(error);
      end(1);
    }
  }
}

module.exports = { serveBrowser };
