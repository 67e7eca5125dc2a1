/** Manifests, indexes and configurations whose values are other than they should be. */
import type { Random } from '#test/fuzz/random.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;
const LAYER = { mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest: DIGEST, size: 10 };
const CONFIG = { mediaType: 'application/vnd.oci.image.config.v1+json', digest: DIGEST, size: 10 };
const HEALTH = { Test: ['CMD', 'x'], Interval: 1e9, Timeout: 1, StartPeriod: 1, StartInterval: 1, Retries: 3 };

/** Honest documents to begin with. */
const HONEST: object[] = [
  { schemaVersion: 2, mediaType: 'application/vnd.oci.image.manifest.v1+json', config: CONFIG, layers: [LAYER, LAYER] },
  {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.index.v1+json',
    manifests: [
      { ...CONFIG, platform: { os: 'linux', architecture: 'amd64', variant: 'v1', 'os.features': ['x'] } },
      { ...CONFIG, annotations: { 'org.opencontainers.image.ref.name': 'a/b:1' }, urls: ['http://x/'] },
    ],
  },
  {
    created: '2024-01-02T03:04:05Z',
    author: 'a',
    os: 'linux',
    architecture: 'amd64',
    variant: 'v1',
    docker_version: '1',
    config: {
      User: '1:2',
      Env: ['A=b', 'C'],
      Entrypoint: ['x'],
      Cmd: ['y'],
      WorkingDir: '/x',
      Labels: { a: 'b' },
      ExposedPorts: { '80/tcp': {} },
      Volumes: { '/v': {} },
      StopSignal: 'TERM',
      Healthcheck: HEALTH,
      OnBuild: ['RUN x'],
      Shell: ['sh'],
      ArgsEscaped: true,
    },
    rootfs: { type: 'layers', diff_ids: [DIGEST, DIGEST] },
    history: [{ created: '2024-01-02T03:04:05Z', created_by: 'x', empty_layer: true, comment: 'c', author: 'a' }],
  },
];

const TEXTS = [
  '',
  'x',
  '../../x',
  `sha256:../../${'a'.repeat(59)}`,
  `sha512:${'a'.repeat(128)}`,
  'a\nb\x1b[31m',
  '\0',
  '\u2028',
];

function oddValue(chance: Random, depth = 0): unknown {
  const kind = chance.below(depth > 3 ? 7 : 11);
  if (kind === 0) return null;
  if (kind === 1) return chance.pick([0, -1, 1.5, 1e308, 2 ** 53, 2 ** 31, 4 * 1024 ** 2 + 1]);
  if (kind === 2) return chance.chance(0.5);
  if (kind < 6) return chance.pick(TEXTS);
  if (kind === 6) return chance.pick(['A', 'a-', '1.', '[:'])[0]?.repeat(chance.pick([10, 300, 100_000]));
  if (kind < 9) return Array.from({ length: chance.below(4) }, () => oddValue(chance, depth + 1));
  return oddObject(chance, depth);
}

function oddObject(chance: Random, depth: number): object {
  const keys = Array.from({ length: chance.below(4) }, () =>
    chance.pick(['__proto__', 'constructor', 'toString', ...TEXTS]),
  );
  const entries = keys.map((key) => [key, oddValue(chance, depth + 1)]);
  return Object.fromEntries(entries);
}

/** All places in a document: an object or a list, and a key of it. */
function places(value: unknown): Place[] {
  if (typeof value !== 'object' || value === null) return [];
  const within = value as Record<string, unknown>;
  return Object.keys(within).flatMap((key) => [{ within, key }, ...places(within[key])]);
}

type Place = { within: Record<string, unknown>; key: string };

/** What happens to one value. */
const CHANGES: ((place: Place, chance: Random) => void)[] = [
  ({ within, key }) => delete within[key],
  ({ within, key }) => {
    within[key] = null;
  },
  ({ within, key }, chance) => {
    within[key] = typeof within[key] === 'string' ? chance.pick(TEXTS) : oddValue(chance);
  },
  ({ within, key }, chance) => {
    within[key] = oddValue(chance);
  },
  ({ within }, chance) => Object.assign(within, oddObject(chance, 1)),
];

/** What happens to the text: nesting, keys that are there twice, numbers beyond all bounds, an early end. */
const TEXT_CHANGES: ((text: string, chance: Random) => string)[] = [
  (text) => text.replace('{', `{"layers":${'['.repeat(100_000)}${']'.repeat(100_000)},`),
  (text) => text.replace('{', '{"__proto__":{"os":"x","layers":[]},"config":7,"config":null,'),
  (text) => text.replace(/:\d+/g, ':1e999'),
  (text, chance) => text.slice(0, chance.below(text.length)),
  (text) => `\ufeff${text}`,
];

/** The same document with up to three values changed. */
export function oddChange(honest: object, chance: Random): object {
  const document = structuredClone(honest) as Record<string, unknown>;
  for (let left = 1 + chance.below(3); left > 0; left -= 1) {
    chance.pick(CHANGES)(chance.pick(places(document)) ?? { within: document, key: 'x' }, chance);
  }
  return document;
}

/** One document as bytes. */
export function oddDocument(chance: Random): Buffer {
  const text = JSON.stringify(oddChange(chance.pick(HONEST), chance));
  return Buffer.from(chance.chance(0.1) ? chance.pick(TEXT_CHANGES)(text, chance) : text);
}
