import { expect, test } from 'vitest';
import { toProject } from '#compose/model/assemble.ts';
import { projectJson, projectYaml, treeJson, treeYaml } from '#compose/model/print.ts';
import { Timestamp } from '#compose/model/timestamp.ts';
import type { TreeMap } from '#compose/model/tree.ts';

const project = (tree: TreeMap) =>
  toProject(tree, { name: 'p', workingDir: '/', composeFiles: [], environment: { A: '1' } });

const WEB: TreeMap = {
  image: 'x',
  command: null,
  environment: { B: '2', A: null },
  ports: [{ mode: 'ingress', target: 80, published: '8080', protocol: 'tcp' }],
  env_file: [{ path: '/a', required: true }, { path: '/b' }],
  networks: { default: null },
  'x-own': { z: 1, a: [true] },
};

test('YAML has the attributes in compose’s order, extensions last, keys sorted', () => {
  expect(projectYaml(project({ services: { web: WEB } }))).toBe(`name: p
services:
  web:
    environment:
      A: null
      B: "2"
    env_file:
      - /a
      - path: /b
        required: false
    image: x
    networks:
      default: null
    ports:
      - mode: ingress
        target: 80
        published: "8080"
        protocol: tcp
    x-own:
      a:
        - true
      z: 1
`);
});

test('JSON has no extensions, and says of a command that there is none', () => {
  expect(projectJson(project({ services: { web: { image: 'x', 'x-own': 1 } }, volumes: { v: null } }))).toBe(`{
  "name": "p",
  "services": {
    "web": {
      "command": null,
      "entrypoint": null,
      "image": "x"
    }
  },
  "volumes": {
    "v": {}
  }
}`);
});

test('what came from the environment into secrets and configs is not printed', () => {
  const made = project({
    services: {},
    secrets: { s: { environment: 'A', 'x-#value': 'hidden' } },
    configs: { c: { environment: 'A', content: 'hidden' }, d: { content: 'shown' } },
  });
  expect([made.secrets?.s?.content, made.configs?.c?.content]).toEqual(['hidden', 'hidden']);
  for (const text of [projectYaml(made), projectJson(made)]) {
    expect(text).not.toContain('hidden');
    expect(text).toContain('shown');
  }
});

test('times of extensions are times again', () => {
  const tree = { b: new Timestamp(0, '', 'Z'), a: [new Timestamp(0, '100', '-05:00'), new Timestamp(0, '', '+00:00')] };
  expect(treeYaml(tree)).toBe(
    'a:\n  - 1970-01-01T00:00:00.1-05:00\n  - 1970-01-01T00:00:00Z\nb: 1970-01-01T00:00:00Z\n',
  );
  expect(treeJson({ b: tree.b })).toBe('{\n  "b": "1970-01-01T00:00:00Z"\n}');
});
