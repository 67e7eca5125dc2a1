/** Whole projects from up to down, here and by docker compose: what is told, listed and logged, and the exit codes. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clearTheStage, setTheStage } from '#test/support/compare.ts';
import { byDocker, byWherry, told } from '#test/support/compose-lines.ts';
import { asking, balanced, shop } from '#test/support/compose-shop.ts';
import { bringArchive, noDocker } from '#test/support/peers.ts';
import { makeServices, noServices, SERVICES } from '#test/support/services.ts';
import { plant } from '#test/support/tree.ts';
import type { Finished } from '#test/support/user.ts';
import { succeed } from '#test/support/wherry.ts';

interface Project {
  files: Record<string, string>;
  lines: string[];
}

const QUICK = 'image: localhost/busybox, init: true, stop_grace_period: 0s, command: [sleep, "1000"]';
const STATES = 'ps -a --format "{{.Name}} {{.Service}} {{.State}} {{.Health}} {{.ExitCode}}"';
const sql = (text: string) =>
  asking(text)
    .map((word) => (word.includes(' ') ? `"${word.replaceAll('"', "'")}"` : word))
    .join(' ');

/** On real services. */
const SERVED: Record<string, Project> = {
  cprshop: {
    files: shop('cprshop'),
    lines: [
      'up -d --wait',
      STATES,
      'up -d',
      'exec -T web cat /run/secrets/token',
      sql('create table t (n int)'),
      sql('insert into t values (42)'),
      'exec -T web redis-cli -h cache incr hits',
      'restart db',
      'up -d --wait',
      sql('select n from t'),
      'up -d --force-recreate --wait cache',
      'down',
      'up -d --wait',
      sql('select n from t'),
      'stop',
      STATES,
      'start',
      'down -v',
      'down -v',
    ],
  },
  cprbalanced: {
    files: balanced('cprbalanced'),
    lines: [
      'up -d --scale api=3 --wait',
      STATES,
      'up -d --scale api=1',
      'scale api=2',
      STATES,
      'rm -fs lb',
      'up -d',
      'down',
    ],
  },
};

/** Taken as long as the lines run. */
const PORT = 38412;

const MADE: Record<string, Project> = {
  cprtaken: {
    files: {
      'compose.yaml': `
services:
  first: {${QUICK}}
  web: {${QUICK}, depends_on: [first], ports: ["127.0.0.1:${PORT}:80"], volumes: [data:/data]}
  last: {${QUICK}, depends_on: [web]}
volumes: {data: {}}
`,
    },
    lines: ['up -d', STATES, 'up', 'up -d', 'start', 'down -v', STATES],
  },
  cprjobs: {
    files: {
      '.env': 'STATUS=0\n',
      'fails.env': 'STATUS=3\n',
      'compose.yaml': `
services:
  migrate: {image: localhost/busybox, command: [sh, -c, "echo migrating; exit \${STATUS}"]}
  app: {${QUICK}, depends_on: {migrate: {condition: service_completed_successfully}}}
  optional: {image: localhost/busybox, command: ["false"]}
  late: {${QUICK}, depends_on: {optional: {condition: service_completed_successfully, required: false}}}
`,
    },
    lines: [
      'up -d app',
      STATES,
      'logs migrate',
      'up -d app',
      'wait migrate',
      'down',
      '--env-file fails.env up -d app',
      STATES,
      'down',
      'up -d late',
      STATES,
      'down',
      '--env-file fails.env up --exit-code-from migrate migrate',
      'up --no-log-prefix migrate',
      'down',
    ],
  },
  cprprofiles: {
    files: {
      'compose.yaml': `
services:
  web: {${QUICK}}
  debug: {${QUICK}, profiles: [dev], depends_on: [tool]}
  tool: {${QUICK}, profiles: [dev, ci]}
  alone: {${QUICK}, profiles: [ci]}
`,
    },
    lines: [
      'up -d',
      STATES,
      'ps debug',
      '--profile dev up -d',
      'config --services',
      '--profile "*" config --services',
      'stop',
      '--profile dev stop',
      'down',
      '--profile dev down',
      'up -d alone',
      'up -d debug',
      STATES,
      'up -d --remove-orphans',
      '--profile dev --profile ci down',
    ],
  },
  cpracross: {
    files: {
      'compose.yaml': `
include:
  - infra/compose.yaml
  - {path: [more/a.yaml, more/b.yaml], project_directory: more, env_file: more/own.env}
services:
  web:
    extends: {file: common/base.yaml, service: base}
    environment: {ROLE: web}
    depends_on: [db]
`,
      'common/base.yaml': `
services:
  base: {${QUICK}, environment: {ROLE: base, KIND: common}, env_file: [base.env], volumes: ["./files:/files:ro"]}
`,
      'common/base.env': 'FROM_FILE=yes\n',
      'common/files/a': 'a',
      'infra/compose.yaml': `services: {db: {${QUICK}, environment: {LEVEL: "\${LEVEL}"}, volumes: ["./conf:/conf:ro"]}}\n`,
      'infra/.env': 'LEVEL=infra\n',
      'infra/conf/b': 'b',
      'more/a.yaml': `services: {more: {${QUICK}, environment: {LEVEL: "\${LEVEL}"}, volumes: ["./d:/d"]}}\n`,
      'more/b.yaml': `services: {more: {environment: {OTHER: "\${OTHER:-none}"}}}\n`,
      'more/own.env': 'LEVEL=more\n',
      'more/d/c': 'c',
      '.env': 'OTHER=outer\n',
    },
    lines: [
      'config',
      'up -d',
      'exec -T web sh -c "echo $ROLE $KIND $FROM_FILE; cat /files/a"',
      'exec -T db sh -c "echo $LEVEL; cat /conf/b"',
      'exec -T more sh -c "echo $LEVEL $OTHER; cat /d/c"',
      'ps --format "{{.Service}} {{.Label `com.docker.compose.project.config_files`}}"',
      'down',
    ],
  },
  cprtwice: {
    files: {
      'compose.yaml': `services: {web: {${QUICK}, environment: {NAME: base}, ports: ["127.0.0.1:${PORT}:80"], volumes: ["data:/data"]}}\nvolumes: {data: {}}\n`,
      'compose.override.yaml': 'services: {web: {environment: {NAME: override}, ports: !reset []}}\n',
      'prod.yaml': `services: {web: {environment: {NAME: prod}, ports: !override ["127.0.0.1::80"]}, side: {${QUICK}}}\n`,
    },
    lines: [
      '-p cprone up -d',
      '-p cprtwo up -d',
      '-p cprone -f compose.yaml -f prod.yaml config',
      '-p cprone -f compose.yaml -f prod.yaml up -d',
      '-p cprone exec -T web sh -c "echo $NAME"',
      '-p cprtwo exec -T web sh -c "echo $NAME"',
      'ls --filter name=cprt --format json',
      '-p cprone up -d',
      '-p cprtwo down -v',
      `-p cprone ${STATES}`,
      '-p cprone down',
      '-p cprone up -d --remove-orphans',
      '-p cprone down -v --remove-orphans',
    ],
  },
};

describe.skipIf(noDocker !== undefined)('a whole project', () => {
  let root = '';
  let taken: Server;
  const folder = (project: string) => join(root, project);

  beforeAll(async () => {
    await setTheStage([]);
    taken = createServer().listen(PORT, '127.0.0.1');
    root = mkdtempSync(join(tmpdir(), 'wherry-projects-'));
    chmodSync(root, 0o755);
    for (const [project, { files }] of Object.entries({ ...MADE, ...SERVED })) plant(folder(project), files);
  });

  afterAll(async () => {
    for (const project of Object.keys({ ...MADE, ...SERVED })) {
      const line = '--profile "*" down -v -t 0 --remove-orphans';
      byDocker(folder(project), line);
      await byWherry(folder(project), line);
    }
    taken.close();
    rmSync(root, { recursive: true, force: true });
    await clearTheStage([]);
  });

  /** Docker names the container's address with a port, which differs; logs of several begin in any order. */
  const said = (done: Finished) => {
    const { stderr, ...rest } = told(done);
    return { ...rest, stderr: stderr.map((line) => line.replace(/failed to bind host port .*: /, 'failed to bind: ')) };
  };

  const sequence = (projects: Record<string, Project>) =>
    describe.each(Object.entries(projects))('%s', (project, { lines }) => {
      test.each(lines)('%s', async (line) => {
        const own = said(await byWherry(folder(project), line));
        expect(own, line).toEqual(said(byDocker(folder(project), line)));
      });
    });

  describe('of small images', () => sequence(MADE));

  describe.skipIf(noServices !== undefined)(`of real services (${noServices ?? 'from Debian'})`, () => {
    beforeAll(async () => {
      const archive = await makeServices();
      await succeed('load', '-i', archive);
      bringArchive(archive, SERVICES);
      rmSync(archive);
    });

    sequence(SERVED);
  });
});
