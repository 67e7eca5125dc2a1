/** --cache-from and --cache-to: what may stand in them. */
import { WherryError } from '#base/error.ts';
import { parseBool } from '#base/units.ts';
import type { BuildRequest, CacheOptions } from '#build/request.ts';
import { COMPRESSIONS } from '#oci/compression.ts';
import { isDigest } from '#oci/manifest.ts';
import { parseReference } from '#oci/reference.ts';

const FORMAT = ['oci-mediatypes', 'image-manifest', 'compression', 'compression-level', 'force-compression'];

/** What each type knows, by direction; the first one has to be there. */
const KEYS: Readonly<Record<'from' | 'to', Readonly<Record<string, readonly string[]>>>> = {
  from: { registry: ['ref', 'registry.insecure'], local: ['src', 'tag', 'digest'] },
  to: {
    registry: ['ref', 'mode', 'ignore-error', 'registry.insecure', ...FORMAT],
    local: ['dest', 'mode', 'ignore-error', 'tag', ...FORMAT],
    inline: [],
  },
};
/** Of `inline`, which has one mode alone. */
const HARMLESS = ['mode', 'ignore-error'];

/** Throws kind `invalid` and `unsupported`, in BuildKit's words where it has them. @returns warnings */
export function checkCaches({ cacheFrom, cacheTo }: Pick<BuildRequest, 'cacheFrom' | 'cacheTo'>): string[] {
  return [
    ...cacheFrom.flatMap((options) => checkCache('from', options)),
    ...cacheTo.flatMap((options) => checkCache('to', options)),
  ];
}

function checkCache(direction: 'from' | 'to', options: CacheOptions): string[] {
  const { type } = options;
  const keys = KEYS[direction][type];
  if (keys === undefined) throw noSuchType(direction, type);
  const [place] = keys;
  if (place === 'ref') checkReference(options.ref);
  else if (place !== undefined && !options[place]) {
    const who = direction === 'from' ? 'importer' : 'exporter';
    throw new WherryError('invalid', `${type} cache ${who} requires ${place}`);
  }
  checkValues(options);
  const known = type === 'inline' ? HARMLESS : keys;
  const unknown = Object.keys(options).filter((key) => key !== 'type' && !known.includes(key));
  return unknown.map((key) => `--cache-${direction} type=${type} knows no "${key}": it has no effect`);
}

function noSuchType(direction: 'from' | 'to', type: string): WherryError {
  const known = Object.keys(KEYS[direction]).join(', ');
  if (!['gha', 's3', 'azblob'].includes(type)) {
    const who = direction === 'from' ? 'importer' : 'exporter';
    return new WherryError('invalid', `unknown cache ${who}: "${type}"`, { hint: `Use ${known}` });
  }
  return new WherryError('unsupported', `Cannot use --cache-${direction} type=${type}: that service is not supported`, {
    hint: `Use ${known}; a directory of type=local can be kept by what keeps files for your CI`,
  });
}

function checkReference(text: string | undefined): void {
  if (!text)
    throw new WherryError('invalid', 'registry cache needs a ref', { hint: 'Give one: ref=registry/name:tag' });
  parseReference(text);
}

function checkValues(options: CacheOptions): void {
  for (const [key, { is, hint }] of Object.entries(VALUES)) {
    const value = options[key];
    if (value === undefined || is(value, options)) continue;
    throw new WherryError('invalid', `invalid value ${key}=${value} of a cache`, { hint });
  }
  const isOn = (key: string) => parseBool(options[key] ?? '');
  if (isOn('image-manifest') !== true || isOn('oci-mediatypes') !== false) return;
  throw new WherryError(
    'invalid',
    'invalid configuration for remote cache, OCI media types are required for image-manifest cache format',
  );
}

interface Value {
  is: (value: string, options: CacheOptions) => boolean;
  hint: string;
}

const truth: Value = { is: (value) => parseBool(value) !== undefined, hint: 'Use true or false' };

const VALUES: Readonly<Record<string, Value>> = {
  mode: { is: (value) => value === 'min' || value === 'max', hint: 'Use mode=min or mode=max' },
  compression: {
    is: (value) => COMPRESSIONS.some((one) => one === value),
    hint: `Use ${COMPRESSIONS.join(', ')}`,
  },
  'compression-level': {
    is: (value, { compression }) => /^\d{1,2}$/.test(value) && Number(value) <= (compression === 'zstd' ? 22 : 9),
    hint: 'Use 0 to 9, with zstd to 22',
  },
  digest: { is: isDigest, hint: 'Give one as sha256:…' },
  'ignore-error': truth,
  'registry.insecure': truth,
  'oci-mediatypes': truth,
  'image-manifest': truth,
  'force-compression': truth,
};
