/** --iidfile and --metadata-file: what a build tells the scripts that called it. */
import { rmSync, writeFileSync } from 'node:fs';
import { WherryError } from '#base/error.ts';
import { formatPlatform } from '#base/platform.ts';
import { parseBool } from '#base/units.ts';
import { fullRef } from '#build/history.ts';
import type { BuildResult } from '#build/request.ts';
import type { LintWarning } from '#build/vertex.ts';
import type { BuildValues } from '#cli/build/request.ts';
import { attempt } from '#cli/write-file.ts';

type Files = Pick<BuildValues, 'iidfile' | 'metadataFile'>;

/** A file that tells of an earlier build must not be taken for this one's when it fails. */
export function prepareFiles({ iidfile, metadataFile }: BuildValues): Files {
  if (iidfile) attempt('removing image ID file: remove', iidfile, () => rmSync(iidfile, { force: true }));
  return { iidfile, metadataFile };
}

export interface Built {
  result: BuildResult;
  ref: string;
  /** Whom it was asked of. */
  builder: { name: string; node: string };
  warnings: readonly LintWarning[];
}

export async function writeFiles({ iidfile, metadataFile }: Files, built: Built): Promise<void> {
  const imageId = built.result.targets[0]?.imageId ?? '';
  if (iidfile) attempt('writing image ID file: open', iidfile, () => writeFileSync(iidfile, imageId));
  if (!metadataFile) return;
  const text = JSON.stringify(await metadata(built), null, 2);
  attempt('open', metadataFile, () => writeFileSync(metadataFile, text));
}

/** `BUILDX_METADATA_PROVENANCE`: what was built from what; nothing with `disabled`. */
async function provenanceParts({ provenance }: BuildResult): Promise<object> {
  const mode = process.env.BUILDX_METADATA_PROVENANCE ?? '';
  if (mode === 'disabled' || parseBool(mode) === false) return {};
  if (!['', 'min', 'max'].includes(mode)) {
    throw new WherryError('invalid', `invalid metadata provenance mode ${JSON.stringify(mode)}`);
  }
  const targets = await provenance();
  const isOne = targets.length === 1;
  return Object.fromEntries(
    targets.map(({ platform, predicate, whole }) => [
      `buildx.build.provenance${isOne ? '' : `/${formatPlatform(platform)}`}`,
      mode === 'max' ? whole : predicate,
    ]),
  );
}

/** Keys and their order are buildx's. */
export async function metadata({ result, ref, builder, warnings }: Built): Promise<object> {
  const { targets, digest, descriptor, names } = result;
  const isIndex = descriptor !== undefined && descriptor.platform === undefined;
  const withWarnings = warnings.length > 0 && parseBool(process.env.BUILDX_METADATA_WARNINGS ?? '') === true;
  return {
    ...(await provenanceParts(result)),
    'buildx.build.ref': fullRef({ ref, builder }),
    ...(withWarnings ? { 'buildx.build.warnings': warnings } : {}),
    // Of an index there is no one configuration; of files none at all.
    ...(isIndex || targets.length === 0 ? {} : { 'containerimage.config.digest': targets[0]?.imageId }),
    ...(descriptor === undefined ? {} : { 'containerimage.descriptor': descriptor }),
    ...(digest === '' ? {} : { 'containerimage.digest': digest }),
    ...(names.length === 0 ? {} : { 'image.name': names.join(',') }),
  };
}
