import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { describeMonitor, makePlace, type Place, type Settings, startMonitor } from '#test/support/monitor.ts';

interface Line {
  Type: string;
  Action: string;
  Actor: { ID: string; Attributes: Record<string, string> };
  scope: string;
  time: number;
}

const events = (place: Place, name = 'events'): Line[] =>
  place
    .read(name)
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

const actions = (place: Place) => events(place).map(({ Action }) => Action);

describeMonitor((build) => {
  const start = (place: Place, script: string, settings: Settings = {}) => {
    const own = { events: place.at('events'), 'event-attributes': place.at('event.json') };
    return startMonitor({ build, place, script, settings: { ...own, ...settings } });
  };
  const withAttributes = (attributes: Record<string, string>) => {
    const place = makePlace();
    writeFileSync(place.at('event.json'), JSON.stringify(attributes));
    return place;
  };

  test('notes start and die, before anybody is told of the end', async () => {
    const place = withAttributes({ role: 'db "x"', image: 'busybox', name: 'web' });
    const before = Math.floor(Date.now() / 1000);
    expect(await start(place, 'sleep 1.1; exit 3').hear('exit')).toBe('exit 3 0');
    const [started, died, ...others] = events(place);
    expect(others).toEqual([]);
    const attributes = { role: 'db "x"', image: 'busybox', name: 'web' };
    expect(started).toMatchObject({
      Type: 'container',
      Action: 'start',
      scope: 'local',
      Actor: { Attributes: attributes },
    });
    expect(started?.time).toBeGreaterThanOrEqual(before);
    expect(died).toMatchObject({
      Action: 'die',
      Actor: { ID: started?.Actor.ID, Attributes: { ...attributes, exitCode: '3', execDuration: '1' } },
    });
    expect(place.read('events')).toMatch(/,"time":(\d+),"timeNano":\1\d{9}\}\n$/);
  });

  test('tells of a container by the name that it has by then, and lets a label win over what the event has', async () => {
    const place = withAttributes({ name: 'old' });
    const monitor = start(place, `until [ -e ${place.at('go')} ]; do sleep 0.01; done`);
    await monitor.hear('started');
    writeFileSync(place.at('event.json'), '{"exitCode":"mine","name":"new"}\n');
    writeFileSync(place.at('go'), '');
    await monitor.hear('exit');
    expect(events(place).map(({ Actor }) => Actor.Attributes)).toMatchObject([
      { name: 'old' },
      { name: 'new', exitCode: 'mine' },
    ]);
  });

  test('notes each start and each end of a container that its policy restarts, whoever has gone', async () => {
    const place = withAttributes({ name: 'again' });
    const monitor = start(place, 'exit 1', { restart: 'on-failure', 'restart-max': 2 });
    monitor.hangUp();
    await monitor.ended;
    expect(actions(place)).toEqual(['start', 'die', 'start', 'die', 'start', 'die']);
  });

  test('notes what was killed for memory', async () => {
    const place = withAttributes({});
    writeFileSync(place.at('memory.events'), 'oom_kill 1\n');
    const script = `echo oom_kill 2 > ${place.at('memory.events')}; exit 7`;
    await start(place, script, { 'oom-file': place.at('memory.events') }).hear('exit');
    expect(actions(place)).toEqual(['start', 'oom', 'die']);
  });

  test('notes the end of a process that was added to a container, as the container’s', async () => {
    const place = withAttributes({ name: 'web' });
    const monitor = start(place, 'exit 4', { mode: 'exec', id: 'e1', 'event-id': 'c1', state: undefined });
    await monitor.hear('exit');
    expect(events(place)).toMatchObject([
      { Action: 'exec_die', Actor: { ID: 'c1', Attributes: { execID: 'e1', exitCode: '4', name: 'web' } } },
    ]);
  });

  test('begins a new journal when the old one is full', async () => {
    const place = withAttributes({});
    writeFileSync(place.at('events'), `${' '.repeat(4 << 20)}\n`);
    await start(place, 'exit 0').hear('exit');
    expect(place.read('events.1').trim()).toContain('"Action":"start"');
    expect(actions(place)).toEqual(['die']);
  });

  test('goes on where no journal can be written, and without attributes', async () => {
    const place = makePlace();
    mkdirSync(place.at('events'));
    expect(await start(place, 'exit 5').hear('exit')).toBe('exit 5 0');
    const silent = makePlace();
    expect(await start(silent, 'exit 6', { events: undefined }).hear('exit')).toBe('exit 6 0');
    expect(existsSync(silent.at('events'))).toBe(false);
  });
});
