"""peerctl/1 for Janus and its EchoTest plugin: see harness/control/PEERCTL.md and README.md here."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

PROGRAM = shutil.which("janus")
if PROGRAM is None:
    print("there is no janus", file=sys.stderr)
    sys.exit(127)

FEATURES = [
    "data-channel", "dtls12", "echo-bytes", "pr-sctp", "stun", "trickle", "turn", "turn-tcp",
    "unordered", "wire-only",
]
CONFIG_KEYS = {"iceServers", "iceTransportPolicy"}
# How long Janus may take to listen, to answer, and to have ended after a connection broke.
START, ANSWER, CRASH = 10, 15, 1


class Unsupported(Exception):
    """What is asked cannot be done."""


def write(message):
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def version():
    """As `janus --help` says: `Janus version: 1102 (1.1.2)`."""
    told = subprocess.run([PROGRAM, "--help"], capture_output=True, text=True, check=False)
    found = re.search(r"Janus version: \d+ \(([^)]*)\)", told.stdout + told.stderr)
    return found.group(1) if found else "unknown"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def nat(servers):
    """What Janus knows of STUN and TURN servers: one of each, for all its sessions."""
    lines, kinds = [], set()
    for server in servers:
        urls = server["urls"] if isinstance(server["urls"], list) else [server["urls"]]
        for url in urls:
            found = re.fullmatch(r"(stun|turns?):(\[[^\]]+\]|[^:?]+)(?::(\d+))?(?:\?transport=(\w+))?", url)
            if found is None or found.group(1) in kinds:
                raise Unsupported(f"iceServers: {url}")
            scheme, host, port, transport = found.groups()
            kinds.add(scheme)
            host = host.strip("[]")
            if scheme == "stun":
                lines += [f'stun_server = "{host}"', f"stun_port = {port or 3478}"]
            else:
                kind = "tls" if scheme == "turns" else transport or "udp"
                lines += [
                    f'turn_server = "{host}"', f"turn_port = {port or (5349 if kind == 'tls' else 3478)}",
                    f'turn_type = "{kind}"', f'turn_user = "{server.get("username", "")}"',
                    f'turn_pwd = "{server.get("credential", "")}"',
                ]
    return "\n".join(lines)


class Janus:
    """A Janus of its own, and a session with its EchoTest."""

    def __init__(self, servers):
        self.folder = tempfile.mkdtemp(prefix="peerctl-janus-")
        self.port = free_port()
        self.answer = None
        self.path = None
        self.closing = False
        general = (
            'general: {\nconfigs_folder = "%s"\ndebug_level = 4\n}\nnat: {\n%s\nignore_mdns = true\n}\n'
            'transports: {\ndisable = "libjanus_websockets.so,libjanus_rabbitmq.so,libjanus_mqtt.so,'
            'libjanus_nanomsg.so,libjanus_pfunix.so"\n}\n' % (self.folder, nat(servers))
        )
        http = 'general: {\nhttp = true\nport = %d\nip = "127.0.0.1"\nhttps = false\n}\n' % self.port
        for name, text in [("janus.jcfg", general), ("janus.transport.http.jcfg", http)]:
            with open(os.path.join(self.folder, name), "w", encoding="utf-8") as file:
                file.write(text)
        command = [PROGRAM, "-C", os.path.join(self.folder, "janus.jcfg"), "-F", self.folder]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=sys.stderr)
        until = time.monotonic() + START
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                break
            except OSError:
                if self.process.poll() is not None or time.monotonic() > until:
                    self.close()
                    raise RuntimeError("janus does not listen") from None
                time.sleep(0.02)
        self.watcher = threading.Thread(target=self.watch, daemon=True)
        self.watcher.start()
        self.path = f"/{self.ask({'janus': 'create'})['data']['id']}"
        plugin = {"janus": "attach", "plugin": "janus.plugin.echotest"}
        self.handle = f"{self.path}/{self.ask(plugin, self.path)['data']['id']}"

    def watch(self):
        """Its crash is told as the contract has it: by the adapter's exit code."""
        code = self.process.wait()
        if not self.closing:
            print(f"janus ended with {code}", file=sys.stderr, flush=True)
            shutil.rmtree(self.folder, ignore_errors=True)
            os._exit(1)

    def http(self, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/janus{path}", data)
        try:
            with urllib.request.urlopen(request, timeout=ANSWER) as response:
                return json.load(response)
        except OSError:
            # A crash is told as one, not as a request that failed.
            self.watcher.join(CRASH)
            raise

    def ask(self, body, path=""):
        reply = self.http(path, {"transaction": "t", **body})
        if reply.get("janus") == "error":
            raise RuntimeError(reply["error"]["reason"])
        return reply

    def offer(self, sdp):
        body = {"janus": "message", "body": {"audio": True, "video": True, "data": True}}
        self.ask({**body, "jsep": {"type": "offer", "sdp": sdp}}, self.handle)
        until = time.monotonic() + ANSWER
        while time.monotonic() < until:
            event = self.http(f"{self.path}?maxev=1")
            if event.get("jsep"):
                self.answer = event["jsep"]["sdp"]
                threading.Thread(target=self.listen, daemon=True).start()
                return
            error = event.get("error", {}).get("reason") or event.get("plugindata", {}).get("data", {}).get("error")
            if error:
                raise RuntimeError(error)
        raise RuntimeError("janus gives no answer")

    def listen(self):
        """A session ends if nobody asks what is new."""
        while self.process.poll() is None:
            try:
                print(json.dumps(self.http(f"{self.path}?maxev=9")), file=sys.stderr)
            except (OSError, ValueError):
                time.sleep(0.1)

    def candidate(self, candidate):
        if candidate is None or not candidate.get("candidate"):
            candidate = {"completed": True}
        else:
            # Janus refuses `null`, which W3C has for what is not said.
            said = {key: candidate.get(key) for key in ("candidate", "sdpMid", "sdpMLineIndex")}
            candidate = {key: value for key, value in said.items() if value is not None}
        self.ask({"janus": "trickle", "candidate": candidate}, self.handle)

    def close(self):
        self.closing = True
        if self.path is not None and self.process.poll() is None:
            try:
                self.ask({"janus": "destroy"}, self.path)
            except (OSError, RuntimeError):
                pass
            self.path = None
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


class Adapter:
    """Commands in, replies out; of events there are none."""

    def __init__(self):
        self.connections = {}

    def answer(self, request):
        command = getattr(self, "op_" + request.get("op", ""), None)
        if command is None:
            raise Unsupported(request.get("op", ""))
        return command(request) or {}

    def connection(self, request):
        return self.connections[request["pc"]]

    def op_hello(self, _request):
        return {"adapter": 1, "impl": "janus", "version": version(), "features": FEATURES}

    def op_case(self, request):
        print("case", request.get("name"), request.get("seed"), file=sys.stderr)

    def op_new(self, request):
        config = request.get("config") or {}
        unknown = sorted(set(config) - CONFIG_KEYS)
        if unknown:
            raise Unsupported(unknown[0])
        if config.get("iceTransportPolicy", "all") != "all":
            raise Unsupported("iceTransportPolicy")
        self.connections[request["pc"]] = Janus(config.get("iceServers", []))

    def op_remote(self, request):
        connection, desc = self.connection(request), request["desc"]
        if desc["type"] != "offer" or connection.answer is not None:
            raise Unsupported("remote " + desc["type"])
        connection.offer(desc["sdp"])

    def op_answer(self, request):
        connection = self.connection(request)
        if connection.answer is None:
            raise RuntimeError("nothing was offered")
        return {"sdp": connection.answer}

    op_local = op_answer

    def op_candidate(self, request):
        self.connection(request).candidate(request.get("candidate"))

    def op_close(self, request):
        self.connections.pop(request["pc"]).close()


def main():
    adapter = Adapter()
    try:
        for line in sys.stdin:
            try:
                request = json.loads(line)
                number = request["id"]
            except (ValueError, KeyError, TypeError):
                continue
            try:
                write({"id": number, "ok": adapter.answer(request)})
            except Unsupported as what:
                write({"id": number, "unsupported": str(what)})
            except KeyError as error:
                message = f"there is no {error}"
                write({"id": number, "err": {"name": "InvalidStateError", "message": message}})
            except (OSError, RuntimeError, ValueError) as error:
                write({"id": number, "err": {"name": "OperationError", "message": str(error)}})
    finally:
        for connection in adapter.connections.values():
            connection.close()


main()
