/**
 * What an output of images may say of their form (`type=image,compression=zstd,annotation.a=b`): BuildKit's
 * exporter/containerimage/opts.go. Errors are in its words.
 */
import { WherryError } from '#base/error.ts';
import { given } from '#base/given.ts';
import { parseBool } from '#base/units.ts';
import { type OutputOption, readAnnotation } from '#build/options.ts';
import type { BuildRequest } from '#build/request.ts';
import { COMPRESSIONS, type Packing } from '#oci/compression.ts';

/** Types that make images. */
const IMAGES = ['image', 'registry', 'docker', 'oci'];

type Form = Pick<BuildRequest, 'annotations' | 'packing' | 'keepsTimes'>;

/** Of all outputs together. Throws kind `invalid`, and `unsupported` for what is not made here. */
export function imageForm(options: readonly OutputOption[]): Form {
  const images = options.filter(({ type }) => IMAGES.includes(type));
  for (const option of images) checkForm(option);
  const own = images.map(({ attributes }) => attributes);
  const packings = own.map(packingOf).filter((one) => one !== undefined);
  const [packing] = packings;
  if (new Set(packings.map((one) => JSON.stringify(one))).size > 1) {
    throw new WherryError('unsupported', 'Cannot compress the layers of one image in several ways', {
      hint: 'Give all outputs the same compression, or build once more: steps come from the cache',
    });
  }
  return { annotations: own.flatMap(annotationsIn), ...given({ packing, keepsTimes: keepsTimes(own) }) };
}

/** Layers are made once, for all outputs. */
function keepsTimes(all: readonly Attributes[]): true | undefined {
  const said = new Set(all.map((attributes) => switchOf(attributes, 'rewrite-timestamp')));
  if (said.has(true) && said.has(false)) {
    throw new WherryError('unsupported', 'Cannot rewrite the times of one image for one output and not for another', {
      hint: 'Give all outputs the same rewrite-timestamp, or build once more',
    });
  }
  return said.has(false) || undefined;
}

type Attributes = OutputOption['attributes'];

const DRIVER = 'is currently not implemented for docker driver';

/** Those of all images, of the exporter of images alone, and of archives. */
const SWITCHES = ['attestation-inline', 'force-compression', 'oci-mediatypes', 'rewrite-timestamp'];
const IMAGE_SWITCHES = ['name-canonical', 'push', 'push-by-digest', 'registry.insecure', 'store', 'unpack'];
const ARCHIVE_SWITCHES = ['tar'];
/** Without a value they are on, but for these. */
const NEED_VALUES = ['attestation-inline', 'rewrite-timestamp', 'tar'];

/** Undefined: the output does not say. Throws kind `invalid`. */
export function switchOf(attributes: Attributes, key: string): boolean | undefined {
  const value = attributes[key];
  if (value === undefined) return undefined;
  if (value === '' && !NEED_VALUES.includes(key)) return true;
  const read = parseBool(value);
  if (read !== undefined) return read;
  const why = `strconv.ParseBool: parsing ${JSON.stringify(value)}: invalid syntax`;
  throw new WherryError('invalid', `failed to solve: non-bool value specified for ${key}: ${why}`);
}

function checkForm({ type, attributes }: OutputOption): void {
  const isOn = (key: string) => switchOf(attributes, key) === true;
  const own = type === 'image' || type === 'registry' ? IMAGE_SWITCHES : ARCHIVE_SWITCHES;
  for (const key of [...SWITCHES, ...own]) isOn(key);
  for (const key of ['dangling-name-prefix', 'nydus']) {
    if (attributes[key]) throw new WherryError('unsupported', `${key} ${DRIVER}`);
  }
  if (isOn('insecure') || isOn('registry.insecure')) {
    throw new WherryError('unsupported', 'Cannot push to an insecure registry by an option of the output', {
      hint: 'Say that it is insecure in registries.conf',
    });
  }
  if (attributes['oci-mediatypes'] !== undefined && !isOn('oci-mediatypes')) {
    throw new WherryError('unsupported', "Cannot write Docker's media types: images are made in the OCI's format", {
      hint: 'Leave out oci-mediatypes=false: registries and engines of the last years take both',
    });
  }
}

function packingOf(attributes: Attributes): Packing | undefined {
  const { compression, 'compression-level': level } = attributes;
  const forced = switchOf(attributes, 'force-compression') === true;
  if (compression === undefined && level === undefined && !forced) return undefined;
  if (compression === 'estargz') {
    throw new WherryError('unsupported', 'Cannot make eStargz layers', { hint: `Use ${COMPRESSIONS.join(', ')}` });
  }
  const kind = COMPRESSIONS.find((one) => one === (compression ?? 'gzip'));
  if (kind === undefined) throw new WherryError('invalid', `unsupported compression type ${compression}`);
  const most = kind === 'zstd' ? 22 : 9;
  if (level !== undefined && (!/^\d{1,2}$/.test(level) || Number(level) > most)) {
    throw new WherryError('invalid', `non-int value ${level} specified for compression-level`, {
      hint: `Use 0 to ${most}`,
    });
  }
  return { kind, forced, ...given({ level: level === undefined ? undefined : Number(level) }) };
}

/** `annotation.KEY`, `annotation-index.KEY`, `annotation-manifest[linux/arm64].KEY` … */
function annotationsIn(attributes: Attributes): BuildRequest['annotations'] {
  return Object.entries(attributes).flatMap(([key, value]) => {
    const [, scope, name] = /^annotation(?:-([a-z-]+(?:\[[^\]]*\])?))?\.(.+)$/.exec(key) ?? [];
    if (name === undefined) return [];
    return readAnnotation(`${scope === undefined ? '' : `${scope}:`}${name}=${value}`);
  });
}
