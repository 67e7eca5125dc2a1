/**
 * Opens what a build reads: its Dockerfile and its contexts, wherever they are. What is not a directory of the user's is
 * fetched into one of ours, which goes when the build has ended.
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { WherryError } from '#base/error.ts';
import {
  type DockerfileWords,
  isIgnoreFile,
  readDockerfile,
  readIgnore,
  withIgnore,
} from '#build/context/definition.ts';
import { isDirectory } from '#build/context/files.ts';
import { isWeb, parseGitAddress } from '#build/context/git-address.ts';
import { findLayout } from '#build/context/layout.ts';
import { type Fetching, type Main, temporaryPlace } from '#build/context/place.ts';
import type { Report } from '#build/event.ts';
import type { BuildContext } from '#build/request.ts';
import type { Store } from '#store/store.ts';

export interface ContextWords extends DockerfileWords {
  /** A directory, an address, or '-' for standard input. */
  context: string;
  /** --build-context: name to directory, address, docker-image:// or oci-layout://. */
  named: Readonly<Record<string, string>>;
  /** .git stays in a context that comes from git (BUILDKIT_CONTEXT_KEEP_GIT_DIR). */
  keepGitDir?: boolean;
}

export interface OpenedContexts extends Disposable {
  dockerfile: { name: string; text: string };
  contexts: Record<string, BuildContext>;
}

export interface OpenOptions {
  report: Report;
  abort?: AbortSignal | undefined;
}

/**
 * Opens all of them. Throws kind `invalid` and `unavailable` in buildx's words; what was fetched until then is removed.
 */
export async function openContexts(store: Store, words: ContextWords, options: OpenOptions): Promise<OpenedContexts> {
  const temporary = temporaryPlace(store);
  const fetching: Fetching = { ...options, store, place: temporary.place };
  try {
    const main = await openMain(fetching, words);
    const { name, text, ignore } = await readDockerfile(fetching, main, words);
    const contexts: Record<string, BuildContext> = { '': await withIgnore(fetching, main, ignore) };
    for (const [index, [key, value]] of Object.entries(words.named).entries()) {
      const place = (part: string) => temporary.place(`named-${index}-${part}`);
      contexts[key] = await openNamed({ ...fetching, place }, key, value);
    }
    return { dockerfile: { name, text }, contexts, [Symbol.dispose]: temporary.remove };
  } catch (error) {
    temporary.remove();
    throw error;
  }
}

/** Throws kind `invalid` in buildx's words for a context that is no directory, no address and not standard input. */
export function checkContext(context: string): void {
  if (context === '-' || isDirectory(context) || parseGitAddress(context) !== undefined || isWeb(context)) return;
  throw invalid(`unable to prepare context: path "${context}" not found`);
}

async function openMain(fetching: Fetching, words: ContextWords): Promise<Main> {
  const { context, file, stdin } = words;
  checkContext(context);
  if (context === '-') {
    if (file === '-') throw invalid("invalid argument: can't use stdin for both build context and dockerfile");
    const main = await (await fetchers()).fromStdin(fetching, stdin);
    if (main.dockerfile === undefined || file === '') return main;
    throw invalid('ambiguous Dockerfile source: both stdin and flag correspond to Dockerfiles');
  }
  if (isDirectory(context)) return { path: resolve(context), isForeign: false };
  const git = parseGitAddress(context);
  if (git !== undefined) {
    const address = words.keepGitDir ? { ...git, keepGitDir: true } : git;
    return { path: await (await fetchers()).clone(fetching, context, address), isForeign: true };
  }
  const { dockerfile, ...main } = await (await fetchers()).fromWeb(fetching, context);
  return file === '' && dockerfile !== undefined ? { ...main, dockerfile } : main;
}

/** Loaded for what is not a directory here. */
const fetchers = () => import('#build/context/fetch.ts');

const invalid = (reason: string) => new WherryError('invalid', reason);

async function openNamed(fetching: Fetching, name: string, text: string): Promise<BuildContext> {
  if (text.startsWith('docker-image://')) return { kind: 'image', reference: text.slice('docker-image://'.length) };
  if (text.startsWith('oci-layout://')) return { kind: 'layout', ...findLayout(text) };
  if (isDirectory(text)) {
    const main = { path: resolve(text), isForeign: false };
    const ignore = join(main.path, '.dockerignore');
    return {
      kind: 'directory',
      path: main.path,
      ...(isIgnoreFile(ignore) ? { ignore: readIgnore(main, ignore) } : {}),
    };
  }
  const git = parseGitAddress(text);
  if (git !== undefined) return { kind: 'directory', path: await (await fetchers()).clone(fetching, text, git) };
  if (isWeb(text)) return { kind: 'directory', path: (await (await fetchers()).fromWeb(fetching, text)).path };
  if (existsSync(text)) throw invalid(`failed to get build context path {${text} <nil>}: not a directory`);
  throw invalid(`failed to get build context ${name}: stat ${text}: no such file or directory`);
}
