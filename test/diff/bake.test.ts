// biome-ignore-all lint/suspicious/noTemplateCurlyInString: bake files write expressions so
/** What bake would build (--print), compared with buildx's. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { dockerShell, noDocker, quoted } from '#test/support/peers.ts';
import { testUser } from '#test/support/user.ts';
import { wherryPath } from '#test/support/wherry.ts';

type Files = Record<string, object | string>;

const json = (content: object): Files => ({ 'docker-bake.json': content });
const EXPRESSIONS = {
  arithmetic: '${1+2} ${7%3} ${2*3.5}',
  nothing: '$${x} %%{y}',
  directive: '%{if true}y%{else}n%{endif}',
  text: '${upper("a")}${lower("B")}${title("ab cd")}${strlen("abc")}${replace("a.b",".","-")}',
  pattern: '${regex_replace("v1.2","v(\\\\d)","${1}x")}',
  cut: '${substr("hello",1,3)}${trimprefix("vx","v")}${trimsuffix("xv","v")}${trim("aaxaa","a")}',
  format: '${format("%s-%03d","a",7)}',
  lists: '${join(",",slice(["a","b","c"],0,2))}${split(",","x,y")[1]}${length([1,2])}${contains(["a"],"a")}',
  maps: '${join(",",keys({b=1,a=2}))} ${{a="v"}.a} ${lookup({a="1"},"b","none")}',
  loop: '${join(",",[for v in ["a","b"] : upper(v) if v != "a"])}',
  json: '${jsonencode({a=[1,2]})} ${base64encode("a")} ${sanitize("a.b/c")} ${equal(1,1)} ${max(1,5)}',
};
const INHERITED = json({
  group: { default: { targets: ['g'] }, g: { description: 'two', targets: ['a', 'b'] } },
  target: {
    a: { inherits: ['b', 'c'], description: 'the a' },
    b: { args: { X: 'b', Y: 'b' }, tags: ['tb'], labels: { l: 'a<b' }, output: ['type=image,push=true', 'out'] },
    c: {
      args: { X: 'c' },
      tags: ['tc'],
      platforms: ['linux/arm64'],
      annotations: ['a=b'],
      secret: ['id=a,env=MARK', { id: 'a', env: 'PATH' }],
      attest: ['type=provenance,mode=min'],
      'cache-from': ['x/y', 'x/y', 'type=local,src=d'],
      'cache-to': [{ type: 'inline' }],
      ulimits: ['nofile=1:2'],
      network: 'host',
      'extra-hosts': { h: '1.1.1.1' },
      'no-cache-filter': ['r'],
    },
  },
});
const COMPOSE: Files = {
  'compose.yaml': `services:
  a:
    image: img
    environment: {E: fromenv}
    build:
      context: ./d
      dockerfile: D
      target: tt
      args: [A=1, MARK, NOPE, E]
      labels: {l: x}
      cache_from: [a/b, 'type=local,src=x']
      platforms: [linux/amd64]
      no_cache: true
      network: host
      secrets: [s]
      extra_hosts: [h=1.2.3.4]
      additional_contexts: {x: service:b, y: docker-image://z}
      ulimits: {nofile: {soft: 1, hard: 2}}
      x-bake:
        tags: a b
        platforms: [linux/arm64]
        output: ['type=docker']
        contexts: {w: target:b}
  b: {build: .}
  n: {image: none}
  p.q: {profiles: [x], image: "p:\${TAG:-none}", build: {context: e, dockerfile_inline: 'FROM scratch'}}
secrets: {s: {environment: MARK}}
`,
  '.env': 'TAG=dot\n',
  'docker-bake.json': { target: { a: { args: { Z: '1' } } } },
};

/** Files, and lines of words behind `bake --print`; NAME=value before them is for the environment. */
const CASES: [files: Files, lines: string[]][] = [
  [json({ target: { default: { args: EXPRESSIONS, 'no-cache': 'true' } } }), ['']],
  [
    json({
      variable: { V: { default: 'x' }, N: { default: 3 }, L: { type: 'list(string)', default: ['a'] }, U: {} },
      target: {
        default: { args: { V: '${V}${U}', N: '${N+1}', L: '${join("-",L)}' }, tags: '${[for t in L : "x:${t}"]}' },
      },
    }),
    ['', 'env V=y N=7 L=p,q', 'env L_JSON=["j"]', '--list variables', '--list type=variables,format=json'],
  ],
  [
    INHERITED,
    [
      '',
      'a c',
      '[bc]',
      '--list targets',
      '--list type=targets,format=json',
      '--list x',
      '--set *.tags=z --set a.tags+=y',
      '--set a.args.Q=1 --set b.platform=linux/386 --set c.attest=type=provenance,disabled=true',
      '--push',
      '--load',
      '--push --load c',
      '--set b.push=false b',
      '--set a.target=t --set a.shm-size=1g --set a.call=check --set a.context=y/ a',
      '--no-cache --pull=false a',
      '--provenance=mode=max b',
      '--check b',
      '--set a.tags a',
      '--set a.nope=1 a',
      '--set zz.tags=1 a',
      'nope',
      'z*',
    ],
  ],
  [
    json({ target: { a: { contexts: { x: 'target:b', y: '' } }, b: { contexts: { z: 'target:c' } }, c: {} } }),
    ['a', 'a c'],
  ],
  [json({ target: { a: { contexts: { x: 'target:b' } }, b: { contexts: { z: 'target:a' } } } }), ['a']],
  [json({ target: [{ a: { tags: ['1'] } }, { b: { args: { t: '${target.a.tags[0]}' } } }] }), ['a b']],
  [
    json({ target: { a: { name: 'x-${i}', matrix: { i: ['1', '2'] }, tags: ['q:${i}'] }, z: { inherits: ['x-1'] } } }),
    ['a z', 'x-3'],
  ],
  [
    {
      'docker-bake.json': { target: { a: { tags: ['1'], args: { A: '1' } } } },
      'docker-bake.override.json': {
        target: { a: { tags: ['2'], args: { B: '2' } }, b: {} },
        group: { default: { targets: ['a', 'b'] } },
      },
    },
    ['', '-f docker-bake.json a', '-f docker-bake.override.json -f docker-bake.json a', '-f nope.json'],
  ],
  [COMPOSE, ['', 'n', 'p.q b', '-f compose.yaml a']],
];

const roots: string[] = [];
let theirs: string[];

/** All lines of all cases in one go: to enter the peers' surroundings takes longer than docker itself. */
beforeAll(() => {
  const script: string[] = [];
  for (const [files, lines] of CASES) {
    const root = mkdtempSync(join(tmpdir(), 'wherry-bake-'));
    roots.push(root);
    chmodSync(root, 0o755);
    for (const [name, content] of Object.entries(files)) {
      writeFileSync(join(root, name), typeof content === 'string' ? content : JSON.stringify(content), { mode: 0o644 });
    }
    for (const line of lines) script.push(`${shellLine(root, line, 'docker')}; echo; echo ==END`);
  }
  if (noDocker !== undefined) return;
  const { stdout } = dockerShell(script.join('\n'));
  theirs = stdout.split('\n==END\n').slice(0, -1);
});
afterAll(() => {
  for (const root of roots) rmSync(root, { recursive: true, force: true });
});

function shellLine(root: string, line: string, program: string): string {
  const words = line.split(' ').filter((word) => word !== '');
  const variables = words[0] === 'env' ? words.slice(1) : [];
  const rest = words[0] === 'env' ? [] : words;
  const print = line.includes('--list') ? '' : '--print';
  const bake = `env MARK=/h ${variables.map(quoted).join(' ')} ${program} buildx bake ${print} ${rest.map(quoted).join(' ')}`;
  return `cd ${root}; ${bake} 2>$HOME/bake-errors || grep -a ^ERROR $HOME/bake-errors`;
}

/** The order in which a matrix is gone through is by chance in buildx, and so is that of what --push and --load add. */
const told = (text: string, line: string): unknown => {
  if (!text.trimStart().startsWith('{')) return text.trim();
  const isByChance = line.includes('--push --load');
  const inOrder = (items: unknown[]) => items.map((item) => JSON.stringify(item)).sort();
  return JSON.parse(text, (key, value) => (isByChance && key === 'output' ? inOrder(value) : value));
};

const ALL = CASES.flatMap(([, lines], at) => lines.map((line) => [at, line] as const));

test.skipIf(noDocker !== undefined).each(ALL.map(([at, line], index) => [at, line, index] as const))(
  'files %i: bake --print %s',
  async (at, line, index) => {
    const root = roots[at] ?? '';
    const own = await testUser().run('sh', ['-c', shellLine(root, line, wherryPath())]);
    expect(told(own.stdout, line)).toEqual(told(theirs[index] ?? '', line));
  },
);
