// biome-ignore-all lint/suspicious/noTemplateCurlyInString: a shell's variables are written so, too
import { expect, test } from 'vitest';
import { WherryError } from '#base/error.ts';
import { applyChanges } from '#build/dockerfile/changes.ts';
import type { ContainerDefaults } from '#oci/manifest.ts';

const START: ContainerDefaults = {
  Env: ['A=1', 'B=2'],
  Cmd: ['echo', 'hi'],
  ExposedPorts: { '80/tcp': {} },
  WorkingDir: '/wd',
  Labels: { k: 'v' },
};

const checkSignal = (text: string) => {
  if (text !== '9' && text !== 'INT') throw new WherryError('invalid', `invalid signal: ${text}`);
};

const apply = (...changes: string[]) => applyChanges(START, changes, { checkSignal });

/** The answers are those of Docker 28.5's `commit --change`. */
test.each<[string[], Partial<ContainerDefaults>]>([
  [['CMD echo $A'], { Cmd: ['/bin/sh', '-c', 'echo $A'] }],
  [['cmd ["x", "y"]'], { Cmd: ['x', 'y'] }],
  [['CMD'], { Cmd: ['/bin/sh', '-c'] }],
  [['CMD []'], { Cmd: [] }],
  [['CMD [a'], { Cmd: ['/bin/sh', '-c', '[a'] }],
  [["CMD ['a']"], { Cmd: ['/bin/sh', '-c', "['a']"] }],
  [['ENTRYPOINT ["e"]'], { Entrypoint: ['e'], Cmd: null }],
  [['ENTRYPOINT e f'], { Entrypoint: ['/bin/sh', '-c', 'e f'], Cmd: null }],
  [['CMD ["c"]', 'ENTRYPOINT ["e"]'], { Entrypoint: ['e'], Cmd: ['c'] }],
  [['ENTRYPOINT []'], { Entrypoint: null, Cmd: null }],
  [
    ['ENV X=1 Y="a b" Z=a\\ b W=$A${B}x', 'ENV old style value', 'ENV A=new'],
    { Env: ['A=new', 'B=2', 'X=1', 'Y=a b', 'Z=a b', 'W=12x', 'old=style value'] },
  ],
  [['ENV a=b\nENV c=d'], { Env: ['A=1', 'B=2', 'a=b', 'c=d'] }],
  [['ENV a=b \\\n  # why\n\n  c=d'], { Env: ['A=1', 'B=2', 'a=b', 'c=d'] }],
  [['ENV a=\'$A\' b="$A" c=\\$A'], { Env: ['A=1', 'B=2', 'a=$A', 'b=1', 'c=$A'] }],
  [['# escape=`\nENV a=`$A b=\\x'], { Env: ['A=1', 'B=2', 'a=$A', 'b=\\x'] }],
  [
    ['EXPOSE 90 91/udp 100-102'],
    { ExposedPorts: { '80/tcp': {}, '90/tcp': {}, '91/udp': {}, '100/tcp': {}, '101/tcp': {}, '102/tcp': {} } },
  ],
  [['EXPOSE 8080:81'], { ExposedPorts: { '80/tcp': {}, '81/tcp': {} } }],
  [['LABEL a=b "c d"="e f" k=z'], { Labels: { k: 'z', a: 'b', 'c d': 'e f' } }],
  [['ONBUILD RUN foo  bar'], { OnBuild: ['RUN foo  bar'] }],
  [['USER $A'], { User: '1' }],
  [['USER a b'], { User: 'a b' }],
  [['VOLUME /a /b', 'VOLUME ["/c d"]'], { Volumes: { '/a': {}, '/b': {}, '/c d': {} } }],
  [['WORKDIR rel', 'WORKDIR ../sub/'], { WorkingDir: '/wd/sub' }],
  [['WORKDIR /'], { WorkingDir: '/' }],
  [['STOPSIGNAL 9'], { StopSignal: '9' }],
  [
    ['HEALTHCHECK --interval=5s --retries=3 CMD foo bar'],
    { Healthcheck: { Test: ['CMD-SHELL', 'foo bar'], Interval: 5e9, Retries: 3 } },
  ],
  [['HEALTHCHECK CMD ["a","b"]'], { Healthcheck: { Test: ['CMD', 'a', 'b'] } }],
  [['HEALTHCHECK none'], { Healthcheck: { Test: ['NONE'] } }],
])('%j changes what it says', (changes, expected) => {
  expect(apply(...changes)).toEqual({ ...START, ...expected });
});

test.each([
  ['ENV A', 'ENV must have two arguments'],
  ['ENV a=b c', 'Syntax error - can\'t find = in "c". Must be of the form: name=value'],
  ['ENV =b', 'ENV names can not be blank'],
  ['ENV a=${A', 'failed to process "${A": unsupported modifier (\ufffd) in substitution'],
  ['EXPOSE abc', 'Invalid containerPort: abc'],
  ['EXPOSE 1/x', 'Invalid proto: x'],
  ['EXPOSE 2-1', 'Invalid containerPort: 2-1'],
  ['ONBUILD FROM x', "FROM isn't allowed as an ONBUILD trigger"],
  ['ONBUILD ONBUILD RUN x', "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed"],
  ['STOPSIGNAL FOO', 'invalid signal: FOO'],
  ['RUN foo', 'RUN is not a valid change command'],
  ['FOO bar', 'FOO is not a valid change command'],
  ['', 'file with no instructions'],
  ['# comment', 'file with no instructions'],
  ['USER', 'USER requires exactly one argument'],
  ['LABEL', 'LABEL requires at least one argument'],
  ['LABEL a', 'LABEL must have two arguments'],
  ['VOLUME', 'VOLUME requires at least one argument'],
  ['VOLUME [1]', 'when using JSON array syntax, arrays must be comprised of strings only'],
  ['HEALTHCHECK', 'HEALTHCHECK requires at least one argument'],
  ['HEALTHCHECK FOO', 'Unknown type "FOO" in HEALTHCHECK (try CMD)'],
  ['HEALTHCHECK CMD', 'Missing command after HEALTHCHECK CMD'],
  ['HEALTHCHECK NONE x', 'HEALTHCHECK NONE takes no arguments'],
  ['HEALTHCHECK --foo=1 CMD a', 'unknown flag: --foo'],
  ['HEALTHCHECK --interval=x CMD a', 'time: invalid duration "x"'],
  ['HEALTHCHECK --retries=-1 CMD a', '--retries cannot be negative (-1)'],
  ['HEALTHCHECK --interval=1us CMD a', 'Interval "interval" cannot be less than 1ms'],
  ['HEALTHCHECK --retries=1 --retries=2 CMD a', 'duplicate flag specified: --retries'],
  ['ONBUILD', 'ONBUILD requires at least one argument'],
])('%j is refused', (change, message) => {
  expect(() => apply(change)).toThrow(message);
});

test('no changes leave the settings as they are', () => {
  expect(apply()).toBe(START);
});
