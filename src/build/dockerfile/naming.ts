/** How BuildKit names steps: `[linux/arm64 build 2/5] RUN make`. */
import { WherryError } from '#base/error.ts';
import { formatPlatform } from '#base/platform.ts';
import type { Stage } from '#build/dockerfile/stage.ts';
import { type Environment, type LexOptions, lex } from '#build/dockerfile/words.ts';
import type { Platform } from '#oci/manifest.ts';
import { normalize, parsePlatform } from '#oci/platform.ts';

export interface Naming {
  stage: Stage;
  platform: Platform;
  env: Environment;
  /** Several platforms are built: each step says which. */
  showPlatform: boolean;
  isOnbuild: boolean;
}

/** Counts the step, and names it. */
export function stepName({ stage, platform, env, showPlatform, isOnbuild }: Naming, text: string): string {
  const { steps, label } = stage;
  if (steps.total === 0) return text;
  steps.done += 1;
  const width = Math.floor(1 + Math.log10(steps.total));
  const about = showPlatform ? `${allOf(platform)}${crossed(platform, targetOf(env))} ` : '';
  const number = `${String(steps.done).padStart(width)}/${steps.total}`;
  return `[${about}${label === '' ? '' : `${label} `}${number}] ${isOnbuild ? 'ONBUILD ' : ''}${text}`;
}

/** An instruction as it is shown: its name in capitals, variables put in. */
export function shownCommand(code: string, env: Environment, options: LexOptions): string {
  const text = expanded(code, env, options);
  const space = text.indexOf(' ');
  return space < 0 ? text.toUpperCase() : text.slice(0, space).toUpperCase() + text.slice(space);
}

function expanded(code: string, env: Environment, options: LexOptions): string {
  try {
    return lex(code, env, options).text;
  } catch (error) {
    if (error instanceof WherryError) return code;
    throw error;
  }
}

/** containerd's FormatAll: the version of the system stands beside it. */
export function allOf(platform: Platform): string {
  const version = platform['os.version'];
  if (version === undefined || version === '') return formatPlatform(platform);
  const { os, architecture, variant } = platform;
  return [`${os}(${version})`, architecture, ...(variant ? [variant] : [])].join('/');
}

function targetOf(env: Environment): Platform | undefined {
  const target = { os: '', architecture: '', variant: '' };
  let isSet = false;
  for (const key of env.keys()) {
    const value = env.get(key) ?? '';
    if (key === 'TARGETPLATFORM') {
      try {
        return parsePlatform(value);
      } catch (error) {
        if (!(error instanceof WherryError)) throw error;
      }
    }
    const field = FIELDS[key];
    if (field === undefined) continue;
    target[field] = value;
    isSet = true;
  }
  return isSet ? target : undefined;
}

const FIELDS: Readonly<Record<string, 'os' | 'architecture' | 'variant'>> = {
  TARGETOS: 'os',
  TARGETARCH: 'architecture',
  TARGETVARIANT: 'variant',
};

/** `->arm64`, where a step on one platform works for another. */
function crossed(base: Platform, target: Platform | undefined): string {
  if (target === undefined) return '';
  const { os, architecture, variant } = normalize({
    os: target.os || base.os,
    architecture: target.architecture || base.architecture,
    ...(target.variant ? { variant: target.variant } : {}),
  });
  if (os !== base.os) return `->${formatPlatform({ os, architecture, ...(variant ? { variant } : {}) })}`;
  if (architecture === base.architecture) return '';
  return `->${architecture}${variant ? `/${variant}` : ''}`;
}
