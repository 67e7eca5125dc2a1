/** Foreign documents, and the types that their fields must have. Null is as good as absent, as Go's decoder takes it. */
import { WherryError } from '#base/error.ts';

type Check = (value: unknown) => boolean;

export type Json = Record<string, unknown>;

export const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Reads one. what: it by name, for the error, which is of kind `corrupt`. */
export function parsedObject(bytes: Buffer, what?: string): Json {
  const wrong = (why: string, cause?: unknown) =>
    new WherryError('corrupt', what === undefined ? why : `Cannot read ${what}: ${why}`, { cause });
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString());
  } catch (cause) {
    throw wrong('it is not valid JSON', cause);
  }
  if (isObject(json)) return json;
  throw wrong('it is not a JSON object');
}

/** Foreign text for a message: one line, nothing for the terminal, and not the whole of it. */
export function brief(value: unknown, length = 100): string {
  const text = typeof value === 'object' && value !== null ? 'no text and no number' : String(value);
  return text.slice(0, length).replace(/\p{C}/gu, '?');
}

const or =
  (check: Check): Check =>
  (value) =>
    value === undefined || value === null || check(value);
const isText: Check = (value) => typeof value === 'string';
const text: Check = or(isText);
const flag: Check = or((value) => typeof value === 'boolean');
const number: Check = or((value) => typeof value === 'number');
const list = (check: Check): Check => or((value) => Array.isArray(value) && value.every(check));
const map = (check: Check): Check => or((value) => isObject(value) && Object.values(value).every(check));
const shaped =
  (fields: Record<string, Check>): Check =>
  (value) =>
    isObject(value) && malformedField(value, fields) === undefined;

/** The first field that is of another type than its own; fields that the table does not name are free. */
export function malformedField(json: Json, fields: Record<string, Check>): string | undefined {
  return Object.keys(fields).find((key) => fields[key]?.(json[key]) === false);
}

const texts = list(isText);
const anyMap = map(or(isObject));

/** image-spec, manifest.md and image-index.md: what is not checked one by one. */
export const DOCUMENT = { mediaType: text, artifactType: text, annotations: map(isText) };

/** image-spec, descriptor.md: what is not checked one by one. */
export const DESCRIPTOR = {
  annotations: map(isText),
  artifactType: text,
  data: text,
  urls: texts,
  platform: or(shaped({ os: text, architecture: text, variant: text, 'os.version': text, 'os.features': texts })),
};

/** image-spec, config.md. */
export const CONFIG = {
  os: text,
  architecture: text,
  variant: text,
  'os.version': text,
  'os.features': texts,
  created: text,
  author: text,
  docker_version: text,
  history: list(shaped({ created: text, created_by: text, author: text, comment: text, empty_layer: flag })),
  config: or(isObject),
};

/** The same, of the containers; with Docker's additions. */
export const DEFAULTS = {
  User: text,
  ExposedPorts: anyMap,
  Env: texts,
  Entrypoint: texts,
  Cmd: texts,
  Volumes: anyMap,
  WorkingDir: text,
  Labels: map(isText),
  StopSignal: text,
  ArgsEscaped: flag,
  Healthcheck: or(
    shaped({
      Test: texts,
      Interval: number,
      Timeout: number,
      StartPeriod: number,
      StartInterval: number,
      Retries: number,
    }),
  ),
  OnBuild: texts,
  Shell: texts,
};
