import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { WherryError } from '#base/error.ts';
import { loadProject } from '#compose/load.ts';
import { checkContainerNames } from '#compose/model/consistency.ts';
import { serviceHash } from '#compose/model/hash.ts';
import { projectJson, projectYaml } from '#compose/model/print.ts';
import type { Service } from '#compose/model/project.ts';
import { withoutUnused } from '#compose/model/select.ts';
import { COMPOSE_ASIDE, COMPOSE_FILES, REFUSED_FILES, SERVICE_BODIES } from '#test/support/compose-files.ts';
import { dockerShell, noDocker } from '#test/support/peers.ts';

/** A service's body as a file: with an image where it names none. */
function serviceFile(body: string): string {
  const lines = body.split('\n').map((line) => `    ${line}`);
  const image = /^image:/m.test(body) ? '' : '    image: nginx\n';
  return `services:\n  web:\n${image}${lines.join('\n')}\n`;
}

const CASES: Record<string, string> = { ...COMPOSE_FILES };
for (const [title, body] of Object.entries(SERVICE_BODIES)) CASES[title] = serviceFile(body);

const REFUSED: Record<string, string> = { ...REFUSED_FILES };

/** What the files' variables are. */
const VARIABLES = { CB_SET: 'set', CB_NUMBER: '2', CB_TRUE: 'true' };

const folder = (title: string) => join(inject('scratch'), 'config', title.replace(/\W+/g, '-'));

/** A loop over all cases, as one program has entered the peers' surroundings. */
const LOOP = `
  for dir in */; do
    cd "$dir" || exit 1
    docker-compose config >yaml 2>err
    docker-compose config --format json >json 2>/dev/null
    docker-compose config --hash '*' >hash 2>/dev/null
    cd ..
  done`;

const HOME = '/home/nobody';

/** What `config` does, without a process for each of the many files. */
async function ours(title: string): Promise<Record<string, string>> {
  const cwd = folder(title);
  const environment = { HOME, PATH: process.env.PATH ?? '', ...VARIABLES };
  const options = { files: [], cwd, environment, stdin: async () => '', warn: () => undefined };
  try {
    const project = withoutUnused(await loadProject(options));
    checkContainerNames(project);
    const { services } = withoutUnused(await loadProject({ ...options, resolveEnvironment: false }));
    const hashes = Object.keys(services).map((name) => `${name} ${serviceHash(services[name] as Service)}\n`);
    const printed = { yaml: projectYaml(project), json: projectJson(project), hash: hashes.sort().join('') };
    return { ...printed, yaml: escaped(printed.yaml), json: escaped(printed.json) };
  } catch (error) {
    if (!(error instanceof WherryError)) throw error;
    return { err: error.message };
  }
}

const escaped = (text: string) => text.replaceAll('$', '$$$$');

describe.skipIf(noDocker !== undefined)('config', () => {
  beforeAll(() => {
    vi.stubEnv('HOME', HOME);
    for (const [title, text] of Object.entries({ ...CASES, ...REFUSED })) {
      const directory = folder(title);
      mkdirSync(directory, { recursive: true });
      for (const [name, content] of Object.entries(COMPOSE_ASIDE)) writeFileSync(join(directory, name), content);
      writeFileSync(join(directory, 'compose.yaml'), text);
    }
    const variables = Object.entries({ HOME, ...VARIABLES }).map(([name, value]) => `export ${name}=${value}; `);
    const theirs = dockerShell(`${variables.join('')} cd ${folder('')} && { ${LOOP}; }`);
    expect(theirs).toMatchObject({ status: 0 });
  });

  afterAll(() => vi.unstubAllEnvs());

  const theirs = (title: string, name: string) => readFileSync(join(folder(title), name), 'utf8');

  test.each(Object.keys(CASES))('prints %s as docker compose does', async (title) => {
    const printed = await ours(title);
    for (const name of ['yaml', 'json', 'hash']) {
      // docker compose's JSON of ssh keys with a path is none, and it fails.
      if (name === 'json' && title.startsWith('build ssh') && theirs(title, name) === '') continue;
      expect(printed[name], name).toBe(theirs(title, name));
    }
  });

  test.each(Object.keys(REFUSED))('refuses %s with docker compose’s words', async (title) => {
    const lines = theirs(title, 'err').split('\n');
    const words = lines.filter((line) => line !== '' && !line.startsWith('time=')).join(' ');
    expect(await ours(title)).toEqual({ err: words });
  });
});
