#!/bin/sh
# Are limits what the kernel says inside? Starts containers with each limit and reads the cgroup's files in them.
#
#   limits.sh WHERRY [DEVICE]
#
# DEVICE: a disk to be throttled (/dev/vda); without it, and without the io controller, disks are left out.
# Says "ok" or "not ok" of each claim. Status 1: something was not so. 77: nobody delegates controllers here.
set -u
wherry=$1 disk=${2:-}
image=localhost/busybox
failed=0
names='limits-one limits-two limits-three'

has() { "$wherry" info --format "{{.$1}}" | grep -q true; }

say() {
	if [ "$2" = "$3" ]; then
		echo "ok: $1"
	else
		echo "not ok: $1: \"$3\" instead of \"$2\""
		failed=1
	fi
}

driver=$("$wherry" info --format '{{.CgroupDriver}}')
for what in MemoryLimit PidsLimit CPUCfsQuota; do
	if [ "$driver" = none ] || ! has "$what"; then
		echo "skipped: no controller is delegated to $(id -un) (cgroup driver $driver; systemd: Delegate=cpu cpuset io memory pids)"
		exit 77
	fi
done

"$wherry" rm -f $names >/dev/null 2>&1
trap '"$wherry" rm -f $names >/dev/null 2>&1' EXIT
start() { "$wherry" run -d --network none --name "$@" >/dev/null || failed=1; }
inside() { "$wherry" exec "$1" sh -c "cd /sys/fs/cgroup && cat $2 2>&1" | tr '\n' ' ' | sed 's/ $//'; }
inspect() { "$wherry" inspect --format "$2" "$1"; }
# Memory that is used, not only asked for; who writes it is killed before who started it.
eat='dd if=/dev/zero of=/dev/null bs=64M count=1 2>/dev/null'

start limits-one --memory 64m --memory-swap 96m --memory-reservation 32m --cpus 0.5 --cpu-shares 512 \
	--pids-limit 50 $image sleep 100000
say 'memory.max is --memory' 67108864 "$(inside limits-one memory.max)"
say 'memory.swap.max is what --memory-swap leaves for swap' 33554432 "$(inside limits-one memory.swap.max)"
say 'memory.low is --memory-reservation' 33554432 "$(inside limits-one memory.low)"
say 'cpu.max is --cpus' '50000 100000' "$(inside limits-one cpu.max)"
say 'cpu.weight is below the usual 100 for --cpu-shares 512' yes "$([ "$(inside limits-one cpu.weight)" -lt 100 ] && echo yes)"
say 'pids.max is --pids-limit' 50 "$(inside limits-one pids.max)"

if has CPUSet; then
	start limits-two --cpuset-cpus 0 --cpu-period 20000 --cpu-quota 10000 $image sleep 100000
	say 'cpuset.cpus is --cpuset-cpus' 0 "$(inside limits-two cpuset.cpus)"
	say 'cpu.max is --cpu-quota and --cpu-period' '10000 20000' "$(inside limits-two cpu.max)"
	"$wherry" rm -f limits-two >/dev/null
fi

if [ -n "$disk" ] && [ -n "$(inside limits-one io.max >/dev/null && echo yes)" ]; then
	start limits-two --device-write-bps "$disk:1mb" --device-read-iops "$disk:7" --blkio-weight 500 $image sleep 100000
	say 'io.max is --device-write-bps and --device-read-iops' 'rbps=max wbps=1048576 riops=7 wiops=max' \
		"$(inside limits-two io.max | cut -d ' ' -f 2-)"
	say 'io.weight is --blkio-weight' 'default 4950' "$(inside limits-two io.weight)"
	"$wherry" rm -f limits-two >/dev/null
fi

"$wherry" update --memory 100m --memory-swap 120m --cpus 1 --pids-limit 60 limits-one >/dev/null || failed=1
say 'update changes memory.max of a running container' 104857600 "$(inside limits-one memory.max)"
say 'update changes memory.swap.max' 20971520 "$(inside limits-one memory.swap.max)"
say 'update changes cpu.max' '100000 100000' "$(inside limits-one cpu.max)"
say 'update changes pids.max' 60 "$(inside limits-one pids.max)"
"$wherry" update --pids-limit -1 limits-one >/dev/null || failed=1
say 'update lifts pids.max' max "$(inside limits-one pids.max)"
say 'update leaves memory.low alone' 33554432 "$(inside limits-one memory.low)"
said=$("$wherry" update --memory 200m limits-one 2>&1)
say 'update refuses more memory than memory and swap' yes \
	"$(echo "$said" | grep -q 'Memory limit should be smaller than already set memoryswap limit' && echo yes)"
"$wherry" restart -t 0 limits-one >/dev/null || failed=1
say 'what update changed is there after a restart' '104857600 100000 100000 max' \
	"$(inside limits-one 'memory.max cpu.max pids.max')"
"$wherry" update --restart on-failure:1 limits-one >/dev/null || failed=1
kill -9 "$(inspect limits-one '{{.State.Pid}}')" 2>/dev/null || "$wherry" unshare kill -9 "$(inspect limits-one '{{.State.Pid}}')"
for _ in 1 2 3 4 5 6 7 8 9 10; do
	[ "$(inspect limits-one '{{.RestartCount}} {{.State.Status}}')" = '1 running' ] && break
	sleep 1
done
say 'and after the monitor started it again' '1 104857600 100000 100000' \
	"$(inspect limits-one '{{.RestartCount}}') $(inside limits-one 'memory.max cpu.max')"

said=$("$wherry" pause limits-one 2>&1)
say 'pause freezes the cgroup, so nothing is said of signals' limits-one "$said"
pid=$(inspect limits-one '{{.State.Pid}}')
group=/sys/fs/cgroup$(sed -n 's/^0:://p' "/proc/$pid/cgroup")
while [ "$group" != /sys/fs/cgroup ] && [ "$(cat "$group/cgroup.freeze" 2>/dev/null)" != 1 ]; do group=${group%/*}; done
say 'the kernel says that it is frozen' 'frozen 1' "$(grep frozen "$group/cgroup.events" 2>/dev/null)"
say 'its state is paused' 'paused true' "$(inspect limits-one '{{.State.Status}} {{.State.Paused}}')"
"$wherry" unpause limits-one >/dev/null || failed=1
say 'unpause lets it go on' 'frozen 0' "$(grep frozen "$group/cgroup.events")"
"$wherry" pause limits-one >/dev/null
"$wherry" kill limits-one >/dev/null
say 'kill ends a paused one' 'exited 137' "$(inspect limits-one '{{.State.Status}} {{.State.ExitCode}}')"

start limits-two --memory 64m --cpus 0.5 $image sh -c 'while :; do :; done'
line=$("$wherry" stats --no-stream --format '{{.MemUsage}} {{.PIDs}} {{.CPUPerc}}' limits-two)
say 'stats has the limit, and the processes of the cgroup' '64MiB 1' "$(echo "$line" | awk '{print $3, $4}')"
say "stats says that less than a processor is used ($line)" yes "$(echo "$line" | awk '{ if ($5 > 20 && $5 < 90) print "yes" }')"

"$wherry" run --network none --name limits-three --memory 20m --memory-swap 20m $image sh -c "$eat; $eat" >/dev/null 2>&1
say 'a shell outlives its child that was killed for memory' 137 "$?"
"$wherry" rm -f limits-three >/dev/null
"$wherry" run --network none --name limits-three --memory 20m --memory-swap 20m $image dd if=/dev/zero of=/dev/null bs=64M count=1 >/dev/null 2>&1
say 'who uses more than its memory is killed' 137 "$?"
say 'which inspect tells' 'true 137' "$(inspect limits-three '{{.State.OOMKilled}} {{.State.ExitCode}}')"
exit $failed
