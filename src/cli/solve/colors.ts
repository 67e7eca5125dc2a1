/** The colours of a build's lines on a terminal: BuildKit's, or those of BUILDKIT_COLORS; none with NO_COLOR. */

export interface Colors {
  run: string;
  cancel: string;
  error: string;
  warning: string;
}

type Role = keyof Colors;

const NAMED: Record<string, string> = {
  black: '30',
  red: '31',
  green: '32',
  yellow: '33',
  blue: '34',
  magenta: '35',
  cyan: '36',
  white: '37',
};
const DEFAULTS: Colors = {
  run: NAMED.blue ?? '',
  cancel: NAMED.yellow ?? '',
  error: NAMED.red ?? '',
  warning: NAMED.yellow ?? '',
};
const NONE: Colors = { run: '', cancel: '', error: '', warning: '' };

/** The numbers for SGR sequences; '' for what has no colour. `run=green:error=200,0,0` changes some of them. */
export function buildColors(env: NodeJS.ProcessEnv = process.env): Colors {
  if (env.NO_COLOR) return NONE;
  const colors = { ...DEFAULTS };
  for (const field of (env.BUILDKIT_COLORS ?? '').split(':')) {
    const [role = '', value = ''] = field.split('=');
    const sequence = sequenceOf(value);
    if (role in colors && sequence !== undefined) colors[role as Role] = sequence;
  }
  return colors;
}

function sequenceOf(value: string): string | undefined {
  if (/^\d{1,3}(?:,\d{1,3}){2}$/.test(value)) {
    const parts = value.split(',').map(Number);
    return parts.every((part) => part < 256) ? `38;2;${parts.join(';')}` : undefined;
  }
  return NAMED[value.replace('light-', '')];
}

export function painted(text: string, color: string): string {
  return color === '' ? text : `\x1b[${color}m${text}\x1b[0m`;
}
