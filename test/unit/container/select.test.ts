import { describe, expect, test } from 'vitest';
import { readSelection } from '#container/select.ts';
import { seenIn } from '#container/view.ts';
import { addContainer, recordOf, stateOf } from '#test/support/container.ts';
import { temporaryStore } from '#test/support/store.ts';

const store = temporaryStore;
const web = recordOf({
  networks: { bridge: {} },
  config: { Labels: { a: '1' }, ExposedPorts: { '99/tcp': {} } },
  mounts: [{ Type: 'volume', Name: 'vol1', Source: '/v', Destination: '/data', Mode: '', RW: true, Propagation: '' }],
});

function matches(filters: string[], state = stateOf({ status: 'exited', exitCode: 3 })): boolean {
  const made = store();
  return readSelection(made, filters, (_record, ancestor) => ancestor === 'busybox').matches(seenIn(made, web, state));
}

test.each([
  [['name=web']],
  [['name=^/web$']],
  [['name=x', 'name=we']],
  [['id=ccc']],
  [['label=a']],
  [['label=a=1']],
  [['status=exited']],
  [['exited=3']],
  [['ancestor=busybox']],
  [['volume=vol1']],
  [['volume=/data']],
  [['network=bridge']],
  [['health=none']],
  [['is-task=false']],
])('%j takes the container', (filters) => {
  expect(matches(filters)).toBe(true);
});

test.each([
  [['name=db']],
  [['name=web', 'id=fff']],
  [['label=b']],
  [['label=a=2']],
  [['status=running']],
  [['exited=0']],
  [['ancestor=alpine']],
  [['volume=vol']],
  [['network=br']],
  [['health=healthy']],
  [['is-task=true']],
  [['publish=80']],
])('%j leaves it out', (filters) => {
  expect(matches(filters)).toBe(false);
});

test('a container that runs has no exit status', () => {
  expect(matches(['exited=0'], stateOf())).toBe(false);
});

test('before and since compare with another container', () => {
  const made = store();
  addContainer(made, recordOf({ id: 'd'.repeat(64), name: 'older', created: '2025-01-01T00:00:00.000000000Z' }));
  const seen = seenIn(made, web, undefined);
  expect(readSelection(made, ['since=older'], () => false).matches(seen)).toBe(true);
  expect(readSelection(made, ['before=older'], () => false).matches(seen)).toBe(false);
});

test('a status looks at all containers', () => {
  expect(readSelection(store(), ['status=exited'], () => false).all).toBe(true);
  expect(readSelection(store(), ['exited=0'], () => false).all).toBe(false);
});

describe('what makes no sense is refused in the words of Docker', () => {
  test.each([
    [
      'status=foo',
      "invalid filter 'status=foo': invalid value for state (foo): must be one of created, running, paused, restarting, removing, exited, dead",
    ],
    [
      'health=foo',
      "invalid filter 'health=foo': invalid value for health (foo): must be one of none, starting, healthy, unhealthy",
    ],
    ['exited=x', 'invalid filter \'exited=x\': strconv.Atoi: parsing "x": invalid syntax'],
    ['before=nosuch', 'No such container: nosuch'],
    ['publish=abc', 'error while looking up for publish abc: strconv.ParseUint: parsing "abc": invalid syntax'],
    ['expose=90-80', 'error while looking up for expose 90-80: Invalid range specified for the Port: 90-80'],
    ['is-task=x', "invalid filter 'is-task=[x]'"],
    ['foo=bar', "invalid filter 'foo'"],
  ])('%s', (filter, words) => {
    expect(() => readSelection(store(), [filter], () => false)).toThrow(words);
  });
});
