/** Docker's contexts say which daemon is meant. There is one, "default", and it leads to none. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { configFolder } from '#base/docker-paths.ts';
import { WherryError } from '#base/error.ts';

export const DEFAULT = {
  Name: 'default',
  Metadata: {},
  /** Containers are this command's own: there is no socket behind it. */
  Endpoints: { docker: { Host: '', SkipTLSVerify: false } },
  TLSMaterial: {},
  Storage: { MetadataPath: '<IN MEMORY>', TLSPath: '<IN MEMORY>' },
};

/** Throws kind `invalid` for any other name, in Docker's words. */
export function findContext(name: string): typeof DEFAULT {
  if (name === DEFAULT.Name) return DEFAULT;
  const folder = join(configFolder(process.env), 'contexts/meta');
  const path = join(folder, createHash('sha256').update(name).digest('hex'), 'meta.json');
  throw new WherryError(
    'invalid',
    `context ${JSON.stringify(name)}: context not found: open ${path}: no such file or directory`,
    { hint: 'There is one context, "default": containers run without a daemon' },
  );
}
