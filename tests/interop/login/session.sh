#!/bin/sh
# A session with a real keyring and a bus of its own, which starts nothing by itself. Takes `unlocked` or `locked`; HOME
# is where the keyring lies. Prints the bus's address in one line of JSON once the keyring answers. Ends with its
# standard input.
set -eu

if [ "${2:-}" != inside ]; then
    cat >"$HOME/bus.conf" <<END
<busconfig>
  <type>session</type>
  <listen>unix:dir=$HOME</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*"/>
    <allow receive_sender="*"/>
    <allow own="*"/>
  </policy>
</busconfig>
END
    exec dbus-run-session --config-file="$HOME/bus.conf" -- sh "$0" "$1" inside
fi

if [ "$1" = unlocked ]; then
    printf 'the password of the keyring' | gnome-keyring-daemon --foreground --unlock --components=secrets >/dev/null &
else
    gnome-keyring-daemon --foreground --components=secrets >/dev/null </dev/null &
fi
daemon=$!
trap 'kill "$daemon" 2>/dev/null || true; wait "$daemon" 2>/dev/null || true' EXIT

tries=0
until secret-tool search nothing here 2>/dev/null; do
    tries=$((tries + 1))
    [ "$tries" -lt 100 ] || { echo 'the keyring does not answer' >&2; exit 1; }
    sleep 0.1
done
printf '{"bus": "%s"}\n' "$DBUS_SESSION_BUS_ADDRESS"
cat >/dev/null
