/** --device and --gpus: nodes of the host, CDI devices by name, and requests for GPUs, read as Docker's client does. */
import type { DeviceMapping, DeviceRequest } from '#base/api.ts';
import { csv } from '#base/csv.ts';
import { WherryError } from '#base/error.ts';
import { type Kind, several } from '#cli/values.ts';

const invalid = (message: string) => new WherryError('invalid', message);

/** Each of r, w and m at most once. */
const DEVICE_MODE = /^(?!.*(.).*\1)[rwm]+$/;

/** One --device that is a path: `path`, `path:mode`, `path:inside`, `path:inside:mode`. */
export function parseDevice(text: string): DeviceMapping {
  const parts = text.split(':');
  const [source = '', second, third] = parts;
  if (parts.length > 3 || source === '') throw invalid(`bad format for path: ${text}`);
  if (third !== undefined && !DEVICE_MODE.test(third)) throw invalid(`bad mode specified: ${third}`);
  const modeFirst = parts.length === 2 && DEVICE_MODE.test(second ?? '');
  const inside = modeFirst ? source : (second ?? source);
  if (!inside.startsWith('/')) throw invalid(`${inside} is not an absolute path`);
  return {
    PathOnHost: source,
    PathInContainer: inside,
    CgroupPermissions: third ?? (modeFirst ? (second ?? '') : 'rwm'),
  };
}

/** A CDI device's whole name (CDI 1.0, "Kind" and "CDI Devices"): vendor.com/class=name. */
const QUALIFIED =
  /^[A-Za-z](?:[\w.-]*[A-Za-z0-9])?\/[A-Za-z](?:[\w.-]*[A-Za-z0-9])?=[A-Za-z0-9](?:[\w.:-]*[A-Za-z0-9])?$/;

/** The --device flags: paths, and names of CDI devices, which are one request. Throws kind `invalid` in Docker's words. */
export function readDevices(given: readonly string[]): { devices: DeviceMapping[]; requests: DeviceRequest[] } {
  const names = given.filter((text) => QUALIFIED.test(text));
  const cdi = { Driver: 'cdi', Count: 0, DeviceIDs: names, Capabilities: null, Options: null };
  return {
    devices: given.filter((text) => !QUALIFIED.test(text)).map(parseDevice),
    requests: names.length === 0 ? [] : [cdi],
  };
}

type Setter = (request: DeviceRequest, value: string) => void;

const GPU_FIELDS: Record<string, Setter> = {
  driver: (request, value) => {
    request.Driver = value;
  },
  count: (request, value) => {
    request.Count = readCount(value);
  },
  device: (request, value) => {
    request.DeviceIDs = value.split(',');
  },
  capabilities: (request, value) => {
    request.Capabilities = [[...value.split(','), 'gpu']];
  },
  options: (request, value) => {
    const pairs = csv(value).map((pair): [string, string] => [
      pair.split('=', 1)[0] ?? '',
      pair.includes('=') ? pair.slice(pair.indexOf('=') + 1) : '',
    ]);
    request.Options = Object.fromEntries(pairs);
  },
};

function readCount(text: string): number {
  if (text === 'all') return -1;
  if (/^[+-]?\d+$/.test(text)) return Number(text);
  throw invalid(`invalid count (${text}): value must be either "all" or an integer: invalid syntax`);
}

/** --gpus: `all`, a number, or fields as in a line of CSV. */
export const gpus: Kind<DeviceRequest[]> = several('gpu-request', (text) => {
  if (text === '') throw invalid('EOF');
  const request: DeviceRequest = { Driver: '', Count: 0, DeviceIDs: null, Capabilities: null, Options: {} };
  const seen = new Set<string>();
  for (const field of gpuFields(text)) {
    const at = field.indexOf('=');
    const [key, value] = at < 0 ? ['count', field] : [field.slice(0, at), field.slice(at + 1)];
    if (seen.has(key)) throw invalid(`gpu request key '${key}' can be specified only once`);
    seen.add(key);
    const set = Object.hasOwn(GPU_FIELDS, key) ? GPU_FIELDS[key] : undefined;
    if (set === undefined) throw invalid(`unexpected key '${key}' in '${field}'`);
    set(request, value);
  }
  if (!seen.has('count') && request.DeviceIDs === null) request.Count = 1;
  return { ...request, Capabilities: request.Capabilities ?? [['gpu']] };
});

function gpuFields(text: string): string[] {
  if (text === '"') throw invalid('parse error on line 1, column 2: extraneous or missing " in quoted-field');
  return csv(text);
}
