/** An image's configuration while a stage changes it. */
import type { ContainerDefaults, ImageConfig, Platform } from '#oci/manifest.ts';
import { normalize } from '#oci/platform.ts';

/** Without what the finished tree gives: rootfs and dates. */
export type StageImage = Platform & {
  author?: string;
  config: ContainerDefaults;
  history: NonNullable<ImageConfig['history']>;
};

export const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** What BuildKit writes beside each entry. */
const COMMENT = 'buildkit.dockerfile.v0';

/** The image of `FROM scratch`. */
export function emptyImage(platform: Platform): StageImage {
  return { ...platform, config: { Env: [`PATH=${DEFAULT_PATH}`], WorkingDir: '/' }, history: [] };
}

/** A base image as a stage begins with it; fields that no builder knows are left behind. */
export function imageOf({ author, config, history, ...rest }: ImageConfig): StageImage {
  return {
    ...platformOf(rest),
    ...(author ? { author } : {}),
    config: structuredClone(config ?? {}),
    history: [...(history ?? [])],
  };
}

export function platformOf(about: Platform): Platform {
  const { os, architecture, variant } = about;
  return {
    os,
    architecture,
    ...(variant ? { variant } : {}),
    ...(about['os.version'] ? { 'os.version': about['os.version'] } : {}),
    ...(about['os.features']?.length ? { 'os.features': about['os.features'] } : {}),
  };
}

/** A line of the history. Instructions that only change settings make no layer. */
export function addHistory(image: StageImage, createdBy: string, { layer = false, epoch }: HistoryOptions): void {
  image.history.push({
    ...(epoch === undefined ? {} : { created: epochTime(epoch) }),
    created_by: createdBy,
    comment: COMMENT,
    ...(layer ? {} : { empty_layer: true }),
  });
}

export interface HistoryOptions {
  layer?: boolean;
  /** SOURCE_DATE_EPOCH, in seconds. */
  epoch: number | undefined;
}

/** Seconds since 1970 as Go writes them in JSON. */
function epochTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');
}

/** A variable that is there already keeps its place. */
export function setVariable(config: ContainerDefaults, name: string, value: string): void {
  const env = [...(config.Env ?? [])];
  const at = env.findIndex((entry) => entry === name || entry.startsWith(`${name}=`));
  env.splice(at < 0 ? env.length : at, 1, `${name}=${value}`);
  config.Env = env;
}

/** The settings as they are written: fields in the order of the specification, maps sorted, nothing that is empty. */
function settingsOf(config: ContainerDefaults): ContainerDefaults {
  return Object.fromEntries(
    FIELDS.flatMap((field): [string, unknown][] => {
      const value = config[field];
      if (value === undefined || value === null || value === '' || value === false) return [];
      if (typeof value !== 'object') return [[field, value]];
      if (Object.keys(value).length === 0) return [];
      const isMap = !Array.isArray(value) && field !== 'Healthcheck';
      return [[field, isMap ? Object.fromEntries(Object.entries(value).sort(byName)) : value]];
    }),
  );
}

function byName([one]: [string, unknown], [other]: [string, unknown]): number {
  return one < other ? -1 : 1;
}

const FIELDS: readonly (keyof ContainerDefaults)[] = [
  'User',
  'ExposedPorts',
  'Env',
  'Entrypoint',
  'Cmd',
  'Volumes',
  'WorkingDir',
  'Labels',
  'StopSignal',
  'ArgsEscaped',
  'Healthcheck',
  'OnBuild',
  'Shell',
];

/** `wanted` is the platform that was asked for; without one the base's stays. */
export function finishImage(image: StageImage, wanted: Platform | undefined): Omit<ImageConfig, 'rootfs'> {
  const { author, config, history, ...about } = image;
  const is = platformOf(about);
  return {
    ...normalizeFully(wanted === undefined ? is : forced(is, wanted)),
    ...(author ? { author } : {}),
    config: settingsOf(config),
    history,
  };
}

/** The name of what was asked for; details that it leaves open stay where the kind is the same. */
function forced(is: Platform, wanted: Platform): Platform {
  const same = is.os === wanted.os && is.architecture === wanted.architecture;
  return { ...(same ? is : {}), ...platformOf(wanted) };
}

function normalizeFully(platform: Platform): Platform {
  const { 'os.version': version, 'os.features': features } = platform;
  const details = {
    ...(version === undefined ? {} : { 'os.version': version }),
    ...(features === undefined ? {} : { 'os.features': features }),
  };
  return { ...normalize(platform), ...details };
}
