/** The terminal that a command sits at: raw mode, its size, and the signals that are for the container. */
import { readFileSync } from 'node:fs';
import { isTerminal } from '#cli/output.ts';

/**
 * Turns the terminal of standard input raw: keys go through as they are. The result turns it back; it is also turned
 * back at the process's end, whatever the reason (Node does that for SIGINT and SIGTERM, too).
 */
export function rawMode(): () => void {
  const { stdin } = process;
  if (!stdin.isTTY || stdin.isRaw) return () => undefined;
  stdin.setRawMode(true);
  const restore = () => {
    process.off('exit', restore);
    stdin.setRawMode(false);
  };
  process.on('exit', restore);
  return restore;
}

/** Is standard input a terminal that gives its keys to us? A job in the background is stopped where it asks for them. */
export function isInForeground(): boolean {
  if (!isTerminal(0)) return false;
  // Behind the program's name: state, ppid, pgrp, session, tty, tpgid (proc_pid_stat(5)).
  const [, , group, , , foreground] = readFileSync('/proc/self/stat', 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  return group === foreground;
}

/** Standard output, or error where output is no terminal. */
function terminal(): NodeJS.WriteStream | undefined {
  return [process.stdout, process.stderr].find((stream) => stream.isTTY);
}

/** Rows and columns of the terminal; [0, 0] where there is none, as Docker's API says "unknown". */
export function windowSize(fd?: 1 | 2): [rows: number, columns: number] {
  const stream = fd === undefined ? terminal() : fd === 1 ? process.stdout : process.stderr;
  if (!stream?.isTTY) return [0, 0];
  const [columns, rows] = stream.getWindowSize();
  return [rows, columns];
}

/** Calls back after the terminal's size has changed; the result ends that. */
export function onResize(callback: () => void): () => void {
  const stream = terminal();
  stream?.on('resize', callback);
  return () => stream?.off('resize', callback);
}

/**
 * What docker run --sig-proxy forwards, but for what means our own process alone: CHLD, PIPE, URG and WINCH (the size
 * is told otherwise), TTIN and TTOU (handled, they make a terminal call of a background process spin), and the faults
 * SEGV, BUS, FPE, ILL and TRAP. Node has no names for real-time signals.
 */
const FORWARDED = [
  'SIGHUP',
  'SIGINT',
  'SIGQUIT',
  'SIGABRT',
  'SIGUSR1',
  'SIGUSR2',
  'SIGALRM',
  'SIGTERM',
  'SIGSTKFLT',
  'SIGCONT',
  'SIGTSTP',
  'SIGXCPU',
  'SIGXFSZ',
  'SIGVTALRM',
  'SIGPROF',
  'SIGIO',
  'SIGPWR',
  'SIGSYS',
] as const satisfies readonly NodeJS.Signals[];

/** Takes over the signals that are for the container and hands each to `send`, by name; the result gives them back. */
export function forwardSignals(send: (signal: NodeJS.Signals) => void): () => void {
  for (const signal of FORWARDED) process.on(signal, send);
  return () => {
    for (const signal of FORWARDED) process.off(signal, send);
  };
}
