/** Docker's client configuration (config.json), as far as output goes: the formats of lists. */
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
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
  return format || quiet ? format : configuredFormat(err, key);
}

function configuredFormat(err: Output, key: FormatKey): string | undefined {
  const path = join(process.env.DOCKER_CONFIG || join(homedir(), '.docker'), 'config.json');
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
