/** create: what was asked for and what the image brings become one record, by Docker's rules. Pure. */
import type { Config, CreateRequest, HealthConfig, MountPoint } from '#base/api.ts';
import { WherryError } from '#base/error.ts';
import type { Extras, HealthAction } from '#base/extras.ts';
import type { ContainerRecord } from '#container/record.ts';
import { timestamp } from '#container/state.ts';
import { isForSystemd, systemdConfig } from '#container/systemd.ts';
import { insideId } from '#container/userns.ts';

/** An image's own settings: `config` of its configuration (OCI image-spec, config.md); Docker writes null for empty. */
export interface ImageDefaults {
  User?: string | null;
  Env?: string[] | null;
  Cmd?: string[] | null;
  Entrypoint?: string[] | null;
  WorkingDir?: string | null;
  Labels?: Record<string, string> | null;
  Volumes?: Record<string, object> | null;
  ExposedPorts?: Record<string, object> | null;
  StopSignal?: string | null;
  Healthcheck?: HealthConfig | null;
  Shell?: string[] | null;
}

export type ImageSource = ContainerRecord['image'] & { config: ImageDefaults };

/** What is decided outside of the request: by names.ts, the volumes and the storage driver. */
export interface Decided {
  id: string;
  name: string;
  mounts: MountPoint[];
  driver: string;
}

/**
 * Makes the record of a new container. The request has been through settleRequest() (container/settle.ts).
 * Throws kind `invalid`: `no command specified`.
 */
export function makeRecord(request: CreateRequest, image: ImageSource, decided: Decided): ContainerRecord {
  const { config: defaults, ...source } = image;
  const merged = mergeConfig(request.config, { ...defaults, ...imagePart(defaults, request.extras) });
  const config = { ...merged, User: merged.User || keptUser(request) };
  checkHealthAction(request.extras?.healthAction, config.Healthcheck);
  const [path, ...args] = [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])];
  if (path === undefined) {
    throw new WherryError('invalid', 'no command specified', {
      hint: `Write a command after the image: "${source.reference}" has none of its own`,
    });
  }
  const own = { ...config, Hostname: config.Hostname === '' ? ownHostname(request, decided.id) : config.Hostname };
  return {
    id: decided.id,
    name: decided.name,
    created: timestamp(),
    image: source,
    config: isForSystemd({ ...request, path }) ? forSystemd(own, decided.id) : own,
    hostConfig: request.hostConfig,
    path,
    args,
    mounts: decided.mounts,
    networks: request.networks,
    driver: decided.driver,
    ...(request.extras === undefined ? {} : { extras: request.extras }),
  };
}

/** Throws kind `invalid` in podman's words for something that would never be done. */
export function checkHealthAction(action: HealthAction | undefined, check: HealthConfig | undefined): void {
  if (action === undefined || action === 'none' || check?.Test?.length) return;
  throw new WherryError('invalid', `cannot set on-failure action to ${action} without a health check`, {
    hint: 'Give it one when it is made: --health-cmd, or HEALTHCHECK in its image',
  });
}

/** With --userns keep-id the user is who we are, where neither the request nor the image names another. */
function keptUser({ hostConfig, extras }: CreateRequest): string {
  const { uids, gids } = extras?.maps ?? {};
  if (!hostConfig.UsernsMode.startsWith('keep-id') || uids === undefined || gids === undefined) return '';
  return `${insideId(uids, 0) ?? 0}:${insideId(gids, 0) ?? 0}`;
}

function forSystemd(config: Config, id: string): Config {
  const { stopSignal, env } = systemdConfig(id);
  return { ...config, StopSignal: config.StopSignal || stopSignal, Env: mergeEnv(config.Env, env) };
}

/** --unsetenv, --unsetenv-all and --env-merge: what is left of the image's variables, and what they become. */
function imagePart({ Env }: ImageDefaults, extras: Extras = {}): Pick<ImageDefaults, 'Env'> {
  const env = Env ?? [];
  const values = new Map(env.map((entry) => [nameOf(entry), entry.slice(nameOf(entry).length + 1)]));
  const merged = (extras.mergeEnv ?? []).map((entry) =>
    entry.replace(/\$(?:\{(\w+)\}|(\w+))/g, (_all, braced, bare) => values.get(braced ?? bare) ?? ''),
  );
  const gone = extras.unsetEnv ?? [];
  const kept = env.filter((entry) => gone !== true && !gone.includes(nameOf(entry)));
  const names = new Set(merged.map(nameOf));
  return { Env: [...kept.filter((entry) => !names.has(nameOf(entry))), ...merged] };
}

/** A container in another's network or UTS namespace has that one's name, which is known when it starts. */
function ownHostname({ hostConfig }: CreateRequest, id: string): string {
  return hostConfig.NetworkMode.startsWith('container:') ||
    hostConfig.NetworkMode === 'host' ||
    hostConfig.UTSMode === 'host' ||
    hostConfig.UTSMode.startsWith('container:')
    ? ''
    : id.slice(0, 12);
}

/**
 * The image's settings below the request's. A request with an entrypoint of its own drops the image's command, too;
 * `--entrypoint ''` (one empty word) is no entrypoint at all.
 */
export function mergeConfig(asked: Config, image: ImageDefaults): Config {
  const { entrypoint, cmd } = mergeCommand(asked, image);
  const healthcheck = mergeHealthcheck(asked.Healthcheck, image.Healthcheck);
  const stopSignal = asked.StopSignal || image.StopSignal;
  const ports = { ...image.ExposedPorts, ...asked.ExposedPorts };
  const volumes = { ...image.Volumes, ...asked.Volumes };
  return {
    ...asked,
    User: asked.User || (image.User ?? ''),
    Env: mergeEnv(asked.Env, image.Env ?? []),
    Cmd: cmd,
    Entrypoint: entrypoint,
    WorkingDir: asked.WorkingDir || (image.WorkingDir ?? ''),
    Labels: { ...image.Labels, ...asked.Labels },
    Volumes: Object.keys(volumes).length === 0 ? null : volumes,
    ...(Object.keys(ports).length === 0 ? {} : { ExposedPorts: ports }),
    ...(stopSignal ? { StopSignal: stopSignal } : {}),
    ...(healthcheck === undefined ? {} : { Healthcheck: healthcheck }),
    ...(image.Shell?.length ? { Shell: image.Shell } : {}),
  };
}

function mergeCommand(asked: Config, image: ImageDefaults): { entrypoint: string[] | null; cmd: string[] | null } {
  const entrypoint = asked.Entrypoint ?? [];
  const ownEntrypoint = entrypoint.length > 0;
  const cmd = asked.Cmd?.length ? asked.Cmd : ownEntrypoint ? null : (image.Cmd ?? null);
  if (!ownEntrypoint) return { entrypoint: image.Entrypoint?.length ? image.Entrypoint : null, cmd };
  return { entrypoint: entrypoint.length === 1 && entrypoint[0] === '' ? null : entrypoint, cmd };
}

/** The request's variables first, then those of the image that the request doesn't name. */
function mergeEnv(asked: readonly string[], image: readonly string[]): string[] {
  const names = new Set(asked.map(nameOf));
  return [...asked, ...image.filter((entry) => !names.has(nameOf(entry)))];
}

export const nameOf = (entry: string) => entry.split('=', 1)[0] ?? '';

/** In Docker's order. */
const HEALTH_KEYS = ['Test', 'Interval', 'Timeout', 'StartPeriod', 'StartInterval', 'Retries'] as const;

/** Each setting by itself: the request's, else the image's; what is 0 or empty is none. */
function mergeHealthcheck(
  asked: HealthConfig | undefined,
  image: HealthConfig | null | undefined,
): HealthConfig | undefined {
  if (asked === undefined && (image === null || image === undefined)) return undefined;
  const given = (value: unknown) => Boolean(value) && !(Array.isArray(value) && value.length === 0);
  return Object.fromEntries(
    HEALTH_KEYS.map((key) => [key, given(asked?.[key]) ? asked?.[key] : image?.[key]]).filter(([, value]) =>
      given(value),
    ),
  );
}
