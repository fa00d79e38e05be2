"use strict";

// peerctl/1 (harness/control/PEERCTL.md) on W3C's RTCPeerConnection.
//
// Needs nothing but the language, `btoa`, `atob` and timers, so that it runs in node as well as in
// a page: `require("./core.js").Adapter` there, `peerctl.Adapter` after a <script> or an import.

(() => {
  /** Where `send` waits for the channel to drain: Chromium throws above 16 MiB. */
  const HIGH_WATER = 8 << 20;
  const DRAIN_MS = 10;

  const STATES = {
    iceConnection: "iceConnectionState",
    connection: "connectionState",
    iceGathering: "iceGatheringState",
    signaling: "signalingState",
  };

  /** What is asked cannot be done; `word` says what. */
  class Unsupported extends Error {
    constructor(word) {
      super(word);
      this.word = word;
    }
  }

  /** Commands in, replies and events out. */
  class Adapter {
    /**
     * @param {object} host
     * @param {Function} host.RTCPeerConnection the implementation
     * @param {(message: object) => void} host.write takes replies and events
     * @param {object} host.hello `impl`, `version`, `features`, perhaps `limits`
     * @param {object} [host.keys] configuration keys beyond W3C's: functions that put a value into
     *   the configuration the implementation gets
     */
    constructor({ RTCPeerConnection, write, hello, keys = {} }) {
      this.RTCPeerConnection = RTCPeerConnection;
      this.write = write;
      this.hello = hello;
      this.keys = keys;
      this.features = new Set(hello.features);
      this.connections = new Map();
      this.channels = new Map();
      /** Connections of channels, known from the moment they are asked for. */
      this.owners = new Map();
      /** The last request of each connection: the next one waits for it. */
      this.queues = new Map();
    }

    /** Takes a line of input. */
    line(line) {
      let request;
      try {
        request = JSON.parse(line);
      } catch (error) {
        this.fail(0, error);
        return;
      }
      this.request(request ?? {});
    }

    request(request) {
      if (request.op === "channel") {
        this.owners.set(request.dc, request.pc);
      }
      const queue = request.pc ?? this.owners.get(request.dc);
      const before = this.queues.get(queue) ?? Promise.resolve();
      this.queues.set(queue, before.then(() => this.reply(request)));
    }

    async reply(request) {
      const id = Number.isSafeInteger(request.id) ? request.id : 0;
      try {
        const command = Object.hasOwn(COMMANDS, request.op) ? COMMANDS[request.op] : null;
        if (!command) {
          throw new Unsupported(String(request.op));
        }
        this.write({ id, ok: (await command(this, request)) ?? {} });
      } catch (error) {
        this.fail(id, error);
      }
    }

    fail(id, error) {
      if (error instanceof Unsupported) {
        this.write({ id, unsupported: error.word });
      } else {
        // Whatever the implementation throws is its answer.
        const name = error?.name || "Error";
        this.write({ id, err: { name, message: String(error?.message ?? error) } });
      }
    }

    /** What earlier runs closed is not asked for again, and a session plays many. */
    forgetClosed() {
      for (const [pc, { signalingState }] of this.connections) {
        if (signalingState === "closed") {
          this.forget(pc);
        }
      }
    }

    forget(pc) {
      this.connections.delete(pc);
      this.queues.delete(pc);
      for (const [dc, owner] of this.owners) {
        if (owner === pc) {
          this.owners.delete(dc);
          this.channels.delete(dc);
        }
      }
    }

    connection({ pc }) {
      return known(this.connections, pc);
    }

    channel({ dc }) {
      return known(this.channels, dc);
    }

    need(feature, word = feature) {
      if (!this.features.has(feature)) {
        throw new Unsupported(word);
      }
    }

    configuration(config = {}) {
      const { iceServers = [], iceTransportPolicy = "all", ...others } = config;
      if (iceTransportPolicy !== "all") {
        this.need("relay-policy", "iceTransportPolicy");
      }
      for (const url of iceServers.flatMap((server) => server.urls)) {
        this.need(featureOf(url), "iceServers");
      }
      const rtc = { iceServers, iceTransportPolicy };
      for (const [key, value] of Object.entries(others)) {
        if (!Object.hasOwn(this.keys, key)) {
          throw new Unsupported(key);
        }
        this.keys[key](rtc, value);
      }
      return rtc;
    }

    /** Tells what happens to a connection. */
    watch(name, pc) {
      const { write } = this;
      // Properties and not listeners: not every implementation outside of browsers has both.
      for (const [which, property] of Object.entries(STATES)) {
        pc[`on${property.toLowerCase()}change`] = () => {
          write({ ev: "state", pc: name, which, value: pc[property] });
        };
      }
      pc.onnegotiationneeded = () => write({ ev: "negotiationneeded", pc: name });
      pc.onicecandidate = ({ candidate }) => {
        // An empty one ends a generation, and null follows.
        if (candidate?.candidate !== "") {
          write({ ev: "candidate", pc: name, candidate: candidateOut(candidate) });
        }
      };
      pc.onicecandidateerror = ({ url, errorCode }) => {
        write({ ev: "candidateError", pc: name, url: url ?? "", errorCode: errorCode ?? 701 });
      };
      let count = 0;
      pc.ondatachannel = ({ channel }) => {
        count += 1;
        const dc = `${name}/r${count}`;
        this.owners.set(dc, name);
        const { label, protocol, ordered, maxRetransmits, maxPacketLifeTime } = channel;
        write({
          ev: "channel", dc, label, protocol, ordered, sid: channel.id,
          maxRetransmits: short(maxRetransmits), maxPacketLifeTime: short(maxPacketLifeTime),
        });
        this.take(dc, channel);
      };
    }

    /** Tells what happens to a channel. */
    take(dc, channel) {
      const { write } = this;
      this.channels.set(dc, channel);
      channel.binaryType = "arraybuffer";
      let opened = false;
      const open = () => {
        if (!opened) {
          opened = true;
          write({ ev: "open", dc, sid: channel.id });
        }
      };
      channel.onopen = open;
      channel.onclose = () => write({ ev: "closed", dc });
      channel.onmessage = ({ data }) => write({ ev: "message", dc, ...payload(data) });
      channel.onerror = (event) => {
        const { name = "Error", message = "" } = event?.error ?? event ?? {};
        write({ ev: "error", on: dc, name, message });
      };
      if (channel.readyState === "open") {
        open();
      }
    }
  }

  const COMMANDS = {
    hello: ({ hello }) => ({ adapter: 1, ...hello }),

    case(adapter, { name, seed }) {
      console.error("case", name, seed);
    },

    new(adapter, { pc: name, config }) {
      adapter.forgetClosed();
      const pc = new adapter.RTCPeerConnection(adapter.configuration(config));
      adapter.connections.set(name, pc);
      adapter.watch(name, pc);
    },

    async offer(adapter, { pc, iceRestart = false }) {
      const connection = adapter.connection({ pc });
      if (iceRestart) {
        adapter.need("restart");
      }
      const { sdp } = await connection.createOffer(iceRestart ? { iceRestart } : {});
      return { sdp };
    },

    async answer(adapter, request) {
      const { sdp } = await adapter.connection(request).createAnswer();
      return { sdp };
    },

    async local(adapter, request) {
      const pc = adapter.connection(request);
      await pc.setLocalDescription(description(adapter, request));
      return { sdp: pc.localDescription?.sdp ?? "" };
    },

    async remote(adapter, request) {
      await adapter.connection(request).setRemoteDescription(description(adapter, request));
    },

    async candidate(adapter, request) {
      await adapter.connection(request).addIceCandidate(request.candidate ?? undefined);
    },

    channel(adapter, request) {
      const { dc, label, init = {} } = request;
      const pc = adapter.connection(request);
      const given = Object.entries(init).filter(([, value]) => value !== null);
      const options = Object.fromEntries(given);
      if (options.ordered === false) {
        adapter.need("unordered");
      }
      if ("maxRetransmits" in options || "maxPacketLifeTime" in options) {
        adapter.need("pr-sctp");
      }
      if (options.negotiated) {
        adapter.need("negotiated");
      }
      adapter.take(dc, pc.createDataChannel(label, options));
    },

    async send(adapter, request) {
      const channel = adapter.channel(request);
      const data = request.b64 === undefined ? request.text : bytes(request.b64);
      for (let left = request.repeat ?? 1; left > 0; left -= 1) {
        while (channel.readyState === "open" && channel.bufferedAmount > HIGH_WATER) {
          await new Promise((resolve) => setTimeout(resolve, DRAIN_MS));
        }
        channel.send(data);
      }
    },

    closeChannel(adapter, request) {
      adapter.channel(request).close();
    },

    async close(adapter, request) {
      await adapter.connection(request).close();
    },

    async state(adapter, request) {
      const pc = adapter.connection(request);
      const states = Object.entries(STATES).map(([which, property]) => [which, pc[property]]);
      const selectedPair = pc.signalingState === "closed" ? undefined : await selected(pc);
      return { ...Object.fromEntries(states), selectedPair };
    },

    restartIce(adapter, request) {
      const pc = adapter.connection(request);
      adapter.need("restart", "restartIce");
      pc.restartIce();
    },

    setConfig(adapter, request) {
      const pc = adapter.connection(request);
      if (!pc.setConfiguration) {
        throw new Unsupported("setConfig");
      }
      pc.setConfiguration(adapter.configuration(request.config));
    },
  };

  /** W3C has 16 bits where DCEP has 32. */
  function short(limit) {
    return limit == null ? undefined : Math.min(limit, 0xffff);
  }

  function known(map, handle) {
    if (!map.has(handle)) {
      const error = new Error(`there is no ${handle}`);
      error.name = "InvalidStateError";
      throw error;
    }
    return map.get(handle);
  }

  /** The feature a server's URI (RFC 7064 §3.1, RFC 7065 §3.1) needs. */
  function featureOf(url) {
    const tcp = /[?&]transport=tcp/i.test(url);
    const scheme = url.split(":", 1)[0].toLowerCase();
    if (scheme === "turns") {
      return "turn-tls";
    }
    return scheme === "turn" && tcp ? "turn-tcp" : scheme;
  }

  function description(adapter, { desc: { type, sdp } }) {
    if (type === "rollback" || type === "pranswer") {
      adapter.need(type);
    }
    return type === "rollback" ? { type } : { type, sdp };
  }

  function candidateOut(candidate) {
    if (!candidate) {
      return null;
    }
    const { sdpMid, sdpMLineIndex, usernameFragment } = candidate;
    return {
      candidate: candidateLine(candidate.candidate),
      sdpMid: sdpMid ?? undefined,
      sdpMLineIndex: sdpMLineIndex ?? undefined,
      usernameFragment: usernameFragment || undefined,
    };
  }

  /** As RFC 8839 §5.1 writes it; some stacks leave the first word out, or write a whole line. */
  function candidateLine(text) {
    return `candidate:${text.replace(/^(a=)?(candidate:)?/, "")}`;
  }

  /** The selected pair, if the implementation can tell. */
  async function selected(pc) {
    for (const tell of [fromTransport, fromStats]) {
      try {
        const pair = await tell(pc);
        if (pair) {
          return pair;
        }
      } catch {
        // Some have the members and throw that they are not implemented.
      }
    }
    return undefined;
  }

  function fromTransport(pc) {
    const pair = pc.sctp?.transport?.iceTransport?.getSelectedCandidatePair?.();
    const [local, remote] = [pair?.local?.candidate, pair?.remote?.candidate];
    return local && remote
      ? { local: candidateLine(local), remote: candidateLine(remote) } : undefined;
  }

  async function fromStats(pc) {
    const stats = [...(await pc.getStats()).values()];
    const find = (id) => stats.find((one) => one.id === id);
    const transport = stats.find((one) => one.type === "transport" && one.selectedCandidatePairId);
    // `selected` is Firefox's word.
    const pair = find(transport?.selectedCandidatePairId)
      ?? stats.find((one) => one.type === "candidate-pair" && one.selected);
    const local = find(pair?.localCandidateId);
    const remote = find(pair?.remoteCandidateId);
    return local && remote ? { local: lineOf(local), remote: lineOf(remote) } : undefined;
  }

  function lineOf({ foundation, protocol, priority, address, ip, port, candidateType }) {
    const head = `candidate:${foundation ?? 0} 1 ${protocol} ${priority}`;
    return `${head} ${address ?? ip} ${port} typ ${candidateType}`;
  }

  function payload(data) {
    return typeof data === "string" ? { text: data } : { b64: base64(data) };
  }

  function base64(data) {
    const view = ArrayBuffer.isView(data)
      ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
      : new Uint8Array(data);
    // In parts: arguments of a call are limited.
    const part = 1 << 15;
    let text = "";
    for (let at = 0; at < view.length; at += part) {
      text += String.fromCharCode(...view.subarray(at, at + part));
    }
    return btoa(text);
  }

  function bytes(text) {
    const raw = atob(text);
    const view = new Uint8Array(raw.length);
    for (let at = 0; at < raw.length; at += 1) {
      view[at] = raw.charCodeAt(at);
    }
    return view;
  }

  const exported = { Adapter };
  if (typeof module === "object") {
    module.exports = exported;
  } else {
    globalThis.peerctl = exported;
  }
})();
