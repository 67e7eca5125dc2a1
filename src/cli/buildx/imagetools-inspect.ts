import { WherryError } from '#base/error.ts';
import { goEntries, indentJson } from '#base/go-json.ts';
import { formatPlatform } from '#base/platform.ts';
import { needBuilder } from '#build/builders.ts';
import { BUILDER_FLAG, inBuildx } from '#cli/buildx/buildx.ts';
import { type Context, command } from '#cli/command.ts';
import { boolean, text } from '#cli/values.ts';
import { entryName, lookAtRemote, type PlatformParts, partsOf, type RemoteLook } from '#image/remote-look.ts';

export default command({
  usage: 'NAME',
  summary: 'Show details of an image in the registry',
  details: `
    Asks the registry, whatever is here under the name. A template has .Name, .Manifest, .Image, .Provenance and .SBOM, the
    last three by platform where there are several.`,
  examples: [{ does: 'The digest of what a name stands for', line: 'wherry buildx imagetools inspect debian' }],
  flags: {
    ...BUILDER_FLAG,
    format: { as: text, summary: 'Format the output using the given Go template' },
    raw: { as: boolean, summary: 'Show original, unformatted JSON manifest' },
  },
  run: (context, [name = ''], { builder, format = '', raw }) =>
    inBuildx(context, async () => {
      if (raw && format !== '') throw new WherryError('invalid', 'format and raw cannot be used together');
      needBuilder(context.store, builder);
      const look = await lookAtRemote(name, context.abort);
      if (raw) context.out.write(look.raw);
      // As buildx: what begins so is not a template, but the table.
      else if (format === '' || /^\{\{-?\s*\.Manifest/.test(format)) context.out.write(table(look));
      else context.out.write(await rendered(look, format, context));
    }),
});

function table(look: RemoteLook): string {
  const { name, descriptor, index } = look;
  const line = (width: number) => (key: string, value: string) => `${key.padEnd(width)}${value}`;
  const top = line(11);
  const lines = [
    top('Name:', name),
    top('MediaType:', descriptor.mediaType),
    top('Digest:', descriptor.digest),
    ...(index === undefined ? [] : [top('', ''), top('Manifests:', '')]),
  ];
  const manifests = index?.manifests ?? [];
  const below = line(manifests.some(({ annotations }) => annotations !== undefined) ? 15 : 13);
  const keys = manifests.flatMap(({ annotations = {} }) => Object.keys(annotations));
  const said = line(Math.max(0, ...keys.map((key) => key.length)) + 6);
  for (const [at, entry] of manifests.entries()) {
    const { platform, annotations } = entry;
    if (at > 0) lines.push(below('', ''));
    lines.push(below('  Name:', entryName(look, entry)), below('  MediaType:', entry.mediaType));
    if (platform !== undefined) lines.push(below('  Platform:', formatPlatform(platform)));
    if (annotations === undefined) continue;
    lines.push(below('  Annotations:', ''));
    for (const [key, value] of goEntries(annotations)) lines.push(said(`    ${key}:`, value));
  }
  return `${lines.join('\n')}\n`;
}

async function rendered(look: RemoteLook, format: string, { abort }: Context): Promise<string> {
  const [{ compileTyped }, { shaped }, { valueJson }, { STRING, ANY }] = await Promise.all([
    import('#cli/template.ts'),
    import('#cli/goshapes.ts'),
    import('#cli/gofmt.ts'),
    import('#cli/gotypes.ts'),
  ]);
  const json = {
    params: [ANY],
    call: (value: Parameters<typeof valueJson>[0]) => ({ type: STRING, data: indentJson(valueJson(value), '  ') }),
  };
  const render = compileTyped(format, { parsePrefix: '', parseStatus: 1, runPrefix: '', functions: { json } });
  const parts = await partsOf(look, abort);
  const { asked: name, descriptor, index } = look;
  const { mediaType, digest, size } = descriptor;
  const { schemaVersion: _version, mediaType: _type, ...rest } = index ?? {};
  const manifest = index === undefined ? descriptor : { schemaVersion: 2, mediaType, digest, size, ...rest };
  const [only] = parts.values();
  const isOne = parts.size <= 1;
  const about = isOne ? single(only) : byPlatform(parts);
  const kind = isOne ? 'imagetools.tplInput' : 'imagetools.tplInputs';
  return render(shaped(`${kind}/${index === undefined ? 'manifest' : 'index'}`, { name, manifest, ...about }));
}

const provenanceOf = ({ provenance }: Partial<PlatformParts>) => (provenance === undefined ? {} : { SLSA: provenance });
const sbomOf = ({ sbom }: Partial<PlatformParts>) => (sbom === undefined ? {} : { SPDX: sbom });

const single = (parts: Partial<PlatformParts> = {}) => ({
  ...(parts.image === undefined ? {} : { image: parts.image }),
  provenance: provenanceOf(parts),
  sbom: sbomOf(parts),
});

function byPlatform(parts: Map<string, PlatformParts>): object {
  const all = [...parts];
  const each = (read: (one: PlatformParts) => object) =>
    Object.fromEntries(all.map(([platform, one]) => [platform, read(one)]));
  const told = (read: (one: PlatformParts) => object) =>
    Object.fromEntries(
      all.flatMap(([platform, one]) => (Object.keys(read(one)).length === 0 ? [] : [[platform, read(one)]])),
    );
  return { image: each(({ image }) => image), provenance: told(provenanceOf), sbom: told(sbomOf) };
}
