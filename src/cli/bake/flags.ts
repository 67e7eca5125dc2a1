/** The flags of bake, as buildx has them. */
import { BUILD_FLAGS } from '#cli/build/flags.ts';
import type { Flags, Values } from '#cli/command.ts';
import { boolean, listOf, text } from '#cli/values.ts';

const array = listOf('stringArray');

const { builder, call, check, debug, progress, pull } = BUILD_FLAGS;

export const BAKE_FLAGS = {
  allow: { as: array, summary: 'Allow build to access specified resources' },
  builder,
  call,
  check,
  debug,
  file: { short: 'f', as: array, summary: 'Build definition file' },
  list: { as: text, summary: 'List targets or variables' },
  load: { as: boolean, summary: 'Shorthand for "--set=*.output=type=docker". Conditional.' },
  'metadata-file': BUILD_FLAGS['metadata-file'],
  'no-cache': BUILD_FLAGS['no-cache'],
  print: { as: boolean, summary: 'Print the options without building' },
  progress,
  provenance: { as: text, summary: 'Shorthand for "--set=*.attest=type=provenance"' },
  pull,
  push: { as: boolean, summary: 'Shorthand for "--set=*.output=type=registry". Conditional.' },
  sbom: { as: text, summary: 'Shorthand for "--set=*.attest=type=sbom"' },
  set: { as: array, summary: 'Override target value (e.g., "targetpattern.key=value")' },
} as const satisfies Flags;

export type BakeValues = Values<typeof BAKE_FLAGS>;
