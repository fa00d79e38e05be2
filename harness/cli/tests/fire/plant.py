"""The reference peer as a process, with a fault that a description with audio in it sets off."""

import subprocess
import sys
import threading
import time

plant, *command = sys.argv[1:]
child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
muted = False
kept = []


def back():
    for line in child.stdout:
        if not (muted and '"ev":"message"' in line):
            print(line, end="", flush=True)


threading.Thread(target=back, daemon=True).start()
for line in sys.stdin:
    if '"op":"remote"' in line and "m=audio" in line:
        if plant == "crash":
            raise RuntimeError("planted at 0x7f00")
        if plant == "hang":
            time.sleep(3600)
        if plant == "leak":
            kept.append(b"x" * (1 << 20))
        if plant == "silence":
            muted = True
    child.stdin.write(line)
    child.stdin.flush()
