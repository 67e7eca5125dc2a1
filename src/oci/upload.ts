/**
 * One blob's way into a registry (distribution-spec, "Pushing blobs"): in one request; in pieces where the registry takes
 * no whole ones; taken up where it broke.
 */
import { WherryError } from '#base/error.ts';
import { type Answer, isTransient, pause, pauseAfter, readBody } from '#oci/http.ts';
import { MAX_DOCUMENT } from '#oci/manifest.ts';
import { cancelUpload, checkDigest, emptyPost, nextAddress, pushScope, refusedPush } from '#oci/push.ts';
import type { Reference } from '#oci/reference.ts';
import { type Registry, said } from '#oci/registry.ts';

/** What is uploaded. */
export interface UploadSource {
  digest: string;
  /** In bytes. */
  size: number;
  /** Its bytes from `start` to before `end`; called anew for each try. */
  open(start: number, end: number): AsyncIterable<Uint8Array>;
}

export interface UploadOptions {
  /** An upload that is begun already (a mount that the registry could not do). */
  session?: URL | undefined;
  /** Is told how many bytes have left; goes back when they have to go again. */
  sent?: (bytes: number) => void;
}

/** So many failures in a row, without one new byte at the registry between them, end an upload; and so many at all. */
const MAX_FAILURES = 5;
const MAX_FAILURES_AT_ALL = 100;
/** Pieces for registries that take no whole blobs; smaller ones where a proxy refuses these. */
const PIECE = 64 * 1024 * 1024;
const LEAST_PIECE = 1024 * 1024;
/** A registry may read a large blob once more, or move it to its storage, before it answers. */
const PATIENCE = 15 * 60_000;

/**
 * Uploads a blob; when this returns, the repository has it.
 * Throws Docker's errors: kind `denied` and `unavailable` from the registry, `corrupt` when it has got another content.
 */
export async function uploadBlob(
  registry: Registry,
  reference: Reference,
  source: UploadSource,
  options: UploadOptions = {},
): Promise<void> {
  const upload: Upload = {
    registry,
    reference,
    source,
    sent: options.sent ?? (() => undefined),
    session: options.session,
    offset: 0,
    piece: undefined,
    failures: 0,
    all: 0,
    wasInvalid: false,
  };
  try {
    for (let isDone = false; !isDone; ) isDone = await attempt(upload);
  } catch (error) {
    registry.http.abort?.throwIfAborted();
    if (upload.session !== undefined) await cancelUpload(registry, reference, upload.session);
    throw error;
  }
}

interface Upload {
  readonly registry: Registry;
  readonly reference: Reference;
  readonly source: UploadSource;
  readonly sent: (bytes: number) => void;
  /** Where it goes on; undefined: nothing is begun. */
  session: URL | undefined;
  /** Bytes that the registry has. */
  offset: number;
  /** Bytes in one request; undefined as long as the whole is tried at once. */
  piece: number | undefined;
  /** Since the last progress, and at all. */
  failures: number;
  all: number;
  /** Has the registry said once that the content has another digest? */
  wasInvalid: boolean;
}

/** One step, and what follows from its failure. True when the blob is there. */
async function attempt(upload: Upload): Promise<boolean> {
  const { registry } = upload;
  try {
    return await step(upload);
  } catch (error) {
    registry.http.abort?.throwIfAborted();
    const next = decide(error, upload);
    upload.failures += 1;
    upload.all += 1;
    if (next === undefined || upload.failures >= MAX_FAILURES || upload.all >= MAX_FAILURES_AT_ALL) {
      throw error instanceof Refused ? error.reason : error;
    }
    await pause(next.wait, registry.http.abort);
    await recover(upload, next);
    return false;
  }
}

/** An answer that is no success. */
class Refused extends Error {
  readonly answer: Answer;
  readonly reason: WherryError;
  readonly code: string;

  constructor(answer: Answer, body: Buffer) {
    super('refused');
    this.answer = answer;
    this.reason = refusedPush(answer, body);
    this.code = said(body, answer.statusCode).code;
  }
}

async function step(upload: Upload): Promise<boolean> {
  const { source, piece } = upload;
  const session = upload.session ?? (await begin(upload));
  upload.session = session;
  if (piece === undefined && upload.offset === 0) {
    await finish(upload, session, 0);
    return true;
  }
  if (upload.offset < source.size) {
    await sendPiece(upload, session);
    return false;
  }
  await finish(upload, session, source.size);
  return true;
}

async function begin(upload: Upload): Promise<URL> {
  const { registry, reference } = upload;
  const there = registry.at(reference);
  const answer = await registry.ask(`${there.path}/blobs/uploads/`, pushScope(there), emptyPost);
  await expectStatus(answer, 202);
  // The registry's least size of a piece (distribution-spec, "Pushing a blob in chunks").
  const least = Number(answer.headers['oci-chunk-min-length'] ?? 0);
  if (upload.piece !== undefined && least > upload.piece) upload.piece = least;
  upload.offset = 0;
  return nextAddress(registry, answer);
}

/** The last request of an upload, with all that the registry has not got yet: everything, or nothing. */
async function finish(upload: Upload, session: URL, from: number): Promise<void> {
  const { digest, size } = upload.source;
  const url = new URL(session);
  // By hand: searchParams would write the rest anew, and signatures are over the exact text.
  url.search = `${url.search === '' ? '?' : `${url.search}&`}digest=${encodeURIComponent(digest)}`;
  const answer = await send(upload, url, { method: 'PUT', start: from, end: size });
  await expectStatus(answer, 201, 204, 200);
  checkDigest(answer, digest);
}

async function sendPiece(upload: Upload, session: URL): Promise<void> {
  const { registry, source, piece = Number.POSITIVE_INFINITY } = upload;
  const start = upload.offset;
  const end = Math.min(source.size, start + piece);
  const answer = await send(upload, session, { method: 'PATCH', start, end });
  await expectStatus(answer, 202, 204, 201, 200);
  upload.session = answer.headers.location === undefined ? session : nextAddress(registry, answer);
  const has = rangeEnd(answer.headers.range) ?? end;
  if (has <= start || has > end) throw broken(`the registry has ${has} bytes of a blob after ${end} were sent`);
  upload.offset = has;
  upload.failures = 0;
}

interface Piece {
  method: 'PUT' | 'PATCH';
  start: number;
  end: number;
}

async function send(upload: Upload, url: URL, { method, start, end }: Piece): Promise<Answer> {
  const { registry, reference, source, sent } = upload;
  const length = end - start;
  return registry.ask(url, pushScope(registry.at(reference)), {
    method,
    headers: {
      'content-type': 'application/octet-stream',
      'content-length': String(length),
      ...(method === 'PATCH' ? { 'content-range': `${start}-${end - 1}` } : {}),
    },
    ...(length === 0 ? {} : { body: () => counted(source.open(start, end), start, sent) }),
    once: true,
    patience: PATIENCE,
  });
}

async function* counted(bytes: AsyncIterable<Uint8Array>, start: number, sent: (bytes: number) => void) {
  let at = start;
  for await (const chunk of bytes) {
    yield chunk;
    at += chunk.length;
    sent(at);
  }
}

async function expectStatus(answer: Answer, ...wanted: number[]): Promise<void> {
  const body = await readBody(answer, MAX_DOCUMENT);
  if (!wanted.includes(answer.statusCode)) throw new Refused(answer, body);
}

/** `0-1999`: so many bytes are there (distribution-spec has no `bytes=`, some registries do). */
function rangeEnd(header: string | string[] | undefined): number | undefined {
  const match = /^(?:bytes=)?0-([0-9]+)$/.exec(typeof header === 'string' ? header.trim() : '');
  return match?.[1] === undefined ? undefined : Number(match[1]) + 1;
}

function broken(message: string): Error {
  return Object.assign(new Error(message), { code: 'UND_ERR_SOCKET' });
}

/** Registries that take no whole blob say so in many ways. */
const TAKES_NO_WHOLE = new Set([400, 404, 405, 411, 413, 415, 501]);

/** How to go on after a failure. */
interface Decision {
  /** Milliseconds. */
  wait: number;
  /** From where the registry is, if it knows; else from the beginning. */
  resume: boolean;
  /** The size of pieces from now on. */
  piece?: number;
}

/** Undefined where nothing can help. */
function decide(error: unknown, upload: Upload): Decision | undefined {
  // Nothing is begun, although that was tried with patience.
  if (upload.session === undefined) return undefined;
  const { retryDelay } = upload.registry.http;
  const wait = retryDelay * 2 ** upload.failures;
  if (error instanceof Refused) return decideRefused(error, upload, wait);
  const { cause } = error as Error;
  return isTransient(error) || isTransient(cause ?? {}) ? { wait, resume: true } : undefined;
}

function decideRefused({ answer, code }: Refused, upload: Upload, wait: number): Decision | undefined {
  const { statusCode } = answer;
  const { piece, offset } = upload;
  if (code === 'DIGEST_INVALID') {
    // Changed on its way, or damaged in our store: once more, and then it is said.
    const isFirst = !upload.wasInvalid;
    upload.wasInvalid = true;
    return isFirst ? { wait, resume: false } : undefined;
  }
  if (statusCode === 413) return smallerPieces(upload);
  if (piece === undefined && offset === 0 && TAKES_NO_WHOLE.has(statusCode)) {
    return { wait: 0, resume: false, piece: PIECE };
  }
  if (statusCode === 404) return { wait, resume: false };
  if (statusCode === 416) return { wait, resume: true };
  const asked = pauseAfter(answer, upload.failures + 1, upload.registry.http);
  return asked === undefined ? undefined : { wait: asked, resume: true };
}

function smallerPieces({ piece = PIECE, source }: Upload): Decision | undefined {
  const refused = Math.min(piece, source.size);
  if (refused <= LEAST_PIECE) return undefined;
  return { wait: 0, resume: false, piece: Math.max(LEAST_PIECE, Math.floor(refused / 4)) };
}

/** Finds out what the registry has, and goes on from there or begins anew. */
async function recover(upload: Upload, { resume, piece }: Decision): Promise<void> {
  const { registry, reference, session, offset } = upload;
  if (session === undefined) return;
  const has = resume ? await askProgress(upload, session) : undefined;
  if (has === undefined) {
    await cancelUpload(registry, reference, session);
    upload.session = undefined;
  } else if (has > offset) upload.failures = 0;
  upload.offset = has ?? 0;
  upload.piece = piece ?? upload.piece;
  upload.sent(upload.offset);
}

/**
 * How many bytes of an upload the registry has; undefined where it has to be begun anew. `0-0` says one byte or none,
 * so that it is no help.
 */
async function askProgress(upload: Upload, session: URL): Promise<number | undefined> {
  const { registry, reference, source } = upload;
  try {
    const answer = await registry.ask(session, pushScope(registry.at(reference)));
    await answer.body.dump({ limit: 64 * 1024 });
    const has = rangeEnd(answer.headers.range);
    if (![204, 202].includes(answer.statusCode) || has === undefined || has === 1 || has > source.size)
      return undefined;
    if (answer.headers.location !== undefined) upload.session = nextAddress(registry, answer);
    return has;
  } catch (error) {
    registry.http.abort?.throwIfAborted();
    if (error instanceof WherryError && error.kind === 'denied') throw error;
    return undefined;
  }
}
