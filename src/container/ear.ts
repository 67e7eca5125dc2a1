/** Words to and from a monitor, without the container's streams (attach.ts has those). */
import { closeSync, writeSync } from 'node:fs';
import type { Socket } from 'node:net';
import { hasCode } from '#base/error.ts';
import { controlFrame, frameReader } from '#container/frames.ts';
import { socketPath } from '#container/state.ts';
import type { Store } from '#store/store.ts';
import { connectLocal, readSoon } from '#sys/local-socket.ts';

/** A monitor that is listened to. */
export interface Ear {
  say(word: string): void;
  /** As hear(), of a word that the monitor says at once. */
  answer(...words: string[]): Promise<string[] | undefined>;
  /** Settles with the next word that is one of these, or with undefined when the monitor has gone. */
  hear(...words: string[]): Promise<string[] | undefined>;
  hangUp(): void;
}

/** Milliseconds: a monitor answers in a tenth of one, unless it is stopped or the machine is busy. */
const AT_ONCE = 20;

/** Connects to a monitor for words alone; undefined when there is none. */
export function listenToMonitor(store: Store, id: string): Ear | undefined {
  try {
    return new Line(connectLocal(socketPath(store, id)));
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ECONNREFUSED')) return undefined;
    throw error;
  }
}

class Line implements Ear {
  readonly #fd: number;
  /** What has the descriptor from the first wait on. */
  #socket: Socket | undefined;
  readonly #heard: string[][] = [];
  #gone = false;
  #wake: () => void = () => undefined;

  constructor(fd: number) {
    this.#fd = fd;
  }

  readonly #read = frameReader({
    data: () => undefined,
    control: (text) => void this.#heard.push(text.split(' ')),
  });

  say(word: string): void {
    const frame = controlFrame(word);
    if (this.#socket !== undefined) {
      if (this.#socket.writable) this.#socket.write(frame);
      return;
    }
    if (this.#gone) return;
    try {
      writeSync(this.#fd, frame);
    } catch (error) {
      // It has gone, and what it said before can still be read.
      if (!hasCode(error, 'EPIPE', 'ECONNRESET')) throw error;
    }
  }

  async answer(...words: string[]): Promise<string[] | undefined> {
    while (this.#socket === undefined && !this.#gone) {
      const found = this.#next(words);
      if (found !== undefined) return found;
      const chunk = readSoon(this.#fd, AT_ONCE);
      if (chunk === undefined) break;
      if (chunk.length === 0) this.hangUp();
      else this.#read(chunk);
    }
    return this.hear(...words);
  }

  async hear(...words: string[]): Promise<string[] | undefined> {
    for (;;) {
      const found = this.#next(words);
      if (found !== undefined || this.#gone) return found;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await this.#listen();
      await promise;
    }
  }

  hangUp(): void {
    if (this.#socket === undefined && !this.#gone) closeSync(this.#fd);
    this.#gone = true;
    this.#socket?.destroy();
    this.#wake();
  }

  #next(words: readonly string[]): string[] | undefined {
    for (let next = this.#heard.shift(); next !== undefined; next = this.#heard.shift()) {
      if (words.includes(next[0] ?? '')) return next;
    }
    return undefined;
  }

  async #listen(): Promise<void> {
    if (this.#socket !== undefined) return;
    const { Socket } = await import('node:net');
    if (this.#gone || this.#socket !== undefined) return;
    this.#socket = new Socket({ fd: this.#fd });
    this.#socket.on('data', (chunk: Buffer) => {
      this.#read(chunk);
      this.#wake();
    });
    // What goes wrong is told by `close`.
    this.#socket.on('error', () => undefined);
    this.#socket.once('close', () => this.hangUp());
  }
}
