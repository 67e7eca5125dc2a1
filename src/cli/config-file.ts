/** Docker's client configuration (config.json) but for what it knows of registries: the formats of lists, the detach keys. */
import { readFileSync } from 'node:fs';
import { configPath } from '#base/docker-paths.ts';
import { hasCode } from '#base/error.ts';
import type { Output } from '#cli/command.ts';

/** The keys whose values are formats of lists here; those of plugins and services have no list of ours. */
export type FormatKey = 'imagesFormat' | 'networksFormat' | 'psFormat' | 'statsFormat' | 'volumesFormat';

/**
 * What a list shows when --format was not given: what the user's configuration says, unless only ids are wanted.
 * A file that can't be read is told of, and does not keep the list from being shown; as Docker.
 */
export function listFormat(
  err: Output,
  key: FormatKey,
  { format, quiet }: { format: string | undefined; quiet: boolean },
): string | undefined {
  return format || quiet ? format : configuredText(err, key);
}

/** A text in the configuration; undefined where there is none. What is wrong with the file is told, and is no error. */
export function configuredText(err: Output, key: FormatKey | 'detachKeys'): string | undefined {
  const path = configPath(process.env);
  try {
    const value = (JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown> | null)?.[key];
    if (value === undefined || value === null || typeof value === 'string') return value || undefined;
    err.line(`WARNING: Error parsing config file (${path}): ${key} is a ${typeof value}, and should be a string`);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    if (error instanceof SyntaxError) err.line(`WARNING: Error parsing config file (${path}): ${error.message}`);
    else if (hasCode(error, 'EACCES', 'ENOTDIR', 'EISDIR'))
      err.line(`WARNING: Error loading config file: ${(error as Error).message}`);
    else throw error;
  }
  return undefined;
}
