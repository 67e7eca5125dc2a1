import { expect, test } from 'vitest';
import { nameServersOf, zonesOf } from '#network/dns.ts';
import { bridgeState, lease } from '#test/support/network.ts';

const state = (part: Partial<Parameters<typeof zonesOf>[0]>) => ({ bootId: 'b', bridges: [], leases: [], ...part });
const [one, two] = ['1'.repeat(64), '2'.repeat(64)];

test('a network with names is a file: where to listen, whom to ask, and a line a container', () => {
  const bridges = [bridgeState({ gateways: ['10.1.2.1', 'fd00::1'] })];
  const leases = [
    lease({ id: one, address: '10.1.2.2', address6: 'fd00::2', names: ['db', 'database', '111111111111'] }),
    lease({ id: two, address: '10.1.2.3', names: ['web'], dns: ['9.9.9.9', '8.8.8.8'] }),
  ];
  const { all, inner } = zonesOf(state({ bridges, leases }), ['192.0.2.53']);
  expect([...all]).toEqual([
    [
      'web',
      `10.1.2.1,fd00::1 192.0.2.53
${one} 10.1.2.2 fd00::2 db.web,db,database,111111111111,database.web,111111111111.web
${two} 10.1.2.3  web.web,web 9.9.9.9,8.8.8.8
`,
    ],
  ]);
  expect(inner.size).toBe(0);
});

test('the default network has no names', () => {
  const bridges = [bridgeState({ network: 'bridge', hasNames: false })];
  const { all } = zonesOf(state({ bridges, leases: [lease({ network: 'bridge', address: '172.17.0.2' })] }), []);
  expect(all.size).toBe(0);
});

test('an internal network is served by a server that asks nobody, and known to the other one, which listens elsewhere', () => {
  const bridges = [bridgeState(), bridgeState({ network: 'back', gateways: ['10.2.0.1'], isInternal: true })];
  const leases = [lease({ id: one, network: 'back', address: '10.2.0.2', names: ['db'] })];
  const { all, inner } = zonesOf(state({ bridges, leases }), ['192.0.2.53']);
  const line = `${one} 10.2.0.2  db.back,db`;
  expect(inner.get('back')).toBe(`10.2.0.1\n${line}\n`);
  expect(all.get('back')).toBe(`127.53.0.1 192.0.2.53\n${line}\n`);
});

test('what would break a line is left out: nobody could ask for it', () => {
  const leases = [lease({ id: one, address: '10.1.2.2', names: ['db', 'a b', 'x,y'], dns: ['nonsense'] })];
  const { all } = zonesOf(state({ bridges: [bridgeState()], leases }), []);
  expect(all.get('web')).toBe(`10.1.2.1\n${one} 10.1.2.2  db.web,db\n`);
});

test('links are names, too, unless somebody is called so or two mean different ones', () => {
  const leases = [
    lease({ id: one, address: '10.1.2.2', names: ['postgres'] }),
    lease({
      id: two,
      address: '10.1.2.3',
      names: ['web'],
      links: [
        { target: 'postgres', alias: 'db' },
        { target: one.slice(0, 6), alias: 'store' },
        { target: 'postgres', alias: 'web' },
        { target: 'nobody', alias: 'lost' },
        { target: 'postgres', alias: 'either' },
      ],
    }),
    lease({ id: '3'.repeat(64), names: ['third'], links: [{ target: 'web', alias: 'either' }] }),
  ];
  const text = zonesOf(state({ bridges: [bridgeState()], leases }), []).all.get('web') ?? '';
  expect(text.split('\n')[1]).toBe(`${one} 10.1.2.2  postgres.web,postgres,db,store`);
  expect(text).not.toMatch(/either|lost/);
});

test('a container asks at its networks, and at those that lead nowhere only when it has no other', () => {
  const open = bridgeState({ gateways: ['10.1.2.1', 'fd00::1'] });
  const inner = bridgeState({ gateways: ['10.2.0.1'], isInternal: true });
  const unnamed = bridgeState({ gateways: ['172.17.0.1'], hasNames: false });
  expect(nameServersOf([open, inner, unnamed])).toEqual(['10.1.2.1', 'fd00::1']);
  expect(nameServersOf([inner, unnamed])).toEqual(['10.2.0.1']);
  expect(nameServersOf([unnamed])).toEqual([]);
});

test('who shares a name leads in turn, and what each is called stays', () => {
  const ids = ['1', '2', '3'].map((digit) => digit.repeat(64));
  const leases = ids.map((id, at) => lease({ id, address: `10.1.2.${at + 2}`, names: [`web${at}`, 'web'] }));
  const alone = lease({ id: '4'.repeat(64), address: '10.1.2.9', names: ['db'] });
  const orders = [0, 1, 2, 3].map((turn) => {
    const { all } = zonesOf(state({ bridges: [bridgeState()], leases: [alone, ...leases] }), [], turn);
    return [...(all.get('web') ?? '').matchAll(/(web\d),web,/g)].map(([, name]) => name);
  });
  expect(orders).toEqual([
    ['web0', 'web1', 'web2'],
    ['web1', 'web2', 'web0'],
    ['web2', 'web0', 'web1'],
    ['web0', 'web1', 'web2'],
  ]);
});
