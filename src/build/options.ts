/**
 * Reads the values of a build's flags that have fields (`type=local,dest=out`), as buildx does; bake and compose write the
 * same. All throw kind `invalid` in buildx's words.
 */
import { csv } from '#base/csv.ts';
import { WherryError } from '#base/error.ts';
import { given } from '#base/given.ts';
import { parseBool } from '#base/units.ts';
import type { ProvenanceWish } from '#build/provenance.ts';
import type { BuildRequest, BuildSecret, BuildSsh, CacheOptions } from '#build/request.ts';
import type { Platform } from '#oci/manifest.ts';
import { hostPlatform, parsePlatform } from '#oci/platform.ts';
import { familiar, parseReference } from '#oci/reference.ts';

const invalid = (reason: string) => new WherryError('invalid', reason);

/** A field and its value; '=' may be missing. */
function cut(field: string): [key: string, value: string | undefined] {
  const at = field.indexOf('=');
  return at < 0 ? [field, undefined] : [field.slice(0, at), field.slice(at + 1)];
}

/** `--output`, before it is known what may be done: a path alone is `local`, `-` alone a tar archive. */
export interface OutputOption {
  type: string;
  dest?: string;
  attributes: Record<string, string>;
}

export function readOutput(text: string): OutputOption {
  const fields = csv(text);
  if (fields.length === 1 && fields[0] === text && !text.startsWith('type=')) {
    return { type: text === '-' ? 'tar' : 'local', dest: text, attributes: {} };
  }
  const output: OutputOption = { type: '', attributes: {} };
  for (const field of fields) {
    const [name, value] = cut(field);
    if (value === undefined) throw invalid(`invalid value ${field}`);
    const key = name.toLowerCase().trim();
    if (key === 'type') output.type = value;
    else if (key === 'dest') output.dest = value;
    else output.attributes[key] = value;
  }
  if (output.type === '') throw invalid('type is required for output');
  return output;
}

/** `--cache-from` and `--cache-to`: a reference alone is one in a registry; several may stand in one value. */
export function readCache(text: string): CacheOptions[] {
  const fields = csv(text);
  if (!text.includes('=')) return fields.map((ref) => ({ type: 'registry', ref }));
  const options: Record<string, string> = {};
  for (const field of fields) {
    const [key, value] = cut(field);
    if (value === undefined) throw invalid(`invalid value ${field}`);
    options[key.toLowerCase()] = value;
  }
  if (!options.type) throw invalid(`type required for "${text}"`);
  return [{ ...options, type: options.type }];
}

const SECRET_KEYS: Readonly<Record<string, 'id' | 'file' | 'env' | 'type'>> = {
  id: 'id',
  source: 'file',
  src: 'file',
  env: 'env',
  type: 'type',
};

/** Nothing at all is none. */
export function readSecret(text: string): BuildSecret[] {
  if (text === '') return [];
  const found: { id?: string; file?: string; env?: string; type?: string } = {};
  for (const field of secretFields(text)) {
    const [name, value] = cut(field);
    if (value === undefined) throw invalid(`invalid field '${field}' must be a key=value pair`);
    const key = SECRET_KEYS[name.toLowerCase()];
    if (key === undefined) throw invalid(`unexpected key '${name.toLowerCase()}' in '${field}'`);
    found[key] = value;
  }
  const { id = '', type = 'file', file, env } = found;
  if (type !== 'file' && type !== 'env') throw invalid(`unsupported secret type "${type}"`);
  const isVariable = type === 'env' && !env;
  return [{ id, ...given({ file: isVariable ? undefined : file, env: isVariable ? file : env }) }];
}

function secretFields(text: string): string[] {
  try {
    return csv(text);
  } catch (cause) {
    throw new WherryError('invalid', `failed to parse csv secret: ${(cause as Error).message}`, { cause });
  }
}

export function readSsh(text: string): BuildSsh {
  const [id, paths] = cut(text);
  return { id, paths: paths === undefined ? [] : paths.split(',') };
}

/** `--attest`; undefined attributes: it is switched off. */
export interface AttestOption {
  type: string;
  attributes: Record<string, string> | undefined;
}

export function readAttest(text: string): AttestOption {
  const attributes: Record<string, string> = {};
  let [type, isOff] = ['', false];
  for (const field of csv(text)) {
    const [name, value] = cut(field);
    if (value === undefined) throw invalid(`invalid value ${field}`);
    const key = name.toLowerCase().trim();
    if (key === 'type') type = value;
    else if (key === 'disabled') isOff = truth(value, field);
    else attributes[name] = value;
  }
  if (type === '') throw invalid('attestation type not specified');
  return { type, attributes: isOff ? undefined : attributes };
}

function truth(value: string, field: string): boolean {
  const read = parseBool(value);
  if (read !== undefined) return read;
  throw invalid(`invalid value ${field}: strconv.ParseBool: parsing "${value}": invalid syntax`);
}

/** `--provenance` and `--sbom` are short forms of `--attest`: true, false, or attributes. */
export function asAttest(type: 'provenance' | 'sbom', text: string): AttestOption {
  const read = parseBool(text);
  return readAttest(read === undefined ? `type=${type},${text}` : `type=${type},disabled=${!read}`);
}

/** Those that are there, of a command's flags or a service's keys. */
export function shortAttests({ provenance, sbom }: Partial<Record<'provenance' | 'sbom', string | undefined>>) {
  return [...(provenance ? [asAttest('provenance', provenance)] : []), ...(sbom ? [asAttest('sbom', sbom)] : [])];
}

/**
 * The provenance that is wanted; undefined: none. The last one of a type holds. Throws kind `unsupported` for
 * an SBOM, `invalid` for what is neither.
 */
export function readProvenance(options: readonly AttestOption[]): ProvenanceWish | undefined {
  const attests = new Map(options.map(({ type, attributes }) => [type, attributes]));
  const known = ['provenance', 'sbom'];
  for (const [type, attributes] of attests) {
    if (!known.includes(type)) throw invalid(`unknown attestation type "${type}"`);
    if (type !== 'sbom' || attributes === undefined) continue;
    throw new WherryError(
      'unsupported',
      'Cannot make an SBOM: no scanner is built in, and builds start no scanner image',
      {
        hint: 'Leave out --sbom, and run a scanner on the image (syft, trivy)',
      },
    );
  }
  const attributes = attests.get('provenance');
  if (attributes === undefined) return undefined;
  const { mode = 'max', version = 'v0.2', reproducible = 'false' } = attributes;
  if (mode !== 'min' && mode !== 'max') {
    throw new WherryError('invalid', `failed to solve: invalid mode "${mode}"`, { hint: 'Use mode=min or mode=max' });
  }
  if (version !== 'v0.2' && version !== 'v1') {
    const why = `failed to solve: invalid provenance SLSA version: ${version}`;
    throw new WherryError('invalid', why, { hint: 'Use version=v0.2 or version=v1' });
  }
  const builderId = attributes['builder-id'] ?? '';
  // What is no truth value is false to BuildKit, here.
  const inlineOnly = parseBool(attributes['inline-only'] ?? '') === true;
  return { mode, version, builderId, inlineOnly, reproducible: truth(reproducible, `reproducible=${reproducible}`) };
}

/** `--build-context name=value`: names are images', so that they may stand for one. */
export function readContextName(text: string): [name: string, value: string] {
  const [name, value] = cut(text);
  if (value === undefined) throw invalid(`invalid context value: ${text}, expected key=value`);
  try {
    return [familiar(parseReference(name)).replace(/:latest$/, ''), value];
  } catch (cause) {
    throw new WherryError('invalid', `invalid context name ${name}: ${(cause as Error).message}`, { cause });
  }
}

type Annotation = BuildRequest['annotations'][number];
const SCOPES = ['manifest', 'index', 'manifest-descriptor', 'index-descriptor'] as const;

/** `--annotation [scope[,scope]:]key=value`, one for each scope. */
export function readAnnotation(text: string): Annotation[] {
  const [name, value] = cut(text);
  if (value === undefined) throw invalid(`invalid annotation "${text}", expected key=value`);
  const colon = name.indexOf(':');
  if (colon < 0) return [{ scope: 'manifest', key: name, value }];
  return name
    .slice(0, colon)
    .split(',')
    .map((word) => {
      const [, type, platform] = /^([a-z-]+)(?:\[([A-Za-z0-9_/-]+)\])?$/.exec(word) ?? [];
      if (type === undefined) {
        throw invalid(`invalid annotation type "${word}", expected type and optional platform in square brackets`);
      }
      const scope = SCOPES.find((one) => one === type);
      if (scope === undefined) throw invalid(`unknown annotation type "${type}"`);
      return { scope, key: name.slice(colon + 1), value, ...given({ platform }) };
    });
}

/** `key=value` lists: a build argument without a value has that of the environment, and is left out where there is none. */
export function readPairs(values: readonly string[], env?: NodeJS.ProcessEnv): Record<string, string> {
  const pairs: Record<string, string> = {};
  for (const text of values) {
    const [key, value] = cut(text);
    if (key === '') throw invalid(`invalid key-value pair "${text}": empty key`);
    const found = value ?? (env === undefined ? '' : env[key]);
    if (found !== undefined) pairs[key] = found;
  }
  return pairs;
}

/** `--platform linux/amd64,linux/arm64`; `local` is this machine. Each once. */
export function readPlatforms(values: readonly string[]): Platform[] {
  const platforms = values
    .flatMap((value) => value.split(','))
    .filter((text) => text !== '')
    .map((text) => (text === 'local' ? hostPlatform() : parsePlatform(text)));
  return [...new Map(platforms.map((platform) => [JSON.stringify(platform), platform])).values()];
}

/** Throws kind `invalid` in buildx's words. */
export function readNetwork(mode: string): BuildRequest['network'] {
  if (mode === '' || mode === 'default' || mode === 'bridge') return 'default';
  if (mode === 'host' || mode === 'none') return mode;
  const instead = 'you can define a custom network for your builder using the network driver-opt in buildx create';
  throw new WherryError('invalid', `network mode "${mode}" not supported by buildkit - ${instead}`, {
    hint: 'Use default, host or none',
  });
}
