"""What aiortc and aioice read, for `rtcspec fuzz differ FORMAT --parser-cmd`.

Needs `pip install aiortc==1.16.0`. The format comes in the environment, as RTCSPEC_FORMAT.
"""

import json
import os
import sys


def stun(data):
    from aioice.stun import parse_message

    message = parse_message(data)
    fields = [
        ["type", message.message_method | message.message_class],
        ["transaction", message.transaction_id.hex()],
    ]
    names = {"XOR-MAPPED-ADDRESS": "xor-mapped-address", "MAPPED-ADDRESS": "mapped-address"}
    for name, value in message.attributes.items():
        if name in ("MESSAGE-INTEGRITY", "FINGERPRINT"):
            break
        if name in names:
            host, port = value[:2]
            host = f"[{host}]" if ":" in host else host
            fields.append([names[name], f"{host}:{port}"])
    return fields


def sctp(data):
    from aiortc.rtcsctptransport import parse_packet

    source, destination, tag, chunks = parse_packet(data)
    fields = [["source-port", source], ["destination-port", destination], ["tag", tag]]
    fields += [["chunk", chunk.type] for chunk in chunks]
    return fields


def sdp(data):
    from aiortc.sdp import SessionDescription

    session = SessionDescription.parse(data.decode())
    fields = []
    for media in session.media:
        fields += [["media", media.kind], ["port", media.port], ["protocol", media.profile]]
        fields += [["format", str(format)] for format in media.fmt]
    return fields


def rtp(data):
    from aiortc.rtp import RtpPacket

    packet = RtpPacket.parse(data)
    return [
        ["marker", packet.marker],
        ["payload-type", packet.payload_type],
        ["sequence", packet.sequence_number],
        ["timestamp", packet.timestamp],
        ["ssrc", packet.ssrc],
        *[["csrc", csrc] for csrc in packet.csrc],
        ["payload", packet.payload.hex()],
    ]


def rtcp(data):
    from aiortc.rtp import RtcpPacket

    fields = []
    for packet in RtcpPacket.parse(data):
        for report in getattr(packet, "reports", []):
            fields += [["reported", report.ssrc], ["fraction", report.fraction_lost]]
    return fields


TELLS = {
    "stun": ["type", "transaction", "mapped-address", "xor-mapped-address"],
    "sctp": ["source-port", "destination-port", "tag"],
    "sdp": ["media", "port", "protocol", "format"],
    "rtp": ["marker", "payload-type", "sequence", "timestamp", "ssrc", "csrc", "payload"],
    "rtcp": ["reported", "fraction"],
}


def account(read, data):
    # aiortc raises ValueError for what it refuses; anything else is an accident.
    try:
        return {"fields": read(data)}
    except ValueError as error:
        return {"refused": str(error)}
    except Exception as error:
        trace = error.__traceback__
        while trace.tb_next:
            trace = trace.tb_next
        place = f"{os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}:0"
        return {"panic": f"{type(error).__name__}: {error}, {place}"}


def main():
    name = os.environ["RTCSPEC_FORMAT"]
    read = {"stun": stun, "sctp": sctp, "sdp": sdp, "rtp": rtp, "rtcp": rtcp}[name]
    print(json.dumps({"parser": "aiortc", "tells": TELLS[name]}), flush=True)
    for line in sys.stdin:
        print(json.dumps(account(read, bytes.fromhex(line.strip()))), flush=True)


main()
