"""peerctl/1 for GStreamer's webrtcbin: see harness/control/PEERCTL.md."""

import base64
import hashlib
import json
import os
import re
import ssl
import subprocess
import sys
import threading
from urllib.parse import quote

try:
    import gi

    gi.require_version("Gst", "1.0")
    gi.require_version("GstSdp", "1.0")
    gi.require_version("GstWebRTC", "1.0")
    from gi.repository import GLib, Gst, GstSdp, GstWebRTC

    Gst.init(None)
    if not Gst.ElementFactory.find("webrtcbin") or not Gst.ElementFactory.find("nicesrc"):
        raise ImportError("webrtcbin or libnice's elements are missing")
except (ImportError, ValueError) as error:
    print(error, file=sys.stderr)
    sys.exit(127)

FEATURES = [
    "data-channel", "dtls12", "ipv6", "multi-interface", "negotiated", "pr-sctp", "relay-policy",
    "stream-reset", "stun", "trickle", "turn", "turn-tcp", "turn-tls", "unordered",
]
STATES = {
    "iceConnection": "ice-connection-state",
    "connection": "connection-state",
    "iceGathering": "ice-gathering-state",
    "signaling": "signaling-state",
}
# W3C's words in `init`, and those of `create-data-channel`.
INIT = {
    "ordered": "ordered", "maxRetransmits": "max-retransmits",
    "maxPacketLifeTime": "max-packet-lifetime", "protocol": "protocol",
    "negotiated": "negotiated", "id": "id",
}
POLICIES = {
    "all": GstWebRTC.WebRTCICETransportPolicy.ALL,
    "relay": GstWebRTC.WebRTCICETransportPolicy.RELAY,
}
TYPES = {"offer": GstWebRTC.WebRTCSDPType.OFFER, "answer": GstWebRTC.WebRTCSDPType.ANSWER}

line_lock = threading.Lock()


class Unsupported(Exception):
    """What is asked cannot be done."""


class Refused(Exception):
    """What the stack says no to."""


def write(message):
    # Events come from threads of the stack.
    with line_lock:
        sys.stdout.write(json.dumps(message) + "\n")
        sys.stdout.flush()


class Certificate:
    """A certificate with a key on P-256, which webrtcbin does not make by itself."""

    def __init__(self):
        words = ("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 "
                 "-subj /CN=webrtcbin -keyout - -out -")
        made = subprocess.run(words.split(), check=True, stdout=subprocess.PIPE, text=True,
                              stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.pem = made.stdout
        start = self.pem.index("-----BEGIN CERTIFICATE-----")
        digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(self.pem[start:])).hexdigest().upper()
        self.fingerprint = ":".join(digest[at:at + 2] for at in range(0, len(digest), 2))

    def put_right(self, sdp):
        # webrtcbin takes the fingerprint of all that is in `pem`, and so of the key as well.
        return re.sub("(?<=a=fingerprint:sha-256 )[0-9A-F:]+", self.fingerprint, sdp)


class Connection:
    """A pipeline with nothing but a webrtcbin, and its channels."""

    def __init__(self, name, config, channels):
        self.name = name
        self.channels = channels
        self.opened = 0
        self.bin = Gst.ElementFactory.make("webrtcbin")
        self.bin.set_property("bundle-policy", GstWebRTC.WebRTCBundlePolicy.MAX_BUNDLE)
        self.configure(config)
        self.certificate = None
        if os.environ.get("CERTIFICATE") == "ecdsa":
            self.certificate = Certificate()
            self.bin.connect("deep-element-added", self.on_element)
        for which, prop in STATES.items():
            self.bin.connect("notify::" + prop, self.on_state, which, prop)
        self.bin.connect("on-ice-candidate", self.on_candidate)
        self.bin.connect("on-data-channel", self.on_channel)
        self.bin.connect("on-negotiation-needed", lambda _bin: write(
            {"ev": "negotiationneeded", "pc": name}))
        self.pipeline = Gst.Pipeline.new(None)
        self.pipeline.add(self.bin)
        bus = self.pipeline.get_bus()
        bus.enable_sync_message_emission()
        bus.connect("sync-message::error", self.on_error)
        self.pipeline.set_state(Gst.State.PLAYING)
        self.pipeline.get_state(Gst.SECOND)

    def configure(self, config):
        policy = config.get("iceTransportPolicy", "all")
        if policy not in POLICIES:
            raise Unsupported("iceTransportPolicy")
        self.bin.set_property("ice-transport-policy", POLICIES[policy])
        stun = None
        for server in config.get("iceServers", []):
            urls = server["urls"] if isinstance(server["urls"], list) else [server["urls"]]
            for scheme, rest in (url.split(":", 1) for url in urls):
                if scheme == "stun" and stun is None:
                    stun = "stun://" + rest
                    self.bin.set_property("stun-server", stun)
                elif scheme in ("turn", "turns"):
                    user, password = (quote(server[key], safe="")
                                      for key in ("username", "credential"))
                    if not self.bin.emit("add-turn-server", f"{scheme}://{user}:{password}@{rest}"):
                        raise Refused(f"OperationError: add-turn-server refuses {rest}")
                else:
                    # One STUN server is all that webrtcbin keeps.
                    raise Unsupported("iceServers")

    def on_element(self, _bin, _inner, element):
        # webrtcbin has no option for it, but its inner elements do.
        if element.get_factory().get_name() == "dtlsdec":
            element.set_property("pem", self.certificate.pem)

    def on_state(self, _bin, _spec, which, prop):
        value = self.state(prop)
        write({"ev": "state", "pc": self.name, "which": which, "value": value})
        if which == "iceGathering" and value == "complete":
            write({"ev": "candidate", "pc": self.name, "candidate": None})

    def state(self, prop):
        return self.bin.get_property(prop).value_nick

    def on_candidate(self, _bin, index, candidate):
        if candidate:
            found = {"candidate": candidate.removeprefix("a="), "sdpMLineIndex": index}
            write({"ev": "candidate", "pc": self.name, "candidate": found})

    def on_error(self, _bus, message):
        error, detail = message.parse_error()
        print(error.message, detail, file=sys.stderr)
        write({"ev": "error", "on": self.name, "name": "OperationError", "message": error.message})

    def on_channel(self, _bin, channel):
        self.opened += 1
        dc = f"{self.name}/r{self.opened}"
        get = channel.get_property
        absent = {-1: None}
        write({
            "ev": "channel", "dc": dc, "label": get("label"), "protocol": get("protocol"),
            "ordered": get("ordered"), "sid": get("id"),
            "maxRetransmits": absent.get(get("max-retransmits"), get("max-retransmits")),
            "maxPacketLifeTime": absent.get(get("max-packet-lifetime"), get("max-packet-lifetime")),
        })
        self.take(dc, channel)

    def take(self, dc, channel):
        self.channels[dc] = channel
        told = threading.Event()

        def opened(channel):
            if not told.is_set():
                told.set()
                write({"ev": "open", "dc": dc, "sid": channel.get_property("id")})

        channel.connect("on-open", opened)
        channel.connect("on-close", lambda _channel: write({"ev": "closed", "dc": dc}))
        channel.connect("on-error", lambda _channel, error: write(
            {"ev": "error", "on": dc, "name": "OperationError", "message": error.message}))
        channel.connect("on-message-string", lambda _channel, text: write(
            {"ev": "message", "dc": dc, "text": text or ""}))
        channel.connect("on-message-data", lambda _channel, data: write(
            {"ev": "message", "dc": dc,
             "b64": base64.b64encode(data.get_data() or b"" if data else b"").decode()}))
        # The other side's channel is open before anybody can ask to be told.
        if channel.get_property("ready-state") == GstWebRTC.WebRTCDataChannelState.OPEN:
            opened(channel)

    def promised(self, action, argument, wanted=None):
        """Asks the stack for something, waits until it has it, and gives the SDP that is wanted."""
        promise = Gst.Promise.new()
        self.bin.emit(action, argument, promise)
        if promise.wait() != Gst.PromiseResult.REPLIED:
            raise Refused(f"OperationError: {action} was dropped")
        answer = promise.get_reply()
        if answer and answer.has_field("error"):
            raise Refused("OperationError: " + answer.get_value("error").message)
        # The answer lives as long as the promise does, and what is in it no longer.
        return self.text(answer.get_value(wanted)) if wanted else None

    def text(self, described):
        # `sdp` is part of it and does not keep it alive: no temporary will do.
        sdp = described.sdp.as_text()
        return self.certificate.put_right(sdp) if self.certificate else sdp

    def close(self):
        self.pipeline.set_state(Gst.State.NULL)


class Adapter:
    """Commands in, replies and events out."""

    def __init__(self):
        self.connections = {}
        self.channels = {}

    def answer(self, request):
        op = request.get("op", "")
        command = getattr(self, "op_" + op, None)
        if command is None:
            raise Unsupported(op)
        return command(request) or {}

    def connection(self, request):
        return self.connections[request["pc"]]

    def op_hello(self, _request):
        version = Gst.Registry.get().find_plugin("webrtc").get_version()
        return {"adapter": 1, "impl": "gstreamer", "version": version, "features": FEATURES}

    def op_case(self, request):
        print("case", request.get("name"), request.get("seed"), file=sys.stderr)

    def op_new(self, request):
        config = request.get("config") or {}
        unknown = sorted(set(config) - {"iceServers", "iceTransportPolicy"})
        if unknown:
            raise Unsupported(unknown[0])
        name = request["pc"]
        self.connections[name] = Connection(name, config, self.channels)

    def op_offer(self, request):
        connection = self.connection(request)
        if request.get("iceRestart"):
            raise Unsupported("restart")
        return {"sdp": connection.promised("create-offer", None, "offer")}

    def op_answer(self, request):
        return {"sdp": self.connection(request).promised("create-answer", None, "answer")}

    def op_local(self, request):
        connection = self.connection(request)
        connection.promised("set-local-description", description(request))
        return {"sdp": connection.text(connection.bin.get_property("local-description"))}

    def op_remote(self, request):
        self.connection(request).promised("set-remote-description", description(request))

    def op_candidate(self, request):
        connection = self.connection(request)
        given = request.get("candidate")
        # webrtcbin 1.22 has no word for the end of candidates.
        if given and given.get("candidate"):
            index = given.get("sdpMLineIndex")
            if index is None:
                index = section(connection, given.get("sdpMid"))
            connection.bin.emit("add-ice-candidate", index, given["candidate"])

    def op_channel(self, request):
        connection = self.connection(request)
        options = Gst.Structure.new_empty("options")
        for key, value in (request.get("init") or {}).items():
            if value is not None and key in INIT:
                options.set_value(INIT[key], value)
        channel = connection.bin.emit("create-data-channel", request["label"], options)
        if channel is None:
            raise Refused("OperationError: create-data-channel gives none")
        connection.take(request["dc"], channel)

    def op_send(self, request):
        channel = self.channels[request["dc"]]
        # What is empty is NULL to webrtcbin.
        if "text" in request:
            send, data = channel.send_string_full, request["text"] or None
        else:
            data = base64.b64decode(request["b64"])
            send, data = channel.send_data_full, GLib.Bytes.new(data) if data else None
        for _ in range(request.get("repeat", 1)):
            send(data)

    def op_closeChannel(self, request):
        self.channels[request["dc"]].close()

    def op_close(self, request):
        # webrtcbin does not say `closed`: what is closed is no longer there.
        self.connections.pop(request["pc"]).close()

    def op_state(self, request):
        connection = self.connection(request)
        return {which: connection.state(prop) for which, prop in STATES.items()}


def description(request):
    desc = request["desc"]
    if desc["type"] not in TYPES:
        raise Unsupported(desc["type"])
    result, message = GstSdp.SDPMessage.new_from_text(desc["sdp"])
    if result != GstSdp.SDPResult.OK:
        raise Refused("SyntaxError: " + str(result))
    return GstWebRTC.WebRTCSessionDescription.new(TYPES[desc["type"]], message)


def section(connection, mid):
    """The index of the section of this name in the other side's description."""
    described = connection.bin.get_property("remote-description")
    sdp = described.sdp
    for index in range(sdp.medias_len()):
        if sdp.get_media(index).get_attribute_val("mid") == mid:
            return index
    raise Refused(f"OperationError: there is no section {mid}")


def reply(adapter, line):
    number = 0
    try:
        request = json.loads(line)
        number = request.get("id", 0)
        write({"id": number, "ok": adapter.answer(request)})
    except Unsupported as lack:
        write({"id": number, "unsupported": str(lack)})
    except KeyError as missing:
        error = {"name": "InvalidStateError", "message": f"there is no {missing}"}
        write({"id": number, "err": error})
    except Refused as refused:
        name, message = str(refused).split(": ", 1)
        write({"id": number, "err": {"name": name, "message": message}})
    except Exception as error:
        # Whatever the stack throws is the stack's answer.
        write({"id": number, "err": {"name": "OperationError", "message": str(error)}})


def main():
    adapter = Adapter()
    for line in sys.stdin:
        # One after the other: a description is set before the next command looks at it.
        reply(adapter, line)
    for connection in adapter.connections.values():
        connection.close()


main()
