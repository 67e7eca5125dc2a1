import { expect, test } from 'vitest';
import { expandTag } from '#container/log-tag.ts';
import { recordOf } from '#test/support/container.ts';

const record = recordOf({ config: { Labels: { a: 'b' }, Env: ['X=1'] } });

// What Docker 28.5 makes of them.
test.each([
  ['plain', 'plain'],
  ['{{.ID}}', 'cccccccccccc'],
  ['{{ .Name }}/{{.ContainerName}}', 'web//web'],
  ['{{.ImageID}} {{.ImageName}} {{.DaemonName}}', 'sha256:11111 busybox docker'],
  ['{{.Command}}|{{.ContainerEntrypoint}}|{{.ContainerArgs}}', 'sleep 1000|sleep|[1000]'],
  ['{{upper .Name}}{{slice .ID 0 4}}{{len .ID}}', 'WEBcccc12'],
  ['{{json .ContainerLabels}}{{index .ContainerLabels "a"}}{{.ContainerLabels.a}}', '{"a":"b"}bb'],
  ['{{join .ContainerEnv ","}}{{.ContainerLabels}}', 'X=1map[a:b]'],
  ['{{.Name | upper | printf "%s-%q" "x"}}', 'x-"WEB"'],
  ['{{printf "%5s|%-5s|%%" (lower "AB") .Name}}', '   ab|web  |%'],
  ['a {{- .Name -}} b', 'awebb'],
])('the tag %s is %s', (tag, text) => {
  expect(expandTag(tag, record)).toBe(text);
});

test.each([
  ['{{', 'template: log-tag:1: unclosed action'],
  ['{{.ID', 'template: log-tag:1: unclosed action'],
  ['{{nope}}', 'template: log-tag:1: function "nope" not defined'],
  [
    '{{.Nonsense}}',
    'template: log-tag:1:2: executing "log-tag" at <.Nonsense>: can\'t evaluate field Nonsense in type *logger.Info',
  ],
  ['{{if .ID}}x{{end}}', "template: log-tag:1: wherry's tags know no {{if}}"],
])('the tag %s is refused', (tag, words) => {
  expect(() => expandTag(tag, record)).toThrow(words);
});
