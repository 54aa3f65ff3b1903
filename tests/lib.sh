# lib.sh - start a server of its own for one test module (sourced by bash)
#
# server_start PORT [VAR=VALUE ...]: starts the system in a run directory of
# its own and waits until it is ready. Sets SERVER_URL, SERVER_RUN,
# SERVER_PID. server_stop ends it and says what it left behind.

server_start() {
  local port=$1
  shift
  SERVER_RUN=$(mktemp -d /tmp/rm-test-XXXXXX)
  SERVER_URL=ws://127.0.0.1:$port
  SERVER_LOG=$SERVER_RUN.log
  rmdir "$SERVER_RUN"
  # What runs in the background of a script ignores these, and that is inherited.
  env --default-signal=INT,HUP WEBRTC_RUN_DIR="$SERVER_RUN" WEBRTC_SIGNALING_URL="ws://0.0.0.0:$port" WEBRTC_LOG="${WEBRTC_LOG:-info}" "$@" \
    scripts/webrtc_server >"$SERVER_LOG" 2>&1 &
  SERVER_PID=$!
  for _ in $(seq 200); do
    [ -e "$SERVER_RUN/ready" ] && return 0
    kill -0 $SERVER_PID 2>/dev/null || break
    sleep 0.05
  done
  echo "the server did not start:" >&2
  tail -n 20 "$SERVER_LOG" >&2
  return 1
}

server_stop() {
  local left
  kill -TERM "$SERVER_PID" 2>/dev/null
  wait "$SERVER_PID" 2>/dev/null
  left=$(pgrep -f "$SERVER_RUN" || true)
  if [ -n "$left" ] || [ -e "$SERVER_RUN" ]; then
    echo "left behind: processes [$left], $(ls -d "$SERVER_RUN" 2>/dev/null)" >&2
    return 1
  fi
  [ -n "${KEEP_LOGS:-}" ] || rm -f "$SERVER_LOG"
}

tls_files() { # tls_files DIR [DAYS]: cert.pem and key.pem for localhost
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days "${2:-30}" \
    -subj /CN=localhost -addext 'subjectAltName=DNS:localhost,IP:127.0.0.1' \
    -keyout "$1/key.pem" -out "$1/cert.pem" 2>/dev/null
}
