/** native/monitor/log.c, json.c, moment.c: the log, as Docker 28.5 writes it. */
import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { describeMonitor, makePlace, type Place, type StartOptions, startMonitor } from '#test/support/monitor.ts';

const PIECE = 16384;
const bytes = (...codes: number[]) => Buffer.from(codes);
const many = (letter: string, count: number) => Buffer.alloc(count, letter);

/** What a container wrote, and the entries that Docker 28.5 made of it: the inside of "log", as it stands in the file. */
const CORPUS: [string, Uint8Array, string[]][] = [
  ['a line', Buffer.from('plain\n'), ['plain\\n']],
  ['an empty line', Buffer.from('\n'), ['\\n']],
  ['a last line without its end', Buffer.from('no newline'), ['no newline']],
  [
    'what HTML and JSON mind',
    Buffer.from('tab\there "quote" back\\slash <a> & \r\n'),
    ['tab\\u0009here \\"quote\\" back\\\\slash \\u003ca\\u003e \\u0026 \\r\\n'],
  ],
  [
    'control characters',
    bytes(1, 2, 3, 8, 12, 27, 0x5b, 0x6d, 0x7f, 0, 0, 10),
    ['\\u0001\\u0002\\u0003\\u0008\\u000c\\u001b[m\x7f\\u0000\\u0000\\n'],
  ],
  ['other scripts', Buffer.from('é € 😀 � ‧\n'), ['é € 😀 � ‧\\n']],
  ['separators that JavaScript mistakes for line ends', Buffer.from('\u2028 \u2029\n'), ['\\u2028 \\u2029\\n']],
  [
    'bytes that are no UTF-8',
    bytes(0xff, 0xfe, 0x20, 0xc3, 0x20, 0xe2, 0x82, 10),
    ['\\ufffd\\ufffd \\ufffd \\ufffd\\ufffd\\n'],
  ],
  [
    'surrogates, overlong forms and code points that there are not',
    bytes(0xed, 0xa0, 0x80, 0x20, 0xc0, 0x80, 0x20, 0xf4, 0x90, 0x80, 0x80, 0x20, 0xf0, 0x9f, 0x98, 10),
    ['\\ufffd\\ufffd\\ufffd \\ufffd\\ufffd \\ufffd\\ufffd\\ufffd\\ufffd \\ufffd\\ufffd\\ufffd\\n'],
  ],
  ['a line one short of a piece', Buffer.concat([many('a', PIECE - 1), bytes(10)]), [`${many('a', PIECE - 1)}\\n`]],
  ['a line of one piece', Buffer.concat([many('b', PIECE), bytes(10)]), [`${many('b', PIECE)}`, '\\n']],
  ['a line one longer', Buffer.concat([many('c', PIECE + 1), bytes(10)]), [`${many('c', PIECE)}`, 'c\\n']],
  [
    'a line of three pieces',
    Buffer.concat([many('d', 40000), bytes(10)]),
    [`${many('d', PIECE)}`, `${many('d', PIECE)}`, `${many('d', 40000 - 2 * PIECE)}\\n`],
  ],
  [
    'a character across the border of two pieces',
    Buffer.concat([many('e', PIECE - 1), Buffer.from('é\n')]),
    [`${many('e', PIECE - 1)}\\ufffd`, '\\ufffd\\n'],
  ],
];

/** Go's reading of UTF-8: a byte that is not part of a valid sequence is one replacement. */
function escaped(data: Buffer): string {
  let text = '';
  for (let at = 0; at < data.length; ) {
    const length = [1, 2, 3, 4].find((size) => isValid(data.subarray(at, at + size), size));
    text += length === undefined ? '\\ufffd' : escapedCharacter(data.toString('utf8', at, at + length));
    at += length ?? 1;
  }
  return text;
}

function escapedCharacter(character: string): string {
  const short = { '\n': '\\n', '\r': '\\r', '"': '\\"', '\\': '\\\\' }[character];
  if (short !== undefined) return short;
  const code = character.codePointAt(0) ?? 0;
  const isPlain = code >= 32 && !'<>&\u2028\u2029'.includes(character);
  return isPlain ? character : `\\u${code.toString(16).padStart(4, '0')}`;
}

function isValid(part: Buffer, size: number): boolean {
  if (part.length !== size) return false;
  try {
    return [...new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(part)].length === 1;
  } catch {
    return false;
  }
}

/** The inside of "log" in each line of a log file. */
function entries(text: string): string[] {
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line) => /^\{"log":"(.*)","stream":"/s.exec(line)?.[1] ?? `not an entry: ${line}`);
}

describeMonitor((build) => {
  /** Runs a container that writes DATA, to its end. */
  async function logged(data: Uint8Array, options: Partial<StartOptions> = {}) {
    const place = options.place ?? makePlace();
    writeFileSync(place.at('data'), data);
    const monitor = startMonitor({ build, place, script: `exec cat ${place.at('data')}`, ...options });
    await monitor.hear('exit');
    return monitor;
  }

  test.each(CORPUS)('the log holds %s as Docker writes it', async (_what, data, wanted) => {
    const { place } = await logged(data);
    expect(entries(place.read('log'))).toEqual(wanted);
  });

  test('an entry has the stream and the time, in the order and form of Docker', async () => {
    const { place } = await logged(Buffer.from('x\n'));
    expect(place.read('log')).toMatch(
      /^\{"log":"x\\n","stream":"stdout","time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{0,8}[1-9])?Z"\}\n$/,
    );
  });

  test('an entry has the attributes that the log options ask for', async () => {
    const attributes = '{"X":"1 \\"one\\"","a":"b"}';
    const { place } = await logged(Buffer.from('x\n'), { settings: { 'log-attrs': attributes } });
    expect(place.read('log')).toContain(`"stream":"stdout","attrs":${attributes},"time":"`);
  });

  test('all pieces of a long line have the time of its first', async () => {
    const monitor = await logged(Buffer.concat([many('x', 40 * PIECE), Buffer.from('\ny\n')]));
    const times = monitor.log().map(({ time }) => time);
    expect(new Set(times.slice(0, 41)).size).toBe(1);
    // It came with a later read.
    expect(new Set(times).size).toBe(2);
  });

  test('any bytes come out as Go would write them', async () => {
    const alphabet = [
      ...Array(256).keys(),
      ...Buffer.from('é€😀\u2028<&"\\\n'),
      ...Buffer.from('plain text '.repeat(9)),
    ];
    const data = Buffer.from(
      [...randomBytes(200_000)].map((byte, at) => alphabet[(byte * 7 + at) % alphabet.length] ?? 0),
    );
    const mixed = Buffer.concat([data, randomBytes(100_000)]);
    const { place } = await logged(mixed);
    const wanted: string[] = [];
    for (let at = 0, begin = 0; at < mixed.length; begin = at) {
      const end = mixed.indexOf(10, begin);
      const whole = end >= 0 && end - begin < PIECE;
      at = whole ? end + 1 : Math.min(begin + PIECE, mixed.length);
      wanted.push(escaped(mixed.subarray(begin, at)));
    }
    expect(entries(place.read('log'))).toEqual(wanted);
  });

  test('a character whose bytes come one after the other is whole', async () => {
    const bytes = [...Buffer.from('é€😀\u2028')].map((byte) => `\\${byte.toString(8)}`);
    // The last one is no character, and neither are those that would go on with it.
    const script = [...bytes, '\\303', 'x\\200', '\\200\\200\\200\\200\\n'].map(
      (text) => `printf '${text}'; sleep 0.02`,
    );
    const { place } = await logged(Buffer.of(), { script: script.join('; ') });
    expect(entries(place.read('log'))).toEqual([`é€😀\\u2028\\ufffdx${'\\ufffd'.repeat(5)}\\n`]);
  });

  test('a line is in the log while the container still runs', async () => {
    const monitor = startMonitor({ build, script: 'echo now; echo and >&2; printf half; exec sleep 1000' });
    const text = await monitor.place.file('log', (log) => log.split('\n').length === 3);
    expect(entries(text).sort()).toEqual(['and\\n', 'now\\n']);
  });

  test('max-size begins a new file when it is reached, and max-file says how many there are', async () => {
    const lines = Array.from({ length: 200 }, (_, at) => `line ${at}\n`).join('');
    const { place } = await logged(Buffer.from(lines), { settings: { 'log-max-size': 1000, 'log-max-file': 3 } });
    const files = ['log.2', 'log.1', 'log'];
    const longest = Math.max(
      ...files.map((name) =>
        Math.max(
          ...place
            .read(name)
            .split('\n')
            .map((line) => line.length + 1),
        ),
      ),
    );
    for (const name of ['log.2', 'log.1']) {
      expect(statSync(place.at(name)).size).toBeGreaterThanOrEqual(1000);
      expect(statSync(place.at(name)).size).toBeLessThan(1000 + longest);
    }
    expect(existsSync(place.at('log.3'))).toBe(false);
    const kept = files.flatMap((name) => entries(place.read(name)));
    expect(kept).toEqual(Array.from({ length: kept.length }, (_, at) => `line ${200 - kept.length + at}\\n`));
  });

  test('a single file is emptied when max-size is reached', async () => {
    const { place } = await logged(Buffer.from('0123456789\n'.repeat(100)), {
      settings: { 'log-max-size': 500, 'log-max-file': 1 },
    });
    expect(statSync(place.at('log')).size).toBeLessThan(700);
    expect(existsSync(place.at('log.1'))).toBe(false);
  });

  test('a log that is there goes on', async () => {
    const place = makePlace();
    writeFileSync(place.at('log'), '{"log":"before\\n","stream":"stdout","time":"2026-01-01T00:00:00Z"}\n');
    await logged(Buffer.from('after\n'), { place, script: 'echo after' });
    expect(entries(place.read('log'))).toEqual(['before\\n', 'after\\n']);
  });

  test('a client can have the file opened anew, after it was renamed', async () => {
    const monitor = startMonitor({ build, script: 'echo one; read x; echo two', settings: { stdin: 1 } });
    await monitor.place.file('log', (text) => text.includes('one'));
    const client = await monitor.client('attach 1');
    renameSync(monitor.place.at('log'), monitor.place.at('old'));
    client.say('reopen');
    client.type('\n');
    await monitor.hear('exit');
    expect(entries(monitor.place.read('log'))).toEqual(['two\\n']);
    expect(entries(monitor.place.read('old'))).toEqual(['one\\n']);
  });

  test('a full disk loses lines, whole ones, and neither the container nor what its user sees', async () => {
    // The limit of a file's size stands for the full disk: it is the one that can be had without root.
    const monitor = startMonitor({
      build,
      through: ['prlimit', '--fsize=8000:unlimited'],
      script: 'i=0; while [ $i -lt 400 ]; do echo "before $i"; i=$((i+1)); done; read x; echo after',
      settings: { stdin: 1, direct: 2 },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const { stdout } = monitor.child;
    let seen = '';
    while (!seen.includes('before 399\n')) seen += (await once(stdout as NodeJS.ReadableStream, 'data'))[0];
    // What is put off is written before the file is opened anew.
    const client = await monitor.client('reopen', 'attach 1');
    await once(spawn('prlimit', ['--pid', String(monitor.child.pid), '--fsize=unlimited']), 'exit');
    client.type('\n');
    await monitor.hear('exit 0');
    const kept = entries(monitor.place.read('log'));
    expect(kept.at(-1)).toBe('after\\n');
    const lost = kept.map(
      (line) => /^wherry: lines before this one are lost \((\d+)\): File too large\\n$/.exec(line)?.[1],
    );
    const there = kept.flatMap((line) => /^before (\d+)\\n$/.exec(line)?.[1] ?? []).map(Number);
    expect(there).toEqual(there.toSorted((a, b) => a - b));
    // Every line is there, or counted where it is missing; and nothing else is.
    expect(there.length + lost.reduce((sum, count) => sum + Number(count ?? 0), 0)).toBe(400);
    expect(there.length + lost.filter((count) => count !== undefined).length + 1).toBe(kept.length);
    expect(there.length).toBeLessThan(400);
  });

  test('what a killed monitor left unfinished is cut off', async () => {
    const place = makePlace();
    writeFileSync(place.at('log'), '{"log":"whole\\n","stream":"stdout"}\n{"log":"half an ent');
    await logged(Buffer.from(''), { place, script: 'echo next' });
    expect(entries(place.read('log'))).toEqual(['whole\\n', 'next\\n']);
  });

  test('a flood is logged whole, past the page cache or not', async () => {
    const size = 40 << 20;
    const place = makePlace();
    const data = randomBytes(size).map((byte) => (byte < 4 ? 10 : 65 + (byte & 15)));
    const monitor = await logged(data, { place });
    const got = monitor.log().map(({ log }) => log);
    expect(Buffer.from(got.join('')).equals(data)).toBe(true);
  });

  test('a log that can never be written stops nobody', async () => {
    const monitor = startMonitor({ build, script: 'echo hello; exit 3', settings: { log: '/dev/full' } });
    expect(await monitor.hear('exit')).toBe('exit 3 0');
  });

  test('a log that can not be opened is an error', async () => {
    const monitor = startMonitor({ build, script: 'true', settings: { log: '/nowhere/log' } });
    expect(await monitor.hear('error')).toBe('error 125 cannot open the log "/nowhere/log": No such file or directory');
  });

  test('a k8s-file has a line for each piece, with the time as conmon writes it', async () => {
    const data = Buffer.concat([Buffer.from('a "b"\n'), many('x', PIECE + 1), Buffer.from('\nlast')]);
    const { place } = await logged(data, { settings: { 'log-driver': 'k8s-file' } });
    const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}\+00:00 /gm;
    expect(place.read('log').replace(time, '')).toBe(
      `stdout F a "b"\nstdout P ${many('x', PIECE)}\nstdout F x\nstdout P last\n`,
    );
  });

  test('complete files are compressed beside the container', async () => {
    const place = makePlace();
    const lines = Array.from({ length: 300 }, (_, index) => `line ${index}\n`).join('');
    const settings = { 'log-max-size': 4000, 'log-max-file': 20, 'log-compressor': '/usr/bin/gzip' };
    await logged(Buffer.from(lines), { place, settings });
    const names = readdirSync(place.path).filter((name) => /^log\.\d+/.test(name));
    const older = names.sort((a, b) => Number.parseInt(b.slice(4), 10) - Number.parseInt(a.slice(4), 10));
    while (existsSync(place.at('log.1'))) await new Promise((resolve) => setTimeout(resolve, 5));
    const texts = [...new Set(older.map((name) => name.replace(/\.gz$/, '')))].map((name) =>
      gunzipSync(readFileSync(place.at(`${name}.gz`))).toString(),
    );
    const all = [...texts, place.read('log')].join('');
    expect(entries(all).join('')).toBe(lines.replaceAll('\n', '\\n'));
    expect(texts.length).toBeGreaterThan(3);
  });

  test('the journal gets an entry for each line, with its length before it', async () => {
    const place = makePlace();
    const journal = await startJournal(place);
    await logged(Buffer.from('one\ntwo lines, one entry each\nlast'), { place, settings: journal.settings });
    const wanted = [
      'ready\n',
      journal.entry('one'),
      journal.entry('two lines, one entry each'),
      journal.entry('last', 'CONTAINER_PARTIAL_MESSAGE=true\n'),
    ].join('');
    expect(await journal.hear(wanted.length)).toBe(wanted);
  });

  test('a journal that is busy for a moment misses no line', async () => {
    const place = makePlace();
    const journal = await startJournal(place);
    const lines = Array.from({ length: 5000 }, (_, number) => `line ${number}`);
    process.kill(journal.pid, 'SIGSTOP');
    const over = logged(Buffer.from(`${lines.join('\n')}\n`), { place, settings: journal.settings });
    await new Promise((resolve) => setTimeout(resolve, 300));
    process.kill(journal.pid, 'SIGCONT');
    await over;
    const wanted = ['ready\n', ...lines.map((line) => journal.entry(line))].join('');
    expect(await journal.hear(wanted.length)).toBe(wanted);
  });
});

/** Something that listens as the system's journal does. */
async function startJournal(place: Place) {
  const program = place.at('journal');
  execFileSync('cc', ['-o', program, join(import.meta.dirname, '../support/journal.c')]);
  const journal = spawn(program, [place.at('socket-of-journal')], { stdio: ['ignore', 'pipe', 'inherit'] });
  let heard = '';
  journal.stdout.setEncoding('latin1').on('data', (text: string) => {
    heard += text;
  });
  const until = async (ready: () => boolean) => {
    while (!ready()) await new Promise((resolve) => setTimeout(resolve, 5));
  };
  await until(() => heard.startsWith('ready\n'));
  const fields = 'CONTAINER_ID=abc\nCONTAINER_TAG=tag\n';
  return {
    pid: journal.pid ?? 0,
    settings: { 'log-driver': 'journald', log: place.at('socket-of-journal'), 'log-fields': fields },
    entry: (text: string, end = '') =>
      `${fields}PRIORITY=6\nMESSAGE\n${String.fromCharCode(text.length)}${'\0'.repeat(7)}${text}\n${end}`,
    /** All that came, when it is so much. */
    hear: async (size: number) => {
      await until(() => heard.length >= size);
      journal.kill();
      return heard;
    },
  };
}
