#!/usr/bin/env bash
exec "$SRC/rtcspec/fuzz/oss-fuzz/build.sh"
