/**
 * What docker save wrote before version 1.10, and docker load still reads: `repositories` says which layer a tag stands
 * for, and each layer is a directory with its own configuration (`json`), which names the layer below, and `layer.tar`.
 * See moby's image/spec/v1.1.md. An ID is not Docker's: what Docker fills in of its own is left out here.
 */
import { WherryError } from '#base/error.ts';
import { damaged, type Found, imageOf } from '#image/archive-image.ts';
import type { Archive } from '#image/parts.ts';
import { type Descriptor, MEDIA, parseConfig } from '#oci/manifest.ts';
import { canonical, parseReference } from '#oci/reference.ts';
import { isObject, type Json } from '#oci/shape.ts';

/** Docker's bound for layers of one image, and more than any image of that time has. */
const MAX_LAYERS = 127;

/** Throws kind `corrupt` when its parts don't fit together. */
export function readLegacyArchive(archive: Archive): Found[] {
  const tops = new Map<string, string[]>();
  for (const [repository, tags] of Object.entries(json(archive, 'repositories'))) {
    if (!isObject(tags)) throw damaged(archive, 'its "repositories" is malformed');
    for (const [tag, id] of Object.entries(tags)) {
      const name = canonical(parseReference(`${repository}:${tag}`));
      tops.set(checkedId(archive, id), [...(tops.get(String(id)) ?? []), name]);
    }
  }
  return [...tops].map(([id, names]) => readImage(archive, id, names));
}

function json(archive: Archive, file: string): Json {
  const bytes = archive.part(file)?.document();
  if (bytes === undefined) throw damaged(archive, `"${file}" is missing`);
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString());
  } catch (cause) {
    throw new WherryError('corrupt', `Cannot load "${archive.name}": "${file}" is not valid JSON`, { cause });
  }
  if (isObject(value)) return value;
  throw damaged(archive, `"${file}" is not a JSON object`);
}

function checkedId(archive: Archive, id: unknown): string {
  if (typeof id === 'string' && /^[0-9a-f]{64}$/.test(id)) return id;
  throw damaged(archive, 'it has a malformed layer ID');
}

interface Step {
  id: string;
  own: Json;
}

/** From the lowest layer to this one. */
function stepsTo(archive: Archive, top: string): Step[] {
  const steps: Step[] = [];
  for (let id: string | undefined = top; id !== undefined; ) {
    if (steps.length === MAX_LAYERS) throw damaged(archive, `${top} has more than ${MAX_LAYERS} layers`);
    const own: Json = json(archive, `${id}/json`);
    steps.unshift({ id, own });
    id = own.parent === undefined || own.parent === '' ? undefined : checkedId(archive, own.parent);
  }
  return steps;
}

/** Fields of a layer's configuration that its image has not. */
const OF_LAYERS = ['id', 'parent', 'parent_id', 'layer_id', 'Size', 'throwaway', 'container'];

function readImage(archive: Archive, top: string, names: string[]): Found {
  const steps = stepsTo(archive, top);
  const files = steps.map(({ id }) => `${id}/layer.tar`);
  const layers = files.map((file) => describeLayer(archive, file));
  const last = Object.entries(steps.at(-1)?.own ?? {}).filter(([key]) => !OF_LAYERS.includes(key));
  const rootfs = { type: 'layers', diff_ids: layers.map(({ digest }) => digest) };
  const whole = { ...Object.fromEntries(last), rootfs, history: steps.map(historyOf) };
  const configBytes = Buffer.from(JSON.stringify(whole));
  return imageOf({ names, configBytes, config: parseConfig(configBytes, layers.length, archive.name), layers, files });
}

function historyOf({ own }: Step): object {
  const { created, author, comment, container_config: settings } = own;
  const command = isObject(settings) && Array.isArray(settings.Cmd) ? settings.Cmd.join(' ') : undefined;
  return { created, created_by: command, author, comment };
}

/** These layers are never compressed: so the digest of the file is the diff ID. */
function describeLayer(archive: Archive, file: string): Descriptor {
  const part = archive.part(file);
  if (part === undefined) throw damaged(archive, `the layer "${file}" is missing`);
  if (part.compression === undefined) return { mediaType: MEDIA.layer, digest: part.digest(), size: part.size };
  throw damaged(archive, `the layer "${file}" is compressed by ${part.compression}`);
}
