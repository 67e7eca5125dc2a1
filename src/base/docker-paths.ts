/** Where Docker's client has its configuration and its engine, by what the environment says; nothing is looked at. */
import { homedir } from 'node:os';
import { join } from 'node:path';

type Environment = Readonly<Record<string, string | undefined>>;

/** The client's own folder: $DOCKER_CONFIG, where --config puts its value, else ~/.docker. */
export const configFolder = (env: Environment): string => env.DOCKER_CONFIG || join(env.HOME || homedir(), '.docker');

/** Its config.json, whether it is there or not. */
export const configPath = (env: Environment): string => join(configFolder(env), 'config.json');

/** The engine's socket, whether it is there or not: where DOCKER_HOST names one, that. */
export function socketPath(env: Environment): string {
  return /^unix:\/\/(.+)/.exec(env.DOCKER_HOST ?? '')?.[1] ?? '/var/run/docker.sock';
}
