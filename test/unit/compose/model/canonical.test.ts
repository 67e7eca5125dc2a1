import { expect, test } from 'vitest';
import { canonical } from '#compose/model/canonical.ts';
import type { Tree } from '#compose/model/tree.ts';

const service = (body: Record<string, Tree>) => canonical({ services: { web: body } }).services;

test.each<[string, Record<string, Tree>, Record<string, Tree>]>([
  ['a build', { build: './dir' }, { build: { context: './dir' } }],
  ['an env_file', { env_file: 'a' }, { env_file: [{ path: 'a', required: true }] }],
  ['dependencies', { depends_on: ['a'] }, { depends_on: { a: { condition: 'service_started', required: true } } }],
  ['networks', { networks: ['a', 'b'] }, { networks: { a: null, b: null } }],
  ['a device', { devices: ['/a:/b:r'] }, { devices: [{ source: '/a', target: '/b', permissions: 'r' }] }],
  ['a secret', { secrets: ['s'] }, { secrets: [{ source: 's' }] }],
  ['all gpus', { gpus: 'all' }, { gpus: [{ count: 'all' }] }],
  ['name servers', { dns: ['1.1.1.1', ''] }, { dns: ['1.1.1.1'] }],
  [
    'a range of ports',
    { ports: ['127.0.0.1:80-81:90-91/udp'] },
    {
      ports: [
        { mode: 'ingress', host_ip: '127.0.0.1', target: 90, published: '80', protocol: 'udp' },
        { mode: 'ingress', host_ip: '127.0.0.1', target: 91, published: '81', protocol: 'udp' },
      ],
    },
  ],
  [
    'a bind mount',
    { volumes: ['./a:/b/:ro,z'] },
    {
      volumes: [
        { type: 'bind', source: './a', target: '/b', read_only: true, bind: { selinux: 'z', create_host_path: true } },
      ],
    },
  ],
])('%s in short form is written out', (_, short, long) => {
  expect(service(short)).toEqual({ web: long });
});

test('an external network of old gets its name, and a warning', () => {
  const warnings: string[] = [];
  const tree = canonical({ networks: { n: { external: { name: 'x' } } } }, { warn: (text) => warnings.push(text) });
  expect(tree).toEqual({ networks: { n: { external: true, name: 'x' } } });
  expect(warnings).toEqual(['networks.n: external.name is deprecated. Please set name and external: true']);
});

test('without interpolation a short form with variables stays as it is; with it, it is refused', () => {
  const tree = () => ({ services: { web: { ports: ['x:y'] } } });
  expect(canonical(tree(), { lenient: true })).toEqual(tree());
  expect(() => canonical(tree())).toThrow('Invalid containerPort: y');
});
