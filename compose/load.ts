/** The passes from files to a project, in their order; nothing else knows the order. */
import { readFileSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { toProject } from '#compose/model/assemble.ts';
import { canonical } from '#compose/model/canonical.ts';
import { checkTree } from '#compose/model/checks.ts';
import { checkConsistency } from '#compose/model/consistency.ts';
import { setDefaults } from '#compose/model/defaults.ts';
import { normalize, resolveEnvironment } from '#compose/model/normalize.ts';
import { resolvePaths } from '#compose/model/paths.ts';
import type { Project } from '#compose/model/project.ts';
import { withProfiles } from '#compose/model/select.ts';
import type { TreeMap } from '#compose/model/tree.ts';

export interface LoadOptions {
  /** `-` is standard input; none: compose.yaml and its like, here or above. */
  files: readonly string[];
  cwd: string;
  /** The process's. */
  environment: Record<string, string>;
  stdin: () => Promise<string>;
  /** Told what compose warns of. */
  warn: (text: string) => void;
  projectDirectory?: string;
  projectName?: string;
  envFiles?: readonly string[];
  profiles?: readonly string[];
  /** Each of these is true where it is not given. */
  interpolate?: boolean;
  normalize?: boolean;
  resolvePaths?: boolean;
  consistency?: boolean;
  resolveEnvironment?: boolean;
}

interface Loaded {
  tree: TreeMap;
  name: string;
  workingDir: string;
  composeFiles: string[];
  environment: Record<string, string>;
}

async function loadTree(options: LoadOptions): Promise<Loaded> {
  const { parse } = await import('yaml');
  const file = resolve(options.cwd, options.files[0] ?? 'compose.yaml');
  const workingDir = options.projectDirectory ?? dirname(file);
  const tree = parse(readFileSync(file, 'utf8'), { version: '1.1', merge: true }) as TreeMap;
  const name = options.projectName ?? String(tree.name ?? basename(workingDir).toLowerCase());
  delete tree.version;
  canonical(tree, { lenient: options.interpolate === false, warn: options.warn });
  setDefaults(tree);
  checkTree(tree);
  if (options.resolvePaths !== false) resolvePaths(tree, workingDir);
  resolveEnvironment(tree, options.environment);
  if (options.normalize !== false) normalize(tree, name, options.environment);
  return { tree, name, workingDir, composeFiles: [file], environment: options.environment };
}

/** The project of these files, with every service; disabled are those whose profiles are not active. */
export async function loadProject(options: LoadOptions): Promise<Project> {
  const { tree, ...origin } = await loadTree(options);
  const project = withProfiles(toProject(tree, origin), options.profiles ?? []);
  if (options.consistency !== false) checkConsistency(project);
  return project;
}

/** The tree of these files before it is typed: what --no-interpolate shows. */
export async function loadModel(options: LoadOptions): Promise<TreeMap> {
  return (await loadTree(options)).tree;
}
