#!/bin/sh
# Builds the adapter with Debian's pion, in GOPATH mode.
#
# pion/dtls has a member for a key log, and nothing of pion/webrtc 3 leads to it. So a copy of
# pion/webrtc goes before Debian's in GOPATH, with one line more.
set -eu
debian=/usr/share/gocode
here=$(pwd)/gopath
copy=$here/src/github.com/pion/webrtc
rm -rf "$here"
mkdir -p "$(dirname "$copy")"
cp -rL "$debian/src/github.com/pion/webrtc" "$copy"
sed -i 's/^\t*InsecureSkipVerifyHello: true,$/&\nKeyLogWriter: KeyLogWriter,/' "$copy/dtlstransport.go"
grep -q 'KeyLogWriter: KeyLogWriter' "$copy/dtlstransport.go"
cat > "$copy/keylog.go" <<'GO'
package webrtc

import "io"

// KeyLogWriter takes the DTLS secrets of all connections, if it is set.
var KeyLogWriter io.Writer
GO

version=$(dpkg-query -W -f '${source:Upstream-Version}' golang-github-pion-webrtc.v3-dev)
GO111MODULE=off GOPATH=$here:$debian \
    go build -ldflags "-X main.version=$version" -o adapter adapter.go
