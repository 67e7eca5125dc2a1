#!/bin/sh
# warm-up.sh WHERRY [HOST]: runs a few real commands, on a store and a namespace of their own, so that V8's code of what they call
# is installed as well: each start is a third faster. Nothing depends on it. Called at the end of install.sh. HOST is what
# bundle-registry.ts prints; without it one is started.
set -u
wherry=$1
host=${2:-}

own() {
	WHERRY_TRAIN=1 WHERRY_ROOT=$room/store XDG_RUNTIME_DIR=$room/run timeout 60 "$wherry" "$@" >/dev/null 2>&1 </dev/null
}

# Each of these words is a line.
each() {
	for line in "$@"; do
		# shellcheck disable=SC2086
		own $line || true
	done
}

# Sets host, and registry, which is to be ended.
start_registry() {
	here=$(cd "$(dirname "$0")/../.." && pwd)
	"$here/node_modules/.bin/node" "$here/test/support/bundle-registry.ts" >"$room/registry" 2>/dev/null &
	registry=$!
	tries=0
	until [ -s "$room/registry" ] || [ "$tries" -ge 50 ]; do
		sleep 0.1
		tries=$((tries + 1))
	done
	host=$(cat "$room/registry")
}

room=$(mktemp -d)
mkdir -m 700 "$room/run"
# The first one unpacks the image, which later ones don't.
each "create --name first localhost/busybox" "run --rm localhost/busybox true"
if own run -d --name warm --network none localhost/busybox sleep 60; then
	each "exec warm true" ps images "logs warm" "inspect warm" "stop -t 0 warm" "start warm" "rm -f warm"
	mkdir "$room/context"
	printf 'FROM localhost/busybox\nCOPY . /context\nRUN true\n' >"$room/context/Dockerfile"
	# The second one finds all of it, and is what is run most.
	each "build -t built $room/context" "build -q -t built $room/context" "rmi -f built" "builder prune -af"
	cat >"$room/compose.yaml" <<'END'
name: warm
services:
  one: {image: localhost/busybox, command: [sleep, "60"], environment: {A: "1"}, stop_grace_period: 0s}
  two: {image: localhost/busybox, command: sleep 60, depends_on: [one], volumes: [data:/data], stop_grace_period: 0s}
volumes: {data: }
END
	for verb in config "up -d" "up -d" ps "down -v"; do each "compose -f $room/compose.yaml $verb"; done
	registry=
	[ -n "$host" ] || start_registry
	# There and back: an upload, a mount, a download, and what is here already.
	each "tag localhost/busybox $host/warm" "push $host/warm" "tag $host/warm $host/again/warm" "push $host/again/warm" \
		"rm first" "rmi -f localhost/busybox $host/warm $host/again/warm" "pull $host/warm" "pull $host/warm"
	[ -z "$registry" ] || kill "$registry" 2>/dev/null || true
fi
if [ -r "$room/run/wherry/holder" ]; then kill "$(cut -d' ' -f1 "$room/run/wherry/holder")" 2>/dev/null || true; fi
rm -rf "$room" 2>/dev/null || true
