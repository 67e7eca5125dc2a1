/**
 * The steps of a build as mode=max tells them: our vertices in the shape of BuildKit's LLB (solver/pb/ops.proto, as JSON),
 * so that what reads BuildKit's provenance reads ours. The digests are of these steps, not of BuildKit's encoding. Pure.
 */
import { withoutCredentials } from '#base/web-address.ts';
import type { FileAction, Plan, RunMount, RunStep, Vertex } from '#build/vertex.ts';
import { digestOf as hashOf } from '#oci/digest.ts';
import type { Platform } from '#oci/manifest.ts';

export interface Steps {
  buildConfig: { llbDefinition: object[]; digestMapping: Record<string, string> };
  /** Of a vertex, by its index in the plan: `step3`. */
  ids: ReadonlyMap<number, string>;
}

/** What a target needs, inputs first, as they stand in a plan. */
export function verticesOf({ vertices, targets }: Plan, target: number): number[] {
  const needed = new Set<number>();
  const open = [targets[target]?.result ?? -1];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    const vertex = vertices[at];
    if (vertex === undefined || needed.has(at)) continue;
    needed.add(at);
    open.push(...vertex.inputs);
  }
  return [...needed].sort((one, other) => one - other);
}

/** digestOf: of an image that was brought, as `sha256:…`. */
export function stepsOf(plan: Plan, target: number, digestOf: (vertex: Vertex) => string | undefined): Steps {
  const ids = new Map<number, string>();
  const digests = new Map<string, string>();
  const llbDefinition: object[] = [];
  const add = (op: object, inputs: string[]): string => {
    const id = `step${llbDefinition.length}`;
    llbDefinition.push({ id, op, ...(inputs.length === 0 ? {} : { inputs: inputs.map((input) => `${input}:0`) }) });
    const known = inputs.map((input) => digests.get(input));
    digests.set(id, hashOf(JSON.stringify([op, known])));
    return id;
  };
  for (const at of verticesOf(plan, target)) {
    const vertex = plan.vertices[at];
    // BuildKit has no step for what is empty.
    if (vertex === undefined || vertex.op === 'scratch') continue;
    const places = placesOf(vertex, ids);
    const inputs = vertex.inputs.flatMap((input) => ids.get(input) ?? []);
    const own = vertex.op === 'run' || vertex.op === 'image' ? { platform: platformOf(vertex.platform) } : {};
    ids.set(at, add({ Op: opOf(vertex, places, { plan, digestOf }), ...own, constraints: {} }, inputs));
  }
  const last = ids.get(plan.targets[target]?.result ?? -1);
  add({ Op: {} }, last === undefined ? [] : [last]);
  const digestMapping = Object.fromEntries([...digests].map(([id, digest]): [string, string] => [digest, id]).sort());
  return { buildConfig: { llbDefinition, digestMapping }, ids };
}

const platformOf = ({ os, architecture, variant }: Platform) => ({
  Architecture: architecture,
  OS: os,
  ...(variant ? { Variant: variant } : {}),
});

/** Where an input of the vertex stands among those that are steps; -1: it is empty. */
function placesOf({ inputs }: Vertex, ids: ReadonlyMap<number, string>): number[] {
  let next = 0;
  return inputs.map((input) => (ids.has(input) ? next++ : -1));
}

interface About {
  plan: Plan;
  digestOf: (vertex: Vertex) => string | undefined;
}

function opOf(vertex: Vertex, places: readonly number[], { plan, digestOf }: About): object {
  switch (vertex.op) {
    case 'run':
      return { exec: execOf(vertex, places) };
    case 'file':
      return {
        file: { actions: vertex.actions.map((action, at) => actionOf(action, { at, of: vertex.actions, places })) },
      };
    case 'merge':
      return { merge: { inputs: places.map((input) => ({ input })) } };
    case 'scratch':
      return {};
    default:
      return { source: sourceOf(vertex, plan, digestOf(vertex)) };
  }
}

type Source = Exclude<Vertex, { op: 'run' | 'file' | 'merge' | 'scratch' }>;

function sourceOf(vertex: Source, plan: Plan, digest: string | undefined): object {
  switch (vertex.op) {
    case 'image': {
      const pinned = vertex.reference.includes('@') || digest === undefined ? '' : `@${digest}`;
      const mode = vertex.resolveMode === 'pull' ? 'pull' : 'local';
      return { identifier: `docker-image://${vertex.reference}${pinned}`, attrs: { 'image.resolvemode': mode } };
    }
    case 'layout':
      return { identifier: `oci-layout://${vertex.path}@${vertex.digest}` };
    case 'local': {
      const name = vertex.context === '' ? 'context' : vertex.context;
      const paths = (plan.contexts[vertex.context] ?? []).map((path) => path.replace(/^\//, ''));
      const attrs = { 'local.followpaths': JSON.stringify(paths), 'local.sharedkeyhint': name };
      return { identifier: `local://${name}`, attrs };
    }
    case 'http':
      return {
        identifier: withoutCredentials(vertex.url),
        attrs: { ...(vertex.checksum ? { 'http.checksum': vertex.checksum } : {}), 'http.filename': vertex.filename },
      };
    case 'git': {
      const url = withoutCredentials(vertex.url);
      const place = url.replace(/^\w+:\/\/(?:[^/]*@)?/, '');
      return { identifier: `git://${place}${vertex.ref ? `#${vertex.ref}` : ''}`, attrs: { 'git.fullurl': url } };
    }
  }
}

interface Position {
  at: number;
  of: readonly FileAction[];
  places: readonly number[];
}

/** The first action works on the step's base, each other on what the one before has made. */
function actionOf(action: FileAction, { at, of, places }: Position): object {
  const steps = places.filter((place) => place >= 0).length;
  const input = at === 0 ? (places[0] ?? -1) : steps + at - 1;
  const secondaryInput = action.action === 'copy' ? (places[action.from] ?? -1) : -1;
  return { input, secondaryInput, output: at === of.length - 1 ? 0 : -1, Action: whatIsDone(action) };
}

function whatIsDone(action: FileAction): object {
  if (action.action === 'write') {
    const data = Buffer.from(action.data).toString('base64');
    return { mkfile: { path: action.target, mode: action.mode, data, timestamp: -1 } };
  }
  const owner = action.owner === undefined ? {} : { owner: ownerOf(action.owner) };
  if (action.action === 'mkdir') {
    return { mkdir: { path: action.target, mode: action.mode, makeParents: true, ...owner, timestamp: -1 } };
  }
  const { source, target, mode = '', exclude, include = [] } = action;
  const octal = /^[0-7]+$/.test(mode);
  return {
    copy: {
      src: source,
      dest: target,
      ...owner,
      mode: octal ? Number.parseInt(mode, 8) : -1,
      ...(mode === '' || octal ? {} : { modeStr: mode }),
      ...(action.followLinks ? { followSymlink: true } : {}),
      ...(action.contentsOnly ? { dirCopyContents: true } : {}),
      ...(action.unpack ? { attemptUnpackDockerCompatibility: true } : {}),
      ...(action.createTarget ? { createDestPath: true } : {}),
      ...(action.wildcard ? { allowWildcard: true } : {}),
      ...(action.allowEmpty ? { allowEmptyWildcard: true } : {}),
      ...(include.length === 0 ? {} : { includePatterns: include }),
      ...(exclude.length === 0 ? {} : { excludePatterns: exclude }),
      timestamp: -1,
    },
  };
}

function ownerOf(text: string): object {
  const [user = '', group] = text.split(':');
  const one = (name: string) => ({ User: /^\d+$/.test(name) ? { byID: Number(name) } : { byName: { name } } });
  return { user: one(user), ...(group === undefined ? {} : { group: one(group) }) };
}

const NETWORKS = { default: undefined, host: 1, none: 2 } as const;

/** Without the proxies' addresses, which may have passwords in them and are in no key. */
function execOf(step: RunStep, places: readonly number[]): object {
  const { args, env, cwd, user, hostname, hosts, ulimits, network, security } = step;
  const extraHosts = hosts.map(({ host, ip }) => ({ Host: host, IP: ip }));
  const limits = ulimits.map(({ name, soft, hard }) => ({ Name: name, Soft: soft, Hard: hard }));
  const variables = step.mounts.filter(({ type, env: name }) => type === 'secret' && name !== undefined);
  return {
    meta: {
      args,
      env,
      cwd,
      ...(user === '' ? {} : { user }),
      ...(extraHosts.length === 0 ? {} : { extraHosts }),
      ...(hostname ? { hostname } : {}),
      ...(limits.length === 0 ? {} : { ulimit: limits }),
      removeMountStubsRecursive: true,
    },
    mounts: [
      { ...(places[0] === -1 ? { input: -1 } : {}), dest: '/' },
      ...step.mounts
        .filter(({ type, file }) => type !== 'secret' || file === true)
        .map((mount) => mountOf(mount, places)),
    ],
    ...(NETWORKS[network] === undefined ? {} : { network: NETWORKS[network] }),
    ...(security === 'insecure' ? { security: 1 } : {}),
    ...(variables.length === 0 ? {} : { secretenv: variables.map(variableOf) }),
  };
}

const variableOf = ({ id = '', env = '', required }: RunMount) => ({
  ID: id,
  name: env,
  ...(required ? {} : { optional: true }),
});

const KINDS = { bind: undefined, secret: 1, ssh: 2, cache: 3, tmpfs: 4 } as const;
const SHARINGS = { shared: undefined, private: 1, locked: 2 } as const;
/** Of what appears in a step, where the line says nothing. */
const USUAL_MODES = { secret: 0o400, ssh: 0o600 };

function mountOf(mount: RunMount, places: readonly number[]): object {
  const { type, target, source, input } = mount;
  const place = input === undefined ? -1 : (places[input] ?? -1);
  const isTree = type === 'bind' || type === 'cache';
  return {
    ...(place === 0 ? {} : { input: place }),
    ...(source === undefined ? {} : { selector: source }),
    dest: target,
    ...(isTree ? { output: -1 } : {}),
    ...(isTree && mount.readonly ? { readonly: true } : {}),
    ...(KINDS[type] === undefined ? {} : { mountType: KINDS[type] }),
    ...mountOptions(mount),
  };
}

function mountOptions({ type, id: ID = '', size, sharing: name = 'shared', ...mount }: RunMount): object {
  if (type === 'tmpfs') return { TmpfsOpt: size === undefined ? {} : { size } };
  if (type === 'cache') {
    const sharing = SHARINGS[name];
    return { cacheOpt: { ID, ...(sharing === undefined ? {} : { sharing }) } };
  }
  if (type === 'bind') return {};
  const { uid, gid, mode = USUAL_MODES[type], required } = mount;
  const asked = { ID, ...(uid ? { uid } : {}), ...(gid ? { gid } : {}), mode, ...(required ? {} : { optional: true }) };
  return type === 'secret' ? { secretOpt: asked } : { SSHOpt: asked };
}
