/** Commands of buildx that speak to a BuildKit daemon or to Docker Desktop: known, so that why there are none is said. */
import { WherryError } from '#base/error.ts';
import { BUILDER_FLAG, inBuildx } from '#cli/buildx/buildx.ts';
import { command } from '#cli/command.ts';
import { boolean, listOf, text } from '#cli/values.ts';

const DESKTOP = 'that is a program of its own, which reads the records of a BuildKit daemon';
const RECORDS = 'See "buildx history inspect" and "buildx history logs"';

const FORMS = {
  'dial-stdio': {
    usage: '',
    summary: 'Proxy current stdio streams to builder instance',
    reason: 'Cannot connect to a BuildKit daemon: builds run in the command itself, without one',
    hint: 'Use "buildx build"',
  },
  'history export': {
    usage: '[REF...]',
    summary: 'Export build records into Docker Desktop bundle',
    reason: `Cannot export build records for Docker Desktop: ${DESKTOP}`,
    hint: RECORDS,
  },
  'history import': {
    usage: '-',
    summary: 'Import build records into Docker Desktop',
    reason: `Cannot import build records into Docker Desktop: ${DESKTOP}`,
    hint: RECORDS,
  },
  'history open': {
    usage: '[REF]',
    summary: 'Open a build record in Docker Desktop',
    reason: `Cannot open a build record in Docker Desktop: ${DESKTOP}`,
    hint: RECORDS,
  },
  'history trace': {
    usage: '[REF]',
    summary: 'Show the OpenTelemetry trace of a build record',
    reason: 'Cannot show the OpenTelemetry trace of a build: none is recorded',
    hint: RECORDS,
  },
};

/** The definition of one of them. */
export const refused = (name: keyof typeof FORMS) => {
  const { usage, summary, reason, hint } = FORMS[name];
  return command({
    usage,
    summary,
    flags: {
      ...BUILDER_FLAG,
      addr: { as: text, summary: 'Address to bind the UI server', hidden: true },
      all: { as: boolean, summary: 'Export all build records for the builder', hidden: true },
      compare: { as: text, summary: 'Compare with another build record', hidden: true },
      file: { short: 'f', as: listOf('stringArray'), summary: 'Import from a file path', hidden: true },
      finalize: { as: boolean, summary: 'Ensure build records are finalized before exporting', hidden: true },
      output: { short: 'o', as: text, summary: 'Output file path', hidden: true },
      platform: { as: text, summary: 'Target platform', hidden: true },
      progress: { as: text, summary: 'Set type of progress output', hidden: true },
    },
    store: false,
    hidden: true,
    run: (context) =>
      inBuildx(context, () => {
        throw new WherryError('unsupported', reason, { hint });
      }),
  });
};
