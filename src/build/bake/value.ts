/** Values of a bake file's expressions, and how they become those that a setting takes (HCL's conversions). */
import { WherryError } from '#base/error.ts';

export type Value = string | number | boolean | null | Value[] | { [key: string]: Value };

export const invalid = (reason: string, hint?: string) =>
  new WherryError('invalid', reason, hint === undefined ? {} : { hint });

export const isList = (value: Value): value is Value[] => Array.isArray(value);
export const isMap = (value: Value): value is { [key: string]: Value } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What a template writes for it. Throws kind `invalid` for what is no single word. */
export function asText(value: Value): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw invalid(`Unsuitable value: string required, not ${kindOf(value)}`);
}

export function asNumber(value: Value): number {
  if (typeof value === 'number') return value;
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : Number.NaN;
  if (!Number.isNaN(number)) return number;
  throw invalid(`Unsuitable value: a number is required, not ${kindOf(value)}`);
}

export function asTruth(value: Value): boolean {
  if (typeof value === 'boolean') return value;
  if (value === 'true' || value === '1') return true;
  if (value === 'false' || value === '0') return false;
  throw invalid(`Unsuitable value: a bool is required, not ${kindOf(value)}`);
}

export function asList(value: Value): Value[] {
  if (isList(value)) return value;
  throw invalid(`Unsuitable value: a list is required, not ${kindOf(value)}`);
}

export function asMap(value: Value): { [key: string]: Value } {
  if (isMap(value)) return value;
  throw invalid(`Unsuitable value: a map is required, not ${kindOf(value)}`);
}

function kindOf(value: Value): string {
  if (value === null) return 'null';
  return isList(value) ? 'a list' : isMap(value) ? 'an object' : `${typeof value} ${JSON.stringify(value)}`;
}

/** HCL's `==`: of the same type and content. */
export function isEqual(one: Value, other: Value): boolean {
  if (isList(one) && isList(other)) {
    return one.length === other.length && one.every((item, at) => isEqual(item, other[at] ?? null));
  }
  if (isMap(one) && isMap(other)) {
    const keys = Object.keys(one);
    return (
      keys.length === Object.keys(other).length && keys.every((key) => isEqual(one[key] ?? null, other[key] ?? null))
    );
  }
  return one === other;
}
