import { describe, expect, test } from 'vitest';
import type { Definition } from '#cli/command.ts';
import { LIST_FORMAT_SUMMARY } from '#cli/format.ts';
import { commandHelp, groupHelp, programHelp, usageLine } from '#cli/help.ts';
import { boolean, integer, map, text } from '#cli/values.ts';

const STOP: Definition = {
  usage: 'CONTAINER [CONTAINER...]',
  summary: 'Stop one or more running containers',
  flags: {
    timeout: { short: 't', as: integer, summary: 'Seconds to wait before killing the container' },
    signal: { short: 's', as: text, summary: 'Signal to send to the container' },
    secret: { as: text, summary: 'Not shown', hidden: true },
    time: { as: integer, summary: 'Not shown', deprecated: 'use --timeout instead' },
  },
  run: () => undefined,
};

describe('commandHelp()', () => {
  test('is laid out as Docker lays it out', () => {
    expect(
      commandHelp('docker', { name: 'stop', key: 'container stop' }, STOP, 79),
    ).toBe(`Usage:  docker stop [OPTIONS] CONTAINER [CONTAINER...]

Stop one or more running containers

Aliases:
  docker container stop, docker stop

Options:
  -s, --signal string   Signal to send to the container
  -t, --timeout int     Seconds to wait before killing the container
`);
  });

  test("shows a group's command under its first name", () => {
    const help = (name: string) => commandHelp('docker', { name, key: 'container ls' }, STOP, 79).split('\n')[0];
    expect(help('container list')).toBe('Usage:  docker container ls [OPTIONS] CONTAINER [CONTAINER...]');
    expect(help('ps')).toBe('Usage:  docker ps [OPTIONS] CONTAINER [CONTAINER...]');
  });

  test('wraps summaries and shows defaults as docker ps does, and shows --help where -h is taken', () => {
    const flags: Definition['flags'] = {
      'api-map': { as: map, summary: 'A map' },
      format: { as: text, summary: LIST_FORMAT_SUMMARY },
      hostname: { short: 'h', as: text, summary: 'Container host name' },
      last: {
        short: 'n',
        as: integer,
        default: '-1',
        summary: 'Show n last created containers (includes all states)',
      },
      proxy: { as: boolean, default: 'true', summary: 'Proxy' },
      pull: { as: text, default: 'missing', summary: 'Pull' },
    };
    const help = commandHelp('docker', { name: 'x', key: 'version' }, { ...STOP, flags }, 81);
    expect(help).toContain(`Options:
      --api-map map       A map (default map[])
      --format string     Format output using a custom template:
                          'table':            Print output in table format
                          with column headers (default)
                          'table TEMPLATE':   Print output in table format
                          using the given Go template
                          'json':             Print in JSON format
                          'TEMPLATE':         Print output using the given
                          Go template.
                          Refer to https://docs.docker.com/go/formatting/
                          for more information about formatting output with
                          templates
      --help              Print usage
  -h, --hostname string   Container host name
  -n, --last int          Show n last created containers (includes all
                          states) (default -1)
      --proxy             Proxy (default true)
      --pull string       Pull (default "missing")
`);
  });

  test('names no options in the usage of a command that has none', () => {
    expect(usageLine('docker', 'tag', { ...STOP, usage: 'A B', flags: {} })).toBe('docker tag A B');
  });
});

test('the help of a group lists its commands with their summaries, and no hidden one', async () => {
  const help = await groupHelp('wherry', 'container', 79);
  expect(help).toMatch(/^Usage: {2}wherry container COMMAND\n\nManage containers\n\nCommands:\n/);
  expect(help).toContain('\n  ls          List containers\n');
  expect(help).not.toContain('cleanup');
});

test('the help of the program begins with the common commands and ends with where to read on', async () => {
  const help = await programHelp('wherry', 79);
  expect(help).toMatch(/Common Commands:\n {2}run {9}Create and run a new container from an image\n/);
  expect(help).toMatch(/Global Options:\n[\s\S]*-D, --debug/);
  expect(help).toMatch(/Run 'wherry COMMAND --help' for more information on a command\.\n$/);
});
