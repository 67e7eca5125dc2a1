/**
 * The user's namespace and what serves it outlive the last container by a little, so that a series of short runs
 * makes them once. A shell that sleeps is all that waits; it ends as soon as it has nothing to do.
 */
import type { Room } from '#network/leases.ts';
import { toolEnvironment, USER } from '#network/link.ts';
import { findTool } from '#sys/host.ts';
import { isSameProcess, startTime } from '#sys/process.ts';
import { spawn } from '#sys/spawn.ts';

/** Seconds without any container before the namespace goes. */
const LINGER = 10;

/**
 * Runs in the folder of namespaces. Whoever holds the lock sees all or nothing of the end. The state is newer than `seen`
 * when somebody has come and gone meanwhile. `served` is what serves the tap and the names: pids and start times.
 * Last comes what nobody has noted (unnoted.ts), and all that serves where somebody has removed the whole folder.
 */
export const lingerScript = (seconds: number): string => `
while :; do
  true > seen || break
  sleep ${seconds}
  command exec 9< . || break
  flock 9
  [ -e state.json ] || break
  grep -q '"leases":\\[\\]' state.json || exit 0
  [ state.json -nt seen ] || break
  exec 9<&-
done
served=$(sed 's/"lingerer":{[^}]*}//' state.json | grep -o '"pid":[0-9]*,"start":[0-9]*' | tr -dc '0-9,\\n')
umount -l ${USER}
rm -f ${USER} state.json seen pasta.pid slirp4netns.log
for one in $served; do
  [ "$(cut -d ' ' -f 22 "/proc/\${one%,*}/stat")" = "\${one#*,}" ] && kill "\${one%,*}"
done
for one in $(grep -lzxF "$PWD/${USER}" /proc/[0-9]*/cmdline); do
  case $(cat "\${one%cmdline}comm") in
    pasta* | passt* | slirp4netns*) one=\${one#/proc/} && kill "\${one%%/*}" ;;
  esac
done
`;

/** Sees to it that somebody waits. The caller has the room, and saves its state afterwards. */
export function linger({ folder, state }: Room): void {
  const { lingerer } = state;
  if (lingerer !== undefined && isSameProcess(lingerer.pid, lingerer.start)) return;
  const shell = findTool('sh');
  // Without a shell the namespace stays, which harms nobody.
  if (shell === undefined) return;
  const pid = spawn(shell, ['-c', lingerScript(LINGER), 'wherry-linger'], {
    cwd: folder,
    session: true,
    stdio: ['ignore', 'ignore', 'ignore'],
    env: toolEnvironment(),
  });
  const start = startTime(pid);
  if (start !== undefined) state.lingerer = { pid, start };
}
