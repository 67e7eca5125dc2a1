import { expect, test } from 'vitest';
import { type ProvenanceWish, packageUrl, predicateOf, statementOf } from '#build/provenance.ts';
import type { BuildRequest } from '#build/request.ts';
import type { Plan } from '#build/vertex.ts';
import { buildRequest } from '#test/support/build-request.ts';

const AMD = { os: 'linux', architecture: 'amd64' };
const request = buildRequest({
  dockerfile: { name: 'Dockerfile', text: 'FROM scratch\n' },
  buildArgs: { TOKEN: 'hush' },
  labels: { a: 'b' },
  target: 'last',
  secrets: [{ id: 'key', file: '/k' }],
});
const plain: BuildRequest = { ...request, buildArgs: {}, labels: {}, target: '' };
const wish = (more: Partial<ProvenanceWish>): ProvenanceWish => ({
  mode: 'min',
  version: 'v0.2',
  builderId: '',
  inlineOnly: false,
  reproducible: false,
  ...more,
});
const secret = { type: 'secret', target: '/run/secrets/key', id: 'key', readonly: true, file: true, mode: 256 };
const plan = {
  vertices: [
    {
      op: 'image',
      name: '',
      inputs: [],
      platform: AMD,
      reference: 'docker.io/library/busybox:latest',
      place: [{ start: 1, end: 1 }],
    },
    { op: 'local', name: '', inputs: [], platform: AMD, context: '' },
    { op: 'scratch', name: '', inputs: [], platform: AMD },
    {
      op: 'file',
      name: '',
      inputs: [0, 1, 2],
      platform: AMD,
      actions: [
        { action: 'mkdir', target: '/w', mode: 0o755 },
        { action: 'copy', from: 1, source: '/a', target: '/w/', exclude: [], mode: '640', owner: 'app:5' },
      ],
    },
    {
      op: 'run',
      name: '',
      inputs: [3],
      platform: AMD,
      args: ['make'],
      env: [],
      cwd: '/',
      user: '',
      mounts: [secret],
      network: 'none',
      security: 'sandbox',
      hosts: [],
      ulimits: [],
      proxy: { HTTP_PROXY: 'http://me:word@proxy' },
    },
  ],
  targets: [{ platform: AMD, result: 4, config: {} }],
  warnings: [],
  contexts: { '': ['a'] },
} as unknown as Plan;
const subject = { names: ['docker.io/library/app:1'], platform: AMD, digest: 'sha256:ab' };
const layers = [{ mediaType: 'layer', digest: 'sha256:1', size: 1 }];
const about = { subject, materials: [], times: { id: 'x', started: 0, finished: 1000 }, plan, target: 0, layers };

test('an image is named by a package URL', () => {
  expect(packageUrl('busybox', AMD)).toBe('pkg:docker/busybox@latest?platform=linux%2Famd64');
  expect(packageUrl('r.example/a/b:2', { ...AMD, variant: 'v3' })).toBe(
    'pkg:docker/r.example/a/b@2?platform=linux%2Famd64%2Fv3',
  );
});

test('the file of metadata tells the arguments, as with Docker', () => {
  const { parameters } = predicateOf(request, about).invocation;
  expect(parameters.args).toEqual({ 'build-arg:TOKEN': 'hush', 'label:a': 'b', target: 'last' });
});

test('mode=min tells no value of an argument and no secret’s name', () => {
  const text = JSON.stringify(statementOf({ ...request, provenance: wish({}) }, about));
  expect(text).not.toMatch(/hush|key|label:/);
  expect(JSON.parse(text)).toMatchObject({
    predicateType: 'https://slsa.dev/provenance/v0.2',
    subject: [{ name: 'pkg:docker/app@1?platform=linux%2Famd64', digest: { sha256: 'ab' } }],
    predicate: { metadata: { completeness: { parameters: false }, buildFinishedOn: '1970-01-01T00:00:01.000Z' } },
  });
});

test('mode=max tells the arguments and the Dockerfile', () => {
  const text = JSON.stringify(statementOf({ ...request, provenance: wish({ mode: 'max' }) }, about));
  expect(text).toContain('"build-arg:TOKEN":"hush"');
  expect(text).toContain(Buffer.from('FROM scratch\n').toString('base64'));
});

test('what asks for nothing has no arguments, and withholds none', () => {
  const statement = JSON.parse(JSON.stringify(statementOf({ ...plain, provenance: wish({}) }, about)));
  expect(statement.predicate.invocation.parameters).toEqual({
    frontend: 'dockerfile.v0',
    locals: [{ name: 'context' }, { name: 'dockerfile' }],
  });
  expect(statement.predicate.metadata.completeness.parameters).toBe(true);
});

test('an image without a name has no subject', () => {
  expect(statementOf(plain, { ...about, subject: { ...subject, names: [] } })).toMatchObject({ subject: [] });
});

test('a secret is told that a step may be given, whoever gave one', () => {
  const { parameters } = predicateOf({ ...plain, secrets: [{ id: 'other', file: '/o' }] }, about).invocation;
  expect(parameters.secrets).toEqual([{ id: 'key', optional: true }]);
});

test('settings of the build are arguments of the frontend, by its names', () => {
  const asked: BuildRequest = {
    ...plain,
    network: 'none',
    hosts: ['a:1.2.3.4'],
    ulimits: [{ name: 'nofile', soft: 10, hard: 20 }],
    shmSize: 1024,
    noCacheFilter: ['one', 'two'],
    contexts: { '': { kind: 'directory', path: '/' }, foo: { kind: 'directory', path: '/f' } },
  };
  expect(predicateOf(asked, about).invocation.parameters.args).toEqual({
    'add-hosts': 'a=1.2.3.4',
    'context:foo': 'local:foo',
    'force-network-mode': 'none',
    'frontend.caps': 'moby.buildkit.frontend.contexts+forward',
    'no-cache': 'one,two',
    'shm-size': '1024',
    ulimit: 'nofile=10:20',
  });
});

test('mode=max tells the steps in the shape of BuildKit’s, and nothing of proxies', () => {
  const materials = [{ uri: 'pkg:docker/busybox@latest?platform=linux%2Famd64', digest: { sha256: 'ff' } }];
  const text = JSON.stringify(statementOf({ ...plain, provenance: wish({ mode: 'max' }) }, { ...about, materials }));
  expect(text).not.toContain('word@proxy');
  const { buildConfig, metadata } = JSON.parse(text).predicate;
  const { llbDefinition, digestMapping } = buildConfig;
  expect(llbDefinition).toMatchObject([
    {
      id: 'step0',
      op: { Op: { source: { identifier: 'docker-image://docker.io/library/busybox:latest@sha256:ff' } } },
    },
    { id: 'step1', op: { Op: { source: { attrs: { 'local.followpaths': '["a"]' }, identifier: 'local://context' } } } },
    {
      id: 'step2',
      inputs: ['step0:0', 'step1:0'],
      op: {
        Op: {
          file: {
            actions: [
              { input: 0, secondaryInput: -1, output: -1, Action: { mkdir: { path: '/w', mode: 0o755 } } },
              {
                input: 2,
                secondaryInput: 1,
                output: 0,
                Action: {
                  copy: {
                    mode: 0o640,
                    owner: { user: { User: { byName: { name: 'app' } } }, group: { User: { byID: 5 } } },
                  },
                },
              },
            ],
          },
        },
      },
    },
    {
      id: 'step3',
      inputs: ['step2:0'],
      op: {
        Op: {
          exec: {
            network: 2,
            mounts: [{ dest: '/' }, { input: -1, mountType: 1, secretOpt: { ID: 'key', mode: 256, optional: true } }],
          },
        },
      },
    },
    { id: 'step4', op: { Op: {} }, inputs: ['step3:0'] },
  ]);
  expect(Object.values(digestMapping).sort()).toEqual(['step0', 'step1', 'step2', 'step3', 'step4']);
  expect(metadata['https://mobyproject.org/buildkit@v1#metadata']).toMatchObject({
    source: { locations: { step0: { locations: [{ ranges: [{ start: { line: 1 } }] }] }, step1: {} } },
    layers: { 'step3:0': [layers] },
  });
});

test('no step tells the credentials of an address', () => {
  const from = (more: object) => ({ name: '', inputs: [], platform: AMD, ...more });
  const vertices = [
    from({ op: 'http', url: 'https://ghp_tok@host/f', filename: 'f' }),
    from({ op: 'http', url: 'https://u:p@q@host/f', filename: 'f' }),
    from({ op: 'git', url: 'https://me:ghp_tok@host/a.git', ref: 'main' }),
    from({ op: 'git', url: 'ssh://git@host/a.git' }),
    from({ op: 'file', inputs: [0, 1, 2, 3], actions: [] }),
  ];
  const fetching = { ...plan, vertices, targets: [{ platform: AMD, result: 4, config: {} }] } as unknown as Plan;
  const text = JSON.stringify(
    statementOf({ ...plain, provenance: wish({ mode: 'max' }) }, { ...about, plan: fetching }),
  );
  expect(text).not.toMatch(/ghp_tok|p@q/);
  const sources = JSON.parse(text).predicate.buildConfig.llbDefinition.slice(0, 4);
  expect(sources.map((step: { op: { Op: { source: object } } }) => step.op.Op.source)).toMatchObject([
    { identifier: 'https://xxxxx@host/f' },
    { identifier: 'https://xxxxx:xxxxx@host/f' },
    { identifier: 'git://host/a.git#main', attrs: { 'git.fullurl': 'https://xxxxx:xxxxx@host/a.git' } },
    { identifier: 'git://host/a.git', attrs: { 'git.fullurl': 'ssh://git@host/a.git' } },
  ]);
});

test('version 1 says the same in its own words', () => {
  const provenance = wish({ version: 'v1', builderId: 'me', reproducible: true });
  expect(statementOf({ ...request, provenance }, about)).toMatchObject({
    predicateType: 'https://slsa.dev/provenance/v1',
    predicate: {
      buildDefinition: {
        externalParameters: { configSource: { path: 'Dockerfile' }, request: { args: { target: 'last' } } },
      },
      runDetails: {
        builder: { id: 'me' },
        metadata: {
          invocationId: 'x',
          startedOn: '1970-01-01T00:00:00.000Z',
          buildkit_completeness: { request: false, resolvedDependencies: false },
          buildkit_reproducible: true,
        },
      },
    },
  });
});
