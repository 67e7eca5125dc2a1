import { describe, expect, test } from 'vitest';
import { type ContainerFacts, judgeContainers } from '#container/check.ts';

const ID = 'a'.repeat(64);
const OTHER = 'b'.repeat(64);
const fact = {
  id: ID,
  record: 'whole',
  name: 'web',
  state: 'whole',
  network: 'absent',
  isAttended: false,
  hasFiles: false,
} as const;
const nameless = { ...fact, record: 'malformed', name: undefined } as const;
const owner = { name: 'web', id: ID, isBeingMade: false };
const whole: ContainerFacts = { containers: [fact], names: [owner], strangers: [], remains: [] };
const places = { container: (_id: string, file = '') => `container ${file}`, name: (name: string) => `name ${name}` };

test('a whole container has no damage', () => expect(judgeContainers(whole, places)).toEqual([]));

describe('damage is named, with what mends it', () => {
  test.each<[string, Partial<ContainerFacts>, [path: string, remedy: string | undefined, advice: RegExp][]]>([
    [
      'a record',
      { containers: [nameless as never] },
      [['container container.json', 'set aside', /^remove the container$/]],
    ],
    [
      'a record beside files',
      { containers: [{ ...nameless, hasFiles: true } as never] },
      [['container container.json', 'set aside', /go to lost\/aaa/]],
    ],
    [
      'a record of what runs',
      { containers: [{ ...nameless, isAttended: true } as never] },
      [['container container.json', undefined, /wherry rm -f aaaaaaaaaaaa/]],
    ],
    ['a state', { containers: [{ ...fact, state: 'malformed' }] }, [['container state.json', 'end', /255/]]],
    [
      'a state that its monitor will write anew',
      { containers: [{ ...fact, state: 'malformed', isAttended: true }] },
      [],
    ],
    [
      'a network state',
      { containers: [{ ...fact, network: 'malformed' }] },
      [['container network.json', 'forget network', /remove/]],
    ],
    [
      'a network state of what runs',
      { containers: [{ ...fact, network: 'malformed', isAttended: true }] },
      [['container network.json', undefined, /wherry restart web/]],
    ],
    ['a lost name', { names: [] }, [['name web', 'take name', /its name again/]]],
    ['a name of somebody else', { names: [{ ...owner, id: OTHER }] }, [['name web', 'take name', /lead it/]]],
    [
      'a name that leads nowhere',
      { names: [owner, { ...owner, name: 'x', id: OTHER }] },
      [['name x', 'free name', /remove/]],
    ],
    [
      'a name whose file is no ID',
      { names: [owner, { ...owner, name: 'x', id: 'junk' }] },
      [['name x', 'free name', /remove/]],
    ],
    ['a second name', { names: [owner, { ...owner, name: 'x' }] }, [['name x', 'free name', /remove/]]],
    ['a name whose container is being made', { names: [owner, { name: 'x', id: OTHER, isBeingMade: true }] }, []],
    ['a stranger', { strangers: ['junk'] }, [['junk', 'stranger', /lost/]]],
    ['what a monitor left', { remains: ['monitors/x'] }, [['monitors/x', 'remains', /remove/]]],
  ])('%s', (_, change, expected) => {
    const found = judgeContainers({ ...whole, ...change }, places);
    expect(found.map(({ path, remedy }) => [path, remedy?.kind])).toEqual(expected.map(([path, kind]) => [path, kind]));
    for (const [at, [, , advice]] of expected.entries()) expect(found[at]?.advice).toMatch(advice);
  });
});
