/**
 * A project out of its files: the passes in compose's order, which nothing else knows. Of each document: variables,
 * extends, what `!reset` takes away, include, merge, the schema, long form. Then defaults, paths, names, profiles.
 */

import { isUtf8 } from 'node:buffer';
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { hasCode } from '#base/error.ts';
import { resolveEnvFiles, resolveLabelFiles, type Variables } from '#compose/load/dotenv.ts';
import { applyExtends, forget } from '#compose/load/extends.ts';
import { checkName, findFiles, nameOfDirectory, normalizeName } from '#compose/load/files.ts';
import { applyInclude } from '#compose/load/include.ts';
import { interpolate } from '#compose/load/interpolate.ts';
import { merge, unique } from '#compose/load/merge.ts';
import { Misplaced } from '#compose/load/place.ts';
import { type RemoteFiles, remoteFiles } from '#compose/load/remote.ts';
import { checkSchema } from '#compose/load/schema.ts';
import type { Told } from '#compose/load/told.ts';
import { lineOf, readYaml, type YamlDocument } from '#compose/load/yaml.ts';
import { toProject } from '#compose/model/assemble.ts';
import { canonical } from '#compose/model/canonical.ts';
import { checkTree } from '#compose/model/checks.ts';
import { checkConsistency } from '#compose/model/consistency.ts';
import { setDefaults } from '#compose/model/defaults.ts';
import { normalize, resolveEnvironment } from '#compose/model/normalize.ts';
import { isRemote, resolvePaths } from '#compose/model/paths.ts';
import type { Project } from '#compose/model/project.ts';
import { withProfiles } from '#compose/model/select.ts';
import { invalid, isMap, mapAt, type TreeMap } from '#compose/model/tree.ts';

export interface LoadOptions extends Told {
  /** As `-f` has them; `-` is standard input; none: COMPOSE_FILE, or compose.yaml and its like, here or above. */
  files: readonly string[];
  cwd: string;
  /** The process's. */
  environment: Variables;
  stdin: () => Promise<string>;
  /** Told of every variable that is asked for. */
  ask?: (name: string) => void;
  projectDirectory?: string;
  projectName?: string;
  /** In place of `.env`. */
  envFiles?: readonly string[];
  /** COMPOSE_PROFILES where not given. */
  profiles?: readonly string[];
  /** Told of every file that is included from elsewhere. */
  remoteIncluded?: (address: string) => void;
  abort?: AbortSignal;
  /** Each of these is true where it is not given. */
  interpolate?: boolean;
  normalize?: boolean;
  resolvePaths?: boolean;
  consistency?: boolean;
  /** Read the env files of services. */
  resolveEnvironment?: boolean;
}

/** A file: its name, its text, and what that says. */
interface Source {
  file: string;
  text: string;
  documents: YamlDocument[];
}

/** Of which project a file is: the one that is asked for, or one that is included. */
interface Scope {
  /** Absolute: what `extends` and `include` name files from. */
  directory: string;
  environment: Variables;
  /** The files that include this one. */
  chain: readonly string[];
  options: LoadOptions;
  remote: RemoteFiles;
}

interface Loaded {
  tree: TreeMap;
  name: string;
  workingDir: string;
  composeFiles: string[];
  environment: Variables;
}

/** The project of these files, with every service; disabled are those whose profiles are not active. */
export async function loadProject(options: LoadOptions): Promise<Project> {
  const { tree, ...origin } = await loadTree(options);
  const { COMPOSE_PROFILES: usual = '' } = origin.environment;
  const profiles =
    options.profiles ??
    usual
      .split(',')
      .map((profile) => profile.trim())
      .filter((profile) => profile !== '');
  const project = withProfiles(toProject(tree, origin), profiles);
  if (options.consistency !== false) checkConsistency(project);
  if (options.resolveEnvironment !== false) resolveEnvFiles(project, options);
  resolveLabelFiles(project, options);
  return project;
}

/** The tree of these files before it is typed: what --no-interpolate shows. */
export async function loadModel(options: LoadOptions): Promise<TreeMap> {
  return (await loadTree(options, true)).tree;
}

/** isBare: it is filled with nothing of the environment. */
async function loadTree(options: LoadOptions, isBare = false): Promise<Loaded> {
  const found = findFiles(options);
  const { environment } = found;
  const fetch = remoteFiles(options);
  const remote: RemoteFiles = (address) => {
    options.look?.(address);
    return fetch(address);
  };
  const { files, directory = found.directory } = await fetched(found.files, remote);
  const sources: Source[] = [];
  for (const file of files) sources.push(await readSource(file, options));
  const name = nameOf(sources, found.directory, environment, options);
  environment.COMPOSE_PROJECT_NAME = name;
  const known = isBare ? { COMPOSE_PROJECT_NAME: name } : environment;
  const scope: Scope = { directory, environment: known, chain: [], options, remote };
  const tree = await joined(sources, scope);
  finish(tree, options.resolvePaths === false ? undefined : directory, scope);
  if (Object.keys(tree).length === 0) throw invalid('empty compose file');
  if (name === '') throw invalid('project name must not be empty');
  if (options.normalize !== false) normalize(tree, name, known);
  return { tree, name, workingDir: directory, composeFiles: files, environment };
}

/** The files, those that are elsewhere as their copies; the first of these says where the project is. */
async function fetched(
  files: readonly string[],
  remote: RemoteFiles,
): Promise<{ files: string[]; directory?: string }> {
  const far = new Map<string, string>();
  for (const file of files) if (file !== '-' && isRemote(file)) far.set(file, (await remote(file)).file);
  const [first] = far.values();
  const local = files.map((file) => far.get(file) ?? file);
  return { files: local, ...(first === undefined ? {} : { directory: dirname(first) }) };
}

async function readSource(file: string, { stdin, look }: Pick<LoadOptions, 'stdin' | 'look'>): Promise<Source> {
  look?.(file);
  const text = file === '-' ? await stdin() : readText(file);
  return { file, text, documents: await readYaml(text, file) };
}

function readText(file: string): string {
  try {
    const bytes = readFileSync(file);
    if (!isUtf8(bytes)) throw invalid(`failed to parse ${file}: yaml: invalid UTF-8`);
    return bytes.toString();
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) throw invalid(`open ${file}: no such file or directory`);
    if (hasCode(error, 'EISDIR')) throw invalid(`read ${file}: is a directory`);
    if (hasCode(error, 'EACCES', 'EPERM')) throw invalid(`open ${file}: permission denied`);
    throw error;
  }
}

/** What the user named the project; else what the last of the files that have a name does; else the directory. */
function nameOf(sources: readonly Source[], directory: string, environment: Variables, options: LoadOptions): string {
  const given = options.projectName || environment.COMPOSE_PROJECT_NAME;
  if (given) return checkName(given);
  const names = sources.flatMap(({ documents }) =>
    documents.map(({ value }) => (isMap(value) ? value.name : undefined)),
  );
  const own = names.findLast((name) => typeof name === 'string' && name !== '');
  if (typeof own !== 'string') return nameOfDirectory(directory, options.warn);
  const { name } =
    options.interpolate === false
      ? { name: own }
      : interpolate({ name: own }, { lookup: (word) => environment[word], warn: options.warn });
  return options.normalize === false ? String(name) : normalizeName(String(name));
}

/** All files of a project, one over the other. */
async function joined(sources: readonly Source[], scope: Scope): Promise<TreeMap> {
  let tree: TreeMap = {};
  for (const source of sources) {
    for (const document of source.documents) tree = await added(tree, document, source, scope);
  }
  return tree;
}

/** What is done once all files of a project are joined. */
function finish(tree: TreeMap, base: string | undefined, { environment }: Scope): void {
  setDefaults(tree);
  checkTree(tree);
  if (base !== undefined) resolvePaths(tree, base);
  resolveEnvironment(tree, environment);
}

/** A tree with a further document over it. */
async function added(tree: TreeMap, document: YamlDocument, source: Source, scope: Scope): Promise<TreeMap> {
  const { options } = scope;
  const own = await interpolated(document, source, scope);
  await applyExtends(own, {
    file: source.file,
    directory: scope.directory,
    forgotten: document.forgotten,
    read: (file) => readBase(file, scope),
    remote: scope.remote,
  });
  for (const path of document.forgotten) forget(tree, path);
  await applyInclude(own, {
    directory: scope.directory,
    environment: scope.environment,
    chain: [...scope.chain, source.file],
    told: options,
    remote: (address) => {
      options.remoteIncluded?.(address);
      return scope.remote(address);
    },
    load: (files, included) => loadIncluded(files, { ...included, options, remote: scope.remote }, included.base),
  });
  const made = unique(merge(tree, own));
  await placed(
    source,
    () => checkSchema(made),
    (message) => `validating ${source.file}: ${message}`,
  );
  if ('version' in made) {
    options.warn(
      `${source.file}: the attribute \`version\` is obsolete, it will be ignored, please remove it to avoid potential confusion`,
    );
    delete made.version;
  }
  return long(made, options);
}

/** In long form; which can show that two items are the same, as ports may be ranges. */
function long(tree: TreeMap, { interpolate: isFilledIn, warn }: LoadOptions): TreeMap {
  const made = canonical(tree, { lenient: isFilledIn === false, warn });
  for (const service of Object.values(mapAt(made, 'services'))) {
    if (isMap(service) && Array.isArray(service.dns))
      service.dns = service.dns.filter((server) => server !== '' && server !== null);
  }
  return unique(made);
}

async function interpolated(
  { value }: YamlDocument,
  source: Source,
  { environment, options }: Scope,
): Promise<TreeMap> {
  if (!isMap(value)) throw invalid(`top-level object must be a mapping (in ${source.file})`);
  if (options.interpolate === false) return value;
  return placed(source, () => interpolate(value, { lookup: (name) => environment[name], warn: options.warn }));
}

/** Does something with a file's values; what is misplaced in them becomes an error with the line. */
async function placed<T>(
  source: Source,
  act: () => T,
  phrase: (message: string) => string = (message) => message,
): Promise<T> {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof Misplaced)) throw error;
    const line = await lineOf(source.text, error.path);
    throw invalid(phrase(error.message) + (line === undefined ? '' : ` (line ${line})`));
  }
}

/** Another file for `extends`: in long form, joined with nothing. */
async function readBase(file: string, scope: Scope): Promise<{ tree: TreeMap; forgotten: string[][] }> {
  const source = await readSource(file, scope.options);
  let tree: TreeMap = {};
  for (const document of source.documents) {
    const own = await interpolated(document, source, scope);
    for (const path of document.forgotten) forget(tree, path);
    tree = long(unique(merge(tree, own)), scope.options);
  }
  return { tree, forgotten: source.documents.at(-1)?.forgotten ?? [] };
}

/** Files for `include`: a project of its own. */
async function loadIncluded(files: readonly string[], scope: Scope, base: string): Promise<TreeMap> {
  const sources: Source[] = [];
  for (const file of files) sources.push(await readSource(file, scope.options));
  const tree = await joined(sources, scope);
  finish(tree, base, scope);
  return tree;
}
