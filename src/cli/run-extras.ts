/** The flags of run and create that podman has and Docker has not, as far as they cost little. */

import { WherryError } from '#base/error.ts';
import type { Extras, HealthAction, SecretUse } from '#base/extras.ts';
import { type Flags, given, type Values } from '#cli/command.ts';
import { boolean, type Kind, list, several, strings, text, unsigned } from '#cli/values.ts';

const invalid = (message: string, hint?: string) =>
  new WherryError('invalid', message, hint === undefined ? {} : { hint });

/** --secret */
const secret: Kind<SecretUse[]> = several('list', parseSecret);

/** Read by extrasFrom(), but for --replace, which create() (create-container.ts) reads. */
export const EXTRA_FLAGS = {
  'conmon-pidfile': { as: text, summary: "Write the process ID of the container's monitor to the file" },
  'env-host': { as: boolean, summary: 'Use all current host environment variables in the container' },
  'env-merge': { as: list, summary: 'Set environment variables from those of the image (B=$A:more)' },
  gidmap: { as: strings, summary: 'GID map to use for the user namespace' },
  'group-entry': { as: text, summary: 'Entry to write to /etc/group' },
  'health-on-failure': {
    as: text,
    summary: 'What to do with a container that turns unhealthy ("none"|"kill"|"restart"|"stop")',
  },
  hostuser: { as: strings, summary: 'Host user account to add to /etc/passwd within the container' },
  'http-proxy': { as: boolean, summary: "Set the host's proxy environment variables in the container" },
  'image-volume': { as: text, summary: 'What to do with the volumes of the image ("anonymous"|"tmpfs"|"ignore")' },
  'init-path': { as: text, summary: 'Path of the program for --init' },
  'no-hostname': { as: boolean, summary: "Do not create /etc/hostname: the image's own is used" },
  'no-hosts': { as: boolean, summary: "Do not create /etc/hosts: the image's own is used" },
  passwd: { as: boolean, summary: 'Add entries to /etc/passwd and /etc/group for a user that the image lacks' },
  'passwd-entry': { as: text, summary: 'Entry to write to /etc/passwd' },
  personality: { as: text, summary: 'Configure the execution domain (LINUX|LINUX32)' },
  pidfile: { as: text, summary: 'Write the process ID of the container to the file' },
  'preserve-fds': { as: unsigned, summary: 'Pass a number of additional file descriptors into the container' },
  'read-only-tmpfs': { as: boolean, summary: 'With --read-only, mount a tmpfs on /run, /tmp and /var/tmp' },
  requires: { as: strings, summary: 'Containers that must be started before this container' },
  rootfs: { as: boolean, summary: 'The first argument is not an image but the directory of a root filesystem' },
  secret: { as: secret, summary: 'Give a secret to the container (name, target=, type=, uid=, gid=, mode=)' },
  systemd: { as: text, summary: 'Run the container in systemd mode ("true"|"false"|"always")' },
  timeout: { as: unsigned, summary: 'Seconds that the container may run before it is killed' },
  tz: { as: text, summary: 'Set the container\'s timezone ("local": the host\'s)' },
  uidmap: { as: strings, summary: 'UID map to use for the user namespace' },
  umask: { as: text, summary: "Set the umask of the container's processes" },
  unsetenv: { as: list, summary: 'Leave out environment variables of the image' },
  'unsetenv-all': { as: boolean, summary: 'Leave out all environment variables of the image' },
} as const satisfies Flags;

export type ExtraValues = Values<typeof EXTRA_FLAGS>;

/** What of the flags is kept in the record; undefined where none was given. Throws kind `invalid`. */
export function extrasFrom(values: ExtraValues, args: readonly string[]): Extras | undefined {
  const extras: Extras = given({
    ...rootfsFrom(values, args),
    idmaps: idmapsFrom(values),
    umask: values.umask === undefined ? undefined : parseUmask(values.umask),
    timezone: values.tz || undefined,
    unsetEnv: values.unsetenvAll ? (true as const) : orAbsent(values.unsetenv),
    mergeEnv: orAbsent(values.envMerge),
    imageVolumes: imageVolumes(values.imageVolume),
    readOnlyTmpfs: values.readOnlyTmpfs || undefined,
    initPath: values.initPath || undefined,
    noHosts: values.noHosts || undefined,
    noHostname: values.noHostname || undefined,
    accounts: accountsFrom(values),
    secrets: orAbsent(values.secret),
    personality: personality(values.personality),
    timeout: values.timeout || undefined,
    healthAction: parseHealthAction(values.healthOnFailure),
    pidFile: values.pidfile || undefined,
    monitorPidFile: values.conmonPidfile || undefined,
    requires: orAbsent(values.requires),
    preserveFds: values.preserveFds || undefined,
    systemd: systemd(values.systemd),
  });
  return Object.keys(extras).length === 0 ? undefined : extras;
}

const orAbsent = <T>(items: T[]): T[] | undefined => (items.length === 0 ? undefined : items);

/** What --env-host and --http-proxy bring: below all that is named one by one. */
export function hostEnvironment(values: ExtraValues, env: NodeJS.ProcessEnv = process.env): string[] {
  // What our launcher has put there is none of the user's.
  const isWanted = (name: string) =>
    (values.envHost && !name.startsWith('WHERRY_')) || (values.httpProxy && PROXIES.has(name.toLowerCase()));
  return Object.entries(env).flatMap(([name, value]) =>
    value !== undefined && isWanted(name) ? [`${name}=${value}`] : [],
  );
}

const PROXIES = new Set(['http_proxy', 'https_proxy', 'ftp_proxy', 'no_proxy', 'all_proxy']);

/** `DIR` is the root itself; `DIR:O` is below a layer of the container's own, and stays as it is. */
function rootfsFrom({ rootfs }: ExtraValues, [first = '']: readonly string[]): Pick<Extras, 'rootfs'> {
  if (!rootfs) return {};
  const overlay = first.endsWith(':O');
  const path = overlay ? first.slice(0, -2) : first;
  return { rootfs: { path, overlay } };
}

function idmapsFrom({ uidmap, gidmap }: ExtraValues): Extras['idmaps'] {
  return uidmap.length === 0 && gidmap.length === 0 ? undefined : { uids: uidmap, gids: gidmap };
}

function accountsFrom(values: ExtraValues): Extras['accounts'] {
  const { passwd, passwdEntry, groupEntry, hostuser } = values;
  if (!passwd && !passwdEntry && !groupEntry && hostuser.length === 0) return undefined;
  return { hostUsers: hostuser, ...given({ passwd: passwdEntry || undefined, group: groupEntry || undefined }) };
}

const OCTAL = /^[0-7]{1,4}$/;

function parseUmask(value: string): number {
  if (OCTAL.test(value)) return Number.parseInt(value, 8) & 0o777;
  throw invalid(`invalid umask string ${value}: invalid argument`, 'Give one to four octal digits, as in --umask 0022');
}

function oneOf<const T extends string>(
  words: readonly T[],
  value: string | undefined,
  complaint: string,
): T | undefined {
  if (value === undefined || value === '') return undefined;
  const found = words.find((word) => word === value);
  if (found === undefined) throw invalid(complaint);
  return found;
}

function imageVolumes(value: string | undefined): Extras['imageVolumes'] {
  const words = ['anonymous', 'bind', 'tmpfs', 'ignore'] as const;
  const found = oneOf(words, value, `invalid image volume mode "${value}" required value: anonymous, tmpfs, ignore`);
  return found === 'tmpfs' || found === 'ignore' ? found : undefined;
}

/** --health-on-failure of run, create and update. Throws kind `invalid` in podman's words. */
export function parseHealthAction(value: string | undefined): HealthAction | undefined {
  const supported = 'supported actions are none,kill,restart,stop';
  const complaint = `invalid on-failure action "${value}" for health check: ${supported}`;
  return oneOf(['none', 'kill', 'restart', 'stop'], value, complaint);
}

function personality(value: string | undefined): Extras['personality'] {
  return oneOf(['LINUX', 'LINUX32'], value, `unknown persona specified "${value}": use LINUX or LINUX32`);
}

function systemd(value: string | undefined): Extras['systemd'] {
  const found = oneOf(['true', 'false', 'always'], value, '--systemd values must be one of "true, false, always"');
  return found === 'false' ? undefined : found;
}

/** `name`, then `target=`, `type=`, `uid=`, `gid=`, `mode=` with commas between them (podman-run(1)). */
export function parseSecret(value: string): SecretUse {
  const [source = '', ...fields] = value.replace(/^(?:source|src|id)=/, '').split(',');
  if (source === '') throw invalid('no secret name given', 'Write it as NAME[,target=PATH,type=mount|env,mode=0400]');
  const use: SecretUse = { source, target: '', type: 'mount', uid: 0, gid: 0, mode: 0o444 };
  for (const field of fields) setSecretField(use, field);
  return { ...use, target: use.target || source };
}

function setSecretField(use: SecretUse, field: string): void {
  const at = field.indexOf('=');
  const [key, value] = [field.slice(0, Math.max(at, 0)), field.slice(at + 1)];
  const bad = () =>
    invalid(`invalid secret option "${field}"`, 'Known are target=, type=mount or env, uid=, gid=, mode=');
  const number = (pattern: RegExp, base: number) => {
    if (!pattern.test(value)) throw bad();
    return Number.parseInt(value, base);
  };
  if (key === 'target' && value !== '') use.target = value;
  else if (key === 'type' && (value === 'mount' || value === 'env')) use.type = value;
  else if (key === 'uid') use.uid = number(/^\d+$/, 10);
  else if (key === 'gid') use.gid = number(/^\d+$/, 10);
  else if (key === 'mode') use.mode = number(OCTAL, 8);
  else throw bad();
}
