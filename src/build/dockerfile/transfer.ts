/** COPY and ADD as a vertex: files of the context, of stages, images, repositories, pages and heredocs. */
import { posix } from 'node:path';
import { quote } from '#base/go-quote.ts';
import { unescaped } from '#base/web-address.ts';
import { type GitAddress, parseGitAddress } from '#build/context/git-address.ts';
import { wrong } from '#build/dockerfile/fault.ts';
import { asPlaces } from '#build/dockerfile/graph.ts';
import { addHistory } from '#build/dockerfile/image.ts';
import type { InstructionOf } from '#build/dockerfile/instructions.ts';
import { shownCommand, stepName } from '#build/dockerfile/naming.ts';
import { askContext, contextVertex, gitStep, scratchVertex } from '#build/dockerfile/sources.ts';
import { documentVertex, type Step } from '#build/dockerfile/step.ts';
import type { CopyAction, FileAction } from '#build/vertex.ts';

type Instruction = InstructionOf<'add' | 'copy'>;

/** What is being made: the vertex's inputs and actions, and how it is named. */
interface Draft {
  step: Step;
  instruction: Instruction;
  inputs: number[];
  actions: FileAction[];
  target: string;
  /** The name of the step; its sources have it too. */
  name: string;
}

export function transfer(step: Step, written: Instruction): void {
  const { scope, stage } = step;
  const instruction = expanded(step, written);
  const target = targetOf(stage.cwd, instruction.target);
  checkMode(instruction.chmod);
  checkChecksum(instruction);
  const shown = shownCommand(instruction.code, stage.env, { token: scope.token });
  const platform = stage.platform ?? scope.platform;
  const { showPlatform } = scope;
  const naming = { stage, platform, env: stage.env, showPlatform, isOnbuild: step.command.isOnbuild };
  const name = stepName(naming, shown);
  const isLink = instruction.link && instruction.chmod === '';
  const base = isLink ? scratchVertex(scope.graph, platform) : stage.tree;
  const draft: Draft = { step, instruction, inputs: [base], actions: [], target, name };
  for (const source of instruction.sources) addSource(draft, source);
  for (const content of instruction.contents) addDocument(draft, content);
  const about = {
    command: shown,
    ...(stage.label === '' ? {} : { stage: stage.label }),
    ...asPlaces(instruction.place),
    platform,
    ...(stage.ignoreCache ? { ignoreCache: true } : {}),
  };
  const { inputs, actions } = draft;
  const made = scope.graph.add({ op: 'file', ...about, name, inputs, actions });
  stage.tree = isLink
    ? scope.graph.add({ op: 'merge', ...about, name: linkName(name, shown), inputs: [stage.tree, made] })
    : made;
  addHistory(stage.image, `${historyOf(instruction)} # buildkit`, { layer: true, epoch: scope.epoch });
}

function linkName(name: string, shown: string): string {
  return `${name.slice(0, name.length - shown.length)}LINK ${shown}`;
}

function expanded(step: Step, instruction: Instruction): Instruction {
  return {
    ...instruction,
    chown: step.expand(instruction.chown),
    chmod: step.expand(instruction.chmod),
    checksum: step.expand(instruction.checksum),
    sources: instruction.sources.map(step.expand),
    target: step.expand(instruction.target),
    contents: instruction.contents.map((content) =>
      content.expand ? { ...content, data: step.expandText(content.data) } : content,
    ),
  };
}

/** Absolute; a slash or `/.` at the end stays, for it says that the target is a directory. */
function targetOf(cwd: string, written: string): string {
  if (written.startsWith('/')) return written;
  const path = written === '.' || written === '' ? './' : written;
  const joined = posix.join('/', cwd, path).replace(/(?<=.)\/$/, '');
  if (path.endsWith('/')) return joined.endsWith('/') ? joined : `${joined}/`;
  if (path.endsWith('/.')) return joined === '/' ? '/.' : `${joined}/.`;
  return joined;
}

/** chmod(1)'s symbols, as dchapes/mode reads them. */
const SYMBOLIC = /^[ugoa]*(?:[-+=](?:[rwxXst]*|[ugo]))+(?:,[ugoa]*(?:[-+=](?:[rwxXst]*|[ugo]))+)*$/;

function checkMode(chmod: string): void {
  if (chmod === '' || SYMBOLIC.test(chmod)) return;
  if (/^[0-7]+$/.test(chmod) && Number.parseInt(chmod, 8) <= 0o7777) return;
  if (/^[0-9]/.test(chmod)) {
    throw wrong(`invalid chmod parameter: '${chmod}'. it should be octal string and between 0 and 07777`, chmod);
  }
  throw wrong('invalid syntax', chmod);
}

function checkChecksum({ kind, checksum, sources }: Instruction): void {
  if (checksum === '') return;
  if (kind === 'copy') throw wrong("checksum can't be specified for COPY");
  if (sources.length !== 1) throw wrong("checksum can't be specified for multiple sources");
  const [source = ''] = sources;
  if (!isWeb(source) && gitOf(source) === undefined) throw wrong('checksum requires HTTP(S) or Git sources');
}

const isWeb = (source: string) => source.startsWith('http://') || source.startsWith('https://');

/** What could be a path of the context is one. */
function gitOf(source: string): GitAddress | undefined {
  return source.startsWith('github.com/') ? undefined : parseGitAddress(source);
}

function addSource(draft: Draft, source: string): void {
  const git = gitOf(source);
  if (git !== undefined) addRepository(draft, git);
  else if (isWeb(source)) addPage(draft, source);
  else addFiles(draft, source);
}

/** What all copies of the instruction have. */
function copyOf({ instruction, target }: Draft, about: Pick<CopyAction, 'from' | 'source'>): CopyAction {
  const { chown, chmod, exclude } = instruction;
  return {
    action: 'copy',
    ...about,
    target,
    ...(chown === '' ? {} : { owner: chown }),
    ...(chmod === '' ? {} : { mode: chmod }),
    exclude,
    unpack: false,
    wildcard: false,
    allowEmpty: false,
    followLinks: false,
    contentsOnly: false,
    createTarget: true,
  };
}

function addRepository(draft: Draft, git: GitAddress): void {
  const { instruction, step, inputs, actions } = draft;
  if (instruction.kind === 'copy') throw wrong("source can't be a git ref for COPY");
  const { keepGitDir = git.keepGitDir, checksum } = instruction;
  if (git.keepGitDir !== undefined && keepGitDir !== git.keepGitDir) {
    throw wrong('inconsistent keep-git-dir configuration');
  }
  if (checksum !== '' && git.checksum !== undefined && checksum !== git.checksum) {
    throw wrong(`checksum mismatch ${quote(checksum)} != ${quote(git.checksum)}`);
  }
  const wanted = checksum || git.checksum;
  const reference = {
    ...git,
    ...(keepGitDir === undefined ? {} : { keepGitDir }),
    ...(wanted === undefined ? {} : { checksum: wanted }),
  };
  const { graph, request } = step.scope;
  inputs.push(graph.add({ ...gitStep(reference), name: draft.name, inputs: [], platform: request.buildPlatform }));
  actions.push({ ...copyOf(draft, { from: inputs.length - 1, source: '/' }), contentsOnly: true });
}

function addPage(draft: Draft, url: string): void {
  const { instruction, step, inputs, actions, name } = draft;
  if (instruction.kind === 'copy') throw wrong("source can't be a URL for COPY", url);
  const filename = nameOfPage(url);
  const { graph, request } = step.scope;
  const checksum = instruction.checksum === '' ? {} : { checksum: checkedDigest(instruction.checksum) };
  inputs.push(graph.add({ op: 'http', url, ...checksum, filename, name, inputs: [], platform: request.buildPlatform }));
  const copy = copyOf(draft, { from: inputs.length - 1, source: `/${filename}` });
  actions.push({ ...copy, unpack: instruction.unpack ?? false });
}

function nameOfPage(url: string): string {
  const path = URL.canParse(url) ? unescaped(new URL(url).pathname) : '';
  return posix.basename(path) || '__unnamed__';
}

const DIGITS: Readonly<Record<string, number>> = { sha256: 64, sha384: 96, sha512: 128 };

function checkedDigest(text: string): string {
  const [algorithm = '', digits = ''] = text.split(/:(.*)/s);
  if (!/^[A-Za-z0-9]+(?:[.+_-][A-Za-z0-9]+)*:[0-9a-fA-F]+$/.test(text)) throw wrong('invalid checksum digest format');
  const length = DIGITS[algorithm];
  if (length === undefined) throw wrong('unsupported digest algorithm');
  if (digits.length !== length) throw wrong('invalid checksum digest length');
  if (!/^[0-9a-f]+$/.test(digits)) throw wrong('invalid checksum digest format');
  return text;
}

function addFiles(draft: Draft, written: string): void {
  const { instruction, step, inputs, actions } = draft;
  const { kind, parents, unpack = kind === 'add' } = instruction;
  const pivot = parents ? splitAtPivot(written) : undefined;
  inputs.push(sourceVertex(draft, posix.join('/', written)));
  if (step.command.sources.length === 0) noteIgnored(draft, written);
  actions.push({
    ...copyOf(draft, { from: inputs.length - 1, source: absolute(pivot?.root ?? written) }),
    ...(pivot === undefined ? {} : { include: [absolute(pivot.pattern).slice(1)] }),
    unpack,
    wildcard: true,
    allowEmpty: pivot === undefined || /[*?[]/.test(written),
    followLinks: true,
    contentsOnly: true,
  });
}

/** With --parents, what stands behind `/./` keeps its path. */
function splitAtPivot(written: string): { root: string; pattern: string } {
  const at = written.indexOf('/./');
  return at < 0 ? { root: '/', pattern: written } : { root: written.slice(0, at), pattern: written.slice(at + 3) };
}

function absolute(path: string): string {
  return path.startsWith('/') ? path : posix.join('/', path).replace(/(?<=.)\/$/, '');
}

function sourceVertex({ instruction, step }: Draft, path: string): number {
  const { scope, stage, command } = step;
  const [source] = command.sources;
  if (source === undefined) {
    askContext(scope, '', path);
    return contextVertex(scope, '');
  }
  if (!source.isDispatched) {
    const why = `it needs to be defined before current stage ${quote(stage.label)}`;
    throw wrong(`cannot copy from stage ${quote(instruction.from)}, ${why}`, instruction.from);
  }
  source.paths.add(path);
  return source.tree;
}

function noteIgnored({ instruction, step }: Draft, path: string): void {
  if (step.scope.request.isIgnored?.(path) !== true) return;
  const verb = instruction.kind === 'add' ? 'Add' : 'Copy';
  const detail = `Attempting to ${verb} file ${quote(path)} that is excluded by .dockerignore`;
  step.linter.note('CopyIgnoredFile', instruction.place, detail);
}

function addDocument(draft: Draft, { name, data }: Instruction['contents'][number]): void {
  const { step, inputs, actions } = draft;
  inputs.push(documentVertex(step, { name, data, mode: 0o644 }));
  actions.push(copyOf(draft, { from: inputs.length - 1, source: posix.join('/', name) }));
}

function historyOf({ kind, parents, chown, chmod, sources, contents, target }: Instruction): string {
  return [
    kind.toUpperCase(),
    ...(parents ? ['--parents'] : []),
    ...(chown === '' ? [] : [`--chown=${chown}`]),
    ...(chmod === '' ? [] : [`--chmod=${chmod}`]),
    ...sources,
    ...contents.map(({ name }) => `<<${name}`),
    target,
  ].join(' ');
}
