/** The format of a CDI file (CDI 1.1, "CDI JSON Specification"), checked. Pure. */

interface CdiDeviceNode {
  /** In the container. */
  path: string;
  /** Absent: as in the container. */
  hostPath?: string;
  type?: string;
  major?: number;
  minor?: number;
  fileMode?: number;
  /** r, w, m. */
  permissions?: string;
  uid?: number;
  gid?: number;
}

interface CdiMount {
  hostPath: string;
  containerPath: string;
  type?: string;
  options?: string[];
}

export interface CdiHook {
  hookName: string;
  path: string;
  args?: string[];
  env?: string[];
  timeout?: number;
}

/** What a device changes in a container. */
export interface CdiEdits {
  env?: string[];
  deviceNodes?: CdiDeviceNode[];
  mounts?: CdiMount[];
  hooks?: CdiHook[];
  additionalGids?: number[];
}

export interface CdiFile {
  cdiVersion: string;
  kind: string;
  devices: { name: string; containerEdits?: CdiEdits }[];
  containerEdits?: CdiEdits;
}

/** Checks what a file has parsed to. Throws an Error that says what is wrong. */
export function checkCdi(value: unknown): CdiFile {
  const file = fields(value, 'the file', ['cdiVersion', 'kind', 'annotations', 'devices', 'containerEdits']);
  const version = word(file.cdiVersion, 'cdiVersion');
  if (!/^v?(0\.[3-8]|1\.[01])\.\d+$/.test(version)) throw new Error(`cdiVersion ${version} is not known`);
  const kind = word(file.kind, 'kind');
  if (!KIND.test(kind)) throw new Error(`kind "${kind}" is not of the form vendor.com/class`);
  const devices = items(file.devices, 'devices').map((one) => {
    const device = fields(one, 'a device', ['name', 'annotations', 'containerEdits']);
    const name = word(device.name, 'the name of a device');
    if (!NAME.test(name)) throw new Error(`"${name}" can't be the name of a device`);
    return { name, containerEdits: checkEdits(device.containerEdits) };
  });
  if (devices.length === 0) throw new Error('it has no devices');
  const names = devices.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new Error(`it has two devices "${twice}"`);
  return { cdiVersion: version, kind, devices, containerEdits: checkEdits(file.containerEdits) };
}

const KIND = /^[A-Za-z]([\w.-]*[A-Za-z0-9])?\/[A-Za-z]([\w.-]*[A-Za-z0-9])?$/;
const NAME = /^[A-Za-z0-9]([\w.:-]*[A-Za-z0-9])?$/;

function checkEdits(value: unknown): CdiEdits {
  if (value === undefined || value === null) return {};
  const known = ['env', 'deviceNodes', 'netDevices', 'hooks', 'mounts', 'intelRdt', 'additionalGids'];
  const edits = fields(value, 'containerEdits', known);
  for (const name of ['netDevices', 'intelRdt']) {
    if (edits[name] !== undefined && edits[name] !== null) throw new Error(`wherry can't give ${name} to a container`);
  }
  return {
    env: items(edits.env, 'env').map(variable),
    deviceNodes: items(edits.deviceNodes, 'deviceNodes').map(deviceNode),
    mounts: items(edits.mounts, 'mounts').map(mount),
    hooks: items(edits.hooks, 'hooks').map(hook),
    additionalGids: items(edits.additionalGids, 'additionalGids').map((id) => number(id, 'additionalGids')),
  };
}

function variable(value: unknown): string {
  const text = word(value, 'env');
  if (/^[^=]+=/.test(text)) return text;
  throw new Error(`"${text}" is no variable with a value`);
}

const NODE_FIELDS = ['path', 'hostPath', 'type', 'major', 'minor', 'fileMode', 'permissions', 'uid', 'gid'];

function deviceNode(value: unknown): CdiDeviceNode {
  const node = fields(value, 'a device node', NODE_FIELDS);
  const texts = ['hostPath', 'type', 'permissions'].flatMap((name) => optional(name, node[name], word));
  const numbers = ['major', 'minor', 'fileMode', 'uid', 'gid'].flatMap((name) => optional(name, node[name], number));
  const made = { ...Object.fromEntries([...texts, ...numbers]), path: path(node.path, 'path') } as CdiDeviceNode;
  if (!/^[bcup]?$/.test(made.type ?? '')) throw new Error(`"${made.type}" is no type of a device node`);
  if (!/^[rwm]*$/.test(made.permissions ?? '')) throw new Error(`"${made.permissions}" are no permissions`);
  return made;
}

function mount(value: unknown): CdiMount {
  const one = fields(value, 'a mount', ['hostPath', 'containerPath', 'options', 'type']);
  return {
    hostPath: word(one.hostPath, 'hostPath'),
    containerPath: path(one.containerPath, 'containerPath'),
    options: items(one.options, 'options').map((option) => word(option, 'options')),
    ...Object.fromEntries(optional('type', one.type, word)),
  };
}

const HOOKS = ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'];

function hook(value: unknown): CdiHook {
  const one = fields(value, 'a hook', ['hookName', 'path', 'args', 'env', 'timeout']);
  const hookName = word(one.hookName, 'hookName');
  if (!HOOKS.includes(hookName)) throw new Error(`"${hookName}" is no hook`);
  return {
    hookName,
    path: path(one.path, 'the path of a hook'),
    args: items(one.args, 'args').map((arg) => word(arg, 'args')),
    env: items(one.env, 'env').map(variable),
    ...Object.fromEntries(optional('timeout', one.timeout, number)),
  };
}

function optional<T>(name: string, value: unknown, read: (value: unknown, what: string) => T): [string, T][] {
  return value === undefined || value === null ? [] : [[name, read(value, name)]];
}

function fields(value: unknown, what: string, known: readonly string[]): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error(`${what} is no object`);
  const unknown = Object.keys(value).find((key) => !known.includes(key));
  if (unknown !== undefined) throw new Error(`unknown field "${unknown}" in ${what}`);
  return value as Record<string, unknown>;
}

function items(value: unknown, what: string): unknown[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new Error(`${what} is no list`);
  return value;
}

function word(value: unknown, what: string): string {
  if (typeof value === 'string') return value;
  throw new Error(`${what} is no text`);
}

function path(value: unknown, what: string): string {
  const text = word(value, what);
  if (text.startsWith('/')) return text;
  throw new Error(`${what} "${text}" is no absolute path`);
}

function number(value: unknown, what: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
  throw new Error(`${what} is no whole number`);
}
