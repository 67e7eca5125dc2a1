/** Go's templates; test/diff/templates.test.ts compares some three hundred with docker's own. */
import { describe, expect, test } from 'vitest';
import { compileInspect as compileTemplate } from '#cli/inspect-template.ts';
import { compileTemplate as compileRow } from '#cli/template.ts';

const DATA = {
  Id: '77c9',
  Name: '/web',
  State: { Status: 'running', Running: true, Pid: 31979, ExitCode: 0 },
  Config: { Env: ['A=1', 'B=2'], Labels: { 'com.a': 'x' }, Entrypoint: null, Cmd: ['sleep', '10'], Image: 'busybox' },
  HostConfig: { Memory: 0, RestartPolicy: { Name: 'no', MaximumRetryCount: 0 }, Binds: null, PortBindings: null },
  NetworkSettings: { Networks: { bridge: { IPAddress: '172.17.0.2' } } },
};

/** Each was compared with docker inspect 28.5. */
describe('a template renders as with docker inspect', () => {
  test.each([
    ['{{.ID}} {{.Name}}', '77c9 /web'],
    ['{{.Id}} {{.Name}}', '77c9 /web'],
    ['{{.State.Running}} {{.State.Pid}} {{.Config.Env}}', 'true 31979 [A=1 B=2]'],
    ['{{.Config.Labels}} {{.HostConfig.RestartPolicy}}', 'map[com.a:x] {no 0}'],
    ['{{.Config.Entrypoint}} {{.HostConfig.Binds}} {{.HostConfig.PortBindings}}', '[] [] map[]'],
    ['{{.HostConfig.Init}}|{{.Config.Labels.nope}}|{{index .Config.Labels "nope"}}|', '<nil>|<no value>||'],
    ['{{json .Config.Cmd}} {{json .Name}} {{json "<a&b>"}}', '["sleep","10"] "/web" "<a&b>"'],
    ['{{range $k, $v := .NetworkSettings.Networks}}{{$k}}={{$v.IPAddress}}{{end}}', 'bridge=172.17.0.2'],
    ['{{.NetworkSettings.Networks.bridge.IPAddress}}', '172.17.0.2'],
    ['{{range $i, $e := .Config.Env}}{{if $i}},{{end}}{{$e}}{{end}}', 'A=1,B=2'],
    ['{{range 3}}{{.}}{{end}} {{range .HostConfig.Binds}}x{{else}}none{{end}}', '012 none'],
    ['{{range $i, $e := .Config.Env}}{{if eq $i 0}}{{continue}}{{end}}{{$e}}{{end}}', 'B=2'],
    ['{{if and .State.Running (eq .State.Status "running")}}yes{{else if true}}x{{else}}no{{end}}', 'yes'],
    ['{{with .Config}}{{.Image}}{{end}} {{with $x := 5}}{{$x}}{{end}} {{$y := 1}}{{$y = 2}}{{$y}}', 'busybox 5 2'],
    [
      '{{not true}} {{or "" "x"}} {{and 0 1}} {{eq 1 1 2}} {{ne 1 2}} {{lt "a" "b"}} {{ge 1 2}}',
      'false x 0 true true true false',
    ],
    ['{{upper .Name | printf "%s!"}} {{title "hello world"}} {{lower "ABC"}}', '/WEB! Hello World abc'],
    [
      '{{split "a,b" ","}} {{join .Config.Env " "}} {{pad "x" 2 3}}| {{truncate "hello" 3}}',
      '[a b] A=1 B=2   x   | hel',
    ],
    ['{{len .Config.Env}} {{slice "hello" 1 3}} {{index (split "a:b" ":") 1}} {{println "a" 1}}', '2 el b a 1\n'],
    ['{{html "<a>"}} {{js "a\\"b"}} {{urlquery "a b"}}', '&lt;a&gt; a\\"b a+b'],
    ['{{1.5}} {{0x10}} {{"a\\tb"}} {{`raw`}} {{1e3}}', '1.5 16 a\tb raw 1000'],
    ['{{printf "%d" "x"}} {{printf "%s"}} {{printf "%d" 1 2}}', '%!d(string=x) %!s(MISSING) 1%!(EXTRA int=2)'],
    [
      '{{printf "%5d|%-5d|%05d|%q|%x|%t|%8s|%.2s|%6.2f" 42 42 42 "a" 255 true "abc" "abc" 1.5}}',
      '   42|42   |00042|"a"|ff|true|     abc|ab|  1.50',
    ],
    ['{{print "a" 1 2 "b"}} {{printf "%v" nil}} {{printf "%+d" 3}} {{printf "%%"}}', 'a1 2b <nil> +3 %'],
    ['a {{- " b " -}} c{{/* no */}}{{- /* no */ -}} d', 'a b cd'],
    ['{{define "T"}}<{{.}}>{{end}}{{template "T" .Name}}{{block "b" .}}{{.Id}}{{end}}', '</web>77c9'],
  ])('%s', (template, text) => {
    expect(compileTemplate(template ?? '')(DATA)).toBe(text);
  });
});

describe('a template that is wrong is refused in the words of Go', () => {
  test.each([
    ['{{.ID', 'template: :1: unclosed action'],
    ['{{nofunc}}', 'template: :1: function "nofunc" not defined'],
    ['{{if}}', 'template: :1: missing value for if'],
    ['{{end}}', 'template: :1: unexpected {{end}}'],
    ['{{else}}', 'template: :1: unexpected {{else}}'],
    ['{{if .Name}}x', 'template: :1: unexpected EOF'],
    ['{{"x}}', 'template: :1: unterminated quoted string'],
    ['\n{{$y}}', 'template: :2: undefined variable "$y"'],
    ['{{break}}', 'template: :1: {{break}} outside {{range}}'],
    ['{{}}', 'template: :1: missing value for command'],
  ])('when it is read: %j', (template, message) => {
    expect(() => compileTemplate(template)).toThrow(
      expect.objectContaining({ kind: 'invalid', exitCode: 64, message: `template parsing error: ${message}` }),
    );
  });

  test.each([
    ['{{.Foo}}', 'template: :1:2: executing "" at <.Foo>: map has no entry for key "Foo"'],
    ['{{.State.Foo}}', 'template: :1:8: executing "" at <.State.Foo>: map has no entry for key "Foo"'],
    ['{{.Name.Foo}}', 'template: :1:7: executing "" at <.Name.Foo>: can\'t evaluate field Foo in type interface {}'],
    [
      '{{index .Config.Env 7}}',
      'template: :1:2: executing "" at <index .Config.Env 7>: error calling index: index out of range: 7',
    ],
    [
      '{{lt "a" 1}}',
      'template: :1:2: executing "" at <lt "a" 1>: error calling lt: incompatible types for comparison: string and int',
    ],
    ['{{len 3}}', 'template: :1:2: executing "" at <len 3>: error calling len: len of type int'],
    ['{{split .Name}}', 'template: :1:2: executing "" at <split>: wrong number of args for split: want 2 got 1'],
    ['{{nil}}', 'template: :1:2: executing "" at <nil>: nil is not a command'],
    ['{{template "zz"}}', 'template: :1:11: executing "" at <{{template "zz"}}>: template "zz" not defined'],
  ])('when it meets the data: %j', (template, message) => {
    const render = compileTemplate(template);
    expect(() => render(DATA)).toThrow(
      expect.objectContaining({ kind: 'invalid', exitCode: undefined, message: `template parsing error: ${message}` }),
    );
  });

  test.each([
    ['{{define "T"}}{{template "T"}}{{end}}{{template "T"}}', 'exceeded maximum template depth (100000)'],
    ['{{range 1000000000000}}{{end}}', 'more than 20000000 rounds'],
    ['{{range 100000}}{{printf "%1000000d" 1}}{{end}}', 'the text becomes too long'],
    ['{{pad "x" 1000000000000 0}}', 'error calling pad: a text of 1000000000000 characters is too long'],
  ])('a template without end is stopped: %s', (template, message) => {
    const render = compileTemplate(template);
    expect(() => render(DATA)).toThrow(message);
  });

  test('parentheses nested deeper than anybody writes are refused in one line', () => {
    const template = `{{${'('.repeat(60_000)}1${')'.repeat(60_000)}}}`;
    expect(() => compileTemplate(template)).toThrow('template parsing error: template: : nested too deeply');
  });
});

describe("a list's row", () => {
  const row = { Names: 'web', State: 'running', Label: (key: string) => `${key}!` };
  const render = (template: string) => compileRow(template, { type: '*formatter.ContainerContext' })(row);

  test('has fields, and methods that take arguments', () => {
    expect(render('{{.Names}} {{.Label "a"}} {{"b" | .Label}} {{upper .State}}')).toBe('web a! b! RUNNING');
  });

  test.each([
    ['{{.Foo}}', "can't evaluate field Foo in type *formatter.ContainerContext"],
    ['{{.Names 1}}', 'wrong number of args for Names: want 0 got 1'],
    ['{{.Label}}', 'wrong number of args for Label: want 1 got 0'],
    ['{{.Label 1}}', 'expected string; found 1'],
  ])('is told of what it has not: %s', (template, message) => {
    expect(() => render(template)).toThrow(message);
  });
});

describe('printf', () => {
  test.each([
    ['{{printf "%v %+v" .State.Pid .HostConfig.RestartPolicy}}', '31979 {Name:no MaximumRetryCount:0}'],
    ['{{printf "%#v" .Config.Env}} {{printf "%#v" .HostConfig.Binds}}', '[]string{"A=1", "B=2"} []string(nil)'],
    ['{{printf "%x|%X|% x|%#x|%.1x" "hi" "hi" "hi" "hi" "hi"}}', '6869|6869|68 69|0x6869|68'],
    ['{{printf "%[2]d %[1]d" 1 2}} {{printf "%[3]d" 1}} {{printf "%[2]*[1]d" 7 4}}', '2 1 %!d(BADINDEX)    7'],
    ['{{printf "%9999999d" 1}} {{printf "%*d" "x" 1}}', '%!(BADWIDTH)1 %!(BADWIDTH)1'],
    ['{{printf "%U %#U %c %q" 9731 9731 9731 9731}}', "U+2603 U+2603 '☃' ☃ '☃'"],
    [
      '{{printf "%g %.3g %e %G %6.2f|%-8.1f|%08.3f" 0.00001 1234567.0 1.5 1e-7 3.14159 2.5 -3.14159}}',
      '1e-05 1.23e+06 1.500000e+00 1E-07   3.14|2.5     |-003.142',
    ],
    ['{{printf "%x %b" 1.5 1.0}} {{printf "%v" 2i}}', '0x1.8p+00 4503599627370496p-52 (0+2i)'],
    ['{{printf "%t %t" true 1}} {{printf "%s" nil}} {{printf "%d"}}', 'true %!t(int=1) %!s(<nil>) %!d(MISSING)'],
    ['{{printf "%#o %O %#b %+d % d %.3d|%5.3d|%-5d|" 8 8 5 7 7 7 7 7}}', '010 0o10 0b101 +7  7 007|  007|7    |'],
    ['{{printf "%#q %+q %q" "a" "é" "a`b"}}', '`a` "\\u00e9" "a`b"'],
  ])('%s', (template, text) => {
    expect(compileTemplate(template)(DATA)).toBe(text);
  });
});
