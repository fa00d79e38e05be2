"""peerctl/1 for aiortc: see harness/control/PEERCTL.md."""

import asyncio
import base64
import json
import os
import sys

try:
    import aiortc
    from aiortc import (
        RTCConfiguration,
        RTCIceServer,
        RTCPeerConnection,
        RTCSessionDescription,
    )
    from aiortc.rtcdtlstransport import RTCCertificate
    from aiortc.sdp import candidate_from_sdp
except ImportError as error:
    print(error, file=sys.stderr)
    sys.exit(127)

FEATURES = [
    "data-channel", "dtls12", "ipv6", "key-log", "multi-interface", "negotiated", "pr-sctp",
    "stream-reset", "stun", "turn", "turn-tcp", "turn-tls", "unordered",
]
CONFIG_KEYS = {"iceServers", "iceTransportPolicy"}


class Unsupported(Exception):
    """What is asked cannot be done."""


def write(message):
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def log_keys(path):
    """Appends DTLS secrets to a file; aiortc itself has no option for it."""
    create = RTCCertificate._create_ssl_context

    def create_and_log(self, *arguments, **options):
        context = create(self, *arguments, **options)

        def keep(_connection, line):
            with open(path, "ab") as file:
                file.write(line + b"\n")

        context.set_keylog_callback(keep)
        return context

    RTCCertificate._create_ssl_context = create_and_log


def short(limit):
    """W3C has 16 bits where DCEP has 32."""
    return None if limit is None else min(limit, 0xffff)


class Adapter:
    """Commands in, replies and events out."""

    def __init__(self):
        self.connections = {}
        self.channels = {}
        # Connections of the channels that were asked for.
        self.owners = {}

    async def answer(self, request):
        op = request.get("op", "")
        command = getattr(self, "op_" + op, None)
        if command is None:
            raise Unsupported(op)
        return await command(request) or {}

    def connection(self, request):
        return self.connections[request["pc"]]

    async def op_hello(self, _request):
        return {
            "adapter": 1,
            "impl": "aiortc",
            "version": aiortc.__version__,
            "features": FEATURES,
            "limits": {"maxMessageSize": 262144},
        }

    async def op_case(self, request):
        print("case", request.get("name"), request.get("seed"), file=sys.stderr)
        # What earlier runs closed is not asked for again.
        closed = [name for name, pc in self.connections.items() if pc.signalingState == "closed"]
        for name in closed:
            del self.connections[name]
        owned = tuple(f"{name}/" for name in closed)
        self.channels = {dc: channel for dc, channel in self.channels.items()
                         if self.owners.get(dc) not in closed and not dc.startswith(owned)}
        self.owners = {dc: pc for dc, pc in self.owners.items() if dc in self.channels}

    async def op_new(self, request):
        config = request.get("config") or {}
        unknown = sorted(set(config) - CONFIG_KEYS)
        if unknown:
            raise Unsupported(unknown[0])
        if config.get("iceTransportPolicy", "all") != "all":
            # aioice has no policy: host candidates would leak.
            raise Unsupported("iceTransportPolicy")
        servers = [
            RTCIceServer(server["urls"], server.get("username"), server.get("credential"))
            for server in config.get("iceServers", [])
        ]
        pc = RTCPeerConnection(RTCConfiguration(iceServers=servers))
        name = request["pc"]
        self.connections[name] = pc
        self.watch(name, pc)

    def watch(self, name, pc):
        states = {
            "iceconnectionstatechange": ("iceConnection", lambda: pc.iceConnectionState),
            "connectionstatechange": ("connection", lambda: pc.connectionState),
            "icegatheringstatechange": ("iceGathering", lambda: pc.iceGatheringState),
            "signalingstatechange": ("signaling", lambda: pc.signalingState),
        }
        for event, (which, value) in states.items():
            pc.on(event, lambda which=which, value=value: write(
                {"ev": "state", "pc": name, "which": which, "value": value()}))
        count = 0

        @pc.on("datachannel")
        def remote_channel(channel):
            nonlocal count
            count += 1
            dc = f"{name}/r{count}"
            write({
                "ev": "channel", "dc": dc, "label": channel.label,
                "protocol": channel.protocol, "ordered": channel.ordered, "sid": channel.id,
                "maxRetransmits": short(channel.maxRetransmits),
                "maxPacketLifeTime": short(channel.maxPacketLifeTime),
            })
            self.take(dc, channel)

    def take(self, dc, channel):
        self.channels[dc] = channel

        def opened():
            write({"ev": "open", "dc": dc, "sid": channel.id})

        channel.on("open", opened)
        channel.on("close", lambda: write({"ev": "closed", "dc": dc}))

        @channel.on("message")
        def message(data):
            if isinstance(data, str):
                write({"ev": "message", "dc": dc, "text": data})
            else:
                write({"ev": "message", "dc": dc, "b64": base64.b64encode(data).decode()})

        # The stack has said so before anybody could listen.
        if channel.readyState == "open":
            opened()

    async def op_offer(self, request):
        if request.get("iceRestart"):
            raise Unsupported("restart")
        return {"sdp": (await self.connection(request).createOffer()).sdp}

    async def op_answer(self, request):
        return {"sdp": (await self.connection(request).createAnswer()).sdp}

    async def op_local(self, request):
        pc = self.connection(request)
        await pc.setLocalDescription(description(request))
        return {"sdp": pc.localDescription.sdp}

    async def op_remote(self, request):
        await self.connection(request).setRemoteDescription(description(request))

    async def op_candidate(self, request):
        pc = self.connection(request)
        given = request.get("candidate")
        if not given or not given.get("candidate"):
            await pc.addIceCandidate(None)
            return
        candidate = candidate_from_sdp(given["candidate"].removeprefix("candidate:"))
        candidate.sdpMid = given.get("sdpMid")
        candidate.sdpMLineIndex = given.get("sdpMLineIndex")
        await pc.addIceCandidate(candidate)

    async def op_channel(self, request):
        init = {key: value for key, value in (request.get("init") or {}).items()
                if value is not None}
        channel = self.connection(request).createDataChannel(request["label"], **init)
        self.owners[request["dc"]] = request["pc"]
        self.take(request["dc"], channel)

    async def op_send(self, request):
        channel = self.channels[request["dc"]]
        data = request["text"] if "text" in request else base64.b64decode(request["b64"])
        for _ in range(request.get("repeat", 1)):
            channel.send(data)

    async def op_closeChannel(self, request):
        self.channels[request["dc"]].close()

    async def op_close(self, request):
        await self.connection(request).close()

    async def op_state(self, request):
        pc = self.connection(request)
        return {
            "iceConnection": pc.iceConnectionState, "connection": pc.connectionState,
            "iceGathering": pc.iceGatheringState, "signaling": pc.signalingState,
        }


def description(request):
    desc = request["desc"]
    if desc["type"] not in ("offer", "answer"):
        raise Unsupported(desc["type"])
    return RTCSessionDescription(type=desc["type"], sdp=desc["sdp"])


async def reply(adapter, line):
    number = 0
    try:
        request = json.loads(line)
        number = request.get("id", 0)
        write({"id": number, "ok": await adapter.answer(request)})
    except Unsupported as lack:
        write({"id": number, "unsupported": str(lack)})
    except KeyError as missing:
        error = {"name": "InvalidStateError", "message": f"there is no {missing}"}
        write({"id": number, "err": error})
    except Exception as error:
        # Whatever the stack throws is the stack's answer.
        name = type(error).__name__
        write({"id": number, "err": {"name": name, "message": str(error)}})


async def main():
    if "SSLKEYLOGFILE" in os.environ:
        log_keys(os.environ["SSLKEYLOGFILE"])
    reader = asyncio.StreamReader(limit=16 << 20)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    adapter = Adapter()
    while line := await reader.readline():
        # One after the other: a description is set before the next command looks at it.
        await reply(adapter, line)


asyncio.run(main())
