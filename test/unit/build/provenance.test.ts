import { expect, test } from 'vitest';
import { packageUrl, predicateOf, statementOf } from '#build/provenance.ts';
import type { BuildRequest } from '#build/request.ts';

const AMD = { os: 'linux', architecture: 'amd64' };
const request = {
  dockerfile: { name: 'Dockerfile', text: 'FROM scratch\n' },
  buildArgs: { TOKEN: 'hush' },
  labels: { a: 'b' },
  target: 'last',
  noCache: false,
  secrets: [{ id: 'key', file: '/k' }],
  ssh: [],
} as unknown as BuildRequest;
const plan = { vertices: [], targets: [], warnings: [], contexts: {} };
const subject = { names: ['docker.io/library/app:1'], platform: AMD, digest: 'sha256:ab' };
const about = { subject, materials: [], times: { id: 'x', started: 0, finished: 1000 }, plan };

test('an image is named by a package URL', () => {
  expect(packageUrl('busybox', AMD)).toBe('pkg:docker/busybox@latest?platform=linux%2Famd64');
  expect(packageUrl('r.example/a/b:2', { ...AMD, variant: 'v3' })).toBe(
    'pkg:docker/r.example/a/b@2?platform=linux%2Famd64%2Fv3',
  );
});

test('the file of metadata tells the arguments, as with Docker', () => {
  const { parameters } = predicateOf(request, AMD, []).invocation;
  expect(parameters.args).toEqual({ 'build-arg:TOKEN': 'hush', 'label:a': 'b', target: 'last' });
});

test('mode=min tells no value of an argument and no secret’s name', () => {
  const text = JSON.stringify(statementOf({ ...request, provenance: 'min' }, about));
  expect(text).not.toMatch(/hush|key|label:/);
  expect(JSON.parse(text)).toMatchObject({
    predicateType: 'https://slsa.dev/provenance/v0.2',
    subject: [{ name: 'pkg:docker/app@1?platform=linux%2Famd64', digest: { sha256: 'ab' } }],
    predicate: { metadata: { completeness: { parameters: false }, buildFinishedOn: '1970-01-01T00:00:01.000Z' } },
  });
});

test('mode=max tells the arguments and the Dockerfile', () => {
  const text = JSON.stringify(statementOf({ ...request, provenance: 'max' }, about));
  expect(text).toContain('"build-arg:TOKEN":"hush"');
  expect(text).toContain(Buffer.from('FROM scratch\n').toString('base64'));
});
